// The frames the model looks back on, asked for twice a second while somebody looks.

const EVERY_MS = 500;

export class Strip {
  // `live()` says whether there is a world with frames
  constructor(root, { address, live }) {
    Object.assign(this, { address, live });
    this.details = root.querySelector(".lw-context");
    this.picture = root.querySelector(".lw-strip img");
    this.at = 0;
    this.asking = false;
  }

  tick(now) {
    if (!this.details.open || this.asking || now - this.at < EVERY_MS || !this.live()) return;
    this.at = now;
    this.load();
  }

  async load() {
    this.asking = true;
    try {
      const next = new Image();
      Object.assign(next, { alt: this.picture.alt, src: `${this.address}?${this.at.toFixed(0)}` });
      await next.decode();
      this.picture.replaceWith(next);
      this.picture = next;
    } catch {
      // the world ended meanwhile; the last strip stays
    }
    this.asking = false;
  }

  clear() {
    this.picture.hidden = true;
  }
}
