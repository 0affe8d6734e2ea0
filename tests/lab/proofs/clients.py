"""Clients that others wrote: certbot's DNS plugins and the vendors' SDKs do their everyday work with the fake."""

import json
import os
import tempfile
from unittest import mock

from .lab import Lab

DOMAIN = "example.test"


def prove_certbot_cloudflare_with_a_token(lab: Lab) -> None:
    from certbot_dns_cloudflare._internal.dns_cloudflare import _CloudflareClient

    client = _CloudflareClient(api_token=lab.known["cloudflare"]["api_token"])
    two_values(
        lab,
        "cf-token",
        lambda name, value: client.add_txt_record(DOMAIN, name, value, 120),
        lambda name, value: client.del_txt_record(DOMAIN, name, value),
    )


def prove_certbot_cloudflare_with_a_key(lab: Lab) -> None:
    from certbot_dns_cloudflare._internal.dns_cloudflare import _CloudflareClient

    known = lab.known["cloudflare"]
    client = _CloudflareClient(email=known["email"], api_key=known["api_key"])
    two_values(
        lab,
        "cf-key",
        lambda name, value: client.add_txt_record(DOMAIN, name, value, 120),
        lambda name, value: client.del_txt_record(DOMAIN, name, value),
    )


def prove_certbot_route53(lab: Lab) -> None:
    from certbot_dns_route53._internal.dns_route53 import Authenticator

    known = lab.known["route53"]
    named = {"AWS_ACCESS_KEY_ID": known["access_key_id"], "AWS_SECRET_ACCESS_KEY": known["secret_access_key"]}
    with mock.patch.dict(os.environ, named):
        plugin = Authenticator(mock.MagicMock(), "dns-route53")

        def add(name: str, value: str) -> None:
            plugin._wait_for_change(plugin._change_txt_record("UPSERT", name, value))

        two_values(lab, "r53", add, plugin._cleanup)


def prove_certbot_google(lab: Lab) -> None:
    from certbot_dns_google._internal.dns_google import _GoogleClient

    with tempfile.NamedTemporaryFile("w", suffix=".json") as key_file:
        json.dump(lab.known["google"]["key_file"], key_file)
        key_file.flush()
        client = _GoogleClient(key_file.name)
        two_values(
            lab,
            "gcp",
            lambda name, value: client.add_txt_record(DOMAIN, name, value, 60),
            lambda name, value: client.del_txt_record(DOMAIN, name, value, 60),
        )


def prove_azure_sdk(lab: Lab) -> None:
    from azure.identity import ClientSecretCredential
    from azure.mgmt.dns import DnsManagementClient

    known = lab.known["azure"]
    credential = ClientSecretCredential(known["tenant_id"], known["client_id"], known["client_secret"])
    sdk = DnsManagementClient(credential, known["subscription_id"])
    kept: list[str] = []

    def put(name: str) -> None:
        at = (known["resource_group"], DOMAIN, name.removesuffix(f".{DOMAIN}"), "TXT")
        if kept:
            sdk.record_sets.create_or_update(*at, {"ttl": 60, "txt_records": [{"value": [each]} for each in kept]})
        else:
            sdk.record_sets.delete(*at)

    two_values(
        lab,
        "azure",
        lambda name, value: (kept.append(value), put(name)),
        lambda name, value: (kept.remove(value), put(name)),
    )


def prove_each_vendors_own_sdk(lab: Lab) -> None:
    """The careful clients of `vendor.py`, beside a value that somebody else put there."""
    import vendor

    for provider, client in vendor.PROVIDERS.items():
        name, sdk = f"_acme-challenge.own-{provider}.{DOMAIN}", client(lab.known[provider])
        lab.control("POST", "/records", {"service": provider, "name": name, "value": "foreign"})
        for _ in range(2):
            sdk.present(DOMAIN, name, "ours", 60)
            assert lab.txt(name) == ["foreign", "ours"], (provider, lab.txt(name))
        for _ in range(2):
            sdk.cleanup(DOMAIN, name, "ours", 60)
            assert lab.txt(name) == ["foreign"], (provider, lab.txt(name))
        sdk.cleanup(DOMAIN, name, "foreign", 60)
        assert lab.txt(name) == [], (provider, lab.txt(name))


def prove_the_longest_zone(lab: Lab) -> None:
    """certbot looks for the zone itself, past private zones and past more zones than a page has."""
    from certbot_dns_cloudflare._internal.dns_cloudflare import _CloudflareClient

    client = _CloudflareClient(api_token=lab.known["cloudflare"]["api_token"])
    client.add_txt_record("deep.sub.example.test", "_acme-challenge.deep.sub.example.test", "v", 120)
    zone = lab.log("api.cloudflare.com", "/dns_records")[-1]["path"].split("/")[4]
    named = [each["name"] for each in lab.control("GET", "/zones") if each["id"] == zone]
    assert named == ["sub.example.test"], named
    assert lab.txt("_acme-challenge.deep.sub.example.test") == ["v"]
    client.del_txt_record("deep.sub.example.test", "_acme-challenge.deep.sub.example.test", "v")


def two_values(lab: Lab, label: str, add, remove) -> None:
    """Two values at one name, as for an apex with its wildcard; then one goes, then the other."""
    name = f"_acme-challenge.{label}.{DOMAIN}"
    add(name, f"{label}-first")
    assert lab.txt(name) == [f"{label}-first"], lab.txt(name)
    add(name, f"{label}-second")
    assert lab.txt(name) == [f"{label}-first", f"{label}-second"], lab.txt(name)
    remove(name, f"{label}-first")
    assert lab.txt(name) == [f"{label}-second"], lab.txt(name)
    remove(name, f"{label}-second")
    assert lab.txt(name) == [], lab.txt(name)
