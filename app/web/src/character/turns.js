// Vectors [x, y, z] and rotations [w, x, y, z] as core/body/rotations.py has them, one at a time.

const TINY = 1e-8;
const AXES = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

export const add = ([a, b, c], [x, y, z]) => [a + x, b + y, c + z];
export const less = ([a, b, c], [x, y, z]) => [a - x, b - y, c - z];
export const times = ([a, b, c], k) => [a * k, b * k, c * k];
export const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
export const middle = (a, b) => times(add(a, b), 0.5);
export const cross = ([a, b, c], [x, y, z]) => [b * z - c * y, c * x - a * z, a * y - b * x];
export const apply = (rows, v) => rows.map((row) => dot(row, v));

export function unit(v) {
  const length = Math.max(Math.hypot(...v), TINY);
  return v.map((value) => value / length);
}

// Rotation p after rotation q.
export function multiply([a, b, c, d], [w, x, y, z]) {
  return [
    a * w - b * x - c * y - d * z,
    a * x + b * w + c * z - d * y,
    a * y - b * z + c * w + d * x,
    a * z + b * y - c * x + d * w,
  ];
}

export const inverse = ([w, x, y, z]) => [w, -x, -y, -z];

export function rotate([w, ...xyz], v) {
  const twice = times(cross(xyz, v), 2);
  return add(add(v, times(twice, w)), cross(xyz, twice));
}

// The rotation by an angle about an axis of length 1.
export const about = (axis, angle) => [Math.cos(angle / 2), ...times(axis, Math.sin(angle / 2))];

// The shortest rotation from direction u to v.
export function between(u, v) {
  [u, v] = [unit(u), unit(v)];
  const w = 1 + dot(u, v);
  if (w >= 1e-6) return unit([w, ...cross(u, v)]);
  const sizes = u.map(Math.abs);
  return [0, ...unit(cross(u, AXES[sizes.indexOf(Math.min(...sizes))]))];
}

// Turn q on as little as possible so that it takes `bone` to `direction`.
export const swing = (q, bone, direction) => multiply(between(rotate(q, bone), direction), q);

export function slerp(p, q, t) {
  const cosine = dot(p, q);
  const angle = Math.acos(Math.min(Math.abs(cosine), 1));
  const sine = Math.sin(angle);
  const near = sine < 1e-4; // there a straight line is as good and divides by nothing
  const a = near ? 1 - t : Math.sin((1 - t) * angle) / sine;
  const b = (near ? t : Math.sin(t * angle) / sine) * (cosine < 0 ? -1 : 1);
  return unit(p.map((value, i) => a * value + b * q[i]));
}
