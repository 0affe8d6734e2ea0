"""Checks a request against the official Cloudflare SDK (PyPI `cloudflare`).

Twice: query and body must be of the SDK's typed dicts, nothing unknown among them; and the SDK, asked for the same
operation with the same arguments, must make the same request.
"""

import json
import re

import cloudflare
import httpx
from cloudflare.types.dns import record_create_params, record_list_params
from cloudflare.types.zones import zone_list_params
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import is_typeddict

from fake.exchange import Request

BASE = "/client/v4"


def violations(request: Request) -> list[str] | None:
    """What is not as described; None where no operation has this method and path."""
    for method, pattern, check in OPERATIONS:
        found = re.fullmatch(pattern, request.raw_path)
        if found and method == request.method:
            return check(request, *found.groups())
    return None


def zones_list(request: Request) -> list[str]:
    return compared(request, zone_list_params.ZoneListParams, {}, lambda sdk, given: sdk.zones.list(**given))


def zone_get(request: Request, zone_id: str) -> list[str]:
    return compared(request, None, {"zone_id": zone_id}, lambda sdk, given: sdk.zones.get(**given))


def records_list(request: Request, zone_id: str) -> list[str]:
    kind = record_list_params.RecordListParams
    return compared(request, kind, {"zone_id": zone_id}, lambda sdk, given: sdk.dns.records.list(**given))


def record_create(request: Request, zone_id: str) -> list[str]:
    kind = record_create_params.TXTRecord
    return compared(request, kind, {"zone_id": zone_id}, lambda sdk, given: sdk.dns.records.create(**given))


def record_get(request: Request, zone_id: str, record_id: str) -> list[str]:
    path = {"zone_id": zone_id, "dns_record_id": record_id}
    return compared(request, None, path, lambda sdk, given: sdk.dns.records.get(**given))


def record_delete(request: Request, zone_id: str, record_id: str) -> list[str]:
    path = {"zone_id": zone_id, "dns_record_id": record_id}
    return compared(request, None, path, lambda sdk, given: sdk.dns.records.delete(**given))


def compared(request: Request, kind: type | None, path: dict, call) -> list[str]:
    try:
        given = {**path, **arguments(request, kind)}
    except (ValueError, ValidationError) as error:
        return [line for line in str(error).splitlines() if "errors.pydantic.dev" not in line]
    sent: list[httpx.Request] = []

    def answer(made: httpx.Request) -> httpx.Response:
        sent.append(made)
        return httpx.Response(200, json={"success": True, "errors": [], "messages": [], "result": []})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        call(cloudflare.Cloudflare(api_token="unused", http_client=client, max_retries=0), given)
    return list(differences(request, sent[0]))


def arguments(request: Request, kind: type | None) -> dict:
    """Query and body as arguments of the SDK's method."""
    given: dict = {}
    for name, value in request.query:
        outer, dot, inner = name.partition(".")
        before = given.get(outer, {})
        if name in given or dot and (not isinstance(before, dict) or inner in before):
            raise ValueError(f"the query has {name} twice")
        if dot:
            given.setdefault(outer, {})[inner] = value
        else:
            given[name] = value
    # A float parameter is shown with a decimal point by Python only.
    for name in ("page", "per_page"):
        if name in given and not given[name].isdecimal():
            raise ValueError(f"{name}: {given[name]!r} is not a number")
        if name in given:
            given[name] = int(given[name])
    if request.method == "POST":
        if request.headers.get("Content-Type", "").partition(";")[0] != "application/json":
            raise ValueError("the Content-Type is not application/json")
        body = json.loads(request.body)
        if not isinstance(body, dict):
            raise ValueError("the body is not an object")
        given |= body
    if kind is None:
        if given:
            raise ValueError(f"the operation takes no {', '.join(given)}")
        return given
    TypeAdapter(kind).validate_python({"zone_id": "", **given} if "zone_id" in kind.__annotations__ else given)
    return given


def differences(request: Request, sdk: httpx.Request):
    if request.raw_path != sdk.url.raw_path.decode().partition("?")[0]:
        yield f"the SDK's path is {sdk.url.path}"
    if sorted(request.query) != sorted(sdk.url.params.multi_items()):
        yield f"the SDK's query is {sdk.url.query.decode()}"
    ours, theirs = json.loads(request.body or b"null"), json.loads(sdk.content or b"null")
    # The SDK sends no body with a DELETE; an empty object is what the API's documentation shows.
    if ours != theirs and not (request.method == "DELETE" and ours == {}):
        yield f"the SDK's body is {sdk.content.decode()}"


ZONE = f"{BASE}/zones/([^/]+)"
OPERATIONS = [
    ("GET", f"{BASE}/zones", zones_list),
    ("GET", ZONE, zone_get),
    ("GET", f"{ZONE}/dns_records", records_list),
    ("POST", f"{ZONE}/dns_records", record_create),
    ("GET", f"{ZONE}/dns_records/([^/]+)", record_get),
    ("DELETE", f"{ZONE}/dns_records/([^/]+)", record_delete),
]

# A typed dict says what may be there, not that nothing else may; with this it does.
for module in (record_create_params, record_list_params, zone_list_params):
    for member in vars(module).values():
        if is_typeddict(member):
            with_config(ConfigDict(extra="forbid"))(member)
