// The motion page: prompts in, a body that moves while its motion is being made.

import { BodyPage } from "../live/body_page.js";
import { Controls } from "./controls.js";
import { handlers } from "./handlers.js";
import { Stats } from "./stats.js";
import { View } from "./view.js";

export class MotionPage extends BodyPage {
  constructor(root, base) {
    super(root, base, { view: new View(root), files: "export" });
    this.unsent = null; // what was asked for while there was no connection
    this.stats = new Stats();
    this.controls = new Controls(root, { change: () => this.refresh() });
    this.listen({
      stop: () => this.stop(),
      restart: () => this.go({ anew: true }),
    });
    document.addEventListener("visibilitychange", () => document.hidden || this.comeBack());
    this.connect("live", handlers(this));
  }

  offer(checkpoints) {
    this.controls.offer(checkpoints);
  }

  // ---- what the visitor does

  // Generate, change the prompt or go on, whatever fits; `anew` begins a new take.
  go({ anew = false }) {
    const text = this.askedPrompt("a person walks forward");
    if (text === null) return;
    this.view.forget();
    this.view.note("");
    this.asked = text;
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
  }

  get busy() {
    return super.busy || this.unsent !== null;
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
    super.playPause();
    if (!this.player.paused) this.comeBack();
  }

  goLive() {
    super.goLive();
    this.comeBack();
  }

  // The server paused because nothing was shown here: go on with what was asked for last.
  comeBack() {
    const away = this.server.state === "stopped" && this.server.reason === "away";
    const text = this.asked ?? this.player.take.marks.at(-1)?.text;
    if (away && text && !this.player.paused && !this.player.reviewing) {
      this.socket.send("prompt", { id: this.promptId, text });
    }
  }

  connected(status) {
    if (status === "open" && this.unsent) {
      this.socket.send(...this.unsent);
      this.unsent = null;
    }
    super.connected(status);
  }

  show() {
    super.show();
    if (!this.player.reviewing) this.stats.show(this.player.take.markAt(this.player.time)?.id);
  }
}
