// What the page does with each message of the server, by tag.

import { Take } from "../live/take.js";

export function handlers(page) {
  const { stats } = page;
  let resuming = false; // poses come that were made before this page was loaded

  function take({ take: number, first }) {
    if (number === page.player.take.number) return;
    resuming = !page.asking;
    page.player.reset(new Take({ number, first, keepSeconds: page.model.keep_seconds }));
    page.player.growing = page.server.state === "running";
    stats.clear();
    page.range.reset();
    page.steering?.reset();
    page.refresh();
  }

  function mark(message) {
    page.player.take.mark(message);
    if (resuming) {
      page.promptId = Math.max(page.promptId, message.id); // a project's prompts are known ahead
      page.view.prompt ||= message.text;
    }
  }

  function state(message) {
    if (page.server.state === "waiting" && message.state === "running") stats.admit(performance.now());
    page.server = message;
    page.player.growing = message.state === "running";
    if (message.state !== "waiting") page.asking = false;
    if (message.reason === "away" && !document.hidden) page.comeBack();
    page.refresh();
  }

  function note({ id, text }) {
    if (!page.promptId || id === page.promptId) page.view.note(text);
  }

  function problem({ message, about }) {
    if (about === "prompt") page.view.hint(message, true);
    else page.view.flash(message);
  }

  function poses(message) {
    page.player.take.append(message);
    if (resuming) {
      if (!page.player.known) page.player.catchUp();
      resuming = message.count > 50; // the last part of what is sent again is short
    }
    const width = 4 * message.joints;
    stats.arrive(message, performance.now(), (i) => {
      const root = message.root.subarray(3 * i, 3 * i + 3);
      return page.figure?.toes(root, message.rotations.subarray(width * i, width * (i + 1)));
    });
    page.refresh();
  }

  const met = (message) => page.steering?.learn(message);

  return { take, mark, note, state, problem, poses, met };
}
