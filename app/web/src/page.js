// One motion page: joins the socket, the player, the figure and the controls.

import { Controls } from "./controls.js";
import { Exporter } from "./exporter.js";
import { Figure } from "./figure.js";
import { Player } from "./player.js";
import { Range } from "./range.js";
import { Socket, sessionId } from "./socket.js";
import { Stage } from "./stage.js";
import { Stats } from "./stats.js";
import { hearing } from "./hearing.js";
import { Timeline } from "./timeline.js";
import { View } from "./view.js";
import { bindKeys } from "./keys.js";

const ACK_MS = 80;

export class Page {
  constructor(root, base) {
    this.root = root;
    this.server = { state: "idle", reason: "", message: "", position: 0 };
    this.model = { state: "loading", message: "Loading the model \u2026", prompt_length: 300 };
    this.connection = "connecting";
    this.promptId = 0;
    this.unsent = null; // what was asked for while there was no connection
    this.acked = { time: 0, live: -1, end: -1 };
    this.player = new Player();
    this.stats = new Stats();
    this.view = new View(root);
    this.controls = new Controls(root, {
      choose: (body) => this.chooseBody(body),
      change: () => this.refresh(),
    });
    this.timeline = new Timeline(root.querySelector(".ls-timeline"), {
      seek: (pose) => this.seek(pose),
      select: (from, to) => this.range.set(from, to),
    });
    this.range = new Range(root, this.timeline, this.player);
    this.session = sessionId();
    this.exporter = new Exporter({
      base,
      session: this.session,
      say: (...words) => this.view.exportNote(...words),
    });
    this.openStage(base);
    this.listen();
    const hear = hearing(this);
    this.socket = new Socket({
      url: `${base.replace(/^http/, "ws")}live`,
      session: this.session,
      resume: () => ({ take: this.player.take.number, have: this.player.take.end }),
      receive: (message) => hear[message.tag](message),
      status: (status) => this.connected(status),
    });
    this.refresh();
    this.before = performance.now();
    requestAnimationFrame((now) => this.frame(now));
  }

  openStage(base) {
    try {
      this.stage = new Stage(this.root.querySelector(".ls-canvas"));
      this.view.watchTheme((name) => this.stage.setTheme(name));
      this.figure = new Figure(this.stage, base);
      this.chooseBody(this.controls.body);
    } catch (error) {
      this.broken = error.message;
    }
  }

  chooseBody(name) {
    this.figure?.choose(name).then(
      () => this.stage.track(this.figure.place, 0),
      () => this.view.flash("The body could not be loaded; check the connection and choose it again."),
    );
  }

  // ---- what the visitor does

