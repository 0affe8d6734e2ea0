"""One fake of four cloud DNS APIs: Cloudflare, Route 53 (with STS), Azure DNS (with Entra ID), Google Cloud DNS.

    POWERDNS_API_KEY=... python tests/lab/cloud.py --powerdns http://127.0.0.1:PORT --folder DIR [--zones FILE]

No usable emulator exists for three of them, and the one for Route 53 (moto) lets wrong requests pass. This one takes
each request apart with the vendor's own library, keeps the records in a real PowerDNS, where a resolver finds them, and
is itself proved by independent clients (`prove.py`) before any of our plugins meets it.

A TLS server on a free loopback port answers for the real host names, by the Host header; the certificate is of a
private root. When it is ready, DIR/ready.json (mode 0600) says {port, control, root, credentials}: the TLS port, the
control port (`cloud/control.py`), the root's PEM file, credentials for each vendor. FILE is a list of
{vendor, name, private, live}; without one it is `ZONES` below.

What each request goes through, and where the rule is from:

| | authenticated by | checked against | errors and limits from |
|---|---|---|---|
| Cloudflare | the headers that the SDK sends | PyPI `cloudflare`: typed dicts and replayed methods | issues of cloudflare-go, lego, certbot |
| Route 53 | botocore.auth.SigV4Auth, recomputed | botocore, route53/2013-04-01/service-2.json | AWS documentation; issues of lego, certbot |
| STS | the same; AssumeRole is done by moto | botocore, sts/2011-06-15/service-2.json | moto, AWS documentation |
| Entra ID | the form that msal sends | msal's fields | Microsoft's list of AADSTS codes |
| Azure DNS | the bearer token issued | azure-mgmt-dns: request builders, attribute maps | recordings of azure-sdk; issues of azure-cli, win-acme |
| Google token | google.auth.jwt.decode, `aud` fixed | google-auth's form | Google's OAuth documentation |
| Google Cloud DNS | the bearer token issued, its scopes | discovery_cache/documents/dns.v1.json | issues of certbot, external-dns, octodns |

What is not described is answered as the vendor would, and noted as a violation, which a test wants none of.

| | Cloudflare | Route 53 | Azure DNS | Google Cloud DNS |
|---|---|---|---|---|
| a record is | one value with an id | a set | a set with an etag | a set |
| TXT content | echoed as sent, quoted or not | refused without quotes | texts, without quotes | taken without quotes, shown with them |
| value is there already | 400, 81058 | UPSERT takes it, CREATE 400 | twice in one set 400 | addition to an existing set 409 alreadyExists |
| gone already | 404, 81044 | 400 InvalidChangeBatch | DELETE 204, GET 404 | 404 notFound |
| overtaken | cannot be | DELETE: 400 InvalidChangeBatch; UPSERT wins silently | 412 PreconditionFailed | 412 conditionNotMet |
| TTL, seconds | 1 or 60 to 86400, else 400, 9021 | DELETE must name the same | from 1 | deletion must name the same |
| page | per_page 20 (50 at most) for zones | 100; lists start at a name, and go on past it | 100, nextLink | 100, nextPageToken |
| private zones | none | beside the public one of the name | zoneType Private | listed before the public one |
| a change | is there at once | PENDING, then INSYNC | Succeeded | pending, then done |
| bad credentials | 403 9109 or 10000, 403 9103, 400 6003 or 9106 | 403 SignatureDoesNotMatch, InvalidClientTokenId | 401 InvalidAuthenticationToken | 401 authError |
| throttled | 429, 971, Retry-After | 400 Throttling, 400 PriorRequestNotComplete | 429, Retry-After | 403 rateLimitExceeded, quotaExceeded; 429 |

Faults (`cloud/faults.py`) bring out the last row and more: server errors, an HTML page, a truncated answer, a closed
connection, a token that expires, a change that stays pending, and another writer between a client's read and write.

Messages are as near to the vendor's as the sources go; a test should look at status and code.
"""

import argparse
import asyncio
import json
import os
from pathlib import Path

from aiohttp import web
from cloud import credentials, pki
from cloud.azure import Azure
from cloud.cloudflare import Cloudflare
from cloud.control import Control
from cloud.entra import Entra
from cloud.faults import Faults
from cloud.google import Google
from cloud.google_token import GoogleToken
from cloud.journal import Journal
from cloud.powerdns import PowerDns
from cloud.route53 import Route53
from cloud.server import Server, remember_server_name
from cloud.sts import Sts
from cloud.zones import Zones


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--powerdns", required=True, help="the base URL of its API")
    parser.add_argument("--folder", required=True, type=Path, help="where ready.json and the root go")
    parser.add_argument("--zones", type=Path, help="a JSON file with the zones, instead of the usual ones")
    given = parser.parse_args()

    powerdns = PowerDns(given.powerdns, os.environ["POWERDNS_API_KEY"])
    zones, journal, faults = Zones(powerdns), Journal(), Faults()
    for zone in json.loads(given.zones.read_text()) if given.zones else ZONES:
        await zones.add(**zone)
    known = credentials.generate()
    server = Server(vendors(zones, journal, faults, known), zones, journal, faults)
    context, root = pki.server_context(given.folder)
    context.sni_callback = remember_server_name
    port = await listen(server.app(), context)
    control = await listen(Control(server).app())
    announce(given.folder / "ready.json", {"port": port, "control": control, "root": str(root), "credentials": known})
    await asyncio.Event().wait()


def vendors(zones: Zones, journal: Journal, faults: Faults, known: dict) -> list:
    keys = credentials.aws_keys(known["route53"])
    entra = Entra(zones, journal, faults, known["azure"])
    google_token = GoogleToken(zones, journal, faults, known["google"]["key_file"], known["google"].pop("public_key"))
    return [
        Cloudflare(zones, journal, faults, known["cloudflare"]),
        Route53(zones, journal, faults, keys),
        Sts(zones, journal, faults, keys, known["route53"]),
        entra,
        Azure(zones, journal, faults, known["azure"], entra),
        google_token,
        Google(zones, journal, faults, known["google"]["project"], google_token),
    ]


async def listen(app: web.Application, context=None) -> int:
    """Serves on a free loopback port, and says which."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    return runner.addresses[0][1]


def announce(file: Path, ready: dict) -> None:
    """All of it at once, for its owner alone."""
    part = file.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(ready))
    part.rename(file)


# In every account: a zone and one below it, private ones that hide or overlap them, and more than fit on a page,
# most of which sort before the ones that are wanted.
ZONES = [
    *({"vendor": vendor, "name": f"customer-{number:03}.test", "live": False}
      for vendor in ("cloudflare", "route53", "azure", "google") for number in range(120)),
    *({"vendor": vendor, "name": "example.test", "private": True} for vendor in ("route53", "google")),
    *({"vendor": vendor, "name": "corp.example.test", "private": True} for vendor in ("route53", "azure", "google")),
    *({"vendor": vendor, "name": name}
      for vendor in ("cloudflare", "route53", "azure", "google") for name in ("example.test", "sub.example.test")),
]

if __name__ == "__main__":
    asyncio.run(main())
