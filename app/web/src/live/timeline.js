// The take as a strip: prompts as colored parts, the playhead, and the range to export.

import { FPS, LEAST_PART } from "./bounds.js";
import { clock } from "./page_view.js";

export const LEAST_POSES = Math.round(LEAST_PART * FPS); // of a range
const LEAST_SECONDS = 10;

export class Timeline {
  // `seek(pose)` while scrubbing; `select(from, to)` when a handle of the range was moved
  constructor(element, { seek, select }) {
    Object.assign(this, { element, seek, select });
    this.handles = [...element.parentElement.querySelectorAll("[data-handle]")]; // from, to
    this.canvas = element.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.range = null; // [from, to] poses when a range is to be exported
    this.gaps = []; // [start, end) poses that nobody saw
    this.ahead = 0; // a pose that is to be seen though the take has not come there
    this.seam = Infinity; // the pose from which on the take is made up
    this.player = null;
    this.drawn = "";
    element.addEventListener("pointerdown", (event) => this.press(event));
    element.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      element.addEventListener(end, () => (this.scrubbing = false));
    }
    this.handles.forEach((handle, i) => this.listen(handle, i));
    new ResizeObserver(() => (this.drawn = "")).observe(element);
  }

  get scale() {
    const { take } = this.player;
    const span = Math.max(take.length, this.ahead - take.first, LEAST_SECONDS * FPS);
    return (this.element.clientWidth || 1) / span; // px a pose
  }

  x(pose) {
    return (pose - this.player.take.first) * this.scale;
  }

  pose(event) {
    const x = event.clientX - this.element.getBoundingClientRect().left;
    return this.player.take.first + x / this.scale;
  }

  press(event) {
    if (!this.player?.take.length || event.button > 0) return;
    this.element.setPointerCapture(event.pointerId);
    this.scrubbing = true;
    this.drag(event);
  }

  drag(event) {
    const { take } = this.player ?? {};
    this.element.title = take?.markAt(this.pose(event))?.text ?? ""; // of which there may be room for a few words
    if (!this.scrubbing) return;
    this.seek(Math.min(Math.max(this.pose(event), take.first), take.end));
  }

  // A handle follows mouse and finger from where it was taken, and the keys.
  listen(handle, i) {
    let grip = null;
    handle.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      handle.setPointerCapture(event.pointerId);
      grip = this.range[i] - this.pose(event);
    });
    handle.addEventListener("pointermove", (event) => {
      if (grip !== null) this.move(i, this.pose(event) + grip);
    });
    for (const end of ["pointerup", "pointercancel"]) handle.addEventListener(end, () => (grip = null));
    handle.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { take } = this.player;
      const step = event.shiftKey ? FPS : 1;
      const arrows = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step };
      const steps = { ...arrows, PageUp: -5 * FPS, PageDown: 5 * FPS };
      const ends = { Home: take.first, End: take.end };
      const to = ends[event.key] ?? this.range[i] + steps[event.key];
      if (Number.isNaN(to)) return;
      event.preventDefault();
      this.move(i, to);
    });
  }

  // One end of the range stays where it is, and ahead of or behind the other.
  move(i, pose) {
    const [from, to] = this.range;
    const whole = Math.round(pose);
    if (i === 0) this.select(Math.min(whole, to - LEAST_POSES), to);
    else this.select(from, Math.max(whole, from + LEAST_POSES));
  }

  place() {
    this.handles.forEach((handle, i) => {
      handle.hidden = !this.range;
      if (!this.range) return;
      const { take } = this.player;
      const pose = this.range[i];
      handle.style.left = `${this.x(pose)}px`;
      handle.firstElementChild.textContent = clock(pose / FPS);
      for (const [name, at] of [["min", take.first], ["max", take.end], ["now", pose]]) {
        handle.setAttribute(`aria-value${name}`, (at / FPS).toFixed(2));
      }
      handle.setAttribute("aria-valuetext", `${(pose / FPS).toFixed(2)} seconds`);
    });
  }

  draw(player, style) {
    this.player = player;
    const { take } = player;
    const width = this.element.clientWidth;
    const height = this.element.clientHeight;
    const state = [width, take.number, take.first, take.end, take.marks.length, player.time.toFixed(1),
      this.ahead, this.range, this.gaps.length, this.seam, style.name, devicePixelRatio].join();
    if (state === this.drawn || !width) return;
    this.drawn = state;
    const pixels = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * pixels) || this.canvas.height !== Math.round(height * pixels)) {
      this.canvas.width = Math.round(width * pixels);
      this.canvas.height = Math.round(height * pixels);
    }
    const c = this.context;
    c.setTransform(pixels, 0, 0, pixels, 0, 0);
    c.clearRect(0, 0, width, height);
    this.drawMarks(c, take, height, style);
    this.drawGaps(c, take, height, style);
    this.drawTicks(c, take, width, height, style);
    if (this.range) this.drawRange(c, width, height, style);
    this.place();
    if (take.length) this.drawHead(c, player, height, style);
  }

  drawMarks(c, take, height, style) {
    c.font = `500 12px ${style.font}`;
    c.textBaseline = "middle";
    take.marks.forEach((mark, i) => {
      const start = Math.max(mark.start, take.first);
      const end = take.marks[i + 1]?.start ?? take.end;
      if (end <= start) return;
      const [left, right] = [this.x(start), this.x(end)];
      c.fillStyle = style.parts[mark.id % style.parts.length];
      c.beginPath();
      c.roundRect(left + (i ? 1 : 0), 4, Math.max(right - left - (i ? 1 : 0), 1), height - 18, 5);
      c.fill();
      if (right - left < 24) return;
      c.save();
      c.clip();
      c.fillStyle = style.ink;
      c.fillText(shorten(c, mark.text, right - left - 14), left + 8, 4 + (height - 18) / 2 + 0.5);
      c.restore();
    });
  }

  drawGaps(c, take, height, style) {
    c.strokeStyle = style.head;
    for (const [start, end] of this.gaps) {
      const [left, right] = [this.x(start), this.x(Math.min(end, take.end))];
      if (right <= left) continue;
      c.save();
      c.beginPath();
      c.rect(left, 4, Math.max(right - left, 3), height - 18);
      c.clip();
      c.globalAlpha = 0.45;
      c.lineWidth = 1.5;
      c.beginPath();
      for (let x = left - height; x < right; x += 5) {
        c.moveTo(x, height);
        c.lineTo(x + height, 0);
      }
      c.stroke();
      c.restore();
    }
    if (this.seam >= take.end || this.seam <= take.first) return;
    c.save();
    c.strokeStyle = style.accent;
    c.lineWidth = 2;
    c.setLineDash([4, 3]);
    c.beginPath();
    c.moveTo(this.x(this.seam), 1);
    c.lineTo(this.x(this.seam), height - 11);
    c.stroke();
    c.restore();
  }

  drawTicks(c, take, width, height, style) {
    const every = [1, 2, 5, 10, 30, 60, 120].find((s) => s * FPS * this.scale >= 46) ?? 300;
    c.font = `11px ${style.font}`;
    c.textBaseline = "alphabetic";
    c.fillStyle = style.faint;
    const from = Math.ceil(take.first / FPS / every) * every;
    for (let s = from; this.x(s * FPS) < width - 18; s += every) {
      const text = s < 60 ? `${s}s` : `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
      c.fillText(text, this.x(s * FPS) + (s === from ? 1 : -c.measureText(text).width / 2), height - 2);
    }
  }

  drawRange(c, width, height, style) {
    const [left, right] = this.range.map((pose) => this.x(pose));
    c.fillStyle = style.veil;
    c.fillRect(0, 2, Math.max(left, 0), height - 14);
    c.fillRect(right, 2, Math.max(width - right, 0), height - 14);
  }

  drawHead(c, player, height, style) {
    const x = Math.max(this.x(player.time), 1.5);
    c.fillStyle = style.head;
    c.beginPath();
    c.roundRect(x - 1.25, 0, 2.5, height - 11, 1.25);
    c.arc(x, 3.5, 4, 0, 2 * Math.PI);
    c.fill();
  }
}

function shorten(c, text, width) {
  if (c.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && c.measureText(`${text.slice(0, length)}...`).width > width) length -= 1;
  return length > 2 ? `${text.slice(0, length).trimEnd()}\u2026` : "";
}
