// Entry point: Gradio renders the template, its js_on_load hands the element over.

import { Page } from "./page.js";

const base = new URL("..", document.currentScript.src).href; // .../livestep/

window.Livestep = {
  mount(element) {
    const root = element.querySelector(".ls");
    if (root && !root.livestep) root.livestep = new Page(root, base);
  },
};
window.dispatchEvent(new Event("livestep-ready"));
