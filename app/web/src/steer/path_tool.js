// Path: a click on the floor adds a point, a drawn line many; points are dragged while the body moves.

import { MOST_WAYPOINTS } from "../live/bounds.js";
import { arrowHandle, nudged } from "./arrow.js";
import { pickFloor } from "./handles.js";
import { PathView } from "./path_view.js";
import { distance, gaitOf, heading, newPoint, retime, sampleLine } from "./points.js";

const STILL = 5; // px that a press may wander and still be a click
const DRAWN_APART = 0.05; // m
const AHEAD = 1; // m

export class PathTool {
  constructor(steering) {
    this.steering = steering;
    this.view = new PathView(steering.world);
    this.drawing = false; // whether a drag draws
    this.line = null;
    this.pressed = null;
    const stage = steering.page.root.querySelector(".ls-stage");
    stage.addEventListener("pointerdown", (event) => this.press(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", (event) => this.release(event));
    stage.addEventListener("pointercancel", () => (this.pressed = this.line = null));
    stage.addEventListener("keydown", ({ target, code }) => target === stage && code === "Enter" && this.on && this.lead());
  }

  get on() {
    return this.steering.mode === "path";
  }

  get points() {
    return this.steering.plan.value.points;
  }

  // ---- on the floor

  press(event) {
    if (!this.on || event.button > 0 || !event.isPrimary) return;
    this.pressed = { x: event.clientX, y: event.clientY };
    if (this.drawing) this.line = [];
    this.move(event);
  }

  move(event) {
    const place = this.line && pickFloor(event, this.steering.page.stage);
    if (!place) return;
    const next = this.steering.world.floor(place);
    if (this.line.length && distance(this.line.at(-1), next) < DRAWN_APART) return;
    this.line.push(next);
    this.view.show([...this.points, ...this.line.map((place) => ({ place, facing: null }))], () => "");
  }

  release(event) {
    const { pressed, line } = this;
    this.pressed = this.line = null;
    if (!this.on || !pressed) return;
    if (line?.length > 1) return this.add(sampleLine(line));
    const still = Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < STILL;
    const place = still && pickFloor(event, this.steering.page.stage);
    if (place) this.add([newPoint(this.steering.world.floor(place))]);
    else this.refresh();
  }

  // Add a point ahead of the last one, as the camera looks, for whoever has no mouse; arrow keys move its handle.
  lead() {
    const { ahead } = this.steering.page.stage;
    const [x, z] = this.points.at(-1)?.place ?? this.steering.now.place;
    this.add([newPoint([x + AHEAD * ahead.x, z + AHEAD * ahead.z])]);
  }

  draws(on) {
    this.drawing = on;
    const { stage, view } = this.steering.page;
    stage.controls.enabled = !on;
    stage.canvas.style.touchAction = on ? "none" : "pan-y";
    view.pressed("draw", on);
  }

  // ---- edits

  add(points) {
    const room = MOST_WAYPOINTS - this.points.length;
    if (points.length > room) this.steering.page.view.flash(`A path has at most ${MOST_WAYPOINTS} points.`);
    const all = [...this.points, ...points.slice(0, room)];
    this.steering.chosen = points.length === 1 && room > 0 ? points[0].id : null;
    this.set(all, this.points.length);
  }

  // Change one point; the times after it follow where nobody typed them.
  edit(id, change) {
    const i = this.points.findIndex((point) => point.id === id);
    if (i < 0) return;
    this.set(this.points.with(i, { ...this.points[i], ...change }), i);
  }

  remove(id) {
    const i = this.points.findIndex((point) => point.id === id);
    this.set(this.points.filter((point) => point.id !== id), i);
  }

  set(points, from) {
    const { page, plan } = this.steering;
    plan.set({ points: retime(points, from, this.steering.now, gaitOf(page.player.take, page.view.prompt)) });
  }

  // Where the path leads through a point, in degrees.
  leads(id) {
    const i = this.points.findIndex((point) => point.id === id);
    const [from, to] = i > 0 ? [this.points[i - 1], this.points[i]] : [this.points[i], this.points[i + 1] ?? this.points[i]];
    return heading(to.place[0] - from.place[0], to.place[1] - from.place[1]);
  }

  // ---- what is seen

  refresh() {
    const { steering } = this;
    const shown = steering.planning ? this.points : [];
    this.view.show(shown, (point) => steering.outcome("waypoint", point.at).state);
    return this.on ? shown.flatMap((point, i) => this.handles(point, i)) : [];
  }

  handles(point, i) {
    const { steering } = this;
    const { world, page } = steering;
    const { passed, state, text = "", hint } = steering.outcome("waypoint", point.at);
    const chosen = steering.chosen === point.id;
    const label = `Way-point ${i + 1}`;
    const said = `${point.at.toFixed(1)} s ${text}`.trim();
    const handle = {
      id: point.id,
      at: () => world.seen(point.place),
      kind: "point",
      label: `${label} at ${said}${passed ? ", passed" : ""}`,
      text: said,
      hint,
      chosen,
      passed,
      state,
      choose: () => steering.choose(point.id),
      drag: (event) => {
        const at = pickFloor(event, page.stage);
        steering.chosen = point.id; // so that what is said of it is seen
        if (at) this.edit(point.id, { place: world.floor(at) });
      },
      nudge: (x, y) => this.edit(point.id, { place: nudged(point.place, [x, y], page.stage) }),
      remove: () => this.remove(point.id),
    };
    if (!chosen || point.facing === null) return [handle];
    const turn = (facing) => this.edit(point.id, { facing });
    return [handle, arrowHandle({ id: `${point.id} arrow`, world, place: point.place, facing: point.facing, label, turn })];
  }

  // The next point that the body is on its way to.
  tick() {
    const { planning, now, page } = this.steering;
    const next = planning && this.points.find((point) => point.at > now.at);
    const { root } = page.figure;
    const here = page.figure.posed ? [root[0], root[2]] : [0, 0];
    const key = next ? [...here, ...next.place].map((v) => v.toFixed(2)).join() : "";
    if (key === this.reached) return;
    this.reached = key;
    this.view.reach(here, next?.place);
  }
}
