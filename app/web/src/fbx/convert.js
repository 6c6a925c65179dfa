// A script of its own, fetched when somebody brings FBX: made into GLB, it goes the way of all characters.

import { BufferAttribute, LoadingManager, MeshStandardMaterial } from "three";
import { GLTFExporter } from "three/addons/exporters/GLTFExporter.js";
import { FBXLoader } from "three/addons/loaders/FBXLoader.js";

const NOTHING = "data:,";
const CM = 0.01;
const PICTURES_MS = 10_000;
const MOST_PARTS = 1000; // of all meshes, as in core/character/skins.py
const MOST_VALUE = 1e15; // as in core/capture/gltf_file.py

// What is said of a file after its name, as the server would.
class Unfit extends Error {
  name = "Unfit";
}

// Numbers of an FBX file -> those of a GLB in meters, without its motion; throws Unfit or what three.js does.
export async function toGlb(data) {
  const { scene, pictures } = read(data);
  await Promise.race([pictures, new Promise((resolve) => setTimeout(resolve, PICTURES_MS))]);
  scene.scale.multiplyScalar(CM * (scene.userData.unitScaleFactor ?? 1));
  const merged = new Map();
  let parts = 0;
  const paints = new Map();
  const paint = (material) => {
    if (!paints.has(material)) paints.set(material, plain(material));
    return paints.get(material);
  };
  scene.traverse((one) => {
    one.name = one.userData.originalName ?? one.name;
    one.userData = {};
    if (one.isBone) merged.set(one, one.parent.isBone && one.parent.ID === one.ID ? merged.get(one.parent) : one);
    if (!one.isMesh) return;
    checkNumbers(one.geometry.attributes);
    parts += joinParts(one);
    if (parts > MOST_PARTS) throw new Unfit(`has meshes of more than ${MOST_PARTS} parts; join some`);
    one.material = Array.isArray(one.material) ? one.material.map(paint) : paint(one.material);
  });
  // three.js makes a bone anew for each mesh that it moves, one within the other
  scene.traverse(({ skeleton }) => {
    if (skeleton) skeleton.bones = skeleton.bones.map((bone) => merged.get(bone) ?? bone);
  });
  for (const [bone, first] of merged) if (bone !== first) while (bone.children.length) first.add(bone.children[0]);
  for (const [bone, first] of merged) if (bone !== first) bone.removeFromParent();
  return new GLTFExporter().parseAsync(scene, { binary: true, onlyVisible: false });
}

// Pictures that are packed into the file come later than the rest; no others are fetched.
function read(data) {
  const manager = new LoadingManager();
  manager.setURLModifier((address) => (/^(data|blob):/.test(address) ? address : NOTHING));
  let begun = false;
  manager.onStart = () => (begun = true);
  const done = new Promise((resolve) => (manager.onLoad = resolve));
  const scene = new FBXLoader(manager).parse(data, "");
  return { scene, pictures: begun ? done : Promise.resolve() };
}

// Places in pictures may be lacking; of all else there must be numbers.
function checkNumbers({ position, normal, uv }) {
  for (const told of [position, normal]) {
    if (told && !told.array.every((value) => Math.abs(value) < MOST_VALUE)) throw new Unfit("has meshes with numbers that are not finite, or too few");
  }
  uv?.array.forEach((value, i) => Number.isFinite(value) || (uv.array[i] = 0));
}

// Have one part of a mesh for each of its materials, where three.js begins one wherever neighbors differ; return how
// many. Of those whose material is not there, and of a mesh that says nothing, the first one is.
function joinParts({ geometry, material }) {
  const { groups, attributes } = geometry;
  if (!Array.isArray(material)) return 1;
  const corners = material.map(() => []);
  const ranges = groups.length ? groups : [{ start: 0, count: attributes.position.count }];
  for (const { start, count, materialIndex } of ranges) {
    const part = corners[materialIndex] ?? corners[0];
    for (let i = start; i < start + count; i++) part.push(i);
  }
  geometry.clearGroups();
  geometry.setIndex(new BufferAttribute(Uint32Array.from(corners.flat()), 1));
  let start = 0;
  corners.forEach(({ length }, i) => {
    if (length) geometry.addGroup(start, length, i);
    start += length;
  });
  return geometry.groups.length;
}

// What a character is shown with: its base color, and the picture of it if that came.
function plain({ name, color, map, opacity, transparent, vertexColors }) {
  const picture = map?.image?.width ? map : null;
  return new MeshStandardMaterial({ name, color, map: picture, opacity, transparent, vertexColors, roughness: 0.8, metalness: 0 });
}
