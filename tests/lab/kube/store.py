"""The objects: versions, creation, update, deletion, and the log of everything that changed.

Nothing here awaits, so each request is one step for all others, as etcd's transactions make it.
"""

import base64
import copy
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from . import fields, rules
from .status import already_exists, bad_request, conflict, forbidden, modified, not_found


@dataclass(frozen=True)
class Resource:
    """A kind of object under `/api/v1`."""

    plural: str
    kind: str
    namespaced: bool


SECRETS = Resource("secrets", "Secret", True)
NAMESPACES = Resource("namespaces", "Namespace", False)
RESOURCES = {resource.plural: resource for resource in (SECRETS, NAMESPACES)}


@dataclass
class Request:
    """Who changes what, and how; `verb` is the API's word for it."""

    user: str
    verb: str
    manager: str
    dry_run: bool = False


class Store:
    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], dict] = {}
        self.version = 1000
        self.writes: list[dict] = []
        for name in ("default", "kube-system"):
            made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            self.create(NAMESPACES, None, made, Request("system", "create", "kube-apiserver"))
        self.writes.clear()

    def find(self, resource: Resource, namespace: str | None, name: str) -> dict | None:
        return self.objects.get((resource.plural, namespace or "", name))

    def get(self, resource: Resource, namespace: str | None, name: str) -> dict:
        found = self.find(resource, namespace, name)
        if found is None:
            raise not_found(resource.plural, name)
        return found

    def list(self, resource: Resource, namespace: str | None) -> list[dict]:
        kept = (item for item in self.objects.items() if item[0][0] == resource.plural)
        return [value for key, value in sorted(kept) if namespace is None or key[1] == namespace]

    def create(self, resource: Resource, namespace: str | None, given: dict, by: Request) -> dict:
        made = self.defaulted(resource, self.prepared(resource, namespace, given))
        metadata = made["metadata"]
        if "resourceVersion" in metadata:
            raise bad_request("resourceVersion should not be set on objects to be created")
        fields.track(None, made, by.manager)
        return self.insert(resource, namespace, made, by)

    def insert(self, resource: Resource, namespace: str | None, made: dict, by: Request) -> dict:
        """Takes in a new object whose managers are noted already."""
        metadata = made["metadata"]
        name = metadata.get("name", "")
        self.check_namespace(resource, namespace, name)
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": fields.now()}
        if resource is NAMESPACES:
            metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = name
            made |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        rules.check_schema(resource.kind, made)
        rules.check_object(resource.kind, made, None)
        if self.find(resource, namespace, name):
            raise already_exists(resource.plural, name)
        return self.write(resource, namespace, name, None, made, by)

    def update(
        self, resource: Resource, namespace: str | None, name: str, change: Callable[[dict], dict], by: Request
    ) -> dict:
        """Replaces an object by what `change` makes of a copy of it. A `resourceVersion` in there must be the current
        one."""
        old = self.get(resource, namespace, name)
        made = self.defaulted(resource, self.prepared(resource, namespace, change(copy.deepcopy(old))))
        if made["metadata"].get("name") != name:
            raise bad_request("the name of the object does not match the name on the URL")
        if made["metadata"].get("managedFields") == old["metadata"].get("managedFields"):
            # What was read and sent back says nothing of its own.
            made["metadata"].pop("managedFields", None)
        self.check_version(resource, made, old)
        fields.track(old, made, by.manager)
        return self.replace(resource, namespace, old, made, by)

    def apply(
        self, resource: Resource, namespace: str | None, name: str, config: dict, force: bool, by: Request
    ) -> dict:
        """Server-side apply: creates what is not there."""
        config = self.prepared(resource, namespace, config)
        if config["metadata"].get("name") != name:
            raise bad_request("the name of the object does not match the name on the URL")
        if config["metadata"].get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        old = self.find(resource, namespace, name)
        if old is None:
            given = config["metadata"].get("uid")
            if given:
                text = f"uid mismatch: the provided object specified uid {given}, and no existing object was found"
                raise conflict(resource.plural, name, text)
            made = fields.apply(None, config, by.manager, force)
            made["metadata"].pop("resourceVersion", None)
            return self.insert(resource, namespace, self.defaulted(resource, made), by)
        made = self.defaulted(resource, fields.apply(old, config, by.manager, force))
        self.check_version(resource, made, old)
        return self.replace(resource, namespace, old, made, by)

    def replace(self, resource: Resource, namespace: str | None, old: dict, made: dict, by: Request) -> dict:
        name = old["metadata"]["name"]
        for key in ("uid", "creationTimestamp", "deletionTimestamp"):
            if key in old["metadata"]:
                made["metadata"].setdefault(key, old["metadata"][key])
        if resource is NAMESPACES:
            made |= {"spec": old["spec"], "status": old["status"]}
        rules.check_schema(resource.kind, made)
        rules.check_object(resource.kind, made, old)
        made["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        if made == old:
            return old
        if made["metadata"].get("deletionTimestamp") and not made["metadata"].get("finalizers"):
            self.drop(resource, namespace, name, by)
            return made
        return self.write(resource, namespace, name, old, made, by)

    def delete(self, resource: Resource, namespace: str | None, name: str, preconditions: dict, by: Request) -> dict:
        """Answers the object; with finalizers it stays, marked."""
        old = self.get(resource, namespace, name)
        metadata = old["metadata"]
        for field, word in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            wanted = preconditions.get(field)
            if wanted is not None and wanted != metadata[field]:
                text = f"Precondition failed: {word} in precondition: {wanted}, {word} in object meta: {metadata[field]}"
                raise conflict(resource.plural, name, text)
        if metadata.get("finalizers"):
            marked = copy.deepcopy(old)
            marked["metadata"].setdefault("deletionTimestamp", fields.now())
            if resource is NAMESPACES:
                marked["status"]["phase"] = "Terminating"
            return self.write(resource, namespace, name, old, marked, by) if marked != old else old
        if by.dry_run:
            return old
        if resource is NAMESPACES:
            for inner in self.list(SECRETS, name):
                self.drop(SECRETS, name, inner["metadata"]["name"], by)
        self.drop(resource, namespace, name, by)
        return old

    def drop(self, resource: Resource, namespace: str | None, name: str, by: Request) -> None:
        if by.dry_run:
            return
        old = self.objects.pop((resource.plural, namespace or "", name))
        self.version += 1
        self.note(resource, namespace, name, old, None, by)

    def write(
        self, resource: Resource, namespace: str | None, name: str, old: dict | None, made: dict, by: Request
    ) -> dict:
        if by.dry_run:
            made["metadata"].setdefault("resourceVersion", "")
            return made
        self.version += 1
        made["metadata"]["resourceVersion"] = str(self.version)
        self.objects[resource.plural, namespace or "", name] = made
        self.note(resource, namespace, name, old, made, by)
        return made

    def note(
        self, resource: Resource, namespace: str | None, name: str, old: dict | None, new: dict | None, by: Request
    ) -> None:
        self.writes.append(
            {
                "verb": by.verb,
                "resource": resource.plural,
                "namespace": namespace or "",
                "name": name,
                "user": by.user,
                "manager": by.manager,
                "uid": (new or old)["metadata"]["uid"],
                "before": old["metadata"]["resourceVersion"] if old else None,
                "after": new["metadata"]["resourceVersion"] if new else None,
            }
        )

    def prepared(self, resource: Resource, namespace: str | None, given: dict) -> dict:
        """A copy that is of this resource and namespace, `stringData` in its place."""
        if not isinstance(given, dict) or (given.get("apiVersion"), given.get("kind")) != ("v1", resource.kind):
            raise bad_request(f"the object provided is not a v1 {resource.kind}")
        made = copy.deepcopy(given)
        metadata = made.setdefault("metadata", {}) or {}
        made["metadata"] = metadata
        if resource.namespaced and metadata.setdefault("namespace", namespace) != namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        for key in [key for key, value in metadata.items() if value is None]:
            del metadata[key]
        rules.check_schema(resource.kind, made)
        for holder, key in [(metadata, "creationTimestamp"), *((each, "time") for each in metadata.get("managedFields", []))]:
            if key in holder:
                holder[key] = fields.same_time(holder[key])
        texts = made.pop("stringData", None) or {}
        if texts:
            made["data"] = (made.get("data") or {}) | {key: encoded(text) for key, text in texts.items()}
        return made

    def defaulted(self, resource: Resource, made: dict) -> dict:
        if resource is SECRETS:
            made.setdefault("type", "Opaque")
        return made

    def check_version(self, resource: Resource, made: dict, old: dict) -> None:
        given = made["metadata"].get("resourceVersion")
        if given not in (None, "", old["metadata"]["resourceVersion"]):
            raise modified(resource.plural, old["metadata"]["name"])

    def check_namespace(self, resource: Resource, namespace: str | None, name: str) -> None:
        """Admission's NamespaceLifecycle."""
        if not resource.namespaced:
            return
        around = self.get(NAMESPACES, None, namespace or "")
        if around["status"]["phase"] == "Terminating":
            text = f"unable to create new content in namespace {namespace} because it is being terminated"
            cause = {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated"}
            raise forbidden(resource.plural, name, text, [cause | {"field": "metadata.namespace"}])


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
