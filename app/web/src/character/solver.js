// Poses of ours -> what the nodes of a character do: core/character/retarget.py, a pose at a time.
// Rigs are those of core/character/rig.py; tests/app/character/test_solver.py holds both to the same.

import { HIGHER, JOINT_PARENTS, MOVES, REST_JOINTS, SOLES } from "../live/bounds.js";
import { about, add, apply, between, dot, inverse, less, middle, multiply, rotate, slerp, swing, times, unit } from "./turns.js";

const { CARRIES, FLAT, FOLDED, FREE, LYING, MOST, SLANTED, SOFT, STEP, UPRIGHT } = MOVES;
const [HIPS, KNEES, ANKLES, TOES] = [[1, 2], [4, 5], [7, 8], [10, 11]]; // the left one first
const SIDES = [0, 1];
const UP = [0, 1, 0];
const BONES = JOINT_PARENTS.map((parent, j) => (parent < 0 ? null : less(REST_JOINTS[j], REST_JOINTS[parent])));

// Moves one character; remembers where its feet stood a pose ago.
export class Retargeter {
  constructor(rig) {
    this.rig = rig;
    this.toes = null;
    this.aside = null;
    this.inward = rig.stance.map(inverse);
  }

  // `root` (3) and `rotations` (4 x 22, w x y z) -> places and turns since rest of the rig's nodes.
  push(root, rotations) {
    const { joints, world } = forward(root, rotations);
    const turned = world.map((turn, j) => multiply(turn, this.inward[j]));
    return this.spread(turned, this.stand(joints, world, turned));
  }

  // Point legs, in `turned`, at where feet are to be; returns the hips' middle.
  stand(joints, world, turned) {
    const { balls, legs, soles, tilts } = this.rig;
    const at = (group) => SIDES.map((i) => joints[group[i]]);
    const [hipJoints, kneeJoints, ankleJoints, toeJoints] = [HIPS, KNEES, ANKLES, TOES].map(at);
    const heights = SIDES.map((i) => Math.max(soleHeight(i, ankleJoints[i], world[ANKLES[i]]), 0));
    const carries = heights.map((height) => holding(height, CARRIES, FREE));
    const feet = SIDES.map((i) => levelled(turned[ANKLES[i]], carries[i] * (1 - tilts[i])));
    const lowest = feet.map((foot, i) => -Math.min(...soles[i].map((point) => rotate(foot, point)[1])));
    const ourMiddle = middle(...hipJoints);
    const theirMiddle = middle(...legs[0]);
    const offsets = SIDES.map((i) => rotate(turned[0], less(legs[0][i], theirMiddle)));
    const wanted = SIDES.map((i) => level(less(offsets[i], less(hipJoints[i], ourMiddle))));
    const aside = this.step(wanted, toeJoints, carries);
    const ankles = SIDES.map((i) => {
      const [x, , z] = less(toeJoints[i], rotate(feet[i], balls[i]));
      return add([x, heights[i] + lowest[i], z], aside[i]);
    });
    const shifts = SIDES.map((i) => less(ankles[i], ankleJoints[i]));
    const nearness = heights.map((height) => Math.exp((Math.min(...heights) - height) / SOFT));
    const near = nearness.map((share) => share / (nearness[0] + nearness[1]));
    const shift = middle(...shifts);
    shift[1] = dot(near, shifts.map((one) => one[1]));
    const center = add(ourMiddle, shift);

    const bones = SIDES.map((i) => [less(legs[1][i], legs[0][i]), less(legs[2][i], legs[1][i])]);
    const lengths = bones.map((pair) => pair.map((bone) => Math.hypot(...bone)));
    const upper = SIDES.map((i) => unit(less(kneeJoints[i], hipJoints[i])));
    const lower = SIDES.map((i) => unit(less(ankleJoints[i], kneeJoints[i])));
    const hips = offsets.map((offset) => add(center, offset));
    // stand as high as legs do that are bent like ours, and as those that carry can reach
    let rise = 0;
    const straight = SIDES.map((i) => {
      const [thigh, shin] = lengths[i];
      const line = less(ankles[i], hips[i]);
      const flat = line[0] ** 2 + line[2] ** 2;
      const high = (square) => line[1] + Math.sqrt(Math.max(square - flat, 0));
      const bent = high(thigh ** 2 + shin ** 2 + 2 * thigh * shin * dot(upper[i], lower[i]));
      rise += near[i] * holding(-unit(line)[1], UPRIGHT, SLANTED) * clip(bent, -MOST, MOST);
      return high((0.9999 * (thigh + shin)) ** 2);
    });
    const over = SIDES.map((i) => carries[i] * Math.max(rise - straight[i], 0));
    rise -= Math.min(Math.max(...over), MOST);
    center[1] += rise;
    for (const i of SIDES) {
      const [thigh, shin] = lengths[i];
      hips[i][1] += rise;
      const free = add(hips[i], add(times(upper[i], thigh), times(lower[i], shin)));
      free[1] = Math.max(free[1], lowest[i]);
      const ankle = add(free, times(less(ankles[i], free), carries[i]));
      const knee = less(kneeJoints[i], hipJoints[i]);
      const ahead = less(toeJoints[i], ankleJoints[i]);
      const ways = reach(less(ankle, hips[i]), knee, ahead, thigh, shin);
      turned[ANKLES[i]] = feet[i];
      turned[HIPS[i]] = swing(turned[HIPS[i]], bones[i][0], ways[0]);
      turned[KNEES[i]] = swing(turned[KNEES[i]], bones[i][1], ways[1]);
    }
    return center;
  }

