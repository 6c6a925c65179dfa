// Everything on the page of videos that is text or a button's state.

import { BodyView, describeTrouble } from "../live/body_view.js";

const NEXT = [
  ["jumps", "and then jumps"],
  ["waves", "and then waves with the right hand"],
  ["turns left", "and then turns left"],
  ["walks on", "and then walks forward"],
  ["runs", "and then runs forward"],
  ["kicks", "and then kicks with the right leg"],
  ["dances", "and then dances"],
  ["sits down", "and then sits down"],
  ["walks backwards", "and then walks backwards"],
];

export class View extends BodyView {
  constructor(root) {
    super(root, NEXT);
  }

  // What the server found, as sentences.
  found({ notes, gaps }) {
    const lines = [...notes];
    if (gaps.length) lines.push("Hatched parts of the timeline are filled in.");
    this.find(".lf-notes").replaceChildren(
      ...lines.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
    );
    this.forget();
  }

  forget() {
    super.forget();
    this.set(".lf-trouble", "");
  }

  used(weight) {
    this.set("[data-show=used]", `Looked at, with weight ${weight.toFixed(2)}:`);
  }

  // What is wrong with a file, where it was dropped.
  trouble(text) {
    this.set(".lf-trouble", text);
    if (text && this.root.dataset.film !== "empty") this.flash(text);
  }

  refresh(page) {
    const { server, player, intake, camera, reference, clip } = page;
    const has = player.take.length > 0;
    const sending = intake.sending;
    const following = sending || (page.busy && server.work !== "onward");
    this.root.dataset.connection = page.connection;
    this.root.dataset.state = server.state;
    this.root.dataset.film = camera.on ? "camera" : following ? "busy" : reference && clip.shown ? "video" : reference ? "absent" : "empty";
    this.root.dataset.kind = (reference ?? page.uploaded)?.kind ?? "";
    this.root.dataset.preview = String(player !== page.mine);
    this.find("[data-do=back]").hidden = player === page.mine;
    this.playButton(page);
    this.progress(page, sending);
    this.buttons(page, following);
    page.cameraFix.refresh(page);
    page.reading.refresh(page);
    page.skeleton.refresh(page);
    page.character?.refresh();
    if (!page.exporter?.busy) {
      this.offerFiles(page, has && player === page.mine);
      const note = this.find(".ls-export-note");
      if (!note.dataset.kind) note.textContent = has ? "With what was added, and where it is from." : "Choose a file first.";
    }
  }

  progress({ server, intake }, sending) {
    const share = sending ? intake.share : server.share ?? 0;
    const words = sending ? `Sending the file \u2026 ${Math.round(100 * share)} %` : server.message || "Looking \u2026";
    const waiting = server.state === "waiting" && !sending;
    this.set("[data-show=doing]", words);
    const bar = this.find(".lf-bar");
    bar.dataset.kind = waiting || (!sending && !share) ? "unknown" : "";
    bar.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    bar.style.setProperty("--share", `${100 * share}%`);
  }

  buttons(page, following) {
    const { reference, camera, uploaded } = page;
    const failed = page.server.work === "follow" && page.server.reason === "problem";
    this.find("[data-do=onward]").disabled = !page.ready;
    this.find(".ls-prompt [data-do=cancel]").disabled = !page.busy || following;
    this.find("[data-do=redo]").disabled = !page.ready || !page.added;
    for (const input of this.root.querySelectorAll("[name=similar], [data-do=search]")) input.disabled = !reference;
    for (const button of this.root.querySelectorAll("[data-do=camera]")) {
      const aside = Boolean(button.closest(".ls-side"));
      button.hidden = button.dataset.able !== "true" || (aside && !reference);
      button.disabled = page.busy || camera.on;
    }
    this.find("[data-do=shoot]").textContent = camera.recording ? "Done" : camera.counting ? "Wait" : "Record";
    this.find("[data-do=another]").hidden = !reference;
    this.find("[data-do=another]").disabled = page.busy;
    this.find("[data-do=again]").hidden = !uploaded || page.busy || (Boolean(reference) && !failed);
    if (uploaded) this.set("[data-show=file]", failed ? `${uploaded.name} \u2013 not used` : uploaded.name);
    this.find(".lf-used").hidden = !page.added || !this.find("[data-list=manner]").children.length;
  }

  tick(page, now) {
    const mark = this.moving(page, now, describe(page));
    const absent = page.reference && !page.clip.shown && page.uploaded?.kind === "video";
    if (absent) this.set(".lf-absent", "The video itself has stayed on your device; choose it again to see it here.");
    if (!this.due(now)) return;
    this.refresh(page);
    this.slider(page, mark);
  }
}

function describe(page) {
  const troubled = describeTrouble(page);
  if (troubled) return troubled;
  const { player, server, busy } = page;
  if (player !== page.mine) return { text: "Real motion", kind: "review" };
  if (page.intake.sending) return { text: "Sending", kind: "wait" };
  if (busy && server.work === "follow") return { text: "Following", kind: "wait" };
  if (busy) return { text: "Going on", kind: "live" };
  if (!player.take.length) return { text: "Ready", kind: "rest" };
  return player.paused ? { text: "Paused", kind: "review" } : { text: "Playing", kind: "rest" };
}
