// The take's world in the scene: a body of another size walks other lengths, so what is wanted is scaled with it.

import { Group, Vector3 } from "three";

export class World {
  constructor(stage, figure) {
    Object.assign(this, { stage, figure });
    this.group = new Group();
    stage.scene.add(this.group);
  }

  // Follow the body that is shown.
  fit() {
    const { scale, offset } = this.figure.shape;
    this.group.scale.setScalar(scale);
    this.group.position.set(offset[0], 0, offset[2]);
    this.group.updateMatrixWorld(true);
  }

  // [x, z] of the take -> a place of the scene, and back
  seen([x, z], y = 0) {
    return this.group.localToWorld(new Vector3(x, y, z));
  }

  floor(place) {
    const { x, z } = this.group.worldToLocal(place.clone());
    return [x, z];
  }
}
