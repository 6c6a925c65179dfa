// Pictures to begin from: the world's own, and one of the visitor's.

import { say } from "../languages.js";
import { ask } from "../live/ask.js";
import { MOST_PICTURE } from "../live/bounds.js";
import { UPLOADED } from "../live/constants.js";
import { takeFiles } from "../live/files.js";

export class Gallery {
  // `choose(start, byMouse)` when a picture was picked
  constructor(root, { base, session, choose }) {
    Object.assign(this, { root, base, session, choose });
    this.list = root.querySelector(".lw-gallery");
    this.input = root.querySelector("[name=lw-picture]");
    this.start = 0;
    this.picture = null; // address of the uploaded picture, for this page only
    this.list.addEventListener("click", (event) => {
      const tile = event.target.closest("button");
      if (!tile) return;
      this.select(Number(tile.dataset.start));
      this.choose(this.start, event.detail > 0);
    });
    const area = root.querySelector(".lw-begin");
    takeFiles({
      root,
      input: this.input,
      over: (on) => area.classList.toggle("lw-drop", on),
      take: ([file]) => this.upload(file),
    });
  }

  offer({ name, seeds, width, height }) {
    this.world = name;
    this.seeds = seeds;
    this.input.disabled = false;
    this.root.style.setProperty("--lw-shape", `${width} / ${height}`);
    if (this.start >= seeds.length) this.start = 0;
    this.build();
  }

  build() {
    const tiles = this.seeds.map((title, i) => makeTile(this.address(i), title, i));
    if (this.picture) tiles.push(makeTile(this.picture, "Your picture", UPLOADED));
    const upload = this.root.querySelector(".lw-upload");
    this.list.replaceChildren(...tiles, upload);
    upload.querySelector(".lw-name").textContent = this.picture ? "Another picture" : "Your picture";
    this.select(this.start);
  }

  address(start) {
    return start === UPLOADED ? this.picture : `${this.base}seed/${this.world}/${start}.png`;
  }

  select(start) {
    this.start = start;
    for (const tile of this.list.querySelectorAll("button")) {
      tile.setAttribute("aria-pressed", String(Number(tile.dataset.start) === start));
    }
  }

  async upload(file) {
    this.say("Sending the picture ...", "busy");
    try {
      await this.send(file);
    } catch (error) {
      return this.say(error.message, "error");
    }
    this.say("", "done");
    this.start = UPLOADED;
    this.build();
    this.list.querySelector("[aria-pressed=true]").scrollIntoView({ block: "nearest", inline: "nearest" });
    this.choose(UPLOADED, true);
  }

  // Give the server a picture that the next world may begin from; throws a sentence.
  async send(file) {
    if (!file) throw new Error("This log begins from a picture that it does not carry.");
    if (!file.type.startsWith("image/")) throw new Error(`${file.name} is not a picture.`);
    if (file.size > MOST_PICTURE) {
      throw new Error(`The picture is larger than ${MOST_PICTURE / 2 ** 20} MB; choose a smaller one.`);
    }
    await ask(`${this.base}start/${this.session}`, file);
    if (this.picture) URL.revokeObjectURL(this.picture);
    this.picture = URL.createObjectURL(file);
  }

  say(text, kind) {
    const note = this.root.querySelector(".lw-begin-note");
    note.textContent = text;
    note.dataset.kind = kind;
  }
}

// "In the north-east, looking south" has no room below a tile: "NE, facing S".
const WINDS = ["north (N)", "north-east (NE)", "east (E)", "south-east (SE)", "south (S)", "south-west (SW)", "west (W)", "north-west (NW)"];
const LOOKING = /^In the (\S+), looking (\S+)$/;

function shorten(title) {
  const [from, to] = title.match(LOOKING)?.slice(1).map(letters) ?? [];
  return from && to ? `${from}, facing ${to}` : title;
}

// A wind's letters in the visitor's language; alone they would be words to translate everywhere, also on keys.
function letters(wind) {
  const named = WINDS.find((one) => one.startsWith(`${wind} (`));
  return named && say(named).match(/\((.+)\)/)[1];
}

function makeTile(address, title, start) {
  const tile = document.createElement("button");
  Object.assign(tile, { type: "button", className: "lw-tile", title: `Begin here: ${title}` });
  tile.dataset.start = start;
  const picture = document.createElement("img");
  Object.assign(picture, { className: "lw-thumb", src: address, alt: "", draggable: false });
  const name = document.createElement("span");
  Object.assign(name, { className: "lw-name", textContent: shorten(title) });
  tile.append(picture, name);
  return tile;
}
