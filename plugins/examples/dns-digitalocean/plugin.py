"""ACME DNS-01 with DigitalOcean.

Least privilege: a personal access token with the custom scopes domain:read,
domain:create and domain:delete, and no other.

API: <https://docs.digitalocean.com/reference/api/reference/domain-records/>
"""

from bursar import Violations, dns_label, env_artifact, json_artifact, not_found, unavailable
from bursar.dns import longest_zone, probe_record, relative_name, unquoted
from bursar.http import Api, secret, segment


def check(data, context):
    is_refresh = data["apiToken"].startswith(REFRESH_TOKEN_PREFIX)
    Violations().require(not is_refresh, "/apiToken", "refresh-token", "Use a personal access token.").finish()


def materialize(data, format, context):
    match format:
        case "env":
            return [env_artifact([("DO_AUTH_TOKEN", "/apiToken", data["apiToken"])])]
        case "cert-manager":
            return cert_manager(data, dns_label(context.name))


class Dns01:
    def check(self, config, fqdn, context):
        """Adds a value of its own, reads it back and removes it."""
        named = config.get("domain")
        domain = domain_of(named, fqdn) if named or fqdn else first_domain()
        name, value = probe_record(fqdn, domain, context.seed)
        add(domain, name, value, MIN_TTL_SECONDS)
        ids = ids_of(domain, name, value)
        if not ids:
            raise unavailable(f"DigitalOcean accepted a record at {name} but does not show it yet: check again in a minute")
        delete(domain, ids)
        return f"May write TXT records in {domain}.", {"zone": domain}

    def present(self, config, txt, context):
        add(domain_of(config.get("domain"), txt.fqdn), txt.fqdn, txt.value, txt.ttl_seconds)

    def cleanup(self, config, txt, handle, context):
        domain = domain_of(config.get("domain"), txt.fqdn)
        delete(domain, ids_of(domain, txt.fqdn, txt.value))


API = Api(
    name="DigitalOcean",
    base="https://api.digitalocean.com/v2",
    headers={"authorization": ["Bearer ", secret("/apiToken")]},
    refused="Make a personal access token with the scopes domain:read, domain:create and domain:delete",
)


def domain_of(named, fqdn):
    """The domain that the form names, else the longest that holds `fqdn`."""

    def find(name):
        return name if API.get(f"/domains/{segment(name)}", allow=NO_SUCH_DOMAIN).ok else None

    domain = find(named) if named else longest_zone(fqdn, find)
    if domain is None:
        raise not_found(f"The account of this token has no domain {named}: correct it, or leave it empty")
    return domain


def first_domain():
    domains = API.get("/domains", query={"per_page": 1}).json["domains"]
    if not domains:
        raise not_found("The account of this token has no domain: add it there, or use another account's token")
    return domains[0]["name"]


def add(domain, fqdn, value, ttl_seconds):
    """Adds the value unless it exists."""
    name = relative_name(fqdn, domain)
    if not ids_of(domain, fqdn, value):
        record = {"type": "TXT", "name": name, "data": value, "ttl": max(ttl_seconds, MIN_TTL_SECONDS)}
        API.post(f"/domains/{segment(domain)}/records", body=record)


def delete(domain, ids):
    for id in ids:
        API.delete(f"/domains/{segment(domain)}/records/{id}", allow=[404])


def ids_of(domain, fqdn, value):
    """The records at the name with the value: one, or more if others duplicated it."""
    names = (relative_name(fqdn, domain), fqdn)
    return [it["id"] for it in records(domain, fqdn) if it["name"] in names and unquoted(it["data"]) == value]


def records(domain, fqdn):
    """The TXT records at a name, page by page."""
    page = 1
    while page:
        query = {"type": "TXT", "name": fqdn, "per_page": RECORDS_PER_PAGE, "page": page}
        answer = API.get(f"/domains/{segment(domain)}/records", query=query).json
        yield from answer["domain_records"]
        has_more = answer.get("links", {}).get("pages", {}).get("next")
        page = page + 1 if has_more else None


def cert_manager(data, name):
    """The Secret, and the solver of an Issuer that reads it."""
    reference = {"name": name, "key": "access-token"}
    solver = {"dns01": {"digitalocean": {"tokenSecretRef": reference}}}
    if data.get("domain"):
        solver = {"selector": {"dnsZones": [data["domain"]]}, **solver}
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "Opaque"}
    manifest["stringData"] = {"access-token": data["apiToken"]}
    return [
        json_artifact("solver.json", solver, sensitive=False),
        json_artifact("secret.json", manifest),
    ]


REFRESH_TOKEN_PREFIX = "dor_v1_"
# A name that cannot be a domain's may be refused rather than not found.
NO_SUCH_DOMAIN = [400, 404, 422]
RECORDS_PER_PAGE = 200
MIN_TTL_SECONDS = 30
