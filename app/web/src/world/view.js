// Everything on the page that is text or a button's state.

import { PageView, clock, describeConnection, describeLine } from "../live/page_view.js";
import { nameOf, summary } from "./caps.js";

const ENDED = {
  away: "Stopped while you were away",
  turn: "Your turn is over for now",
  unattended: "Stopped: no key for a while",
  problem: "The world stopped",
};

export class View extends PageView {
  constructor(root) {
    super(root);
    this.coarse = matchMedia("(pointer: coarse)");
    this.stage = this.find(".lw-stage");
  }

  learn({ keys, width, height }) {
    const what = keys.map(({ codes, label }) => `${label}: ${codes.map(nameOf).join("/")}`).join(", ");
    this.find("#lw-how").textContent =
      `${what}. P pauses, full stop makes one frame, R begins again, F is full screen, Escape leaves.`;
    this.keys = summary(keys);
    this.root.style.setProperty("--lw-shape", `${width} / ${height}`);
    this.root.style.setProperty("--lw-ratio", width / height);
  }

  toggle(name, on) {
    this.pressed(name, on);
    this.root.dataset[name] = String(on);
  }

  // ---- states

  refresh(page) {
    const { dream, recording } = page;
    const { state } = dream;
    const there = page.ready;
    this.root.dataset.connection = page.connection;
    this.root.dataset.state = state;
    this.playing(state === "playing", there && state !== "waiting" && state !== "warming");
    this.find("[data-do=single]").disabled = !there || (state !== "playing" && state !== "paused");
    const reset = this.find("[data-do=reset]");
    reset.disabled = !there || state === "idle";
    reset.classList.toggle("ls-call", !reset.disabled && page.settings.pending.length > 0);
    const record = this.find("[data-do=record]");
    record.disabled = !there || (!recording.on && state !== "playing" && state !== "paused");
    record.dataset.on = String(recording.on);
    this.set(".lw-record span", recording.on ? "Stop" : "Record");
    this.find(".lw-recording").hidden = !recording.on;
    this.set(".lw-hint", this.advice(page));
    const going = there && ["playing", "paused"].includes(state);
    page.map.allow(going);
    page.whatIf.refresh({
      seconds: going ? page.past.seconds(page.card.fps) : 0,
      on: dream.what_if,
      over: page.pictures.past,
    });
    this.veil(page);
  }

  advice({ dream, steering, ready, replaying }) {
    if (!ready || dream.state !== "playing") return "";
    if (replaying) return "The keys of the log are held; yours count when it ends.";
    if (document.activeElement !== steering.stage) return "Keys act while the picture has the focus.";
    return `Hold ${this.keys} \u2013 Esc leaves.`;
  }

  veil(page) {
    const { kind, title, text = "", button = "" } = this.cover(page);
    const veil = this.find(".lw-veil");
    veil.dataset.kind = kind;
    this.set(".lw-title", title ?? "");
    this.set(".lw-text", text);
    const on = this.find("[data-do=on]");
    on.hidden = !button;
    if (button) on.textContent = button;
  }

  // What lies over the picture: "wait" with a bar, "call" to play, "end", a small "hint", or "none".
  cover({ offer, dream, asked, connection, ready, padded, steering }) {
    const verb = padded || this.coarse.matches ? "Tap" : "Click";
    if (offer.state === "failed") return { kind: "end", title: "No world here", text: offer.message };
    if (connection !== "open") return { kind: "none" };
    if (offer.state === "loading") return { kind: "wait", title: "Loading the model", text: offer.message };
    if (!ready) return { kind: "end", title: "No world here", text: offer.message };
    if (dream.state === "waiting") {
      const title = dream.position ? `Number ${dream.position} in line` : "Waiting for a place";
      return { kind: "wait", title, text: dream.message, button: "Leave the line" };
    }
    if (asked || dream.state === "warming") {
      return { kind: "wait", title: "Warming up", text: dream.message };
    }
    if (dream.state === "idle") {
      const text = padded ? "Hold the pad below: every picture is made for what you hold." : `Hold ${this.keys}: every picture is made for what you hold.`;
      return { kind: "call", title: `${verb} to play`, text };
    }
    if (dream.state === "stopped") {
      return { kind: "end", title: ENDED[dream.reason] ?? "Stopped", text: dream.message, button: "Go on" };
    }
    if (dream.what_if) return { kind: "none" };
    if (dream.state === "paused") return { kind: "hint", title: `Paused \u2013 ${verb.toLowerCase()} to go on` };
    const steers = padded || document.activeElement === steering.stage;
    return steers ? { kind: "none" } : { kind: "hint", title: `${verb} to steer` };
  }

  tick(page, now) {
    this.announce(page, describe(page), connectionMessage(page), now);
    if (!this.due(now)) return;
    this.refresh(page);
    this.readout(page, now);
  }

  readout({ meters, recording, card, dream, lastIndex, map }, now) {
    const going = dream.state === "playing";
    const number = (value) => (value === null ? "\u2013" : value.toFixed(0));
    this.set("[data-show=made]", number(going ? meters.made : null));
    this.set("[data-show=cost]", meters.cost === null || !going ? "" : `\u00b7 ${meters.cost.toFixed(1)} ms`);
    this.set("[data-show=shown]", number(meters.shown(now)));
    this.set("[data-show=latency]", number(meters.latency));
    this.set("[data-show=accepted]", number(meters.accepted));
    this.set("[data-show=depth]", meters.depth === null ? "" : `\u00b7 ${meters.depth} ahead`);
    const fps = card?.fps ?? 30;
    this.set(".lw-time", clock(Math.max(lastIndex, 0) / fps));
    this.set("[data-show=recorded]", clock(recording.frames / fps, false));
    for (const name of ["how", "where", "sure", "off"]) this.set(`[data-show=${name}]`, map[name]);
    this.set("[data-show=fit]", dream.fit ?? "");
  }
}

function describe({ connection, offer, dream, asked, replaying }) {
  const trouble = describeConnection(connection, offer.state);
  if (trouble) return trouble;
  if (offer.state === "loading") return { text: "Loading", kind: "wait" };
  if (dream.state === "waiting") return { text: dream.position ? `Number ${dream.position} in line` : "Waiting", kind: "wait" };
  if (asked || dream.state === "warming") return { text: "Warming up", kind: "wait" };
  if (dream.state === "playing") return replaying ? { text: "Replay", kind: "review" } : { text: "Live", kind: "live" };
  if (dream.what_if) return { text: "What if", kind: "review" };
  if (dream.state === "paused") return { text: "Paused", kind: "review" };
  return { text: dream.state === "stopped" ? "Stopped" : "Ready", kind: "rest" };
}

function connectionMessage(page) {
  if (page.connection === "lost") return "The connection was lost; trying again. Your world is kept.";
  return describeLine(page, page.dream.state);
}
