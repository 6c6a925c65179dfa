// Key poses: the shown pose pinned to the timeline, its hands and feet dragged where they should be.

import { Vector3 } from "three";
import { MOST_KEYS, REST_JOINTS } from "../live/bounds.js";
import { arrowHandle, nudged } from "./arrow.js";
import { Ghost } from "./ghost.js";
import { pick, pickFloor } from "./handles.js";
import { LIMBS, reach } from "./limb_ik.js";
import { Pins } from "./pins.js";
import { newId } from "./plan.js";
import { readPose } from "./pose.js";

export const AHEAD = 7; // s from now at which a pose is pinned: time to drag its hands while the motion goes on
const BESIDE = 0.95; // m from the body, to the right of who looks
const NUDGE = 0.03; // m

export class KeyTool {
  constructor(steering) {
    this.steering = steering;
    this.ghost = new Ghost(steering.world);
    this.pins = new Pins(steering.page.timeline, {
      choose: (id) => steering.choose(id),
      move: (id, at) => {
        steering.chosen = id; // so that what is said of it is seen
        this.edit(id, { at: Math.max(at, 0) });
      },
      remove: (id) => this.remove(id),
      gesture: (on) => steering.gesture(on),
    });
  }

  get on() {
    return this.steering.mode === "keys";
  }

  get keys() {
    return this.steering.plan.value.keys;
  }

  get chosen() {
    return this.keys.find(({ id }) => id === this.steering.chosen);
  }

  pin() {
    const { page, plan, now } = this.steering;
    if (this.keys.length >= MOST_KEYS) return page.view.flash(`There are at most ${MOST_KEYS} key poses.`);
    const { root, rotations, posed } = page.figure;
    if (!posed) root[1] = REST_JOINTS[0][1]; // it stands
    const key = { id: newId(), at: now.at + AHEAD, parts: ["body"], here: false, ...readPose(root, rotations) };
    this.steering.chosen = key.id;
    plan.set({ keys: [...this.keys, key] });
  }

  edit(id, change) {
    this.steering.plan.set({ keys: this.keys.map((key) => (key.id === id ? { ...key, ...change } : key)) });
  }

  remove(id) {
    this.steering.plan.set({ keys: this.keys.filter((key) => key.id !== id) });
  }

  // Bind a pose to the place where it is shown, or let it be anywhere.
  bind(id, here) {
    const key = this.keys.find((key) => key.id === id);
    this.edit(id, { here, place: this.place(key) });
  }

  // Where a pose is shown: beside the body as long as it may be anywhere.
  place(key) {
    const { page, world } = this.steering;
    if (key.here) return key.place;
    const { ahead } = page.stage;
    const { x, z } = page.figure.place;
    return world.floor(new Vector3(x - ahead.z * BESIDE, 0, z + ahead.x * BESIDE));
  }

  // ---- what is seen

  refresh() {
    const { steering } = this;
    const pins = (steering.planning ? this.keys : []).map(({ id, at }) => {
      const { passed, state, text, hint } = steering.outcome("key", at);
      return { id, at, chosen: this.on && id === steering.chosen, passed, state, said: text, hint };
    });
    this.pins.show(pins);
    const key = this.on && this.chosen;
    if (!key) {
      this.ghost.hide();
      return [];
    }
    this.ghost.show({ ...key, place: this.place(key) });
    return [...Object.entries(LIMBS).map(([name, limb]) => this.limb(key, name, limb)), ...this.ground(key)];
  }

  limb(key, name, limb) {
    const { page } = this.steering;
    const at = () => this.ghost.seen(key.joints[limb.end]);
    const pull = (place) => {
      const target = this.ghost.own(place);
      target.y = Math.max(target.y, 0.02);
      this.edit(key.id, { joints: reach(key.joints, limb, target) });
    };
    return {
      id: `${key.id} ${name}`,
      at,
      kind: "limb",
      label: `${name.replace("_", " ")} of the key pose`,
      state: key.parts.includes("body") || key.parts.includes(name) ? "held" : "",
      drag: (event) => {
        const place = pick(event, page.stage, at(), page.stage.camera.getWorldDirection(new Vector3()));
        if (place) pull(place);
      },
      nudge: (x, y) => {
        const { ahead } = page.stage;
        pull(at().add(new Vector3(-ahead.z * x, y, ahead.x * x).multiplyScalar(NUDGE)));
      },
    };
  }

  // Where the pose is wanted, if it is bound to a place.
  ground(key) {
    if (!key.here) return [];
    const { world, page } = this.steering;
    const place = {
      id: `${key.id} place`,
      at: () => world.seen(key.place),
      kind: "point",
      label: "Place of the key pose",
      drag: (event) => {
        const at = pickFloor(event, page.stage);
        if (at) this.edit(key.id, { place: world.floor(at) });
      },
      nudge: (x, y) => this.edit(key.id, { place: nudged(key.place, [x, y], page.stage) }),
    };
    const turn = (facing) => this.edit(key.id, { facing });
    return [place, arrowHandle({ id: `${key.id} arrow`, world, place: key.place, facing: key.facing, label: "Key pose", turn })];
  }

  tick() {
    this.pins.place();
    if (this.on && this.chosen && !this.chosen.here) this.ghost.move(this.place(this.chosen));
  }
}
