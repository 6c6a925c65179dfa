// Which keys are held, by keyboard and pad together: a bit mask, and a number that grows with every change.

export class Steering {
  // `change({mask, seq, at})` when the mask changed, `at` the time of the press or null for a release;
  // `command(code)` for other keys on the stage, true when it did something
  constructor(stage, { change, command }) {
    Object.assign(this, { stage, change, command });
    this.keys = [];
    this.bits = new Map(); // KeyboardEvent.code -> bit
    this.held = new Set(); // codes
    this.pad = 0;
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
    let mask = this.pad;
    for (const code of this.held) mask |= 1 << this.bits.get(code);
    return mask;
  }

  down(event) {
    // a Mac does not report what is let go while Meta is held
    if (event.key === "Meta") return this.release();
    if (event.target !== this.stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const steers = this.bits.has(event.code);
    if (steers && !event.repeat) this.held.add(event.code);
    if (steers) this.sync(event.timeStamp);
    const acted = !event.repeat && this.command(event.code, steers);
    if (steers || acted) event.preventDefault();
  }

  up(event) {
    if (this.held.delete(event.code)) this.sync(null);
  }

  // What the pad holds, as a mask.
  press(mask, at) {
    this.pad = mask;
    this.sync(at);
  }

  release() {
    this.held.clear();
    this.pad = 0;
    this.letGo?.(); // the pad's thumbs
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

// The bit of the first key of the table that one of these codes presses; -1 when there is none.
export function findBit(keys, ...codes) {
  for (const code of codes) {
    const bit = keys.findIndex((key) => key.codes.includes(code));
    if (bit >= 0) return bit;
  }
  return -1;
}
