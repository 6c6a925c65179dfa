// Two thumbs on glass: a stick to walk (eight ways), buttons for every other key. A mouse may use it too.

import { findWays, leanMask } from "./steering.js";

const DEAD = 0.24; // of the radius: a thumb at rest holds nothing

export class Pad {
  // `press(mask, at)` whenever what the thumbs hold changed
  constructor(element, press) {
    Object.assign(this, { element, press });
    this.stick = element.querySelector(".lw-stick");
    this.knob = element.querySelector(".lw-knob");
    this.row = element.querySelector(".lw-buttons");
    this.ways = {};
    this.thumb = null; // pointer on the stick
    this.lean = 0; // mask of the stick
    this.fingers = new Map(); // pointer on the buttons -> bit
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    this.track(this.stick, (event) => this.push(event), (event) => this.dropStick(event));
    this.track(this.row, (event) => this.touch(event), (event) => this.dropButton(event));
  }

  // Pointers that came down on `element`, wherever they go.
  track(element, move, end) {
    const down = new Set();
    element.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      event.preventDefault(); // the stage keeps the focus
      element.setPointerCapture(event.pointerId);
      down.add(event.pointerId);
      move(event);
    });
    element.addEventListener("pointermove", (event) => down.has(event.pointerId) && move(event));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      element.addEventListener(name, (event) => down.delete(event.pointerId) && end(event));
    }
  }

  learn(keys) {
    this.ways = findWays(keys);
    const walking = new Set(Object.values(this.ways));
    for (const arrow of this.stick.querySelectorAll("[data-way]")) {
      arrow.toggleAttribute("hidden", this.ways[arrow.dataset.way] < 0);
    }
    this.row.replaceChildren(
      ...keys.flatMap((key, bit) => (walking.has(bit) ? [] : [makeButton(key, bit)])),
    );
  }

  push(event) {
    this.thumb ??= event.pointerId;
    if (event.pointerId !== this.thumb) return;
    const box = this.stick.getBoundingClientRect();
    const radius = box.width / 2;
    const x = (event.clientX - box.left) / radius - 1;
    const y = (event.clientY - box.top) / radius - 1;
    const length = Math.hypot(x, y);
    const reach = 0.58 / Math.max(length, 0.58);
    this.knob.style.translate = `${x * reach * radius}px ${y * reach * radius}px`;
    this.lean = leanMask(this.ways, x, y, DEAD);
    this.send(event);
  }

  dropStick(event) {
    if (event.pointerId !== this.thumb) return;
    this.restStick();
    this.send(event);
  }

  // A finger may slide from one button to the next.
  touch(event) {
    const buttons = [...this.row.children];
    const under = buttons.find((button) => {
      const box = button.getBoundingClientRect();
      const inside = event.clientX >= box.left && event.clientX < box.right;
      return inside && event.clientY >= box.top - 24 && event.clientY < box.bottom + 24;
    });
    if (under) this.fingers.set(event.pointerId, Number(under.dataset.bit));
    else this.fingers.delete(event.pointerId);
    this.send(event);
  }

  dropButton(event) {
    this.fingers.delete(event.pointerId);
    this.send(event);
  }

  send(event) {
    let mask = this.lean;
    for (const bit of this.fingers.values()) mask |= 1 << bit;
    this.press(mask, event.timeStamp);
  }

  restStick() {
    this.thumb = null;
    this.lean = 0;
    this.knob.style.translate = "";
  }

  letGo() {
    this.restStick();
    this.fingers.clear();
  }

  // Light what is held and what the newest frame obeyed.
  show(held, obeyed) {
    const light = (part, bit) => {
      part.dataset.held = String(Boolean(bit >= 0 && (held >> bit) & 1));
      part.dataset.obeyed = String(Boolean(bit >= 0 && (obeyed >> bit) & 1));
    };
    for (const arrow of this.stick.querySelectorAll("[data-way]")) light(arrow, this.ways[arrow.dataset.way]);
    for (const button of this.row.children) light(button, Number(button.dataset.bit));
  }
}

const ARROWS = { ArrowLeft: "m12 4.5-5.5 5.5 5.5 5.5", ArrowRight: "m8 4.5 5.5 5.5L8 15.5" };

function makeButton({ name, codes, label }, bit) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "lw-key", tabIndex: -1, title: label });
  button.dataset.bit = bit;
  button.setAttribute("aria-label", label || name);
  const arrow = codes.map((code) => ARROWS[code]).find(Boolean);
  if (arrow) button.innerHTML = `<svg viewBox="0 0 20 20"><path d="${arrow}"/></svg>`;
  const text = document.createElement("span");
  text.textContent = label || name;
  button.append(text);
  return button;
}
