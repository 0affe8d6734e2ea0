"""What may be written: the published OpenAPI schema, and the rules that the API server has beside it.

The schema is that of Kubernetes 1.33, with no field that it does not know, from PyPI's `kubernetes-validate`. The rules
are those of `pkg/apis/core/validation` for Secrets and Namespaces and of apimachinery's `api/validation` for metadata.
"""

import base64
import binascii
import json
import re

import importlib_resources
import jsonschema
import referencing

from .status import Refused, bad_request, invalid

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")
MAX_DATA_BYTES = 1 << 20
MAX_ANNOTATION_BYTES = 256 << 10
SCHEMAS = importlib_resources.files("kubernetes_validate").joinpath("kubernetes-json-schema/v1.33.0-local-strict")

# The keys that each type of Secret must have. `pkg/apis/core/types.go`.
NEEDED = {
    "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
    "kubernetes.io/dockercfg": [".dockercfg"],
    "kubernetes.io/tls": ["tls.crt", "tls.key"],
    "kubernetes.io/ssh-auth": ["ssh-privatekey"],
}
HOLDS_JSON = {".dockerconfigjson", ".dockercfg"}


def published(file: str) -> dict:
    return json.loads(SCHEMAS.joinpath(file).read_text())


DEFINITIONS = published("_definitions.json")
REGISTRY = referencing.Resource.from_contents(DEFINITIONS) @ referencing.Registry()
VALIDATORS = {
    kind: jsonschema.Draft202012Validator(published(file), registry=REGISTRY)
    for kind, file in {
        "Secret": "secret-v1.json",
        "Namespace": "namespace-v1.json",
        "SelfSubjectAccessReview": "selfsubjectaccessreview-authorization-v1.json",
    }.items()
}


def check_schema(kind: str, value: dict) -> None:
    """Holds an object against the published schema; the real server refuses the same with other words."""
    for error in VALIDATORS[kind].iter_errors(value):
        place = ".".join(str(step) for step in error.absolute_path) or "(root)"
        raise bad_request(f'{kind} in version "v1" cannot be handled as a {kind}: {place}: {error.validator}')


def check_object(kind: str, value: dict, old: dict | None) -> None:
    """Refuses what breaks a rule, with all causes at once."""
    causes = metadata_causes(kind, value["metadata"], old)
    if kind == "Secret":
        causes += secret_causes(value, old)
    if causes:
        raise refusal(kind, value, causes)


def refusal(kind: str, value: dict, causes: list[dict]) -> Refused:
    return invalid(kind, value["metadata"].get("name", ""), causes)


def metadata_causes(kind: str, metadata: dict, old: dict | None) -> list[dict]:
    causes = []
    name, pattern, limit = metadata.get("name", ""), *((LABEL, 63) if kind == "Namespace" else (SUBDOMAIN, 253))
    if not name:
        causes.append(required("metadata.name", "name or generateName is required"))
    elif len(name) > limit or not pattern.fullmatch(name):
        form = "a lowercase RFC 1123 label" if pattern is LABEL else "a lowercase RFC 1123 subdomain"
        causes.append(bad("metadata.name", name, f"{form} must consist of lower case alphanumeric characters or '-'"))
    for field, check_values in (("labels", True), ("annotations", False)):
        for key, value in (metadata.get(field) or {}).items():
            prefix, slash, last = key.rpartition("/")
            if not QUALIFIED.fullmatch(last) or len(last) > 63 or (slash and not SUBDOMAIN.fullmatch(prefix)):
                causes.append(bad(f"metadata.{field}", key, "name part must consist of alphanumeric characters"))
            if check_values and value and (len(value) > 63 or not QUALIFIED.fullmatch(value)):
                causes.append(bad(f"metadata.{field}", value, "a valid label must be an empty string or consist of ..."))
    size = sum(len(key) + len(value) for key, value in (metadata.get("annotations") or {}).items())
    if size > MAX_ANNOTATION_BYTES:
        causes.append(too_long("metadata.annotations", MAX_ANNOTATION_BYTES))
    for field in ("uid", "name", "namespace", "creationTimestamp"):
        if old and metadata.get(field) != old["metadata"].get(field):
            causes.append(bad(f"metadata.{field}", metadata.get(field), "field is immutable"))
    return causes


def secret_causes(secret: dict, old: dict | None) -> list[dict]:
    causes, decoded = [], {}
    for key, text in (secret.get("data") or {}).items():
        if len(key) > 253 or not DATA_KEY.fullmatch(key) or key in (".", ".."):
            causes.append(bad(f"data[{key}]", key, "a valid config key must consist of alphanumeric characters"))
        try:
            decoded[key] = base64.b64decode(text or "", validate=True)
        except (binascii.Error, ValueError):
            raise bad_request(
                'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0'
            ) from None
    if sum(len(value) for value in decoded.values()) > MAX_DATA_BYTES:
        causes.append(too_long("data", MAX_DATA_BYTES))
    for key in NEEDED.get(secret["type"], ()):
        if key not in decoded:
            causes.append(required(f"data[{key}]"))
        elif key in HOLDS_JSON and not is_json(decoded[key]):
            causes.append(bad(f"data[{key}]", "<secret contents redacted>", "invalid character"))
    if secret["type"] == "kubernetes.io/basic-auth" and not decoded.keys() & {"username", "password"}:
        causes += [required("data[username]"), required("data[password]")]
    if old and secret["type"] != old["type"]:
        causes.append(bad("type", secret["type"], "field is immutable"))
    if old and old.get("immutable"):
        if not secret.get("immutable"):
            causes.append(cause("FieldValueForbidden", "immutable", "field is immutable when `immutable` is set"))
        if (secret.get("data") or {}) != (old.get("data") or {}):
            causes.append(cause("FieldValueForbidden", "data", "field is immutable when `immutable` is set"))
    return causes


def is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def cause(reason: str, field: str, message: str) -> dict:
    word = {"FieldValueForbidden": "Forbidden: "}.get(reason, "")
    return {"reason": reason, "message": f"{word}{message}", "field": field}


def required(field: str, text: str = "") -> dict:
    return cause("FieldValueRequired", field, f"Required value: {text}" if text else "Required value")


def bad(field: str, value: object, text: str) -> dict:
    return cause("FieldValueInvalid", field, f"Invalid value: {json.dumps(value)}: {text}")


def too_long(field: str, limit: int) -> dict:
    return cause("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")
