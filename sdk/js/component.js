// Makes a component's exports of a plugin's functions. Used by `build.mjs`, not by
// plugins.

import { internal, notFound, unsupported } from "./bursar.js";

/**
 * The exports for a plugin module and its data files. An optional
 * interface is exported exactly if the module has an object of its name.
 */
export function exportsOf(plugin, { manifest, schema, template }) {
  const { inspect = (data) => ({ data }), check = () => ({}), dns01, prober, minter, generator } = plugin;
  return {
    form: guarded({
      describe: () => JSON.stringify(manifest),
      schema: () => JSON.stringify(schema),
      template: (variant) => JSON.stringify(skeleton(manifest, template, variant)),
      inspect(data, context) {
        const found = { ...NOTHING_FOUND, ...inspect(JSON.parse(data), parsed(context)) };
        return {
          ...found,
          data: JSON.stringify(found.data),
          attributes: JSON.stringify(found.attributes),
          order: found.order === null ? null : JSON.stringify(found.order),
        };
      },
      check(data, context) {
        const rewrites = check(JSON.parse(data), parsed(context)) ?? {};
        return Object.entries(rewrites).map(([pointer, value]) => ({ pointer, value: JSON.stringify(value) }));
      },
    }),
    materializer: guarded({
      materialize(data, minted, format, context) {
        const fields = minted === null ? null : JSON.parse(minted);
        const artifacts = plugin.materialize(JSON.parse(data), format, parsed(context), fields);
        if (artifacts === undefined) throw unsupported("this type has no such format");
        return artifacts;
      },
    }),
    dns01: dns01 && guarded({
      check: (config, fqdn, context) => report(dns01.check(JSON.parse(config), fqdn, parsed(context))),
      present: (config, txt, context) => dns01.present(JSON.parse(config), txt, parsed(context)) ?? "",
      poll(config, handle, context) {
        const seconds = dns01.poll?.(JSON.parse(config), handle, parsed(context)) ?? null;
        return seconds === null ? { tag: "done" } : { tag: "pending", val: seconds };
      },
      cleanup: (config, txt, handle, context) => void dns01.cleanup(JSON.parse(config), txt, handle, parsed(context)),
    }),
    prober: prober && guarded({ probe: (config, context) => report(prober.probe(JSON.parse(config), parsed(context))) }),
    minter: minter && guarded({
      mint(config, context) {
        const { token, lifetimeSeconds = null, fields = {} } = minter.mint(JSON.parse(config), parsed(context));
        return { token, lifetimeSeconds, fields: JSON.stringify(fields) };
      },
    }),
    generator: generator && guarded({
      generate(data, entropy, context) {
        return JSON.stringify(generator.generate(JSON.parse(data), entropy, parsed(context)));
      },
    }),
  };
}

/** Any other error is a defect, and reported as one: a trap would give no reason. */
function guarded(functions) {
  const guard = (call) => (...values) => {
    try {
      return call(...values);
    } catch (error) {
      throw typeof error?.tag === "string" ? error : internal(String(error));
    }
  };
  return Object.fromEntries(Object.entries(functions).map(([name, call]) => [name, guard(call)]));
}

/** The only skeleton; with variants, that of `variant` or else of the first. */
function skeleton({ variants = [] }, template, variant) {
  if (variants.length === 0 && variant === null) return template;
  const chosen = variants.length > 0 ? (variant ?? variants[0].id) : null;
  if (chosen === null || !Object.hasOwn(template, chosen)) throw notFound("there is no such variant");
  return template[chosen];
}

const NOTHING_FOUND = { attributes: {}, selectors: [], order: null, notBefore: null, notAfter: null };
const parsed = (context) => ({ ...context, options: JSON.parse(context.options) });
const report = ({ summary, details = {} }) => ({ summary, details: JSON.stringify(details) });
