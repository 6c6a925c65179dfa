// Joints of a pose, on the skeleton that the server thinks in, as seen from the root's point on the floor.

import { Quaternion, Vector3 } from "three";
import { JOINT_PARENTS, REST_JOINTS } from "../live/bounds.js";
import { heading } from "./points.js";

const [LEFT_HIP, RIGHT_HIP, LEFT_SHOULDER, RIGHT_SHOULDER] = [1, 2, 16, 17];
const UP = new Vector3(0, 1, 0);

// `root` (3) and `rotations` (4 J, w x y z) -> place [x, z], facing in degrees, joints [[x, y, z]]
export function readPose(root, rotations) {
  const world = placeJoints(root, rotations);
  const across = world[LEFT_HIP].clone().sub(world[RIGHT_HIP]).add(world[LEFT_SHOULDER]).sub(world[RIGHT_SHOULDER]);
  const ahead = across.cross(UP);
  const facing = heading(ahead.x, ahead.z);
  const turn = new Quaternion().setFromAxisAngle(UP, (-facing * Math.PI) / 180);
  const floor = new Vector3(root[0], 0, root[2]);
  const joints = world.map((joint) => joint.sub(floor).applyQuaternion(turn).toArray());
  return { place: [root[0], root[2]], facing, joints };
}

function placeJoints(root, rotations) {
  const places = [];
  const turns = [];
  JOINT_PARENTS.forEach((parent, j) => {
    const [w, x, y, z] = rotations.subarray(4 * j, 4 * j + 4);
    const own = new Quaternion(x, y, z, w);
    if (parent < 0) {
      places.push(new Vector3(...root));
      turns.push(own);
      return;
    }
    const bone = new Vector3(...REST_JOINTS[j]).sub(new Vector3(...REST_JOINTS[parent]));
    places.push(bone.applyQuaternion(turns[parent]).add(places[parent]));
    turns.push(turns[parent].clone().multiply(own));
  });
  return places;
}
