// The path on the floor: a line through its points, a disc for each, an arrow where a facing is wanted.

import { BufferGeometry, CatmullRomCurve3, CircleGeometry, Float32BufferAttribute, Group, Mesh, MeshBasicMaterial, Shape, ShapeGeometry, Vector3 } from "three";

const WIDTH = 0.045;
const PIECES = 14; // of the line, between two points
export const ARROW = 0.5; // m from a point to the tip of its arrow
const COLORS = {
  light: { line: 0x4338ca, met: 0x15803d, missed: 0xb45309 },
  dark: { line: 0xa5acff, met: 0x6fdc97, missed: 0xf6c56f },
};

export class PathView {
  constructor(world) {
    this.world = world;
    this.group = new Group();
    this.paints = Object.fromEntries(Object.keys(COLORS.light).map((name) => [name, paint()]));
    this.line = new Mesh(new BufferGeometry(), this.paints.line);
    this.lead = new Mesh(new BufferGeometry(), paint(0.45)); // from the body to the next point
    this.discs = new Group();
    this.group.add(this.line, this.lead, this.discs);
    for (const part of [this.line, this.lead]) {
      part.renderOrder = 2;
      part.frustumCulled = false;
    }
    world.group.add(this.group);
  }

  setTheme(name) {
    for (const [part, color] of Object.entries(COLORS[name])) this.paints[part].color.set(color);
    this.lead.material.color.set(COLORS[name].line);
  }

  // `stateOf(point)` is "met", "missed" or "" for those still to come
  show(points, stateOf) {
    const places = points.map(({ place: [x, z] }) => new Vector3(x, 0, z));
    const smooth = places.length > 1 ? new CatmullRomCurve3(places, false, "centripetal").getPoints(PIECES * (places.length - 1)) : [];
    setRibbon(this.line, smooth);
    for (const disc of this.discs.children) disc.geometry.dispose();
    this.discs.clear();
    for (const point of points) {
      const disc = makeDisc(point.facing, this.paints[stateOf(point)] ?? this.paints.line);
      [disc.position.x, disc.position.z] = point.place;
      this.discs.add(disc);
    }
    this.world.stage.dirty = true;
  }

  // From where the body is to the next point.
  reach(from, to) {
    setRibbon(this.lead, to ? [from, to].map(([x, z]) => new Vector3(x, 0, z)) : []);
    this.world.stage.dirty = true;
  }
}

// A disc on the floor; where something faces so many degrees from Z, with an arrow there.
export function makeDisc(facing, material) {
  const disc = new Mesh(facing === null ? new CircleGeometry(0.09, 24) : new ShapeGeometry(arrowShape()), material);
  disc.rotation.set(-Math.PI / 2, 0, ((facing ?? 0) * Math.PI) / 180 + Math.PI);
  disc.position.y = 0.008;
  disc.renderOrder = 3;
  return disc;
}

export function paint(opacity = 0.9) {
  // lies on the floor, whatever the depth buffer can tell
  return new MeshBasicMaterial({ transparent: true, opacity, depthWrite: false, polygonOffset: true, polygonOffsetFactor: -4, polygonOffsetUnits: -8 });
}

// A flat band along places on the floor.
function setRibbon(mesh, places) {
  const corners = [];
  const faces = [];
  places.forEach((place, i) => {
    const way = places[Math.min(i + 1, places.length - 1)].clone().sub(places[Math.max(i - 1, 0)]).normalize();
    for (const side of [-1, 1]) corners.push(place.x + way.z * side * (WIDTH / 2), 0.006, place.z - way.x * side * (WIDTH / 2));
    if (i) faces.push(2 * i - 2, 2 * i, 2 * i - 1, 2 * i, 2 * i + 1, 2 * i - 1);
  });
  mesh.geometry.dispose();
  mesh.geometry = new BufferGeometry();
  mesh.geometry.setAttribute("position", new Float32BufferAttribute(corners, 3));
  mesh.geometry.setIndex(faces);
  mesh.visible = places.length > 1;
}

// A disc with a pointer along Y, in one outline.
function arrowShape() {
  const [radius, shaft, head, neck] = [0.09, 0.02, 0.08, ARROW - 0.16];
  const gap = Math.asin(shaft / radius);
  const shape = new Shape().absarc(0, 0, radius, Math.PI / 2 - gap, gap - 1.5 * Math.PI, true);
  for (const [x, y] of [[-shaft, neck], [-head, neck], [0, ARROW - 0.02], [head, neck], [shaft, neck]]) shape.lineTo(x, y);
  return shape;
}
