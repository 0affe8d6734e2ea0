"""The API over HTTP: routing, authentication, verbs, media types; and the faults on the way."""

import asyncio
import base64
import json
import re
import sys
import traceback
from dataclasses import dataclass

import yaml
from aiohttp import web

from . import discovery, patch, protobuf, rules
from .access import Access
from .faults import Faults, Rule
from .store import RESOURCES, Request, Resource, Store
from .status import Refused, bad_request, method_not_allowed, no_such_path, too_large, unsupported_media_type

MAX_BODY_BYTES = 3 << 20
PLACE = re.compile(r"/api/v1(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>secrets|namespaces)(?:/(?P<name>[^/]+))?")
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass
class Asked:
    """A request for an object or a list of them."""

    user: str
    verb: str
    resource: Resource
    namespace: str | None
    name: str
    query: dict[str, str]
    content_type: str
    body: bytes
    agent: str

    def by(self, verb: str | None = None) -> Request:
        dry_run = self.query.get("dryRun", "")
        if dry_run not in ("", "All"):
            raise bad_request(f'dryRun: Unsupported value: "{dry_run}": supported values: "All"')
        manager = self.query.get("fieldManager") or self.agent.partition("/")[0]
        return Request(self.user, verb or self.verb, manager[:128], bool(dry_run))

    def object(self) -> dict:
        return sent_object(self.content_type, self.body, "v1", self.resource.kind)


