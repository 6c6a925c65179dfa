// Real motions that are like the visitor's: listed with their licences, played on the body.

import { ask, request } from "../live/ask.js";
import { unpack } from "../live/protocol.js";
import { Take } from "../live/take.js";

export class Similar {
  // `play(take)` when a real motion is to be shown
  constructor(root, { base, session, play }) {
    Object.assign(this, { root, base, session, play });
    this.input = root.querySelector("[name=similar]");
    this.note = root.querySelector(".lf-similar-note");
    this.lists = Object.fromEntries([...root.querySelectorAll("[data-list]")].map((list) => [list.dataset.list, list]));
    this.asked = 0;
    root.querySelector(".lf-search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.find(this.input.value.trim());
    });
    for (const [why, list] of Object.entries(this.lists)) {
      list.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (button) this.show(why, button);
      });
    }
  }

  // Look for motions like the take, or like words.
  async find(text) {
    const number = ++this.asked;
    this.say(text ? `Looking for \u201c${text}\u201d \u2026` : "Looking \u2026");
    try {
      const { matches } = await ask(`${this.base}similar/${this.session}`, JSON.stringify({ text }));
      if (number !== this.asked) return;
      this.list("similar", matches);
      this.say(matches.length ? "" : "None was found.");
    } catch (error) {
      if (number === this.asked) this.say(error.message);
    }
  }

  list(why, matches) {
    this.lists[why].replaceChildren(...matches.map((match, i) => makeItem(match, i)));
  }

  clear() {
    this.asked += 1;
    this.list("similar", []);
    this.list("manner", []);
  }

  async show(why, button) {
    this.leave();
    button.setAttribute("aria-pressed", "true");
    try {
      const reply = await request(`${this.base}match/${this.session}/${why}/${button.dataset.number}`);
      const poses = unpack(await reply.arrayBuffer());
      const take = new Take();
      take.mark({ id: 2, start: 0, text: button.dataset.title });
      take.append(poses);
      if (button.getAttribute("aria-pressed") === "true") this.play(take);
    } catch (error) {
      this.leave();
      this.say(error.message);
    }
  }

  leave() {
    for (const list of Object.values(this.lists)) {
      for (const button of list.querySelectorAll("button")) button.setAttribute("aria-pressed", "false");
    }
  }

  say(text) {
    this.note.textContent = text;
  }
}

function makeItem({ label, caption, licence, pack, score, seconds, mirrored }, number) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "lf-match" });
  button.dataset.number = number;
  button.dataset.title = caption || label;
  button.setAttribute("aria-pressed", "false");
  const share = Math.round(100 * Math.min(Math.max(score, 0), 1));
  const text = (className, content) => {
    const span = document.createElement("span");
    Object.assign(span, { className, textContent: content });
    return span;
  };
  const bar = text("lf-score", "");
  bar.style.setProperty("--share", `${share}%`);
  bar.title = `${share} % alike`;
  button.append(
    text("lf-says", caption || label),
    text("lf-from", [label !== caption && label, pack, `${seconds.toFixed(1)} s`, mirrored && "mirrored", licence].filter(Boolean).join(" \u00b7 ")),
    text("lf-alike", `${share} %`),
    bar,
  );
  item.append(button);
  return item;
}
