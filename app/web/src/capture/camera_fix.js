// What one camera cannot know, and whom or which skeleton to follow: chosen, told, lifted anew.

import { ask } from "../live/ask.js";

const WAIT_MS = 120;

export class CameraFix {
  // Adjusting is asked for at `address`; `follow({person, joint_map})` when the file is to be read anew
  constructor(root, { address, follow }) {
    Object.assign(this, { root, address });
    const field = (name) => root.querySelector(`[name=${name}]`);
    this.tilt = field("tilt");
    this.lens = field("lens");
    this.turned = field("turned");
    this.person = field("person");
    this.map = field("joint_map");
    this.asking = false;
    this.stale = false; // something was changed since it was last asked for
    for (const slider of [this.tilt, this.lens]) slider.addEventListener("input", () => this.change());
    this.turned.addEventListener("change", () => this.change());
    for (const choice of [this.person, this.map]) choice.addEventListener("change", () => follow(this.choice));
    this.tell();
  }

  get choice() {
    return { person: Number(this.person.value) || null, joint_map: this.map.value };
  }

  // A new file: nothing is chosen yet.
  choose({ kind, name }) {
    this.kind = kind;
    this.named = kind === "motion" && !name.endsWith(".npz");
    this.people = 1;
    this.person.replaceChildren();
    this.map.value = "";
    this.say("");
  }

  // What the server used.
  learn({ kind, name, people, person, joint_map, tilt, lens, turned }) {
    this.kind = kind;
    this.named = kind === "motion" && !name.endsWith(".npz");
    this.people = people;
    const numbers = Array.from({ length: people }, (_, i) => new Option(`${i + 1}. from the left`, i + 1));
    this.person.replaceChildren(new Option("the largest", ""), ...numbers);
    this.person.value = person ?? "";
    this.map.value = joint_map;
    if (this.asking || this.timer || kind !== "video") return this.tell();
    this.tilt.value = tilt;
    this.lens.value = lens;
    this.turned.checked = turned;
    this.tell();
  }

  refresh(page) {
    const only = (name, on) => (this.root.querySelector(`[data-only=${name}]`).hidden = !on);
    only("people", this.people > 1);
    only("motion", this.named);
    only("video", this.kind !== "motion");
    const idle = !page.busy && !page.intake.sending;
    for (const input of [this.tilt, this.lens, this.turned]) input.disabled = !page.reference || !idle;
    for (const input of [this.person, this.map]) input.disabled = !idle;
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
