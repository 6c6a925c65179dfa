// The handle at the tip of an arrow, which turns where something faces.

import { Vector3 } from "three";
import { pickFloor } from "./handles.js";
import { ARROW } from "./path_view.js";
import { heading } from "./points.js";

// `turn(degrees)` when the arrow of what stands at `place` and faces `facing` was turned.
export function arrowHandle({ id, world, place, facing, label, turn }) {
  const angle = (facing * Math.PI) / 180;
  const tip = [place[0] + ARROW * Math.sin(angle), place[1] + ARROW * Math.cos(angle)];
  return {
    id,
    at: () => world.seen(tip),
    kind: "arrow",
    label: `${label}: faces ${Math.round(facing)} degrees`,
    drag: (event) => {
      const at = pickFloor(event, world.stage);
      if (!at) return;
      const [x, z] = world.floor(at);
      turn(heading(x - place[0], z - place[1]));
    },
    nudge: (x) => turn(wrapped(facing - 5 * x)),
  };
}

// Move a place on the floor with the arrow keys, as the camera sees it.
export function nudged(place, [x, y], stage, step = 0.1) {
  const { ahead } = stage;
  const way = new Vector3(-ahead.z * x + ahead.x * y, 0, ahead.x * x + ahead.z * y);
  return [place[0] + step * way.x, place[1] + step * way.z];
}

function wrapped(degrees) {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}
