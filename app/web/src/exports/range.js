// Which part of the take to export, and how: in the form, and with two handles on the timeline.

import { AMASS_RATE, FPS, LEAST_PART, MOST_FRAMES } from "../live/bounds.js";
import { LEAST_POSES } from "../live/timeline.js";
import { tellNote } from "./exporter.js";

const BLENDER_RATE = 24; // of its scenes, where nobody changed it

export class Range {
  constructor(root, timeline, player) {
    Object.assign(this, { root, timeline, player });
    const field = (name) => root.querySelector(`[name=${name}]`);
    this.from = field("from");
    this.to = field("to");
    this.fields = ["fps", "convention", "offset"].map(field);
    this.loop = root.querySelector(".ls-card [name=loop]");
    for (const radio of root.querySelectorAll("[name$=-scope]")) {
      radio.addEventListener("change", () => this.switch(radio.value === "range"));
    }
    for (const input of [this.from, this.to]) {
      input.addEventListener("change", () => this.choose(Number(this.from.value), Number(this.to.value)));
    }
    for (const select of this.fields) select.addEventListener("change", () => this.tellRate());
    this.tellRate();
  }

  // What to ask the server for; poses [start, end), the whole take where no part is chosen.
  get wishes() {
    const { take } = this.player;
    const [start, end] = this.timeline.range?.map(Math.round) ?? [take.first, take.end];
    const [fps, convention, offset] = this.fields.map((select) => select.value);
    const [root, takes] = ["root", "takes"].map((name) => this.root.querySelector(`[name$=-${name}]:checked`).value);
    const part = Boolean(this.timeline.range);
    return { fps: Number(fps), start, end, part, loop: this.loop.checked, root, takes, convention, offset };
  }

  // How many seconds a file of this format may have; 0 where the part that is chosen has no more.
  exceeded(format) {
    const { fps, start, end } = this.wishes;
    const most = MOST_FRAMES[format] / fps;
    return (end - start) / FPS > most ? Math.floor(most) : 0;
  }

  switch(on) {
    const { take } = this.player;
    this.timeline.range = null;
    for (const input of [this.from, this.to]) input.disabled = !on;
    this.root.querySelector(".ls-range").setAttribute("aria-disabled", String(!on));
    if (on) this.set(take.first, take.end);
  }

  // What was typed, in seconds; a part that cannot be leaves the range as it was.
  choose(from, to) {
    const { first, end } = this.player.take;
    const poses = Math.round(Math.min(to * FPS, end)) - Math.round(Math.max(from * FPS, first));
    const possible = poses >= LEAST_POSES;
    const whole = `the take has ${(first / FPS).toFixed(2)} s to ${(end / FPS).toFixed(2)} s`;
    const fault = `There is no part from ${from} s to ${to} s: ${whole}, and a part lasts ${LEAST_PART} s at least.`;
    tellNote(this.root.querySelector(".ls-export-note"), possible ? "" : fault, possible ? "" : "error");
    this.set(...(possible ? [from * FPS, to * FPS] : this.timeline.range));
  }

  set(from, to) {
    const { first, end } = this.player.take;
    const low = Math.min(Math.max(Math.round(from), first), Math.max(end - LEAST_POSES, first));
    const high = Math.min(Math.max(Math.round(to), low + LEAST_POSES), Math.max(end, low + 1));
    this.timeline.range = [low, high];
    this.from.value = (low / FPS).toFixed(2);
    this.to.value = (high / FPS).toFixed(2);
  }

  reset() {
    if (this.timeline.range) this.root.querySelector("[name$=-scope][value=whole]").click();
  }

  tellRate() {
    const { fps, convention } = this.wishes;
    const blender =
      fps === BLENDER_RATE
        ? "what Blender's scenes have."
        : `in Blender set Output > Frame Rate to ${fps} before you import BVH or GLB; FBX brings it.`;
    const amass = convention !== "livestep" && fps < AMASS_RATE ? ` Readers of AMASS want ${AMASS_RATE} or more.` : "";
    this.root.querySelector(".ls-rate-note").textContent = `${fps} frames a second: ${blender}${amass}`;
  }
}
