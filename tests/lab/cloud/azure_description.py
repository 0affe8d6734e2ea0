"""Checks a request against azure-mgmt-dns: its request builders for method, path, query and conditions, and its models'
attribute maps for the body.
"""

import inspect
import json
import re
from urllib.parse import parse_qsl, urlsplit

from azure.mgmt.dns import models
from azure.mgmt.dns.operations import _record_sets_operations as record_sets
from azure.mgmt.dns.operations import _zones_operations as zones

from fake.exchange import Request

NAMES = {
    "subscriptionId": "subscription_id",
    "resourceGroupName": "resource_group_name",
    "zoneName": "zone_name",
    "recordType": "record_type",
    "relativeRecordSetName": "relative_record_set_name",
}
# A path's fixed parts are compared without regard to case by Azure.
ZONES = (
    r"/subscriptions/(?P<subscriptionId>[^/]+)/resourceGroups/(?P<resourceGroupName>[^/]+)"
    r"/providers/Microsoft\.Network/dnsZones"
)
ZONE = rf"{ZONES}/(?P<zoneName>[^/]+)"
SETS = rf"{ZONE}/(?P<recordType>[A-Za-z]+)"
SET = rf"{SETS}/(?P<relativeRecordSetName>[^/]+)"
OPERATIONS = {
    "list zones": ("GET", ZONES, zones.build_list_by_resource_group_request),
    "get zone": ("GET", ZONE, zones.build_get_request),
    "list sets": ("GET", SETS, record_sets.build_list_by_type_request),
    "get set": ("GET", SET, record_sets.build_get_request),
    "put set": ("PUT", SET, record_sets.build_create_or_update_request),
    "delete set": ("DELETE", SET, record_sets.build_delete_request),
}


def operation(request: Request) -> tuple[str, dict] | None:
    """The operation by the path, and the path's parts by their Azure names."""
    for name, (method, pattern, _) in OPERATIONS.items():
        found = re.fullmatch(pattern, request.path, re.IGNORECASE)
        if found and method == request.method:
            return name, found.groupdict()
    return None


def violations(request: Request, name: str, parts: dict) -> list[str]:
    return [*query_violations(request, name, parts), *body_violations(request, name)]


def query_violations(request: Request, name: str, parts: dict):
    builder = OPERATIONS[name][2]
    taken = inspect.signature(builder).parameters
    given = {NAMES[part]: text for part, text in parts.items()}
    optional = {"$top": "top", "$recordsetnamesuffix": "recordsetnamesuffix", "$skipToken": None, "api-version": None}
    for parameter, text in request.query:
        argument = optional.get(parameter, "")
        if argument == "" or argument and argument not in taken:
            yield f"the operation takes no query {parameter}"
        elif argument == "top" and not text.isdecimal():
            yield f"$top: {text!r} is not a number"
        elif argument:
            given[argument] = int(text) if argument == "top" else text
    conditions = {"If-Match": "if_match", "If-None-Match": "if_none_match"}
    for header, argument in conditions.items():
        if header in request.headers:
            if argument in taken:
                given[argument] = request.headers[header]
            else:
                yield f"the operation takes no {header}"
    expected = urlsplit(builder(**given).url)
    if expected.path != request.raw_path:
        yield f"the SDK's path is {expected.path}"
    sent = [(key, value) for key, value in request.query if key != "$skipToken"]
    if sorted(sent) != sorted(parse_qsl(expected.query)):
        yield f"the SDK's query is {expected.query}"


def body_violations(request: Request, name: str):
    if name != "put set":
        if request.body:
            yield "the operation takes no body"
        return
    if request.headers.get("Content-Type", "").partition(";")[0] != "application/json":
        yield "the Content-Type is not application/json"
    try:
        body = json.loads(request.body)
    except ValueError as error:
        yield f"the body is not JSON: {error}"
        return
    yield from model_violations(models.RecordSet, body, "")


def model_violations(model: type, given: object, at: str):
    """Everything that the model does not have, marks as read-only, or has of another type."""
    if not isinstance(given, dict):
        yield f"{at or '/'}: not an object"
        return
    flat = {path: text for path, text in flattened(given)}
    attributes = {entry["key"]: (name, entry["type"]) for name, entry in model._attribute_map.items()}
    for path, value in flat.items():
        if path not in attributes:
            yield f"{at}/{path.replace('.', '/')}: {model.__name__} has no such member"
            continue
        attribute, kind = attributes[path]
        place = f"{at}/{path.replace('.', '/')}"
        if model._validation.get(attribute, {}).get("readonly"):
            yield f"{place}: read-only"
        yield from type_violations(kind, value, place)


def flattened(given: dict):
    """A dot in an attribute's key stands for nesting; only `properties` nests."""
    for key, value in given.items():
        if key == "properties" and isinstance(value, dict):
            yield from ((f"properties.{inner}", each) for inner, each in value.items())
        else:
            yield key, value


def type_violations(kind: str, value: object, at: str):
    if kind == "int" and (not isinstance(value, int) or isinstance(value, bool)):
        yield f"{at}: not a whole number"
    elif kind == "str" and not isinstance(value, str):
        yield f"{at}: not text"
    elif kind.startswith("["):
        if not isinstance(value, list):
            yield f"{at}: not a list"
            return
        for index, each in enumerate(value):
            yield from type_violations(kind[1:-1], each, f"{at}/{index}")
    elif kind.startswith("{"):
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            yield f"{at}: not an object of texts"
    elif kind not in ("int", "str"):
        yield from model_violations(getattr(models, kind), value, at)
