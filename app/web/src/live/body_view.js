// What the views of pages with a body share: theme, hints, the export's note, the timeline's words.

import { tellNote } from "../exports/exporter.js";
import { FPS } from "./bounds.js";
import { PageView, clock, describeConnection, describeLine } from "./page_view.js";

export class BodyView extends PageView {
  // `chips` are [label, prompt]
  constructor(root, chips) {
    super(root);
    this.input = root.querySelector("[name=prompt]");
    this.input.addEventListener("input", () => this.hint(""));
    this.find(".ls-chips").replaceChildren(
      ...chips.map(([label, prompt]) => {
        const chip = document.createElement("button");
        Object.assign(chip, { type: "button", className: "ls-chip", textContent: label, title: prompt.charAt(0).toUpperCase() + prompt.slice(1) });
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

  // What is said of the newest prompt, where it is always seen: below the prompt of the pose that is shown.
  note(text) {
    this.set(".ls-said", text);
  }

  hint(text, bad = false) {
    const hint = this.find(".ls-hint");
    hint.textContent = text;
    hint.classList.toggle("ls-bad", bad);
    this.input.setAttribute("aria-invalid", String(bad));
    if (!bad) return;
    this.input.focus();
    hint.scrollIntoView({ block: "nearest" });
  }

  exportNote(text, kind, more) {
    tellNote(this.find(".ls-export-note"), text, kind, more);
    if (kind === "busy") for (const button of this.root.querySelectorAll("[data-export]")) button.disabled = true;
  }

  // Let files be asked for that can be made; those that would be too long say so when they are chosen.
  offerFiles({ range, figure }, on) {
    for (const button of this.root.querySelectorAll("[data-export]")) {
      button.disabled = !on;
      button.ariaDisabled = String(on && range.exceeded(button.dataset.export) > 0);
    }
    this.find(".ls-whose").hidden = !figure?.guest;
  }

  // What went wrong before is not of what is chosen or begun now.
  forget() {
    this.flash("");
    if (this.find(".ls-export-note").dataset.kind === "error") this.exportNote("", "");
  }

  // ---- states

  playButton({ player }) {
    this.playing(player.playing, player.take.length > 0);
  }

  // What changes with every frame; returns the prompt of the pose on the screen.
  moving(page, now, pill) {
    this.announce(page, pill, page.broken ?? connectionMessage(page) ?? page.news, now);
    const { player } = page;
    const mark = player.take.length ? player.take.markAt(player.time) : null;
    const caption = this.find(".ls-caption");
    caption.hidden = !mark;
    if (mark) this.set(".ls-caption strong", mark.text);
    this.find(".ls-said").hidden = mark?.id !== page.promptId;
    this.set(".ls-time", clock(player.time / FPS));
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

// What the pill says where the body is not all there is to tell; null when all is fine.
export function describeTrouble({ connection, model, server }) {
  const trouble = describeConnection(connection, model.state);
  if (trouble) return trouble;
  if (server.state === "waiting" && server.position) return { text: `Number ${server.position} in line`, kind: "wait" };
  if (model.state === "loading") return { text: "Loading the model", kind: "wait" };
  return null;
}

function connectionMessage(page) {
  const { connection, model, server } = page;
  if (connection === "lost") return "The connection was lost; trying again. Your take is kept.";
  if (connection === "open" && model.state !== "ready") return model.message;
  return describeLine(page, server.state);
}
