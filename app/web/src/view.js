// Everything on the page that is text or a button's state.

import { FPS } from "./take.js";

const EXAMPLES = [
  ["walk", "a person walks forward"],
  ["run", "a person runs forward"],
  ["jump", "a person jumps up and down"],
  ["kick", "a person kicks with the right leg"],
  ["wave", "a person waves with the right hand"],
  ["sit", "a person sits down"],
  ["dance", "a person dances"],
  ["turn left", "a person turns left"],
  ["walk backwards", "a person walks backwards"],
  ["punch", "a person punches with both fists"],
  ["balance", "a person balances on one leg"],
];
const FLASH_MS = 8000;
const READOUT_MS = 250;

export class View {
  constructor(root) {
    this.root = root;
    this.at = 0;
    this.flashed = { text: "", until: 0 };
    this.input = root.querySelector("[name=prompt]");
    this.input.addEventListener("input", () => this.hint(""));
    this.find(".ls-chips").replaceChildren(
      ...EXAMPLES.map(([label, prompt]) => {
        const chip = document.createElement("button");
        Object.assign(chip, { type: "button", className: "ls-chip", textContent: label, title: prompt });
        chip.dataset.prompt = prompt;
        return chip;
      }),
    );
    const dark = () => document.body.classList.contains("dark");
    this.readTheme(dark());
    new MutationObserver(() => this.readTheme(dark())).observe(document.body, {
      attributes: true,
      attributeFilter: ["class"],
    });
  }

