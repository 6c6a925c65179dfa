// The settings of the world: some act at once, others from the next beginning on.

import { MOST_TOGETHER } from "../live/bounds.js";
import { ModelChoice, Seed } from "../live/choices.js";

const LIVE = ["steps", "context_noise", "ahead", "together"];
const AT_RESET = { checkpoint: "model", seed: "seed", truth: "real engine" };

export class Settings {
  // `choose()` when another model was picked; `tune(fields)` when a slider was moved; `change()` on any change
  constructor(root, { choose, tune, change }) {
    Object.assign(this, { root, change });
    this.used = null;
    this.touched = new Set(); // sliders the visitor moved; the others are the model's business
    const field = (name) => root.querySelector(`[name=${name}]`);
    this.model = new ModelChoice(root, () => {
      this.adopt();
      choose();
      this.refresh();
    });
    this.seed = new Seed(root, () => this.refresh());
    this.truth = field("truth");
    this.sliders = Object.fromEntries(LIVE.map((name) => [name, field(name)]));
    for (const [name, slider] of Object.entries(this.sliders)) {
      slider.addEventListener("input", () => {
        this.touched.add(name);
        tune({ [name]: Number(slider.value) });
        this.refresh();
      });
    }
    this.truth.addEventListener("change", () => this.refresh());
  }

  get card() {
    return this.model.card;
  }

  // What the server offers.
  offer(worlds) {
    this.model.offer(worlds);
    this.adopt();
    this.refresh();
  }

  // Take over the model's own values where the visitor has none.
  adopt() {
    const { card, sliders } = this;
    if (!card) return;
    sliders.steps.max = Math.max(8, 2 * card.steps);
    sliders.together.max = card.most_together;
    sliders.together.closest("label").hidden = card.most_together < 2;
    for (const name of ["steps", "context_noise"]) {
      if (!this.touched.has(name)) sliders[name].value = card[name];
    }
    this.root.querySelector("[data-only=truth]").hidden = !card.truth;
  }

  // Fields of a message that begins a world.
  values() {
    const own = (name) => (this.touched.has(name) ? Number(this.sliders[name].value) : null);
    return {
      checkpoint: this.model.name,
      seed: this.seed.value,
      steps: own("steps"),
      context_noise: own("context_noise"),
      ahead: Number(this.sliders.ahead.value),
      together: Number(this.sliders.together.value),
      truth: Boolean(this.card?.truth) && this.truth.checked,
    };
  }

  // Show the values of an action log.
  show(log) {
    if (log.checkpoint) this.model.name = log.checkpoint;
    this.seed.value = log.seed;
    for (const name of LIVE) {
      if (log[name] == null) continue;
      this.sliders[name].value = log[name];
      this.touched.add(name);
    }
    this.refresh();
  }

  // Take up a world that was begun before this page was loaded.
  resume({ checkpoint, seed }) {
    this.model.name = checkpoint;
    this.seed.value = seed;
    this.use(this.values());
  }

  // A world with these values has begun.
  use(values) {
    this.used = values;
    this.refresh();
  }

  refresh() {
    const { sliders } = this;
    const show = (name, text) => {
      this.root.querySelector(`[data-show=${name}]`).textContent = text;
      sliders[name]?.setAttribute("aria-valuetext", text);
    };
    const ahead = Number(sliders.ahead.value);
    show("steps", sliders.steps.value);
    show("context_noise", Number(sliders.context_noise.value).toFixed(2));
    show("ahead", ahead < 0 ? "auto" : ahead ? `${ahead} ahead` : "off");
    show("together", sliders.together.value);
    const { most_together = MOST_TOGETHER } = this.card ?? {};
    show("most-together", `${most_together} at once`);
    this.model.tell();
    const now = this.values();
    const pending = Object.keys(AT_RESET).filter((name) => this.used && now[name] !== this.used[name]);
    this.pending = pending.map((name) => AT_RESET[name]);
    show("pending", pending.length ? `Press Reset to use the new ${this.pending.join(" and ")}.` : "");
    this.change();
  }
}
