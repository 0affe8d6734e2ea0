"""How a test steers the fake: plain HTTP with JSON on a loopback port of its own.

GET, DELETE /log          every request so far: service, method, host, path, query, headers, body, status, fault
GET, DELETE /violations   [{service, request, violation}]; clearing the log leaves them
GET, POST, DELETE /faults a `faults.Rule`; GET lists those that are not used up
GET, POST /zones          {service, name, private, live, status}
GET, POST /records        TXT sets as the service sees them; POST {service, name, value} is another writer's addition
POST /page-size           {service, size}: how many items a page has at most; 0 for the service's own
"""

import json

from aiohttp import web

from .faults import Rule
from .server import Server


class Control:
    def __init__(self, server: Server):
        self.server = server

    def app(self) -> web.Application:
        app = web.Application(middlewares=[bad_input])
        add = app.router.add_route
        add("GET", "/log", self.log)
        add("DELETE", "/log", self.clear_log)
        add("GET", "/violations", self.violations)
        add("DELETE", "/violations", self.clear_violations)
        add("GET", "/faults", self.faults)
        add("POST", "/faults", self.add_fault)
        add("DELETE", "/faults", self.clear_faults)
        add("GET", "/zones", self.zones)
        add("POST", "/zones", self.add_zone)
        add("GET", "/records", self.records)
        add("POST", "/records", self.add_record)
        add("POST", "/page-size", self.page_size)
        return app

    async def log(self, _: web.Request) -> web.Response:
        return web.json_response(self.server.journal.requests)

    async def clear_log(self, _: web.Request) -> web.Response:
        self.server.journal.requests.clear()
        return web.Response(status=204)

    async def violations(self, _: web.Request) -> web.Response:
        return web.json_response(self.server.journal.violations)

    async def clear_violations(self, _: web.Request) -> web.Response:
        self.server.journal.violations.clear()
        return web.Response(status=204)

    async def faults(self, _: web.Request) -> web.Response:
        return web.json_response(self.server.faults.left())

    async def add_fault(self, request: web.Request) -> web.Response:
        rule = Rule(**await request.json())
        service = self.server.service_of(rule.host)
        if service is None:
            raise ValueError(f"host: {rule.host!r} is no service's")
        if rule.kind == "race" and self.server.zones.public(service.name, rule.name.rstrip(".") + ".") is None:
            raise ValueError(f"name: {rule.name!r} is in no public zone of {service.name}")
        if (
            rule.kind in {kind for each in self.server.services for kind in each.shapes}
            and rule.kind not in service.shapes
        ):
            raise ValueError(f"kind: {rule.kind!r} is no fault of {rule.host}")
        self.server.faults.add(rule)
        return web.Response(status=204)

    async def clear_faults(self, _: web.Request) -> web.Response:
        self.server.faults.clear()
        return web.Response(status=204)

    async def zones(self, _: web.Request) -> web.Response:
        return web.json_response(
            [
                {
                    "service": zone.service,
                    "name": zone.name,
                    "private": zone.private,
                    "id": zone.id,
                    "number": str(zone.number),
                }
                for zone in self.server.zones.all
            ]
        )

    async def add_zone(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.check_service(body)
        zone = await self.server.zones.add(**body)
        return web.json_response({"id": zone.id, "number": str(zone.number)}, status=201)

    async def records(self, _: web.Request) -> web.Response:
        return web.json_response(
            [
                {
                    "service": zone.service,
                    "zone": zone.name,
                    "zone_id": zone.id,
                    "private": zone.private,
                    "name": found.name,
                    "ttl": found.ttl,
                    "contents": found.contents,
                }
                for zone in self.server.zones.all
                for found in await zone.records.all()
                if found.type == "TXT"
            ]
        )

    async def add_record(self, request: web.Request) -> web.Response:
        async with self.server.zones.lock:
            await self.server.zones.race(**await request.json())
        return web.Response(status=204)

    async def page_size(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.check_service(body)
        self.server.zones.page_size[body["service"]] = int(body["size"])
        return web.Response(status=204)

    def check_service(self, body: dict) -> None:
        names = [service.name for service in self.server.services]
        if body.get("service") not in names:
            raise ValueError(f"service: {body.get('service')!r} is none of {', '.join(names)}")


@web.middleware
async def bad_input(request: web.Request, handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (ValueError, TypeError, KeyError, json.JSONDecodeError) as error:
        return web.json_response({"error": str(error)}, status=400)
