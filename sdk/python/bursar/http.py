"""Requests through the host, for plugins of the network plane."""

import json
from typing import Any, Iterable, Optional
from urllib.parse import quote

from componentize_py_types import Err
from wit_world.imports import http, types

from bursar import denied, internal, not_found, throttled, unavailable, unsupported

# Parts of a request. In the network plane the configuration comes without its
# secrets. These say where the host puts them; the manifest's `placements` must
# allow it.

Part = (
    types.Part_Text
    | types.Part_Secret
    | types.Part_Basic
    | types.Part_FormEncoded
    | types.Part_JsonEscaped
    | types.Part_Captured
    | types.Part_Hex
    | types.Part_Base64
    | types.Part_Base64url
)


def text(value: str) -> Part:
    """Literal text; plain strings work as well."""
    return types.Part_Text(value)


def secret(pointer: str) -> Part:
    """The secret at this pointer of the configuration."""
    return types.Part_Secret(pointer)


def basic(user: str, pointer: str) -> Part:
    """`Basic` and base64 of `user:secret` (RFC 7617)."""
    return types.Part_Basic((user, pointer))


def form_encoded(pointer: str) -> Part:
    """The secret, `application/x-www-form-urlencoded`; `form` in a request does this automatically."""
    return types.Part_FormEncoded(pointer)


def json_escaped(pointer: str) -> Part:
    """The secret as the inside of a JSON string; `body` in a request does this automatically."""
    return types.Part_JsonEscaped(pointer)


def captured(name: str) -> Part:
    """A token that the host captured from an earlier request of this call."""
    return types.Part_Captured(name)


def segment(value: object) -> str:
    """A value percent-encoded as one segment of a path."""
    return quote(str(value), safe="")


class Answer:
    """The answer to a request."""

    def __init__(self, name: str, response: http.Response) -> None:
        self._name = name
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self._response.body.decode(errors="replace")

    @property
    def captured(self) -> list[str]:
        """The names under which the host captured a token endpoint's answer."""
        return self._response.captured

    @property
    def json(self) -> Any:
        """The body as JSON; anything else, such as a web page, is the other side's failure."""
        value = _parsed(self.text)
        if value is None:
            raise unavailable(f"{self._name} answered HTTP {self.status} but not in JSON")
        return value

    def header(self, name: str) -> Optional[str]:
        """The first header of that lower-case name."""
        return next((value for known, value in self._response.headers if known == name), None)

    @property
    def retry_after_seconds(self) -> Optional[int]:
        """`Retry-After` in seconds; None for a date, where the host decides."""
        value = self.header("retry-after") or ""
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None

    @property
    def complaint(self) -> str:
        """": code: message" from the usual shapes of an error body, else empty."""
        error = _parsed(self.text)
        if isinstance(error, dict):
            listed = error.get("errors")
            error = error.get("error") or (listed[0] if isinstance(listed, list) and listed else error)
        if isinstance(error, dict):
            words = [error.get("code") or error.get("id"), error.get("message") or error.get("detail")]
        else:
            words = [error]
        return "".join(f": {_plain(word)}" for word in words if isinstance(word, str) and word)


