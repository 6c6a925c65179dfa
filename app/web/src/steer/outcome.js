// How a wish was met, in words.

// {state: "met" | "missed", text, off}: for a handle, and for a sentence
export function describe({ met, centimeters, pose, degrees, late }) {
  const all = [
    centimeters !== null && inCentimeters(centimeters),
    pose !== null && `${centimeters === null ? "" : "pose "}${inCentimeters(pose)}`,
    degrees !== null && `${Math.abs(degrees).toFixed(0)}\u00b0`,
    late >= 0.1 && `${late.toFixed(1)} s late`,
  ];
  const parts = all.filter(Boolean);
  const off = parts.length ? `${met ? "met within" : "missed by"} ${parts.join(", ")}` : "met";
  return { state: met ? "met" : "missed", text: [met ? "\u2713" : "\u2717", parts.join(" \u00b7 ")].join(" ").trim(), off };
}

function inCentimeters(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)} cm`;
}

// A point ahead that nobody reaches in time.
export function describeLate(seconds) {
  return { state: "late", text: `+${seconds.toFixed(1)} s` };
}
