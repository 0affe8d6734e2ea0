"""Record sets in a real PowerDNS, by its HTTP API (https://doc.powerdns.com/authoritative/http-api/zone.html)."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp

NAMESERVERS = ["ns1.lab.test.", "ns2.lab.test."]


@dataclass
class RecordSet:
    """`name` ends in a dot; `contents` are as in a zone file."""

    name: str
    type: str
    ttl: int
    contents: list[str] = field(default_factory=list)


class PowerDns:
    def __init__(self, url: str, key: str):
        self.base = f"{url}/api/v1/servers/localhost/zones"
        self.headers = {"X-API-Key": key}
        self.session: aiohttp.ClientSession | None = None

    async def call(self, method: str, path: str, body: object = None, ok: tuple[int, ...] = ()) -> dict | None:
        """One request. A status outside 2xx and `ok` is an error; the answer is None for those in `ok`."""
        if self.session is None:
            self.session = aiohttp.ClientSession()
        call = self.session.request(method, self.base + path, json=body, headers=self.headers)
        async with call as answer:
            if answer.status in ok:
                return None
            if answer.status // 100 != 2:
                raise RuntimeError(f"PowerDNS: {method} {path}: {answer.status} {await answer.text()}")
            return await answer.json() if answer.content_type == "application/json" else None


class LiveZone:
    """A zone that resolvers see."""

    def __init__(self, server: PowerDns, name: str):
        self.server = server
        self.path = f"/{name}."
        self.name = name

    async def create(self) -> None:
        """Makes it, if it is not there."""
        body = {"name": f"{self.name}.", "kind": "Native", "nameservers": NAMESERVERS}
        await self.server.call("POST", "", body, ok=(409,))

    async def get(self, name: str, kind: str) -> RecordSet | None:
        sets = await self._read("?" + urlencode({"rrset_name": name, "rrset_type": kind}))
        return next((found for found in sets if (found.name, found.type) == (name, kind)), None)

    async def all(self) -> list[RecordSet]:
        return await self._read("")

    async def put(self, records: RecordSet) -> None:
        rows = [{"content": content, "disabled": False} for content in records.contents]
        await self._patch(
            {"name": records.name, "type": records.type, "ttl": records.ttl, "changetype": "REPLACE", "records": rows}
        )

    async def delete(self, name: str, kind: str) -> None:
        await self._patch({"name": name, "type": kind, "changetype": "DELETE"})

    async def _read(self, query: str) -> list[RecordSet]:
        zone = await self.server.call("GET", self.path + query)
        return [
            RecordSet(found["name"], found["type"], found["ttl"], [row["content"] for row in found["records"]])
            for found in zone["rrsets"]
        ]

    async def _patch(self, change: dict) -> None:
        await self.server.call("PATCH", self.path, {"rrsets": [change]})


class HiddenZone:
    """A zone that no resolver sees: a private one, or one that only makes a list longer."""

    def __init__(self) -> None:
        self.sets: dict[tuple[str, str], RecordSet] = {}

    async def get(self, name: str, kind: str) -> RecordSet | None:
        return self.sets.get((name, kind))

    async def all(self) -> list[RecordSet]:
        return list(self.sets.values())

    async def put(self, records: RecordSet) -> None:
        self.sets[records.name, records.type] = records

    async def delete(self, name: str, kind: str) -> None:
        self.sets.pop((name, kind), None)
