// The card of a visitor's own character: chosen or dropped, shown beside ours, sent home with a take.

import { download, tellNote } from "../exports/exporter.js";
import { ask, request } from "../live/ask.js";
import { takeFiles } from "../live/files.js";
import { describeBones } from "./bones.js";
import { Character } from "./character.js";
import { readCharacter } from "./reading.js";

const BESIDE = 0.9; // m between ours and theirs
const ONLY = "For FBX and GLB the file is sent to the server for this export only, and deleted at once.";
const COPIES = ["glb", "fbx"]; // what holds the character itself

export class CharacterPanel {
  // Files dropped onto `area` are characters; exports are of the takes that the server keeps as `files`.
  constructor(page, files, area) {
    const { root, base, session, figure, stage } = page;
    Object.assign(this, { page, base, figure, stage });
    this.card = root.querySelector(".ls-character");
    this.home = `${base}dress/${files}/${session}`;
    this.brought = null; // { file, alone, gltf } with what the server said of it, as `told`
    this.lent = null; // that which came with what the gallery opened, until something without it is opened
    this.busy = null; // promise of what is being done
    const over = (on) => root.classList.toggle("ls-over", on);
    takeFiles({ root: area, input: this.find("[name=character]"), over, take: (brought) => this.take(brought) });
    this.card.addEventListener("click", ({ target }) => this.press(target.closest("button")?.dataset ?? {}));
    this.card.addEventListener("change", () => this.show());
  }

  press({ borrow, dress, do: action }) {
    if (borrow) this.borrow(borrow);
    if (dress) this.takeHome(dress);
    if (action === "undress") this.remove();
  }

  find(selector) {
    return this.card.querySelector(selector);
  }

  say(text, kind = "") {
    tellNote(this.find("[data-show=character]"), text, kind);
  }

  // Do something that may be refused with a sentence, one thing at a time.
  async attempt(words, act) {
    if (this.busy) return;
    let done;
    this.busy = new Promise((resolve) => (done = resolve));
    this.say(words, "busy");
    this.refresh();
    try {
      this.say(await act(), "done");
    } catch (error) {
      this.say(error.message, "error");
      this.page.view.flash(error.message); // the card may be far below
    } finally {
      this.busy = null;
      this.refresh();
      done();
    }
  }

  // One of our own characters.
  borrow(name) {
    return this.attempt("Fetching it \u2026", async () => {
      const reply = await request(`${this.base}characters/${name}`);
      return this.read([new File([await reply.blob()], name)]);
    });
  }

  // One of our own characters for what is opened now, "" for none: then one that was lent before goes, a visitor's stays.
  async lend(name) {
    const turn = (this.lending = Symbol(name)); // the last one counts
    while (this.busy) await this.busy;
    if (turn !== this.lending) return;
    const before = this.brought;
    if (name) {
      await this.borrow(name);
      if (this.brought !== before) this.lent = this.brought;
    } else if (before && before === this.lent) {
      this.remove();
    }
  }

  take(files) {
    return this.attempt("Reading it \u2026", () => this.read(files));
  }

  async read(files) {
    const brought = await readCharacter(files, this.base);
    const { name } = brought.file;
    let character;
    try {
      brought.bones = await describeBones(brought.gltf);
      brought.told = await ask(`${this.base}rig?name=${encodeURIComponent(name)}`, brought.bones);
      character = new Character(brought.gltf, brought.told);
    } catch (error) {
      throw new Error(error.message.startsWith(name) ? error.message : `${name}: ${error.message}`);
    }
    this.remove();
    this.brought = brought;
    this.figure.invite(character);
    this.stage.scene.add(character.group, character.markers);
    this.find("[data-shown=theirs]").checked = true;
    this.show();
    const { joints, notes } = brought.told;
    return [`${Object.keys(joints).length} joints found.`, ...notes].join(" ");
  }

  remove() {
    const { guest } = this.figure;
    if (!guest) return;
    this.stage.scene.remove(guest.group, guest.markers);
    this.figure.invite(null);
    guest.dispose();
    this.brought = null;
    this.say("");
    this.show();
  }

  // Show ours, theirs or both, with or without markers, as the card says.
  show() {
    const { guest } = this.figure;
    const shown = this.find("[data-shown]:checked").dataset.shown;
    this.figure.share(guest ? shown : "ours");
    if (guest) {
      guest.group.position.x = shown === "both" ? BESIDE : 0;
      guest.group.visible = shown !== "ours";
      guest.markers.visible = guest.group.visible && this.find("[name=markers]").checked;
      guest.mark();
    }
    this.describe();
    this.stage.dirty = true;
    this.page.steering?.refresh();
    this.refresh();
  }

  // Have the take written into their file; of BVH only their bones are needed.
  takeHome(format) {
    const { file, bones } = this.brought;
    return this.attempt(`Writing ${format.toUpperCase()} \u2026`, async () => {
      const wishes = JSON.stringify({ format, ...this.page.range.wishes });
      const query = new URLSearchParams({ name: file.name, wishes });
      const body = COPIES.includes(format) ? file : new Blob([bones]);
      const reply = await request(`${this.home}?${query}`, { method: "POST", body });
      const [, name] = reply.headers.get("content-disposition").match(/filename="(.+)"/);
      const address = URL.createObjectURL(await reply.blob());
      download(address, name);
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
      return `${name} is in your downloads.`;
    });
  }

  refresh() {
    const { brought, page } = this;
    for (const button of this.card.querySelectorAll("button, input[type=file]")) button.disabled = Boolean(this.busy);
    const away = page.own !== page.player || !page.own.take.length;
    for (const button of this.card.querySelectorAll("[data-dress]")) {
      button.disabled ||= away || (COPIES.includes(button.dataset.dress) && Boolean(lacking(brought)));
    }
  }

  describe() {
    const { brought } = this;
    for (const part of this.card.querySelectorAll("[data-with]")) part.hidden = (part.dataset.with === "character") !== Boolean(brought);
    if (!brought) return;
    this.find("[data-show=character-name]").textContent = brought.file.name;
    this.find("[data-show=credit]").textContent = brought.told.credit;
    this.find("[data-show=dress]").textContent = lacking(brought) || ONLY;
  }
}

// Why a character cannot go home as a copy; empty where it can.
function lacking(brought) {
  if (brought?.told.forbids) return `Its licence forbids changed copies (${brought.told.forbids}), so there is no FBX or GLB of it.`;
  return brought?.alone ? "" : "Bring it as one .glb for it to go home as FBX or GLB.";
}
