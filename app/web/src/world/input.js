// What the visitor does to the page with pointer, keys and windows, besides steering.

import { copyWorld } from "./links.js";

export function listen(page) {
  const { root, view, steering } = page;
  const { stage } = steering;
  page.actions = {
    play: () => page.playPause(),
    on: () => {
      page.goOn();
      stage.focus();
    },
    single: () => page.single(),
    reset: () => page.begin(),
    record: () => page.record(),
    link: async () => view.flash(await copyWorld(page)),
    full: () => view.toggleFull(),
    crisp: () => {
      view.toggle("crisp", root.dataset.crisp !== "true");
      page.pictures.each((screen) => screen.sharpen(root.dataset.crisp === "true"));
    },
    pad: () => page.showPad(!page.padded),
  };
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && !button.disabled) page.actions[button.dataset.do]?.();
  });
  // the picture keeps the focus, and the keys stay held, while these are pressed by a pointer
  for (const area of root.querySelectorAll(".lw-transport, .ls-tools, .lw-veil")) {
    area.addEventListener("mousedown", (event) => event.preventDefault());
  }
  stage.addEventListener("click", () => page.dream.state !== "playing" && page.playPause());
  for (const name of ["focus", "blur"]) stage.addEventListener(name, () => page.refresh());
  document.addEventListener("visibilitychange", () => page.rest(document.hidden));
  // also hidden: behind another tab of the page, but not merely scrolled away
  new IntersectionObserver(() => page.rest(document.hidden || !stage.offsetParent)).observe(stage);
  page.showPad(view.coarse.matches);
}

// Begin, or go on after a stop, because somebody wants to steer; true when there was need.
export function wake(page) {
  const { state } = page.dream;
  const needed = state === "idle" || state === "stopped";
  if (needed) page.playPause();
  return needed;
}

// A key on the stage; true when it meant something besides steering.
export function command(page, code, steers) {
  if (code === "Escape") {
    page.steering.stage.blur();
    return true;
  }
  if (steers || code === "Enter" || code === "Space") {
    if (wake(page)) return true;
  }
  const { play, single, reset, full } = page.actions;
  const action = { KeyP: play, Enter: play, Period: single, KeyR: reset, KeyF: full }[code];
  if (steers || !action) return false;
  action();
  return true;
}
