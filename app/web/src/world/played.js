// The keys of every frame since a world began, as links hold them.

export class Played {
  constructor() {
    this.clear();
  }

  clear() {
    this.runs = []; // [mask, frames]
    this.end = 0;
  }

  add({ index, mask }) {
    if (index > this.end) this.end = Infinity; // those between were made while nobody was here
    if (index !== this.end) return;
    this.end += 1;
    if (this.runs.at(-1)?.[0] === mask) this.runs.at(-1)[1] += 1;
    else this.runs.push([mask, 1]);
  }

  // "W:40,WD:20"; empty where not all of it is known.
  script(keys) {
    if (this.end === Infinity) return "";
    const named = (mask) => keys.filter((_, bit) => (mask >> bit) & 1).map(({ name }) => name).join("") || "-";
    return this.runs.map(([mask, frames]) => `${named(mask)}:${frames}`).join(",");
  }
}
