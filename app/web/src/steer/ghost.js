// A wanted pose as a pale figure of limbs and joints: all that a key pose knows are joints.

import { CylinderGeometry, Group, Mesh, MeshBasicMaterial, MeshStandardMaterial, SphereGeometry, Vector3 } from "three";
import { JOINTS, JOINT_PARENTS } from "../live/bounds.js";
import { makeDisc, paint } from "./path_view.js";

const [NECK, HEAD] = [12, 15];
const TRUNK = new Set([0, 3, 6, 9, 12, 13, 14]);
const THICK = { 1: 0.075, 2: 0.075, 4: 0.062, 5: 0.062, 7: 0.046, 8: 0.046 }; // m, of the bone above a joint
const UP = new Vector3(0, 1, 0);
const COLORS = { light: 0x6d63e8, dark: 0xa5acff };

export class Ghost {
  constructor(world) {
    this.world = world;
    this.group = new Group();
    this.material = new MeshStandardMaterial({ transparent: true, opacity: 0.5, roughness: 0.9 });
    const round = new SphereGeometry(1, 16, 12);
    const long = new CylinderGeometry(1, 1, 1, 14, 1, true);
    this.joints = Array.from({ length: JOINTS + 1 }, () => new Mesh(round, this.material)); // the last one is the skull
    this.bones = JOINT_PARENTS.slice(1).map(() => new Mesh(long, this.material));
    // depth first, so that what lies within another part does not shine through
    const hidden = new MeshBasicMaterial({ colorWrite: false });
    for (const part of [...this.joints, ...this.bones]) {
      part.add(new Mesh(part.geometry, hidden));
      part.renderOrder = 5;
      part.children[0].renderOrder = 4;
    }
    this.arrow = makeDisc(0, paint()); // a figure without a face does not show where it looks
    this.group.add(...this.joints, ...this.bones, this.arrow);
    this.group.visible = false;
    world.group.add(this.group);
  }

  setTheme(name) {
    for (const { color } of [this.material, this.arrow.material]) color.set(COLORS[name]);
  }

  hide() {
    if (this.group.visible) this.world.stage.dirty = true;
    this.group.visible = false;
  }

  show({ joints, place, facing }) {
    const places = joints.map((joint) => new Vector3(...joint));
    places.forEach((place, j) => this.joints[j].position.copy(place));
    for (let j = 0; j < JOINTS; j++) this.joints[j].scale.setScalar(thickness(j));
    const neck = places[HEAD].clone().sub(places[NECK]).normalize();
    this.joints[JOINTS].position.copy(places[HEAD]).addScaledVector(neck, 0.06);
    this.joints[JOINTS].scale.set(0.085, 0.11, 0.095);
    this.bones.forEach((bone, i) => stretch(bone, places[JOINT_PARENTS[i + 1]], places[i + 1], thickness(i + 1)));
    this.group.rotation.y = (facing * Math.PI) / 180;
    this.group.visible = true;
    this.stale = true;
    this.move(place);
  }

  move([x, z]) {
    const { position } = this.group;
    if (position.x === x && position.z === z && !this.stale) return;
    this.stale = false;
    this.group.position.set(x, 0, z);
    this.group.updateMatrixWorld(true);
    this.world.stage.dirty = true;
  }

  // Where a joint is in the scene, and a place of the scene as the pose has it.
  seen(joint) {
    return this.group.localToWorld(new Vector3(...joint));
  }

  own(place) {
    return this.group.worldToLocal(place.clone());
  }
}

function thickness(joint) {
  return THICK[joint] ?? (TRUNK.has(joint) ? 0.07 : 0.04);
}

function stretch(bone, from, to, thick) {
  const way = to.clone().sub(from);
  bone.position.copy(from).addScaledVector(way, 0.5);
  bone.scale.set(thick, way.length(), thick);
  bone.quaternion.setFromUnitVectors(UP, way.normalize());
}
