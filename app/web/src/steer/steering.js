// Steering on the motion page: one mode at a time, what it wants of the motion, and what came of it.

import { FPS } from "../live/bounds.js";
import { Drive } from "./drive.js";
import { Handles } from "./handles.js";
import { KeyTool } from "./key_tool.js";
import { Latency } from "./latency.js";
import { describe, describeLate } from "./outcome.js";
import { Panel } from "./panel.js";
import { PathTool } from "./path_tool.js";
import { Plan } from "./plan.js";
import { readPose } from "./pose.js";
import { Sender } from "./sender.js";
import { bindStick } from "./stick.js";
import { World } from "./world.js";

const DRIVE_LEAD = 2; // poses that are enough ahead while driving, so that a key is soon felt

export class Steering {
  constructor(page) {
    const { root, stage, figure } = page;
    this.page = page;
    this.mode = "off";
    this.chosen = null; // id of a point or key
    this.outcomes = new Map(); // of wishes whose time has come
    this.late = new Map(); // of those ahead
    this.plan = new Plan(() => this.changed());
    this.sender = new Sender((message) => {
      page.player.known = 0; // a project goes another way from here on
      return page.socket.send("steer", message);
    });
    this.latency = new Latency();
    this.world = new World(stage, figure);
    this.handles = new Handles(root.querySelector(".ls-spots"), stage, (on) => this.gesture(on));
    this.path = new PathTool(this);
    this.keys = new KeyTool(this);
    this.drive = new Drive(root.querySelector(".ls-stage"), stage, (at) => this.driven(at));
    bindStick(root.querySelector(".ls-stick"), (...lean) => this.drive.lean(...lean));
    this.panel = new Panel(this, root);
    this.gone = 0; // wishes whose time has passed
    this.panel.refresh();
  }

  // Whether points and key poses are being followed.
  get planning() {
    return this.mode === "path" || this.mode === "keys";
  }

  // Where the newest pose is and looks (degrees), and when.
  get now() {
    const { take } = this.page.player;
    if (!take.length) return { place: [0, 0], facing: 0, at: 0 };
    const { place, facing } = readPose(...take.newest);
    return { place, facing, at: take.end / FPS };
  }

  get wishes() {
    if (this.planning) return this.plan.empty ? {} : this.plan.wishes;
    const { velocity, facing } = this.drive;
    if (!velocity) return {};
    const drive = { velocity: velocity.map((v) => Math.round(100 * v) / 100) };
    return { drive: facing === null ? drive : { ...drive, facing } };
  }

  switch(mode) {
    this.mode = mode;
    this.chosen = null;
    this.drive.enabled = mode === "drive";
    this.page.player.shortest = mode === "drive" ? DRIVE_LEAD : null;
    this.latency.forget();
    if (this.path.drawing) this.path.draws(false);
    this.changed();
  }

  // Show what a take that the server makes again wants; only an edit takes it over.
  reopen(wishes) {
    const { waypoints, keys } = wishes;
    const around = { ...this.now, facing: 0 };
    this.drive.enabled = false;
    this.mode = "off";
    this.sender.began({}); // nothing of this is sent
    this.plan.load({ waypoints, keys }, around);
    this.mode = keys.length ? "keys" : waypoints.length ? "path" : "off";
    this.panel.choose(this.mode);
    this.page.player.shortest = null;
    this.sender.began(this.wishes);
    this.refresh();
  }

  choose(id) {
    this.chosen = this.chosen === id ? null : id;
    this.refresh();
  }

  gesture(on) {
    if (on) this.plan.begin();
    else this.plan.end();
  }

  remove() {
    this.path.remove(this.chosen);
    this.keys.remove(this.chosen);
  }

  clear() {
    this.plan.set(this.mode === "path" ? { points: [] } : { keys: [] });
  }

  changed() {
    this.sender.push(this.wishes);
    this.refresh();
  }

  // A key or the stick asks for another way to go, which begins a take where there is none.
  driven(at) {
    const { page } = this;
    if (page.player.reviewing || page.player.paused) page.goLive();
    const id = this.sender.push(this.wishes);
    if (at !== null) this.latency.ask(id, at);
    if (at !== null && !page.busy) page.walk();
  }

  // ---- the server

  began(wishes) {
    this.sender.began(wishes);
    this.latency.forget();
  }

  // Another take is shown: nothing has been met in it yet.
  reset() {
    this.outcomes.clear();
    this.late.clear();
    this.refresh();
  }

  learn(met) {
    this.latency.learn(met);
    this.late = new Map(met.late.map(([at, seconds]) => [`waypoint ${at}`, describeLate(seconds)]));
    for (const outcome of met.outcomes) this.outcomes.set(`${outcome.kind} ${outcome.at}`, describe(outcome));
    this.refresh();
  }

  // What is known of a wish: {passed, state, text, off, hint}.
  outcome(kind, at) {
    const key = `${kind} ${Math.round(1000 * at) / 1000}`;
    const [told, late] = [this.outcomes.get(key), this.late.get(key)];
    const passed = Boolean(told) || (!late && at * FPS < this.page.player.take.end);
    return { passed, ...(told ?? late) };
  }

  // ---- the page

  setTheme(name) {
    this.path.view.setTheme(name);
    this.keys.ghost.setTheme(name);
  }

  refresh() {
    this.world.fit();
    this.handles.show([...this.path.refresh(), ...this.keys.refresh()]);
    this.panel.refresh();
    const ahead = this.planning ? this.lastKey * FPS + FPS : 0;
    if (!this.plan.before) this.page.timeline.ahead = Math.max(ahead, this.page.player.known);
  }

  get lastKey() {
    return Math.max(0, ...this.plan.value.keys.map(({ at }) => at));
  }

  // Every frame, before the stage is drawn.
  tick(seconds, now) {
    this.drive.tick(seconds);
    this.path.tick();
    this.keys.tick();
    const { points, keys } = this.plan.value;
    const gone = [...points, ...keys].filter(({ at }) => at * FPS < this.page.player.take.end).length;
    if (gone !== this.gone) this.refresh(); // what has passed looks so, whatever else happens
    this.gone = gone;
    this.handles.place();
    if (!this.page.player.reviewing) this.latency.show(this.page.player.live, now);
  }
}
