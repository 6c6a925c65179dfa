// One world page: joins the socket, the screen, the keys and the controls.

import { AS_IT_WAS, RECORDED, TRUTH, UPLOADED, WHAT_IF } from "../live/constants.js";
import { forgetLink } from "../live/link.js";
import { packKeys, packShown } from "../live/protocol.js";
import { greeting } from "../live/reach.js";
import { Socket, sessionId } from "../live/socket.js";
import { Caps, readLayout } from "./caps.js";
import { Gallery } from "./gallery.js";
import { Gamepads } from "./gamepad.js";
import { handlers } from "./handlers.js";
import { command, listen, wake } from "./input.js";
import { followLink } from "./links.js";
import { WorldMap } from "./map.js";
import { Meters } from "./meters.js";
import { Pad } from "./pad.js";
import { Past } from "./past.js";
import { Pictures } from "./pictures.js";
import { Played } from "./played.js";
import { WorldRecording, framesOf } from "./recording.js";
import { Settings } from "./settings.js";
import { Steering } from "./steering.js";
import { Strip } from "./strip.js";
import { View } from "./view.js";
import { WhatIf } from "./what_if.js";

const REST_MS = 400;

export class WorldPage {
  constructor(root, base) {
    this.root = root;
    this.connection = "connecting";
    this.offer = { state: "loading", message: "", worlds: [] };
    this.dream = { state: "idle", reason: "", position: 0, message: "", world: 0 };
    this.asked = false; // a beginning was asked for and not answered yet
    this.unsent = null; // what was asked for while there was no connection
    this.left = null; // number of the world that was left; its frames may still arrive
    this.rested = false; // paused because nobody could see it
    this.obeyed = 0; // mask of the frame on the screen
    this.scripted = 0; // frames whose keys come from a log
    this.session = sessionId();
    Object.assign(this, greeting());
    this.view = new View(root);
    this.meters = new Meters();
    this.pictures = new Pictures(root, {
      drawn: (frame, now) => this.drawn(frame, now),
      beside: (frame) => (frame.flags & WHAT_IF ? this.map.seePast(frame, true) : this.map.seeReal(frame)),
    });
    this.past = new Past();
    this.played = new Played();
    this.makeParts(base);
    listen(this);
    const handle = handlers(this);
    this.socket = new Socket({
      url: `${base}play`,
      session: this.session,
      resume: () => ({}),
      receive: (message) => handle[message.tag](message),
      say: (sentence) => this.view.flash(sentence),
      status: (status) => this.connected(status),
    });
    requestAnimationFrame((now) => this.frame(now));
    readLayout().then(() => {
      if (this.card) this.nameKeys(this.card);
      this.refresh();
    });
  }

  // The parts that the visitor touches, and what each of them tells the page.
  makeParts(base) {
    const { root, session } = this;
    this.caps = new Caps(root);
    this.steering = new Steering(root.querySelector(".lw-stage"), {
      change: (keys) => this.steer(keys),
      command: (code, steers) => command(this, code, steers),
    });
    const hold = (pad) => (mask, at) => {
      if (mask && !this.steering.pads[pad]) wake(this);
      this.steering.press(pad, mask, at);
    };
    this.pad = new Pad(root.querySelector(".lw-pad"), hold("touch"));
    this.gamepads = new Gamepads({
      press: hold("gamepad"),
      start: () => this.playPause(),
      active: () => this.ready && document.hasFocus() && Boolean(this.steering.stage.offsetParent),
      greet: () => this.view.flash("Gamepad: the left stick walks, the right one or the shoulders turn, Start pauses."),
    });
    this.steering.letGo = () => [this.pad, this.gamepads].forEach((pad) => pad.letGo());
    this.map = new WorldMap(root, {
      stand: (place) => {
        this.strayed = true;
        this.socket.send("stand", place);
      },
    });
    this.whatIf = new WhatIf(root, {
      peek: (seconds) => this.peek(seconds),
      show: (seconds, mask) => this.showPast(seconds, mask),
      stop: () => this.drive("pause"),
    });
    this.settings = new Settings(root, {
      choose: () => this.enter(),
      tune: (fields) => this.tune(fields),
      change: () => this.refresh(),
    });
    this.gallery = new Gallery(root, {
      base,
      session,
      choose: (start, byMouse) => {
        this.begin();
        if (byMouse) this.steering.stage.focus();
      },
    });
    this.recording = new WorldRecording(root, {
      address: `${base}film/${session}`,
      replay: (log) => this.replay(log),
    });
    this.strip = new Strip(root, {
      address: `${base}strip/${session}.jpg`,
      live: () => this.dream.state === "playing" && this.meters.frames > 0,
    });
  }

  // ---- for tests and the curious

  get frames() {
    return this.meters.frames;
  }

  get lastIndex() {
    return this.meters.last?.index ?? -1;
  }

  get latency() {
    return this.meters.latency;
  }

  get replaying() {
    return this.lastIndex < this.scripted;
  }

  // ---- what the visitor does

  get padded() {
    return !this.pad.element.hidden;
  }

  showPad(on) {
    this.pad.element.hidden = !on;
    this.steering.release();
    this.view.toggle("pad", on);
    this.refresh();
  }

  get card() {
    return this.settings.card;
  }

  get ready() {
    return this.offer.state === "ready" && Boolean(this.card);
  }

  steer({ mask, seq, at }) {
    if (at !== null && this.dream.state === "playing" && !this.replaying) this.meters.press(seq, at);
    this.socket?.sendBytes(packKeys({ mask, seq }));
    this.light();
  }

  light() {
    const { steering, obeyed } = this;
    this.caps.show(steering.held, steering.mask, obeyed);
    if (this.padded) this.pad.show(steering.mask, obeyed);
  }

