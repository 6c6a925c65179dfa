// Where keys and stick want the body to go, as the camera sees it.

import { RUNS, WALKS } from "../live/bounds.js";
import { heading } from "./points.js";

const WAYS = {
  KeyW: [0, 1], ArrowUp: [0, 1], KeyS: [0, -1], ArrowDown: [0, -1],
  KeyA: [-1, 0], ArrowLeft: [-1, 0], KeyD: [1, 0], ArrowRight: [1, 0],
};
const TURNS = { KeyQ: 1, KeyE: -1 }; // of the camera
const TURN = 1.6; // radians a second
const LOOK = "KeyX"; // held: the body looks where the camera does, wherever it goes
const SEEN = 4; // degrees that a change of that has to have
const FELT = 0.06; // m/s that a change has to have

export class Drive {
  // `change(at)` of what is wanted; `at` is when it was asked for, null for letting go
  constructor(element, stage, change) {
    Object.assign(this, { element, stage, change });
    this.on = false;
    this.held = new Set();
    this.stick = [0, 0]; // right and ahead, each -1..1
    this.velocity = null; // m/s along x and z; nothing was asked for yet
    this.facing = null; // degrees, null to look where it goes
    element.addEventListener("keydown", (event) => this.key(event, true), { capture: true });
    element.addEventListener("keyup", (event) => this.key(event, false), { capture: true });
    element.addEventListener("blur", () => this.release());
    addEventListener("blur", () => this.release());
    document.addEventListener("visibilitychange", () => document.hidden && this.release());
  }

  set enabled(on) {
    this.on = on;
    this.held.clear();
    this.stick = [0, 0];
    this.velocity = this.facing = null;
  }

  // Before the stage's own keys, some of which steer while driving.
  key(event, down) {
    if (!this.on || event.target !== this.element) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return this.release();
    const { code } = event;
    const running = code === "ShiftLeft" || code === "ShiftRight";
    if (!WAYS[code] && !TURNS[code] && code !== LOOK && !running) return;
    const before = this.held.size;
    if (down) this.held.add(running ? "Shift" : code);
    else this.held.delete(running ? "Shift" : code);
    if (!running) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    if (before !== this.held.size) this.update(event.timeStamp);
  }

  lean(right, ahead, at) {
    this.stick = [right, ahead];
    this.update(at);
  }

  release() {
    if (!this.held.size && !this.stick.some(Boolean)) return;
    this.held.clear();
    this.stick = [0, 0];
    this.update(null);
  }

  // Turn the camera, and what is ahead with it.
  tick(seconds) {
    if (!this.on) return;
    for (const [code, way] of Object.entries(TURNS)) {
      if (this.held.has(code)) this.stage.orbit(way * TURN * seconds, 0);
    }
    if (this.velocity) this.update(null);
  }

  update(at) {
    const wanted = this.wanted();
    const { x, z } = this.stage.ahead;
    const facing = this.held.has(LOOK) ? Math.round(heading(x, z)) : null;
    const before = this.velocity ?? [0, 0];
    if (!this.velocity && !wanted.some(Boolean) && facing === null) return; // the body goes as it did until the first key
    const stands = wanted.every((v) => v === 0) && before.some(Boolean);
    const goes = stands || !this.velocity || Math.hypot(wanted[0] - before[0], wanted[1] - before[1]) >= FELT;
    const looks = facing === null || this.facing === null ? facing !== this.facing : Math.abs(facing - this.facing) >= SEEN;
    if (!goes && !looks) return;
    this.velocity = wanted;
    this.facing = facing;
    this.change(wanted.some(Boolean) || facing !== null ? at : null);
  }

  wanted() {
    let [right, ahead] = this.stick;
    let speed = RUNS;
    for (const code of this.held) {
      const [x, y] = WAYS[code] ?? [0, 0];
      right += x;
      ahead += y;
    }
    if (!this.stick.some(Boolean)) speed = this.held.has("Shift") ? RUNS : WALKS;
    const length = Math.hypot(right, ahead);
    if (length < 0.1) return [0, 0];
    const pace = (speed * Math.min(length, 1)) / length;
    const { x, z } = this.stage.ahead;
    return [(x * ahead - z * right) * pace, (z * ahead + x * right) * pace];
  }
}
