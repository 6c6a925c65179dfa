// Links to a world: its settings, where it begins, and the keys that were played.

import { UPLOADED } from "../live/constants.js";
import { copyLink, inside, offered, writeLink } from "../live/link.js";

// Begin the world that a link asks for; throws a sentence for one that is not here.
export function followLink(page, asked) {
  const { settings, offer } = page;
  const values = { checkpoint: settings.model.name, seed: 0, start: 0, script: "", ...asked };
  const { seeds } = offered(offer.worlds, values.checkpoint);
  if (values.start >= seeds.length) throw new Error(`This link begins at picture ${values.start}; here there are ${seeds.length}.`);
  for (const [name, slider] of Object.entries(settings.sliders)) inside(slider, values[name]);
  return page.replay(values);
}

// Copy a link to a page's world; resolves to a sentence.
export async function copyWorld({ card, settings, played, recording, strayed, gallery: { start } }) {
  if (start === UPLOADED) return "A link cannot hold your picture; record, and save the action log.";
  const values = { ...settings.values(), start };
  const script = strayed || settings.pending.length ? "" : played.script(card.keys) || recording.script;
  const whole = script && writeLink("world", { ...values, script });
  if (whole) return copyLink(whole, "this world and plays its keys so far");
  return copyLink(writeLink("world", values), "this world from its start; Record, and save the action log, for what you do in it");
}
