"""Faults on order: what a service does on a bad day, for the next few requests that match."""

import re
from dataclasses import dataclass

from .exchange import Request

KINDS = {
    # Answered in the service's shape, by the service's `fault`:
    "rate-limited": "429 with Retry-After (`retry_after`, seconds)",
    "throttling": "Route 53: 400 Throttling, without Retry-After",
    "prior-request-not-complete": "Route 53: 400 PriorRequestNotComplete",
    "rate-limit-exceeded": "Google: 403 rateLimitExceeded",
    "quota-exceeded": "Google: 403 quotaExceeded",
    "server-error": "`status` (500), in the service's shape",
    "expired-token": "the token is refused and, where it was issued by a token endpoint, good no more",
    # The same for all, done by the server:
    "html": "502 with an HTML page, as from a proxy in between",
    "truncated": "the answer breaks off in its middle; what was asked for is done",
    "reset": "the connection is closed without an answer",
    "race": "before the request is handled another writer adds `value` at `name`",
    "pending": "Route 53 and Google: a change asked about is still pending",
}


@dataclass
class Rule:
    """A fault, for the next `times` requests after the first `skip` that match. `path` is searched in path and query.

    With `applied` what was asked for is done, and only the answer is bad. Fails with `ValueError` or `TypeError`, which
    name the member.
    """

    kind: str
    host: str
    method: str = ""
    path: str = ""
    times: int = 1
    skip: int = 0
    status: int = 500
    retry_after: int = 1
    applied: bool = False
    name: str = ""
    value: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r} is none of {', '.join(KINDS)}")
        if self.kind == "race" and not (self.name and self.value):
            raise ValueError("name, value: a race needs both")
        re.compile(self.path)

    def matches(self, request: Request) -> bool:
        return (
            self.times > 0
            and request.host == self.host
            and (not self.method or request.method == self.method)
            and re.search(self.path, request.target) is not None
        )


class Faults:
    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        self.rules.append(rule)

    def take(self, request: Request, only: str | None = None) -> Rule | None:
        """The first rule that matches, used up by one. `pending` is asked for by those who know what a change is."""
        for rule in self.rules:
            if (rule.kind == only if only else rule.kind != "pending") and rule.matches(request):
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                rule.times -= 1
                return rule
        return None

    def left(self) -> list[dict]:
        return [vars(rule) for rule in self.rules if rule.times > 0]

    def clear(self) -> None:
        self.rules.clear()
