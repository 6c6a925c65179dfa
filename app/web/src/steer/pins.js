// Key poses on the timeline: pins that are dragged, nudged, chosen and deleted.

import { FPS } from "../live/bounds.js";
import { clock } from "../live/page_view.js";

const STILL = 4; // px

export class Pins {
  // `choose(id)`, `move(id, seconds)`, `remove(id)`; `gesture(true | false)` around a drag
  constructor(timeline, actions) {
    Object.assign(this, { timeline, ...actions });
    this.buttons = new Map();
  }

  // Pins are {id, at, chosen, passed, state, said, hint}.
  show(pins) {
    this.items = pins;
    const ids = new Set(pins.map(({ id }) => id));
    for (const [id, button] of this.buttons) {
      if (ids.has(id)) continue;
      button.remove();
      this.buttons.delete(id);
    }
    for (const { id, at, chosen, passed, state, said, hint } of pins) {
      const button = this.buttons.get(id) ?? this.make(id);
      const told = [clock(at), passed && "passed", said].filter(Boolean).join(", ");
      button.setAttribute("aria-label", `Key pose at ${told}`);
      button.title = [told, hint].filter(Boolean).join("\n");
      button.dataset.passed = String(passed);
      button.setAttribute("aria-pressed", String(Boolean(chosen)));
      button.dataset.state = state ?? "";
    }
  }

  place() {
    if (!this.timeline.player) return;
    for (const { id, at } of this.items ?? []) {
      this.buttons.get(id).style.left = `${this.timeline.x(at * FPS)}px`;
    }
  }

  make(id) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "ls-pin" });
    button.append(document.createElement("i"));
    this.timeline.element.parentElement.append(button);
    this.buttons.set(id, button);
    let from = null;
    let moved = false;
    button.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      button.setPointerCapture(event.pointerId);
      from = event.clientX;
      moved = false;
    });
    button.addEventListener("pointermove", (event) => {
      if (from === null || (!moved && Math.abs(event.clientX - from) < STILL)) return;
      if (!moved) this.gesture(true);
      moved = true;
      this.move(id, this.timeline.pose(event) / FPS);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      button.addEventListener(end, () => {
        from = null;
        if (moved) this.gesture(false);
      });
    }
    button.addEventListener("click", () => moved || this.choose(id));
    button.addEventListener("keydown", (event) => this.key(event, id));
    return button;
  }

  key(event, id) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) this.move(id, this.items.find((pin) => pin.id === id).at + (step * (event.shiftKey ? FPS : 1)) / FPS);
    else if (event.key === "Delete" || event.key === "Backspace") this.remove(id);
    else return;
    event.preventDefault();
  }
}
