"""Cloudflare's API v4, zones and DNS records.

Shapes: the SDK's response models; codes: recorded traffic in the issue trackers of cloudflare-go, lego, certbot.
"""

import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fake import txt
from fake.exchange import Refused, Request, Response
from fake.faults import Rule
from fake.powerdns import RecordSet
from fake.service import Service
from fake.zones import Zone, Zones

from .cloudflare_description import BASE, violations


@dataclass
class Record:
    """A value of a record set. `content` is as it was sent, quoted or not."""

    content: str
    ttl: int
    comment: str | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat().replace("+00:00", "Z"))


class Cloudflare(Service):
    name = "cloudflare"
    hosts = ("api.cloudflare.com",)
    shapes = ("rate-limited", "server-error", "expired-token")

    def __init__(self, zones: Zones, journal, faults, credentials: dict):
        super().__init__(zones, journal, faults)
        self.credentials = credentials
        self.records: dict[tuple[str, str, str], Record] = {}

    async def handle(self, request: Request) -> Response:
        self.authenticate(request)
        found = violations(request)
        if found is None:
            self.violation(request, "no such operation")
            raise failed(400, 7000, "No route for that URI")
        self.violation(request, *found)
        parts = request.raw_path.removeprefix(BASE).strip("/").split("/")
        if len(parts) == 1:
            return self.list_zones(request)
        zone = self.zone(request, parts[1])
        if len(parts) == 2:
            return success(self.shown_zone(zone))
        if len(parts) == 3:
            return await (self.create(request, zone) if request.method == "POST" else self.list_records(request, zone))
        return await (self.delete(zone, parts[3]) if request.method == "DELETE" else self.get(zone, parts[3]))

    def authenticate(self, request: Request) -> None:
        """A token, or the e-mail address with the global key: the headers that the SDK sends, as it sends them."""
        headers, known = request.headers, self.credentials
        if "Authorization" in headers:
            if not re.fullmatch(r"Bearer [A-Za-z0-9_-]+", headers["Authorization"]):
                chain = [{"code": 6111, "message": "Invalid format for Authorization header"}]
                raise failed(400, 6003, "Invalid request headers", error_chain=chain)
            if request.bearer != known["api_token"]:
                if request.raw_path == f"{BASE}/zones":
                    raise failed(403, 9109, "Invalid access token")
                raise failed(403, 10000, "Authentication error")
        elif "X-Auth-Key" in headers or "X-Auth-Email" in headers:
            if (headers.get("X-Auth-Email"), headers.get("X-Auth-Key")) != (known["email"], known["api_key"]):
                raise failed(403, 9103, "Unknown X-Auth-Key or X-Auth-Email")
        else:
            raise failed(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")

    def fault(self, rule: Rule, request: Request) -> Response:
        if rule.kind == "rate-limited":
            refused = failed(429, 971, "Please wait and consider throttling your request speed").response
            refused.headers["Retry-After"] = str(rule.retry_after)
            refused.headers["Ratelimit"] = f'"default";r=0;t={rule.retry_after}'
            refused.headers["Ratelimit-Policy"] = '"default";q=1200;w=300'
            return refused
        if rule.kind == "server-error":
            return failed(rule.status, 10013, "An unknown error has occurred.").response
        if rule.kind == "expired-token":
            return failed(401, 1000, "Invalid API Token").response
        raise AssertionError(rule.kind)

    def list_zones(self, request: Request) -> Response:
        name, account = request.one("name"), request.one("account.id")
        found = [zone for zone in self.zones.of(self.name) if not zone.private]
        if name is not None:
            found = [zone for zone in found if zone.name == name.lower()]
        if account is not None and account != self.credentials["account_id"]:
            found = []
        status = request.one("status")
        if status is not None:
            found = [zone for zone in found if zone.status == status]
        found.sort(key=lambda zone: zone.name)
        return self.paged(request, [self.shown_zone(zone) for zone in found], most=50, default=20)

    async def list_records(self, request: Request, zone: Zone) -> Response:
        wanted = request.one("name.exact") or request.one("name")
        content = request.one("content.exact") or request.one("content")
        kind = request.one("type", "TXT")
        shown = []
        for records in await zone.records.all():
            if records.type == "TXT" and kind == "TXT":
                shown += [self.shown(zone, records.name, record) for record in self.known(zone, records)]
        if wanted is not None:
            shown = [record for record in shown if record["name"] == wanted.lower().rstrip(".")]
        if content is not None:
            # Filters are case-insensitive by the SDK's description, and compare what was sent.
            shown = [record for record in shown if record["content"].lower() == content.lower()]
        return self.paged(request, shown, most=5_000_000, default=100)

    async def create(self, request: Request, zone: Zone) -> Response:
        body = decoded(request)
        if body.get("type") != "TXT":
            raise failed(400, 1004, "DNS Validation Error", error_chain=[{"code": 9000, "message": "Invalid type."}])
        ttl = body.get("ttl")
        if not isinstance(ttl, int) or ttl != 1 and not 60 <= ttl <= 86400:
            raise failed(400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
        fqdn = str(body.get("name", "")).lower().rstrip(".") + "."
        if not zone.holds(fqdn):
            # The API takes a name without its zone, and completes it. Ours must be complete.
            self.violation(request, f"name: {body.get('name')!r} is not a complete name in {zone.name}")
            fqdn = fqdn + zone.fqdn
        if not zone.holds(fqdn):
            raise failed(
                400, 1004, "DNS Validation Error", error_chain=[{"code": 9000, "message": "Invalid DNS name."}]
            )
        content = body.get("content")
        if not isinstance(content, str) or not content:
            chain = [{"code": 9101, "message": "Content for TXT record must not be empty."}]
            raise failed(400, 1004, "DNS Validation Error", error_chain=chain)
        normal = stored(content)
        records = await zone.txt(fqdn) or RecordSet(fqdn, "TXT", 300 if ttl == 1 else ttl)
        if normal in records.contents:
            raise failed(400, 81058, "An identical record already exists.")
        await zone.put(RecordSet(fqdn, "TXT", 300 if ttl == 1 else ttl, [*records.contents, normal]))
        record = Record(content, ttl, body.get("comment"))
        self.records[zone.id, fqdn, normal] = record
        return success(self.shown(zone, fqdn, record))

    async def get(self, zone: Zone, record_id: str) -> Response:
        records, record = await self.find(zone, record_id)
        return success(self.shown(zone, records.name, record))

    async def delete(self, zone: Zone, record_id: str) -> Response:
        records, record = await self.find(zone, record_id)
        gone = stored(record.content)
        await zone.put(RecordSet(records.name, "TXT", records.ttl, [row for row in records.contents if row != gone]))
        self.records.pop((zone.id, records.name, gone), None)
        return success({"id": record_id})

    async def find(self, zone: Zone, record_id: str) -> tuple[RecordSet, Record]:
        for records in await zone.records.all():
            if records.type == "TXT":
                for record in self.known(zone, records):
                    if record.id == record_id:
                        return records, record
        raise failed(404, 81044, "Record does not exist.")

    def known(self, zone: Zone, records: RecordSet) -> list[Record]:
        """The records of a set, those included that another writer put there."""
        listed = []
        for content in records.contents:
            key = (zone.id, records.name, txt.normal(content))
            listed.append(self.records.setdefault(key, Record(content, records.ttl)))
        return listed

    def zone(self, request: Request, zone_id: str) -> Zone:
        if not re.fullmatch("[0-9a-f]{32}", zone_id):
            message = f"Could not route to {request.raw_path}, perhaps your object identifier is invalid?"
            raise failed(404, 7003, message)
        for zone in self.zones.of(self.name):
            if zone.id == zone_id:
                return zone
        raise failed(403, 10000, "Authentication error")

    def paged(self, request: Request, found: list, most: int, default: int) -> Response:
        page, asked = number(request, "page", 1), number(request, "per_page", default)
        if not 1 <= asked <= most or page < 1:
            raise failed(400, 1004, "page, per_page: out of range")
        size = self.zones.page(self.name, asked)
        shown = found[(page - 1) * size : page * size]
        info = {
            "page": page,
            "per_page": size,
            "count": len(shown),
            "total_count": len(found),
            "total_pages": -(-len(found) // size),
        }
        return success(shown, result_info=info)

    def shown_zone(self, zone: Zone) -> dict:
        return {
            "id": zone.id,
            "name": zone.name,
            "status": zone.status,
            "paused": False,
            "type": "full",
            "development_mode": 0,
            "name_servers": ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
            "original_name_servers": None,
            "original_registrar": None,
            "original_dnshost": None,
            "created_on": "2024-01-01T00:00:00Z",
            "modified_on": "2024-01-01T00:00:00Z",
            "activated_on": None if zone.status in {"initializing", "pending"} else "2024-01-01T00:00:00Z",
            "meta": {},
            "owner": {"id": None, "type": "user", "email": None},
            "account": {"id": self.credentials["account_id"], "name": "Lab"},
            "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
            "plan": {"id": "0" * 32, "name": "Free Website"},
        }

    def shown(self, zone: Zone, name: str, record: Record) -> dict:
        return {
            "id": record.id,
            "name": name.rstrip("."),
            "type": "TXT",
            "content": record.content,
            "proxiable": False,
            "proxied": False,
            "ttl": record.ttl,
            "settings": {},
            "meta": {},
            "comment": record.comment,
            "tags": [],
            "created_on": record.created,
            "modified_on": record.created,
        }


def stored(content: str) -> str:
    """The zone file form of a content, which may come with or without its quotes."""
    try:
        if content.startswith('"'):
            return txt.normal(content)
        return txt.quoted(txt.split(content.encode()))
    except txt.BadText as error:
        chain = [{"code": 9101, "message": str(error)}]
        raise failed(400, 1004, "DNS Validation Error", error_chain=chain) from error


def number(request: Request, name: str, default: int) -> int:
    text = request.one(name, str(default))
    if not text.isdecimal():
        raise failed(400, 1004, f"{name}: {text!r} is not a number")
    return int(text)


def decoded(request: Request) -> dict:
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise failed(400, 9207, "Request body is invalid.") from error
    if not isinstance(body, dict):
        raise failed(400, 9207, "Request body is invalid.")
    return body


def success(result: object, **more: object) -> Response:
    return Response.json(200, {"result": result, "success": True, "errors": [], "messages": [], **more})


def failed(status: int, code: int, message: str, **more: object) -> Refused:
    errors = [{"code": code, "message": message, **more}]
    return Refused(Response.json(status, {"success": False, "errors": errors, "messages": [], "result": None}))
