// Save and open a project: the file is the server's, which makes its take again.

export class Projects {
  // `address` of this visitor's project; `reopened(project, how)`; `say(sentence)` where something is wrong
  constructor({ address, input, reopened, say }) {
    Object.assign(this, { address, input, reopened, say });
    input.addEventListener("change", () => {
      const [file] = input.files;
      input.value = ""; // so that the same file can be chosen again
      if (file) this.open(file);
    });
  }

  choose() {
    this.input.click();
  }

  async save(body) {
    const reply = await this.ask(`?body=${body}`);
    if (!reply) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await reply.blob());
    link.download = "motion.livestep.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  // `how` it is to be shown is the page's business.
  async open(file, how = {}) {
    const reply = await this.ask("", { method: "POST", body: file });
    if (reply) this.reopened(await reply.json(), how);
  }

  // What the server answers; null, and a sentence, where it refuses.
  async ask(query, how) {
    try {
      const reply = await fetch(this.address + query, how);
      if (reply.ok) return reply;
      this.say((await reply.json()).message);
    } catch {
      this.say("The server could not be reached; try again.");
    }
    return null;
  }
}
