// The page of videos: a file in, its motion beside it, and what happens next.

import { holdsOnlyBody } from "../character/reading.js";
import { BodyPage } from "../live/body_page.js";
import { FPS } from "../live/bounds.js";
import { Player } from "../live/player.js";
import { Camera } from "./camera.js";
import { CameraFix } from "./camera_fix.js";
import { Clip } from "./clip.js";
import { Continuation } from "./continuation.js";
import { gather } from "./gather.js";
import { handlers } from "./handlers.js";
import { Intake } from "./intake.js";
import { Reading } from "./reading.js";
import { Similar } from "./similar.js";
import { Skeleton } from "./skeleton.js";
import { View } from "./view.js";

const LEAD_IN = 1.5; // s of the old motion that are shown before the new

export class CapturePage extends BodyPage {
  constructor(root, base) {
    super(root, base, { view: new View(root), files: "followed", arm: 0.8, area: root.querySelector(".ls-character") });
    const { session } = this;
    this.mine = this.player; // the visitor's own take; a real motion may be shown instead
    this.reference = null; // what the server said of the file
    this.uploaded = null; // {name, kind} of the file the server has
    this.awaited = false;
    this.looping = true;
    this.clip = new Clip(root);
    this.intake = new Intake(root, {
      address: `${base}clip/${session}`,
      take: (files) => this.receive(files),
    });
    this.camera = new Camera(root, { done: (file) => this.send(file), change: () => this.refresh() });
    this.cameraFix = new CameraFix(root, `${base}adjust/${session}`);
    this.reading = new Reading(root, (choice) => this.follow(choice));
    this.skeleton = new Skeleton(root, (joints) => this.followWith(joints));
    this.continuation = new Continuation(root);
    this.similar = new Similar(root, {
      base,
      session,
      play: (take) => this.preview(take),
    });
    this.listen({
      cancel: () => this.cancel(),
      redo: () => this.redo(),
      again: () => this.follow(this.reading.choice),
      another: () => this.intake.open(),
      camera: () => this.camera.open(),
      shoot: () => this.camera.shoot(),
      uncamera: () => this.camera.close(),
      back: () => this.preview(null),
      loop: () => this.toggleLoop(),
      match: () => this.skeleton.apply(),
      sides: () => this.skeleton.exchange(),
      save: () => this.skeleton.save(),
      sound: () => this.view.pressed("sound", this.clip.toggleSound()),
    });
    this.connect("follow", handlers(this));
  }

  get own() {
    return this.mine;
  }

  offer(checkpoints) {
    this.continuation.offer(checkpoints);
  }

  // ---- the file

  // Files were chosen or dropped: one to follow, or a joint map for the one there is, or both; a body
  // without a motion is shown with the one there is.
  async receive(files) {
    this.view.forget();
    try {
      if (this.character && (await holdsOnlyBody(files))) return this.character.take(files);
      const { file, joints } = await gather(files);
      if (file) await this.send(file, joints);
      else if (this.uploaded?.kind === "motion") this.followWith(joints);
      else throw new Error("A joint map says which joints of a motion file are ours; bring that file, too.");
    } catch (error) {
      this.view.trouble(error.message);
    }
  }

  // Show a file here, give it to the server and have it followed.
  async send(file, joints = null) {
    if (this.busy || this.intake.sending) return this.view.flash("Something is still being made; cancel it first.");
    this.view.forget();
    if (!this.intake.fits(file)) return this.view.trouble(this.intake.refusal(file));
    this.preview(null);
    this.skeleton.show(null);
    this.clip.show(file);
    this.refresh();
    try {
      this.uploaded = await this.intake.upload(file, () => this.refresh());
    } catch (error) {
      return this.lose(error.message);
    }
    this.cameraFix.say("");
    this.reading.choose(this.uploaded, joints);
    this.follow(this.reading.choice);
  }

  // Follow the file anew with these nodes as our joints.
  followWith(joints) {
    if (this.busy || this.intake.sending) return this.view.flash("Something is still being made; cancel it first.");
    this.reading.say(joints);
    this.follow(this.reading.choice);
  }

  lose(message) {
    this.clip.drop();
    this.refresh();
    this.view.trouble(message);
  }

  follow(choice) {
    this.view.forget();
    this.clip.begin();
    this.awaited = true; // a take of what was asked for
    if (!this.socket.send("follow", choice)) return this.lose("The connection was lost; try again in a moment.");
    // said before the server does, so that nothing can be asked for twice
    this.server = { ...this.server, state: "running", work: "follow", share: 0, message: "Opening the file \u2026", heard: false };
    this.refresh();
  }

  cancel() {
    this.intake.cancel();
    if (this.busy) this.socket.send("stop");
    this.mine.growing = false;
    this.refresh();
  }

  // ---- what happens next

  go() {
    const prompt = this.askedPrompt("and then jumps");
    if (prompt !== null && this.ready) this.onward({ prompt, start: null });
  }

  // The newest part once more, from where it began.
  redo() {
    const { marks } = this.mine.take;
    const first = marks.find(({ id }) => id && id === marks.at(-1).id); // it may have had several steps
    if (!first) return;
    this.continuation.nextSeed();
    this.onward({ prompt: this.view.prompt.trim() || first.text, start: first.start });
  }

  onward({ prompt, start }) {
    this.view.forget();
    this.view.note("");
    this.preview(null);
    this.promptId = (this.promptId % 65535) + 1;
    if (!this.socket.send("onward", { id: this.promptId, prompt, start, ...this.continuation.values() })) {
      return this.view.hint("The connection was lost; try again in a moment.", true);
    }
    this.server = { ...this.server, state: "running", work: "onward", share: 0, message: "", heard: false };
    if (start === null) this.leadIn(this.mine.take.end);
    this.refresh();
  }

  // Play the last moments before `pose`, then what comes.
  leadIn(pose) {
    this.mine.live = Math.max(this.mine.live, pose - 1);
    this.mine.paused = false;
    this.mine.seek(pose - LEAD_IN * FPS);
  }

  // The rest is said where it was asked for.
  get news() {
    const { state, work, reason } = this.server;
    const lasting = (state === "waiting" && work === "onward") || reason === "away";
    return lasting ? super.news : "";
  }

  get ready() {
    return Boolean(this.reference) && !this.busy && !this.intake.sending;
  }

  get added() {
    return Boolean(this.reference) && this.mine.take.end > this.reference.poses;
  }

  // ---- what is shown

  // Show a real motion instead of the take; null to come back.
  preview(take) {
    if (!take && this.player === this.mine) return;
    this.player = this.mine;
    if (take) {
      this.player = new Player();
      this.player.reset(take);
      this.showAll(this.player);
    } else {
      this.similar.leave();
    }
    this.refresh();
  }

  // Everything there is may be scrubbed, and plays from its beginning or from `time`.
  showAll(player, time = player.take.first) {
    player.live = player.take.end - 1;
    player.seek(Math.min(time, player.live - 1));
  }

  toggleLoop() {
    this.looping = !this.looping;
    this.view.pressed("loop", this.looping);
  }

  step(now, seconds) {
    const { player } = this;
    if (this.looping && player.atEnd && !player.growing && !player.paused && player.take.length > 1) {
      player.seek(player.take.first);
    }
    super.step(now, seconds);
    this.clip.tick(this);
  }

  connected(status) {
    super.connected(status);
    if (status === "lost") this.mine.growing = false;
  }
}
