"""Who may do what: bearer tokens, and denials in the place of RBAC's grants."""

import secrets
from dataclasses import dataclass, field

from .status import forbidden, unauthorized


@dataclass
class Denial:
    """What a user may not do; what is empty stands for all. `spared` are namespaces where it may."""

    user: str
    verb: str = ""
    resource: str = ""
    namespace: str = ""
    spared: list[str] = field(default_factory=list)

    def covers(self, user: str, verb: str, resource: str, namespace: str) -> bool:
        """For an empty namespace, all of them: whether one is denied."""
        if self.user != user or self.verb not in ("", verb) or self.resource not in ("", resource):
            return False
        return not namespace or (self.namespace in ("", namespace) and namespace not in self.spared)


class Access:
    """Users are known by their tokens; a new one may do everything."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.denials: list[Denial] = []

    def add_user(self, name: str) -> str:
        """The user's new token, beside those it has."""
        token = secrets.token_urlsafe(32)
        self.tokens[token] = name
        return token

    def forget_user(self, name: str) -> None:
        self.tokens = {token: user for token, user in self.tokens.items() if user != name}

    def user(self, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or token.strip() not in self.tokens:
            raise unauthorized()
        return self.tokens[token.strip()]

    def denied(self, user: str, verb: str, resource: str, namespace: str) -> bool:
        return any(denial.covers(user, verb, resource, namespace) for denial in self.denials)

    def check(self, user: str, verb: str, resource: str, namespace: str, name: str) -> None:
        if self.denied(user, verb, resource, namespace):
            where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
            text = f'User "{user}" cannot {verb} resource "{resource}" in API group "" {where}'
            raise forbidden(resource, name, text)
