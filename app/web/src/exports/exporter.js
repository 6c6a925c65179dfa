// Exports: ask the server to write a file, wait for it, hand it to the browser.

import { ask, request } from "../live/ask.js";
import { shareButton } from "./share.js";

const DRAWN = ["mp4", "webp"];
const POLL_MS = 350;

export class Exporter {
  // `address` is where files of this session are asked for; `say(text, kind, more)` shows how it is going
  constructor({ address, say }) {
    Object.assign(this, { address, say });
    this.busy = false;
    this.cancel = Object.assign(document.createElement("button"), { type: "button", className: "ls-link", textContent: "Cancel" });
    this.cancel.addEventListener("click", () => (this.cancel.disabled = true));
  }

  async run(wishes) {
    if (this.busy) return;
    this.busy = true;
    this.cancel.disabled = false;
    try {
      this.say("Asking for the file ...", "busy");
      const { address } = this;
      let job = await ask(address, JSON.stringify(wishes));
      let began = performance.now();
      while (job.state === "queued" || job.state === "running") {
        if (job.state === "queued") began = performance.now();
        this.say(progress(job, wishes.format, (performance.now() - began) / 1000), "busy", this.cancel);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        const mine = `${address}/${job.job}`;
        if (this.cancel.disabled) {
          await request(mine, { method: "DELETE" });
          return this.say("Canceled; nothing was written.", "done");
        }
        job = await ask(mine);
      }
      if (job.state === "failed") throw new Error(job.message);
      const file = `${address}/${job.job}/file`;
      const share = await shareButton(file, job.file);
      if (!share) download(file, job.file);
      const more = document.createElement("span");
      const link = Object.assign(document.createElement("a"), { href: file, download: job.file, textContent: share ? "Download" : "Again" });
      more.append(...(share ? [share, " "] : []), link);
      const bytes = size(job.bytes);
      const told = share ? `${job.file}, ${bytes}, is ready.` : `${job.file}, ${bytes}, is in your downloads.`;
      this.say(`${told} ${job.note}`.trim(), "done", more);
    } catch (error) {
      this.say(error.message, "error");
    } finally {
      this.busy = false;
    }
  }
}

// Say how an export is going; `more` is a link or a button after it, which stays in place while it can be pressed.
export function tellNote(note, text, kind, more) {
  note.dataset.kind = kind;
  note.ariaBusy = String(kind === "busy"); // screen readers tell how it ended, not every percent
  if (!more || note.lastChild !== more) note.replaceChildren("", ...(more ? [" ", more] : []));
  note.firstChild.data = text;
}

function progress({ state, ahead, share }, format, seconds) {
  if (state === "queued" && ahead) return `Waiting for ${ahead} other export${ahead > 1 ? "s" : ""} ...`;
  const what = DRAWN.includes(format) ? "Drawing the film" : `Writing the ${format.toUpperCase()} file`;
  if (share) return `${what}: ${Math.floor(100 * share)} %, ${duration((seconds * (1 - share)) / share)} to go`;
  return seconds < 1 ? `${what} ...` : `${what} ... ${Math.floor(seconds)} s`;
}

function duration(seconds) {
  return seconds < 90 ? `about ${Math.ceil(seconds)} s` : `about ${Math.round(seconds / 60)} min`;
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
