// How a wish was met, in words.

import { LATE, NEAR, TURNED } from "../live/bounds.js";

const LIMIT = `\u2713: within ${100 * NEAR} cm, ${TURNED}\u00b0 and ${LATE} s of what was asked for; else \u2717`;

// {state: "met" | "missed", text, off, hint}: for a handle, for a sentence, and what the mark means
export function describe({ met, centimeters, pose, degrees, late }) {
  const all = [
    centimeters !== null && inCentimeters(centimeters),
    pose !== null && `${centimeters === null ? "" : "pose "}${inCentimeters(pose)}`,
    degrees !== null && `${Math.abs(degrees).toFixed(0)}\u00b0`,
    late >= 0.1 && `${late.toFixed(1)} s late`,
  ];
  const parts = all.filter(Boolean);
  const off = parts.length ? `${met ? "met within" : "missed by"} ${parts.join(", ")}` : "met";
  const mark = met ? late < 0.1 && "\u2713" : "\u2717"; // what came late, but in time to count, speaks for itself
  const text = [mark, parts.join(" \u00b7 ")].filter(Boolean).join(" ");
  return { state: met ? "met" : "missed", text, off, hint: LIMIT };
}

function inCentimeters(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)} cm`;
}

// A point ahead that nobody reaches in time.
export function describeLate(seconds) {
  return { state: "late", text: `+${seconds.toFixed(1)} s` };
}
