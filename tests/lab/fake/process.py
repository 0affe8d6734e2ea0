"""One fake as a process: its arguments, its ports, and the file that says it is ready."""

import argparse
import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from . import pki
from .control import Control
from .faults import Faults
from .journal import Journal
from .powerdns import PowerDns
from .server import Server, remember_server_name
from .service import Service
from .zones import Zones

Build = Callable[[Zones, Journal, Faults], tuple[list[Service], dict]]


def run(build: Build, usual_zones: list[dict], names: tuple[str, ...] = ()) -> None:
    """Serves until the process is ended. `build` makes the services and the credentials that clients need; `names` are
    in the certificate besides the services' hosts.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--powerdns", required=True, help="the base URL of its API")
    parser.add_argument("--folder", required=True, type=Path, help="where ready.json and the root go")
    parser.add_argument("--zones", type=Path, help="a JSON file with the zones, instead of the usual ones")
    given = parser.parse_args()
    wanted = json.loads(given.zones.read_text()) if given.zones else usual_zones
    asyncio.run(serve(given.powerdns, given.folder, wanted, build, names))


async def serve(powerdns: str, folder: Path, wanted: list[dict], build: Build, names: tuple[str, ...]) -> None:
    zones, journal, faults = Zones(PowerDns(powerdns, os.environ["POWERDNS_API_KEY"])), Journal(), Faults()
    for zone in wanted:
        await zones.add(**zone)
    services, credentials = build(zones, journal, faults)
    server = Server(services, zones, journal, faults)
    hosts = [host for service in services for host in service.hosts]
    context, root = pki.server_context(folder, [*hosts, *names])
    context.sni_callback = remember_server_name
    port = await listen(server.app(), context)
    control = await listen(Control(server).app())
    announce(
        folder / "ready.json",
        {"port": port, "control": control, "root": str(root), "hosts": hosts, "credentials": credentials},
    )
    await asyncio.Event().wait()


async def listen(app: web.Application, context=None) -> int:
    """Serves on a free loopback port, and says which."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    return runner.addresses[0][1]


def announce(file: Path, ready: dict) -> None:
    """All of it at once, for its owner alone."""
    part = file.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(ready))
    part.rename(file)
