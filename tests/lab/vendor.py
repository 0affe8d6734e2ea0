"""One present or cleanup by the vendor's own SDK against the fake, so that a plugin's requests can be held against it.

    python tests/lab/vendor.py cloudflare|route53|azure|google present|cleanup \\
        --ready FILE --zone example.test --name _acme-challenge.example.test --value VALUE [--ttl 60]

Each does what a careful client does: find the zone, read the record set, add the value beside others or take only it
away, wait until the vendor says so. FILE is the fake's ready.json. Credentials come from it, not from the command line.
"""

import argparse
import os
import tempfile
from pathlib import Path

import detour


class Cloudflare:
    """PyPI `cloudflare`: one record for each value."""

    def __init__(self, known: dict):
        import cloudflare

        self.sdk = cloudflare.Cloudflare(api_token=known["api_token"], max_retries=0)

    def present(self, zone: str, name: str, value: str, ttl: int) -> None:
        zone_id = self.zone_id(zone)
        if not self.found(zone_id, name, value):
            self.sdk.dns.records.create(zone_id=zone_id, type="TXT", name=name, content=f'"{value}"', ttl=ttl)

    def cleanup(self, zone: str, name: str, value: str, ttl: int) -> None:
        zone_id = self.zone_id(zone)
        for record_id in self.found(zone_id, name, value):
            self.sdk.dns.records.delete(record_id, zone_id=zone_id)

    def zone_id(self, zone: str) -> str:
        return next(iter(self.sdk.zones.list(name=zone, per_page=50))).id

    def found(self, zone_id: str, name: str, value: str) -> list[str]:
        page = self.sdk.dns.records.list(zone_id=zone_id, type="TXT", name={"exact": name}, per_page=100)
        return [record.id for record in page.result if record.content.strip('"') == value]


class Route53:
    """boto3: the whole set, by UPSERT, or by DELETE with exactly what is there."""

    def __init__(self, known: dict):
        import boto3
        from botocore.config import Config

        self.sdk = boto3.client(
            "route53",
            aws_access_key_id=known["access_key_id"],
            aws_secret_access_key=known["secret_access_key"],
            config=Config(retries={"total_max_attempts": 1}),
        )

    def present(self, zone: str, name: str, value: str, ttl: int) -> None:
        zone_id = self.zone_id(zone)
        now = self.found(zone_id, name)
        values = [row["Value"] for row in now["ResourceRecords"]] if now else []
        if f'"{value}"' not in values:
            self.change(zone_id, "UPSERT", name, now["TTL"] if now else ttl, [*values, f'"{value}"'])

    def cleanup(self, zone: str, name: str, value: str, ttl: int) -> None:
        zone_id = self.zone_id(zone)
        now = self.found(zone_id, name)
        values = [row["Value"] for row in now["ResourceRecords"]] if now else []
        rest = [each for each in values if each != f'"{value}"']
        if rest != values:
            self.change(zone_id, "UPSERT" if rest else "DELETE", name, now["TTL"], rest or values)

    def zone_id(self, zone: str) -> str:
        listed = self.sdk.list_hosted_zones_by_name(DNSName=f"{zone}.", MaxItems="100")["HostedZones"]
        fitting = [each for each in listed if each["Name"] == f"{zone}." and not each["Config"]["PrivateZone"]]
        return fitting[0]["Id"].removeprefix("/hostedzone/")

    def found(self, zone_id: str, name: str) -> dict | None:
        sets = self.sdk.list_resource_record_sets(
            HostedZoneId=zone_id, StartRecordName=f"{name}.", StartRecordType="TXT", MaxItems="1"
        )["ResourceRecordSets"]
        return next((each for each in sets if (each["Name"], each["Type"]) == (f"{name}.", "TXT")), None)

    def change(self, zone_id: str, action: str, name: str, ttl: int, values: list[str]) -> None:
        rows = [{"Value": value} for value in values]
        records = {"Name": f"{name}.", "Type": "TXT", "TTL": ttl, "ResourceRecords": rows}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": records}]}
        info = self.sdk.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)["ChangeInfo"]
        while info["Status"] != "INSYNC":
            info = self.sdk.get_change(Id=info["Id"])["ChangeInfo"]


