// The poses received so far, with their prompts: what can be shown and scrubbed.

import { FPS, JOINTS, KEEP_SECONDS } from "./bounds.js";

export class Take {
  constructor({ number = 0, first = 0, keepSeconds = KEEP_SECONDS, joints = JOINTS } = {}) {
    Object.assign(this, { number, first, joints });
    this.end = first;
    this.keep = keepSeconds * FPS;
    this.marks = [];
    this.root = new Float32Array(3 * 1024);
    this.rotations = new Float32Array(4 * joints * 1024);
  }

  get length() {
    return this.end - this.first;
  }

  // `root` (3) and `rotations` (4 J) of the newest pose.
  get newest() {
    const i = this.length - 1;
    const width = 4 * this.joints;
    return [this.root.subarray(3 * i, 3 * i + 3), this.rotations.subarray(width * i, width * (i + 1))];
  }

  append({ first, count, root, rotations }) {
    if (first > this.end) this.clear(first); // the server no longer keeps what lies between
    const skip = this.end - first; // sent twice around a reconnect
    if (skip >= count) return 0;
    this.reserve(this.length + count);
    this.root.set(root.subarray(3 * skip), 3 * this.length);
    this.rotations.set(rotations.subarray(4 * this.joints * skip), 4 * this.joints * this.length);
    this.end = first + count;
    if (this.length > this.keep * 1.02) this.drop(this.length - this.keep);
    return count - skip;
  }

  mark({ id, start, text }) {
    if (!this.marks.some((mark) => mark.id === id && mark.start === start)) {
      this.marks.push({ id, start, text });
    }
  }

  markAt(pose) {
    return this.marks.findLast((mark) => mark.start <= pose) ?? this.marks[0];
  }

  clear(first) {
    this.first = this.end = first;
  }

  reserve(poses) {
    if (3 * poses <= this.root.length) return;
    const grow = (old) => {
      const grown = new Float32Array(2 * old.length);
      grown.set(old);
      return grown;
    };
    this.root = grow(this.root);
    this.rotations = grow(this.rotations);
    this.reserve(poses);
  }

  drop(poses) {
    this.root.copyWithin(0, 3 * poses, 3 * this.length);
    this.rotations.copyWithin(0, 4 * this.joints * poses, 4 * this.joints * this.length);
    this.first += poses;
    const holding = this.markAt(this.first);
    this.marks = this.marks.filter((mark) => mark === holding || mark.start > this.first);
  }

  // Write the pose at a fractional time into `root` (3) and `rotations` (4 J, w x y z).
  sample(time, root, rotations) {
    const clamped = Math.min(Math.max(time, this.first), this.end - 1);
    const a = Math.floor(clamped);
    const b = Math.min(a + 1, this.end - 1);
    const part = clamped - a;
    const [ra, rb] = [3 * (a - this.first), 3 * (b - this.first)];
    for (let i = 0; i < 3; i++) {
      root[i] = this.root[ra + i] * (1 - part) + this.root[rb + i] * part;
    }
    const width = 4 * this.joints;
    const [qa, qb] = [width * (a - this.first), width * (b - this.first)];
    for (let i = 0; i < width; i += 4) slerp(this.rotations, qa + i, qb + i, part, rotations, i);
  }
}

// Poses are 50 ms apart, so a normalized linear blend along the shorter arc is a slerp to the eye.
function slerp(from, a, b, part, out, at) {
  let dot = 0;
  for (let k = 0; k < 4; k++) dot += from[a + k] * from[b + k];
  const sign = dot < 0 ? -part : part;
  let norm = 0;
  for (let k = 0; k < 4; k++) {
    const value = from[a + k] * (1 - part) + from[b + k] * sign;
    out[at + k] = value;
    norm += value * value;
  }
  norm = 1 / Math.sqrt(norm || 1);
  for (let k = 0; k < 4; k++) out[at + k] *= norm;
}
