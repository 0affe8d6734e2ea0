"""Faults on order, for the next few requests that match."""

from dataclasses import dataclass, field

KINDS = {
    "status": "`status`, as a metav1.Status with `reason`, `message`, `causes` and Retry-After (`retry_after`)",
    "echo": "`status`, as an admission webhook whose text quotes the values of the request, or of the object that is "
    "there, as they are and in base64",
    "html": "502 with an HTML page that quotes the request's body, as from a proxy in between",
    "garbage": "200 whose body is the right one, cut in its middle",
    "hang": "no answer until the client gives up",
    "reset": "the connection is closed without an answer",
    "race": "`does` is done before the request is handled, which then goes its way",
}


@dataclass
class Rule:
    """A fault, for the next `times` requests after the first `skip` that match; what is empty matches all.

    With `applied` what was asked for is done, and only the answer is bad. `does` is a list of `{"delete": true}` and
    `{"create": OBJECT}` at the place that is asked about, and `{"patch": MERGE_PATCH}`. Fails with `ValueError` or
    `TypeError`, which name the member.
    """

    kind: str
    user: str = ""
    verb: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    times: int = 1
    skip: int = 0
    status: int = 500
    reason: str = ""
    message: str = ""
    causes: list[dict] = field(default_factory=list)
    retry_after: int = 0
    applied: bool = False
    does: list[dict] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r} is none of {', '.join(KINDS)}")
        if (self.kind == "race") != bool(self.does):
            raise ValueError("does: a race needs it, and nothing else does")

    def matches(self, **asked: str) -> bool:
        return self.times > 0 and all(getattr(self, key) in ("", value) for key, value in asked.items())


class Faults:
    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def take(self, **asked: str) -> Rule | None:
        """The first rule that matches, used up by one."""
        for rule in self.rules:
            if rule.matches(**asked):
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                rule.times -= 1
                return rule
        return None

    def left(self) -> list[dict]:
        return [vars(rule) for rule in self.rules if rule.times > 0]
