// Exports: ask the server to write a file, wait for it, hand it to the browser.

import { ask } from "../live/ask.js";

const POLL_MS = 350;

export class Exporter {
  // `address` is where files of this session are asked for; `say(text, kind, link)` shows how it is going
  constructor({ address, say }) {
    Object.assign(this, { address, say });
    this.busy = false;
  }

  async run(wishes) {
    if (this.busy) return;
    this.busy = true;
    try {
      this.say("Asking for the file ...", "busy");
      const { address } = this;
      let job = await ask(address, JSON.stringify(wishes));
      const began = performance.now();
      while (job.state === "queued" || job.state === "running") {
        this.say(progress(job, wishes.format, performance.now() - began), "busy");
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        job = await ask(`${address}/${job.job}`);
      }
      if (job.state === "failed") throw new Error(job.message);
      const file = `${address}/${job.job}/file`;
      download(file, job.file);
      this.say(`${job.file}, ${size(job.bytes)}, is in your downloads. ${job.note}`.trim(), "done", { file, name: job.file });
    } catch (error) {
      this.say(error.message, "error");
    } finally {
      this.busy = false;
    }
  }
}

// Say how an export is going; `link` brings a file that is there once more.
export function tellNote(note, text, kind, link) {
  note.textContent = text;
  note.dataset.kind = kind;
  if (!link) return;
  const again = document.createElement("a");
  Object.assign(again, { href: link.file, download: link.name, textContent: "Again" });
  note.append(" ", again);
}

function progress(job, format, elapsed) {
  if (job.state === "queued" && job.ahead) {
    return `Waiting for ${job.ahead} other export${job.ahead > 1 ? "s" : ""} ...`;
  }
  const seconds = Math.floor(elapsed / 1000);
  const what = format === "mp4" ? "Drawing the video" : `Writing the ${format.toUpperCase()} file`;
  return seconds ? `${what} ... ${seconds} s` : `${what} ...`;
}

export function download(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.max(Math.round(bytes / 1e3), 1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
