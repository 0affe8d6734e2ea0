// ACME DNS-01 with Hetzner's DNS, through the Cloud API.
//
// Least privilege: an API token with Read & Write permission, of a project that
// holds the zones and nothing else; Hetzner has no narrower one.
//
// API: https://docs.hetzner.cloud/reference/cloud#zone-rrsets

import { Violations, envArtifact, notFound, unavailable } from "../../../sdk/js/bursar.js";
import { longestZone, probeRecord, quoted, relativeName, unquoted } from "../../../sdk/js/dns.js";
import { Api, path, secret } from "../../../sdk/js/http.js";

export function check({ apiToken }) {
  const isLegacy = apiToken.length === LEGACY_TOKEN_LENGTH;
  new Violations().require(!isLegacy, "/apiToken", "legacy-token", "Make a token in the Hetzner Console.").finish();
}

export function materialize({ apiToken }, format) {
  if (format === "env") return [envArtifact([["HETZNER_API_TOKEN", "/apiToken", apiToken]])];
}

export const dns01 = {
  /** Adds a value of its own, reads it back and removes it. */
  check({ zone: named }, fqdn, context) {
    const zone = named || fqdn !== null ? zoneOf(named, fqdn) : firstZone();
    const probe = { ...probeRecord(fqdn, zone.name, context), ttlSeconds: MIN_TTL_SECONDS };
    const action = add(zone, probe);
    for (let left = MAX_POLLS; left > 0 && !isDone(action); left -= 1);
    const seen = recordsAt(zone, probe.fqdn) ?? [];
    if (!seen.some(holds(probe.value))) {
      throw unavailable(`Hetzner accepted a record at ${probe.fqdn} but does not show it yet: check again in a minute`);
    }
    remove(zone, probe);
    return { summary: `May write TXT records in ${zone.name}.`, details: { zone: zone.name, zoneId: zone.id } };
  },

  present: ({ zone }, txt) => add(zoneOf(zone, txt.fqdn), txt),

  poll: (_config, action) => (isDone(action) ? null : POLL_SECONDS),

  cleanup: ({ zone }, txt) => remove(zoneOf(zone, txt.fqdn), txt),
};

const api = new Api({
  name: "Hetzner",
  base: "https://api.hetzner.cloud/v1",
  headers: { authorization: ["Bearer ", secret("/apiToken")] },
  refused: "Make a token with Read & Write permission under Security > API tokens of the project that holds the zone",
});

/** The zone that the form names, by name or number; else the longest that holds `fqdn`. */
function zoneOf(named, fqdn) {
  const find = (name) => {
    const answer = api.get(path`/zones/${name}`, { allow: NO_SUCH_ZONE });
    return answer.ok ? answer.json.zone : null;
  };
  const zone = named ? find(named) : longestZone(fqdn, find);
  if (zone === null) throw notFound(`The project of this token has no zone ${named}: correct it, or leave it empty`);
  if (zone.mode !== "secondary") return zone;
  throw notFound(`Hetzner holds ${zone.name} as a secondary zone: use the provider of its primary server instead`);
}

function firstZone() {
  for (let page = 1; page !== null; ) {
    const { zones, meta } = api.get("/zones", { query: { page, per_page: ZONES_PER_PAGE } }).json;
    const zone = zones.find(({ mode }) => mode !== "secondary");
    if (zone) return zone;
    page = meta?.pagination?.next_page ?? null;
  }
  throw notFound("The project of this token has no primary zone: add the domain there, or use another project's token");
}

/** Adds the value unless it exists. Returns the action to wait for, empty if there is none. */
function add(zone, { fqdn, value, ttlSeconds }) {
  const records = recordsAt(zone, fqdn);
  if (records?.some(holds(value))) return "";
  // An existing set keeps its TTL; only a new one gets ours.
  const ttl = records === null ? Math.max(ttlSeconds, MIN_TTL_SECONDS) : undefined;
  const json = { ttl, records: [{ value: quoted(value) }] };
  return String(api.post(`${rrset(zone, fqdn)}/actions/add_records`, { json }).json.action.id);
}

/** Removes only the value, in the notation of the record. */
function remove(zone, { fqdn, value }) {
  const ours = recordsAt(zone, fqdn)?.filter(holds(value)) ?? [];
  if (ours.length === 0) return;
  const json = { records: ours.map((record) => ({ value: record.value })) };
  api.post(`${rrset(zone, fqdn)}/actions/remove_records`, { json, allow: [404] });
}

/** The TXT records at a name, or null if there is no such set. */
function recordsAt(zone, fqdn) {
  const answer = api.get(rrset(zone, fqdn), { allow: [404] });
  return answer.ok ? answer.json.rrset.records : null;
}

function isDone(action) {
  if (action === "") return true;
  const { status, error } = api.get(path`/actions/${action}`).json.action;
  if (status === "error") throw unavailable(`Hetzner gave up on the change: ${error?.message ?? "no reason given"}`);
  return status !== "running";
}

const rrset = (zone, fqdn) => path`/zones/${zone.id}/rrsets/${relativeName(fqdn, zone.name)}/TXT`;
const holds = (value) => (record) => unquoted(record.value) === value;

/** From the DNS Console that the Cloud API replaced. Current tokens have 64 characters. */
const LEGACY_TOKEN_LENGTH = 32;
/** A name that cannot be a zone's is refused rather than not found. */
const NO_SUCH_ZONE = [400, 404, 422];
const ZONES_PER_PAGE = 50;
const MIN_TTL_SECONDS = 60;
const POLL_SECONDS = 2;
/** A call may send 20 requests and cannot sleep. */
const MAX_POLLS = 6;
