// What pages with a moving body share: stage, figure, clock, timeline, range and exports of a take.

import { CharacterPanel } from "../character/panel.js";
import { Exporter } from "../exports/exporter.js";
import { Range } from "../exports/range.js";
import { say } from "../languages.js";
import { MAX_PROMPT } from "./bounds.js";
import { Figure } from "./figure.js";
import { bindKeys } from "./keys.js";
import { Player } from "./player.js";
import { packAck } from "./protocol.js";
import { greeting } from "./reach.js";
import { Socket, sessionId } from "./socket.js";
import { Stage } from "./stage.js";
import { Timeline } from "./timeline.js";

const ACK_MS = 80;

export class BodyPage {
  // `view` shows texts and buttons; exports are asked for at `files`; `arm` is how far the camera is;
  // characters are dropped onto `area`
  constructor(root, base, { view, files, arm = 1, area = root }) {
    Object.assign(this, { root, base, view });
    this.server = { state: "idle", reason: "", message: "", position: 0 };
    this.model = { state: "loading", message: "Loading the model \u2026", prompt_length: MAX_PROMPT };
    this.connection = "connecting";
    this.promptId = 0;
    this.seen = {}; // what the figure shows
    Object.assign(this, greeting());
    this.acked = { time: 0, live: -1, end: -1 };
    this.player = new Player();
    this.timeline = new Timeline(root.querySelector(".ls-timeline"), {
      seek: (pose) => this.seek(pose),
      select: (from, to) => {
        this.range.set(from, to);
        this.view.forget();
      },
    });
    this.range = new Range(root, this.timeline, this.player);
    this.session = sessionId();
    this.exporter = new Exporter({
      address: `${base}${files}/${this.session}`,
      say: (...words) => this.view.exportNote(...words),
    });
    root.querySelector(".ls-export-note").parentNode.addEventListener("change", () => this.view.forget(), true); // before the field says what it thinks
    this.openStage(base, arm);
    this.character = this.stage && new CharacterPanel(this, files, area);
  }

  openStage(base, arm) {
    try {
      this.stage = new Stage(this.root.querySelector(".ls-canvas"), arm);
      this.view.watchTheme((name) => this.stage.setTheme(name));
      this.figure = new Figure(this.stage, base);
      this.chooseBody(this.body);
    } catch (error) {
      this.broken = error.message;
    }
    for (const radio of this.root.querySelectorAll("[name$=-body]")) {
      radio.addEventListener("change", () => this.chooseBody(radio.value));
    }
  }

  get body() {
    return this.root.querySelector("[name$=-body]:checked").value;
  }

  chooseBody(name) {
    return this.figure?.choose(name).then(
      () => this.stage.track(this.figure.place, 0),
      () => this.view.flash("The body could not be loaded; check the connection and choose it again."),
    );
  }

