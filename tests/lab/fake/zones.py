"""Which zones an account at a service has, and the record sets in them."""

import asyncio
import hashlib
import re
import secrets
from dataclasses import dataclass, field

from . import txt
from .powerdns import HiddenZone, LiveZone, PowerDns, RecordSet

NAME = re.compile(r"(?:[A-Za-z0-9_*-]{1,63}\.)+")


@dataclass
class Zone:
    """`name` without the last dot. `etag(name)` changes with each write that passes by this fake.

    `status` is the service's own word, where it has one: Cloudflare's is `initializing`, `pending`, `active` or
    `moved`, and it answers for zones that are `active` alone.
    """

    service: str
    name: str
    private: bool
    records: LiveZone | HiddenZone
    id: str
    number: int
    writes: dict[str, str] = field(default_factory=dict)
    status: str = "active"

    @property
    def fqdn(self) -> str:
        return f"{self.name}."

    def holds(self, name: str) -> bool:
        """Whether a text is a name, ending in a dot, in the zone."""
        inside = name == self.fqdn or name.endswith(f".{self.fqdn}")
        return inside and NAME.fullmatch(name) is not None and len(name) <= 254

    async def txt(self, name: str) -> RecordSet | None:
        return await self.records.get(name.lower(), "TXT")

    async def put(self, records: RecordSet) -> None:
        """Replaces a record set; one without contents is deleted."""
        self.writes[records.name] = secrets.token_hex(8)
        if records.contents:
            await self.records.put(records)
        else:
            await self.records.delete(records.name, records.type)

    def etag(self, records: RecordSet) -> str:
        state = [self.writes.get(records.name, ""), str(records.ttl), *sorted(records.contents)]
        digest = hashlib.sha256("\0".join(state).encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


class Zones:
    """The zones of all services. `lock` is held from the first read to the last write of one request."""

    def __init__(self, server: PowerDns):
        self.server = server
        self.all: list[Zone] = []
        self.lock = asyncio.Lock()
        # How many items a service puts on a page at most, whatever was asked for.
        self.page_size: dict[str, int] = {}

    async def add(
        self, service: str, name: str, private: bool = False, live: bool = True, status: str = "active"
    ) -> Zone:
        """A zone of an account. Those of one name that are live are the same zone to a resolver."""
        records = HiddenZone()
        if live and not private and status == "active":
            records = LiveZone(self.server, name)
            await records.create()
        zone = Zone(service, name, private, records, new_id(service), secrets.randbits(62), status=status)
        self.all.append(zone)
        return zone

    def of(self, service: str) -> list[Zone]:
        return [zone for zone in self.all if zone.service == service]

    def public(self, service: str, name: str) -> Zone | None:
        """The longest public zone that a name, ending in a dot, is in."""
        holding = [zone for zone in self.of(service) if not zone.private and zone.holds(name)]
        return max(holding, key=lambda zone: len(zone.name), default=None)

    def page(self, service: str, asked: int) -> int:
        return max(1, min(asked, self.page_size.get(service) or asked))

    async def race(self, service: str, name: str, value: str) -> None:
        """Another writer adds a TXT value."""
        name = name.rstrip(".").lower() + "."
        zone = self.public(service, name)
        if zone is None:
            raise ValueError(f"no public {service} zone holds {name}")
        found = await zone.txt(name) or RecordSet(name, "TXT", 60)
        content = txt.quoted(txt.split(value.encode()))
        if content not in found.contents:
            await zone.put(RecordSet(name, "TXT", found.ttl, [*found.contents, content]))


def reversed_labels(name: str) -> list[str]:
    """What Route 53 and Google sort by: `com.example.www.`."""
    return name.rstrip(".").split(".")[::-1]


def new_id(service: str) -> str:
    if service == "route53":
        return "Z" + secrets.token_hex(10).upper()
    if service == "google":
        return f"zone-{secrets.token_hex(4)}"
    return secrets.token_hex(16)
