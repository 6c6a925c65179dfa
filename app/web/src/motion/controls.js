// The settings of the next take, and whether they differ from those of the current one.

export class Controls {
  // `change()` when any setting of the motion was
  constructor(root, { change }) {
    this.root = root;
    this.checkpoints = [];
    this.touched = new Set(); // sliders the visitor moved; the others are the checkpoint's business
    this.used = null;
    const field = (name) => root.querySelector(`[name=${name}]`);
    this.checkpoint = field("checkpoint");
    this.seed = field("seed");
    this.stagger = field("stagger");
    this.guidance = field("guidance");
    this.feet = field("foot_contacts");
    root.querySelector("[data-do=dice]").addEventListener("click", () => {
      this.seed.value = Math.floor(Math.random() * 10000);
      this.refresh(change);
    });
    for (const slider of [this.stagger, this.guidance]) {
      slider.addEventListener("input", () => {
        this.touched.add(slider.name);
        this.refresh(change);
      });
    }
    for (const input of [this.seed, this.feet]) {
      input.addEventListener("change", () => this.refresh(change));
    }
    this.checkpoint.addEventListener("change", () => {
      this.adopt();
      this.refresh(change);
    });
    this.refresh(() => {});
  }

  // What the server offers.
  offer(checkpoints) {
    const chosen = this.checkpoint.value;
    this.checkpoints = checkpoints;
    this.checkpoint.replaceChildren(
      ...checkpoints.map(({ name, non_commercial }) => {
        return new Option(non_commercial ? `${name} (non-commercial)` : name, name);
      }),
    );
    if (checkpoints.some(({ name }) => name === chosen)) this.checkpoint.value = chosen;
    this.adopt();
    this.refresh(() => {});
  }

  // Take over the chosen checkpoint's own values where the visitor has none.
  adopt() {
    const card = this.card;
    if (!card) return;
    this.stagger.max = card.steps;
    for (const name of ["stagger", "guidance"]) {
      if (!this.touched.has(name) && card[name] != null) this[name].value = card[name];
    }
  }

  get card() {
    return this.checkpoints.find(({ name }) => name === this.checkpoint.value);
  }

  values() {
    const seed = Math.min(Math.max(Math.floor(Number(this.seed.value) || 0), 0), 2 ** 32 - 1);
    return {
      checkpoint: this.checkpoint.value,
      seed,
      stagger: this.touched.has("stagger") ? Number(this.stagger.value) : null,
      guidance: this.touched.has("guidance") ? Number(this.guidance.value) : null,
      foot_contacts: this.feet.checked,
    };
  }

  // A take with these values has begun.
  use(values) {
    this.used = values;
    this.refresh(() => {});
  }

  // Names of settings that only a restart brings into effect.
  get pending() {
    if (!this.used) return [];
    const names = { checkpoint: "model", seed: "seed", stagger: "response", guidance: "guidance", foot_contacts: "foot clean-up" };
    const now = this.values();
    return Object.keys(names).filter((key) => now[key] !== this.used[key]).map((key) => names[key]);
  }

  refresh(change) {
    const show = (name, text) => (this.root.querySelector(`[data-show=${name}]`).textContent = text);
    const automatic = (slider) => !this.touched.has(slider.name) && this.card?.[slider.name] == null;
    show("stagger", automatic(this.stagger) ? "auto" : `${this.stagger.value} of ${this.stagger.max}`);
    show("guidance", automatic(this.guidance) ? "auto" : Number(this.guidance.value).toFixed(1));
    const { licence = "", data = "", non_commercial = false } = this.card ?? {};
    show("licence", [non_commercial ? "Not for commercial use." : "", licence, data].filter(Boolean).join(" \u00b7 "));
    this.root.querySelector("[data-show=licence]").classList.toggle("ls-warn", non_commercial);
    const pending = this.pending;
    show("pending", pending.length ? `Press Restart to use the new ${list(pending)}.` : "");
    change();
  }
}

function list(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
