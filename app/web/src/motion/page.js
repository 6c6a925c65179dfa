// The motion page: prompts in, a body that moves while its motion is being made.

import { BodyPage } from "../live/body_page.js";
import { Controls } from "./controls.js";
import { handlers } from "./handlers.js";
import { copyLink, forgetLink, writeLink, writePath } from "../live/link.js";
import { Projects } from "../steer/project.js";
import { Steering } from "../steer/steering.js";
import { Stats } from "./stats.js";
import { View } from "./view.js";

const WALK = "a person walks forward";

// What the buttons of the strip do.
function actions(page) {
  const { steering, projects } = page;
  return {
    draw: () => steering?.path.draws(!steering.path.drawing),
    pin: () => steering?.keys.pin(),
    remove: () => steering?.remove(),
    clear: () => steering?.clear(),
    undo: () => steering?.plan.undo(),
    redo: () => steering?.plan.redo(),
    open: () => projects.choose(),
    save: () => projects.save(page.body),
    link: () => page.copyLink(),
  };
}

export class MotionPage extends BodyPage {
  constructor(root, base) {
    super(root, base, { view: new View(root), files: "export" });
    this.unsent = null; // what was asked for while there was no connection
    this.stats = new Stats();
    this.controls = new Controls(root, { change: () => this.refresh() });
    this.steering = this.stage && new Steering(this);
    this.projects = new Projects({
      address: `${base}project/${this.session}`,
      input: root.querySelector("[name=project]"),
      reopened: (project, how) => this.reopen(project, how),
      say: (sentence) => this.view.flash(sentence),
    });
    this.listen({
      stop: () => this.stop(),
      restart: () => this.go({ anew: true }),
      ...actions(this),
    });
    this.view.watchTheme((name) => this.setTheme(name));
    document.addEventListener("visibilitychange", () => document.hidden || this.comeBack());
    this.connect("live", handlers(this));
  }

  offer(checkpoints) {
    this.controls.offer(checkpoints);
  }

  // ---- what the visitor does

  // Generate, change the prompt or go on, whatever fits; `anew` begins a new take.
  go({ anew = false }) {
    const text = this.askedPrompt(WALK);
    if (text === null) return;
    forgetLink();
    this.view.forget();
    this.view.note("");
    this.promptId = (this.promptId + 1) % 65536;
    this.stats.ask(this.promptId, performance.now());
    const goesOn = !anew && (this.busy || this.canContinue);
    const wishes = this.steering?.wishes ?? {};
    const message = goesOn
      ? ["prompt", { id: this.promptId, text }]
      : ["start", { id: this.promptId, prompt: text, ...this.controls.values(), wishes }];
    if (!goesOn) {
      this.controls.use(this.controls.values());
      this.steering?.began(wishes);
    }
    this.goLive();
    this.asking = true;
    if (!this.socket.send(...message)) {
      this.unsent = this.unsent?.[0] === "start" && goesOn ? ["start", { ...this.unsent[1], id: this.promptId, prompt: text }] : message;
    }
    this.refresh();
  }

  // The server makes a project's take again: show what it asks for, from its start. The gallery says with which of our
  // characters, "" for none.
  reopen({ checkpoint, settings, body, prompts, poses, wishes }, { character }) {
    this.view.forget();
    this.view.prompt = prompts.at(-1);
    this.promptId = prompts.length + 1; // those of its prompts are smaller
    this.controls.adoptAll({ ...settings, checkpoint });
    this.chosen(body)?.click();
    this.goLive();
    this.player.known = poses;
    this.seek(0);
    this.steering?.reopen(wishes);
    this.character?.lend(character ?? "");
    if (character !== undefined) return; // nobody there asked for a project
    this.view.flash("The project is being made again; what is there can already be watched, from any point of the timeline.");
  }

  // Open a project's file; see `reopen` for the rest.
  open(file, how) {
    return this.projects.open(file, how);
  }

  // Make what a link asks for; throws a sentence for what this page cannot have.
  follow({ prompt, body, path = [], ...settings }) {
    if (body && !this.chosen(body)) throw new Error(`This link asks for the body ${body}, which is not here.`);
    this.controls.follow(settings);
    this.chosen(body)?.click();
    this.steering?.reopen({ waypoints: path, keys: [] });
    if (!prompt) return;
    this.view.prompt = prompt;
    this.go({ anew: true });
  }

  async copyLink() {
    const { waypoints = [], keys = [] } = this.steering?.planning ? this.steering.plan.wishes : {};
    const values = { ...this.controls.values(), prompt: this.view.prompt.trim(), body: this.body, path: writePath(waypoints) };
    const link = keys.length ? null : writeLink("motion", values);
    const most = keys.length ? "key poses" : "as much as this";
    this.view.flash(link ? await copyLink(link, "this prompt with these settings, from the start") : `A link cannot hold ${most}; press Save project, beside it, for a file that does.`);
  }

  chosen(body) {
    return this.root.querySelector(`[name$=-body][value="${CSS.escape(body ?? "")}"]`);
  }

  // Begin or go on with whatever the prompt says, or with walking.
  walk() {
    this.view.prompt ||= WALK;
    this.go({});
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
    if (away && !this.player.paused && !this.player.reviewing) this.socket.send("resume");
  }

  connected(status) {
    if (status === "open" && this.unsent) {
      this.socket.send(...this.unsent);
      this.unsent = null;
    }
    if (status === "open") this.steering?.sender.flush();
    super.connected(status);
  }

  setTheme(name) {
    this.stage?.setTheme(name);
    this.steering?.setTheme(name);
  }

  chooseBody(name) {
    return super.chooseBody(name)?.then(() => this.steering?.refresh());
  }

  step(now, seconds) {
    super.step(now, seconds);
    this.steering?.tick(seconds, now);
  }

  show() {
    super.show();
    if (!this.player.reviewing) this.stats.show(this.player.take.markAt(this.player.time)?.id);
  }
}
