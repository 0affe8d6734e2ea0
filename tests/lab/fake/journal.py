"""What was asked: every request, and each way in which one was not as the service's SDK describes it."""

from urllib.parse import parse_qsl, urlencode

from .exchange import Request, Response

# Where credentials belong. A secret anywhere else stays readable here, so that a test can find it.
CREDENTIAL_HEADERS = {"authorization", "x-auth-key", "x-amz-security-token", "x-api-key"}
CREDENTIAL_FIELDS = {"client_secret", "client_assertion", "assertion"}
HIDDEN = "(hidden)"


class Journal:
    def __init__(self) -> None:
        self.requests: list[dict] = []
        self.violations: list[dict] = []

    def open(self, service: str, request: Request) -> dict:
        """Notes a request; the answer is added by `close`."""
        entry = {
            "service": service,
            "method": request.method,
            "host": request.host,
            "path": request.raw_path,
            "query": request.query,
            "headers": {name.lower(): shown(name, value) for name, value in request.headers.items()},
            "body": body_of(request),
            "fault": None,
            "status": None,
        }
        self.requests.append(entry)
        return entry

    def close(self, entry: dict, response: Response | None, fault: str | None) -> None:
        entry["status"] = response.status if response else None
        entry["fault"] = fault

    def violation(self, service: str, request: Request, text: str) -> None:
        place = f"{request.method} {request.host}{request.raw_path}"
        self.violations.append({"service": service, "request": place, "violation": text})


def shown(name: str, value: str) -> str:
    if name.lower() not in CREDENTIAL_HEADERS:
        return value
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {HIDDEN}" if space else HIDDEN


def body_of(request: Request) -> str:
    text = request.body.decode("utf-8", "replace")
    if not request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return text
    pairs = parse_qsl(text, keep_blank_values=True)
    if not any(name in CREDENTIAL_FIELDS for name, _ in pairs):
        return text
    return urlencode([(name, HIDDEN if name in CREDENTIAL_FIELDS else value) for name, value in pairs])
