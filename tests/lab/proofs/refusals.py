"""What the fake refuses, and how, as the vendors' SDKs report it: a check that cannot fail would prove nothing."""

import hashlib
import json
import time

from .lab import Lab, raises

NAME = "_acme-challenge.refused.example.test"


def prove_cloudflare_refuses(lab: Lab) -> None:
    import cloudflare

    good = cloudflare.Cloudflare(api_token=lab.known["cloudflare"]["api_token"], max_retries=0)
    zone = good.zones.list(name="example.test").result[0].id

    def code(error: cloudflare.APIStatusError) -> tuple[int, int]:
        return error.status_code, error.response.json()["errors"][0]["code"]

    bad = cloudflare.Cloudflare(api_token="wrong", max_retries=0)
    assert code(raises(cloudflare.APIStatusError, bad.zones.list)) == (403, 9109)
    assert code(raises(cloudflare.APIStatusError, lambda: bad.dns.records.list(zone_id=zone))) == (403, 10000)
    key = cloudflare.Cloudflare(api_email="dns@example.test", api_key="wrong", max_retries=0)
    assert code(raises(cloudflare.APIStatusError, key.zones.list)) == (403, 9103)
    answer, text = lab.send("GET", "https://api.cloudflare.com/client/v4/zones", {"Authorization": "Bearer to ken"})
    assert (answer.status, json.loads(text)["errors"][0]["code"]) == (400, 6003)

    def create(content: str = '"v"', ttl: int = 60) -> object:
        return good.dns.records.create(zone_id=zone, type="TXT", name=NAME, content=content, ttl=ttl)

    assert code(raises(cloudflare.BadRequestError, lambda: create(ttl=30))) == (400, 9021)
    record = create("v")
    assert record.content == "v", "the content is echoed as it was sent"
    for twice in ("v", '"v"'):
        assert code(raises(cloudflare.BadRequestError, lambda: create(twice))) == (400, 81058)
    good.dns.records.delete(record.id, zone_id=zone)
    gone = raises(cloudflare.NotFoundError, lambda: good.dns.records.delete(record.id, zone_id=zone))
    assert code(gone) == (404, 81044)


def prove_route53_refuses(lab: Lab) -> None:
    import boto3
    from botocore.exceptions import ClientError

    known = lab.known["route53"]

    def client(key: str, secret: str, **more: str):
        return boto3.client("route53", aws_access_key_id=known[key], aws_secret_access_key=secret, **more)

    def code(call) -> str:
        return raises(ClientError, call).response["Error"]["Code"]

    good = client("access_key_id", known["secret_access_key"])
    assert code(client("access_key_id", "wrong").list_hosted_zones) == "SignatureDoesNotMatch"
    only_role = client("role_only_access_key_id", known["role_only_secret_access_key"])
    assert code(only_role.list_hosted_zones) == "AccessDenied"
    with_token = client("access_key_id", known["secret_access_key"], aws_session_token="stray")
    assert code(with_token.list_hosted_zones) == "InvalidClientTokenId"
    zones = good.list_hosted_zones_by_name(DNSName="example.test.")["HostedZones"]
    public = next(zone["Id"] for zone in zones if not zone["Config"]["PrivateZone"])

    def change(action: str, value: str, name: str = NAME, ttl: int = 60) -> object:
        records = {"Name": name, "Type": "TXT", "TTL": ttl, "ResourceRecords": [{"Value": value}]}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": records}]}
        return good.change_resource_record_sets(HostedZoneId=public, ChangeBatch=batch)

    assert code(lambda: change("UPSERT", "v")) == "InvalidChangeBatch", "without quotes"
    assert code(lambda: change("UPSERT", f'"{"v" * 256}"')) == "InvalidChangeBatch", "too long"
    assert code(lambda: change("UPSERT", '"v"', name="other.test.")) == "InvalidChangeBatch", "not in the zone"
    assert code(lambda: change("DELETE", '"v"')) == "InvalidChangeBatch", "not there"
    change("CREATE", '"v"')
    assert code(lambda: change("CREATE", '"v"')) == "InvalidChangeBatch", "there already"
    assert code(lambda: change("DELETE", '"v"', ttl=61)) == "InvalidChangeBatch", "another TTL"
    change("UPSERT", '"v"')
    change("DELETE", '"v"')
    assert code(lambda: good.get_hosted_zone(Id="Z0000000000000000")) == "NoSuchHostedZone"
    assert code(lambda: good.get_change(Id="C0000000000000000")) == "NoSuchChange"


def prove_a_signature_is_of_one_body(lab: Lab) -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    known = lab.known["route53"]
    url = "https://route53.amazonaws.com/2013-04-01/hostedzone/Z0000000000000000/rrset/"

    def sent(headers: dict, body: str) -> str:
        request = AWSRequest("POST", url, headers, "<signed/>")
        credentials = Credentials(known["access_key_id"], known["secret_access_key"])
        SigV4Auth(credentials, "route53", "us-east-1").add_auth(request)
        return lab.send("POST", url, dict(request.headers), body)[1]

    digest = {"X-Amz-Content-SHA256": hashlib.sha256(b"<signed/>").hexdigest()}
    assert "SignatureDoesNotMatch" in sent({}, "<other/>")
    assert "XAmzContentSHA256Mismatch" in sent(digest, "<other/>")
    assert lab.violations() == [], "nothing of an unsigned request is looked at"
    for headers in ({}, digest):
        assert "InvalidInput" in sent(headers, "<signed/>")
    assert len(lab.violations()) == 2


