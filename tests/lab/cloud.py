"""One fake of four cloud DNS APIs: Cloudflare, Route 53 (with STS), Azure DNS (with Entra ID), Google Cloud DNS.

    POWERDNS_API_KEY=... python tests/lab/cloud.py --powerdns http://127.0.0.1:PORT --folder DIR [--zones FILE]

No usable emulator exists for three of them, and the one for Route 53 (moto) lets wrong requests pass. This one takes
each request apart with the vendor's own library, keeps the records in a real PowerDNS, where a resolver finds them, and
is itself proved by independent clients (`prove.py`) before any of our plugins meets it.

A TLS server on a free loopback port answers for the real host names, by the Host header; the certificate is of a
private root. When it is ready, DIR/ready.json (mode 0600) says {port, control, root, hosts, credentials}: the TLS port,
the control port (`fake/control.py`), the root's PEM file, the host names, credentials for each service. FILE is a list
of {service, name, private, live}; without one it is `ZONES` below.

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

Faults (`fake/faults.py`) bring out the last row and more: server errors, an HTML page, a truncated answer, a closed
connection, a token that expires, a change that stays pending, and another writer between a client's read and write.

Messages are as near to the vendor's as the sources go; a test should look at status and code.
"""

from cloud import credentials
from cloud.azure import Azure
from cloud.cloudflare import Cloudflare
from cloud.entra import Entra
from cloud.google import Google
from cloud.google_token import GoogleToken
from cloud.route53 import Route53
from cloud.sts import Sts
from fake.faults import Faults
from fake.journal import Journal
from fake.process import run
from fake.service import Service
from fake.zones import Zones


def build(zones: Zones, journal: Journal, faults: Faults) -> tuple[list[Service], dict]:
    known = credentials.generate()
    public_key = known["google"].pop("public_key")
    keys = credentials.aws_keys(known["route53"])
    common = (zones, journal, faults)
    entra = Entra(*common, known["azure"])
    google_token = GoogleToken(*common, known["google"]["key_file"], public_key)
    services = [
        Cloudflare(*common, known["cloudflare"]),
        Route53(*common, keys),
        Sts(*common, keys, known["route53"]),
        entra,
        Azure(*common, known["azure"], entra),
        google_token,
        Google(*common, known["google"]["project"], google_token),
    ]
    return services, known


# In every account: a zone and one below it, private ones that hide or overlap them, and more than fit on a page,
# most of which sort before the ones that are wanted.
ZONES = [
    *(
        {"service": service, "name": f"customer-{number:03}.test", "live": False}
        for service in ("cloudflare", "route53", "azure", "google")
        for number in range(120)
    ),
    *({"service": service, "name": "example.test", "private": True} for service in ("route53", "google")),
    *({"service": service, "name": "corp.example.test", "private": True} for service in ("route53", "azure", "google")),
    *(
        {"service": service, "name": name}
        for service in ("cloudflare", "route53", "azure", "google")
        for name in ("example.test", "sub.example.test")
    ),
]

if __name__ == "__main__":
    run(build, ZONES, names=("*.amazonaws.com",))
