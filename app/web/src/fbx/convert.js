// A script of its own, fetched when somebody brings FBX: made into GLB, it goes the way of all characters.

import { LoadingManager, MeshStandardMaterial } from "three";
import { GLTFExporter } from "three/addons/exporters/GLTFExporter.js";
import { FBXLoader } from "three/addons/loaders/FBXLoader.js";

const NOTHING = "data:,";
const CM = 0.01;
const PICTURES_MS = 10_000;

// Numbers of an FBX file -> those of a GLB in meters, without its motion; throws what three.js does.
export async function toGlb(data) {
  const { scene, pictures } = read(data);
  await Promise.race([pictures, new Promise((resolve) => setTimeout(resolve, PICTURES_MS))]);
  scene.scale.multiplyScalar(CM * (scene.userData.unitScaleFactor ?? 1));
  const merged = new Map();
  const paints = new Map();
  const paint = (material) => {
    if (!paints.has(material)) paints.set(material, plain(material));
    return paints.get(material);
  };
  scene.traverse((one) => {
    one.name = one.userData.originalName ?? one.name;
    one.userData = {};
    if (one.isBone) merged.set(one, one.parent.isBone && one.parent.ID === one.ID ? merged.get(one.parent) : one);
    if (one.isMesh) one.material = Array.isArray(one.material) ? one.material.map(paint) : paint(one.material);
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

// What a character is shown with: its base color, and the picture of it if that came.
function plain({ name, color, map, opacity, transparent, vertexColors }) {
  const picture = map?.image?.width ? map : null;
  return new MeshStandardMaterial({ name, color, map: picture, opacity, transparent, vertexColors, roughness: 0.8, metalness: 0 });
}
