// The readout: what the page measured itself, and the server's counts over the last seconds.

const DRAWS_MS = 2000;
const TALLIES = 20; // about ten seconds
const LATENCIES = 20;

export class Meters {
  constructor() {
    this.latencies = [];
    this.clear();
  }

  // A new world: counts begin at zero.
  clear() {
    this.draws = [];
    this.tallies = [];
    this.pressed = []; // presses that no frame on the screen obeys yet
    this.frames = 0;
    this.last = null;
  }

  // A pause counts for no rate.
  rest() {
    this.draws = [];
  }

  press(seq, at) {
    this.pressed.push({ seq, at });
  }

  forget() {
    this.pressed = [];
  }

  draw(frame, now) {
    this.frames += 1;
    this.last = frame;
    this.draws.push(now);
    while (this.draws[0] < now - DRAWS_MS) this.draws.shift();
    const obeyed = this.pressed.filter(({ seq }) => seq <= frame.seq);
    if (!obeyed.length) return;
    this.pressed = this.pressed.filter(({ seq }) => seq > frame.seq);
    this.latencies.push(...obeyed.map(({ at }) => now - at));
    this.latencies = this.latencies.slice(-LATENCIES);
  }

  tally(message) {
    this.tallies.push(message);
    if (this.tallies.length > TALLIES) this.tallies.shift();
  }

  shown(now) {
    const recent = this.draws.filter((time) => time >= now - DRAWS_MS);
    const [first, last] = [recent[0], recent.at(-1)];
    if (recent.length < 2 || now - last > 1000) return null;
    return (1000 * (recent.length - 1)) / (last - first);
  }

  get made() {
    return this.tallies.at(-1)?.made_fps ?? null;
  }

  get cost() {
    return this.tallies.at(-1)?.frame_ms ?? null;
  }

  get depth() {
    return this.tallies.at(-1)?.depth ?? null;
  }

  // Milliseconds from a key to the picture, the middle of the last presses.
  get latency() {
    if (!this.latencies.length) return null;
    return [...this.latencies].sort((a, b) => a - b)[Math.floor((this.latencies.length - 1) / 2)];
  }

  // Share of the frames made ahead that were used, in percent.
  get accepted() {
    const last = this.tallies.at(-1);
    if (!last) return null;
    const first = this.tallies[0] === last ? { accepted: 0, dropped: 0 } : this.tallies[0];
    const [used, lost] = [last.accepted - first.accepted, last.dropped - first.dropped];
    return used + lost > 0 ? (100 * used) / (used + lost) : null;
  }
}
