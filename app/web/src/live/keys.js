// Keyboard: only while the stage or the timeline has the focus, never while typing.

import { FPS } from "./bounds.js";

export function bindKeys(page, actions) {
  const stage = page.root.querySelector(".ls-stage");
  const timeline = page.root.querySelector(".ls-timeline");
  const step = (poses) => () => page.seek(page.player.time + poses);
  const turn = (yaw, pitch) => () => page.stage?.orbit(yaw, pitch);
  const ends = {
    Home: () => page.seek(page.player.take.first),
    End: () => page.goLive(),
    PageUp: step(-5 * FPS),
    PageDown: step(5 * FPS),
  };
  const onStage = {
    ...ends,
    Space: actions.play,
    KeyL: actions.live,
    KeyF: actions.full,
    KeyC: actions.follow,
    KeyR: actions.reset,
    ArrowLeft: step(-1),
    ArrowRight: step(1),
    "Shift+ArrowLeft": turn(-0.12, 0),
    "Shift+ArrowRight": turn(0.12, 0),
    "Shift+ArrowUp": turn(0, 0.1),
    "Shift+ArrowDown": turn(0, -0.1),
    Escape: () => stage.blur(),
  };
  const onTimeline = {
    ...ends,
    Space: actions.play,
    ArrowLeft: step(-1),
    ArrowDown: step(-1),
    ArrowRight: step(1),
    ArrowUp: step(1),
    "Shift+ArrowLeft": step(-FPS),
    "Shift+ArrowRight": step(FPS),
  };
  bind(stage, onStage);
  bind(timeline, onTimeline);
  if (!page.stage) return;
  // the wheel belongs to the page until the stage is in use
  stage.addEventListener("focus", () => (page.stage.controls.enableZoom = true));
  stage.addEventListener("blur", () => (page.stage.controls.enableZoom = false));
}

function bind(element, keys) {
  element.addEventListener("keydown", (event) => {
    if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = keys[(event.shiftKey ? "Shift+" : "") + event.code];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
