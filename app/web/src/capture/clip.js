// The visitor's own video beside the body: never sent back by the server, always in step.

import { FPS } from "../live/bounds.js";

const FAR = 0.25; // s; further apart than this the video jumps, nearer it runs a little faster or slower
const NEAR = 0.02;
const PATIENCE = 500; // ms

export class Clip {
  constructor(root) {
    this.root = root;
    this.video = root.querySelector(".lf-video");
    this.absent = root.querySelector(".lf-absent");
    this.address = null; // of what is shown
    this.kept = null; // of the file that the take is of
    this.coming = null; // of a newer one, until there is a take of it
    this.start = null; // s; where its first picture is in the browser's time, which need not begin at 0
    this.video.addEventListener("error", () => {
      if (this.address) this.say("This browser cannot show this file; what the server made of it plays beside it.");
    });
    // some browsers show nothing before they were sent somewhere
    this.video.addEventListener("loadedmetadata", () => (this.video.currentTime = 0.001));
  }

  get shown() {
    return this.address !== null;
  }

  show(file) {
    this.drop();
    this.coming = URL.createObjectURL(file);
    this.open(this.coming);
  }

  // Nothing comes of the newer file.
  drop() {
    if (this.coming) URL.revokeObjectURL(this.coming);
    this.coming = null;
    this.restore();
  }

  // The newer file is being followed.
  begin() {
    this.open(this.coming ?? this.kept);
    this.video.pause();
  }

  // There is a take of the newer file.
  keep() {
    if (!this.coming) return;
    if (this.kept) URL.revokeObjectURL(this.kept);
    this.kept = this.coming;
    this.coming = null;
  }

  // Show what the take is of.
  restore() {
    this.open(this.kept);
  }

  open(address) {
    if (address === this.address) return;
    this.address = address;
    this.start = null;
    this.say("");
    if (address) this.video.src = address;
    else this.video.removeAttribute("src");
    this.video.load();
    if (address) this.findStart(address);
  }

  // Files begin at any second, and only some browsers count from there; a picture tells its own.
  findStart(address) {
    const { video } = this;
    const found = (second) => {
      if (this.address !== address || this.start !== null) return;
      this.start = second;
      // what a browser has recorded itself does not tell how long it is before its end was looked for
      if (video.duration === Infinity) video.currentTime = 1e7;
    };
    video.requestVideoFrameCallback?.((_, { mediaTime }) => found(mediaTime));
    video.addEventListener("seeked", () => setTimeout(found, PATIENCE, 0), { once: true });
  }

  say(text) {
    this.absent.textContent = text;
  }

  toggleSound() {
    this.video.muted = !this.video.muted;
    return !this.video.muted;
  }

  // Once a frame: show what the server looks at while it does; then be where the body is.
  tick(page) {
    const { video } = this;
    if (!this.shown || this.start === null) return;
    const { server, reference, player } = page;
    if (page.busy && server.work === "follow") return this.seek(this.at(server.share, page));
    if (!reference || player !== page.mine) return video.pause();
    const second = this.start + reference.kept[0] + player.time / FPS;
    const within = player.time <= reference.poses - 0.5;
    this.end(!within);
    if (within && player.playing && (player.reviewing || !player.stalled)) this.run(second);
    else this.seek(second);
  }

  // The video has nothing to show for what was added.
  end(past) {
    if (this.root.dataset.past === String(past)) return;
    this.root.dataset.past = String(past);
    this.say(past ? "The video ends here; the motion goes on." : "");
  }

  // The second at a share of the video.
  at(share, page) {
    const { start, video } = this;
    const length = Number.isFinite(video.duration) ? video.duration - start : (page.reference?.seconds ?? 0);
    return start + share * length;
  }

  run(second) {
    const { video } = this;
    const ahead = video.currentTime - second;
    if (Math.abs(ahead) > FAR) {
      if (!video.seeking) video.currentTime = Math.max(second, 0);
    } else {
      video.playbackRate = Math.min(Math.max(1 - 1.5 * ahead, 0.7), 1.4);
    }
    if (video.paused && !video.ended) video.play().catch(() => {}); // a browser may want a click first
  }

  seek(second) {
    const { video } = this;
    if (!video.paused) video.pause();
    if (video.seeking || Math.abs(video.currentTime - second) < NEAR) return;
    const last = Number.isFinite(video.duration) ? video.duration - 0.001 : second;
    const wanted = Math.min(Math.max(second, 0), last);
    if (Math.abs(video.currentTime - wanted) > NEAR) video.currentTime = wanted;
  }
}
