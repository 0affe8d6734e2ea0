"""Microsoft Entra ID's token endpoint, client credentials with a secret, as msal asks it.

Errors: the AADSTS codes of Microsoft's documentation, in the shape msal parses.
"""

import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from fake.exchange import Refused, Request, Response
from fake.faults import Rule
from fake.service import Service

# Login host and the resource manager it is for (azure.identity.AzureAuthorityHosts, ARM documentation).
CLOUDS = {
    "login.microsoftonline.com": "management.azure.com",
    "login.chinacloudapi.cn": "management.chinacloudapi.cn",
    "login.microsoftonline.us": "management.usgovcloudapi.net",
}
# What msal 1.39 sends in this flow; `client_info` is its own wish, the rest is RFC 6749 section 4.4.
REQUIRED = {"client_id", "client_secret", "grant_type", "scope"}
OPTIONAL = {"client_info", "claims"}
LIFETIME_SECONDS = 3599


@dataclass
class Token:
    host: str
    expires: float


class Entra(Service):
    name = "entra"
    hosts = tuple(CLOUDS)
    shapes = ("rate-limited", "server-error")

    def __init__(self, zones, journal, faults, credentials: dict):
        super().__init__(zones, journal, faults)
        self.credentials = credentials
        self.tokens: dict[str, Token] = {}

    async def handle(self, request: Request) -> Response:
        tenant, _, rest = request.path.strip("/").partition("/")
        if (request.method, rest) == ("GET", "v2.0/.well-known/openid-configuration"):
            return self.configuration(request, tenant)
        if (request.method, request.path) == ("GET", "/common/discovery/instance"):
            return self.instances(request)
        if (request.method, rest) != ("POST", "oauth2/v2.0/token"):
            self.violation(request, "no such operation")
            return Response(404)
        self.check_tenant(tenant)
        return self.token(request)

    def fault(self, rule: Rule, request: Request) -> Response:
        if rule.kind == "rate-limited":
            refused = failed(429, "temporarily_unavailable", 90002, "Requests are throttled.").response
            refused.headers["Retry-After"] = str(rule.retry_after)
            return refused
        if rule.kind == "server-error":
            return failed(rule.status, "temporarily_unavailable", 90033, "A transient error has occurred.").response
        raise AssertionError(rule.kind)

    def check_tenant(self, tenant: str) -> None:
        if tenant != self.credentials["tenant_id"]:
            raise failed(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")

    def token(self, request: Request) -> Response:
        form = dict(request.form)
        if request.headers.get("Content-Type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            self.violation(request, "the Content-Type is not application/x-www-form-urlencoded")
        if len(form) != len(request.form):
            self.violation(request, "a field is there twice")
        for name in sorted(set(form) - REQUIRED - OPTIONAL):
            self.violation(request, f"msal sends no {name}")
        if request.query:
            self.violation(request, "msal sends no query")
        if form.get("grant_type") != "client_credentials":
            raise failed(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        missing = sorted(REQUIRED - set(form))
        if missing:
            message = f"The request body must contain the following parameter: '{missing[0]}'."
            raise failed(400, "invalid_request", 900144, message)
        host = CLOUDS[request.host]
        if form["scope"] != f"https://{host}/.default":
            raise failed(
                400, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid."
            )
        if form["client_id"] != self.credentials["client_id"]:
            message = f"Application with identifier '{form['client_id']}' was not found in the directory."
            raise failed(400, "unauthorized_client", 700016, message)
        if not secrets.compare_digest(form["client_secret"].encode(), self.credentials["client_secret"].encode()):
            raise failed(401, "invalid_client", 7000215, "Invalid client secret provided.")
        text = f"eyJ0eXAiOiJKV1QifQ.{secrets.token_urlsafe(48)}.{secrets.token_urlsafe(32)}"
        self.tokens[text] = Token(host, time.time() + LIFETIME_SECONDS)
        return Response.json(
            200,
            {
                "token_type": "Bearer",
                "expires_in": LIFETIME_SECONDS,
                "ext_expires_in": LIFETIME_SECONDS,
                "access_token": text,
            },
        )

    def configuration(self, request: Request, tenant: str) -> Response:
        """What msal reads first."""
        self.check_tenant(tenant)
        base = f"https://{request.host}/{tenant}"
        return Response.json(
            200,
            {
                "issuer": f"{base}/v2.0",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            },
        )

    def instances(self, request: Request) -> Response:
        host = request.host
        metadata = [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]
        endpoint = f"https://{host}/{self.credentials['tenant_id']}/v2.0/.well-known/openid-configuration"
        return Response.json(200, {"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": metadata})


def failed(status: int, error: str, code: int, message: str) -> Refused:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return Refused(
        Response.json(
            status,
            {
                "error": error,
                "error_description": f"AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {correlation} "
                f"Timestamp: {stamp}",
                "error_codes": [code],
                "timestamp": stamp,
                "trace_id": trace,
                "correlation_id": correlation,
                "error_uri": f"https://login.microsoftonline.com/error?code={code}",
            },
        )
    )
