// What the views of pages with a body share: theme, hints, the export's note, the timeline's words.

import { FPS } from "./take.js";

const FLASH_MS = 8000;
export const READOUT_MS = 250;

export class BodyView {
  // `chips` are [label, prompt]
  constructor(root, chips) {
    this.root = root;
    this.at = 0;
    this.flashed = { text: "", until: 0 };
    this.input = root.querySelector("[name=prompt]");
    this.input.addEventListener("input", () => this.hint(""));
    this.find(".ls-chips").replaceChildren(
      ...chips.map(([label, prompt]) => {
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

  set(selector, text) {
    const element = this.find(selector);
    if (element.textContent !== text) element.textContent = text;
  }

  // ---- states

  playButton({ player }) {
    const play = this.find("[data-do=play]");
    play.disabled = !player.take.length;
    play.dataset.playing = String(player.playing);
    play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
  }

  // What changes with every frame; returns the prompt of the pose on the screen.
  moving(page, now, pill) {
    this.set(".ls-pill-text", pill.text);
    this.find(".ls-pill").dataset.kind = pill.kind;
    const { player } = page;
    const mark = player.take.length ? player.take.markAt(player.time) : null;
    const caption = this.find(".ls-caption");
    caption.hidden = !mark;
    if (mark) this.set(".ls-caption", mark.text);
    this.set(".ls-time", clock(player.time / FPS));
    const lasting = page.broken ?? connectionMessage(page) ?? page.news;
    const flashed = now < this.flashed.until ? this.flashed.text : "";
    this.set(".ls-toast", flashed || lasting || "");
    return mark;
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
}

// What the pill says of the connection and the model; null when both are fine.
export function describeConnection({ connection, model, server }) {
  if (connection === "connecting") return { text: "Connecting", kind: "wait" };
  if (connection === "lost") return { text: "Reconnecting", kind: "bad" };
  if (connection === "refused") return { text: "Server full", kind: "bad" };
  if (connection === "replaced") return { text: "Open in another tab", kind: "bad" };
  if (model.state === "failed") return { text: "No model", kind: "bad" };
  if (server.state === "waiting" && server.position) return { text: `Number ${server.position} in line`, kind: "wait" };
  if (model.state === "loading") return { text: "Loading the model", kind: "wait" };
  return null;
}

function connectionMessage({ connection, model }) {
  if (connection === "lost") return "The connection was lost; trying again. Your take is kept.";
  if (connection === "open" && model.state !== "ready") return model.message;
  return null;
}

export function clock(seconds) {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}
