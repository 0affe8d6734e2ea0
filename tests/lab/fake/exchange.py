"""A request and a response as the services see them: no server library in sight."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl, unquote

from multidict import CIMultiDict


@dataclass
class Request:
    """A request off the wire. `target` is the path and query exactly as sent."""

    method: str
    host: str
    target: str
    headers: CIMultiDict
    body: bytes

    @cached_property
    def raw_path(self) -> str:
        return self.target.partition("?")[0]

    @cached_property
    def path(self) -> str:
        return unquote(self.raw_path)

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    def one(self, name: str, default: str | None = None) -> str | None:
        """The value of a query parameter; the last one, where it was sent twice."""
        return dict(self.query).get(name, default)

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    @property
    def bearer(self) -> str | None:
        """The bearer token, None where the header is missing or of another kind."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token if scheme == "Bearer" and token else None


@dataclass
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, status: int, value: object) -> "Response":
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json; charset=utf-8"})

    @classmethod
    def xml(cls, status: int, text: str) -> "Response":
        return cls(status, ('<?xml version="1.0"?>\n' + text).encode(), {"Content-Type": "text/xml"})


class Refused(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(self, response: Response):
        super().__init__(response.status)
        self.response = response
