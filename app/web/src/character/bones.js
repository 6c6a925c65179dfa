// What the server is told of a character: its bones, and the outlines of its soles, as glTF.
// No more of it leaves the page unless it is to come back with a take in it.

import { Vector3 } from "three";

const LOW = 0.2; // of its height: what hangs there is its feet, or a cape
const MOST_VERTICES = 2e6;
const DOWN = [90, 70, 50, 30, 15]; // degrees in which an outline is felt for, as in core/character/soles.py
const WAYS = DOWN.flatMap((down) => Array.from({ length: 12 }, (_, k) => slanting(down, 30 * k)));
const FORMS = new Map([[Float32Array, 5126], [Uint16Array, 5123]]);
const WIDTHS = { VEC3: 3, VEC4: 4, MAT4: 16 };

// A loaded file -> the text of a glTF file.
export async function describeBones({ parser, scene }) {
  const { json } = parser;
  const numbers = new Numbers();
  const nodes = (json.nodes ?? []).map(barely);
  const skins = [];
  for (const { joints, inverseBindMatrices } of json.skins ?? []) {
    skins.push({ joints });
    if (inverseBindMatrices === undefined) continue;
    const binds = await parser.getDependency("accessor", inverseBindMatrices);
    skins.at(-1).inverseBindMatrices = numbers.add("MAT4", new Float32Array(binds.array));
  }
  const meshes = [{ primitives: [] }]; // what all but soles is
  for (const { mesh, points, joints } of soles(scene)) {
    const { skin } = json.nodes[nodeOf(parser, mesh)];
    const attributes = {
      POSITION: numbers.add("VEC3", new Float32Array(points.flat())),
      JOINTS_0: numbers.add("VEC4", new Uint16Array(joints.flatMap((joint) => [joint, 0, 0, 0]))),
      WEIGHTS_0: numbers.add("VEC4", new Float32Array(joints.flatMap(() => [1, 0, 0, 0]))),
    };
    nodes.push({ mesh: meshes.length, skin });
    meshes.push({ primitives: [{ attributes }] });
  }
  return JSON.stringify({ asset: { version: "2.0" }, nodes, skins, meshes, extensions: avatar(json), ...numbers.told() });
}

// The number of the node that an object of the scene was made of.
export function nodeOf(parser, object) {
  return parser.associations.get(object)?.nodes ?? parser.associations.get(object.parent)?.nodes;
}

function barely({ name, children, translation, rotation, scale, matrix, mesh, camera }) {
  return { name, children, translation, rotation, scale, matrix, mesh: mesh === undefined ? mesh : 0, camera };
}

// Which bones a VRM says it has, and what may be done with it.
function avatar({ extensions = {} }) {
  const told = {};
  for (const version of ["VRM", "VRMC_vrm"]) {
    if (!extensions[version]) continue;
    const { humanoid = {}, meta } = extensions[version];
    told[version] = { humanoid: { humanBones: humanoid.humanBones ?? {} }, meta };
  }
  return told;
}

// Of each skinned mesh, the vertices furthest down and out of those near the floor, joint by joint.
function soles(scene) {
  const meshes = [];
  scene.updateMatrixWorld(true);
  scene.traverse((mesh) => mesh.isSkinnedMesh && meshes.push({ mesh, places: placesOf(mesh) }));
  let [floor, top] = [Infinity, -Infinity];
  for (const { places } of meshes) {
    for (let i = 1; i < places.length; i += 3) {
      floor = Math.min(floor, places[i]);
      top = Math.max(top, places[i]);
    }
  }
  const below = floor + LOW * (top - floor);
  return meshes.map(({ mesh, places }) => outline(mesh, places, below)).filter(({ points }) => points.length);
}

function placesOf(mesh) {
  const { count } = mesh.geometry.attributes.position;
  if (count > MOST_VERTICES) throw new Error(`its meshes have more than ${MOST_VERTICES.toLocaleString("en")} vertices`);
  const places = new Float32Array(3 * count);
  const place = new Vector3();
  for (let i = 0; i < count; i++) {
    mesh.getVertexPosition(i, place).applyMatrix4(mesh.matrixWorld).toArray(places, 3 * i);
  }
  return places;
}

function outline(mesh, places, below) {
  const { position, skinIndex, skinWeight } = mesh.geometry.attributes;
  const furthest = new Map(); // joint -> for each way, how far, and which vertex
  for (let i = 0; i < position.count; i++) {
    const [x, y, z] = places.subarray(3 * i, 3 * i + 3);
    if (!(y < below)) continue;
    let most = 0;
    for (let k = 1; k < 4; k++) if (skinWeight.getComponent(i, k) > skinWeight.getComponent(i, most)) most = k;
    const joint = skinIndex.getComponent(i, most);
    if (!furthest.has(joint)) furthest.set(joint, WAYS.map(() => [-Infinity, 0]));
    const best = furthest.get(joint);
    WAYS.forEach(([a, b, c], k) => {
      const far = a * x + b * y + c * z;
      if (far > best[k][0]) best[k] = [far, i];
    });
  }
  const points = [];
  const joints = [];
  for (const [joint, best] of furthest) {
    for (const i of new Set(best.map(([, vertex]) => vertex))) {
      points.push([0, 1, 2].map((k) => position.getComponent(i, k)));
      joints.push(joint);
    }
  }
  return { mesh, points, joints };
}

function slanting(down, turn) {
  const [a, b] = [down, turn].map((degrees) => (degrees * Math.PI) / 180);
  return [Math.cos(a) * Math.sin(b), -Math.sin(a), Math.cos(a) * Math.cos(b)];
}

// Numbers of a glTF file, packed into its text.
class Numbers {
  constructor() {
    Object.assign(this, { accessors: [], bufferViews: [], packed: [], bytes: 0 });
  }

  add(type, values) {
    this.bufferViews.push({ buffer: 0, byteOffset: this.bytes, byteLength: values.byteLength });
    const count = values.length / WIDTHS[type];
    this.accessors.push({ bufferView: this.bufferViews.length - 1, componentType: FORMS.get(values.constructor), count, type });
    this.packed.push(new Uint8Array(values.buffer));
    this.bytes += values.byteLength; // a multiple of four with these types
    return this.accessors.length - 1;
  }

  told() {
    const text = this.packed.map((part) => Array.from(part, (byte) => String.fromCharCode(byte)).join("")).join("");
    const uri = `data:application/octet-stream;base64,${btoa(text)}`;
    return { accessors: this.accessors, bufferViews: this.bufferViews, buffers: [{ uri, byteLength: this.bytes }] };
  }
}