  // Begin a world with the settings of the page, or with those of an action log.
  begin(log = { ...this.settings.values(), start: this.gallery.start, script: "" }) {
    if (!this.ready) return;
    forgetLink();
    if (this.recording.on) this.record();
    this.settings.use(log);
    this.meters.clear();
    this.strip.clear();
    this.past.clear();
    this.played.clear();
    this.map.clear();
    this.obeyed = 0;
    this.rested = false;
    this.asked = true;
    this.strayed = Boolean(log.changes?.length); // not only keys made it what it is
    this.recording.script = "";
    this.left = this.dream.world;
    this.scripted = framesOf(log.script);
    this.pictures.showReal(log.truth);
    this.unsent = this.socket.send("world", log) ? null : log;
    if (this.steering.mask) this.steering.repeat(); // a new world knows of no keys
    this.refresh();
  }

  // Play an action log once more; the promise fails with a sentence.
  async replay({ picture, ...log }) {
    if (log.checkpoint && !this.offer.worlds.some(({ name }) => name === log.checkpoint)) {
      throw new Error(`This log was played with the model ${log.checkpoint}, which is not here.`);
    }
    if (log.start === UPLOADED) await this.gallery.send(picture);
    this.settings.show(log);
    this.enter(log.start);
    this.begin({ ...log, truth: this.settings.values().truth });
  }

  // Replay an action log's file.
  open(file) {
    return this.recording.read(file);
  }

  follow(asked) {
    return followLink(this, asked);
  }

  // Show where the chosen model's world begins.
  enter(start = this.gallery.start) {
    const { card, gallery } = this;
    this.pictures.each((screen) => screen.resize(card.width, card.height));
    this.steering.learn(card.keys);
    this.pad.learn(card.keys);
    this.gamepads.learn(card.keys);
    this.nameKeys(card);
    this.map.offer(card);
    this.recording.offer(card);
    gallery.start = start;
    gallery.offer(card);
    if (this.dream.state === "idle") this.pictures.left.still(gallery.address(gallery.start)).catch(() => {});
    this.light();
  }

  nameKeys(card) {
    this.whatIf.learn(card.keys);
    this.caps.learn(card.keys);
    this.view.learn(card);
  }

  // Look at a moment of the past, which pauses play.
  peek(seconds) {
    if (this.dream.state === "playing") this.drive("pause");
    const [frame] = this.past.since(seconds, this.card.fps);
    this.pictures.left.receive({ ...frame, still: true });
    this.map.peek(frame);
  }

  // Ask for the past since a moment twice: as it was, and with other keys.
  showPast(seconds, mask) {
    const frames = this.past.since(seconds, this.card.fps);
    const held = frames.reduce((all, frame) => all | frame.mask, 0);
    this.pictures.instead = [`As it was: ${this.whatIf.named(held)}`, `What if: ${this.whatIf.named(mask)}`];
    this.socket.send("what_if", { frame: frames[0].index, mask });
  }

  playPause() {
    const { state } = this.dream;
    if (state === "idle" && !this.asked) this.begin();
    if (state === "stopped") this.goOn();
    if (state === "playing") this.drive("pause");
    if (state === "paused") this.drive("play");
  }

  goOn() {
    if (this.dream.state === "waiting") this.drive("stop");
    else if (this.dream.reason === "problem") this.begin();
    else this.drive("play");
  }

  single() {
    if (this.dream.state === "playing") this.drive("pause");
    this.drive("single");
  }

  record() {
    const on = !this.recording.on;
    if (this.drive(on ? "record" : "keep")) this.recording.record(on, performance.now());
    this.refresh();
  }

  drive(what) {
    return this.socket.send("drive", { do: what });
  }

  tune(fields) {
    const { state } = this.dream;
    if (state === "idle" || state === "stopped") return;
    this.strayed = true;
    const none = { steps: null, context_noise: null, ahead: null, together: null };
    this.socket.send("tune", { ...none, ...fields });
  }

  // Pause while nobody can see it; a page that is reloaded is hidden for a moment only.
  rest(hidden) {
    clearTimeout(this.timer);
    if (hidden) {
      this.timer = setTimeout(() => {
        if (this.dream.state === "playing") this.rested = this.drive("pause");
      }, REST_MS);
    } else if (this.rested) {
      this.rested = false;
      this.drive("play");
    }
  }

  connected(status) {
    this.connection = status;
    this.meters.forget();
    if (status === "open") {
      if (this.unsent) this.socket.send("world", this.unsent);
      this.unsent = null;
      if (this.steering.seq) this.steering.repeat();
    } else if (!this.unsent) {
      this.stay();
    }
    this.refresh();
  }

  // ---- every frame

  frame(now) {
    requestAnimationFrame((next) => this.frame(next));
    this.gamepads.poll(now);
    this.pictures.each((screen) => screen.draw(now));
    this.strip.tick(now);
    this.view.tick(this, now);
  }

  drawn(frame, now) {
    this.socket.sendBytes(packShown(frame.index));
    this.obeyed = frame.mask;
    this.light();
    if (frame.flags & AS_IT_WAS) return this.map.seePast(frame, false);
    this.map.see(frame);
    this.meters.draw(frame, now);
    this.recording.see(Boolean(frame.flags & RECORDED), now);
  }

  // Nothing has begun: what was there goes on.
  stay() {
    this.asked = false;
    this.left = null;
  }

  receive(frame) {
    if (this.dream.world === this.left) return;
    if (!(frame.flags & (AS_IT_WAS | WHAT_IF | TRUTH))) {
      this.past.add(frame, this.card.fps);
      this.played.add(frame);
    }
    this.pictures.receive(frame);
  }

  refresh() {
    if (this.socket) this.view.refresh(this);
  }
}
