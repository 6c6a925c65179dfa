// How a wish was met, in words.

// {state: "met" | "missed", text}
export function describe({ met, centimeters, degrees, late }) {
  const parts = [
    centimeters !== null && `${centimeters.toFixed(centimeters < 10 ? 1 : 0)} cm`,
    degrees !== null && `${Math.abs(degrees).toFixed(0)}\u00b0`,
    late >= 0.1 && `${late.toFixed(1)} s late`,
  ];
  return { state: met ? "met" : "missed", text: [met ? "\u2713" : "\u2717", parts.filter(Boolean).join(" \u00b7 ")].join(" ").trim() };
}

// A point ahead that nobody reaches in time.
export function describeLate(seconds) {
  return { state: "late", text: `+${seconds.toFixed(1)} s` };
}
