"""What clients ask for before they ask for anything else: versions, discovery in its old and aggregated forms, OpenAPI v3.

The OpenAPI document is made of the published schemas; its operations say what kubectl looks for, which parameters a
patch takes.
"""

import hashlib
import json
import re

from . import rules
from .store import RESOURCES, Resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERBS = ["create", "delete", "get", "list", "patch", "update"]
VERSION = {
    "major": "1",
    "minor": "33",
    "gitVersion": "v1.33.0",
    "gitCommit": "0",
    "gitTreeState": "clean",
    "buildDate": "2025-04-23T13:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}
REVIEWS = Resource("selfsubjectaccessreviews", "SelfSubjectAccessReview", False)


def answer(path: str, accept: str) -> tuple[dict, str] | None:
    """The document at `path` and its media type; None where there is none."""
    wants_aggregated = "as=APIGroupDiscoveryList" in accept and "v=v2" in accept.replace("v=v2beta1", "")
    if path in ("/api", "/apis") and wants_aggregated:
        return AGGREGATED_DOCUMENTS[path], AGGREGATED
    document = DOCUMENTS.get(path)
    return (document, "application/json") if document else None


def resource_list(group_version: str, resources: list[Resource], verbs: list[str]) -> dict:
    items = [
        {
            "name": resource.plural,
            "singularName": resource.kind.lower(),
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": verbs,
            "shortNames": ["ns"] if resource.plural == "namespaces" else [],
        }
        for resource in resources
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": items}


def group(name: str, resources: list[Resource], verbs: list[str]) -> dict:
    """An item of the aggregated form."""
    items = [
        {
            "resource": resource.plural,
            "responseKind": {"group": name, "version": "v1", "kind": resource.kind},
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "singularResource": resource.kind.lower(),
            "verbs": verbs,
            "shortNames": ["ns"] if resource.plural == "namespaces" else [],
        }
        for resource in resources
    ]
    metadata = {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None}
    return {"metadata": metadata, "versions": [{"version": "v1", "resources": items, "freshness": "Current"}]}


def aggregated(groups: list[dict]) -> dict:
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": groups}


def openapi() -> dict:
    """OpenAPI v3 of `/api/v1`."""
    schemas: dict[str, dict] = {}
    waiting = [f"io.k8s.api.core.v1.{resource.kind}" for resource in RESOURCES.values()]
    while waiting:
        name = waiting.pop()
        if name not in schemas:
            schemas[name] = translated(rules.DEFINITIONS["$defs"][name])
            waiting += re.findall(r"#/components/schemas/([\w.]+)", json.dumps(schemas[name]))
    paths = {}
    for resource in RESOURCES.values():
        around = "/namespaces/{namespace}" if resource.namespaced else ""
        paths[f"/api/v1{around}/{resource.plural}"] = {"post": operation(resource, "post", "application/json")}
        paths[f"/api/v1{around}/{resource.plural}/{{name}}"] = {
            "put": operation(resource, "put", "application/json"),
            "patch": operation(resource, "patch", "application/apply-patch+yaml"),
        }
    info = {"title": "Kubernetes", "version": "v1.33.0"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def operation(resource: Resource, action: str, media_type: str) -> dict:
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for name in ("dryRun", "fieldManager", "fieldValidation")
    ]
    if action == "patch":
        parameters.append({"name": "force", "in": "query", "schema": {"type": "boolean", "uniqueItems": True}})
    schema = {"$ref": f"#/components/schemas/io.k8s.api.core.v1.{resource.kind}"}
    return {
        "operationId": f"{action}CoreV1{resource.kind}",
        "parameters": parameters,
        "requestBody": {"content": {media_type: {"schema": schema}}},
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": schema}}}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": "", "version": "v1", "kind": resource.kind},
    }


def translated(schema: object) -> object:
    """A published JSON Schema as OpenAPI v3 has it."""
    if isinstance(schema, list):
        return [translated(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {}
    for key, value in schema.items():
        if key == "$ref":
            result[key] = "#/components/schemas/" + value.rpartition("/")[2]
        elif key == "type" and isinstance(value, list):
            result[key] = next(each for each in value if each != "null")
        elif key != "additionalProperties" or isinstance(value, dict):
            result[key] = translated(value)
    return result


OPENAPI = openapi()
DOCUMENTS = {
    "/version": VERSION,
    "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    "/api/v1": resource_list("v1", list(RESOURCES.values()), VERBS),
    "/apis": {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {
                "name": "authorization.k8s.io",
                "versions": [{"groupVersion": "authorization.k8s.io/v1", "version": "v1"}],
                "preferredVersion": {"groupVersion": "authorization.k8s.io/v1", "version": "v1"},
            }
        ],
    },
    "/apis/authorization.k8s.io/v1": resource_list("authorization.k8s.io/v1", [REVIEWS], ["create"]),
    "/openapi/v3": {
        "paths": {
            "api/v1": {
                "serverRelativeURL": "/openapi/v3/api/v1?hash="
                + hashlib.sha256(json.dumps(OPENAPI).encode()).hexdigest().upper()
            }
        }
    },
    "/openapi/v3/api/v1": OPENAPI,
}
AGGREGATED_DOCUMENTS = {
    "/api": aggregated([group("", list(RESOURCES.values()), VERBS)]),
    "/apis": aggregated([group("authorization.k8s.io", [REVIEWS], ["create"])]),
}
