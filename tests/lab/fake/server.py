"""The TLS server in front of the services: it routes by host, notes every request and does the faults."""

import sys
import traceback

from aiohttp import web
from multidict import CIMultiDict

from .exchange import Request, Response
from .faults import Faults, Rule
from .journal import Journal
from .service import Service
from .zones import Zones

HTML = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"</body>\r\n</html>\r\n"
)


class Server:
    def __init__(self, services: list[Service], zones: Zones, journal: Journal, faults: Faults):
        self.services = services
        self.zones = zones
        self.journal = journal
        self.faults = faults

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{rest:.*}", self.serve)
        return app

    def service_of(self, host: str) -> Service | None:
        return next((service for service in self.services if host in service.hosts), None)

    async def serve(self, wire: web.Request) -> web.StreamResponse:
        host, _, port = wire.host.partition(":")
        headers = CIMultiDict(wire.headers)
        request = Request(wire.method, host, wire.raw_path, headers, await wire.read())
        service = self.service_of(host)
        name = service.name if service else "none"
        entry = self.journal.open(name, request)
        if service is None:
            self.journal.violation(name, request, "no service has this host")
            return web.Response(status=421)
        if port not in ("", "443") and host != "localhost":
            self.journal.violation(name, request, f"the Host header names port {port}")
        server_name = getattr(wire.transport.get_extra_info("ssl_object"), "server_name", None)
        if server_name != host:
            self.journal.violation(name, request, f"the TLS server name is {server_name}")
        rule = self.faults.take(request)
        response = await self.respond(service, request, rule)
        self.journal.close(entry, response, rule.kind if rule else None)
        if response is None:
            wire.transport.abort()
            return web.Response(status=500)
        if rule is not None and rule.kind == "truncated":
            return await truncated(wire, response)
        return web.Response(status=response.status, body=response.body, headers=response.headers)

    async def respond(self, service: Service, request: Request, rule: Rule | None) -> Response | None:
        """The answer, None for none at all."""
        response = None
        async with self.zones.lock:
            if rule is not None and rule.kind == "race":
                await self.zones.race(service.name, rule.name, rule.value)
            if rule is None or rule.applied or rule.kind in ("race", "truncated"):
                response = await self.handled(service, request)
        if rule is None or rule.kind in ("race", "truncated"):
            return response
        if rule.kind == "reset":
            return None
        if rule.kind == "html":
            return Response(502, HTML, {"Content-Type": "text/html"})
        return service.fault(rule, request)

    async def handled(self, service: Service, request: Request) -> Response:
        try:
            return await service.answer(request)
        except Exception as error:
            # A mistake of the fake must not pass for a service's bad day.
            traceback.print_exc(file=sys.stderr)
            self.journal.violation(service.name, request, f"the fake failed: {error!r}")
            return Response(500)


async def truncated(wire: web.Request, response: Response) -> web.StreamResponse:
    half = web.StreamResponse(status=response.status, headers=response.headers)
    half.content_length = len(response.body)
    await half.prepare(wire)
    await half.write(response.body[: len(response.body) // 2])
    wire.transport.close()
    return half


def remember_server_name(tls_object, server_name: str | None, _context) -> None:
    """For `SSLContext.sni_callback`: which name the client asked for is known only here."""
    tls_object.server_name = server_name
