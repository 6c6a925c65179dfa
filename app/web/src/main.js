// Entry point: Gradio renders the template, its js_on_load hands the element over.

import { CapturePage } from "./capture/page.js";
import { translate } from "./languages.js";
import { MotionPage } from "./motion/page.js";
import { WorldPage } from "./world/page.js";

const base = new URL("..", document.currentScript.src).href; // .../livestep/

window.Livestep = {
  mount(element) {
    const root = element.querySelector(".ls");
    if (!root || root.livestep) return;
    const { classList } = root;
    const Page = classList.contains("lw") ? WorldPage : classList.contains("lf") ? CapturePage : MotionPage;
    root.livestep = new Page(root, base);
  },
};
translate(base);
window.dispatchEvent(new Event("livestep-ready"));