  listen() {
    const act = {
      stop: () => this.stop(),
      restart: () => this.go({ anew: true }),
      play: () => this.playPause(),
      live: () => this.goLive(),
      follow: () => this.toggleFollow(),
      reset: () => this.stage?.resetView(),
      full: () => this.view.toggleFull(),
    };
    this.root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button || button.disabled) return;
      act[button.dataset.do]?.();
      if (button.dataset.export) this.export(button.dataset.export);
      if (button.classList.contains("ls-chip")) {
        this.view.prompt = button.dataset.prompt;
        this.go({});
      }
    });
    this.root.querySelector(".ls-prompt").addEventListener("submit", (event) => {
      event.preventDefault();
      this.go({});
    });
    bindKeys(this, act);
    document.addEventListener("visibilitychange", () => document.hidden || this.comeBack());
  }

  // Generate, change the prompt or go on, whatever fits; `anew` begins a new take.
  go({ anew = false }) {
    const text = this.view.prompt.trim();
    const most = this.model.prompt_length;
    if (!text) return this.view.hint("Type what the body should do first, for example: a person walks forward.", true);
    if (text.length > most) return this.view.hint(`The prompt has ${text.length} characters; at most ${most} fit.`, true);
    this.view.hint("");
    this.promptId = (this.promptId + 1) % 65536;
    this.stats.ask(this.promptId, performance.now());
    const goesOn = !anew && (this.busy || this.canContinue);
    const message = goesOn
      ? ["prompt", { id: this.promptId, text }]
      : ["start", { id: this.promptId, prompt: text, ...this.controls.values() }];
    if (!goesOn) this.controls.use(this.controls.values());
    this.goLive();
    this.asking = true;
    if (!this.socket.send(...message)) {
      this.unsent = this.unsent?.[0] === "start" && goesOn ? ["start", { ...this.unsent[1], id: this.promptId, prompt: text }] : message;
    }
    this.refresh();
    return true;
  }

  get busy() {
    return this.server.state === "running" || this.server.state === "waiting" || this.unsent !== null;
  }

  get canContinue() {
    return this.server.state === "stopped" && this.server.reason !== "problem";
  }

  stop() {
    this.unsent = null;
    this.asking = false;
    this.socket.send("stop");
    if (this.busy) this.server = { ...this.server, state: "stopped", reason: "asked", message: "" };
    this.player.growing = false;
    this.refresh();
  }

  playPause() {
    if (!this.player.take.length) return;
    if (this.player.atEnd && !this.player.growing && !this.player.paused) {
      this.player.seek(this.player.take.first); // watch it again
    } else {
      this.player.paused = !this.player.paused;
    }
    if (!this.player.paused) this.comeBack();
    this.refresh();
  }

  goLive() {
    this.player.goLive();
    this.comeBack();
    this.refresh();
  }

  // The server paused because nothing was shown here: go on with what was asked for last.
  comeBack() {
    const away = this.server.state === "stopped" && this.server.reason === "away";
    const text = this.player.take.marks.at(-1)?.text;
    if (away && text && !this.player.paused && !this.player.reviewing) {
      this.promptId = (this.promptId + 1) % 65536;
      this.socket.send("prompt", { id: this.promptId, text });
    }
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
    const [start, end] = this.range.poses;
    this.exporter.run({ format, body: this.controls.body, fps: this.range.fps, start, end });
  }

  connected(status) {
    this.connection = status;
    this.acked.live = -1;
    if (status === "open" && this.unsent) {
      this.socket.send(...this.unsent);
      this.unsent = null;
    }
    this.refresh();
  }

  // ---- every frame

  frame(now) {
    requestAnimationFrame((next) => this.frame(next));
    const seconds = Math.min((now - this.before) / 1000, 1);
    this.before = now;
    const { player } = this;
    if (player.tick(seconds) || (player.take.length && !this.figure?.posed)) this.show();
    if (this.figure?.posed) this.settle(seconds);
    this.stage?.draw(seconds);
    this.timeline.draw(player, this.view.style);
    this.acknowledge(now);
    this.view.tick(this, now);
  }

  show() {
    if (!this.figure) return;
    this.player.take.sample(this.player.time, this.figure.root, this.figure.rotations);
    this.figure.pose();
    if (!this.player.reviewing) this.stats.show(this.player.take.markAt(this.player.time)?.id);
  }

  // Let the camera catch up with the body, also after the body has come to rest.
  settle(seconds) {
    const { focus } = this.stage;
    const { x, z } = this.figure.place;
    if (Math.hypot(focus.x - x, focus.z - z) > 0.002) this.stage.track(this.figure.place, seconds);
  }

  acknowledge(now) {
    this.player.roundTrip = this.socket.roundTrip ?? 0;
    const { live, take, lead } = this.player;
    // repeated now and then, because the last one may have been lost with its connection
    const news = live !== this.acked.live || take.end !== this.acked.end;
    const due = now - this.acked.time > (news ? ACK_MS : 1000);
    if (!take.number || !due) return;
    this.acked = { time: now, live, end: take.end };
    this.socket.acknowledge({ lead, take: take.number, received: take.end, shown: live });
  }

  refresh() {
    if (this.socket) this.view.refresh(this);
  }
}
