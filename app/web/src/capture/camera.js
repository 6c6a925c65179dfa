// A clip by the camera: three seconds to step back, then as long as a video may be.

import { MOST_SECONDS } from "../live/bounds.js";

const MOST_MS = 1000 * MOST_SECONDS;
const COUNT = 3;
const KINDS = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];

export class Camera {
  // `done(file)` when a clip was recorded
  constructor(root, { done, change }) {
    Object.assign(this, { root, done, change });
    this.video = root.querySelector(".lf-video");
    this.stream = this.recorder = this.timer = null;
    const able = Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);
    for (const button of root.querySelectorAll("[data-do=camera]")) button.dataset.able = String(able);
  }

  get on() {
    return this.stream !== null;
  }

  get recording() {
    return this.recorder !== null;
  }

  async open() {
    if (this.on) return;
    try {
      const ideal = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
      this.stream = await navigator.mediaDevices.getUserMedia({ video: ideal, audio: false });
    } catch (error) {
      const denied = error.name === "NotAllowedError";
      return this.say(denied ? "The browser does not allow the camera here." : "No camera could be opened.");
    }
    this.say("");
    this.preview = document.createElement("video");
    Object.assign(this.preview, { className: "lf-preview", muted: true, playsInline: true, srcObject: this.stream });
    this.video.after(this.preview);
    this.preview.play().catch(() => {});
    this.show("Camera");
    this.change();
  }

  // Record after a countdown; once more ends it.
  shoot() {
    if (this.recording) return this.recorder.stop();
    if (this.timer) return this.stopCounting();
    let left = COUNT;
    const count = () => {
      this.tell(left);
      if (left === 0) return this.record();
      left -= 1;
      this.timer = setTimeout(count, 1000);
    };
    count();
    this.change();
  }

  get counting() {
    return this.timer !== null;
  }

  stopCounting() {
    clearTimeout(this.timer);
    this.timer = null;
    this.tell("");
    this.change();
  }

  record() {
    this.stopCounting();
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    const parts = [];
    const began = performance.now();
    this.recorder = new MediaRecorder(this.stream, { mimeType, videoBitsPerSecond: 4e6 });
    this.recorder.ondataavailable = ({ data }) => parts.push(data);
    this.recorder.onstop = () => {
      clearInterval(this.clock);
      this.recorder = null;
      const wanted = this.on;
      this.close();
      const kind = (mimeType ?? "video/webm").split(";")[0];
      const suffix = kind.split("/")[1];
      if (wanted && parts.length) this.done(new File(parts, `camera.${suffix}`, { type: kind }));
    };
    this.recorder.start();
    this.clock = setInterval(() => {
      const spent = performance.now() - began;
      this.show(`${(spent / 1000).toFixed(1)} of ${MOST_MS / 1000} s`);
      if (spent > MOST_MS - 100 && this.recorder?.state === "recording") this.recorder.stop();
    }, 100);
    this.change();
  }

  close() {
    this.stopCounting();
    const { stream, recorder } = this;
    this.stream = null;
    if (recorder?.state === "recording") recorder.stop(); // what it has is dropped
    for (const track of stream?.getTracks() ?? []) track.stop();
    this.preview?.remove();
    this.change();
  }

  tell(text) {
    this.root.querySelector(".lf-count").textContent = text || "";
  }

  show(text) {
    this.root.querySelector("[data-show=camera]").textContent = text;
  }

  say(text) {
    this.root.querySelector(".lf-trouble").textContent = text;
  }
}
