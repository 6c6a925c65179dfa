// Everything on the motion page that is text or a button's state.

import { BodyView, describeTrouble } from "../live/body_view.js";
import { FPS } from "../live/bounds.js";

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

export class View extends BodyView {
  constructor(root) {
    super(root, EXAMPLES);
  }

  refresh(page) {
    const { player, server } = page;
    const has = player.take.length > 0;
    this.root.dataset.connection = page.connection;
    this.root.dataset.state = server.state;
    const go = this.find("[data-do=go]");
    go.textContent = page.busy ? "Change prompt" : page.canContinue ? "Continue" : "Generate";
    go.hidden = server.state === "waiting"; // Enter still changes what is waited for
    go.disabled = page.model.state === "failed";
    this.find("[data-do=stop]").disabled = !page.busy;
    this.set("[data-do=stop]", server.state === "waiting" ? "Leave the line" : "Stop");
    const restart = this.find("[data-do=restart]");
    restart.disabled = !has && !page.busy;
    this.find("[data-do=save]").disabled = !has;
    restart.classList.toggle("ls-call", !restart.disabled && page.controls.pending.length > 0);
    this.playButton(page);
    const live = this.find("[data-do=live]");
    live.disabled = !has || (!player.reviewing && !player.paused);
    live.dataset.on = String(has && player.growing && page.connection === "open" && !player.reviewing && !player.paused);
    this.find(".ls-empty").hidden = has || page.busy;
    page.character?.refresh();
    if (!page.exporter?.busy) {
      this.offerFiles(page, has);
      const note = this.find(".ls-export-note");
      if (has && !note.dataset.kind) note.textContent = "The last ten minutes of a take are kept.";
    }
  }

  tick(page, now) {
    const mark = this.moving(page, now, describe(page));
    if (!this.due(now)) return;
    this.refresh(page);
    this.readout(page);
    this.slider(page, mark);
  }

  readout({ stats, player, steering }) {
    const number = (value, digits = 0) => (value === null ? "\u2013" : value.toFixed(digits));
    this.set("[data-show=rate]", number(stats.posesPerSecond));
    this.set("[data-show=latency]", number(stats.arrival));
    this.set("[data-show=sight]", stats.sight === null ? "" : `\u00b7 seen after ${number(stats.sight)}`);
    this.set("[data-show=slide]", number(stats.footSlide, 1));
    const keys = steering?.latency.figures;
    if (keys) {
      this.find("[data-only=drive]").hidden = false;
      this.set("[data-show=steering]", number(keys.mean));
      this.set("[data-show=slowest]", `\u00b7 95 % within ${number(keys.p95)}`);
    }
    this.set("[data-show=buffer]", player.take.length ? number((1000 * player.buffered) / FPS) : "\u2013");
  }
}

function describe(page) {
  const { server, player, busy } = page;
  const troubled = describeTrouble(page);
  if (troubled) return troubled;
  if (player.remaking) return { text: `Made again: ${Math.floor((100 * player.take.end) / player.known)} %`, kind: "wait" };
  if (player.reviewing) return { text: player.paused ? "Replay, paused" : "Replay", kind: "review" };
  if (player.paused) return { text: "Paused", kind: "review" };
  if (busy && (!player.take.length || player.stalled)) return { text: player.take.length ? "Buffering" : "Starting", kind: "wait" };
  if (server.state === "running") return { text: "Live", kind: "live" };
  return { text: server.state === "stopped" ? "Stopped" : "Ready", kind: "rest" };
}
