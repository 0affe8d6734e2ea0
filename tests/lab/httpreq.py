"""A receiver of lego's httpreq, as one writes it to hang one's own DNS behind lego, or behind our webhook provider.

    POWERDNS_API_KEY=... python tests/lab/httpreq.py --powerdns http://127.0.0.1:PORT --folder DIR

The protocol (https://go-acme.github.io/lego/dns/httpreq/): POST ENDPOINT/present and ENDPOINT/cleanup with
{"fqdn", "value"}, or in RAW mode {"domain", "token", "keyAuth"}; optional Basic authentication; 2xx is success. lego
itself proved this receiver (`lab::httpreq`).

What a caller must bring is said by the endpoint, `https://hooks.example.test/WHAT`, where WHAT is words joined by `+`:

| word | asks for |
|---|---|
| `open` | nothing |
| `basic` | `Authorization: Basic` with `username` and `password` |
| `bearer` | `Authorization: Bearer` with `token` |
| `signed` | `X-Bursar-Signature: t=UNIX,v1=HEX`, the HMAC-SHA256 of "t.body" by `hmac_key`, from within 5 minutes |
| `raw` | a body in RAW mode; without it one in default mode |

The credentials are in the ready file. Both operations are idempotent; cleanup takes its own value and no other. A
request that is authenticated but not as lego sends it (method, path, Content-Type, fields) is a violation.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time

from fake import txt
from fake.exchange import Refused, Request, Response
from fake.faults import Faults, Rule
from fake.journal import Journal
from fake.powerdns import RecordSet
from fake.process import run
from fake.service import Service
from fake.zones import Zones

HOST = "hooks.example.test"
WORDS = {"open", "basic", "bearer", "signed", "raw"}
OLDEST_SECONDS = 300
TTL_SECONDS = 60


class HttpReq(Service):
    name = "httpreq"
    hosts = (HOST, "localhost")
    shapes = ("rate-limited", "server-error")

    def __init__(self, zones: Zones, journal: Journal, faults: Faults, credentials: dict):
        super().__init__(zones, journal, faults)
        self.credentials = credentials

    async def handle(self, request: Request) -> Response:
        found = re.fullmatch(r"/([a-z+]+)/(present|cleanup)", request.raw_path)
        words = set(found[1].split("+")) if found else set()
        if not found or words - WORDS:
            self.violation(request, "no such endpoint")
            raise failed(404, "no such endpoint")
        if request.method != "POST":
            self.violation(request, f"{request.method}, not POST")
            raise failed(405, "POST only")
        self.authenticate(request, words)
        name, value = self.record(request, raw="raw" in words)
        zone = self.zones.public(self.name, name)
        if zone is None:
            raise failed(422, f"no zone of ours holds {name}")
        content = txt.quoted(txt.split(value.encode()))
        now = await zone.txt(name) or RecordSet(name, "TXT", TTL_SECONDS)
        rest = [each for each in now.contents if each != content]
        wanted = [*rest, content] if found[2] == "present" else rest
        if sorted(wanted) != sorted(now.contents):
            await zone.put(RecordSet(name, "TXT", now.ttl, wanted))
        return Response.json(200, {})

    def fault(self, rule: Rule, request: Request) -> Response:
        if rule.kind == "rate-limited":
            refused = failed(429, "slow down").response
            refused.headers["Retry-After"] = str(rule.retry_after)
            return refused
        return failed(rule.status, "not now").response

    def authenticate(self, request: Request, words: set[str]) -> None:
        known = self.credentials
        if "basic" in words:
            pair = f"{known['username']}:{known['password']}".encode()
            wanted = f"Basic {base64.b64encode(pair).decode()}"
            if not same(request.headers.get("Authorization", ""), wanted):
                raise failed(401, "Basic authentication needed")
        if "bearer" in words and not same(request.bearer or "", known["token"]):
            raise failed(401, "a bearer token is needed")
        if "signed" in words:
            self.check_signature(request)

    def check_signature(self, request: Request) -> None:
        found = re.fullmatch(r"t=(\d{1,12}),v1=([0-9a-f]{64})", request.headers.get("X-Bursar-Signature", ""))
        if not found:
            raise failed(401, "X-Bursar-Signature is missing or not of the form t=UNIX,v1=HEX")
        signed = found[1].encode() + b"." + request.body
        wanted = hmac.new(self.credentials["hmac_key"].encode(), signed, hashlib.sha256).hexdigest()
        if not same(found[2], wanted):
            raise failed(401, "X-Bursar-Signature does not match")
        if abs(time.time() - int(found[1])) > OLDEST_SECONDS:
            raise failed(401, "X-Bursar-Signature is too old")

    def record(self, request: Request, raw: bool) -> tuple[str, str]:
        """Name, ending in a dot, and value."""
        fields = {"domain", "token", "keyAuth"} if raw else {"fqdn", "value"}
        if request.headers.get("Content-Type", "").partition(";")[0] != "application/json":
            self.violation(request, "the Content-Type is not application/json")
        try:
            body = json.loads(request.body)
        except ValueError as error:
            raise failed(400, f"the body is not JSON: {error}") from error
        if (
            not isinstance(body, dict)
            or set(body) != fields
            or not all(isinstance(each, str) for each in body.values())
        ):
            self.violation(request, f"the body is not of {sorted(fields)}")
            raise failed(400, f"the body must have {sorted(fields)}, all texts")
        if not raw:
            if not body["fqdn"].endswith("."):
                self.violation(request, "fqdn has no dot at its end")
            return body["fqdn"].lower().rstrip(".") + ".", body["value"]
        # RFC 8555 section 8.4.
        digest = hashlib.sha256(body["keyAuth"].encode()).digest()
        return f"_acme-challenge.{body['domain'].lower()}.", base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def failed(status: int, message: str) -> Refused:
    return Refused(Response.json(status, {"error": message}))


def build(zones: Zones, journal: Journal, faults: Faults) -> tuple[list[Service], dict]:
    credentials = {
        "username": "bursar",
        "password": secrets.token_urlsafe(24),
        "token": secrets.token_urlsafe(30),
        "hmac_key": secrets.token_urlsafe(32),
    }
    return [HttpReq(zones, journal, faults, credentials)], {"httpreq": credentials}


if __name__ == "__main__":
    run(build, [{"service": "httpreq", "name": name} for name in ("example.test", "sub.example.test")])
