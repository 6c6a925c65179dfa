// What three.js makes of an FBX file: `node three.mjs THREE IN OUT SECOND...`, THREE being its folder.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , folder, path, out, ...seconds] = process.argv;
globalThis.window ??= globalThis;
globalThis.document ??= { createElementNS: () => ({ addEventListener() {}, removeEventListener() {} }) };
const { AnimationMixer, Vector3 } = await import(pathToFileURL(`${folder}/build/three.module.js`));
const { FBXLoader } = await import(pathToFileURL(`${folder}/examples/jsm/loaders/FBXLoader.js`));
const data = readFileSync(path);
const scene = new FBXLoader().parse(data.buffer.slice(data.byteOffset, data.byteOffset + data.length), "");
const bones = [];
const meshes = [];
const flat = ({ matrixWorld }) => {
  const matrix = matrixWorld.clone().transpose().elements;
  return [3, 7, 11].reduce((all, k) => all.with(k, all[k] / 100), [...matrix]); // meters
};
scene.updateMatrixWorld(true);
scene.traverse((one) => {
  if (one.isBone && one.parent.name !== one.name) bones.push(one); // others are copies for other meshes
  if (one.isSkinnedMesh) meshes.push(one);
});
const nameOf = (bone) => bone.userData.originalName ?? bone.name;
const told = {
  takes: scene.animations.map(({ name }) => name),
  materials: meshes.flatMap(({ material }) => [material].flat().map(({ name }) => name)),
  rest: Object.fromEntries(bones.map((bone) => [nameOf(bone), flat(bone)])),
  bones: Object.fromEntries(bones.map((bone) => [nameOf(bone), []])),
  vertices: [],
};
const mixer = new AnimationMixer(scene);
mixer.clipAction(scene.animations[0]).play();
for (const second of seconds) {
  mixer.setTime(Math.min(Number(second), scene.animations[0].duration - 1e-6));
  scene.updateMatrixWorld(true);
  for (const bone of bones) told.bones[nameOf(bone)].push(flat(bone));
  const points = [];
  for (const mesh of meshes) {
    mesh.skeleton.update();
    for (let i = 0; i < mesh.geometry.attributes.position.count; i++) {
      const point = mesh.getVertexPosition(i, new Vector3()).applyMatrix4(mesh.matrixWorld);
      points.push(point.divideScalar(100).toArray());
    }
  }
  told.vertices.push(points);
}
writeFileSync(out, JSON.stringify(told));
