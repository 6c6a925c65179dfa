// Gamepads: left stick or cross walk, right stick or shoulders turn, Start plays and pauses.

import { findBit, findWays, leanMask } from "./steering.js";

const DEAD = 0.35; // a worn stick at rest holds nothing
// buttons of the standard layout
const CROSS = { up: 12, down: 13, left: 14, right: 15 };
const SHOULDERS = { left: [4, 6], right: [5, 7] };
const START = 9;

export class Gamepads {
  // `press(mask, at)` whenever what is held changed; `start()` for its button; `active()` whether it counts now
  constructor({ press, start, active, greet }) {
    Object.assign(this, { press, start, active });
    this.connected = new Set();
    this.mask = 0;
    this.started = false;
    addEventListener("gamepadconnected", ({ gamepad }) => {
      if (!this.connected.size) greet();
      this.connected.add(gamepad.index);
    });
    addEventListener("gamepaddisconnected", ({ gamepad }) => this.connected.delete(gamepad.index));
  }

  learn(keys) {
    this.ways = findWays(keys);
    this.turns = { left: findBit(keys, "ArrowLeft"), right: findBit(keys, "ArrowRight") };
  }

  // Called for every frame of the display.
  poll(now) {
    if (!this.connected.size && !this.mask) return;
    const pads = this.active() ? navigator.getGamepads().filter((pad) => pad?.connected) : [];
    const started = pads.some(({ buttons }) => buttons[START]?.pressed);
    if (started && !this.started) this.start();
    this.started = started;
    const mask = pads.reduce((all, pad) => all | this.read(pad), 0);
    if (mask === this.mask) return;
    this.mask = mask;
    this.press(mask, now);
  }

  read({ axes, buttons }) {
    const [x = 0, y = 0, turn = 0] = axes;
    const held = (...numbers) => numbers.some((number) => buttons[number]?.pressed);
    let mask = leanMask(this.ways, x, y, DEAD);
    const hold = (bit, on) => (mask |= on && bit >= 0 ? 1 << bit : 0);
    for (const [way, button] of Object.entries(CROSS)) hold(this.ways[way], held(button));
    hold(this.turns.left, held(...SHOULDERS.left) || turn < -DEAD);
    hold(this.turns.right, held(...SHOULDERS.right) || turn > DEAD);
    return mask;
  }

  letGo() {
    this.mask = 0;
  }
}
