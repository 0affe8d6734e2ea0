"""A small acme-dns: https://github.com/acme-dns/acme-dns, by its documented API.

    POWERDNS_API_KEY=... python tests/lab/acme_dns.py --powerdns http://127.0.0.1:PORT --folder DIR

A last resort. The real server is a Go program that Debian, PyPI, npm and crates.io do not have, and nothing else may be
fetched by the tests. So it is written here again, and proved by two clients of others: `pyacmedns`, by the author of
acme-dns, and the one in `certbot-acme-dns` (`prove.py --acme-dns`). The records are in a real PowerDNS.

What it keeps of the original, from its README and the behaviour of version 1:

- POST /register, the body empty or {"allowfrom": [CIDR]}: 201 {username, password, fulldomain, subdomain, allowfrom};
  400 malformed_json_payload, 400 invalid_allowfrom_cidr.
- POST /update {"subdomain", "txt"} with X-Api-User and X-Api-Key: 200 {"txt"}; a wrong user, key, subdomain or client
  address is 401 forbidden, all alike; a text that is not 43 characters of base64url is 400 bad_txt.
- Each update replaces the older of two values. The same value twice therefore drives out the other one: a client that
  sends an idempotent present again loses the value it put there before.
- There is no way to delete. GET /health: 200, empty.
- Answers have a TTL of 1 second.

Credentials of the ready file: one account that is registered already.
"""

import base64
import ipaddress
import json
import re
import secrets
import uuid
from dataclasses import dataclass, field

from fake import txt
from fake.exchange import Request, Response
from fake.faults import Faults, Rule
from fake.journal import Journal
from fake.powerdns import RecordSet
from fake.process import run
from fake.service import Service
from fake.zones import Zones

HOST = "auth.example.test"
KEY = re.compile(r"[A-Za-z0-9_-]{40}")
TEXT = re.compile(r"[A-Za-z0-9_-]{43}")
SUBDOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclass
class Account:
    allowed: list[str]
    username: str = field(default_factory=lambda: str(uuid.uuid4()))
    password: str = field(default_factory=lambda: base64.urlsafe_b64encode(secrets.token_bytes(30)).decode())
    subdomain: str = field(default_factory=lambda: str(uuid.uuid4()))
    # The older one first.
    values: list[str] = field(default_factory=list)

    def shown(self) -> dict:
        return {
            "username": self.username,
            "password": self.password,
            "fulldomain": f"{self.subdomain}.{HOST}",
            "subdomain": self.subdomain,
            "allowfrom": self.allowed,
        }

    def lets(self, address: str) -> bool:
        networks = [ipaddress.ip_network(each, strict=False) for each in self.allowed]
        return not networks or any(ipaddress.ip_address(address) in network for network in networks)


class AcmeDns(Service):
    name = "acme-dns"
    hosts = (HOST, "localhost")
    shapes = ("rate-limited", "server-error")

    def __init__(self, zones: Zones, journal: Journal, faults: Faults):
        super().__init__(zones, journal, faults)
        self.accounts: dict[str, Account] = {}

    async def handle(self, request: Request) -> Response:
        handlers = {"/register": ("POST", self.register), "/update": ("POST", self.update), "/health": ("GET", healthy)}
        if request.path not in handlers:
            self.violation(request, "no such operation")
            return Response(404)
        method, handler = handlers[request.path]
        if request.method != method:
            self.violation(request, f"{request.path} is for {method}")
            return Response(405)
        return await handler(request)

    def fault(self, rule: Rule, request: Request) -> Response:
        if rule.kind == "rate-limited":
            refused = failed(429, "too_many_requests")
            refused.headers["Retry-After"] = str(rule.retry_after)
            return refused
        return failed(rule.status, "db_error")

    async def register(self, request: Request) -> Response:
        allowed = []
        if request.body:
            try:
                allowed = json.loads(request.body).get("allowfrom") or []
            except (ValueError, AttributeError):
                return failed(400, "malformed_json_payload")
        try:
            account = Account(list(allowed))
            account.lets("127.0.0.1")
        except (ValueError, TypeError):
            return failed(400, "invalid_allowfrom_cidr")
        return Response.json(201, self.add(account).shown())

    def add(self, account: Account) -> Account:
        self.accounts[account.username] = account
        return account

    async def update(self, request: Request) -> Response:
        account = self.account(request)
        try:
            body = json.loads(request.body)
            subdomain, value = body.get("subdomain", ""), body.get("txt", "")
        except (ValueError, AttributeError):
            subdomain, value = "", ""
        if account is None or account.subdomain != subdomain or not account.lets("127.0.0.1"):
            return failed(401, "forbidden")
        if not SUBDOMAIN.fullmatch(subdomain):
            return failed(400, "bad_subdomain")
        if not isinstance(value, str) or not TEXT.fullmatch(value):
            return failed(400, "bad_txt")
        if set(body) != {"subdomain", "txt"}:
            self.violation(request, f"an update has no {sorted(set(body) - {'subdomain', 'txt'})}")
        account.values = [*account.values, value][-2:]
        name = f"{subdomain}.{HOST}."
        # A record set has no value twice, although a client may have sent it twice.
        contents = [txt.quoted([each.encode()]) for each in dict.fromkeys(account.values)]
        await self.zones.public(self.name, name).put(RecordSet(name, "TXT", 1, contents))
        return Response.json(200, {"txt": value})

    def account(self, request: Request) -> Account | None:
        """The account of the user and key in the headers."""
        user, key = request.headers.get("X-Api-User", ""), request.headers.get("X-Api-Key", "")
        account = self.accounts.get(user)
        if account is None or not KEY.fullmatch(key) or not secrets.compare_digest(account.password, key):
            return None
        return account


async def healthy(_: Request) -> Response:
    return Response(200)


def failed(status: int, error: str) -> Response:
    return Response.json(status, {"error": error})


def build(zones: Zones, journal: Journal, faults: Faults) -> tuple[list[Service], dict]:
    service = AcmeDns(zones, journal, faults)
    return [service], {"acme-dns": service.add(Account([])).shown()}


if __name__ == "__main__":
    run(build, [{"service": "acme-dns", "name": HOST}])
