// What one camera cannot know: told by the visitor, and the person lifted anew.

import { ask } from "../live/ask.js";

const WAIT_MS = 120;

export class CameraFix {
  // Adjusting is asked for at `address`
  constructor(root, address) {
    Object.assign(this, { root, address });
    const field = (name) => root.querySelector(`[name=${name}]`);
    this.tilt = field("tilt");
    this.lens = field("lens");
    this.turned = field("turned");
    this.asking = false;
    this.stale = false; // something was changed since it was last asked for
    for (const slider of [this.tilt, this.lens]) slider.addEventListener("input", () => this.change());
    this.turned.addEventListener("change", () => this.change());
    this.tell();
  }

  // What the server used.
  learn({ kind, tilt, lens, turned }) {
    if (this.asking || this.timer || kind !== "video") return this.tell();
    this.tilt.value = tilt;
    this.lens.value = lens;
    this.turned.checked = turned;
    this.tell();
  }

  refresh(page) {
    const idle = !page.busy && !page.intake.sending;
    for (const input of [this.tilt, this.lens, this.turned]) input.disabled = !page.reference || !idle;
    this.page = page;
  }

  tell() {
    const degrees = Number(this.tilt.value);
    this.root.querySelector("[data-show=tilt]").textContent = `${degrees > 0 ? "+" : ""}${degrees}\u00b0`;
    this.root.querySelector("[data-show=lens]").textContent = Number(this.lens.value).toFixed(2);
  }

  change() {
    this.tell();
    this.stale = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT_MS);
  }

  // One question at a time; what was changed meanwhile is asked next.
  async ask() {
    this.timer = null;
    if (this.asking || !this.stale) return;
    this.stale = false;
    this.asking = true;
    if (this.page?.added) this.say("What was added is gone; continue once more.");
    try {
      const wishes = { tilt: Number(this.tilt.value), lens: Number(this.lens.value), turned: this.turned.checked };
      await ask(this.address, JSON.stringify(wishes));
    } catch (error) {
      this.say(error.message, "error");
    } finally {
      this.asking = false;
      this.ask();
    }
  }

  say(text, kind = "") {
    const note = this.root.querySelector("[data-show=camera-fix]");
    note.textContent = text;
    note.dataset.kind = kind;
  }
}
