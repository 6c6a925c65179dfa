// What the views of all pages share: short messages, the pill's words on the connection, full screen.

import { SLOW } from "./socket.js";

const FLASH_MS = 8000;
const READOUT_MS = 250;

export class PageView {
  constructor(root) {
    this.root = root;
    this.at = 0;
    this.flashed = { text: "", until: 0 };
    this.said = new Map();
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  set(selector, text) {
    if (this.said.get(selector) === text) return; // what stands there may be its translation
    this.said.set(selector, text);
    this.find(selector).textContent = text;
  }

  flash(text) {
    this.flashed = { text, until: performance.now() + FLASH_MS };
  }

  // What the pill says, and the toast: what was flashed, or else what lasts.
  announce(page, pill, lasting, now) {
    const slow = page.connection === "open" && page.socket.slow;
    this.set(".ls-pill-text", slow ? `${pill.text} \u00b7 slow line` : pill.text);
    Object.assign(this.find(".ls-pill"), { title: slow ? SLOW : "" }).dataset.kind = pill.kind;
    const flashed = now < this.flashed.until ? this.flashed.text : "";
    this.set(".ls-toast", flashed || lasting || "");
  }

  // Whether it is time for what need not change with every frame.
  due(now) {
    const due = now - this.at >= READOUT_MS;
    if (due) this.at = now;
    return due;
  }

  pressed(name, on) {
    this.find(`[data-do=${name}]`).setAttribute("aria-pressed", String(on));
  }

  playing(on, enabled) {
    const play = this.find("[data-do=play]");
    play.disabled = !enabled;
    play.dataset.playing = String(on);
    play.setAttribute("aria-label", on ? "Pause" : "Play");
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.find(".ls-main").requestFullscreen?.();
  }
}

// What is to be known of a connection that is open, until something is made over it.
export function describeLine({ connection, socket }, state) {
  return connection === "open" && socket.slow && state === "idle" ? SLOW : null;
}

// What the pill says of the connection and of the model in this state; null when both are fine.
export function describeConnection(connection, state) {
  if (connection === "connecting") return { text: "Connecting", kind: "wait" };
  if (connection === "lost") return { text: "Reconnecting", kind: "bad" };
  if (connection === "refused") return { text: "Refused", kind: "bad" };
  if (connection === "replaced") return { text: "Open in another tab", kind: "bad" };
  if (state === "failed") return { text: "No model", kind: "bad" };
  return null;
}

export function clock(seconds, tenths = true) {
  const all = Math.floor(seconds * 10 + 1e-6);
  const text = `${Math.floor(all / 600)}:${String(Math.floor(all / 10) % 60).padStart(2, "0")}`;
  return tenths ? `${text}.${all % 10}` : text;
}
