// The parts of a world page that the visitor touches, and what each of them tells the page.

import { command, wake } from "./input.js";
import { Caps } from "./caps.js";
import { Film } from "./recording.js";
import { Gallery } from "./gallery.js";
import { Pad } from "./pad.js";
import { Settings } from "./settings.js";
import { Steering } from "./steering.js";
import { Strip } from "./strip.js";

export function furnish(page, base) {
  const { root, session } = page;
  const steering = new Steering(root.querySelector(".lw-stage"), {
    change: (keys) => page.steer(keys),
    command: (code, steers) => command(page, code, steers),
  });
  const pad = new Pad(root.querySelector(".lw-pad"), (mask, at) => {
    if (mask && !steering.pad) wake(page);
    steering.press(mask, at);
  });
  steering.letGo = () => pad.letGo();
  const settings = new Settings(root, {
    choose: () => page.enter(),
    tune: (fields) => page.tune(fields),
    change: () => page.refresh(),
  });
  const gallery = new Gallery(root, {
    base,
    session,
    choose: (start, byMouse) => {
      page.begin();
      if (byMouse) steering.stage.focus();
    },
  });
  const film = new Film(root, {
    address: `${base}film/${session}`,
    replay: (log) => page.replay(log),
  });
  const strip = new Strip(root, {
    address: `${base}strip/${session}.jpg`,
    live: () => page.dream.state === "playing" && page.meters.frames > 0,
  });
  Object.assign(page, { steering, pad, settings, gallery, film, strip, caps: new Caps(root) });
}
