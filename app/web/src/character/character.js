// A character on the stage: its own meshes, moved by poses of ours.

import { BufferAttribute, BufferGeometry, CanvasTexture, Group, Matrix3, Matrix4, Points, PointsMaterial, SRGBColorSpace, Vector3 } from "three";
import { Retargeter, localPlace, localTurn } from "./solver.js";

const DULL = 0.3; // nothing is around that metal could mirror

export class Character {
  // `gltf` as three.js reads it, `told` as core/character/wire.py tells it
  constructor({ scene, parser }, told) {
    const { rig, nodes, joints } = told;
    Object.assign(this, { scene, rig });
    this.solver = new Retargeter(rig);
    const found = new Map();
    scene.traverse((object) => {
      const node = parser.associations.get(object)?.nodes;
      if (node !== undefined) found.set(node, object);
      if (object.isMesh) this.dress(object);
    });
    this.nodes = nodes.map((node) => found.get(node));
    if (this.nodes.includes(undefined)) throw new Error("some of its bones are in no scene");
    this.joints = Object.values(joints).map((node) => found.get(node));
    this.placed = rig.rows.flatMap(({ parent, loose }, i) => (parent < 0 || loose ? [i] : []));
    this.group = new Group();
    this.group.add(this.scaled());
    this.markers = makeMarkers(this.joints.length);
  }

  dress(mesh) {
    mesh.frustumCulled = false;
    mesh.castShadow = true;
    for (const material of [mesh.material].flat()) {
      if (material.metalness > DULL) material.metalness = DULL;
    }
  }

  // Its scene in our axes and meters: what the node above its first one is there, and in the file.
  scaled() {
    this.scene.updateMatrixWorld(true);
    const there = new Matrix3().set(...this.rig.into[0].flat()).invert();
    const above = new Matrix3().setFromMatrix4(this.nodes[0].parent.matrixWorld).invert();
    const axes = new Group();
    axes.matrix = new Matrix4().setFromMatrix3(there.multiply(above));
    axes.matrixAutoUpdate = false;
    return axes.add(this.scene);
  }

  pose(root, rotations) {
    const moved = this.solver.push(root, rotations);
    this.nodes.forEach((node, i) => {
      const [w, x, y, z] = localTurn(this.rig, moved, i);
      node.quaternion.set(x, y, z, w);
    });
    for (const i of this.placed) this.nodes[i].position.set(...localPlace(this.rig, moved, i));
    this.mark();
  }

  mark() {
    if (!this.markers.visible) return;
    const { position } = this.markers.geometry.attributes;
    this.group.updateMatrixWorld(true);
    this.joints.forEach((joint, i) => position.setXYZ(i, ...joint.getWorldPosition(new Vector3())));
    position.needsUpdate = true;
  }

  dispose() {
    this.markers.geometry.dispose();
    this.scene.traverse((mesh) => {
      if (!mesh.isMesh) return;
      mesh.geometry.dispose();
      mesh.skeleton?.dispose();
      for (const material of [mesh.material].flat()) {
        for (const part of Object.values(material)) if (part?.isTexture) part.dispose();
        material.dispose();
      }
    });
  }
}

function makeMarkers(count) {
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array(3 * count), 3));
  const material = new PointsMaterial({ map: dot(), size: 12, sizeAttenuation: false, depthTest: false, transparent: true });
  const markers = new Points(geometry, material);
  Object.assign(markers, { frustumCulled: false, renderOrder: 3, visible: false });
  return markers;
}

function dot() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  const context = canvas.getContext("2d");
  context.arc(16, 16, 12, 0, 2 * Math.PI);
  Object.assign(context, { fillStyle: "#4338ca", strokeStyle: "#ffffff", lineWidth: 5 });
  context.fill();
  context.stroke();
  const texture = new CanvasTexture(canvas);
  texture.colorSpace = SRGBColorSpace;
  return texture;
}
