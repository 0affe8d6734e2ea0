"""Proves the fakes with clients that others wrote, before any of our plugins is held against them.

    python tests/lab/prove.py --ready FILE --dns PORT [NAME...]

FILE is what a running `cloud.py`, `acme_dns.py` or `httpreq.py` left as ready.json, PORT the DNS port of its
PowerDNS; the tests `lab` start both. certbot's plugins for Cloudflare, Route 53 and Google, azure-mgmt-dns with
azure-identity, boto3, the Cloudflare SDK, google-api-python-client, pyacmedns and certbot-acme-dns run unmodified, with
their real URLs: `detour.py` leads this process's connections for those hosts to the fake's loopback port, and the
fake's root is the only one trusted.

Each proof runs by itself and no violation may be left behind by one that does not ask for it. NAME picks proofs whose
name contains it. The exit code is 1 if any fails.
"""

import argparse
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

import detour


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready", required=True, type=Path)
    parser.add_argument("--dns", required=True, type=int)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        ready = detour.enter(given.ready)
        from proofs import acme_dns, clients, descriptions, faults, httpreq, lists, refusals
        from proofs.lab import Lab

        groups = {
            "cloudflare": [clients, refusals, descriptions, lists, faults],
            "acme-dns": [acme_dns],
            "httpreq": [httpreq],
        }
        lab = Lab(ready, given.dns)
        proofs = [
            proof
            for service in ready["credentials"]
            for group in groups.get(service, ())
            for name, proof in vars(group).items()
            if name.startswith("prove_")
        ]
        wanted = [proof for proof in proofs if all(name in proof.__name__ for name in given.names)]
        failed = sum(not proved(lab, proof) for proof in wanted)
    print(f"{len(wanted) - failed} of {len(wanted)} proofs hold")
    return 1 if failed or not wanted else 0


def proved(lab, proof) -> bool:
    started = time.monotonic()
    try:
        proof(lab)
        left = lab.violations()
        if left:
            raise AssertionError(f"violations: {left}")
    except Exception:
        lab.violations()
        print(f"FAILED {proof.__name__}")
        traceback.print_exc(file=sys.stdout)
        return False
    finally:
        lab.control("DELETE", "/faults")
        lab.control("DELETE", "/log")
    print(f"ok     {proof.__name__} ({time.monotonic() - started:.1f} s)")
    return True


if __name__ == "__main__":
    sys.exit(main())
