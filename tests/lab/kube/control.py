"""How a test steers the fake: plain HTTP with JSON on a loopback port of its own.

POST /users               {name}: a new token for the user -> {token, kubeconfig}
DELETE /users/NAME        its tokens are good no more
POST, DELETE /denials     an `access.Denial`; DELETE ?user=NAME
GET, POST, DELETE /faults a `faults.Rule`; GET lists those that are not used up
GET, DELETE /log          every request so far: method, path, query, user, status, fault
GET, DELETE /writes       every change: verb, resource, namespace, name, user, manager, uid, before, after
GET /failures             mistakes of the fake itself; a test wants none
"""

import json

from aiohttp import web

from .access import Denial
from .faults import Rule
from .server import Server


class Control:
    def __init__(self, server: Server, kubeconfig):
        self.server = server
        self.kubeconfig = kubeconfig

    def app(self) -> web.Application:
        app = web.Application(middlewares=[bad_input])
        add = app.router.add_route
        add("POST", "/users", self.add_user)
        add("DELETE", "/users/{name}", self.forget_user)
        add("POST", "/denials", self.add_denial)
        add("DELETE", "/denials", self.clear_denials)
        add("GET", "/faults", self.faults)
        add("POST", "/faults", self.add_fault)
        add("DELETE", "/faults", self.clear_faults)
        add("GET", "/failures", lambda _: shown(self.server.failures))
        for path, kept in (("/log", self.server.log), ("/writes", self.server.store.writes)):
            add("GET", path, lambda _, kept=kept: shown(kept))
            add("DELETE", path, lambda _, kept=kept: cleared(kept))
        return app

    async def add_user(self, request: web.Request) -> web.Response:
        token = self.server.access.add_user((await request.json())["name"])
        return web.json_response({"token": token, "kubeconfig": self.kubeconfig(token)}, status=201)

    async def forget_user(self, request: web.Request) -> web.Response:
        self.server.access.forget_user(request.match_info["name"])
        return web.Response(status=204)

    async def add_denial(self, request: web.Request) -> web.Response:
        self.server.access.denials.append(Denial(**await request.json()))
        return web.Response(status=204)

    async def clear_denials(self, request: web.Request) -> web.Response:
        denials = self.server.access.denials
        denials[:] = [denial for denial in denials if denial.user != request.query["user"]]
        return web.Response(status=204)

    async def faults(self, _: web.Request) -> web.Response:
        return web.json_response(self.server.faults.left())

    async def add_fault(self, request: web.Request) -> web.Response:
        self.server.faults.rules.append(Rule(**await request.json()))
        return web.Response(status=204)

    async def clear_faults(self, _: web.Request) -> web.Response:
        self.server.faults.rules.clear()
        return web.Response(status=204)


async def shown(kept: list) -> web.Response:
    return web.json_response(kept)


async def cleared(kept: list) -> web.Response:
    kept.clear()
    return web.Response(status=204)


@web.middleware
async def bad_input(request: web.Request, handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (ValueError, TypeError, KeyError, json.JSONDecodeError) as error:
        return web.json_response({"error": str(error)}, status=400)
