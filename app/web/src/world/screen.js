// JPEG frames onto a canvas: decoded off the main thread, the newest drawn, late ones dropped.

const MOST_DECODING = 3;
const MOST_WIDE = 1280; // pixels; what is enlarged beyond is left to the browser

export class Screen {
  // `drawn(frame, now)` after a frame has come to the canvas
  constructor(canvas, drawn) {
    Object.assign(this, { canvas, drawn });
    this.context = canvas.getContext("2d", { alpha: false });
    this.crisp = false; // whether pixels are to be seen
    this.shown = null; // what is on the canvas
    this.arrived = 0;
    this.decoding = 0;
    this.late = null; // newest frame that found the decoder busy
    this.ready = null; // newest decoded frame
    this.newest = 0; // arrival number of the newest decoded frame
    this.dropped = 0;
  }

  resize(width, height) {
    if (this.width === width && this.height === height) return;
    Object.assign(this, { width, height, shown: null });
    Object.assign(this.canvas, { width, height });
  }

  sharpen(on) {
    this.crisp = on;
    if (this.shown) this.paint(this.shown);
  }

  // Cover the canvas, which gets a whole number of pixels for each of the frame, enough for the display.
  paint(source) {
    const { canvas, context, width, height } = this;
    const enough = Math.ceil((canvas.clientWidth * devicePixelRatio) / width);
    const times = Math.max(Math.min(enough, Math.floor(MOST_WIDE / width)), 1);
    if (canvas.width !== times * width) Object.assign(canvas, { width: times * width, height: times * height });
    Object.assign(context, { imageSmoothingEnabled: !this.crisp, imageSmoothingQuality: "high" });
    const scale = Math.max(canvas.width / source.width, canvas.height / source.height);
    const [w, h] = [source.width * scale, source.height * scale];
    context.drawImage(source, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
    if (this.shown !== source) this.shown?.close?.();
    this.shown = source;
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
    this.paint(bitmap);
    if (!frame.still) this.drawn(frame, now);
  }

  // A still picture, cropped to the canvas; frames that arrive meanwhile win.
  async still(address) {
    const arrived = this.arrived;
    this.wanted = address;
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    if (this.arrived !== arrived || this.wanted !== address) return;
    this.paint(picture);
  }
}