  // `actions` is what buttons do, by the name in data-do.
  listen(actions) {
    actions = {
      play: () => this.playPause(),
      live: () => this.goLive(),
      follow: () => this.toggleFollow(),
      reset: () => this.stage?.resetView(),
      full: () => this.view.toggleFull(),
      ...actions,
    };
    this.root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button || button.disabled) return;
      actions[button.dataset.do]?.();
      if (button.dataset.export) this.export(button.dataset.export);
      if (button.classList.contains("ls-chip")) {
        this.view.prompt = say(button.dataset.prompt);
        this.go({});
      }
    });
    this.root.querySelector(".ls-prompt").addEventListener("submit", (event) => {
      event.preventDefault();
      this.go({});
    });
    bindKeys(this, actions);
  }

  // `handlers` is what is done with each message of the server besides that on its model, by tag.
  connect(path, handlers) {
    handlers = { model: (message) => this.learn(message), ...handlers };
    this.socket = new Socket({
      url: `${this.base}${path}`,
      session: this.session,
      resume: () => ({ take: this.own.take.number, have: this.own.take.end }),
      receive: (message) => handlers[message.tag](message),
      say: (sentence) => this.view.flash(sentence),
      status: (status) => this.connected(status),
    });
    this.refresh();
    this.before = performance.now();
    requestAnimationFrame((now) => this.frame(now));
  }

  // What the server says of its model; a page lets choose from what it offers.
  learn(model) {
    this.model = model;
    if (this.figure) this.figure.shapes = model.bodies;
    if (model.checkpoints.length) this.offer(model.checkpoints);
    if (model.state === "ready") this.greet();
    this.refresh();
  }

  connected(status) {
    this.connection = status;
    this.acked.live = -1;
    this.refresh();
  }

  // The player of the visitor's own take, whatever is being shown.
  get own() {
    return this.player;
  }

  get busy() {
    return this.server.state === "running" || this.server.state === "waiting";
  }

  // What the server says of its work.
  get news() {
    return this.server.message;
  }

  // The prompt where it can be sent; else null, and a word on why it cannot.
  askedPrompt(example) {
    const text = this.view.prompt.trim();
    const most = this.model.prompt_length;
    let wrong = "";
    if (!text) wrong = `Type what the body should do first, for example: ${example}.`;
    if (text.length > most) wrong = `The prompt has ${text.length} characters; at most ${most} fit.`;
    this.view.hint(wrong, Boolean(wrong));
    return wrong ? null : text;
  }

  playPause() {
    if (!this.player.take.length) return;
    if (this.player.atEnd && !this.player.growing && !this.player.paused) {
      this.player.seek(this.player.take.first); // watch it again
    } else {
      this.player.paused = !this.player.paused;
    }
    this.refresh();
  }

  goLive() {
    this.player.goLive();
    this.refresh();
  }

  seek(pose) {
    this.player.seek(pose);
    this.refresh();
  }

  toggleFollow() {
    if (!this.stage) return;
    this.stage.follow = !this.stage.follow;
    if (this.stage.follow) this.stage.resetView();
    this.view.pressed("follow", this.stage.follow);
  }

  export(format) {
    const most = this.range.exceeded(format);
    if (most) return this.view.exportNote(tooLong(format, most, this.range.wishes.fps), "error");
    this.exporter.run({ format, body: this.body, ...this.range.wishes });
  }

  // ---- every frame

  frame(now) {
    requestAnimationFrame((next) => this.frame(next));
    const seconds = Math.min((now - this.before) / 1000, 1);
    this.before = now;
    this.step(now, seconds);
    if (this.root.checkVisibility()) { // beside another tab it would slow that one
      this.stage?.draw(seconds);
      this.timeline.draw(this.player, this.view.style);
    }
    this.acknowledge(now);
    this.view.tick(this, now);
  }

  step(now, seconds) {
    this.player.tick(seconds);
    const { take, time } = this.player;
    const seen = this.seen.take === take && this.seen.end === take.end && this.seen.time === time;
    if (take.length && (!seen || !this.figure?.posed)) this.show();
    if (this.figure?.posed) this.settle(seconds);
  }

  show() {
    if (!this.figure) return;
    const { take, time } = this.player;
    this.seen = { take, time, end: take.end };
    take.sample(time, this.figure.root, this.figure.rotations);
    this.figure.pose();
  }

  // Let the camera catch up with the body, also after the body has come to rest.
  settle(seconds) {
    const { focus } = this.stage;
    const { x, z } = this.figure.place;
    if (Math.hypot(focus.x - x, focus.z - z) > 0.002) this.stage.track(this.figure.place, seconds);
  }

  acknowledge(now) {
    this.own.roundTrip = this.socket.roundTrip ?? 0;
    const { live, take, lead } = this.own;
    // repeated now and then, because the last one may have been lost with its connection
    const news = live !== this.acked.live || take.end !== this.acked.end;
    const due = now - this.acked.time > (news ? ACK_MS : 1000);
    if (!take.number || !due) return;
    this.acked = { time: now, live, end: take.end };
    this.socket.sendBytes(packAck({ lead, take: take.number, received: take.end, shown: live }));
  }

  refresh() {
    if (this.socket) this.view.refresh(this);
  }
}

function tooLong(format, most, fps) {
  const long = `${format.toUpperCase()} has ${most} s at most`;
  return `At ${fps} frames a second ${long}: choose a range or a lower rate.`;
}
