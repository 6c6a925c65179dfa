// A small map of the place: where the dream believes it is, how it came there, and how sure it is.

const SECONDS = 60; // of the path
const AGES = 6; // parts of the path, each fainter than the next
const STEP = 5; // units between two points of the path
const JUMP = 40; // units that nobody walks in a frame: somebody was set down
const DRAG = 10; // pixels from where a finger came down to where it chooses the heading

export class WorldMap {
  // `stand({x, y, degrees})` when a place was chosen, degrees null to keep the heading
  constructor(root, { stand }) {
    Object.assign(this, { root, stand });
    this.card = root.querySelector(".lw-place");
    this.svg = root.querySelector(".lw-map");
    this.marks = Object.fromEntries(["self", "real", "other", "aim"].map((name) => [name, this.find(`.lw-${name}`)]));
    this.allow(false);
    this.clear();
    this.svg.addEventListener("mousedown", (event) => event.preventDefault()); // the picture keeps the focus
    this.svg.addEventListener("pointerdown", (event) => this.down(event));
    this.svg.addEventListener("pointermove", (event) => this.drag(event));
    this.svg.addEventListener("pointerup", (event) => this.up(event));
    this.svg.addEventListener("pointercancel", () => this.aim(null));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("blur", () => this.aim(null));
    const narrow = matchMedia("(max-width: 940px)");
    const settle = () => this.settle(narrow.matches || Boolean(document.fullscreenElement));
    narrow.addEventListener("change", settle);
    document.addEventListener("fullscreenchange", settle);
    settle();
  }

  find(selector) {
    return this.svg.querySelector(selector);
  }

  // Beside the picture, or below it where there is no room.
  settle(below) {
    if (below) this.root.querySelector(".lw-transport").after(this.card);
    else this.root.querySelector(".ls-side").prepend(this.card);
  }

  // Another world: its ground, null where it does not know where it is.
  offer({ ground, fps }) {
    this.card.hidden = !ground;
    this.clear();
    if (!ground) return;
    const { low, texel, rows } = ground;
    Object.assign(this, { low, texel, rows, fps });
    const [width, height] = [(rows[0].length + 2) * texel, (rows.length + 2) * texel]; // a cell around it
    this.svg.style.aspectRatio = `${width} / ${height}`;
    this.svg.setAttribute("viewBox", `${low[0] - texel} ${texel - low[1] - height} ${width} ${height}`);
    this.find(".lw-ground").setAttribute("d", rows.map((row, i) => this.runs(row, i)).join(""));
    this.size = Math.max(width, height) / 22; // of an arrow
    for (const name of ["self", "real", "other", "aim"]) {
      // the engine's is seen around the dream's where both agree
      const d = arrow(name === "real" ? 1.5 * this.size : this.size);
      this.marks[name].querySelector(".lw-arrow").setAttribute("d", d);
    }
  }

  // The cells of a row where one can stand, as rectangles.
  runs(row, number) {
    const { low, texel } = this;
    return [...row.matchAll(/\.+/g)]
      .map(({ index, 0: cells }) => {
        return `M${low[0] + index * texel} ${low[1] + number * texel}h${cells.length * texel}v${texel}h${-cells.length * texel}z`;
      })
      .join("");
  }

  free(x, y) {
    return this.rows[Math.floor((y - this.low[1]) / this.texel)]?.[Math.floor((x - this.low[0]) / this.texel)] === ".";
  }

  clear() {
    this.path = [];
    this.forks = { was: [], other: [] };
    this.place = null;
    this.at = -1;
    for (const name of ["self", "real", "other", "aim"]) this.put(name, null);
    this.draw();
  }

  put(name, place) {
    const mark = this.marks[name];
    mark.toggleAttribute("hidden", !place);
    if (!place) return;
    const [x, y, degrees, spread = 0] = place;
    mark.setAttribute("transform", `translate(${x} ${y})`);
    mark.querySelector(".lw-arrow").setAttribute("transform", `rotate(${degrees})`);
    mark.querySelector(".lw-spread")?.setAttribute("r", spread);
  }

  // ---- what is seen

  // The dream's newest frame.
  see({ index, place }) {
    if (!place) return;
    if (this.forks.other.length) this.join();
    this.place = place;
    this.put("self", place);
    while (this.path.length && this.path.at(-1).index >= index) this.path.pop();
    while (this.path[0]?.index < index - SECONDS * this.fps) this.path.shift();
    if (extend(this.path, index, place)) this.draw();
  }

  seeReal({ place }) {
    this.real = place;
    this.put("real", place);
  }

  // A frame of a past that is shown twice; `other` is the one under other keys.
  seePast({ index, place }, other) {
    if (!place) return;
    const path = this.forks[other ? "other" : "was"];
    if (!other) this.place = place;
    if (index <= path.at(-1)?.index) path.length = 0;
    this.put(other ? "other" : "self", place);
    this.put("real", null);
    if (extend(path, index, place, 0)) this.draw();
  }

