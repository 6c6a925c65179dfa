// The readout: everything is computed from what arrived, nothing is claimed by the server.

import { FPS } from "../live/bounds.js";

const WINDOW = 3 * FPS; // poses that the figures look back on
const ON_FLOOR = 0.05; // m; a toe below is on the floor, as benchmarks/metrics.py has it

export class Stats {
  constructor() {
    this.asked = new Map(); // prompt id -> when it was sent
    this.clear();
  }

  clear() {
    this.costs = [];
    this.slides = [];
    this.toes = null;
    this.shownMark = null;
    this.arrival = this.sight = null;
  }

  ask(id, now) {
    this.asked.set(id, now);
    this.arrival = this.sight = null;
  }

  // There was a line before it: what is measured begins now.
  admit(now) {
    const newest = [...this.asked.keys()].at(-1);
    if (newest !== undefined) this.asked.set(newest, now);
  }

  // A message of poses has arrived; `toes` gives both toes' positions of its i-th pose.
  arrive(poses, now, toes) {
    if (this.asked.has(poses.prompt) && this.arrival === null) {
      const newest = [...this.asked.keys()].at(-1);
      if (poses.prompt === newest) this.arrival = now - this.asked.get(newest);
    }
    if (poses.milliseconds > 0) {
      this.costs.push([poses.count, poses.milliseconds]);
      if (this.costs.length > 24) this.costs.shift();
    }
    for (let i = Math.max(poses.count - WINDOW, 0); i < poses.count; i++) this.step(toes(i));
  }

  step(toes) {
    if (!toes) return;
    const paces = toes.flatMap((to, foot) => {
      const from = this.toes?.[foot] ?? { y: Infinity };
      return Math.max(from.y, to.y) < ON_FLOOR ? [100 * FPS * Math.hypot(to.x - from.x, to.z - from.z)] : [];
    });
    if (paces.length) this.slides.push(Math.min(...paces)); // the faster one may be on its way to the next step
    if (this.slides.length > WINDOW) this.slides.shift();
    this.toes = toes;
  }

  // The pose on the screen follows this prompt.
  show(id) {
    if (id !== undefined && this.asked.has(id) && this.sight === null) {
      if (id === [...this.asked.keys()].at(-1)) this.sight = performance.now() - this.asked.get(id);
    }
  }

  get posesPerSecond() {
    const [poses, ms] = this.costs.reduce(([p, m], [count, cost]) => [p + count, m + cost], [0, 0]);
    return ms > 0 ? (1000 * poses) / ms : null;
  }

  // Mean speed of the foot that stands, cm/s.
  get footSlide() {
    if (this.slides.length < 10) return null;
    return this.slides.reduce((a, b) => a + b, 0) / this.slides.length;
  }
}
