"""The TLS server in front of all vendors: it routes by host, notes every request and does the faults."""

import sys
import traceback

from aiohttp import web
from multidict import CIMultiDict

from .faults import Faults, Rule
from .http import Request, Response
from .journal import Journal
from .vendor import Vendor
from .zones import Zones

HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n" \
       b"</body>\r\n</html>\r\n"


class Server:
    def __init__(self, vendors: list[Vendor], zones: Zones, journal: Journal, faults: Faults):
        self.vendors = vendors
        self.zones = zones
        self.journal = journal
        self.faults = faults

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{rest:.*}", self.serve)
        return app

    def vendor_of(self, host: str) -> Vendor | None:
        return next((vendor for vendor in self.vendors if vendor.answers_for(host)), None)

    async def serve(self, wire: web.Request) -> web.StreamResponse:
        host, _, port = wire.host.partition(":")
        headers = CIMultiDict(wire.headers)
        request = Request(wire.method, host, wire.raw_path, headers, await wire.read())
        vendor = self.vendor_of(host)
        name = vendor.name if vendor else "none"
        entry = self.journal.open(name, request)
        if vendor is None:
            self.journal.violation(name, request, "no vendor has this host")
            return web.Response(status=421)
        if port not in ("", "443"):
            self.journal.violation(name, request, f"the Host header names port {port}")
        server_name = getattr(wire.transport.get_extra_info("ssl_object"), "server_name", None)
        if server_name != host:
            self.journal.violation(name, request, f"the TLS server name is {server_name}")
        rule = self.faults.take(request)
        response = await self.respond(vendor, request, rule)
        self.journal.close(entry, response, rule.kind if rule else None)
        if response is None:
            wire.transport.abort()
            return web.Response(status=500)
        if rule is not None and rule.kind == "truncated":
            return await truncated(wire, response)
        return web.Response(status=response.status, body=response.body, headers=response.headers)

    async def respond(self, vendor: Vendor, request: Request, rule: Rule | None) -> Response | None:
        """The answer, None for none at all."""
        response = None
        async with self.zones.lock:
            if rule is not None and rule.kind == "race":
                await self.zones.race(vendor.name, rule.name, rule.value)
            if rule is None or rule.applied or rule.kind in ("race", "truncated"):
                response = await self.handled(vendor, request)
        if rule is None or rule.kind in ("race", "truncated"):
            return response
        if rule.kind == "reset":
            return None
        if rule.kind == "html":
            return Response(502, HTML, {"Content-Type": "text/html"})
        return vendor.fault(rule, request)

    async def handled(self, vendor: Vendor, request: Request) -> Response:
        try:
            return await vendor.answer(request)
        except Exception as error:
            # A mistake of the fake must not pass for a vendor's bad day.
            traceback.print_exc(file=sys.stderr)
            self.journal.violation(vendor.name, request, f"the fake failed: {error!r}")
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
