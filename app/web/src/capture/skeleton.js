// A motion file's skeleton: which of its nodes are our joints, put right by the visitor, kept as a map.

import { download } from "../exports/exporter.js";
import { JOINT_NAMES, NEEDED_JOINTS } from "../live/bounds.js";
import { Bones } from "./bones.js";
import { otherSide, partOf, sideOf, toMap, written } from "./joint_map.js";

const SIDES = ["left", "middle", "right"];
const HOW = {
  names: "Found by their names.",
  tree: "Found by the shape of the skeleton; names alone do not say it.",
  map: "As you say.",
};

export class Skeleton {
  // `follow(joints)` when the file is to be read with these nodes as our joints
  constructor(root, follow) {
    Object.assign(this, { root, follow });
    const find = (selector) => root.querySelector(selector);
    this.card = find(".lf-skeleton");
    this.button = find("[data-do=match]");
    this.shown = null;
    this.bones = new Bones(find(".lf-bones"), {
      pick: (node) => this.pick(node),
      meet: (node) => this.meet(node),
      name: (joint) => this.choose(joint, true),
    });
    this.selects = Object.fromEntries(JOINT_NAMES.map((joint) => [joint, this.makeSelect(joint)]));
    find(".lf-joints").replaceChildren(...SIDES.map((side) => this.makeColumn(side)));
  }

  makeColumn(side) {
    const column = document.createElement("fieldset");
    const title = Object.assign(document.createElement("legend"), { textContent: side });
    column.dataset.side = side;
    const rows = JOINT_NAMES.filter((joint) => sideOf(joint) === side).map((joint) => {
      const row = Object.assign(document.createElement("label"), { className: "lf-joint" });
      const text = Object.assign(document.createElement("span"), { textContent: partOf(joint) });
      row.append(text, this.selects[joint]);
      return row;
    });
    column.append(title, ...rows);
    return column;
  }

  makeSelect(joint) {
    const select = document.createElement("select");
    select.dataset.joint = joint;
    select.setAttribute("aria-label", written(joint));
    select.addEventListener("focus", () => this.choose(joint));
    select.addEventListener("change", () => this.assign(joint, select.value === "" ? null : Number(select.value)));
    return select;
  }

  // ---- what the server says

  // Show a skeleton of the file `name`; `lacking` where its joints were not found. null for none.
  show(skeleton, { name = "", lacking = false } = {}) {
    this.shown = skeleton;
    this.card.hidden = !skeleton;
    if (!skeleton) return;
    this.name = name;
    this.lacking = lacking;
    this.joints = { ...skeleton.joints };
    this.changed = false;
    this.say("moved", "");
    this.chosen = lacking ? this.missing[0] : null;
    const titles = titlesOf(skeleton.names);
    for (const [joint, select] of Object.entries(this.selects)) {
      const none = NEEDED_JOINTS.includes(joint) ? "choose" : "not in this file";
      select.replaceChildren(new Option(none, ""), ...titles.map((title, i) => new Option(title, i)));
    }
    this.titles = titles;
    this.bones.show(skeleton);
    if (lacking) this.card.open = true;
    this.tell();
  }

  get missing() {
    return NEEDED_JOINTS.filter((joint) => this.joints[joint] === undefined);
  }

  // ---- what the visitor says

  choose(joint, focus = false) {
    this.chosen = joint;
    this.tell();
    if (focus) this.selects[joint].focus({ preventScroll: true });
  }

  // A node was clicked: it is the chosen joint, or says which joint it is.
  pick(node) {
    if (node < 0) return this.choose(null);
    const joint = JOINT_NAMES.find((name) => this.joints[name] === node);
    if (this.chosen && this.chosen !== joint) this.assign(this.chosen, node);
    else if (joint) this.choose(joint, true);
    else this.meet(node, "choose in the list which joint it is, then click it again");
  }

  // Take a node for a joint; the joint that had it gets the other's.
  assign(joint, node) {
    const { [joint]: before, ...others } = this.joints;
    const other = JOINT_NAMES.find((name) => others[name] === node);
    if (other && before === undefined) delete others[other];
    else if (other) others[other] = before;
    this.joints = node === null ? others : { ...others, [joint]: node };
    const rest = this.titles[others[other]];
    this.say("moved", other ? `The ${written(other)} has ${rest ?? "no bone"} now: its bone is the ${written(joint)}'s.` : "");
    this.changed = true;
    const [next] = this.missing;
    if (node !== null && next && this.lacking) this.chosen = next;
    this.tell();
  }

  exchange() {
    this.joints = Object.fromEntries(Object.entries(this.joints).map(([joint, node]) => [otherSide(joint), node]));
    this.changed = true;
    this.say("moved", "");
    this.tell();
  }

  apply() {
    this.follow(this.joints);
  }

  save() {
    const stem = this.name.replace(/\.[^.]*$/, "");
    const about = `Joints of ${this.name}, for Livestep.`;
    const text = JSON.stringify(toMap(this.shown, this.joints, about), null, 2);
    const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    download(address, `${stem || "skeleton"}-joints.json`);
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  // ---- what is shown

  tell() {
    if (!this.shown) return;
    const { missing, joints } = this;
    for (const [joint, select] of Object.entries(this.selects)) {
      select.value = joints[joint] ?? "";
      select.parentNode.dataset.on = String(joint === this.chosen);
      select.setAttribute("aria-invalid", String(missing.includes(joint)));
    }
    this.bones.tell(joints, this.chosen);
    const found = Object.keys(joints).length;
    this.say("skeleton", `${this.titles.length} bones, ${found} of our ${JOINT_NAMES.length} joints`);
    const lacking = missing.length ? `Still to be said: ${missing.map(written).join(", ")}.` : "";
    const how = this.changed ? "As you say; follow with these joints to see it." : (HOW[this.shown.how] ?? "");
    this.say("how", lacking || how);
    this.meet(-1);
    this.refresh();
  }

  // A node is pointed at, or else the chosen joint is told.
  meet(node, more = "") {
    const joint = node < 0 ? this.chosen : JOINT_NAMES.find((name) => this.joints[name] === node);
    const title = this.titles[node < 0 ? this.joints[joint] : node];
    const words = [title, joint && written(joint), more].filter(Boolean).join(" \u2013 ");
    const ask = node < 0 && joint && !title ? `: click where it is in the picture` : "";
    this.say("bone", words + ask);
  }

  say(name, text) {
    this.root.querySelector(`[data-show=${name}]`).textContent = text;
  }

  refresh(page = this.page) {
    this.page = page;
    if (!this.shown || !page) return;
    this.button.disabled = !this.changed || this.missing.length > 0 || page.busy || page.intake.sending;
  }
}

// What nodes are called in the list: without what all begin with, by their numbers where that is not one's alone.
function titlesOf(names) {
  const bare = names.map((name) => name.replace(/^(EndSite)?.*[:|]/, "$1"));
  const named = bare.filter((name) => name && !name.startsWith("EndSite")).sort();
  const [first = "", last = ""] = [named[0], named.at(-1)];
  let shared = 0;
  while (shared < first.length && first[shared] === last[shared]) shared++;
  const cut = first.slice(0, shared).lastIndexOf("_") + 1;
  const titles = bare.map((name) => (cut && name.startsWith(first.slice(0, cut)) ? name.slice(cut) : name));
  const count = {};
  for (const title of titles) count[title] = (count[title] ?? 0) + 1;
  return titles.map((title, i) => (!title ? `bone ${i}` : count[title] > 1 ? `${title} (${i})` : title));
}
