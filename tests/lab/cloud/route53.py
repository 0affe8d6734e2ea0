"""Route 53, API 2013-04-01: hosted zones, record sets, changes.

Shapes: botocore's description; messages: recorded traffic in the tests and issue trackers of lego, certbot, boto.
"""

import re
import secrets
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from fake import txt
from fake.exchange import Refused, Request, Response
from fake.faults import Rule
from fake.powerdns import RecordSet
from fake.service import Service
from fake.zones import Zone, reversed_labels

from .aws_description import Description, NotDescribed, rendered
from .sigv4 import Denied, Key, verify

NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"


class Route53(Service):
    name = "route53"
    hosts = ("route53.amazonaws.com",)
    shapes = ("throttling", "prior-request-not-complete", "rate-limited", "server-error", "expired-token")

    def __init__(self, zones, journal, faults, keys: dict[str, Key]):
        super().__init__(zones, journal, faults)
        self.keys = keys
        self.description = Description("route53")
        self.changes: dict[str, str] = {}

    async def handle(self, request: Request) -> Response:
        try:
            verify(request, self.keys, "route53", "us-east-1")
            operation, given = self.description.rest(request)
        except Denied as denied:
            raise failed(denied.code, denied.message, 403) from denied
        except NotDescribed as error:
            self.violation(request, str(error))
            raise failed("InvalidInput", str(error)) from error
        handlers = {
            "ListHostedZonesByName": self.list_zones_by_name,
            "ListHostedZones": self.list_zones,
            "GetHostedZone": self.get_zone,
            "ListResourceRecordSets": self.list_records,
            "ChangeResourceRecordSets": self.change,
            "GetChange": self.get_change,
        }
        if operation.name not in handlers:
            self.violation(request, f"{operation.name} is not for a DNS-01 provider")
            raise failed("AccessDenied", f"User is not authorized to perform: route53:{operation.name}", 403)
        answer = await handlers[operation.name](request, given)
        return Response.xml(200, rendered(operation, answer, NAMESPACE))

    def fault(self, rule: Rule, request: Request) -> Response:
        if rule.kind == "throttling":
            return failed("Throttling", "Rate exceeded").response
        if rule.kind == "prior-request-not-complete":
            message = "The request was rejected because Route 53 was still processing a prior request."
            return failed("PriorRequestNotComplete", message).response
        if rule.kind == "rate-limited":
            refused = failed("Throttling", "Rate exceeded", 429).response
            refused.headers["Retry-After"] = str(rule.retry_after)
            return refused
        if rule.kind == "server-error":
            return failed("InternalFailure", "An internal error occurred.", rule.status, "Receiver").response
        if rule.kind == "expired-token":
            found = self.keys.get(re.sub(r".*Credential=([^/]*)/.*", r"\1", request.headers.get("Authorization", "")))
            if found and found.token:
                del self.keys[found.id]
            return failed("ExpiredToken", "The security token included in the request is expired", 403).response
        raise AssertionError(rule.kind)

    async def list_zones_by_name(self, request: Request, given: dict) -> dict:
        """All zones from a name on, in the order of their labels from the right: the first need not match."""
        start = (reversed_labels(given.get("DNSName", "").lower()), given.get("HostedZoneId", ""))
        ordered = sorted(self.zones.of(self.name), key=lambda zone: (reversed_labels(zone.name), zone.id))
        rest = [zone for zone in ordered if (reversed_labels(zone.name), zone.id) >= start or not start[0][0]]
        page, following, most = self.paged(rest, given)
        answer = {
            "HostedZones": [shown_zone(zone) for zone in page],
            "DNSName": given.get("DNSName"),
            "HostedZoneId": given.get("HostedZoneId"),
            "IsTruncated": following is not None,
            "MaxItems": most,
        }
        if following:
            answer |= {"NextDNSName": following.fqdn, "NextHostedZoneId": following.id}
        return answer

    async def list_zones(self, request: Request, given: dict) -> dict:
        """In the order in which they were made, by marker."""
        rest, marker = self.zones.of(self.name), given.get("Marker")
        if marker:
            at = next((at for at, zone in enumerate(rest) if zone.id == marker), None)
            if at is None:
                raise failed("NoSuchMarker", f"The marker {marker} is unknown")
            rest = rest[at:]
        page, following, most = self.paged(rest, given)
        return {
            "HostedZones": [shown_zone(zone) for zone in page],
            "Marker": marker or "",
            "MaxItems": most,
            "IsTruncated": following is not None,
            "NextMarker": following.id if following else None,
        }

    async def get_zone(self, request: Request, given: dict) -> dict:
        return {
            "HostedZone": shown_zone(self.zone(given["Id"])),
            "DelegationSet": {"NameServers": ["ns-1.awsdns-01.com", "ns-2.awsdns-02.net"]},
        }

    async def list_records(self, request: Request, given: dict) -> dict:
        """All record sets from a name and type on: the first need not be what was asked for."""
        zone = self.zone(given["HostedZoneId"])
        name, kind = given.get("StartRecordName"), given.get("StartRecordType", "")
        if kind and not name:
            raise failed("InvalidInput", "The input is not valid: type without name")
        start = (reversed_labels(name.lower()) if name else [], kind)
        rows = sorted(await zone.records.all(), key=place)
        page, following, most = self.paged([row for row in rows if place(row) >= start], given)
        answer = {
            "ResourceRecordSets": [shown_set(row) for row in page],
            "IsTruncated": following is not None,
            "MaxItems": most,
        }
        if following:
            answer |= {"NextRecordName": following.name, "NextRecordType": following.type}
        return answer

    async def change(self, request: Request, given: dict) -> dict:
        """The whole batch, or nothing of it."""
        zone, problems = self.zone(given["HostedZoneId"]), []
        planned: dict[tuple[str, str], RecordSet] = {}
        for change in given["ChangeBatch"]["Changes"]:
            asked = wanted(change["ResourceRecordSet"], zone, problems)
            if asked is None:
                continue
            key = (asked.name, asked.type)
            now = planned.get(key) or await zone.records.get(*key)
            if now is not None and not now.contents:
                now = None
            problems += conflicts(change["Action"], asked, now)
            planned[key] = RecordSet(*key, asked.ttl) if change["Action"] == "DELETE" else asked
        if problems:
            raise failed("InvalidChangeBatch", f"[{', '.join(problems)}]")
        for records in planned.values():
            await zone.put(records)
        change_id = "C" + secrets.token_hex(10).upper()
        self.changes[change_id] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return self.shown_change(change_id, "PENDING")

    async def get_change(self, request: Request, given: dict) -> dict:
        change_id = given["Id"].removeprefix("/change/")
        if change_id not in self.changes:
            raise failed("NoSuchChange", f"A change with id {change_id} does not exist", 404)
        pending = self.faults.take(request, only="pending")
        return self.shown_change(change_id, "PENDING" if pending else "INSYNC")

    def shown_change(self, change_id: str, status: str) -> dict:
        return {"ChangeInfo": {"Id": f"/change/{change_id}", "Status": status, "SubmittedAt": self.changes[change_id]}}

    def zone(self, zone_id: str) -> Zone:
        for zone in self.zones.of(self.name):
            if zone.id == zone_id:
                return zone
        raise failed("NoSuchHostedZone", f"No hosted zone found with ID: {zone_id}", 404)

    def paged(self, rest: list, given: dict) -> tuple[list, object, str]:
        """A page, the first item of the next one, and the `MaxItems` in force."""
        asked = given.get("MaxItems", "")
        if asked and not (asked.isdecimal() and int(asked)):
            raise failed("InvalidInput", f"maxitems: {asked!r} is not a positive number")
        size = self.zones.page(self.name, min(int(asked or 100), 300))
        return rest[:size], rest[size] if len(rest) > size else None, str(size)


