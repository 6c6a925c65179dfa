// Recording: video and action log of what was played, and playing such a log once more.

import { Exporter, tellNote } from "../exports/exporter.js";

const SCALES = [1, 2, 3, 4, 6];
const WIDE = 512; // what a film is at least, if nobody says otherwise
const MOST_LOG_BYTES = 2 ** 25;
const FIELDS = ["checkpoint", "seed", "start", "steps", "context_noise", "ahead", "together", "script", "changes"];

export class WorldRecording {
  // files of this session are asked for at `address`; `await replay(log)` when a log was chosen
  constructor(root, { address, replay }) {
    Object.assign(this, { root, replay });
    this.on = false;
    this.pressed = -Infinity; // when the button was
    this.frames = 0; // in the recording
    this.script = ""; // the world's keys up to its end
    this.note = root.querySelector(".lw-film-note");
    this.scale = root.querySelector("[name=scale]");
    this.buttons = [...root.querySelectorAll("[data-film]")];
    this.exporter = new Exporter({ address, say: (...words) => this.say(...words) });
    for (const button of this.buttons) {
      button.addEventListener("click", () => {
        this.exporter.run({ format: button.dataset.film, scale: Number(this.scale.value) }).then(() => this.refresh());
        this.refresh();
      });
    }
    const input = root.querySelector("[name=lw-log]");
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (file) await this.read(file);
      input.value = "";
    });
  }

  offer({ width, height }) {
    const chosen = this.scale.value || SCALES.find((times) => width * times >= WIDE);
    this.scale.replaceChildren(
      ...SCALES.map((times) => new Option(`${width * times} \u00d7 ${height * times}`, times)),
    );
    this.scale.value = chosen;
  }

  record(on, now) {
    this.on = on;
    this.pressed = now;
    if (on) this.frames = 0;
    this.say(on ? "Recording ..." : "", "");
    this.refresh();
  }

  // The server's word counts, once it can have heard ours.
  see(recorded, now) {
    if (recorded === this.on || now - this.pressed < 1500) return;
    this.on = recorded;
    this.refresh();
  }

  tally({ recorded, script }) {
    this.frames = recorded;
    const code = this.root.querySelector("[data-show=script]");
    if (script) this.script = code.textContent = script;
    code.hidden = !code.textContent || this.on || !recorded;
    this.refresh();
  }

  refresh() {
    const ready = this.frames > 0 && !this.on && !this.exporter.busy;
    for (const button of this.buttons) button.disabled = !ready;
    const untold = !this.note.textContent || this.note.dataset.kind === undefined;
    if (ready && untold) this.say("Ready to download.", "");
  }

  say(text, kind, more) {
    tellNote(this.note, text, kind, more);
  }

  async read(file) {
    try {
      await this.replay(readLog(file.size > MOST_LOG_BYTES ? "" : await file.text()));
      this.say(`Replaying ${file.name}.`, "");
    } catch (error) {
      this.say(error.message, "error");
    }
  }
}

// The text of an action log -> what begins that world again; throws a sentence.
export function readLog(text) {
  let log;
  try {
    log = JSON.parse(text);
  } catch {
    log = null;
  }
  const fits = typeof log?.script === "string" && log.script && Number.isInteger(log.seed) && Number.isInteger(log.start);
  if (!fits) throw new Error("This file is not an action log of this page.");
  // what the log leaves out is the model's business
  const picture = log.picture ? readPicture(log.picture) : null;
  return { picture, ...Object.fromEntries(FIELDS.filter((name) => log[name] != null).map((name) => [name, log[name]])) };
}

// The picture a log carries, as base64 of a PNG.
function readPicture(text) {
  try {
    return new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type: "image/png" });
  } catch {
    throw new Error("The picture in this log cannot be read.");
  }
}

// Frames of a key script such as "W:40,WD:20".
export function framesOf(script) {
  return script.split(",").reduce((sum, part) => sum + Number(part.split(":")[1] ?? 0), 0);
}
