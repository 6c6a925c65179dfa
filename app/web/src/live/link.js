// Links that open a tab with a form filled in: #motion?prompt=a+person+jumps&seed=3. Whoever wrote
// one is not trusted: what is not as written here is refused with a sentence.

import { KEEP_SECONDS, MAX_PROMPT, MOST_WAYPOINTS } from "./bounds.js";

const MOST_LINK = 4000;
const FARTHEST = 100;

function number(low, high, form = /^-?\d+(\.\d+)?$/) {
  return (text) => (form.test(text) && text >= low && text <= high ? Number(text) : undefined);
}

const whole = (high, low = 0) => number(low, high, /^-?\d+$/);
const name = (text) => (/^[\w.-]{1,100}$/.test(text) ? text : undefined);
const flag = (text) => ({ 0: false, 1: true })[text];
const words = (text) => (text.trim() && text.length <= MAX_PROMPT && !/\p{Cc}/u.test(text) ? text.trim() : undefined);
const script = (text) => (/^([A-Z]+|-):\d{1,6}(,([A-Z]+|-):\d{1,6})*$/.test(text) ? text : undefined);

const POINT = [number(-FARTHEST, FARTHEST), number(-FARTHEST, FARTHEST), number(0, KEEP_SECONDS), (text) => (text ? number(-360, 360)(text) : null), flag];

// "x_z_at_facing_stop*..." -> way-points.
function path(text) {
  const points = text.split("*").map((point) => {
    const parts = point.split("_");
    const [x, z, at, facing, stop] = POINT.map((read, i) => read(parts[i] ?? "?"));
    return parts.length === POINT.length && { place: [x, z], at, facing, stop };
  });
  const right = ({ place, at, facing, stop }) => ![...place, at, facing, stop].includes(undefined);
  return points.length <= MOST_WAYPOINTS && points.every((point) => point && right(point)) ? points : undefined;
}

export function writePath(waypoints) {
  return waypoints.map(({ place, at, facing, stop }) => [...place, at, facing ?? "", Number(stop)].join("_")).join("*");
}

const FIELDS = {
  motion: { prompt: words, checkpoint: name, seed: whole(2 ** 32 - 1), stagger: whole(1000), guidance: number(0, 1000), foot_contacts: flag, body: name, path },
  world: { checkpoint: name, seed: whole(2 ** 32 - 1), start: whole(1000), steps: whole(1000), context_noise: number(0, 1), together: whole(100), script },
};

// The fragment of an address -> the tab and what its form is to hold; null for none; throws a sentence.
export function readLink(fragment) {
  if (fragment.length < 2) return null;
  if (fragment.length > MOST_LINK) throw new Error(`This link is longer than ${MOST_LINK} characters; the page begins as always.`);
  const [, tab, query] = fragment.match(/^#(\w+)(?:\?(.*))?$/s) ?? [];
  const fields = Object.hasOwn(FIELDS, tab ?? "") && FIELDS[tab];
  if (!fields) throw new Error("This link names no tab of this page; the page begins as always.");
  const values = {};
  for (const [key, text] of new URLSearchParams(query)) {
    const value = Object.hasOwn(fields, key) && !Object.hasOwn(values, key) ? fields[key](text) : undefined;
    if (value === undefined) throw new Error(`This link cannot be read at \u201c${key.slice(0, 20)}\u201d; the page begins as always.`);
    values[key] = value;
  }
  return { tab, values };
}

// The fragment that opens a tab with these values; null where it would be too long.
export function writeLink(tab, values) {
  const told = Object.keys(FIELDS[tab]).filter((key) => values[key] != null && values[key] !== "");
  const text = (value) => String(typeof value === "boolean" ? Number(value) : value);
  const fragment = `#${tab}?${new URLSearchParams(told.map((key) => [key, text(values[key])]))}`;
  return fragment.length <= MOST_LINK ? fragment : null;
}

// Whether this page was opened by this link before: a reload keeps what has become of it.
export const followed = (fragment) => history.state?.livestep === fragment;

export function follow(fragment) {
  const address = `${location.origin}${location.pathname}${location.search}${fragment}`; // a base may be set
  history.replaceState({ ...history.state, livestep: fragment }, "", address);
}

// Something else is made now: a reload must not open the link again.
export function forgetLink() {
  if (location.hash) follow("");
}

// Put a link into the address and the clipboard; resolves to a sentence.
export async function copyLink(fragment, opens) {
  follow(fragment);
  const address = `${location.origin}${location.pathname}${fragment}`;
  const copied = await navigator.clipboard?.writeText(address).then(() => true, () => false) || copyByHand(address);
  return copied ? `Link copied: it opens ${opens}.` : "The browser does not let this page copy; the link is in its address now.";
}

// Where the clipboard is not allowed, as in frames and over plain HTTP.
function copyByHand(text) {
  const { activeElement } = document;
  const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  activeElement?.focus();
  return copied;
}

// Throw a sentence where a slider does not go as far as a link asks.
export function inside(slider, value, most = slider.max) {
  if (value == null || (value >= Number(slider.min) && value <= Number(most))) return;
  throw new Error(`This link asks for ${slider.ariaLabel} ${value}; here it goes from ${slider.min} to ${most}.`);
}

// Throw a sentence where a link asks for a model that is not offered; returns the model's card.
export function offered(cards, checkpoint) {
  const card = cards.find(({ name }) => name === checkpoint);
  if (!card) throw new Error(`This link asks for the model ${checkpoint}, which is not here.`);
  return card;
}
