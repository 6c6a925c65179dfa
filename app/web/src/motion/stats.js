// The readout: everything is computed from what arrived, nothing is claimed by the server.

import { FPS } from "../live/bounds.js";

const WINDOW = 3 * FPS; // poses that the figures look back on
const NEAR_FLOOR = 0.05; // m above the toe's rest height

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
    const floor = this.floor ?? 0.02;
    for (let foot = 0; this.toes && foot < 2; foot++) {
      const [from, to] = [this.toes[foot], toes[foot]];
      if (from.y - floor < NEAR_FLOOR && to.y - floor < NEAR_FLOOR) {
        this.slides.push(100 * FPS * Math.hypot(to.x - from.x, to.z - from.z));
      }
    }
    while (this.slides.length > 2 * WINDOW) this.slides.shift();
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

  // Mean speed of toes near the floor, cm/s.
  get footSlide() {
    if (this.slides.length < 10) return null;
    return this.slides.reduce((a, b) => a + b, 0) / this.slides.length;
  }
}
