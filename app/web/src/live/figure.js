// The skinned body: poses drive its joints directly, blobs stand in for a shadow where that is dear.

import {
  CanvasTexture,
  Mesh,
  MeshBasicMaterial,
  MeshStandardMaterial,
  PlaneGeometry,
  Quaternion,
  Vector3,
} from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { JOINTS, REST_JOINTS } from "./bounds.js";

const [LEFT_TOE, RIGHT_TOE] = [10, 11];
const [LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW] = [16, 17, 18, 19];

export class Figure {
  constructor(stage, base) {
    Object.assign(this, { stage, base });
    this.loaded = new Map();
    this.shapes = {};
    this.name = null;
    this.guest = null; // a visitor's character, which does the same
    this.shown = "ours"; // or "theirs", or "both"
    this.place = new Vector3();
    this.root = new Float32Array(3);
    this.rotations = new Float32Array(4 * JOINTS);
    this.blobs = [1.15, 0.42, 0.42].map((size) => makeBlob(size));
    stage.scene.add(...this.blobs);
  }

  // Show another body; resolves when it is there. The last one asked for wins.
  async choose(name) {
    this.wanted = name;
    if (!this.loaded.has(name)) this.loaded.set(name, this.load(name));
    const scene = await this.loaded.get(name).catch((error) => {
      this.loaded.delete(name);
      throw error;
    });
    if (this.wanted !== name) return;
    if (this.scene) this.stage.scene.remove(this.scene);
    this.scene = scene;
    this.name = name;
    this.share(this.shown);
    this.stage.scene.add(scene);
    scene.traverse((node) => {
      if (!node.isSkinnedMesh) return;
      this.bones = node.skeleton.bones;
      node.geometry.computeBoundingBox();
      this.sole = node.geometry.boundingBox.min.y;
    });
    if (this.posed) this.pose();
    else this.stand();
  }

  // A character comes, or leaves with null.
  invite(guest) {
    this.guest = guest;
    if (this.posed) this.pose();
    else this.stand();
  }

  // Show "ours", "theirs" or "both".
  share(shown) {
    this.shown = shown;
    if (this.scene) this.scene.visible = shown !== "theirs";
    if (this.posed) this.pose();
  }

  // How much larger than the take the body is that is looked at, and where it is; theirs is as large.
  get shape() {
    const { scale = 1, offset = [0, 0, 0] } = (this.shown !== "theirs" && this.shapes[this.name]) || {};
    return { scale, offset };
  }

  async load(name) {
    const { scene } = await new GLTFLoader().loadAsync(`${this.base}body/${name}.glb`);
    scene.traverse((node) => {
      if (!node.isSkinnedMesh) return;
      node.frustumCulled = false;
      node.castShadow = true;
      if (!node.geometry.attributes.normal) node.geometry.computeVertexNormals();
      const colored = Boolean(node.geometry.attributes.color);
      node.material = new MeshStandardMaterial({ vertexColors: colored, roughness: 0.78 });
      for (const bone of node.skeleton.bones) bone.userData.rest = bone.position.clone();
    });
    return scene;
  }

  // Arms at the sides, before there is anything to play.
  stand() {
    this.posed = false;
    this.rotations.fill(0);
    for (let j = 0; j < JOINTS; j++) this.rotations[4 * j] = 1;
    this.turn(LEFT_SHOULDER, [0, 0, 1], -1.22);
    this.turn(RIGHT_SHOULDER, [0, 0, 1], 1.22);
    this.turn(LEFT_ELBOW, [0, 1, 0], -0.25);
    this.turn(RIGHT_ELBOW, [0, 1, 0], 0.25);
    this.guest?.pose(REST_JOINTS[0], this.rotations);
    if (!this.bones) return;
    const rest = this.bones[0].userData.rest;
    this.apply(new Vector3(rest.x, rest.y - this.sole, rest.z));
  }

  turn(joint, axis, angle) {
    const q = new Quaternion().setFromAxisAngle(new Vector3(...axis), angle);
    this.rotations.set([q.w, q.x, q.y, q.z], 4 * joint);
  }

  // Apply `this.root` and `this.rotations`, as sampled from the take.
  pose() {
    this.posed = true;
    const { scale, offset } = this.shape;
    this.guest?.pose(this.root, this.rotations);
    this.apply(new Vector3(...this.root).multiplyScalar(scale).add(new Vector3(...offset)));
  }

  apply(place) {
    this.place.copy(place);
    if (!this.bones) return;
    const q = this.rotations;
    this.bones.forEach((bone, j) => bone.quaternion.set(q[4 * j + 1], q[4 * j + 2], q[4 * j + 3], q[4 * j]));
    this.bones[0].position.copy(place);
    this.shade();
    this.stage.dirty = true;
  }

  shade() {
    const [body, ...feet] = this.blobs;
    for (const blob of this.blobs) blob.visible = this.stage.blobs;
    if (!this.stage.blobs) return;
    body.position.set(this.place.x, 0.004, this.place.z);
    body.material.opacity = 0.55 / (1 + Math.max(this.place.y - 0.4, 0));
    this.scene.updateMatrixWorld(true);
    feet.forEach((blob, i) => {
      const toe = this.bones[i ? RIGHT_TOE : LEFT_TOE].getWorldPosition(new Vector3());
      const ankle = this.bones[i ? RIGHT_TOE : LEFT_TOE].parent.getWorldPosition(new Vector3());
      blob.position.set((toe.x + ankle.x) / 2, 0.006, (toe.z + ankle.z) / 2);
      blob.material.opacity = 0.75 * Math.exp(-6 * Math.max(toe.y, 0));
    });
  }

  // World positions of both toes for any pose of a take, on this body.
  toes(root, rotations) {
    if (!this.bones) return null;
    const { scale = 1, offset = [0, 0, 0] } = this.shapes[this.name] ?? {};
    return [LEFT_TOE, RIGHT_TOE].map((toe) => {
      const point = new Vector3();
      const q = new Quaternion();
      for (let bone = this.bones[toe]; bone; bone = bone.parent.isBone ? bone.parent : null) {
        const j = this.bones.indexOf(bone);
        point.applyQuaternion(q.set(rotations[4 * j + 1], rotations[4 * j + 2], rotations[4 * j + 3], rotations[4 * j]));
        if (j > 0) point.add(bone.userData.rest);
      }
      return point.add(new Vector3(...root).multiplyScalar(scale)).add(new Vector3(...offset));
    });
  }
}

function makeBlob(size) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const context = canvas.getContext("2d");
  const fade = context.createRadialGradient(32, 32, 0, 32, 32, 32);
  fade.addColorStop(0, "rgba(10,14,28,.75)");
  fade.addColorStop(0.5, "rgba(10,14,28,.28)");
  fade.addColorStop(1, "rgba(10,14,28,0)");
  context.fillStyle = fade;
  context.fillRect(0, 0, 64, 64);
  const material = new MeshBasicMaterial({
    map: new CanvasTexture(canvas),
    transparent: true,
    depthWrite: false,
  });
  const blob = new Mesh(new PlaneGeometry(size, size), material);
  blob.rotation.x = -Math.PI / 2;
  blob.renderOrder = 1;
  return blob;
}