  // Where a moment of the past was.
  peek({ place }) {
    if (!place) return;
    this.place = place;
    this.put("self", place);
  }

  // The past is over: only the dream's own place is left.
  join() {
    this.forks = { was: [], other: [] };
    this.put("other", null);
    this.draw();
  }

  draw() {
    const parts = this.svg.querySelectorAll(".lw-path path");
    const each = (SECONDS * (this.fps ?? 30)) / AGES;
    const end = this.path.at(-1)?.index ?? 0;
    for (let age = 0; age < AGES; age++) {
      // one point more than it is old, so that parts meet
      const from = this.path.findIndex(({ index }) => index > end - (age + 1) * each);
      const to = this.path.findLastIndex(({ index }) => index <= end - age * each);
      parts[age].setAttribute("d", from < 0 || to < 0 ? "" : line(this.path.slice(Math.max(from - 1, 0), to + 1)));
    }
    for (const name of ["was", "other"]) this.find(`.lw-path-${name}`).setAttribute("d", line(this.forks[name]));
    this.find(".lw-path").toggleAttribute("hidden", this.forks.was.length > 0);
  }

  // ---- standing somewhere else

  // Whether somebody is there who could stand somewhere else.
  allow(on) {
    this.allowed = on;
    this.svg.setAttribute("aria-disabled", String(!on));
    if (!on) this.aim(null);
  }

  down(event) {
    if (event.button > 0 || !this.allowed) return;
    this.svg.setPointerCapture(event.pointerId);
    this.from = event;
    this.aim(this.point(event));
  }

  drag(event) {
    if (!this.from || !this.aimed) return;
    const [x, y] = [event.clientX - this.from.clientX, event.clientY - this.from.clientY];
    this.aim({ ...this.aimed, degrees: Math.hypot(x, y) > DRAG ? (Math.atan2(-y, x) * 180) / Math.PI : null });
  }

  up() {
    const { aimed } = this;
    this.aim(null);
    if (aimed) this.stand(aimed);
  }

  point({ clientX, clientY }) {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return { x, y: -y, degrees: null };
  }

  aim(aimed) {
    this.aimed = aimed;
    if (!aimed) this.from = null;
    this.put("aim", aimed && [aimed.x, aimed.y, aimed.degrees ?? this.place?.[2] ?? 0]);
    this.marks.aim.dataset.free = String(Boolean(aimed && this.free(aimed.x, aimed.y)));
  }

  // Arrows move a mark, Enter stands there.
  key(event) {
    const ways = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const way = ways[event.code];
    const chosen = event.code === "Enter" || event.code === "Space";
    if (event.code === "Escape") return this.svg.blur();
    if ((!way && !chosen) || !this.place || !this.allowed || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { x, y } = this.aimed ?? { x: this.place[0], y: this.place[1] };
    if (chosen) return this.stand({ x, y, degrees: null });
    const far = event.shiftKey ? 1 : this.texel / 2;
    this.aim({ x: x + far * way[0], y: y + far * way[1], degrees: null });
    this.root.querySelector(".lw-aimed").textContent =
      `${this.aimed.x.toFixed(0)}, ${this.aimed.y.toFixed(0)}: ${this.free(this.aimed.x, this.aimed.y) ? "free" : "nobody can stand there"}`;
  }

  // ---- in words

  get how() {
    return this.allowed ? "Click the map to stand there; drag to turn." : "Play first; then a click stands you there.";
  }

  get where() {
    if (!this.place) return "Nobody knows yet";
    const [x, y, degrees] = this.place;
    return `${x.toFixed(0)}, ${y.toFixed(0)} \u00b7 facing ${heading(degrees)}`;
  }

  get sure() {
    if (!this.place) return "Play, and the dream tells.";
    const spread = Math.max(this.place[3], 0.1);
    return `Sure within ${spread.toFixed(spread < 10 ? 1 : 0)} units`;
  }

  get off() {
    if (!this.place || !this.real || this.marks.real.hasAttribute("hidden")) return "";
    const far = Math.hypot(this.place[0] - this.real[0], this.place[1] - this.real[1]);
    return `The engine is ${far.toFixed(far < 10 ? 1 : 0)} units away`;
  }
}

// Add a point where it is far enough from the last one.
function extend(path, index, [x, y], step = STEP) {
  const last = path.at(-1);
  const far = last ? Math.hypot(x - last.x, y - last.y) : Infinity;
  if (far <= step) return false;
  path.push({ index, x, y, jump: far > JUMP });
  return true;
}

function line(points) {
  return points.map(({ x, y, jump }, i) => `${i && !jump ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

function arrow(size) {
  return `M${size} 0L${-0.75 * size} ${0.7 * size}L${-0.4 * size} 0L${-0.75 * size} ${-0.7 * size}z`;
}

function heading(degrees) {
  const winds = ["east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east"];
  return winds[((Math.round(degrees / 45) % 8) + 8) % 8];
}
