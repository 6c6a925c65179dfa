// The keys as caps beside the picture: outlined while pressed, filled while the picture obeys them.
// They are places on the keyboard; what is printed there is up to its layout.

const PLACES = {
  KeyW: ["left", 1, 2], KeyA: ["left", 2, 1], KeyS: ["left", 2, 2], KeyD: ["left", 2, 3],
  ArrowUp: ["right", 1, 2], ArrowLeft: ["right", 2, 1], ArrowDown: ["right", 2, 2], ArrowRight: ["right", 2, 3],
};
let printed = new Map(); // KeyboardEvent.code -> letter, where a browser tells
const SIGNS = { ArrowUp: "\u2191", ArrowLeft: "\u2190", ArrowDown: "\u2193", ArrowRight: "\u2192" };

export class Caps {
  constructor(root) {
    this.sides = {
      left: root.querySelector(".lw-caps-left"),
      right: root.querySelector(".lw-caps-right"),
    };
    this.caps = [];
    this.shown = "";
  }

  learn(keys) {
    this.keys = keys;
    this.caps = keys.flatMap(({ codes }, bit) => codes.map((code) => ({ bit, code, element: makeCap(code) })));
    for (const side of Object.values(this.sides)) side.replaceChildren();
    let extra = 0;
    for (const { code, element } of this.caps) {
      const [side, row, column] = PLACES[code] ?? ["left", 3, ++extra];
      element.style.gridArea = `${row} / ${column}`;
      this.sides[side].append(element);
    }
    this.shown = "";
  }

  // A key with two caps lights those that are pressed, or its first where something else holds it.
  show(held, mask, obeyed) {
    const state = [...held, mask, obeyed].join();
    if (state === this.shown) return;
    this.shown = state;
    for (const { bit, code, element } of this.caps) {
      const { codes } = this.keys[bit];
      const chosen = codes.some((one) => held.has(one)) ? held.has(code) : code === codes[0];
      element.dataset.held = String(Boolean(chosen && (mask >> bit) & 1));
      element.dataset.obeyed = String(Boolean(chosen && (obeyed >> bit) & 1));
    }
  }
}

// What to hold, in the order the eye finds it: W A S D, then the arrows of the keys that have no letter.
export function summary(keys) {
  const order = Object.keys(PLACES);
  const codes = keys.map(({ codes }) => codes[0]).filter(Boolean);
  const rank = (code) => (order.includes(code) ? order.indexOf(code) : order.length);
  return [...new Set(codes.sort((a, b) => rank(a) - rank(b)).map(nameOf))].join(" ");
}

export function nameOf(code) {
  const letter = code.startsWith("Key") && printed.get(code)?.toUpperCase();
  return SIGNS[code] || letter || code.replace(/^(Key|Digit)/, "");
}

// Ask the browser what is printed on the keys; in a frame of another site it may refuse.
export async function readLayout() {
  printed = (await navigator.keyboard?.getLayoutMap().catch(() => null)) ?? printed;
}

function makeCap(code) {
  const cap = document.createElement("kbd");
  cap.className = "lw-cap";
  cap.textContent = nameOf(code);
  return cap;
}
