"""Google Cloud DNS v1: managed zones, record sets, changes.

Shapes: the discovery document; errors: recorded traffic in the issue trackers of certbot, external-dns, octodns.
"""

import json
import time
from datetime import UTC, datetime

from fake import txt
from fake.exchange import Refused, Request, Response
from fake.faults import Rule
from fake.powerdns import RecordSet
from fake.service import Service
from fake.zones import Zone

from .google_description import method_of, violations
from .google_token import GoogleToken


class Google(Service):
    name = "google"
    hosts = ("dns.googleapis.com",)
    shapes = ("rate-limit-exceeded", "quota-exceeded", "rate-limited", "server-error", "expired-token")

    def __init__(self, zones, journal, faults, project: str, tokens: GoogleToken):
        super().__init__(zones, journal, faults)
        self.project = project
        self.token_endpoint = tokens
        self.changes: dict[tuple[str, str], dict] = {}

    async def handle(self, request: Request) -> Response:
        scopes = self.authenticate(request)
        found = method_of(request)
        if found is None:
            self.violation(request, "no such operation")
            raise failed(404, "notFound", "The requested URL was not found on this server.")
        method, path = found
        problems = list(violations(request, method))
        self.violation(request, *problems)
        if problems:
            raise failed(400, "badRequest", f"Invalid JSON payload received or bad parameter. {problems[0]}")
        if not scopes & set(method["scopes"]):
            raise failed(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
        if path.get("project") != self.project:
            raise failed(403, "forbidden", f"Permission denied on resource project {path.get('project')}.")
        handlers = {
            "dns.managedZones.list": self.list_zones,
            "dns.managedZones.get": self.get_zone,
            "dns.resourceRecordSets.list": self.list_records,
            "dns.resourceRecordSets.get": self.get_records,
            "dns.changes.create": self.create_change,
            "dns.changes.get": self.get_change,
        }
        if method["id"] not in handlers:
            self.violation(request, f"{method['id']} is not for a DNS-01 provider")
            raise failed(403, "forbidden", f"Permission {method['id']} denied.")
        return Response.json(200, await handlers[method["id"]](request, path))

    def authenticate(self, request: Request) -> frozenset[str]:
        token = self.token_endpoint.tokens.get(request.bearer or "")
        if token is None or token.expires < time.time():
            raise unauthenticated()
        return token.scopes

    def fault(self, rule: Rule, request: Request) -> Response:
        if rule.kind in ("rate-limit-exceeded", "quota-exceeded"):
            reason = "rateLimitExceeded" if rule.kind == "rate-limit-exceeded" else "quotaExceeded"
            return failed(
                403,
                reason,
                "Quota exceeded for quota metric 'Write requests' of service 'dns.googleapis.com'.",
                domain="usageLimits",
            ).response
        if rule.kind == "rate-limited":
            refused = failed(429, "rateLimitExceeded", "Resource has been exhausted (e.g. check quota).").response
            refused.headers["Retry-After"] = str(rule.retry_after)
            return refused
        if rule.kind == "server-error":
            return failed(rule.status, "backendError", "Backend Error").response
        if rule.kind == "expired-token":
            self.token_endpoint.tokens.pop(request.bearer or "", None)
            return unauthenticated().response
        raise AssertionError(rule.kind)

    async def list_zones(self, request: Request, path: dict) -> dict:
        wanted = request.one("dnsName")
        found = [zone for zone in self.zones.of(self.name) if wanted is None or zone.fqdn == wanted.lower()]
        # A private zone comes before the public one of its name: who takes the first takes the wrong one.
        found.sort(key=lambda zone: (zone.name, not zone.private))
        page, token = self.paged(request, found)
        return {"kind": "dns#managedZonesListResponse", "managedZones": [shown_zone(zone) for zone in page], **token}

    async def get_zone(self, request: Request, path: dict) -> dict:
        return shown_zone(self.zone(path["managedZone"]))

    async def list_records(self, request: Request, path: dict) -> dict:
        zone, name, kind = self.zone(path["managedZone"]), request.one("name"), request.one("type")
        if kind and not name:
            raise failed(400, "invalid", "Invalid value for 'parameters.name': a type needs a name")
        found = [
            row
            for row in await zone.records.all()
            if (name is None or row.name == name.lower()) and (kind is None or row.type == kind)
        ]
        found.sort(key=lambda row: (row.name, row.type))
        page, token = self.paged(request, found)
        return {"kind": "dns#resourceRecordSetsListResponse", "rrsets": [shown(row) for row in page], **token}

    async def get_records(self, request: Request, path: dict) -> dict:
        zone, name = self.zone(path["managedZone"]), path["name"].lower()
        found = await zone.records.get(name, path["type"]) if zone.holds(name) else None
        if found is None:
            named = f"{path['name']} ({path['type']})"
            raise failed(404, "notFound", f"The 'parameters.name' resource named '{named}' does not exist.")
        return shown(found)

    async def create_change(self, request: Request, path: dict) -> dict:
        """Deletions, exact, then additions; all of it, or nothing."""
        zone, body = self.zone(path["managedZone"]), json.loads(request.body)
        if not body.get("additions") and not body.get("deletions"):
            raise failed(400, "required", "The 'entity.change' parameter is required but was missing.")
        planned: dict[tuple[str, str], RecordSet] = {}
        for at, given in enumerate(body.get("deletions", [])):
            asked, place = self.wanted(request, zone, given, f"deletions[{at}]"), f"entity.change.deletions[{at}]"
            now = await zone.records.get(asked.name, asked.type)
            if now is None:
                message = f"The '{place}' resource named '{asked.name} ({asked.type})' does not exist."
                raise failed(404, "notFound", message)
            if (now.ttl, sorted(now.contents)) != (asked.ttl, sorted(asked.contents)):
                raise failed(412, "conditionNotMet", f"Precondition not met for '{place}'")
            planned[asked.name, asked.type] = RecordSet(asked.name, asked.type, asked.ttl)
        for at, given in enumerate(body.get("additions", [])):
            asked = self.wanted(request, zone, given, f"additions[{at}]")
            key = (asked.name, asked.type)
            now = planned[key] if key in planned else await zone.records.get(*key)
            if now is not None and now.contents:
                message = (
                    f"The resource 'entity.change.additions[{at}]' named '{asked.name} ({asked.type})' already exists"
                )
                raise failed(409, "alreadyExists", message)
            planned[key] = asked
        for records in planned.values():
            await zone.put(records)
        change_id = str(len(self.changes) + 1)
        change = {
            "kind": "dns#change",
            "id": change_id,
            "isServing": False,
            "startTime": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **{side: body[side] for side in ("additions", "deletions") if body.get(side)},
        }
        self.changes[zone.id, change_id] = change
        return {**change, "status": "pending"}

    async def get_change(self, request: Request, path: dict) -> dict:
        zone, change_id = self.zone(path["managedZone"]), path["changeId"]
        change = self.changes.get((zone.id, change_id))
        if change is None:
            raise failed(404, "notFound", f"The 'parameters.changeId' resource named '{change_id}' does not exist.")
        pending = self.faults.take(request, only="pending")
        return {**change, "status": "pending" if pending else "done", "isServing": not pending}

    def wanted(self, request: Request, zone: Zone, given: dict, at: str) -> RecordSet:
        name, ttl, rrdatas = str(given.get("name", "")).lower(), given.get("ttl", 0), given.get("rrdatas", [])
        place = f"entity.change.{at}"
        if not zone.holds(name):
            raise failed(400, "invalid", f"Invalid value for '{place}.name': '{given.get('name')}'")
        if given.get("type") != "TXT":
            self.violation(request, f"{at}: {given.get('type')} is not for a DNS-01 provider")
            raise failed(403, "forbidden", "Permission denied.")
        if not isinstance(ttl, int) or not 0 <= ttl <= 2147483647:
            raise failed(400, "invalid", f"Invalid value for '{place}.ttl': '{ttl}'")
        if not rrdatas:
            raise failed(400, "invalid", f"Invalid value for '{place}.rrdata[0]': ''")
        contents = []
        for row, rrdata in enumerate(rrdatas):
            try:
                # One without quotes is taken, and answered with them from then on.
                contents.append(txt.normal(rrdata))
            except txt.BadText as error:
                raise failed(400, "invalid", f"Invalid value for '{place}.rrdata[{row}]': '{rrdata}'") from error
        if len(set(contents)) != len(contents):
            raise failed(400, "invalid", f"Invalid value for '{place}.rrdata': duplicate")
        return RecordSet(name, "TXT", ttl, contents)

    def zone(self, named: str) -> Zone:
        """By name or by number."""
        for zone in self.zones.of(self.name):
            if named in (zone.id, str(zone.number)):
                return zone
        message = f"The 'parameters.managedZone' resource named '{named}' does not exist."
        raise failed(404, "notFound", message)

    def paged(self, request: Request, found: list) -> tuple[list, dict]:
        token = request.one("pageToken", "page-0").removeprefix("page-")
        if not token.isdecimal():
            raise failed(400, "invalid", "Invalid value for 'parameters.pageToken'")
        size = self.zones.page(self.name, min(int(request.one("maxResults", "100")) or 100, 1000))
        end = int(token) + size
        return found[int(token) : end], {"nextPageToken": f"page-{end}"} if end < len(found) else {}


def shown_zone(zone: Zone) -> dict:
    return {
        "kind": "dns#managedZone",
        "name": zone.id,
        "id": str(zone.number),
        "dnsName": zone.fqdn,
        "description": "",
        "creationTime": "2024-01-01T00:00:00.000Z",
        "visibility": "private" if zone.private else "public",
        "nameServers": ["ns-cloud-a1.googledomains.com.", "ns-cloud-a2.googledomains.com."],
    }


def shown(records: RecordSet) -> dict:
    return {
        "kind": "dns#resourceRecordSet",
        "name": records.name,
        "type": records.type,
        "ttl": records.ttl,
        "rrdatas": records.contents,
        "signatureRrdatas": [],
    }


def unauthenticated() -> Refused:
    refused = failed(
        401,
        "authError",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential.",
        status_text="UNAUTHENTICATED",
    )
    refused.response.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    return refused


def failed(status: int, reason: str, message: str, domain: str = "global", status_text: str | None = None) -> Refused:
    error = {"code": status, "message": message, "errors": [{"message": message, "domain": domain, "reason": reason}]}
    if status_text:
        error["status"] = status_text
    return Refused(Response.json(status, {"error": error}))
