// Which part of the take to export, in the form and on the timeline.

import { FPS } from "../live/bounds.js";

export class Range {
  constructor(root, timeline, player) {
    Object.assign(this, { root, timeline, player });
    this.from = root.querySelector("[name=from]");
    this.to = root.querySelector("[name=to]");
    this.rate = root.querySelector("[name=fps]");
    for (const radio of root.querySelectorAll("[name$=-scope]")) {
      radio.addEventListener("change", () => this.switch(radio.value === "range"));
    }
    for (const input of [this.from, this.to]) {
      input.addEventListener("change", () => this.set(this.from.value * FPS, this.to.value * FPS));
    }
  }

  get fps() {
    return Number(this.rate.value);
  }

  // [start, end) in poses of the take; the whole take up to what was shown when no range is chosen.
  get poses() {
    const { take } = this.player;
    return this.timeline.range?.map(Math.round) ?? [take.first, take.end];
  }

  switch(on) {
    const { take } = this.player;
    this.timeline.range = null;
    for (const input of [this.from, this.to]) input.disabled = !on;
    this.root.querySelector(".ls-range").setAttribute("aria-disabled", String(!on));
    if (on) this.set(take.first, take.end);
  }

  set(from, to) {
    const { first, end } = this.player.take;
    const low = Math.min(Math.max(Math.round(from), first), Math.max(end - 1, first));
    const high = Math.min(Math.max(Math.round(to), low + 1), Math.max(end, low + 1));
    this.timeline.range = [low, high];
    this.from.value = (low / FPS).toFixed(2);
    this.to.value = (high / FPS).toFixed(2);
  }

  reset() {
    if (this.timeline.range) this.root.querySelector("[name$=-scope][value=whole]").click();
  }
}
