// The page in the visitor's language. All code writes English, which is the key of its translation: what is shown is
// translated where it is shown, and what is in no list stays as it is. Visitors' own words stand in translate="no".

const LANGUAGES = ["de", "es", "fr", "ja", "zh"]; // app/web/languages; English needs no list
const UNSPACED = ["ja", "zh"];
const ATTRIBUTES = ["alt", "aria-description", "aria-label", "aria-roledescription", "aria-valuetext", "placeholder", "title"];
const OWN = "[translate=no], code, pre";
const NO_WORDS = `script, style, textarea, ${OWN}`;
const MOST_KEPT = 2000; // translations: what a meter shows is new all the time
const PATIENCE_MS = 8000; // with a list, before the page is shown in English
const FEW = 4; // letters: what has fewer of its own fits too much
const LONGEST = 400; // characters: what is longer is a visitor's
const DEEPEST = 5; // sentences in sentences
const PROSE = /\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b/; // English that nobody has translated
const FILE_FIRST = /^\{0\} (cannot|has (?!\{1\} pages)|holds|is|lasts|needs|shows|takes) /; // it begins with a file's name

let words = null;

// A text of the page in the visitor's language, for what is not shown as it is written.
export const say = (text) => words?.say(text) ?? text;

export async function translate(base) {
  const language = chosen(location.search, navigator.languages);
  if (language === "en") return;
  const reply = await fetch(new URL(`languages/${language}.json`, base), { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!reply.ok) return; // English it is
  words = new Words(await reply.json(), language);
  document.documentElement.lang = language;
  watch(document.documentElement);
}

// The language that is asked for (?lang=de), or else the first of the browser's that there is.
function chosen(query, preferred) {
  const asked = new URLSearchParams(query).get("lang");
  const codes = [asked ?? "", ...preferred].map((code) => code.toLowerCase().split("-")[0]);
  return codes.find((code) => code === "en" || LANGUAGES.includes(code)) ?? "en";
}

class Words {
  constructor(strings, language) {
    this.language = language;
    this.strings = new Map(Object.entries(strings));
    const patterns = [...this.strings.keys()].filter((key) => key.includes("{0}"));
    this.patterns = patterns.map(pattern).sort((a, b) => b.letters - a.letters || b.key.length - a.key.length); // the most telling first
    this.gap = UNSPACED.includes(language) ? "" : " ";
    this.stop = UNSPACED.includes(language) ? "\u3002" : ".";
    this.kept = new Map();
    this.depth = 0;
  }

  say(text) {
    if (text.length > LONGEST) return text;
    if (!this.kept.has(text)) {
      if (this.kept.size === MOST_KEPT) this.kept.clear();
      this.kept.set(text, this.part(text));
    }
    return this.kept.get(text);
  }

  find(text) {
    if (/^\d+\.\d+$/.test(text)) return this.number(text);
    return this.strings.get(text) ?? this.matching(text) ?? this.error(text);
  }

  number(text) {
    const digits = text.length - text.indexOf(".") - 1;
    const style = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false };
    return Number(text).toLocaleString(this.language, style);
  }

  // A sentence that varies, if all of it is known: half of one in another language helps nobody.
  matching(text) {
    for (const { key, test, letters, own } of this.patterns) {
      const found = test.exec(text)?.slice(1);
      if (!found) continue;
      const parts = found.map((part, i) => (own.includes(i) ? part : this.part(part)));
      if (found.some((part, i) => parts[i] === part && !own.includes(i) && PROSE.test(part))) continue;
      if (letters < FEW && !found.every((part, i) => parts[i] !== part || !/\w \w/.test(part))) continue;
      return this.strings.get(key).replace(/\{(\d)\}/g, (_, i) => parts[i]);
    }
    return null;
  }

  part(text) {
    if (this.depth === DEEPEST) return text;
    this.depth += 1;
    const said = this.find(text) ?? this.list(text) ?? this.sentences(text) ?? text;
    this.depth -= 1;
    return said;
  }

  // Words one after the other, if all of them are known or no words: numbers, keys.
  list(text) {
    const all = text.split(/(, | and |: | \u00b7 )/);
    const known = all.map((one, i) => (i % 2 ? one.replace(" and ", ", ") : (this.find(one) ?? (/[\p{Ll}\p{Lo}]/u.test(one) ? null : one))));
    return all.length < 2 || known.includes(null) ? null : known.join("");
  }

  // The server makes a sentence of an error: a capital, a full stop.
  error(text) {
    const bare = text.replace(/\.$/, "");
    const small = bare.charAt(0).toLowerCase() + bare.slice(1);
    if (small === text) return null;
    for (const key of new Set([bare, small])) {
      const found = this.strings.get(key) ?? this.matching(key);
      if (found) return (small === bare ? found.charAt(0) : found.charAt(0).toUpperCase()) + found.slice(1) + (bare === text ? "" : this.stop);
    }
    return null;
  }

  sentences(text) {
    const all = text.split(/(?<=[.!?]) (?=[A-Z0-9])/);
    return all.length > 1 ? all.map((one) => this.part(one)).join(this.gap) : null;
  }
}

// "{0} is empty." -> what finds it in a sentence
function pattern(key) {
  const quoted = [...key.matchAll(/['\u201c]\{(\d)\}['\u201d]/g)];
  const around = key.split(/\{\d\}/).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return {
    key,
    test: new RegExp(`^${around.join("(.*?)")}$`, "u"),
    own: [...(FILE_FIRST.test(key) ? [0] : []), ...quoted.map(([, i]) => Number(i))], // visitors' own words
    letters: key.replace(/\{\d\}|\P{L}/gu, "").length,
  };
}

function watch(root) {
  const observer = new MutationObserver((records) => {
    for (const { type, target, attributeName, addedNodes } of records) {
      if (type === "attributes") attribute(target, attributeName);
      else if (type === "characterData") text(target);
      else addedNodes.forEach(all);
    }
    observer.takeRecords(); // what was changed just now
  });
  all(root);
  observer.observe(root, { subtree: true, childList: true, characterData: true, attributeFilter: ATTRIBUTES });
}

function all(node) {
  if (node.nodeType === Node.TEXT_NODE) return text(node);
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let at = node; at; at = walker.nextNode()) {
    if (at.nodeType === Node.TEXT_NODE) text(at);
    else for (const name of ATTRIBUTES) if (at.hasAttribute(name)) attribute(at, name);
  }
}

function text(node) {
  const written = node.nodeValue;
  const bare = written.trim();
  if (!bare || node.parentElement?.closest(NO_WORDS)) return;
  const key = bare.replace(/\s+/g, " ");
  const said = words.say(key);
  if (said !== key) node.nodeValue = written.replace(bare, () => said);
}

function attribute(element, name) {
  const written = element.getAttribute(name);
  if (!written || element.closest(OWN)) return;
  const said = words.say(written);
  if (said !== written) element.setAttribute(name, said);
}
