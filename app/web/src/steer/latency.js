// From a key to the first pose on the screen that was made after it.

const KEPT = 40;
const LONGEST = 5000; // ms; what takes longer was something else

export class Latency {
  constructor() {
    this.all = [];
    this.asked = []; // {id, at, start}: presses, and from which pose on each is obeyed
  }

  ask(id, at) {
    this.asked.push({ id, at, start: null });
  }

  forget() {
    this.asked = [];
  }

  // The server made poses from `start` on for the wishes with this number.
  learn({ id, start }) {
    for (const press of this.asked) if (id >= press.id) press.start ??= start;
  }

  // Poses up to `live` have been on the screen.
  show(live, now) {
    const seen = this.asked.filter(({ start }) => start !== null && start <= live);
    if (!seen.length) return;
    this.asked = this.asked.filter((press) => !seen.includes(press));
    const took = seen.map(({ at }) => now - at).filter((ms) => ms < LONGEST);
    this.all = [...this.all, ...took].slice(-KEPT);
  }

  // Milliseconds on the average, and of the slowest twentieth; null before the first.
  get figures() {
    if (!this.all.length) return null;
    const sorted = [...this.all].sort((a, b) => a - b);
    const mean = sorted.reduce((a, b) => a + b) / sorted.length;
    return { mean, p95: sorted[Math.min(Math.floor(0.95 * sorted.length), sorted.length - 1)], count: sorted.length };
  }
}
