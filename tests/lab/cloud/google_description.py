"""Checks a request against Google's discovery document of Cloud DNS v1, as googleapiclient ships it."""

import importlib.resources
import json
import re

from fake.exchange import Request

DOCUMENT = json.loads(
    importlib.resources.files("googleapiclient.discovery_cache.documents").joinpath("dns.v1.json").read_text()
)
SCOPES = frozenset(DOCUMENT["auth"]["oauth2"]["scopes"])


def method_of(request: Request) -> tuple[dict, dict] | None:
    """The method's description and the path's parameters."""
    for method in methods(DOCUMENT["resources"]):
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", method["flatPath"])
        found = re.fullmatch(f"/{pattern}", request.path)
        if found and method["httpMethod"] == request.method:
            return method, found.groupdict()
    return None


def methods(resources: dict):
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from methods(resource.get("resources", {}))


def violations(request: Request, method: dict):
    known = {**DOCUMENT["parameters"], **method["parameters"]}
    seen = set()
    for name, value in request.query:
        parameter = known.get(name)
        if parameter is None or parameter["location"] != "query":
            yield f"query: {method['id']} has no {name}"
        elif name in seen and not parameter.get("repeated"):
            yield f"query: {name} is there twice"
        elif parameter["type"] == "integer" and not value.isdecimal():
            yield f"query: {name}: {value!r} is not a number"
        elif "enum" in parameter and value not in parameter["enum"]:
            yield f"query: {name}: {value!r} is none of {parameter['enum']}"
        seen.add(name)
    if "request" not in method:
        if request.body:
            yield f"{method['id']} takes no body"
        return
    if request.headers.get("Content-Type", "").partition(";")[0] != "application/json":
        yield "the Content-Type is not application/json"
    try:
        body = json.loads(request.body)
    except ValueError as error:
        yield f"the body is not JSON: {error}"
        return
    yield from schema_violations(method["request"], body, "body")


def schema_violations(schema: dict, value: object, at: str):
    if "$ref" in schema:
        schema = DOCUMENT["schemas"][schema["$ref"]]
    kind = schema["type"]
    if kind == "object":
        if not isinstance(value, dict):
            yield f"{at}: not an object"
            return
        properties = schema.get("properties", {})
        for name, each in value.items():
            if name in properties:
                yield from schema_violations(properties[name], each, f"{at}.{name}")
            elif "additionalProperties" in schema:
                yield from schema_violations(schema["additionalProperties"], each, f"{at}.{name}")
            else:
                yield f'{at}: unknown name "{name}"'
    elif kind == "array":
        if not isinstance(value, list):
            yield f"{at}: not a list"
            return
        for index, each in enumerate(value):
            yield from schema_violations(schema["items"], each, f"{at}[{index}]")
    elif not isinstance(value, PYTHON[kind]) or isinstance(value, bool) != (kind == "boolean"):
        yield f"{at}: not a {kind}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"


PYTHON = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
