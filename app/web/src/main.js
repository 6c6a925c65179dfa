// Entry point: Gradio renders the template, its js_on_load hands the element over.

import { CapturePage } from "./capture/page.js";
import { Landing } from "./landing/landing.js";
import { translate } from "./languages.js";
import { arrive } from "./live/reach.js";
import { MotionPage } from "./motion/page.js";
import { WorldPage } from "./world/page.js";

const base = new URL("..", document.currentScript.src).href; // .../livestep/

const PAGES = [["world", ".lw", WorldPage], ["capture", ".lf", CapturePage], ["motion", ".ls", MotionPage], ["landing", ".ll", Landing]];

const PHONE = matchMedia("(max-width: 620px)"); // has no room for what the first minute does not need

const Livestep = {
  mount(element) {
    const [name, selector, Page] = PAGES.find(([, selector]) => element.querySelector(selector)) ?? [];
    const root = name && element.querySelector(selector);
    if (!root || root.livestep) return;
    if (PHONE.matches) for (const fold of root.querySelectorAll(".ls-fold")) fold.open = false;
    root.livestep = new Page(root, base);
    arrive(name, root.livestep);
  },
};

// Pages are made when their language is known: some texts are looked up only once. Without it they are in English.
translate(base)
  .catch((error) => console.info(error))
  .finally(() => {
    Object.assign(window, { Livestep });
    window.dispatchEvent(new Event("livestep-ready"));
  });
