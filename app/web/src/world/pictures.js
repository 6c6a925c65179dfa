// The picture, and the one beside it: the real engine's, or a past under other keys.

import { AS_IT_WAS, TRUTH, WHAT_IF } from "../live/constants.js";
import { Screen } from "./screen.js";

const REAL = ["Dream", "Real engine"];
const MOST_BARE = 30; // frames without the real engine's before its place is taken away

export class Pictures {
  // `drawn(frame, now)` after a frame of the dream, or of its past, came to the screen; `beside(frame)` for the other one
  constructor(root, { drawn, beside }) {
    this.root = root;
    const [left, right] = root.querySelectorAll(".lw-canvas");
    this.left = new Screen(left, (frame, now) => {
      if (this.captions === REAL && ++this.bare > MOST_BARE) this.show(null);
      drawn(frame, now);
    });
    this.right = new Screen(right, (frame) => beside(frame));
    this.captions = null;
    this.bare = 0; // frames since the real engine's last one
    this.instead = ["As it was", "What if"];
  }

  each(what) {
    for (const screen of [this.left, this.right]) what(screen);
  }

  // Whether the past is on the screen.
  get past() {
    return this.captions !== null && this.captions !== REAL;
  }

  showReal(on) {
    this.show(on ? REAL : null);
  }

  // Two pictures with these captions; with none, the dream alone.
  show(captions) {
    this.bare = 0;
    if (captions === this.captions) return;
    this.captions = captions;
    this.root.querySelector(".lw-beside").hidden = !captions;
    this.root.querySelectorAll("figcaption").forEach((caption, i) => {
      caption.hidden = !captions;
      caption.textContent = captions?.[i] ?? "";
    });
    this.root.dataset.beside = String(Boolean(captions));
  }

  receive(frame) {
    if (frame.flags & AS_IT_WAS) this.show(this.instead);
    else if (frame.flags & TRUTH) this.show(REAL);
    else if (this.past && !(frame.flags & WHAT_IF)) this.show(null); // play goes on
    (frame.flags & (TRUTH | WHAT_IF) ? this.right : this.left).receive(frame);
  }
}
