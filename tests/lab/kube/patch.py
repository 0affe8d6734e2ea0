"""The four kinds of patch but server-side apply: what each makes of an object."""

import copy
import json

import jsonpatch

from .status import Refused, bad_request, invalid, unsupported_media_type

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def patched(content_type: str, value: dict, body: bytes) -> dict:
    """May raise `Refused`."""
    try:
        patch = json.loads(body)
    except ValueError:
        raise bad_request("error decoding patch: not JSON") from None
    if content_type == MERGE_PATCH:
        return merged(value, patch)
    if content_type == STRATEGIC_PATCH:
        return strategic(value, patch)
    if content_type == JSON_PATCH:
        return json_patched(value, patch)
    raise unsupported_media_type(f"the body of the request was in an unknown format: {content_type}")


def merged(value: object, patch: object) -> object:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(value) if isinstance(value, dict) else {}
    for key, inner in patch.items():
        if inner is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), inner)
    return result


def strategic(value: object, patch: object) -> object:
    """Of maps the same as a merge patch. `finalizers` is the one list with a merge strategy that Secrets have; lists
    replace each other otherwise."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(value) if isinstance(value, dict) else {}
    for key, inner in patch.items():
        if key.startswith("$setElementOrder/"):
            continue
        if key == "$deleteFromPrimitiveList/finalizers":
            result["finalizers"] = [item for item in result.get("finalizers", []) if item not in inner]
        elif key.startswith("$"):
            raise bad_request(f"the patch directive {key} is not known here")
        elif inner is None:
            result.pop(key, None)
        elif key == "finalizers":
            result[key] = list(dict.fromkeys([*result.get(key, []), *inner]))
        else:
            result[key] = strategic(result.get(key), inner)
    return result


def json_patched(value: dict, patch: object) -> dict:
    """RFC 6902."""
    try:
        return jsonpatch.apply_patch(copy.deepcopy(value), patch)
    except jsonpatch.JsonPatchTestFailed:
        raise Refused(422, "Invalid", "the server rejected our request due to an error in our request") from None
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise invalid(value["kind"], value["metadata"]["name"], [cause(error)]) from None


def cause(error: Exception) -> dict:
    return {"reason": "FieldValueInvalid", "field": "patch", "message": f"Invalid value: {type(error).__name__}"}
