// Entry point: Gradio renders the template, its js_on_load hands the element over.

import { Follow } from "./capture/page.js";
import { Page } from "./motion/page.js";
import { World } from "./world/page.js";

const base = new URL("..", document.currentScript.src).href; // .../livestep/

window.Livestep = {
  mount(element) {
    const root = element.querySelector(".ls");
    if (root && !root.livestep) root.livestep = new Page(root, base);
  },
  mountWorld(element) {
    const root = element.querySelector(".lw");
    if (root && !root.livestepWorld) root.livestepWorld = new World(root, base);
  },
  mountFollow(element) {
    const root = element.querySelector(".lf");
    if (root && !root.livestepFollow) root.livestepFollow = new Follow(root, base);
  },
};
window.dispatchEvent(new Event("livestep-ready"));
