// The frames of the last seconds, so that a moment can be looked at and begun from once more.

const SECONDS = 10; // as far as the server goes back

export class Past {
  constructor() {
    this.frames = [];
  }

  clear() {
    this.frames = [];
  }

  add(frame, fps) {
    if (frame.index <= (this.frames.at(-1)?.index ?? -1)) this.frames = []; // another world
    this.frames.push(frame);
    if (this.frames.length > SECONDS * fps) this.frames.shift();
  }

  // How many seconds there are to go back.
  seconds(fps) {
    return this.frames.length ? (this.frames.at(-1).index + 1 - this.frames[0].index) / fps : 0;
  }

  // The frames of the last seconds, oldest first.
  since(seconds, fps) {
    const first = this.frames.at(-1).index + 1 - Math.round(seconds * fps);
    return this.frames.filter(({ index }) => index >= first);
  }
}
