"""What a vendor's SDK could not have sent is noted as a violation, whatever the answer."""

import json
import urllib.parse

import vendor

from .lab import Lab

JSON = {"Content-Type": "application/json"}


def prove_cloudflare_violations(lab: Lab) -> None:
    headers = {"Authorization": f"Bearer {lab.known['cloudflare']['api_token']}"}
    base = "https://api.cloudflare.com/client/v4"
    zone = vendor.Cloudflare(lab.known["cloudflare"]).zone_id("example.test")
    noted(lab, "GET", f"{base}/zones?name=example.test&colour=red", headers)
    noted(lab, "GET", f"{base}/zones?per_page=many", headers)
    noted(lab, "GET", f"{base}/zones/{zone}/dns_records?type=TXT&name=example.test", headers)
    noted(lab, "GET", f"{base}/zones/{zone}/dns_records?type=TEXT", headers)
    noted(lab, "GET", f"{base}/elsewhere", headers)
    record = {"type": "TXT", "name": "x.example.test", "content": '"v"', "ttl": 60}
    for wrong in (
        {**record, "colour": "red"},
        {**record, "ttl": "soon"},
        {**record, "settings": {"colour": 1}},
        {key: record[key] for key in ("type", "content", "ttl")},
        {**record, "name": "x"},
    ):
        noted(lab, "POST", f"{base}/zones/{zone}/dns_records", headers | JSON, json.dumps(wrong))
    noted(lab, "POST", f"{base}/zones/{zone}/dns_records", headers, json.dumps(record))
    # Some of these the API takes all the same.
    vendor.Cloudflare(lab.known["cloudflare"]).cleanup("example.test", "x.example.test", "v", 60)


