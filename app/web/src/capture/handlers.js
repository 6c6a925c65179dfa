// What the page of videos does with each message of the server, by tag.

import { Take } from "../live/take.js";

export function handlers(page) {
  const { mine, view } = page;
  let arriving = false; // the poses of a new take are on their way

  function take({ take: number, first }) {
    if (number === mine.take.number) return;
    const { time, paused } = mine;
    mine.reset(new Take({ number, first, keepSeconds: page.model.keep_seconds }));
    mine.paused = paused && page.cameraFix.asking;
    arriving = { time: page.cameraFix.asking ? time : first };
    page.range.reset();
    page.refresh();
  }

  function reference(message) {
    page.reference = message;
    if (page.awaited) page.clip.keep();
    page.awaited = false;
    page.uploaded = { name: message.name, kind: message.kind };
    page.timeline.gaps = message.gaps;
    page.timeline.seam = message.poses;
    page.cameraFix.learn(message);
    page.reading.learn(message);
    page.skeleton.show(message.skeleton, message);
    view.found(message);
    if (!page.cameraFix.asking) {
      page.similar.clear();
      page.similar.find("");
    }
    page.refresh();
  }

  // Joints of a motion file were not found: its visitor can say which they are.
  function unmatched({ name, message, skeleton }) {
    page.uploaded = { name, kind: "motion" };
    page.skeleton.show(skeleton, { name, lacking: true });
    page.refresh();
    view.trouble(`${message} You can say so below, too.`);
  }

  function manner({ weight, matches }) {
    page.similar.list("manner", matches);
    view.used(weight);
  }

  function mark(message) {
    mine.take.mark({ ...message, text: message.text || page.reference?.name || "your file" });
    page.promptId = Math.max(page.promptId, message.id);
  }

  function state(message) {
    page.server = message;
    const going = message.state === "running" && message.work === "onward";
    if (mine.growing && !going && mine.reviewing) mine.live = Math.max(mine.take.end - 1, mine.live);
    mine.growing = going;
    if (message.state === "stopped" && message.reason) {
      page.awaited = false;
      page.clip.restore();
    }
    page.refresh();
    if (message.state === "stopped" && message.reason === "problem") fail(message);
  }

  function note({ id, text }) {
    if (!page.promptId || id === page.promptId) view.note(text);
  }

  // What went wrong is said where it was asked for.
  function fail({ work, message }) {
    if (work === "onward") view.hint(message, true);
    else view.trouble(message);
  }

  function problem({ message, about }) {
    if (about === "prompt") view.hint(message, true);
    else view.flash(message);
    if (page.server.heard === false) { // it will not be done
      page.server = { ...page.server, state: "stopped", reason: "", heard: true };
      page.awaited = false;
      page.clip.restore();
    }
    page.refresh();
  }

  function poses(message) {
    mine.take.append(message);
    if (arriving && page.reference && mine.take.end >= Math.min(page.reference.poses, 40)) {
      page.showAll(mine, arriving.time);
      if (mine.take.end >= page.reference.poses) arriving = null;
    } else if (!mine.growing) {
      mine.live = Math.max(mine.live, mine.take.end - 1);
    }
    page.refresh();
  }

  return { take, reference, unmatched, manner, mark, note, state, problem, poses };
}
