// Builds the plugin in the working folder: `plugin.js` and its three data files
// become `dist/<id>.wasm`. The contract's WIT files are `wit/v0.1` beside the plugin,
// or the folder given by `--wit`; `--out FILE` puts the component elsewhere, and
// `--modules DIR` is the folder whose node_modules has componentize-qjs.
//
// The component imports only interfaces of `bursar:plugin`: the WASI imports of
// QuickJS are stubbed out.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const plugin = process.cwd();
const sdk = dirname(fileURLToPath(import.meta.url));
const { values: flags } = parseArgs({
  options: {
    wit: { type: "string", default: "wit/v0.1" },
    out: { type: "string" },
    modules: { type: "string", default: "." },
  },
});

const [manifest, schema, template] = ["manifest", "schema", "template"].map((name) => json(`${name}.json`));
const { world, exported } = worldFor(manifest.abilities ?? []);
const out = resolve(flags.out ?? join("dist", `${manifest.id}.wasm`));
const root = commonFolder(plugin, sdk);
const from = (file) => JSON.stringify(`./${relative(plugin, file).replaceAll("\\", "/")}`);
const entry = `
import * as plugin from ${from(join(plugin, "plugin.js"))};
import { exportsOf } from ${from(join(sdk, "component.js"))};
export const { ${exported.join(", ")} } = exportsOf(plugin, ${JSON.stringify({ manifest, schema, template })});
`;

// The bindings resolve imports from an existing file. The component has its name, so it is always the same.
const entryFile = join(plugin, ".bursar-entry.js");
writeFileSync(entryFile, entry);
const component = await build().finally(() => rmSync(entryFile));
mkdirSync(dirname(out), { recursive: true });
writeFileSync(`${out}.partial`, component);
renameSync(`${out}.partial`, out);
console.log(`${component.length} bytes  ${out}`);

async function build() {
  const { componentize } = createRequire(resolve(flags.modules, "package.json"))("componentize-qjs");
  const built = await componentize({
    witPath: resolve(flags.wit),
    world,
    jsSource: entry,
    jsPath: entryFile,
    moduleRoot: root,
    stubWasi: true,
    // The host has the component model's concurrency switched off.
    sync: true,
    optSize: true,
  });
  return built.component;
}

function json(file) {
  try {
    return JSON.parse(readFileSync(join(plugin, file), "utf8"));
  } catch (error) {
    throw new Error(`${file}: ${error.message}`);
  }
}

/** The contract's world with the interfaces that the abilities need, and its exports. */
function worldFor(abilities) {
  const interfaces = { dns01: "dns01", probe: "prober", mint: "minter", generate: "generator" };
  const needed = Object.keys(interfaces).filter((ability) => abilities.includes(ability)).map((it) => interfaces[it]);
  const worlds = {
    "credential-type": [],
    "generating-type": ["generator"],
    "probing-type": ["prober"],
    "minting-type": ["prober", "minter"],
    "dns-provider": ["dns01"],
  };
  const fits = Object.keys(worlds).find((world) => needed.every((name) => worlds[world].includes(name)));
  if (fits === undefined) throw new Error(`manifest.json: no world of the contract has ${needed.join(" and ")}`);
  return { world: fits, exported: ["form", "materializer", ...worlds[fits]] };
}

function commonFolder(a, b) {
  let folder = a;
  while (relative(folder, b).startsWith("..")) folder = dirname(folder);
  return folder;
}
