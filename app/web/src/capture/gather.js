// What a visitor chose or dropped at once: one file to follow, and perhaps a joint map for it.

import { readMap } from "./joint_map.js";
import { zip } from "./zip.js";

const MOTION = /\.(bvh|glb|gltf|vrma?|np[yz]|pth?|zip)$/i;

// -> {file, joints}, either of them null; throws a sentence for what cannot be.
export async function gather(files) {
  const maps = files.filter(({ name }) => /\.json$/i.test(name));
  const others = files.filter((file) => !maps.includes(file));
  if (maps.length > 1) throw new Error("There are several joint maps; bring one.");
  return { joints: maps.length ? await readMap(maps[0]) : null, file: await one(others) };
}

async function one(files) {
  const motions = files.filter(({ name }) => MOTION.test(name));
  const [motion] = motions;
  if (motions.length > 1) throw new Error("There are several motion files; bring one at a time.");
  // a glTF's numbers may lie in files beside it
  if (motion && files.length > 1 && /\.gltf$/i.test(motion.name)) return zip(files, motion.name);
  if (!motion && files.length > 1) throw new Error("There are several files; bring one at a time.");
  return motion ?? files[0] ?? null;
}
