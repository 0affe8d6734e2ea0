// Names and values of DNS records, for providers of DNS-01.

import { notFound } from "./bursar.js";

/**
 * The longest zone of the account that contains `fqdn`: calls `lookup(name)` for
 * every suffix of two labels or more, longest first, until one is not null.
 */
export function longestZone(fqdn, lookup) {
  const labels = fqdn.split(".");
  for (let from = 0; from < labels.length - 1; from += 1) {
    const zone = lookup(labels.slice(from).join("."));
    if (zone !== null) return zone;
  }
  throw notFound(`The account has no zone for ${fqdn}: add the domain there, or use the account that has it`);
}

/** `fqdn` as seen from `zone`: `@` for the zone itself. */
export function relativeName(fqdn, zone) {
  if (fqdn === zone) return "@";
  if (fqdn.endsWith(`.${zone}`)) return fqdn.slice(0, -zone.length - 1);
  throw notFound(`The zone ${zone} does not hold ${fqdn}`);
}

/**
 * The record of a preflight. Its own name and value keep it apart from challenges
 * and from other credentials' checks. `fqdn` may be null.
 */
export function probeRecord(fqdn, zone, { seed }) {
  const domain = (fqdn ?? zone).replace(/^_acme-challenge\./, "");
  const hex = Array.from(seed.slice(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { fqdn: `_acme-challenge.bursar-probe.${domain}`, value: `bursar-probe-${hex}` };
}

/** A TXT value as a zone file writes it (RFC 1035, section 5.1): in quotes. */
export const quoted = (value) => `"${value.replace(/["\\]/g, "\\$&")}"`;

/** The value of a TXT record, quoted or not; its strings are joined. */
export function unquoted(content) {
  if (!/^"([^"\\]|\\.)*"(\s+"([^"\\]|\\.)*")*$/.test(content)) return content;
  const strings = content.match(/"([^"\\]|\\.)*"/g);
  return strings.map((string) => string.slice(1, -1).replace(/\\(.)/g, "$1")).join("");
}