class Server:
    def __init__(self) -> None:
        self.store = Store()
        self.access = Access()
        self.faults = Faults()
        self.log: list[dict] = []
        # Mistakes of the fake itself: they must not pass for an API server's bad day.
        self.failures: list[str] = []

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2 * MAX_BODY_BYTES)
        app.router.add_route("*", "/{rest:.*}", self.serve)
        return app

    async def serve(self, wire: web.Request) -> web.StreamResponse:
        body = await wire.read()
        entry = {"method": wire.method, "path": wire.path, "query": wire.query_string, "fault": None, "status": None}
        self.log.append(entry)
        try:
            user = self.access.user(wire.headers.get("Authorization", ""))
            entry["user"] = user
            return await self.routed(wire, user, body, entry)
        except Refused as refused:
            return answered(entry, refused.code, refused.body, refused.headers)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self.failures.append(repr(error))
            return answered(entry, 500, {"error": "the fake failed"})

    async def routed(self, wire: web.Request, user: str, body: bytes, entry: dict) -> web.StreamResponse:
        if len(body) > MAX_BODY_BYTES:
            raise too_large(MAX_BODY_BYTES)
        document = discovery.answer(wire.path.rstrip("/"), wire.headers.get("Accept", ""))
        if document and wire.method == "GET":
            return answered(entry, 200, document[0], {"Content-Type": document[1]})
        if wire.path == REVIEWS and wire.method == "POST":
            rule = self.faults.take(user=user, verb="create", resource="selfsubjectaccessreviews")
            return await self.faulty(wire, entry, rule, body, None, lambda: self.review(user, wire, body))
        asked = self.asked(wire, user, body)
        place = {"namespace": asked.namespace or "", "name": asked.name}
        rule = self.faults.take(user=user, verb=asked.verb, resource=asked.resource.plural, **place)
        return await self.faulty(wire, entry, rule, body, asked, lambda: self.handled(asked))

    def asked(self, wire: web.Request, user: str, body: bytes) -> Asked:
        found = PLACE.fullmatch(wire.path)
        if found is None:
            raise no_such_path()
        resource, namespace, name = RESOURCES[found["plural"]], found["namespace"], found["name"] or ""
        if namespace and not resource.namespaced:
            raise no_such_path()
        verb = VERBS.get(wire.method) or ("get" if name else "list")
        agent = wire.headers.get("User-Agent", "")
        return Asked(user, verb, resource, namespace, name, dict(wire.query), media_type(wire), body, agent)

    async def faulty(
        self, wire: web.Request, entry: dict, rule: Rule | None, body: bytes, asked: Asked | None, handle
    ) -> web.StreamResponse:
        """The answer, or what a fault makes of it."""
        if rule is None:
            return answered(entry, *handle())
        entry["fault"] = rule.kind
        if rule.kind == "race":
            self.race(asked, rule)
            return answered(entry, *handle())
        if rule.kind == "garbage":
            status, value = handle()
            text = json.dumps(value)
            entry["status"] = status
            return web.Response(status=status, text=text[: len(text) // 2], content_type="application/json")
        if rule.applied:
            handle()
        if rule.kind == "hang":
            while wire.transport and not wire.transport.is_closing():
                await asyncio.sleep(0.05)
        if rule.kind in ("hang", "reset"):
            if wire.transport:
                wire.transport.abort()
            return web.Response(status=500)
        if rule.kind == "html":
            quoted = body.decode("utf-8", "replace")
            entry["status"] = 502
            return web.Response(status=502, text=f"<html>Bad Gateway {quoted}</html>", content_type="text/html")
        message = self.echo(asked, body) if rule.kind == "echo" else rule.message or f"ordered by the test: {rule.reason}"
        details = {"causes": rule.causes} if rule.causes else {}
        headers = {}
        if rule.retry_after:
            headers["Retry-After"] = str(rule.retry_after)
            details["retryAfterSeconds"] = rule.retry_after
        raise Refused(rule.status, rule.reason, message, details, headers)

    def race(self, asked: Asked, rule: Rule) -> None:
        for deed in rule.does:
            by = Request("somebody", "race", "somebody")
            place = (asked.resource, asked.namespace)
            if deed.get("delete"):
                self.store.delete(*place, asked.name, {}, by)
            elif "create" in deed:
                self.store.create(*place, deed["create"], by)
            else:
                change = deed["patch"]
                self.store.update(*place, asked.name, lambda old, change=change: patch.merged(old, change), by)

    def echo(self, asked: Asked, body: bytes) -> str:
        """An admission webhook's text that quotes what it must not."""
        there = self.store.find(asked.resource, asked.namespace, asked.name)
        sources = [there["data"] if there and "data" in there else {}]
        try:
            sources.append(json.loads(body).get("data") or {})
        except (ValueError, AttributeError):
            pass
        quoted = [
            f"{key} is {value} or {base64.b64decode(value).decode('utf-8', 'replace')!r}"
            for source in sources
            for key, value in source.items()
        ]
        return f'admission webhook "nosy.example.test" denied the request: {"; ".join(quoted)}'

    def handled(self, asked: Asked) -> tuple[int, dict]:
        resource, namespace, name = asked.resource, asked.namespace, asked.name
        self.access.check(asked.user, asked.verb, resource.plural, namespace or "", name)
        if asked.verb == "list":
            return 200, self.listed(asked)
        if asked.verb == "get":
            return 200, self.store.get(resource, namespace, name)
        if bool(name) == (asked.verb == "create") or (resource.namespaced and not namespace):
            raise method_not_allowed()
        if asked.verb == "create":
            return 201, self.store.create(resource, namespace, asked.object(), asked.by())
        if asked.verb == "update":
            given = asked.object()
            return 200, self.store.update(resource, namespace, name, lambda _: given, asked.by())
        if asked.verb == "patch":
            return self.patched(asked)
        options = sent_object(asked.content_type, asked.body, "v1", "DeleteOptions") if asked.body else {}
        gone = self.store.delete(resource, namespace, name, options.get("preconditions") or {}, asked.by())
        if gone["metadata"].get("finalizers") or resource.plural == "namespaces":
            return 200, gone
        details = {"name": name, "kind": resource.plural, "uid": gone["metadata"]["uid"]}
        return 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def patched(self, asked: Asked) -> tuple[int, dict]:
        resource, namespace, name = asked.resource, asked.namespace, asked.name
        if asked.content_type == patch.APPLY_PATCH:
            if not asked.query.get("fieldManager"):
                raise bad_request('PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value')
            force = asked.query.get("force", "false").lower() not in ("false", "0", "")
            there = self.store.find(resource, namespace, name)
            if there is None:
                self.access.check(asked.user, "create", resource.plural, namespace or "", name)
            try:
                config = yaml.safe_load(asked.body)
            except yaml.YAMLError:
                raise bad_request("error decoding YAML") from None
            result = self.store.apply(resource, namespace, name, config, force, asked.by("apply"))
            return (200 if there else 201), result
        if asked.query.get("force"):
            raise bad_request("force: Forbidden: may not be specified for non-apply patch")
        change = lambda old: patch.patched(asked.content_type, old, asked.body)  # noqa: E731
        return 200, self.store.update(resource, namespace, name, change, asked.by())

    def listed(self, asked: Asked) -> dict:
        if asked.query.get("watch") in ("true", "1"):
            raise method_not_allowed()
        items = self.store.list(asked.resource, asked.namespace)
        items = [item for item in items if labelled(item, asked.query.get("labelSelector", ""))]
        items = [item for item in items if has_fields(item, asked.query.get("fieldSelector", ""))]
        metadata = {"resourceVersion": str(self.store.version)}
        return {"kind": f"{asked.resource.kind}List", "apiVersion": "v1", "metadata": metadata, "items": items}

    def review(self, user: str, wire: web.Request, body: bytes) -> tuple[int, dict]:
        given = sent_object(media_type(wire), body, "authorization.k8s.io/v1", "SelfSubjectAccessReview")
        rules.check_schema("SelfSubjectAccessReview", given)
        about = given["spec"].get("resourceAttributes") or {}
        place = about.get("verb", ""), about.get("resource", ""), about.get("namespace") or ""
        return 201, given | {"status": {"allowed": not self.access.denied(user, *place)}}


def media_type(wire: web.Request) -> str:
    return wire.headers.get("Content-Type", "").partition(";")[0].strip()


def sent_object(content_type: str, body: bytes, api_version: str, kind: str) -> dict:
    """What was sent; of the kind that the address is for, where it does not say."""
    if content_type == protobuf.MEDIA_TYPE:
        return protobuf.decoded(body)
    if content_type not in ("application/json", ""):
        raise unsupported_media_type(f"the body of the request was in an unknown format: {content_type}")
    try:
        return {"apiVersion": api_version, "kind": kind} | json.loads(body)
    except (ValueError, TypeError):
        raise bad_request("the object provided is unrecognized (must be a JSON object)") from None


def labelled(item: dict, selector: str) -> bool:
    labels = item["metadata"].get("labels") or {}
    for term in filter(None, selector.split(",")):
        equation = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", term)
        if equation is None and re.search(r"[()\s]", term):
            raise bad_request(f"this selector is not known here: {term}")
        if equation is None:
            if (term.lstrip("!") in labels) == term.startswith("!"):
                return False
        elif (labels.get(equation[1]) == equation[3]) == (equation[2] == "!="):
            return False
    return True


def has_fields(item: dict, selector: str) -> bool:
    for term in filter(None, selector.split(",")):
        field, _, value = term.replace("==", "=").partition("=")
        known = {"type": item.get("type")} | {f"metadata.{key}": item["metadata"].get(key) for key in ("name", "namespace")}
        if field not in known:
            raise bad_request(f'field label not supported: "{field}"')
        if known[field] != value:
            return False
    return True


def answered(entry: dict, status: int, value: dict, headers: dict | None = None) -> web.Response:
    entry["status"] = status
    response = web.Response(status=status, body=json.dumps(value).encode(), headers=headers)
    if "Content-Type" not in (headers or {}):
        response.content_type = "application/json"
    return response
