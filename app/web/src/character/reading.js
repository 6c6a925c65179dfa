// A visitor's file -> what three.js makes of it; nothing is fetched for it from anywhere else.

import { LoadingManager } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

const MOST_FILE = 50e6;
const KNOWN = /\.(glb|gltf|vrm|fbx)$/i;
const FBX = /\.fbx$/i;
const ABROAD = {
  blend: "is a Blender file: export it there as glTF 2.0 (File > Export, .glb)",
};
const PACKED = [[/draco/i, "Draco"], [/meshopt/i, "meshopt"], [/ktx2/i, "KTX2 textures"]];
const NOTHING = "data:,";
const MOST_NODES = 5000;
const MOST_NUMBERS = 20e6; // what 50 MB hold, and more

// Files that were brought at once -> { file, alone, gltf }; throws a sentence. Of FBX the file is the GLB made of it,
// by its own name.
export async function readCharacter(files, base) {
  let file = files.find(({ name }) => KNOWN.test(name)) ?? files[0];
  const refusal = refuse(file, files);
  if (refusal) throw new Error(`${file.name} ${refusal}.`);
  if (FBX.test(file.name)) {
    file = await converted(file, base);
    files = [file];
  }
  const wrong = await describe(file).then(malformed).catch(() => "");
  if (wrong) throw new Error(`${file.name} ${wrong}.`);
  const data = await file.arrayBuffer();
  const beside = new Map(files.map((one) => [one.name, one]));
  const opened = [];
  const manager = new LoadingManager();
  manager.setURLModifier((address) => {
    if (/^(data|blob):/.test(address)) return address;
    const found = beside.get(decodeURIComponent(address).replace(/^\.\//, ""));
    if (!found) return NOTHING;
    opened.push(URL.createObjectURL(found));
    return opened.at(-1);
  });
  try {
    const gltf = await new GLTFLoader(manager).parseAsync(data, "");
    return { file, alone: files.length === 1, gltf };
  } catch (error) {
    throw new Error(`${file.name} ${misread(error, files.length === 1)}.`);
  } finally {
    opened.forEach((address) => URL.revokeObjectURL(address));
  }
}

async function converted(file, base) {
  const reader = await import(`${base}static/fbx.js`).catch(() => null);
  if (!reader) throw new Error("What reads FBX could not be fetched; try again.");
  try {
    return new File([await reader.toGlb(await file.arrayBuffer())], file.name);
  } catch (error) {
    if (error.name === "Unfit") throw new Error(`${file.name} ${error.message}.`);
    throw new Error(`${file.name} ${unread(error)}, or open it in Blender 4.5 or later (File > Import > FBX) and export it as glTF 2.0 (.glb).`);
  }
}

function unread({ message = "" }) {
  const old = /version not supported/i.test(message);
  return old ? "is FBX of before 2011: export it as FBX 2020" : "cannot be read as FBX: export it as binary FBX 2020";
}

// Whether these files are a body without a motion.
export async function holdsOnlyBody(files) {
  const file = files.find(({ name }) => KNOWN.test(name) && !FBX.test(name));
  if (!file || file.size > MOST_FILE) return false;
  const { skins, animations } = await describe(file).catch(() => ({}));
  return Boolean(skins?.length && !animations?.length);
}

async function describe(file) {
  const head = new DataView(await file.slice(0, 20).arrayBuffer());
  const binary = head.byteLength === 20 && head.getUint32(0, true) === 0x46546c67;
  return JSON.parse(await (binary ? file.slice(20, 20 + head.getUint32(12, true)) : file).text());
}

// What three.js would wait for or fill memory with; empty where a file is sound.
function malformed({ nodes = [], accessors = [] }) {
  if (nodes.length > MOST_NODES) return `has ${nodes.length} nodes; ${MOST_NODES} are the most`;
  const carried = nodes.flatMap(({ children = [] }) => children);
  const left = new Set(nodes.keys());
  carried.forEach((node) => left.delete(node));
  const roots = left.size;
  for (const node of left) nodes[node]?.children?.forEach((child) => left.add(child)); // grows while it is gone through
  if (left.size < nodes.length || roots + carried.length !== nodes.length) return "has nodes that hang from each other";
  const numbers = accessors.reduce((sum, { count }) => sum + count, 0);
  return numbers > MOST_NUMBERS ? "tells of more vertices than it can hold" : "";
}

function refuse(file, files) {
  const suffix = file.name.split(".").pop().toLowerCase();
  if (ABROAD[suffix]) return ABROAD[suffix];
  if (!KNOWN.test(file.name)) return "is no character: those are .glb, .gltf, .vrm and .fbx files";
  if (!file.size) return "is empty";
  const size = files.reduce((sum, one) => sum + one.size, 0);
  if (size > MOST_FILE) return `has ${Math.round(size / 1e6)} MB; ${MOST_FILE / 1e6} MB are the most: make its textures smaller`;
  return "";
}

function misread({ message = "" }, alone) {
  const [, packed] = PACKED.find(([sign]) => sign.test(message)) ?? [];
  if (packed) return `is compressed by ${packed}, which is not read here: export it without`;
  return `cannot be read as glTF 2.0${alone ? "; if it is one of several files, bring all of them, or export it as .glb" : ""}`;
}