def prove_route53_violations(lab: Lab) -> None:
    sdk = vendor.Route53(lab.known["route53"])
    zone = sdk.zone_id("example.test")

    def signed(method: str, path: str, body: str = "") -> None:
        """A request with a good signature; only its content is wrong."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        known = lab.known["route53"]
        request = AWSRequest(method, f"https://route53.amazonaws.com{path}", {}, body)
        credentials = Credentials(known["access_key_id"], known["secret_access_key"])
        SigV4Auth(credentials, "route53", "us-east-1").add_auth(request)
        noted(lab, method, request.url, dict(request.headers), body)

    record = (
        "<ResourceRecordSet><Name>x.example.test.</Name><Type>TXT</Type><TTL>60</TTL><ResourceRecords>"
        '<ResourceRecord><Value>"v"</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>'
    )

    def body(inner: str, namespace: str = "https://route53.amazonaws.com/doc/2013-04-01/") -> str:
        return (
            f'<ChangeResourceRecordSetsRequest xmlns="{namespace}"><ChangeBatch><Changes>{inner}</Changes>'
            "</ChangeBatch></ChangeResourceRecordSetsRequest>"
        )

    changes = f"/2013-04-01/hostedzone/{zone}/rrset/"
    signed("GET", "/2013-04-01/hostedzonesbyname?dnsname=example.test.&colour=red")
    signed("GET", f"/2013-04-01/hostedzone/{zone}/rrset?name=x&type=TEXT")
    signed("GET", "/2013-04-01/elsewhere")
    signed("POST", changes.rstrip("/"), body(f"<Change><Action>UPSERT</Action>{record}</Change>"))
    signed("POST", changes, body(f"<Change><Action>REPLACE</Action>{record}</Change>"))
    signed("POST", changes, body(f"<Change><Action>UPSERT</Action><Colour/>{record}</Change>"))
    signed("POST", changes, body("<Change><Action>UPSERT</Action></Change>"))
    signed("POST", changes, body(f"<Change><Action>UPSERT</Action>{record}</Change>", "urn:other"))
    signed("POST", changes, "not XML")
    assert lab.txt("x.example.test") == []


def prove_azure_violations(lab: Lab) -> None:
    known = lab.known["azure"]
    form = {
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "grant_type": "client_credentials",
        "scope": "https://management.azure.com/.default",
    }
    endpoint = f"https://login.microsoftonline.com/{known['tenant_id']}/oauth2/v2.0/token"
    encoded = {"Content-Type": "application/x-www-form-urlencoded"}
    _, text = lab.send("POST", endpoint, encoded, urllib.parse.urlencode(form))
    headers = {"Authorization": f"Bearer {json.loads(text)['access_token']}"}
    assert lab.violations() == []
    resource = {"resource": "https://management.azure.com/"}
    noted(lab, "POST", endpoint, encoded, urllib.parse.urlencode(form | resource))
    group = urllib.parse.quote(known["resource_group"])
    zones = (
        f"https://management.azure.com/subscriptions/{known['subscription_id']}/resourceGroups/{group}/providers"
        "/Microsoft.Network/dnsZones"
    )
    record, version = f"{zones}/example.test/TXT/x", "?api-version=2018-05-01"
    noted(lab, "GET", f"{zones}?api-version=2017-01-01", headers)
    noted(lab, "GET", f"{zones}{version}&colour=red", headers)
    noted(lab, "GET", f"{zones}/example.test/TXT/x.example.test{version}", headers)
    noted(lab, "GET", f"{record}/more{version}", headers)
    noted(lab, "GET", f"{record}{version}", headers | {"If-Match": "*"})
    for wrong in (
        {"properties": {"ttl": 60, "TXTRecords": [{"value": ["v"]}]}},
        {"properties": {"TTL": 60, "TXTRecords": [{"value": "v"}]}},
        {"properties": {"TTL": 60, "TXTRecords": [{"values": ["v"]}]}},
        {"properties": {"TTL": 60, "TXTRecords": [{"value": ["v"]}], "fqdn": "x.example.test."}},
        {"TTL": 60, "properties": {"TXTRecords": [{"value": ["v"]}]}},
    ):
        noted(lab, "PUT", f"{record}{version}", headers | JSON, json.dumps(wrong))
    lab.send("DELETE", f"{record}{version}", headers)


def prove_google_violations(lab: Lab) -> None:
    sdk = vendor.Google(lab.known["google"])
    zone = sdk.zone_id("example.test")
    headers = {"Authorization": f"Bearer {sdk.sdk._http.credentials.token}"}
    base = f"https://dns.googleapis.com/dns/v1/projects/{lab.known['google']['project']}/managedZones"
    noted(lab, "GET", f"{base}?dnsname=example.test.", headers)
    noted(lab, "GET", f"{base}?maxResults=many", headers)
    noted(lab, "GET", f"{base}/{zone}/recordsets", headers)
    record = {"name": "x.example.test.", "type": "TXT", "ttl": 60, "rrdatas": ['"v"']}
    for wrong in (
        {"additions": [{**record, "colour": "red"}]},
        {"additions": [{**record, "ttl": "60"}]},
        {"additions": record},
        {"add": [record]},
    ):
        noted(lab, "POST", f"{base}/{zone}/changes", headers | JSON, json.dumps(wrong))
    noted(lab, "POST", f"{base}/{zone}/changes", headers, json.dumps({"additions": [record]}))
    assert lab.txt("x.example.test") == []


def prove_hosts_and_names_are_checked(lab: Lab) -> None:
    noted(lab, "GET", "https://api.cloudflare.com/client/v4/zones", {"Host": "api.cloudflare.com:8443"})
    noted(lab, "GET", "https://api.cloudflare.com/token", {"Host": "oauth2.googleapis.com"})
    noted(lab, "GET", "https://api.cloudflare.com/", {"Host": "elsewhere.test"})


def noted(lab: Lab, method: str, url: str, headers: dict, body: str | None = None) -> None:
    answer, _ = lab.send(method, url, headers, body)
    found = lab.violations()
    assert found, f"{method} {url} {body} was not noted"
    assert answer.status != 500 and not any("the fake failed" in text for text in found), (method, url, body, found)
