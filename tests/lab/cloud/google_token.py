"""Google's token endpoint: a signed assertion for a token, verified by google.auth.jwt.

Errors: Google's OAuth documentation, in the shape google-auth parses.
"""

import secrets
import time
from dataclasses import dataclass

from google.auth import exceptions, jwt

from fake.exchange import Refused, Request, Response
from fake.faults import Rule
from fake.service import Service

from .google_description import SCOPES

# Exactly this, whatever `token_uri` a key file names: google.oauth2.service_account has it fixed.
AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME_SECONDS = 3599


@dataclass
class Token:
    scopes: frozenset[str]
    expires: float


class GoogleToken(Service):
    name = "google-token"
    hosts = ("oauth2.googleapis.com",)
    shapes = ("rate-limited", "server-error")

    def __init__(self, zones, journal, faults, key_file: dict, public_key: str):
        super().__init__(zones, journal, faults)
        self.key_file = key_file
        self.public_key = public_key
        self.tokens: dict[str, Token] = {}

    async def handle(self, request: Request) -> Response:
        if (request.method, request.target) != ("POST", "/token"):
            self.violation(request, "no such operation")
            return Response(404)
        if request.headers.get("Content-Type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            self.violation(request, "the Content-Type is not application/x-www-form-urlencoded")
        form = dict(request.form)
        if sorted(name for name, _ in request.form) != ["assertion", "grant_type"]:
            self.violation(request, "google-auth sends assertion and grant_type, each once")
        if form.get("grant_type") != GRANT:
            raise failed("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")
        claims = self.verified(form.get("assertion", ""))
        scopes = frozenset(claims.get("scope", "").split())
        if not scopes or scopes - SCOPES:
            raise failed("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        text = f"ya29.c.{secrets.token_urlsafe(96)}"
        self.tokens[text] = Token(scopes, time.time() + LIFETIME_SECONDS)
        return Response.json(200, {"access_token": text, "expires_in": LIFETIME_SECONDS, "token_type": "Bearer"})

    def fault(self, rule: Rule, request: Request) -> Response:
        if rule.kind == "rate-limited":
            refused = failed("rate_limit_exceeded", "Too many requests.", 429).response
            refused.headers["Retry-After"] = str(rule.retry_after)
            return refused
        if rule.kind == "server-error":
            return failed("internal_failure", "Internal error.", rule.status).response
        raise AssertionError(rule.kind)

    def verified(self, assertion: str) -> dict:
        """Signature, `aud`, `iat` and `exp` by google-auth; what it leaves to the issuer here."""
        try:
            header = jwt.decode_header(assertion)
            claims = jwt.decode(assertion, certs=self.public_key, audience=AUDIENCE)
        except (ValueError, TypeError, exceptions.GoogleAuthError) as error:
            text = str(error)
            if "audience" in text:
                raise failed("invalid_grant", "Invalid JWT: Failed audience check.") from error
            if "expired" in text or "early" in text:
                raise failed("invalid_grant", SHORT_LIVED) from error
            raise failed("invalid_grant", "Invalid JWT Signature.") from error
        if header.get("alg") != "RS256" or header.get("kid") != self.key_file["private_key_id"]:
            raise failed("invalid_grant", "Invalid JWT Signature.")
        if claims.get("iss") != self.key_file["client_email"]:
            raise failed("invalid_grant", "Invalid grant: account not found")
        if claims["exp"] - claims["iat"] > 3600:
            raise failed("invalid_grant", SHORT_LIVED)
        return claims


SHORT_LIVED = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


def failed(error: str, description: str, status: int = 400) -> Refused:
    return Refused(Response.json(status, {"error": error, "error_description": description}))
