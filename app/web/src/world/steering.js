// Which keys are held, by keyboard and pad together: a bit mask, and a number that grows with every change.

export class Steering {
  // `change({mask, seq, at})` when the mask changed, `at` the time of the press or null for a release;
  // `command(code)` for other keys on the stage, true when it did something
  constructor(stage, { change, command }) {
    Object.assign(this, { stage, change, command });
    this.keys = [];
    this.bits = new Map(); // KeyboardEvent.code -> bit
    this.held = new Set(); // codes
    this.waiting = new Set(); // codes that were pressed under Ctrl or Alt: they count once those are let go
    this.pads = {}; // what touch pad and gamepads hold, as masks
    this.sent = 0;
    this.seq = 0;
    stage.addEventListener("keydown", (event) => this.down(event));
    stage.addEventListener("keyup", (event) => this.up(event));
    stage.addEventListener("blur", () => this.release());
    addEventListener("blur", () => this.release());
    document.addEventListener("visibilitychange", () => document.hidden && this.release());
  }

  // The key table of the world, in the order of the mask's bits.
  learn(keys) {
    this.release();
    this.keys = keys;
    this.bits = new Map(keys.flatMap(({ codes }, bit) => codes.map((code) => [code, bit])));
  }

  get mask() {
    let mask = Object.values(this.pads).reduce((all, one) => all | one, 0);
    for (const code of this.held) mask |= 1 << this.bits.get(code);
    return mask;
  }

  down(event) {
    // a Mac does not report what is let go while Meta is held
    if (event.key === "Meta") return this.release();
    if (event.target !== this.stage || event.metaKey) return;
    const steers = this.bits.has(event.code);
    if (event.ctrlKey || event.altKey) {
      if (steers && !this.held.has(event.code)) this.waiting.add(event.code);
      return;
    }
    if (steers) this.held.add(event.code); // a key that repeats was down before it could count
    if (steers) this.sync(event.timeStamp);
    const acted = !event.repeat && this.command(event.code, steers);
    if (steers || acted) event.preventDefault();
  }

  up(event) {
    this.waiting.delete(event.code);
    if (this.held.delete(event.code)) this.sync(null);
    if (event.ctrlKey || event.altKey || !this.waiting.size) return;
    for (const code of this.waiting) this.held.add(code);
    this.waiting.clear();
    this.sync(event.timeStamp);
  }

  // What a pad holds, as a mask.
  press(pad, mask, at) {
    this.pads[pad] = mask;
    this.sync(at);
  }

  release() {
    this.held.clear();
    this.waiting.clear();
    this.pads = {};
    this.letGo?.(); // the thumbs
    this.sync(null);
  }

  sync(at) {
    const { mask } = this;
    if (mask === this.sent) return;
    const more = mask & ~this.sent;
    this.sent = mask;
    this.seq += 1;
    this.change({ mask, seq: this.seq, at: more ? at : null });
  }

  // Say again what is held, after the connection came back.
  repeat() {
    this.seq += 1;
    this.change({ mask: this.sent, seq: this.seq, at: null });
  }
}

// The bits of the keys that walk, by where they lead.
export function findWays(keys) {
  return {
    up: findBit(keys, "KeyW", "ArrowUp"),
    down: findBit(keys, "KeyS", "ArrowDown"),
    left: findBit(keys, "KeyA", "ArrowLeft"),
    right: findBit(keys, "KeyD", "ArrowRight"),
  };
}

const LEAN = 0.383; // sin 22.5 degrees: eight equal sectors

// What a stick that leans to x (right) and y (down) holds, as a mask; nothing within its dead zone.
export function leanMask(ways, x, y, dead) {
  const length = Math.hypot(x, y);
  const leans = { up: -y, down: y, left: -x, right: x };
  let mask = 0;
  for (const [way, much] of Object.entries(leans)) {
    if (length > dead && much / length > LEAN && ways[way] >= 0) mask |= 1 << ways[way];
  }
  return mask;
}

// The bit of the first key of the table that one of these codes presses; -1 when there is none.
export function findBit(keys, ...codes) {
  for (const code of codes) {
    const bit = keys.findIndex((key) => key.codes.includes(code));
    if (bit >= 0) return bit;
  }
  return -1;
}