def wanted(given: dict, zone: Zone, problems: list[str]) -> RecordSet | None:
    """The record set of a change, None with a problem noted."""
    name = given["Name"].lower().rstrip(".") + "."
    before = len(problems)
    if not zone.holds(name):
        problems.append(f"RRSet with DNS name {name} is not permitted in zone {zone.fqdn}")
    if given["Type"] != "TXT":
        problems.append(f"{given['Type']} is not for a DNS-01 provider")
    values = [row["Value"] for row in given.get("ResourceRecords", [])]
    if not values or "TTL" not in given:
        problems.append("Invalid request: Expected both of [TTL, ResourceRecords]")
    if len(set(values)) != len(values):
        problems.append("Duplicate Resource Record")
    for value in values:
        problem = unfit(value)
        if problem:
            problems.append(f"Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''")
    if len(problems) > before:
        return None
    return RecordSet(name, "TXT", given["TTL"], [txt.normal(value) for value in values])


def unfit(value: str) -> str | None:
    """TXT values are one or more strings in quotes, each of 255 bytes at most; one without is refused."""
    if not re.fullmatch(r'"(?:[^"\\]|\\.)*"(?: "(?:[^"\\]|\\.)*")*', value):
        return "InvalidCharacterString (Value should be enclosed in quotation marks)"
    try:
        txt.strings(value)
    except txt.BadText:
        return "CharacterStringTooLong (Value is too long)"
    return None


def conflicts(action: str, asked: RecordSet, now: RecordSet | None) -> list[str]:
    shown = f"resource record set [name='{asked.name}', type='{asked.type}']"
    if action == "CREATE" and now is not None:
        return [f"Tried to create {shown} but it already exists"]
    if action == "DELETE" and now is None:
        return [f"Tried to delete {shown} but it was not found"]
    if action == "DELETE" and (now.ttl, sorted(now.contents)) != (asked.ttl, sorted(asked.contents)):
        return [f"Tried to delete {shown} but the values provided do not match the current values"]
    return []


def place(records: RecordSet) -> tuple[list[str], str]:
    return reversed_labels(records.name), records.type


def shown_zone(zone: Zone) -> dict:
    return {
        "Id": f"/hostedzone/{zone.id}",
        "Name": zone.fqdn,
        "CallerReference": f"lab-{zone.number}",
        "Config": {"PrivateZone": zone.private},
        "ResourceRecordSetCount": 2,
    }


def shown_set(records: RecordSet) -> dict:
    rows = [{"Value": content} for content in records.contents]
    return {"Name": records.name, "Type": records.type, "TTL": records.ttl, "ResourceRecords": rows}


def failed(code: str, message: str, status: int = 400, kind: str = "Sender") -> Refused:
    error = f"<Error><Type>{kind}</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    text = f'<ErrorResponse xmlns="{NAMESPACE}">{error}<RequestId>{secrets.token_hex(16)}</RequestId></ErrorResponse>'
    return Refused(Response.xml(status, text))
