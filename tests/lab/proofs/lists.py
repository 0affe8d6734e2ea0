"""Lists: pages of any size, lists that start at a name and go on past it, private zones."""

import vendor

from .lab import Lab

PAGE = 7


def prove_pages(lab: Lab) -> None:
    """Every vendor's own paging comes to the same zones, whatever a page holds."""
    everything = {
        provider: sorted(each["name"] for each in lab.control("GET", "/zones") if each["service"] == provider)
        for provider in vendor.PROVIDERS
    }
    for size in (0, PAGE):
        for provider in vendor.PROVIDERS:
            lab.control("POST", "/page-size", {"service": provider, "size": size})
            lab.control("DELETE", "/log")
            found = sorted(LISTS[provider](vendor.PROVIDERS[provider](lab.known[provider]), lab))
            assert found == everything[provider], provider
            requests = [entry for entry in lab.control("GET", "/log") if entry["service"] == provider]
            assert len(requests) >= len(found) // (size or 100), (provider, size, len(requests))
    for provider in vendor.PROVIDERS:
        lab.control("POST", "/page-size", {"service": provider, "size": 0})


def prove_route53_lists_start_at_a_name(lab: Lab) -> None:
    sdk = vendor.Route53(lab.known["route53"]).sdk
    listed = sdk.list_hosted_zones_by_name(DNSName="does-not-exist.test.", MaxItems="1")["HostedZones"]
    assert listed[0]["Name"] == "example.test.", listed
    twice = sdk.list_hosted_zones_by_name(DNSName="example.test.", MaxItems="2")["HostedZones"]
    assert [zone["Name"] for zone in twice] == ["example.test."] * 2, twice
    assert {zone["Config"]["PrivateZone"] for zone in twice} == {True, False}
    public = next(zone["Id"] for zone in twice if not zone["Config"]["PrivateZone"])
    lab.control("POST", "/records", {"service": "route53", "name": "zz.example.test", "value": "v"})
    sets = sdk.list_resource_record_sets(
        HostedZoneId=public, StartRecordName="_acme-challenge.absent.example.test.", StartRecordType="TXT", MaxItems="1"
    )["ResourceRecordSets"]
    assert sets[0]["Name"] == "zz.example.test.", sets
    vendor.Route53(lab.known["route53"]).cleanup("example.test", "zz.example.test", "v", 60)


def prove_private_zones_are_seen_by_no_resolver(lab: Lab) -> None:
    """Who takes the first zone of a name writes where nobody looks."""
    google = vendor.Google(lab.known["google"])
    listed = google.sdk.managedZones().list(project=google.project, dnsName="example.test.").execute()["managedZones"]
    assert [zone["visibility"] for zone in listed] == ["private", "public"], listed
    name = "_acme-challenge.private.example.test"
    google.change(listed[0]["name"], name, None, 60, ['"v"'])
    assert lab.txt(name) == []
    kept = [each["name"] for each in lab.control("GET", "/records") if each["private"]]
    assert kept == [f"{name}."], kept
    google.change(listed[0]["name"], name, {"name": f"{name}.", "type": "TXT", "ttl": 60, "rrdatas": ['"v"']}, 60, [])


def google_zones(client: vendor.Google, _: Lab):
    zones = client.sdk.managedZones()
    call = zones.list(project=client.project)
    while call is not None:
        page = call.execute()
        yield from (zone["dnsName"].rstrip(".") for zone in page["managedZones"])
        call = zones.list_next(call, page)


LISTS = {
    "cloudflare": lambda client, lab: [zone.name for zone in client.sdk.zones.list(per_page=50)],
    "route53": lambda client, lab: [
        zone["Name"].rstrip(".")
        for page in client.sdk.get_paginator("list_hosted_zones").paginate()
        for zone in page["HostedZones"]
    ],
    "azure": lambda client, lab: [zone.name for zone in client.sdk.zones.list_by_resource_group(client.group)],
    "google": google_zones,
}
