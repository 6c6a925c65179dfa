// The settings of the next take, and whether they differ from those of the current one.

import { ModelChoice, Seed } from "../live/choices.js";
import { inside, offered } from "../live/link.js";

export class Controls {
  // `change()` when any setting of the motion was
  constructor(root, { change }) {
    Object.assign(this, { root, change });
    this.touched = new Set(); // sliders the visitor moved; the others are the checkpoint's business
    this.used = null;
    this.model = new ModelChoice(root, () => {
      this.adopt();
      this.refresh();
    });
    this.seed = new Seed(root, () => this.refresh());
    const field = (name) => root.querySelector(`[name=${name}]`);
    this.stagger = field("stagger");
    this.guidance = field("guidance");
    this.feet = field("foot_contacts");
    for (const slider of [this.stagger, this.guidance]) {
      slider.addEventListener("input", () => {
        this.touched.add(slider.name);
        this.refresh();
      });
    }
    this.feet.addEventListener("change", () => this.refresh());
    this.tell();
  }

  // What the server offers.
  offer(checkpoints) {
    this.model.offer(checkpoints);
    this.adopt();
    this.tell();
  }

  // Take over the chosen checkpoint's own values where the visitor has none.
  adopt() {
    const { card } = this.model;
    if (!card) return;
    this.stagger.max = card.steps;
    for (const name of ["stagger", "guidance"]) {
      if (!this.touched.has(name) && card[name] != null) this[name].value = card[name];
    }
  }

  values() {
    return {
      checkpoint: this.model.name,
      seed: this.seed.value,
      stagger: this.touched.has("stagger") ? Number(this.stagger.value) : null,
      guidance: this.touched.has("guidance") ? Number(this.guidance.value) : null,
      foot_contacts: this.feet.checked,
    };
  }

  // Take over what a link asks for; throws a sentence for what cannot be had.
  follow(asked) {
    const values = { ...this.values(), stagger: null, guidance: null, ...asked };
    inside(this.stagger, values.stagger, offered(this.model.cards, values.checkpoint).steps);
    inside(this.guidance, values.guidance);
    this.adoptAll(values);
  }

  // Take over what a take was made with.
  adoptAll({ checkpoint, seed, stagger, guidance, foot_contacts }) {
    this.model.name = checkpoint;
    this.seed.value = seed;
    this.feet.checked = foot_contacts;
    this.touched.clear();
    for (const [name, value] of Object.entries({ stagger, guidance })) {
      if (value === null) continue;
      this[name].value = value;
      this.touched.add(name);
    }
    this.adopt();
    this.use(this.values());
  }

  // A take with these values has begun.
  use(values) {
    this.used = values;
    this.tell();
  }

  // Names of settings that only a restart brings into effect.
  get pending() {
    if (!this.used) return [];
    const names = { checkpoint: "model", seed: "seed", stagger: "response", guidance: "guidance", foot_contacts: "foot clean-up" };
    const now = this.values();
    return Object.keys(names).filter((key) => now[key] !== this.used[key]).map((key) => names[key]);
  }

  refresh() {
    this.tell();
    this.change();
  }

  tell() {
    const show = (name, text) => (this.root.querySelector(`[data-show=${name}]`).textContent = text);
    const automatic = (slider) => !this.touched.has(slider.name) && this.model.card?.[slider.name] == null;
    show("stagger", automatic(this.stagger) ? "auto" : `${this.stagger.value} of ${this.stagger.max}`);
    show("guidance", automatic(this.guidance) ? "auto" : Number(this.guidance.value).toFixed(1));
    this.model.tell();
    const pending = this.pending;
    show("pending", pending.length ? `Press Restart to use the new ${list(pending)}.` : "");
  }
}

function list(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