class Azure:
    """azure-mgmt-dns with azure-identity: the whole set, under a condition."""

    def __init__(self, known: dict):
        from azure.identity import ClientSecretCredential
        from azure.mgmt.dns import DnsManagementClient

        credential = ClientSecretCredential(known["tenant_id"], known["client_id"], known["client_secret"])
        self.sdk = DnsManagementClient(credential, known["subscription_id"], retry_total=0)
        self.group = known["resource_group"]

    def present(self, zone: str, name: str, value: str, ttl: int) -> None:
        self.check_zone(zone)
        now, relative = self.found(zone, name)
        rows = list(now.txt_records) if now else []
        if [value] not in [row.value for row in rows]:
            self.put(zone, relative, now.ttl if now else ttl, [row.value for row in rows] + [[value]], now)

    def cleanup(self, zone: str, name: str, value: str, ttl: int) -> None:
        self.check_zone(zone)
        now, relative = self.found(zone, name)
        rest = [row.value for row in now.txt_records if row.value != [value]] if now else []
        if now and rest:
            self.put(zone, relative, now.ttl, rest, now)
        elif now:
            self.sdk.record_sets.delete(self.group, zone, relative, "TXT", if_match=now.etag)

    def check_zone(self, zone: str) -> None:
        zones = [each.name for each in self.sdk.zones.list_by_resource_group(self.group) if each.zone_type == "Public"]
        if zone not in zones:
            raise LookupError(f"{zone} is not among {zones}")

    def found(self, zone: str, name: str):
        from azure.core.exceptions import ResourceNotFoundError

        relative = name.removesuffix(f".{zone}")
        try:
            return self.sdk.record_sets.get(self.group, zone, relative, "TXT"), relative
        except ResourceNotFoundError:
            return None, relative

    def put(self, zone: str, relative: str, ttl: int, values: list[list[str]], now) -> None:
        from azure.mgmt.dns.models import RecordSet, TxtRecord

        condition = {"if_match": now.etag} if now else {"if_none_match": "*"}
        records = RecordSet(ttl=ttl, txt_records=[TxtRecord(value=value) for value in values])
        self.sdk.record_sets.create_or_update(self.group, zone, relative, "TXT", records, **condition)


class Google:
    """google-api-python-client: one atomic change with exact deletions."""

    def __init__(self, known: dict):
        from google.oauth2 import service_account
        from googleapiclient.discovery import build

        credentials = service_account.Credentials.from_service_account_info(
            known["key_file"], scopes=["https://www.googleapis.com/auth/ndev.clouddns.readwrite"]
        )
        self.sdk = build("dns", "v1", credentials=credentials, cache_discovery=False)
        self.project = known["project"]

    def present(self, zone: str, name: str, value: str, ttl: int) -> None:
        zone_id = self.zone_id(zone)
        now = self.found(zone_id, name)
        values = now["rrdatas"] if now else []
        if f'"{value}"' not in values:
            self.change(zone_id, name, now, now["ttl"] if now else ttl, [*values, f'"{value}"'])

    def cleanup(self, zone: str, name: str, value: str, ttl: int) -> None:
        zone_id = self.zone_id(zone)
        now = self.found(zone_id, name)
        rest = [each for each in now["rrdatas"] if each != f'"{value}"'] if now else []
        if now and rest != now["rrdatas"]:
            self.change(zone_id, name, now, now["ttl"], rest)

    def zone_id(self, zone: str) -> str:
        listed = self.sdk.managedZones().list(project=self.project, dnsName=f"{zone}.").execute()["managedZones"]
        return next(each["name"] for each in listed if each["visibility"] == "public")

    def found(self, zone_id: str, name: str) -> dict | None:
        listed = self.sdk.resourceRecordSets().list(
            project=self.project, managedZone=zone_id, name=f"{name}.", type="TXT"
        )
        return next(iter(listed.execute()["rrsets"]), None)

    def change(self, zone_id: str, name: str, now: dict | None, ttl: int, values: list[str]) -> None:
        body: dict = {}
        if now:
            body["deletions"] = [{key: now[key] for key in ("name", "type", "ttl", "rrdatas")}]
        if values:
            body["additions"] = [{"name": f"{name}.", "type": "TXT", "ttl": ttl, "rrdatas": values}]
        changes = self.sdk.changes()
        change = changes.create(project=self.project, managedZone=zone_id, body=body).execute()
        while change["status"] != "done":
            change = changes.get(project=self.project, managedZone=zone_id, changeId=change["id"]).execute()


PROVIDERS = {"cloudflare": Cloudflare, "route53": Route53, "azure": Azure, "google": Google}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("provider", choices=PROVIDERS)
    parser.add_argument("operation", choices=["present", "cleanup"])
    parser.add_argument("--ready", required=True, type=Path)
    parser.add_argument("--zone", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--value", required=True)
    parser.add_argument("--ttl", type=int, default=60)
    given = parser.parse_args()
    # Some SDKs look for settings, and keep caches, at home.
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        ready = detour.enter(given.ready)
        client = PROVIDERS[given.provider](ready["credentials"][given.provider])
        getattr(client, given.operation)(given.zone, given.name, given.value, given.ttl)


if __name__ == "__main__":
    main()
