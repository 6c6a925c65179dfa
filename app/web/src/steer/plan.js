// What is wanted of the path and of poses, as it is edited: values that are never changed, so that
// undo and redo are two stacks of them.

const MOST_STEPS = 200;
const thousandths = (value) => Math.round(value * 1000) / 1000;
let ids = 0;

export const newId = () => (ids += 1);

export class Plan {
  // `change()` after every step
  constructor(change) {
    this.change = change;
    this.value = { points: [], keys: [] };
    this.past = [];
    this.future = [];
    this.before = null; // where a gesture began, which is one step
  }

  set(parts) {
    const { value } = this;
    this.value = { ...value, ...parts };
    if (!this.before) this.remember(value);
    this.change();
  }

  begin() {
    this.before ??= this.value;
  }

  end() {
    const { before } = this;
    this.before = null;
    if (!before || before === this.value) return;
    this.remember(before);
    this.change();
  }

  remember(value) {
    this.past = [...this.past, value].slice(-MOST_STEPS);
    this.future = [];
  }

  undo() {
    this.step(this.past, this.future);
  }

  redo() {
    this.step(this.future, this.past);
  }

  step(from, to) {
    if (this.before || !from.length) return;
    to.push(this.value);
    this.value = from.pop();
    this.change();
  }

  get empty() {
    return !this.value.points.length && !this.value.keys.length;
  }

  // As the server knows it.
  get wishes() {
    const { points, keys } = this.value;
    const byTime = (a, b) => a.at - b.at;
    return {
      waypoints: points.toSorted(byTime).map(({ place, at, facing, stop }) => ({
        place: place.map(thousandths),
        at: thousandths(at),
        facing: facing === null ? null : Math.round(facing),
        stop,
      })),
      keys: keys.toSorted(byTime).map(({ at, joints, parts, here, place, facing }) => ({
        at: thousandths(at),
        joints: joints.map((joint) => joint.map(thousandths)),
        parts,
        place: here ? place.map(thousandths) : null,
        facing: here ? Math.round(facing) : null,
      })),
    };
  }

  // Take over what a project holds; where a pose is not bound to a place it is shown at `around`.
  load({ waypoints = [], keys = [] }, around) {
    this.set({
      points: waypoints.map((point) => ({ facing: null, stop: false, ...point, id: newId(), typed: true })),
      keys: keys.map((key) => ({
        ...key,
        id: newId(),
        here: Boolean(key.place),
        place: key.place ?? around.place,
        facing: key.facing ?? around.facing,
      })),
    });
  }
}
