// What the page does with each message of the server, by tag.

export function handlers(page) {
  function worlds(message) {
    const known = JSON.stringify(page.offer.worlds) === JSON.stringify(message.worlds);
    page.offer = message;
    if (!known) {
      page.settings.offer(message.worlds);
      page.enter();
    }
    if (message.state === "ready") page.greet();
    page.refresh();
  }

  function dream(message) {
    if (message.world !== page.dream.world) page.meters.clear();
    else if (message.state !== page.dream.state) page.meters.rest();
    page.dream = message;
    if (message.world !== page.left) page.asked = false;
    // a page that was reloaded takes its world back up
    if (message.state !== "idle" && !page.settings.used) page.settings.resume(message);
    page.refresh();
  }

  function tally(message) {
    if (!message.script) page.meters.tally(message); // else it is the end of a recording
    page.recording.tally(message);
  }

  function problem({ message, about }) {
    page.stay();
    if (about === "picture") page.gallery.say(message, "error");
    else page.view.flash(message);
    page.refresh();
  }

  return { worlds, dream, tally, problem, frame: (message) => page.receive(message) };
}