  // How far beside ours feet stand: as `wanted`, but they only get there as they step or are free.
  step(wanted, toes, carries) {
    this.aside ??= wanted;
    this.aside = SIDES.map((i) => {
      const stepped = this.toes ? Math.hypot(...less(toes[i], this.toes[i])) / STEP : 0;
      const share = Math.min(Math.max(stepped, 1 - carries[i]), 1);
      return add(this.aside[i], times(less(wanted[i], this.aside[i]), share));
    });
    this.toes = toes;
    return this.aside;
  }

  // All nodes, by how our joints are turned since rest and the middle of the hips.
  spread(turned, center) {
    const { legs, rest, rows, twists } = this.rig;
    const turns = rows.map(({ low, high, share }) => slerp(turned[low], turned[high], share));
    for (const { row, joints, bone, share } of twists) {
      const axis = unit(less(rest[bone[1]], rest[bone[0]]));
      const [w, ...xyz] = multiply(inverse(turned[joints[0]]), turned[joints[1]]);
      const along = dot(xyz, axis) * (w < 0 ? -1 : 1);
      turns[row] = multiply(turns[row], about(axis, share * 2 * Math.atan2(along, Math.abs(w))));
    }
    const places = [less(center, rotate(turns[0], less(middle(...legs[0]), rest[0])))];
    rows.forEach(({ parent }, i) => {
      if (i) places.push(add(places[parent], rotate(turns[parent], less(rest[i], rest[parent]))));
    });
    return { places, turns };
  }
}

// The rotation of a node relative to the one that it hangs from in its file.
export function localTurn(rig, { turns }, i) {
  const holder = rig.holders[i];
  const turn = holder < 0 ? turns[i] : multiply(inverse(turns[holder]), turns[i]);
  return multiply(inverse(rig.above[i]), multiply(turn, rig.turns[i]));
}

// The place of a node relative to that one, in its axes and units.
export function localPlace(rig, { places, turns }, i) {
  const holder = rig.holders[i];
  const place = holder < 0 ? places[i] : rotate(inverse(turns[holder]), less(places[i], places[holder]));
  return apply(rig.into[i], less(place, rig.hung[i]));
}

function forward(root, rotations) {
  const joints = [];
  const world = [];
  JOINT_PARENTS.forEach((parent, j) => {
    const own = [...rotations.slice(4 * j, 4 * j + 4)];
    world.push(parent < 0 ? own : multiply(world[parent], own));
    joints.push(parent < 0 ? [...root] : add(joints[parent], rotate(world[parent], BONES[j])));
  });
  return { joints, world };
}

// 1 where a value is `fully` or beyond, 0 at `none`, and a line between.
function holding(value, fully, none) {
  return clip((none - value) / (none - fully), 0, 1);
}

const clip = (value, least, most) => Math.min(Math.max(value, least), most);
const level = ([x, , z]) => [x, 0, z];

function soleHeight(side, ankle, turn) {
  return ankle[1] + HIGHER[side] + Math.min(...SOLES[side].map((point) => rotate(turn, point)[1]));
}

// Turn a foot by a share of the way to where it lies flat, if it is not far off.
function levelled(foot, share) {
  const up = rotate(foot, UP);
  return slerp(foot, multiply(between(up, UP), foot), share * holding(up[1], FLAT, LYING));
}

// Directions of thigh and shin from a hip to an ankle, `line` away; see core/body/legs.py.
function reach(line, knee, ahead, thigh, shin) {
  const way = unit(line);
  const longest = thigh + shin;
  const length = clip(Math.hypot(...line), FOLDED * longest, (1 - 1e-9) * longest);
  const along = (length ** 2 + thigh ** 2 - shin ** 2) / (2 * length);
  const away = Math.sqrt(Math.max(thigh ** 2 - along ** 2, 0));
  const across = (v) => less(v, times(way, dot(v, way)));
  const side = across(knee);
  const sure = clip((Math.hypot(...side) - 0.005) / 0.01, 0, 1);
  const out = unit(add(times(unit(side), sure), times(unit(across(ahead)), 1 - sure)));
  const bone = add(times(way, along), times(out, away));
  return [times(bone, 1 / thigh), times(less(times(way, length), bone), 1 / shin)];
}
