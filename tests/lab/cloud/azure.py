"""Azure DNS by the resource manager, API version 2018-05-01: public zones and TXT record sets.

Shapes: azure-mgmt-dns models; messages: recorded traffic of azure-sdk, lego, win-acme, azure-cli.
"""

import json
import time

from fake import txt
from fake.exchange import Refused, Request, Response
from fake.faults import Rule
from fake.powerdns import RecordSet
from fake.service import Service
from fake.zones import Zone

from .azure_description import operation, violations
from .entra import CLOUDS, Entra

API_VERSION = "2018-05-01"
MOST_VALUES = 20
MOST_CHARACTERS = 1024


class Azure(Service):
    name = "azure"
    hosts = tuple(CLOUDS.values())
    shapes = ("rate-limited", "server-error", "expired-token")

    def __init__(self, zones, journal, faults, credentials: dict, entra: Entra):
        super().__init__(zones, journal, faults)
        self.credentials = credentials
        self.entra = entra

    async def handle(self, request: Request) -> Response:
        self.authenticate(request)
        found = operation(request)
        if found is None:
            self.violation(request, "no such operation")
            raise failed(404, "InvalidResourceType", "The resource type could not be found.")
        name, parts = found
        self.violation(request, *violations(request, name, parts))
        self.check_version(request)
        self.check_scope(parts)
        if name == "list zones":
            return self.list_zones(request)
        zone = self.zone(parts["zoneName"], nested=name != "get zone")
        if name == "get zone":
            return Response.json(200, self.shown_zone(zone))
        if parts["recordType"].upper() != "TXT":
            self.violation(request, f"{parts['recordType']} is not for a DNS-01 provider")
            raise failed(403, "AuthorizationFailed", "The client does not have authorization to perform this action.")
        if name == "list sets":
            return await self.list_sets(request, zone)
        relative = parts["relativeRecordSetName"].lower()
        fqdn = zone.fqdn if relative == "@" else f"{relative}.{zone.fqdn}"
        if relative != "@" and (relative.endswith(".") or f"{relative}.".endswith(f".{zone.fqdn}")):
            self.violation(request, f"{relative} is not relative to {zone.name}")
        if not zone.holds(fqdn):
            raise bad_request(f"The domain name '{fqdn}' is invalid.")
        now = await zone.txt(fqdn)
        if name == "get set":
            return Response.json(200, self.shown(zone, relative, now)) if now else self.absent(relative)
        if name == "put set":
            return await self.put(request, zone, relative, fqdn, now)
        return await self.delete(request, zone, now)

    def authenticate(self, request: Request) -> None:
        if "Authorization" not in request.headers:
            raise unauthorized("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        token = self.entra.tokens.get(request.bearer or "")
        if token is None or token.host != request.host:
            raise unauthorized("InvalidAuthenticationToken", "The access token is invalid.")
        if token.expires < time.time():
            raise unauthorized("ExpiredAuthenticationToken", "The access token expiry is earlier than current time.")

    def fault(self, rule: Rule, request: Request) -> Response:
        if rule.kind == "rate-limited":
            refused = failed(429, "TooManyRequests", "The request is being throttled.").response
            refused.headers |= {
                "Retry-After": str(rule.retry_after),
                "x-ms-ratelimit-remaining-subscription-writes": "0",
            }
            return refused
        if rule.kind == "server-error":
            return failed(rule.status, "InternalServerError", "Encountered internal server error.").response
        if rule.kind == "expired-token":
            self.entra.tokens.pop(request.bearer or "", None)
            message = "The access token expiry UTC time is earlier than current UTC time."
            return unauthorized("ExpiredAuthenticationToken", message).response
        raise AssertionError(rule.kind)

    def check_version(self, request: Request) -> None:
        version = request.one("api-version")
        if version is None:
            message = "The api-version query parameter (?api-version=) is required for all requests."
            raise failed(400, "MissingApiVersionParameter", message)
        if version != API_VERSION:
            message = f"The api-version '{version}' is invalid. The supported versions are '{API_VERSION}'."
            raise failed(400, "InvalidApiVersionParameter", message)

    def check_scope(self, parts: dict) -> None:
        subscription, group = parts["subscriptionId"], parts["resourceGroupName"]
        if subscription.lower() != self.credentials["subscription_id"]:
            message = f"The subscription '{subscription}' could not be found."
            raise failed(404, "SubscriptionNotFound", message)
        if group.lower() != self.credentials["resource_group"].lower():
            raise failed(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")

    def zone(self, name: str, nested: bool) -> Zone:
        for zone in self.zones.of(self.name):
            if zone.name == name.lower():
                return zone
        if nested:
            message = f"Can not perform requested operation on nested resource. Parent resource '{name}' not found."
            raise failed(404, "ParentResourceNotFound", message)
        message = f"The Resource 'Microsoft.Network/dnszones/{name}' was not found."
        raise failed(404, "ResourceNotFound", message)

    def list_zones(self, request: Request) -> Response:
        ordered = sorted(self.zones.of(self.name), key=lambda zone: zone.name)
        return self.paged(request, [self.shown_zone(zone) for zone in ordered])

    async def list_sets(self, request: Request, zone: Zone) -> Response:
        shown = [
            self.shown(zone, relative_to(zone, row.name), row) for row in await zone.records.all() if row.type == "TXT"
        ]
        return self.paged(request, shown)

    async def put(self, request: Request, zone: Zone, relative: str, fqdn: str, now: RecordSet | None) -> Response:
        wanted = wanted_set(request, fqdn)
        self.check_conditions(request, zone, now)
        await zone.put(wanted)
        return Response.json(200 if now else 201, self.shown(zone, relative, wanted))

    async def delete(self, request: Request, zone: Zone, now: RecordSet | None) -> Response:
        if now is None:
            return Response(204)
        self.check_conditions(request, zone, now)
        await zone.put(RecordSet(now.name, "TXT", now.ttl))
        return Response(200)

    def check_conditions(self, request: Request, zone: Zone, now: RecordSet | None) -> None:
        etag = zone.etag(now) if now else None
        for header in ("If-Match", "If-None-Match"):
            condition = request.headers.get(header)
            if condition is None:
                continue
            holds = now is not None and condition in ("*", etag)
            if holds == (header == "If-None-Match"):
                message = (
                    f"The condition '{condition}' in the {header} header was not satisfied. The current was "
                    f"'{etag or 'N/A'}'."
                )
                raise Refused(Response.json(412, {"code": "PreconditionFailed", "message": message}))

    def absent(self, relative: str) -> Response:
        message = (
            f"The resource record '{relative}' does not exist in resource group "
            f"'{self.credentials['resource_group']}' of subscription '{self.credentials['subscription_id']}'."
        )
        return Response.json(404, {"code": "NotFound", "message": message})

    def paged(self, request: Request, found: list) -> Response:
        """A page, with a link to the next one, which is to be followed as it is."""
        at, top = request.one("$skipToken", "0"), request.one("$top", "100")
        if not at.isdecimal() or not top.isdecimal():
            raise failed(400, "BadRequest", "$skipToken, $top: not a number")
        size = self.zones.page(self.name, min(int(top), 100))
        end = int(at) + size
        answer: dict = {"value": found[int(at) : end]}
        if end < len(found):
            query = f"api-version={API_VERSION}" + (f"&$top={top}" if request.one("$top") else "")
            answer["nextLink"] = f"https://{request.host}{request.raw_path}?{query}&$skipToken={end}"
        return Response.json(200, answer)

    def id_of(self, zone: Zone) -> str:
        known = self.credentials
        return (
            f"/subscriptions/{known['subscription_id']}/resourceGroups/{known['resource_group'].lower()}"
            f"/providers/Microsoft.Network/dnszones/{zone.name}"
        )

    def shown_zone(self, zone: Zone) -> dict:
        return {
            "id": self.id_of(zone),
            "name": zone.name,
            "type": "Microsoft.Network/dnszones",
            "location": "global",
            "etag": f"00000002-0000-0000-0000-{zone.number % 10**12:012d}",
            "tags": {},
            "properties": {
                "maxNumberOfRecordSets": 10000,
                "maxNumberOfRecordsPerRecordSet": None,
                "numberOfRecordSets": 2,
                "nameServers": [] if zone.private else ["ns1-01.azure-dns.com.", "ns2-01.azure-dns.net."],
                "zoneType": "Private" if zone.private else "Public",
            },
        }

    def shown(self, zone: Zone, relative: str, records: RecordSet) -> dict:
        values = [
            {"value": [part.decode("utf-8", "replace") for part in txt.strings(content)]}
            for content in records.contents
        ]
        return {
            "id": f"{self.id_of(zone)}/TXT/{relative}",
            "name": relative,
            "type": "Microsoft.Network/dnszones/TXT",
            "etag": zone.etag(records),
            "properties": {
                "fqdn": records.name,
                "TTL": records.ttl,
                "TXTRecords": values,
                "targetResource": {},
                "provisioningState": "Succeeded",
            },
        }


def wanted_set(request: Request, fqdn: str) -> RecordSet:
    """The record set of a body. Values are texts as they are: quotes in them would be part of the record."""
    try:
        properties = json.loads(request.body)["properties"]
        ttl = properties["TTL"]
        values = [[part.encode() for part in row["value"]] for row in properties["TXTRecords"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise bad_request(f"The request was invalid: {error!r} in properties.") from error
    if not isinstance(ttl, int) or not 1 <= ttl <= 2147483647:
        raise bad_request(f"The value '{ttl}' for 'TTL' is not valid. It must be from 1 to 2147483647.")
    if not values or not all(values):
        raise bad_request("The record set of type 'TXT' must contain at least one record with a value.")
    if len(values) > MOST_VALUES:
        raise bad_request(f"The record set of type 'TXT' may not contain more than {MOST_VALUES} records.")
    if any(len(part) > 255 for row in values for part in row) or any(
        sum(map(len, row)) > MOST_CHARACTERS for row in values
    ):
        raise bad_request("A value of a TXT record is too long.")
    contents = [txt.quoted(row) for row in values]
    if len(set(contents)) != len(contents):
        raise bad_request(
            "The list of record sets of type 'TXT' may not contain multiple entries with the same 'value'."
        )
    return RecordSet(fqdn, "TXT", ttl, contents)


def relative_to(zone: Zone, name: str) -> str:
    return "@" if name == zone.fqdn else name.removesuffix(f".{zone.fqdn}")


def bad_request(message: str) -> Refused:
    return Refused(Response.json(400, {"code": "BadRequest", "message": message}))


def unauthorized(code: str, message: str) -> Refused:
    refused = failed(401, code, message)
    refused.response.headers["WWW-Authenticate"] = f'Bearer error="invalid_token", error_description="{message}"'
    return refused


def failed(status: int, code: str, message: str) -> Refused:
    return Refused(Response.json(status, {"error": {"code": code, "message": message}}))
