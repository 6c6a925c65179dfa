// Two bones that reach for a place: an arm or a leg, bending where it bent before.

import { Vector3 } from "three";

const NEARLY = 0.999; // of its length: a limb that is quite straight does not know where to bend

// Joints of each limb: what it hangs on, its middle, its end, and what the end carries along.
export const LIMBS = {
  left_hand: { root: 16, middle: 18, end: 20, carries: [], bend: [0, 0, -1] },
  right_hand: { root: 17, middle: 19, end: 21, carries: [], bend: [0, 0, -1] },
  left_foot: { root: 1, middle: 4, end: 7, carries: [10], bend: [0, 0, 1] },
  right_foot: { root: 2, middle: 5, end: 8, carries: [11], bend: [0, 0, 1] },
};

// The joints [[x, y, z]] with the end of a limb at `target`, or as near as it reaches.
export function reach(joints, { root, middle, end, carries, bend }, target) {
  const [a, b, c] = [root, middle, end].map((joint) => new Vector3(...joints[joint]));
  const upper = a.distanceTo(b);
  const lower = b.distanceTo(c);
  const way = new Vector3().subVectors(target, a);
  const length = Math.min(Math.max(way.length(), Math.abs(upper - lower) + 1e-3), NEARLY * (upper + lower));
  way.normalize();
  const across = sideways(b.clone().sub(a), way) ?? sideways(new Vector3(...bend), way) ?? sideways(new Vector3(0, 1, 0), way);
  const along = (upper ** 2 + length ** 2 - lower ** 2) / (2 * length);
  const aside = Math.sqrt(Math.max(upper ** 2 - along ** 2, 0));
  const bent = a.clone().addScaledVector(way, along).addScaledVector(across, aside);
  const reached = a.clone().addScaledVector(way, length);
  const out = [...joints];
  out[middle] = bent.toArray();
  out[end] = reached.toArray();
  const moved = reached.sub(c);
  for (const joint of carries) out[joint] = moved.clone().add(new Vector3(...joints[joint])).toArray();
  return out;
}

// The part of a vector square to a direction, of length 1; null where there is none.
function sideways(vector, way) {
  const part = vector.clone().addScaledVector(way, -vector.dot(way));
  return part.length() > 1e-3 ? part.normalize() : null;
}
