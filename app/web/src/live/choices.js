// What every page lets its visitor choose: a model, whose licence is shown, and a seed.

import { say } from "../languages.js";

export class ModelChoice {
  // `change()` when another model was picked
  constructor(root, change) {
    this.cards = [];
    this.select = root.querySelector("[name=checkpoint]");
    this.licence = root.querySelector("[data-show=licence]");
    this.select.addEventListener("change", change);
  }

  get name() {
    return this.select.value;
  }

  set name(name) {
    this.select.value = name;
  }

  get card() {
    return this.cards.find(({ name }) => name === this.name);
  }

  // What the server offers.
  offer(cards) {
    const chosen = this.name;
    this.cards = cards;
    this.select.replaceChildren(
      ...cards.map((card) => Object.assign(new Option(titleOf(card), card.name), { translate: false })),
    );
    if (cards.some(({ name }) => name === chosen)) this.name = chosen;
  }

  tell() {
    const { licence = "", data = "", non_commercial = false } = this.card ?? {};
    const words = [non_commercial ? "Not for commercial use." : "", licence, data];
    this.licence.textContent = words.filter(Boolean).join(" \u00b7 ");
    this.licence.classList.toggle("ls-warn", non_commercial);
  }
}

// A model's name, which is no word to translate, and what is to be known of it.
function titleOf({ name, non_commercial, ground }) {
  const notes = [non_commercial && "non-commercial", ground === null && "without memory"].filter(Boolean);
  return notes.length ? say(`{0} (${notes.join(", ")})`).replace("{0}", () => name) : name;
}

export class Seed {
  constructor(root, change = () => {}) {
    this.input = root.querySelector("[name=seed]");
    this.input.addEventListener("change", change);
    root.querySelector("[data-do=dice]").addEventListener("click", () => {
      this.value = Math.floor(Math.random() * 10000);
      change();
    });
  }

  get value() {
    return Math.min(Math.max(Math.floor(Number(this.input.value) || 0), 0), 2 ** 32 - 1);
  }

  set value(seed) {
    this.input.value = seed;
  }
}
