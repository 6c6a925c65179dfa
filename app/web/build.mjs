// Bundle the page into ../static: one script, another that reads FBX, one style sheet, three.js' licence.

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { build } from "esbuild";

const out = "../static";
mkdirSync(out, { recursive: true });

// tests/app/test_protocol.py recomputes this, so that a bundle older than its sources is noticed
const scripts = readdirSync("src", { recursive: true }).filter((name) => name.endsWith(".js"));
const styles = readdirSync(".").filter((name) => name.endsWith(".css"));
const sources = ["package.json", ...styles, ...scripts.map((name) => `src/${name}`)].sort();
const hash = createHash("sha256");
for (const name of sources) hash.update(readFileSync(name));

// three.js keeps its shaders as text, which minifying leaves alone
const shaders = {
  name: "shaders",
  setup({ onLoad }) {
    onLoad({ filter: /three\.module\.js$/ }, ({ path }) => {
      return { contents: readFileSync(path, "utf8").replace(/\\n(\\t)+/g, "\\n") };
    });
  },
};

const script = {
  outdir: out,
  bundle: true,
  minify: true,
  target: ["chrome111", "firefox114", "safari16.4"],
  supported: { "template-literal": false },
  plugins: [shaders],
  legalComments: "none",
  banner: { js: `/* Livestep page, sources ${hash.digest("hex").slice(0, 16)}. Contains three.js, MIT, see three.LICENSE.txt */` },
};
await build({ ...script, entryPoints: { livestep: "src/main.js" }, format: "iife" });
// three.js warns where it is there twice, which here is meant
const define = { "window.__THREE__": "window.__THREE_OF_FBX__" };
await build({ ...script, entryPoints: { fbx: "src/fbx/convert.js" }, format: "esm", define });
await build({ entryPoints: { livestep: "index.css" }, outdir: out, bundle: true, minify: true });
cpSync("node_modules/three/LICENSE", `${out}/three.LICENSE.txt`);