class Api:
    """A JSON API at one host.

    Answers other than 2xx are raised as the errors of `bursar`, except the
    statuses that a call lists under `allow`.
    """

    def __init__(self, name: str, base: str, headers: Optional[dict[str, Any]] = None, refused: str = "") -> None:
        """`name` is the provider's, for messages; `base` is `https://host/prefix`.

        `headers` go with every request; `refused` says what to do about a 401 or 403.
        """
        self._name = name
        self._base = base
        self._headers = headers or {}
        self._refused = refused

    def get(self, path: str, **options: Any) -> Answer:
        return self.send("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        return self.send("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:
        return self.send("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Answer:
        return self.send("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.send("DELETE", path, **options)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Optional[dict[str, Any]] = None,
        headers: Optional[dict[str, Any]] = None,
        body: Any = None,
        form: Optional[dict[str, Any]] = None,
        allow: Iterable[int] = (),
        endpoint: Optional[str] = None,
    ) -> Answer:
        """Sends one request; at most 20 in a call of the plugin. `body` goes as JSON."""
        fields = {"accept": "application/json", **self._headers, **(headers or {})}
        content = None
        if body is not None:
            fields.setdefault("content-type", "application/json")
            content = _joined(_json_parts(body))
        elif form is not None:
            fields.setdefault("content-type", "application/x-www-form-urlencoded")
            content = _joined(_form_parts(form))
        request = http.Request(method, self._base + path, _fields(query or {}), _fields(fields), content, endpoint)
        answer = Answer(self._name, self._exchange(request))
        if answer.ok or answer.status in allow:
            return answer
        raise self._failure(answer)

    def _exchange(self, request: http.Request) -> http.Response:
        try:
            return http.send(request)
        except Err as error:
            raise _not_sent(self._name, error.value)

    def _failure(self, answer: Answer) -> Err:
        status = answer.status
        said = f"{self._name} answered HTTP {status}{answer.complaint}"
        if status in (401, 403):
            return denied(f"{said}. {self._refused}".strip())
        if status in (404, 410):
            return not_found(said)
        must_wait = status == 503 and answer.header("retry-after") is not None
        if status == 429 or must_wait:
            return throttled(answer.retry_after_seconds)
        if status >= 500 or status in (408, 409, 423):
            return unavailable(said)
        if 300 <= status < 400:
            return unavailable(f"{said}, a redirect, which is not followed")
        return internal(said)


def _not_sent(name: str, error: http.Error) -> Err:
    match error:
        case http.Error_Timeout():
            return unavailable(f"{name} did not answer in time")
        case http.Error_TooLarge():
            return unavailable(f"{name} sent more than the host accepts")
        case http.Error_Unsupported():
            return unsupported("this call may not use the network")
        case http.Error_Denied(rule):
            return denied(f"The host did not send the request to {name}: {rule}")
        case http.Error_Transport(reason):
            return unavailable(f"{name} could not be reached: {reason}")


def _fields(values: dict[str, Any]) -> list[http.Field]:
    return [http.Field(name, _parts(value)) for name, value in values.items()]


def _parts(value: Any) -> list[Part]:
    pieces = value if isinstance(value, list) else [value]
    return [piece if isinstance(piece, Part) else text(str(piece)) for piece in pieces]


def _json_parts(value: Any) -> list[Part]:
    """JSON as parts: a `secret` inside becomes a string with the secret in it."""
    if isinstance(value, Part):
        inside = json_escaped(value.value) if isinstance(value, types.Part_Secret) else value
        return [text('"'), inside, text('"')]
    if isinstance(value, dict):
        members = [[text(json.dumps(name) + ":"), *_json_parts(member)] for name, member in value.items()]
        return [text("{"), *_separated(members, ","), text("}")]
    if isinstance(value, list):
        return [text("["), *_separated([_json_parts(member) for member in value], ","), text("]")]
    return [text(json.dumps(value))]


def _form_parts(values: dict[str, Any]) -> list[Part]:
    """A form as parts: a `secret` inside is encoded by the host."""
    pairs = [[text(segment(name) + "="), _form_value(value)] for name, value in values.items()]
    return _separated(pairs, "&")


def _form_value(value: Any) -> Part:
    if isinstance(value, types.Part_Secret):
        return form_encoded(value.value)
    return value if isinstance(value, Part) else text(segment(value))


def _separated(lists: list[list[Part]], separator: str) -> list[Part]:
    return [part for at, parts in enumerate(lists) for part in ([text(separator)] if at else []) + parts]


def _joined(parts: list[Part]) -> list[Part]:
    short: list[Part] = []
    for part in parts:
        if short and isinstance(part, types.Part_Text) and isinstance(short[-1], types.Part_Text):
            short[-1] = text(short[-1].value + part.value)
        else:
            short.append(part)
    return short


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _plain(words: str) -> str:
    """One line, without control characters, of at most 200 characters."""
    return "".join(" " if ord(it) < 32 or ord(it) == 127 else it for it in words)[:200].rstrip(". ")
