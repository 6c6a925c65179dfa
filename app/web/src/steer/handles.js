// Buttons that lie over places of the scene: dragged by mouse and finger, nudged by arrow keys.

import { Vector3 } from "three";

const STILL = 4; // px that a press may wander and still be a click
const WORDS = { width: 56, height: 20 }; // px that the words above a handle take
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Handles {
  // `layer` covers the stage; `gesture(true | false)` around a drag
  constructor(layer, stage, gesture) {
    Object.assign(this, { layer, stage, gesture });
    this.buttons = new Map(); // id -> button
  }

  // Items are {id, at() -> Vector3, kind, label, text, hint, chosen, passed, state, choose(), drag(event), nudge(x, y), remove()}.
  show(items) {
    const ids = new Set(items.map(({ id }) => id));
    for (const [id, button] of this.buttons) {
      if (ids.has(id)) continue;
      button.remove();
      this.buttons.delete(id);
    }
    for (const item of items) {
      const button = this.buttons.get(item.id) ?? this.make(item.id);
      button.item = item;
      button.dataset.kind = item.kind;
      button.dataset.state = item.state ?? "";
      button.dataset.passed = String(Boolean(item.passed));
      button.setAttribute("aria-label", item.label);
      button.setAttribute("aria-pressed", String(Boolean(item.chosen)));
      button.firstElementChild.textContent = item.text ?? "";
      button.title = item.hint ?? "";
    }
    this.place();
  }

  // Where the camera sees them; behind it they are hidden.
  place() {
    const { clientWidth, clientHeight } = this.layer;
    const { camera } = this.stage;
    camera.updateMatrixWorld();
    const told = []; // places of words that are shown
    for (const button of [...this.buttons.values()].sort((a, b) => chosenFirst(a.item, b.item))) {
      const { item, style } = button;
      const seen = item.at().project(camera);
      const [x, y] = [((seen.x + 1) / 2) * clientWidth, ((1 - seen.y) / 2) * clientHeight];
      style.display = seen.z > 1 ? "none" : "";
      style.left = `${x}px`;
      style.top = `${y}px`;
      const free = item.text && !told.some(([a, b]) => Math.abs(a - x) < WORDS.width && Math.abs(b - y) < WORDS.height);
      if (free) told.push([x, y]);
      button.firstElementChild.style.opacity = free ? "" : "0";
    }
  }

  make(id) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "ls-spot";
    button.append(document.createElement("span"));
    this.buttons.set(id, button);
    this.layer.append(button);
    let from = null;
    let moved = false;
    button.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      button.setPointerCapture(event.pointerId);
      from = [event.clientX, event.clientY];
      moved = false;
    });
    button.addEventListener("pointermove", (event) => {
      if (!from) return;
      if (!moved && Math.hypot(event.clientX - from[0], event.clientY - from[1]) < STILL) return;
      if (!moved) this.gesture(true);
      moved = true;
      button.item.drag?.(event);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      button.addEventListener(end, () => {
        from = null;
        if (moved) this.gesture(false);
      });
    }
    button.addEventListener("click", () => moved || button.item.choose?.());
    button.addEventListener("keydown", (event) => this.key(event, button.item));
    return button;
  }

  key(event, item) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = ARROWS[event.key];
    const pace = event.shiftKey ? 5 : 1;
    if (step) item.nudge?.(step[0] * pace, step[1] * pace);
    else if (event.key === "Delete" || event.key === "Backspace") item.remove?.();
    else return;
    event.preventDefault();
  }
}

function chosenFirst(a, b) {
  return Boolean(b.chosen) - Boolean(a.chosen);
}

// Where a pointer touches the plane through `at` that faces `normal`; null beyond the horizon.
export function pick(event, stage, at, normal) {
  const box = stage.canvas.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * 2 - 1;
  const y = 1 - ((event.clientY - box.top) / box.height) * 2;
  const { camera } = stage;
  const way = new Vector3(x, y, 0.5).unproject(camera).sub(camera.position).normalize();
  const steep = way.dot(normal);
  const far = at.clone().sub(camera.position).dot(normal) / steep;
  if (Math.abs(steep) < 1e-4 || !(far > 0 && far < FARTHEST)) return null;
  return camera.position.clone().addScaledVector(way, far);
}

const FARTHEST = 40; // m from the camera

export function pickFloor(event, stage) {
  return pick(event, stage, new Vector3(), new Vector3(0, 1, 0));
}
