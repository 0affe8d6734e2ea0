// DNS-01 challenges in zones at {{title}}.
//
// Least privilege: say here what the token must be allowed, and nothing more.
//
// API: https://api.example.com/v1, which is made up: put the provider's in.

import { Violations, envArtifact, notFound, unavailable } from "./sdk/bursar.js";
import { longestZone, probeRecord, unquoted } from "./sdk/dns.js";
import { Api, path, secret } from "./sdk/http.js";

export function check({ apiToken }) {
  new Violations().require(apiToken.trim() === apiToken, "/apiToken", "spaces", "Paste the token alone.").finish();
}

export function materialize({ apiToken }, format) {
  if (format === "env") return [envArtifact([["{{variable}}_API_TOKEN", "/apiToken", apiToken]])];
}

// In these calls the secrets are the host's: requests name them.
export const dns01 = {
  /** Proves that the token may write: makes a record, reads it back and deletes it. */
  check(_config, fqdn, context) {
    const zone = fqdn === null ? anyZone() : zoneOf(fqdn);
    const probe = { ...probeRecord(fqdn, zone.name, context), ttlSeconds: 60 };
    add(zone, probe);
    if (ours(zone, probe).length === 0) throw unavailable(`{{title}} took a record but does not show it: try again`);
    remove(zone, probe);
    return { summary: `May write TXT records in ${zone.name}.`, details: { zone: zone.name } };
  },
  present: (_config, txt) => add(zoneOf(txt.fqdn), txt),
  cleanup: (_config, txt) => remove(zoneOf(txt.fqdn), txt),
};

const api = new Api({
  name: "{{title}}",
  base: "https://api.example.com/v1",
  headers: { authorization: ["Bearer ", secret("/apiToken")] },
  refused: "Make a token that may read zones and write DNS records",
});

function zoneOf(fqdn) {
  const find = (name) => api.get("/zones", { query: { name } }).json.zones.find((zone) => zone.name === name) ?? null;
  return longestZone(fqdn, find);
}

function anyZone() {
  const [zone] = api.get("/zones").json.zones;
  if (zone === undefined) throw notFound("{{title}} shows this token no zone: add it there, or use another token");
  return zone;
}

/** Adds the value beside what is there; already present is success. */
function add(zone, { fqdn, value, ttlSeconds }) {
  if (ours(zone, { fqdn, value }).length > 0) return;
  api.post(path`/zones/${zone.id}/records`, { json: { type: "TXT", name: fqdn, content: value, ttl: ttlSeconds } });
}

/** Removes this value and no other; already absent is success. */
function remove(zone, txt) {
  for (const { id } of ours(zone, txt)) api.delete(path`/zones/${zone.id}/records/${id}`, { allow: [404] });
}

function ours(zone, { fqdn, value }) {
  const { records } = api.get(path`/zones/${zone.id}/records`, { query: { type: "TXT", name: fqdn } }).json;
  return records.filter(({ name, content }) => name === fqdn && unquoted(content) === value);
}
