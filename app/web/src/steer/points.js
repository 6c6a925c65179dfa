// Way-points: their times, by length at the gait's speed where none was typed; lines that become points.

import { FPS, MOST_WAYPOINTS } from "../live/bounds.js";
import { newId } from "./plan.js";

const SOONEST = 0.4; // s from now
const APART = 0.1; // s between two points
const SPACING = 0.7; // m between the points of a drawn line
const LOOK_BACK = 2 * FPS; // poses from which the gait's speed is measured
const STRIDE = FPS / 2; // in steps of so many: hips sway
const [WALKING, RUNNING] = [1.2, 2.8]; // m/s where the body does not go anywhere yet

// The points with times that follow each other from the i-th on; `now` is where the body is, and when.
export function retime(points, i, now, speed) {
  const out = [...points];
  for (let k = Math.max(i, 0); k < out.length; k++) {
    const point = out[k];
    if (point.at !== null && point.at <= now.at) continue; // its time has come and gone
    const before = k > 0 && out[k - 1].at > now.at ? out[k - 1] : now;
    const earliest = before === now ? now.at + SOONEST : before.at + APART;
    const walked = before.at + distance(before.place, point.place) / speed;
    out[k] = { ...point, at: Math.max(point.typed ? point.at : walked, earliest) };
  }
  return out;
}

export function newPoint(place) {
  return { id: newId(), place, at: null, typed: false, facing: null, stop: false };
}

// Points along a line that was drawn, in even steps.
export function sampleLine(line) {
  const lengths = [0];
  for (let i = 1; i < line.length; i++) lengths.push(lengths.at(-1) + distance(line[i - 1], line[i]));
  const count = Math.min(Math.max(Math.round(lengths.at(-1) / SPACING), 1), MOST_WAYPOINTS);
  return Array.from({ length: count }, (_, k) => {
    const wanted = (lengths.at(-1) * (k + 1)) / count;
    const i = Math.max(lengths.findIndex((length) => length >= wanted - 1e-9), 1);
    const part = (wanted - lengths[i - 1]) / (lengths[i] - lengths[i - 1] || 1);
    return newPoint([0, 1].map((n) => line[i - 1][n] * (1 - part) + line[i][n] * part));
  });
}

// Meters a second: as the body goes now, or as the prompt says where it stands.
export function gaitSpeed(take, prompt) {
  const steps = Math.floor(Math.min(take.length - 1, LOOK_BACK) / STRIDE);
  const at = (k) => {
    const i = 3 * (take.length - 1 - k * STRIDE);
    return [take.root[i], take.root[i + 2]];
  };
  let length = 0;
  for (let k = 0; k < steps; k++) length += distance(at(k), at(k + 1));
  const measured = steps ? (length / (steps * STRIDE)) * FPS : 0;
  if (measured > 0.3) return Math.min(measured, 4);
  return /\b(run|sprint|jog)/i.test(prompt) ? RUNNING : WALKING;
}

export function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

// Degrees from Z, growing to the left (towards X).
export function heading(x, z) {
  return (Math.atan2(x, z) * 180) / Math.PI;
}
