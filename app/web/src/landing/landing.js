// What stands above the tabs: moving pictures that open as projects and replays, links, what is new.

import { request } from "../live/ask.js";
import { follow, followed, forgetLink, readLink } from "../live/link.js";
import { reach } from "../live/reach.js";
import { keep, recall } from "../live/storage.js";

const FOLDED = "livestep-gallery";
const SEEN = "livestep-news";

export class Landing {
  constructor(root, base) {
    Object.assign(this, { root, base });
    this.turn = 0; // of what is being opened: the last one counts
    this.news = root.querySelector("dialog");
    const actions = {
      pause: () => this.pause(!this.paused),
      fold: () => this.fold(!this.gallery.hidden),
      news: () => this.tell(),
    };
    root.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (!button) return;
      actions[button.dataset.do]?.();
      if (button.dataset.file) this.open(button.dataset);
    });
    this.pause(matchMedia("(prefers-reduced-motion: reduce)").matches);
    this.fold(recall("sessionStorage", FOLDED) === "true");
    this.mark(Boolean(this.news) && ![undefined, this.version].includes(recall("localStorage", SEEN)));
    addEventListener("hashchange", () => this.follow());
    if (!followed(location.hash)) this.follow();
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  get gallery() {
    return this.find(".ll-gallery");
  }

  // Show still pictures, or moving ones.
  pause(paused) {
    this.paused = paused;
    for (const source of this.root.querySelectorAll("source")) source.media = paused ? "all" : "not all";
    this.find("[data-do=pause]").setAttribute("aria-pressed", String(paused));
  }

  fold(folded) {
    this.gallery.hidden = folded;
    this.find("[data-do=pause]").hidden = folded;
    this.find("[data-do=fold]").setAttribute("aria-expanded", String(!folded));
    keep("sessionStorage", FOLDED, String(folded));
  }

  // ---- what is new

  get version() {
    return this.news.dataset.version;
  }

  mark(unread) {
    const dot = this.find(".ll-dot");
    if (dot) dot.hidden = !unread;
  }

  tell() {
    this.news.showModal();
    keep("localStorage", SEEN, this.version);
    this.mark(false);
  }

  // ---- opening

  say(sentence) {
    this.find(".ll-note").textContent = sentence;
  }

  open({ tab, file, title, character }) {
    forgetLink();
    return this.attempt(tab, async (page) => {
      const reply = await request(`${this.base}static/gallery/${file}`);
      await page.open(new File([await reply.blob()], title), { character });
    });
  }

  // Do what the address asks for.
  follow() {
    const { hash } = location;
    try {
      const link = readLink(hash);
      if (!link) return;
      follow(hash);
      this.attempt(link.tab, async (page) => {
        await page.follow(link.values);
        page.character?.lend("");
        if (this.gallery.contains(document.activeElement)) document.activeElement.blur(); // it is another picture's no more
        follow(hash); // what it began took it out of the address
      });
    } catch (error) {
      this.say(error.message);
    }
  }

  // Do something with the page of a tab, unless something else was asked for meanwhile.
  async attempt(tab, act) {
    const turn = (this.turn += 1);
    this.say("");
    try {
      const page = await reach(tab);
      if (turn === this.turn) await act(page);
    } catch (error) {
      this.say(error.message);
    }
  }
}
