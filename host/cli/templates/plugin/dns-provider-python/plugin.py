"""DNS-01 challenges in zones at {{title}}.

Least privilege: say here what the token must be allowed, and nothing more.

API: <https://api.example.com/v1>, which is made up: put the provider's in.
"""

from bursar import Violations, env_artifact, not_found, unavailable
from bursar.dns import longest_zone, probe_record, unquoted
from bursar.http import Api, secret, segment


def check(data, context):
    is_bare = data["apiToken"].strip() == data["apiToken"]
    Violations().require(is_bare, "/apiToken", "spaces", "Paste the token alone.").finish()


def materialize(data, format, context):
    if format == "env":
        return [env_artifact([("{{variable}}_API_TOKEN", "/apiToken", data["apiToken"])])]


class Dns01:
    """In these calls the secrets are the host's: requests name them."""

    def check(self, config, fqdn, context):
        """Proves that the token may write: makes a record, reads it back and deletes it."""
        zone = zone_of(fqdn) if fqdn else any_zone()
        name, value = probe_record(fqdn, zone["name"], context.seed)
        add(zone, name, value, ttl_seconds=60)
        if not ours(zone, name, value):
            raise unavailable("{{title}} took a record but does not show it: try again")
        remove(zone, name, value)
        return f"May write TXT records in {zone['name']}.", {"zone": zone["name"]}

    def present(self, config, txt, context):
        add(zone_of(txt.fqdn), txt.fqdn, txt.value, txt.ttl_seconds)

    def cleanup(self, config, txt, handle, context):
        remove(zone_of(txt.fqdn), txt.fqdn, txt.value)


API = Api(
    name="{{title}}",
    base="https://api.example.com/v1",
    headers={"authorization": ["Bearer ", secret("/apiToken")]},
    refused="Make a token that may read zones and write DNS records",
)


def zone_of(fqdn):
    def find(name):
        zones = API.get("/zones", query={"name": name}).json["zones"]
        return next((zone for zone in zones if zone["name"] == name), None)

    return longest_zone(fqdn, find)


def any_zone():
    zones = API.get("/zones").json["zones"]
    if not zones:
        raise not_found("{{title}} shows this token no zone: add it there, or use another token")
    return zones[0]


def add(zone, fqdn, value, ttl_seconds):
    """Adds the value beside what is there; already present is success."""
    if not ours(zone, fqdn, value):
        API.post(records(zone), body={"type": "TXT", "name": fqdn, "content": value, "ttl": ttl_seconds})


def remove(zone, fqdn, value):
    """Removes this value and no other; already absent is success."""
    for record in ours(zone, fqdn, value):
        API.delete(f"{records(zone)}/{segment(record['id'])}", allow=[404])


def ours(zone, fqdn, value):
    found = API.get(records(zone), query={"type": "TXT", "name": fqdn}).json["records"]
    return [it for it in found if it["name"] == fqdn and unquoted(it["content"]) == value]


def records(zone):
    return f"/zones/{segment(zone['id'])}/records"