def prove_sts_lends_a_role(lab: Lab) -> None:
    import boto3
    from botocore.exceptions import ClientError

    known = lab.known["route53"]
    sts = boto3.client(
        "sts",
        aws_access_key_id=known["role_only_access_key_id"],
        aws_secret_access_key=known["role_only_secret_access_key"],
    )
    lent = sts.assume_role(RoleArn=known["role_arn"], RoleSessionName="lab", ExternalId=known["external_id"])
    keys = {
        "aws_access_key_id": lent["Credentials"]["AccessKeyId"],
        "aws_secret_access_key": lent["Credentials"]["SecretAccessKey"],
    }
    with_token = boto3.client("route53", **keys, aws_session_token=lent["Credentials"]["SessionToken"])
    assert with_token.list_hosted_zones()["HostedZones"]
    without = raises(ClientError, boto3.client("route53", **keys).list_hosted_zones)
    assert without.response["Error"]["Code"] == "InvalidClientTokenId"
    other = {"RoleArn": "arn:aws:iam::123456789012:role/other", "RoleSessionName": "lab"}
    assert raises(ClientError, lambda: sts.assume_role(**other)).response["Error"]["Code"] == "AccessDenied"


def prove_azure_refuses(lab: Lab) -> None:
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
    from azure.identity import ClientSecretCredential
    from azure.mgmt.dns import DnsManagementClient

    known = lab.known["azure"]
    scope = "https://management.azure.com/.default"
    wrong = ClientSecretCredential(known["tenant_id"], known["client_id"], "wrong")
    assert "AADSTS7000215" in str(raises(ClientAuthenticationError, lambda: wrong.get_token(scope)))
    stranger = ClientSecretCredential(known["tenant_id"], known["subscription_id"], known["client_secret"])
    assert "AADSTS700016" in str(raises(ClientAuthenticationError, lambda: stranger.get_token(scope)))
    good = ClientSecretCredential(known["tenant_id"], known["client_id"], known["client_secret"])
    sets = DnsManagementClient(good, known["subscription_id"], retry_total=0).record_sets
    at = (known["resource_group"], "example.test", "_acme-challenge.refused", "TXT")

    def status(call) -> int:
        return raises(HttpResponseError, call).status_code

    def put(values: list[str], ttl: int = 60, **condition: str):
        return sets.create_or_update(
            *at, {"ttl": ttl, "txt_records": [{"value": [each]} for each in values]}, **condition
        )

    assert status(lambda: sets.get(*at)) == 404
    assert status(lambda: put(["v", "v"])) == 400, "one value twice"
    assert status(lambda: put([str(value) for value in range(21)])) == 400, "more than 20 values"
    assert status(lambda: put(["v"], ttl=0)) == 400
    assert status(lambda: put(["v"], if_match="stale")) == 412, "not there"
    first = put(["v"], if_none_match="*")
    assert status(lambda: put(["v"], if_none_match="*")) == 412, "there already"
    second = put(['"quoted"'], if_match=first.etag)
    assert lab.txt(NAME) == ['"quoted"'], "quotes are part of a value"
    assert status(lambda: sets.delete(*at, if_match=first.etag)) == 412
    sets.delete(*at, if_match=second.etag)
    sets.delete(*at)
    elsewhere = DnsManagementClient(good, known["client_id"], retry_total=0)
    assert status(lambda: list(elsewhere.zones.list_by_resource_group("Lab-DNS"))) == 404


def prove_google_refuses(lab: Lab) -> None:
    from google.auth import crypt, jwt
    from googleapiclient.errors import HttpError

    import vendor

    known = lab.known["google"]
    key_file, now = known["key_file"], int(time.time())
    claims = {
        "iss": key_file["client_email"],
        "aud": "https://oauth2.googleapis.com/token",
        "iat": now,
        "exp": now + 3600,
        "scope": "https://www.googleapis.com/auth/ndev.clouddns.readwrite",
    }

    def token(changed: dict, key: str = key_file["private_key"]) -> str:
        signer = crypt.RSASigner.from_string(key, key_id=key_file["private_key_id"])
        assertion = jwt.encode(signer, {**claims, **changed}).decode()
        form = f"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer, text = lab.send("POST", "https://oauth2.googleapis.com/token", headers, form)
        return json.loads(text).get("error", answer.status)

    assert token({}) == 200
    assert token({"aud": "https://oauth2.googleapis.com/"}) == "invalid_grant"
    assert token({"exp": now + 7200}) == "invalid_grant"
    assert token({"iat": now - 7200, "exp": now - 3600}) == "invalid_grant"
    assert token({"iss": "other@example.test"}) == "invalid_grant"
    assert token({"scope": "https://www.googleapis.com/auth/other"}) == "invalid_scope"
    assert token({}, other_key()) == "invalid_grant"

    sdk = vendor.Google(known)
    zone = sdk.zone_id("example.test")

    def status(**body: object) -> int:
        call = sdk.sdk.changes().create(project=known["project"], managedZone=zone, body=body)
        return raises(HttpError, call.execute).resp.status

    def records(*values: str, ttl: int = 60) -> list[dict]:
        return [{"name": f"{NAME}.", "type": "TXT", "ttl": ttl, "rrdatas": list(values)}]

    assert status(deletions=records('"v"')) == 404
    sdk.present("example.test", NAME, "v", 60)
    assert status(additions=records('"w"')) == 409
    assert status(deletions=records('"w"')) == 412
    assert status(deletions=records('"v"', ttl=61)) == 412
    assert status(additions=records()) == 400
    sdk.cleanup("example.test", NAME, "v", 60)


def other_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, none = serialization.Encoding.PEM, serialization.NoEncryption()
    return key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, none).decode()
