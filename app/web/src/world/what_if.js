// What if other keys had been held? The last seconds twice, side by side.

import { nameOf } from "./caps.js";

export class WhatIf {
  // `peek(seconds)` to look at a moment; `show(seconds, mask)` to see both; `stop()`
  constructor(root, { peek, show, stop }) {
    this.card = root.querySelector(".lw-what-if");
    this.slider = root.querySelector("[name=moment]");
    this.keys = root.querySelector(".lw-instead");
    this.button = root.querySelector("[data-what-if]");
    this.note = root.querySelector(".lw-what-if-note");
    this.mask = 0;
    this.wanted = this.slider.value;
    this.slider.addEventListener("input", () => {
      this.wanted = this.slider.value;
      this.tell();
      peek(this.seconds);
    });
    this.keys.addEventListener("click", (event) => {
      const chip = event.target.closest("button");
      if (chip) this.hold(this.mask ^ (1 << Number(chip.dataset.bit)));
    });
    this.button.addEventListener("click", () => (this.on ? stop() : show(this.seconds, this.mask)));
  }

  get seconds() {
    return -Number(this.slider.value);
  }

  learn(keys) {
    this.table = keys;
    this.keys.replaceChildren(...keys.map(makeChip));
    this.hold(0);
  }

  hold(mask) {
    this.mask = mask;
    for (const chip of this.keys.children) chip.setAttribute("aria-pressed", String(Boolean((mask >> chip.dataset.bit) & 1)));
    this.tell();
  }

  // Keys in words, for the captions below the pictures.
  named(mask) {
    const names = this.table.filter((_, bit) => (mask >> bit) & 1).map((key) => capOf(key));
    return names.join(" + ") || "nothing";
  }

  tell() {
    const text = this.some ? `${this.seconds.toFixed(1)} s ago` : "\u2013";
    this.card.querySelector("[data-show=moment]").textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
  }

  // `seconds` is how far one can go back now, 0 where there is nothing to begin from.
  refresh({ seconds, on, over }) {
    this.on = on;
    const some = seconds >= 1;
    if (some !== this.some) {
      this.some = some;
      this.tell();
    }
    this.slider.disabled = !some || on;
    this.button.disabled = !some && !on;
    this.button.textContent = on ? "Stop" : "Show both";
    const min = String(-Math.max(Math.floor(seconds * 10) / 10, 1));
    if (some && this.slider.min !== min) {
      this.slider.min = min;
      this.slider.value = this.wanted;
      this.tell();
    }
    const text = this.advice(Math.floor(seconds), on, over);
    if (this.note.textContent !== text) this.note.textContent = text;
  }

  advice(seconds, on, over) {
    if (on) return "The same noise, the same world: what differs is due to the keys.";
    if (over) return "Play goes on where it was; or try other keys.";
    if (!seconds) return "Play for a second first.";
    if (seconds < 2) return "The last second once more, with other keys held.";
    return `The last ${seconds} seconds once more, with other keys held.`;
  }
}

function capOf({ codes, name }) {
  return codes.length ? nameOf(codes[0]) : name;
}

function makeChip(key, bit) {
  const chip = document.createElement("button");
  Object.assign(chip, { type: "button", className: "lw-chip", textContent: capOf(key), title: key.label });
  chip.setAttribute("aria-label", key.label || key.name);
  chip.setAttribute("aria-pressed", "false");
  chip.dataset.bit = bit;
  return chip;
}
