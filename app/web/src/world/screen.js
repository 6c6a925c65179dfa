// JPEG frames onto a canvas: decoded off the main thread, the newest drawn, late ones dropped.

const MOST_DECODING = 3;

export class Screen {
  // `drawn(frame, now)` after a frame has come to the canvas
  constructor(canvas, drawn) {
    Object.assign(this, { canvas, drawn });
    this.context = canvas.getContext("2d", { alpha: false });
    this.arrived = 0;
    this.decoding = 0;
    this.late = null; // newest frame that found the decoder busy
    this.ready = null; // newest decoded frame
    this.newest = 0; // arrival number of the newest decoded frame
    this.dropped = 0;
  }

  resize(width, height) {
    const { canvas } = this;
    if (canvas.width === width && canvas.height === height) return;
    Object.assign(canvas, { width, height });
  }

  receive(frame) {
    frame.number = ++this.arrived;
    if (this.decoding < MOST_DECODING) return this.decode(frame);
    if (this.late) this.dropped += 1;
    this.late = frame;
  }

  async decode(frame) {
    this.decoding += 1;
    try {
      this.keep(frame, await createImageBitmap(new Blob([frame.jpeg], { type: "image/jpeg" })));
    } catch {
      this.dropped += 1; // a broken picture; the next one is on its way
    }
    this.decoding -= 1;
    const { late } = this;
    this.late = null;
    if (late) this.decode(late);
  }

  keep(frame, bitmap) {
    if (frame.number < this.newest) {
      this.dropped += 1;
      return bitmap.close();
    }
    if (this.ready) {
      this.dropped += 1;
      this.ready.bitmap.close();
    }
    this.newest = frame.number;
    this.ready = { frame, bitmap };
  }

  // Called for every frame of the display.
  draw(now) {
    if (!this.ready) return;
    const { frame, bitmap } = this.ready;
    this.ready = null;
    this.context.drawImage(bitmap, 0, 0, this.canvas.width, this.canvas.height);
    bitmap.close();
    this.drawn(frame, now);
  }

  // A still picture, cropped to the canvas; frames that arrive meanwhile win.
  async still(address) {
    const arrived = this.arrived;
    this.wanted = address;
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    if (this.arrived !== arrived || this.wanted !== address) return;
    const { width, height } = this.canvas;
    const scale = Math.max(width / picture.width, height / picture.height);
    const [w, h] = [picture.width * scale, picture.height * scale];
    this.context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
  }
}
