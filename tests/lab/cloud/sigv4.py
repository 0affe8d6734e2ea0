"""AWS signature version 4, recomputed by botocore.auth.SigV4Auth from what arrived."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fake.exchange import Request

HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<day>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
SKEW = timedelta(minutes=15)


class Denied(Exception):
    """With AWS's code and message; 403 in every case."""

    def __init__(self, code: str, message: str):
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass
class Key:
    """What an access key is good for: a long-lived one has no token."""

    id: str
    secret: str
    services: tuple[str, ...]
    token: str | None = None


def verify(request: Request, keys: dict[str, Key], service: str, region: str) -> Key:
    """The key that signed the request. Fails with `Denied`."""
    if "Authorization" not in request.headers:
        raise Denied("MissingAuthenticationToken", "Missing Authentication Token")
    found = HEADER.fullmatch(request.headers["Authorization"])
    if not found:
        raise Denied("IncompleteSignature", "Authorization header is not of the form of AWS4-HMAC-SHA256.")
    key = keys.get(found["key"])
    token = request.headers.get("X-Amz-Security-Token")
    if key is None or key.token != token:
        raise Denied("InvalidClientTokenId", "The security token included in the request is invalid.")
    scope = (found["service"], found["region"])
    if scope != (service, region):
        raise Denied("SignatureDoesNotMatch", f"Credential should be scoped to a valid region and service: {scope}")
    date = stamp(request, found["day"])
    signed = found["headers"].split(";")
    must = {"host"} | {name.lower() for name in request.headers if name.lower().startswith("x-amz-")}
    if must - set(signed) or sorted(signed) != signed:
        raise Denied("SignatureDoesNotMatch", f"SignedHeaders must be sorted and name {', '.join(sorted(must))}.")
    # botocore signs by this header where it is there, so it must be true.
    digest = request.headers.get("X-Amz-Content-SHA256")
    if digest is not None and digest != hashlib.sha256(request.body).hexdigest():
        raise Denied("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match the body.")
    if not hmac.compare_digest(computed(request, key, service, region, date, signed), found["signature"]):
        raise Denied(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you "
            "provided. Check your AWS Secret Access Key and signing method.",
        )
    if service not in key.services:
        raise Denied("AccessDenied", f"User: {key.id} is not authorized to perform: {service}:*")
    return key


def stamp(request: Request, day: str) -> str:
    """The request's date, which must be near now and of the scope's day."""
    text = request.headers.get("X-Amz-Date", "")
    try:
        at = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Denied("IncompleteSignature", "X-Amz-Date is missing or not of the form 20260131T235959Z.") from error
    if text[:8] != day:
        raise Denied("SignatureDoesNotMatch", f"Date in Credential scope does not match {text[:8]}.")
    if abs(datetime.now(UTC) - at) > SKEW:
        raise Denied("SignatureDoesNotMatch", f"Signature expired or not yet current: {text}")
    return text


def computed(request: Request, key: Key, service: str, region: str, date: str, signed: list[str]) -> str:
    headers = {name: request.headers[name] for name in signed if name in request.headers}
    again = AWSRequest(request.method, f"https://{request.host}{request.target}", headers, request.body)
    again.context["timestamp"] = date
    auth = SigV4Auth(Credentials(key.id, key.secret, key.token), service, region)
    return auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
