// How the take goes on: length, manner, model and seed of the next part.

import { ModelChoice, Seed } from "../live/choices.js";

export class Continuation {
  constructor(root) {
    this.root = root;
    this.seconds = root.querySelector("[name=seconds]");
    this.manner = root.querySelector("[name=manner]");
    this.model = new ModelChoice(root, () => this.tell());
    this.seed = new Seed(root);
    for (const input of [this.seconds, this.manner]) input.addEventListener("input", () => this.tell());
    this.tell();
  }

  // What the server offers.
  offer(checkpoints) {
    this.model.offer(checkpoints);
    this.tell();
  }

  values() {
    return {
      seconds: Number(this.seconds.value),
      manner: Number(this.manner.value),
      checkpoint: this.model.name,
      seed: this.seed.value,
    };
  }

  nextSeed() {
    this.seed.value += 1;
  }

  tell() {
    const show = (name, text) => (this.root.querySelector(`[data-show=${name}]`).textContent = text);
    const weight = Number(this.manner.value);
    show("seconds", `${this.seconds.value} s`);
    show("manner", weight ? weight.toFixed(2) : "off");
    this.model.tell();
  }
}