  // Call `themed("light" | "dark")` now and whenever it changes.
  watchTheme(themed) {
    this.themed = themed;
    themed(this.style.name);
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  get prompt() {
    return this.input.value;
  }

  set prompt(text) {
    this.input.value = text;
  }

  readTheme(dark) {
    const css = getComputedStyle(this.root);
    const value = (name) => css.getPropertyValue(name).trim();
    this.style = {
      name: dark ? "dark" : "light",
      font: css.fontFamily,
      ink: value("--ls-part-ink"),
      faint: value("--ls-faint"),
      head: value("--ls-ink"),
      accent: value("--ls-accent"),
      veil: value("--ls-veil"),
      parts: [1, 2, 3, 4].map((i) => value(`--ls-part-${i}`)),
    };
    this.themed?.(this.style.name);
  }

  hint(text, bad = false) {
    const hint = this.find(".ls-hint");
    hint.textContent = text;
    hint.classList.toggle("ls-bad", bad);
    this.input.setAttribute("aria-invalid", String(bad));
    if (bad) this.input.focus();
  }

  flash(text) {
    this.flashed = { text, until: performance.now() + FLASH_MS };
  }

  pressed(name, on) {
    this.find(`[data-do=${name}]`).setAttribute("aria-pressed", String(on));
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.find(".ls-main").requestFullscreen?.();
  }

  exportNote(text, kind, link) {
    const note = this.find(".ls-export-note");
    note.textContent = text;
    note.dataset.kind = kind;
    if (link) {
      const again = document.createElement("a");
      Object.assign(again, { href: link.file, download: link.name, textContent: "Again" });
      note.append(" ", again);
    }
    for (const button of this.root.querySelectorAll("[data-export]")) button.disabled = kind === "busy";
  }

  // ---- states

  refresh(page) {
    const { player, server } = page;
    const has = player.take.length > 0;
    this.root.dataset.connection = page.connection;
    this.root.dataset.state = server.state;
    const go = this.find("[data-do=go]");
    go.textContent = page.busy ? "Change prompt" : page.canContinue ? "Continue" : "Generate";
    go.disabled = page.model.state === "failed";
    this.find("[data-do=stop]").disabled = !page.busy;
    const restart = this.find("[data-do=restart]");
    restart.disabled = !has && !page.busy;
    restart.classList.toggle("ls-call", !restart.disabled && page.controls.pending.length > 0);
    const play = this.find("[data-do=play]");
    play.disabled = !has;
    play.dataset.playing = String(player.playing);
    play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    const live = this.find("[data-do=live]");
    live.disabled = !has || (!player.reviewing && !player.paused);
    live.dataset.on = String(has && player.growing && page.connection === "open" && !player.reviewing && !player.paused);
    this.find(".ls-empty").hidden = has || page.busy;
    if (!page.exporter?.busy) {
      for (const button of this.root.querySelectorAll("[data-export]")) button.disabled = !has;
      const note = this.find(".ls-export-note");
      if (has && !note.dataset.kind) note.textContent = "The last ten minutes of a take are kept.";
    }
  }

  tick(page, now) {
    const pill = describe(page);
    this.set(".ls-pill-text", pill.text);
    this.find(".ls-pill").dataset.kind = pill.kind;
    const { player } = page;
    const mark = player.take.length ? player.take.markAt(player.time) : null;
    const caption = this.find(".ls-caption");
    caption.hidden = !mark;
    if (mark) this.set(".ls-caption", mark.text);
    this.set(".ls-time", clock(player.time / FPS));
    const lasting = page.broken ?? connectionMessage(page) ?? page.server.message;
    const flashed = now < this.flashed.until ? this.flashed.text : "";
    this.set(".ls-toast", flashed || lasting || "");
    if (now - this.at < READOUT_MS) return;
    this.at = now;
    this.refresh(page);
    this.readout(page);
    this.slider(page, mark);
  }

  readout({ stats, player }) {
    const number = (value, digits = 0) => (value === null ? "\u2013" : value.toFixed(digits));
    this.set("[data-show=rate]", number(stats.posesPerSecond));
    this.set("[data-show=latency]", number(stats.arrival));
    this.set("[data-show=sight]", stats.sight === null ? "" : `\u00b7 seen after ${number(stats.sight)}`);
    this.set("[data-show=slide]", number(stats.footSlide, 1));
    this.set("[data-show=buffer]", player.take.length ? number((1000 * player.buffered) / FPS) : "\u2013");
  }

  slider({ player }, mark) {
    const line = this.find(".ls-timeline");
    const { take } = player;
    line.setAttribute("aria-disabled", String(!take.length));
    line.setAttribute("aria-valuemin", (take.first / FPS).toFixed(1));
    line.setAttribute("aria-valuemax", (player.live / FPS).toFixed(1));
    line.setAttribute("aria-valuenow", (player.time / FPS).toFixed(1));
    line.setAttribute("aria-valuetext", mark ? `${clock(player.time / FPS)}, ${mark.text}` : "no take yet");
  }

  set(selector, text) {
    const element = this.find(selector);
    if (element.textContent !== text) element.textContent = text;
  }
}

function describe({ connection, model, server, player, busy }) {
  if (connection === "connecting") return { text: "Connecting", kind: "wait" };
  if (connection === "lost") return { text: "Reconnecting", kind: "bad" };
  if (connection === "refused") return { text: "Server full", kind: "bad" };
  if (connection === "replaced") return { text: "Open in another tab", kind: "bad" };
  if (model.state === "failed") return { text: "No model", kind: "bad" };
  if (server.state === "waiting" && server.position) return { text: `Number ${server.position} in line`, kind: "wait" };
  if (model.state === "loading") return { text: "Loading the model", kind: "wait" };
  if (player.reviewing) return { text: player.paused ? "Replay, paused" : "Replay", kind: "review" };
  if (player.paused) return { text: "Paused", kind: "review" };
  if (busy && (!player.take.length || player.stalled)) return { text: player.take.length ? "Buffering" : "Starting", kind: "wait" };
  if (server.state === "running") return { text: "Live", kind: "live" };
  return { text: server.state === "stopped" ? "Stopped" : "Ready", kind: "rest" };
}

function connectionMessage({ connection, model }) {
  if (connection === "lost") return "The connection was lost; trying again. Your take is kept.";
  if (connection === "open" && model.state !== "ready") return model.message;
  return null;
}

function clock(seconds) {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}
