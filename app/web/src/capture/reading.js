// How a file is to be read: whom of a video to follow; a motion file's skeleton, rate and animation.

export class Reading {
  // `follow(choice)` when the file is to be read anew
  constructor(root, follow) {
    this.root = root;
    const field = (name) => root.querySelector(`[name=${name}]`);
    this.person = field("person");
    this.map = field("joint_map");
    this.rate = field("rate");
    this.clip = field("clip");
    this.own = this.map.querySelector("[value=own]");
    this.joints = null; // which nodes are our joints, as the visitor says
    this.people = 1;
    this.map.addEventListener("change", () => (this.joints = null));
    for (const choice of this.inputs) {
      choice.addEventListener("change", () => choice.reportValidity() && follow(this.choice));
    }
  }

  get inputs() {
    return [this.person, this.map, this.rate, this.clip];
  }

  get choice() {
    return {
      person: Number(this.person.value) || null,
      joint_map: this.joints ? "" : this.map.value,
      joints: this.joints,
      rate: Number(this.rate.value) || null,
      clip: Number(this.clip.value) || null,
    };
  }

  // A new file: nothing is chosen yet.
  choose({ kind }, joints = null) {
    this.kind = kind;
    this.people = 1;
    for (const choice of this.inputs) choice.value = "";
    for (const select of [this.person, this.clip]) select.replaceChildren();
    this.rate.placeholder = "";
    this.say(joints);
  }

  // The visitor says which nodes are our joints.
  say(joints) {
    this.joints = joints;
    this.own.hidden = !joints;
    this.map.value = joints ? "own" : "";
  }

  // What the server used.
  learn({ kind, people, person, joint_map, rate, rate_asked, clips, clip, skeleton }) {
    this.kind = kind;
    this.people = people;
    const numbers = Array.from({ length: people }, (_, i) => new Option(`${i + 1}. from the left`, i + 1));
    this.person.replaceChildren(new Option("the largest", ""), ...numbers);
    this.person.value = person ?? "";
    this.say(skeleton?.how === "map" && !joint_map ? skeleton.joints : null);
    if (!this.joints) this.map.value = joint_map;
    this.rate.value = rate_asked ? rate : "";
    this.rate.placeholder = rate ? Number(rate.toFixed(2)) : "";
    this.clip.replaceChildren(...clips.map((name, i) => new Option(`${i + 1}. ${name || "without a name"}`, i + 1)));
    this.clip.value = clip;
  }

  refresh(page) {
    const only = (name, on) => (this.root.querySelector(`[data-only=${name}]`).hidden = !on);
    only("people", this.people > 1);
    only("motion", this.kind === "motion");
    only("clips", this.kind === "motion" && this.clip.options.length > 1);
    only("video", this.kind !== "motion");
    for (const input of this.inputs) input.disabled = page.busy || page.intake.sending;
  }
}
