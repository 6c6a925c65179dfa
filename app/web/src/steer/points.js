// Way-points: their times where none was typed, as the server plans them; lines that become points.

import { FAR, FPS, MOST_WAYPOINTS, RUNS, SETS_OUT, STRAIGHT, TIGHT, WALKING } from "../live/bounds.js";
import { newId } from "./plan.js";

const SOONEST = 0.4; // s from now
const APART = 0.1; // s between two points
const SPACING = 0.7; // m between the points of a drawn line
const LOOK_BACK = 2 * FPS; // poses from which the gait's speed is measured
const STRIDE = FPS / 2; // in steps of so many: hips sway
const GOES = 0.3; // m/s from which a body is on its way

// The points with times that follow each other from the i-th on. `now` is where the body is, when,
// and where it looks (degrees); `gait` how fast it goes, and whether it has to set out first.
export function retime(points, i, now, gait) {
  const out = [...points];
  let before = { ...now, stop: gait.stands, soonest: SOONEST };
  out.forEach((point, k) => {
    if (point.at !== null && point.at <= now.at) return; // its time has come and gone
    const to = [0, 1].map((n) => point.place[n] - before.place[n]);
    if (k >= i) {
      const walked = before.at + (before.stop ? SETS_OUT : 0) + seconds(to, before.facing, gait.speed);
      out[k] = { ...point, at: Math.max(point.typed ? point.at : walked, before.at + before.soonest) };
    }
    before = { ...out[k], facing: to.some(Boolean) ? heading(...to) : before.facing, soonest: APART };
  });
  return out;
}

// Seconds to what lies `to` there (x, z), for a body that looks along `facing`. It runs only where that is worth it.
function seconds(to, facing, speed) {
  const off = ((heading(...to) - facing) * Math.PI) / 180;
  const runs = Math.hypot(...to) > FAR && Math.cos(off) > Math.cos(STRAIGHT);
  return walk(Math.hypot(...to), off) / (runs ? speed : Math.min(speed, WALKING));
}

// Meters of a walk to what lies so far away, `off` (radians) to a side; see `walk` in core/steering/ways.py.
function walk(far, off) {
  const [ahead, aside] = [far * Math.cos(off), Math.abs(far * Math.sin(off))];
  const middle = Math.hypot(ahead, aside - TIGHT); // from there to that of the narrowest turn
  if (middle < TIGHT) return ahead > 0 ? far : far + Math.PI * TIGHT;
  const arc = Math.atan2(ahead, TIGHT - aside) - Math.acos(TIGHT / middle);
  return TIGHT * ((arc + 2 * Math.PI) % (2 * Math.PI)) + Math.sqrt(middle ** 2 - TIGHT ** 2);
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

// How fast (m/s) the body goes now, or would by the prompt where it stands.
export function gaitOf(take, prompt) {
  const steps = Math.floor(Math.min(take.length - 1, LOOK_BACK) / STRIDE);
  const at = (k) => {
    const i = 3 * (take.length - 1 - k * STRIDE);
    return [take.root[i], take.root[i + 2]];
  };
  let length = 0;
  for (let k = 0; k < steps; k++) length += distance(at(k), at(k + 1));
  const measured = steps ? (length / (steps * STRIDE)) * FPS : 0;
  if (measured > GOES) return { speed: Math.min(measured, 4), stands: false };
  return { speed: /\b(run|sprint|jog)/i.test(prompt) ? RUNS : WALKING, stands: take.length > 0 };
}

export function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

// Degrees from Z, growing to the left (towards X).
export function heading(x, z) {
  return (Math.atan2(x, z) * 180) / Math.PI;
}
