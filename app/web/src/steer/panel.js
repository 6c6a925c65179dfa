// The strip below the timeline: modes, what to do in each, and the chosen point or pose in fields.

import { AHEAD } from "./key_tool.js";

const SAY = {
  off: "",
  drive: "W A S D or arrow keys walk, Shift runs, Q and E turn the camera, X held looks ahead; the prompt says how.",
  path: "Click the floor to add points, or draw a line; Enter on the stage adds one, too.",
  keys: `Pin the pose that is shown, then drag its hands and feet: it is wanted ${AHEAD} s later.`,
};
const LATEST = 3600; // s
const TOUCH = { drive: "The stick walks and runs; the prompt says how.", path: "Tap the floor to add points, or draw a line." };

export class Panel {
  constructor(steering, root) {
    Object.assign(this, { steering, root });
    this.strip = root.querySelector(".ls-steer");
    this.fields = Object.fromEntries(["at", "facing", "stop", "parts", "here"].map((name) => [name, root.querySelector(`[name=steer_${name}]`)]));
    for (const radio of root.querySelectorAll("[name=ls-steer]")) {
      radio.addEventListener("change", () => steering.switch(radio.value));
      radio.addEventListener("click", (event) => event.detail && root.querySelector(".ls-stage").focus({ preventScroll: true })); // not by keys
    }
    for (const [name, field] of Object.entries(this.fields)) field.addEventListener("change", () => this.edit(name, field));
    this.strip.closest(".ls").addEventListener("keydown", (event) => this.key(event));
  }

  get point() {
    return this.steering.path.points.find(({ id }) => id === this.steering.chosen);
  }

  choose(mode) {
    this.root.querySelector(`[name=ls-steer][value=${mode}]`).checked = true;
  }

  edit(name, field) {
    const { path, keys, chosen } = this.steering;
    const at = Number(field.value);
    const { checked } = field;
    if (name === "at" && !(at >= 0 && at <= LATEST)) this.refresh();
    else if (name === "at" && this.point) path.edit(chosen, { at, typed: true });
    else if (name === "at") keys.edit(chosen, { at });
    else if (name === "facing") path.edit(chosen, { facing: checked ? path.leads(chosen) : null });
    else if (name === "stop") path.edit(chosen, { stop: checked });
    else if (name === "here") keys.bind(chosen, checked);
    else keys.edit(chosen, { parts: field.value.split(" ") });
  }

  key(event) {
    const { plan, mode } = this.steering;
    const typing = event.target.matches("input:not([type=radio]):not([type=checkbox]):not([type=range])");
    if (mode === "off" || typing || event.altKey || !(event.ctrlKey || event.metaKey)) return;
    const key = event.key.toLowerCase();
    if (key === "z" && event.shiftKey) plan.redo();
    else if (key === "z") plan.undo();
    else if (key === "y") plan.redo();
    else return;
    event.preventDefault();
  }

  refresh() {
    const { mode, plan, keys } = this.steering;
    const { point } = this;
    const key = mode === "keys" ? keys.chosen : null;
    this.strip.dataset.mode = mode;
    const touch = matchMedia("(pointer: coarse)").matches;
    const passed = this.passed(mode === "path" ? point : key);
    this.root.querySelector(".ls-steer-say").textContent = passed || (touch && TOUCH[mode]) || SAY[mode];
    this.root.querySelector(".ls-stick").hidden = mode !== "drive";
    for (const part of this.strip.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(mode);
    for (const part of this.strip.querySelectorAll("[data-chosen]")) part.hidden = !{ point: mode === "path" && point, key }[part.dataset.chosen];
    this.strip.querySelector(".ls-steer-chosen").hidden = !(mode === "path" && point) && !key;
    this.enable("undo", plan.past.length);
    this.enable("redo", plan.future.length);
    this.enable("clear", plan.value[mode === "path" ? "points" : "keys"].length);
    const shown = key ?? point;
    if (!shown) return;
    this.fields.at.value = shown.at.toFixed(2);
    if (key) {
      this.fields.parts.value = key.parts.join(" ");
      this.fields.here.checked = key.here;
    } else {
      this.fields.facing.checked = point.facing !== null;
      this.fields.stop.checked = point.stop;
    }
  }

  // Why a change of the chosen one is not seen; empty where it is.
  passed(chosen) {
    const { passed, off } = chosen ? this.steering.outcome(chosen === this.point ? "waypoint" : "key", chosen.at) : {};
    return passed ? `Its time has passed${off ? `, ${off}` : ""}: give it a later time, or press Restart for a take with your change.` : "";
  }

  enable(name, on) {
    this.strip.querySelector(`[data-do=${name}]`).disabled = !on;
  }
}
