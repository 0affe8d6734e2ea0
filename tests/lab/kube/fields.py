"""Who set which field: field sets, `managedFields`, and what server-side apply makes of them.

By https://kubernetes.io/docs/reference/using-api/server-side-apply/. A field is a path of steps as FieldsV1 writes them:
`f:<key>` of a map, `v:"<value>"` of a set. Labels, annotations, `data` and `spec` are granular maps, `finalizers` is a
set, all else is atomic. The `.` entries, which say who made a map, are not kept: an empty map goes away.
"""

import copy
import json
from datetime import UTC, datetime

from .status import Refused, apply_conflict, bad_request

Path = tuple[str, ...]
Managers = dict[tuple[str, str], set[Path]]

# Set by the server, owned by nobody.
SYSTEM = {
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
}
MAPS = {("f:metadata", "f:labels"), ("f:metadata", "f:annotations"), ("f:data",), ("f:spec",)}
SETS = {("f:metadata", "f:finalizers")}


def leaves(value: dict) -> dict[Path, object]:
    """Every owned field with its value."""
    found: dict[Path, object] = {}
    for key, inner in value.items():
        if key == "metadata":
            for name, part in inner.items():
                if name not in SYSTEM:
                    collect(("f:metadata", f"f:{name}"), part, found)
        elif key not in ("apiVersion", "kind", "status"):
            collect((f"f:{key}",), inner, found)
    return found


def collect(path: Path, value: object, found: dict[Path, object]) -> None:
    if value is None:
        return
    if path in MAPS and isinstance(value, dict):
        found.update({(*path, f"f:{key}"): inner for key, inner in value.items()})
    elif path in SETS and isinstance(value, list):
        found.update({(*path, f"v:{json.dumps(item)}"): item for item in value})
    else:
        found[path] = value


def assign(target: dict, path: Path, value: object) -> None:
    """Sets a field; None takes it away, and what is empty then."""
    step, rest = path[0][2:], path[1:]
    if not rest:
        if value is None:
            target.pop(step, None)
        else:
            target[step] = value
    elif rest[0].startswith("v:"):
        items = [item for item in target.get(step, []) if item != json.loads(rest[0][2:])]
        target[step] = items if value is None else [*items, value]
        if not target[step]:
            del target[step]
    else:
        inner = target.setdefault(step, {})
        assign(inner, rest, value)
        if not inner and step != "metadata":
            del target[step]


def decode(value: dict) -> Managers:
    """Fails with `Refused` where the entries are not ones."""
    managers: Managers = {}
    for entry in value.get("metadata", {}).get("managedFields") or []:
        if entry.get("fieldsType") != "FieldsV1" or entry.get("operation") not in ("Apply", "Update"):
            raise bad_request(f"metadata.managedFields: not an entry: {json.dumps(entry)[:200]}")
        managers.setdefault((entry.get("manager", ""), entry["operation"]), set()).update(paths(entry["fieldsV1"]))
    return managers


def paths(tree: dict, before: Path = ()) -> set[Path]:
    found: set[Path] = set()
    for step, inner in tree.items():
        if step != ".":
            found |= paths(inner, (*before, step)) if inner else {(*before, step)}
    return found


def encode(managers: Managers, before: dict | None, api_version: str) -> list[dict]:
    """The entries; one whose fields are the same as `before` keeps its time."""
    known = {}
    for entry in (before or {}).get("metadata", {}).get("managedFields") or []:
        known[entry.get("manager", ""), entry["operation"]] = entry
    entries = []
    for (manager, operation), fields in managers.items():
        if not fields:
            continue
        tree: dict = {}
        for path in sorted(fields):
            at = tree
            for step in path:
                at = at.setdefault(step, {})
        old = known.get((manager, operation))
        time = old["time"] if old and old["fieldsV1"] == tree else now()
        entries.append(
            {
                "manager": manager,
                "operation": operation,
                "apiVersion": api_version,
                "time": time,
                "fieldsType": "FieldsV1",
                "fieldsV1": tree,
            }
        )
    return entries


def apply(live: dict | None, config: dict, manager: str, force: bool) -> dict:
    """What server-side apply makes of `live`; refused with 409 where others own what `config` would change."""
    managers, wanted = decode(live or {}), leaves(config)
    ours, current = (manager, "Apply"), leaves(live or {})
    clashes = [
        (other, path)
        for other, fields in managers.items()
        if other != ours
        for path in sorted(fields & wanted.keys())
        if current.get(path) != wanted[path]
    ]
    if clashes and not force:
        raise refusal(clashes, config.get("apiVersion", "v1"))
    for other, path in clashes:
        managers[other].discard(path)
    result = copy.deepcopy(live) if live else {"apiVersion": config["apiVersion"], "kind": config["kind"], "metadata": {}}
    for path, value in wanted.items():
        assign(result, path, copy.deepcopy(value))
    for path in managers.get(ours, set()) - wanted.keys():
        if not any(path in fields for other, fields in managers.items() if other != ours):
            assign(result, path, None)
    for key in ("uid", "resourceVersion", "name", "namespace"):
        if key in config.get("metadata", {}):
            result["metadata"][key] = config["metadata"][key]
    managers[ours] = set(wanted)
    result["metadata"]["managedFields"] = encode(managers, live, config["apiVersion"])
    return result


def refusal(clashes: list[tuple[tuple[str, str], Path]], api_version: str) -> Refused:
    described = []
    for (manager, operation), path in clashes:
        worded = f'"{manager}" using {api_version}' if operation == "Update" else f'"{manager}"'
        described.append((worded, "".join(f".{step[2:]}" for step in path)))
    return apply_conflict(described)


def track(live: dict | None, changed: dict, manager: str) -> None:
    """Notes in `changed` that `manager` made it of `live` by a create, an update or a patch.

    Entries that the request brings along replace the old ones, as client-go's `csaupgrade` counts on; an empty list
    forgets them all.
    """
    given = changed["metadata"].get("managedFields")
    managers = decode(live or {} if given is None else changed)
    before, after = leaves(live or {}), leaves(changed)
    fresh = {path for path, value in after.items() if path not in before or before[path] != value}
    gone = before.keys() - after.keys()
    ours = (manager, "Update")
    for other, fields in managers.items():
        fields -= gone if other == ours else gone | fresh
    if fresh:
        managers.setdefault(ours, set()).update(fresh)
    changed["metadata"]["managedFields"] = encode(managers, live, changed["apiVersion"])


def now() -> str:
    return datetime.now(UTC).strftime(TIME)


def same_time(text: str) -> str:
    """The time as this server writes it: clients may send back another spelling."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime(TIME)
    except ValueError:
        raise bad_request(f"not a time: {text}") from None


TIME = "%Y-%m-%dT%H:%M:%SZ"
