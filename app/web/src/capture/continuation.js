// How the take goes on: length, manner, model and seed of the next part.

export class Continuation {
  constructor(root) {
    this.root = root;
    this.checkpoints = [];
    const field = (name) => root.querySelector(`[name=${name}]`);
    this.seconds = field("seconds");
    this.manner = field("manner");
    this.checkpoint = field("checkpoint");
    this.seed = field("seed");
    for (const input of [this.seconds, this.manner]) input.addEventListener("input", () => this.tell());
    this.checkpoint.addEventListener("change", () => this.tell());
    this.tell();
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
    this.tell();
  }

  values() {
    return {
      seconds: Number(this.seconds.value),
      manner: Number(this.manner.value),
      checkpoint: this.checkpoint.value,
      seed: Math.min(Math.max(Math.floor(Number(this.seed.value) || 0), 0), 2 ** 32 - 1),
    };
  }

  dice() {
    this.seed.value = Math.floor(Math.random() * 10000);
  }

  nextSeed() {
    this.seed.value = this.values().seed + 1;
  }

  tell() {
    const show = (name, text) => (this.root.querySelector(`[data-show=${name}]`).textContent = text);
    const weight = Number(this.manner.value);
    show("seconds", `${this.seconds.value} s`);
    show("manner", weight ? weight.toFixed(2) : "off");
    const card = this.checkpoints.find(({ name }) => name === this.checkpoint.value) ?? {};
    const { licence = "", data = "", non_commercial = false } = card;
    show("licence", [non_commercial ? "Not for commercial use." : "", licence, data].filter(Boolean).join(" \u00b7 "));
    this.root.querySelector("[data-show=licence]").classList.toggle("ls-warn", non_commercial);
  }
}
