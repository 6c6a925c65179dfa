// A skeleton as a picture that can be turned: all its bones, and our joints in it with their names.

import { JOINT_NAMES, JOINT_PARENTS } from "../live/bounds.js";
import { partOf, sideOf } from "./joint_map.js";

const HEIGHT = 420;
const MARGIN = 18;
const WORDS = 76; // px at either side that are left to names
const LINE = 15; // px between two names
const HEAD = 14; // px from the top to the words above the names
const REACH = { mouse: 22, pen: 24, touch: 32 }; // px from a node where it is meant
const BESIDE = 14; // px, where a name is pointed at: a node under it comes first
const SLOPE = 0.2; // px of height that are worth one of distance
const STILL = 5; // px by which a click may move
const DRAG = 0.011; // radians a px
const KEY = 0.26; // radians by an arrow key
const QUARTER = 0.45; // how far it is turned at first
const STEEP = 1.5;

export class Bones {
  // `pick(node)` when one is clicked, or -1; `meet(node)` when one is pointed at; `name(joint)` when a name is clicked
  constructor(svg, { pick, meet, name }) {
    Object.assign(this, { svg, pick, meet, name });
    this.joints = {};
    this.chosen = null;
    this.met = -1;
    svg.setAttribute("height", HEIGHT);
    new ResizeObserver(() => this.draw()).observe(svg);
    svg.addEventListener("pointerdown", (event) => this.press(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    svg.addEventListener("pointerup", (event) => this.release(event));
    svg.addEventListener("pointercancel", () => (this.held = null));
    svg.addEventListener("pointerleave", () => this.point(-1));
    svg.addEventListener("keydown", (event) => this.key(event));
  }

  show({ places, parents, joints, how }) {
    this.parents = parents;
    this.places = how ? places : upright(places);
    this.fit(how ? Object.values(joints).map((node) => this.places[node]) : this.places);
    if (how) this.fit(this.places.filter((place) => this.near(place)));
    this.lines = parents.map(() => make("line", "lf-bone"));
    this.dots = places.map(() => make("circle", "lf-node"));
    this.ours = JOINT_NAMES.map((joint) => make("line", "lf-ours", joint));
    this.marks = JOINT_NAMES.map((joint) => make("circle", "lf-mark", joint));
    this.leads = JOINT_NAMES.map((joint) => make("line", "lf-lead", joint));
    this.words = JOINT_NAMES.map((joint) => make("text", "lf-word", joint));
    this.words.forEach((word, i) => (word.textContent = partOf(JOINT_NAMES[i])));
    this.heads = ["right", "left"].map((side) => make("text", "lf-word", `${side}_`));
    this.heads.forEach((head, i) => (head.textContent = ["right", "left"][i]));
    const { leads, lines, ours, dots, marks, words, heads } = this;
    this.svg.replaceChildren(...[leads, lines, ours, dots, marks, words, heads].flat());
    this.joints = joints;
    this.face();
  }

  // What to show fills the picture, however it is turned.
  fit(places) {
    const [low, high] = [Math.min, Math.max].map((end) => [0, 1, 2].map((i) => end(...places.map((place) => place[i]))));
    this.middle = low.map((value, i) => (value + high[i]) / 2);
    this.tall = high[1] - low[1] || 1;
    this.wide = 2 * Math.max(...places.map(([x, , z]) => Math.hypot(x - this.middle[0], z - this.middle[2]))) || 1;
  }

  // Whether a place is about the body, unlike a camera or a target across the room.
  near(place) {
    return Math.hypot(...place.map((value, i) => value - this.middle[i])) <= Math.max(this.tall, this.wide);
  }

  // Turn it to be seen from the front, a little from the side.
  face() {
    const [left, right] = ["left_hip", "right_hip"].map((joint) => this.places[this.joints[joint]]);
    this.yaw = (left && right ? Math.atan2(left[2] - right[2], left[0] - right[0]) : 0) - QUARTER;
    this.pitch = 0.1;
    this.draw();
  }

  // Which nodes are our joints now, and which joint is being chosen.
  tell(joints, chosen) {
    Object.assign(this, { joints, chosen });
    this.draw();
  }

  turn(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.min(Math.max(this.pitch + pitch, -STEEP), STEEP);
    this.draw();
  }

  // ---- drawing

  draw() {
    const width = this.svg.clientWidth;
    if (!this.places || !width) return;
    this.at = this.project(width);
    this.lines.forEach((line, i) => this.link(line, i, this.parents[i]));
    this.dots.forEach((dot, i) => {
      const [cx, cy] = this.at[i];
      set(dot, { cx, cy, r: i === this.met ? 4.5 : 2.2, "data-met": i === this.met });
    });
    JOINT_NAMES.forEach((joint, i) => {
      const there = this.at[this.joints[joint]];
      for (const element of [this.marks[i], this.words[i], this.leads[i]]) element.style.display = there ? "" : "none";
      if (there) set(this.marks[i], { cx: there[0], cy: there[1], r: joint === this.chosen ? 7 : 4.5 });
      let above = JOINT_PARENTS[i];
      while (above >= 0 && this.joints[JOINT_NAMES[above]] === undefined) above = JOINT_PARENTS[above];
      this.link(this.ours[i], this.joints[joint], this.joints[JOINT_NAMES[above]]);
    });
    this.nameAll(width);
  }

  // Nodes on the screen.
  project(width) {
    const scale = Math.min((width - 2 * WORDS) / this.wide, (HEIGHT - 2 * MARGIN) / this.tall);
    const [sin, cos, down, level] = [Math.sin(this.yaw), Math.cos(this.yaw), Math.sin(this.pitch), Math.cos(this.pitch)];
    const [mx, my, mz] = this.middle;
    return this.places.map(([x, y, z]) => {
      const across = (x - mx) * cos + (z - mz) * sin;
      const ahead = (z - mz) * cos - (x - mx) * sin;
      return [width / 2 + scale * across, HEIGHT / 2 - scale * ((y - my) * level - ahead * down)];
    });
  }

  link(line, node, other) {
    const [from, to] = [this.at[node], this.at[other]];
    line.style.display = from && to ? "" : "none";
    if (from && to) set(line, { x1: from[0], y1: from[1], x2: to[0], y2: to[1] });
  }

  // Names stand in two columns, in the order of what they name.
  nameAll(width) {
    const [left, right] = ["left_hip", "right_hip"].map((joint) => this.at[this.joints[joint]]);
    const behind = Boolean(left && right) && left[0] < right[0];
    const columns = [[], []]; // at the left of the picture, and at its right
    JOINT_NAMES.forEach((joint, i) => {
      const there = this.at[this.joints[joint]];
      const side = sideOf(joint);
      const at = side === "middle" ? i % 2 : Number((side === "left") !== behind);
      if (there) columns[at].push({ i, there, y: there[1], far: at ? width - there[0] : there[0] });
    });
    columns.forEach((column, at) => {
      const [x, edge] = at ? [width - WORDS + 12, width - WORDS + 8] : [WORDS - 12, WORDS - 8];
      spread(column);
      for (const { i, there, y } of column) {
        const on = JOINT_NAMES[i] === this.chosen;
        set(this.words[i], { x, y: y + 4, "text-anchor": at ? "start" : "end", "data-on": on });
        set(this.leads[i], { x1: edge, y1: y, x2: there[0], y2: there[1], "data-on": on });
      }
      const head = this.heads[Number(Boolean(at) !== behind)];
      set(head, { x, y: HEAD, "text-anchor": at ? "start" : "end" });
      head.style.display = left && right ? "" : "none";
    });
  }

  // ---- pointing

  press(event) {
    if (event.button) return;
    const { clientX: x, clientY: y } = event;
    this.held = { x, y, joint: event.target.dataset.joint, moved: false };
    this.svg.setPointerCapture(event.pointerId);
  }

  move(event) {
    const { held } = this;
    if (!held) return this.point(this.nearest(event, event.target.dataset.joint && BESIDE));
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    held.moved ||= Math.hypot(dx, dy) > STILL;
    if (!held.moved) return;
    Object.assign(held, { x: event.clientX, y: event.clientY });
    this.turn(DRAG * dx, DRAG * dy);
  }

  release(event) {
    const { held } = this;
    this.held = null;
    if (!held || held.moved) return;
    const node = this.nearest(event, held.joint && BESIDE);
    if (node < 0 && held.joint) this.name(held.joint);
    else this.pick(node);
  }

  point(node) {
    if (node === this.met) return;
    this.met = node;
    this.svg.style.cursor = node < 0 ? "" : "pointer";
    this.draw();
    this.meet(node);
  }

  // The node that is meant; -1 for none.
  nearest({ clientX, clientY, pointerType }, reach = REACH[pointerType] ?? REACH.touch) {
    const { left, top } = this.svg.getBoundingClientRect();
    let [node, least] = [-1, reach];
    this.at?.forEach(([x, y], i) => {
      const far = Math.hypot(x - clientX + left, y - clientY + top);
      if (far < least) [node, least] = [i, far];
    });
    return node;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const turns = { ArrowLeft: [-KEY, 0], ArrowRight: [KEY, 0], ArrowUp: [0, -KEY], ArrowDown: [0, KEY] };
    if (event.code === "Home") this.face();
    else if (turns[event.code]) this.turn(...turns[event.code]);
    else return;
    event.preventDefault();
  }
}

// Axes of a file that nobody knows yet: what it is long along is up.
function upright(places) {
  const [, tall, deep] = [0, 1, 2].map((i) => Math.max(...places.map((p) => p[i])) - Math.min(...places.map((p) => p[i])));
  return deep > 1.2 * tall ? places.map(([x, y, z]) => [x, z, -y]) : places;
}

// Move names of a column apart. Of those at one height the nearest comes first, so that no lines cross.
function spread(column) {
  column.sort((a, b) => a.y - b.y + SLOPE * (a.far - b.far));
  let least = HEAD + LINE;
  for (const item of column) {
    item.y = Math.max(item.y, least);
    least = item.y + LINE;
  }
  let most = HEIGHT - LINE / 2;
  for (const item of column.reverse()) {
    item.y = Math.min(item.y, most);
    most = item.y - LINE;
  }
}

function make(tag, name, joint) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  element.setAttribute("class", name);
  if (joint) element.dataset.side = sideOf(joint);
  if (JOINT_NAMES.includes(joint)) element.dataset.joint = joint;
  return element;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}
