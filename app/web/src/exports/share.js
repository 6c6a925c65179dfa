// Phones hand files on to other apps; elsewhere they are downloaded.

import { request } from "../live/ask.js";

const KINDS = { mp4: "video/mp4", webp: "image/webp" };

// A button that shares the file at an address; null where there is nothing to share it with.
export async function shareButton(address, name) {
  const type = KINDS[name.split(".").at(-1)];
  const named = (parts) => [new File(parts, name, { type })];
  const able = type && matchMedia("(pointer: coarse)").matches && navigator.canShare?.({ files: named([]) });
  if (!able) return null;
  const files = named([await (await request(address)).blob()]); // now: a press does not last that long
  const button = Object.assign(document.createElement("button"), { type: "button", className: "ls-link", textContent: "Share" });
  button.addEventListener("click", () => navigator.share({ files }).catch(() => {})); // closed again
  return button;
}
