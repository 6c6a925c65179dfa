// Joint maps: which nodes of a file's skeleton are our joints, by name or counted from 0.

import { JOINT_NAMES, MOST_MAP } from "../live/bounds.js";

export const sideOf = (joint) => joint.match(/^(left|right)_/)?.[1] ?? "middle";
export const partOf = (joint) => joint.replace(/^(left|right)_/, "").replace(/(\d)$/, " $1");
export const written = (joint) => joint.replace("_", " ").replace(/(\d)$/, " $1");
export const otherSide = (joint) => joint.replace(/^(left|right)_/, (_, side) => (side === "left" ? "right_" : "left_"));

// The joints of a map file, as the server reads them; throws a sentence for what is none.
export async function readMap(file) {
  if (file.size > MOST_MAP) throw new Error(`${file.name} is too long for a joint map.`);
  let table;
  try {
    table = JSON.parse(await file.text());
  } catch {
    throw new Error(`${file.name} is not JSON, so it is no joint map.`);
  }
  const joints = table?.joints;
  const node = (value) => typeof value === "string" || (Number.isInteger(value) && value >= 0);
  const fits = (value) => node(value) || (Array.isArray(value) && value.every(node));
  if (typeof joints !== "object" || joints === null || Array.isArray(joints) || !Object.values(joints).every(fits)) {
    throw new Error(`${file.name} is no joint map, which looks like {"joints": {"pelvis": ["Hips"], \u2026}}.`);
  }
  const unknown = Object.keys(joints).filter((joint) => !JOINT_NAMES.includes(joint));
  if (unknown.length) throw new Error(`${file.name} maps joints we do not have: ${unknown.slice(0, 5).join(", ")}.`);
  return joints;
}

// A map that finds these nodes again: by name where that is one node's alone.
export function toMap({ names }, joints, about) {
  const alone = (i) => names[i] && names.indexOf(names[i]) === names.lastIndexOf(names[i]);
  const nodes = Object.entries(joints).map(([joint, i]) => [joint, alone(i) ? names[i] : i]);
  return { about, joints: Object.fromEntries(nodes) };
}
