"""What every Bursar plugin in Python is written with: errors, violations, artifacts.

Requests are in `bursar.http`, DNS names in `bursar.dns`. The README beside this
package shows them in use; wit/v0.1 is the contract behind them.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Optional

from componentize_py_types import Err
from wit_world.exports.materializer import Artifact
from wit_world.imports import types

# Errors: each makes one case of `types.error`, to be raised: `raise denied("...")`.


def denied(message: str) -> Err:
    """The other side refused the credential. Say what to create or grant there."""
    return Err(types.Error_Denied(message))


def not_found(message: str) -> Err:
    """The other side does not know what was requested, such as a DNS zone."""
    return Err(types.Error_NotFound(message))


def throttled(seconds: Optional[int] = None) -> Err:
    """The other side asked to wait: seconds, or None if it did not say."""
    return Err(types.Error_Throttled(seconds))


def unavailable(message: str) -> Err:
    """The other side is unreachable or failing; a later retry may work."""
    return Err(types.Error_Unavailable(message))


def unsupported(message: str) -> Err:
    """This plugin does not do that."""
    return Err(types.Error_Unsupported(message))


def internal(message: str) -> Err:
    """A defect of this plugin."""
    return Err(types.Error_Internal(message))


class Violations:
    """Collects everything that is wrong with the input, to report it all at once."""

    def __init__(self) -> None:
        self._found: list[types.Violation] = []

    def require(self, holds: bool, pointer: str, code: str, message: str) -> "Violations":
        """Adds a violation unless `holds`.

        `code` is one of the manifest's `messages`, or `required`, `format` or
        `invalid`; `message` names the cure.
        """
        if not holds:
            self._found.append(types.Violation(pointer, code, message))
        return self

    def finish(self) -> None:
        """Raises `invalid` when something was added."""
        if self._found:
            raise Err(types.Error_Invalid(self._found))


@dataclass
class Inspection:
    """What a type reads from the public half of the data."""

    data: Any
    """The public data, normalised."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """Facts for people."""
    selectors: list[tuple[str, str]] = field(default_factory=list)
    """Kind and value of the selectors by which the credential is found."""
    order: Any = None
    """The order to place, for types with the ability `acme-order`."""
    not_before: Optional[int] = None
    """When it becomes valid, in Unix seconds."""
    not_after: Optional[int] = None
    """When it expires, in Unix seconds."""


def artifact(name: str, content: str | bytes, media_type: str = "text/plain", sensitive: bool = True) -> Artifact:
    """A secret file."""
    content = content.encode() if isinstance(content, str) else content
    return Artifact(name, media_type, content, sensitive)


def json_artifact(name: str, value: Any, sensitive: bool = True) -> Artifact:
    """A secret JSON file; valid YAML too."""
    return artifact(name, json.dumps(value, indent=2, ensure_ascii=False) + "\n", "application/json", sensitive)


def login_artifacts(username: str, password: str) -> list[Artifact]:
    """The two files of the well-known formats `login` and `kubernetes.io/basic-auth`."""
    return [artifact("username", username, sensitive=False), artifact("password", password)]


def env_artifact(variables: list[tuple[str, str, str]]) -> Artifact:
    """The file of the well-known format `env`; each variable is name, pointer, value.

    Lines that a POSIX shell, Docker Compose, Node.js, dotenv and python-dotenv all
    read as the same text. Those agree on no escape: raises `invalid` with the code
    `not-in-env`, which the manifest needs a message for, at each field (the pointer)
    whose value cannot be written.
    """
    violations = Violations()
    lines = []
    for name, pointer, value in variables:
        quoted = _env_quote(value)
        message = "Programs that read environment files disagree on this value."
        violations.require(quoted is not None, pointer, "not-in-env", message)
        lines.append(f"{name}={quoted}\n")
    violations.finish()
    return artifact(".env", "".join(lines))


def dns_label(name: str) -> str:
    """A credential's name as a Kubernetes object name (RFC 1123 label)."""
    return re.sub(r"[^a-z0-9-]", "-", name.lower())[:63].strip("-") or "credential"


def _env_quote(value: str) -> Optional[str]:
    if re.fullmatch(r"[A-Za-z0-9_\-./:@%+,=]+", value):
        return value
    # dotenv turns carriage returns into line feeds, python-dotenv expands `${...}`.
    if "\r" in value or "\0" in value or "${" in value:
        return None
    # python-dotenv reads two backslashes as one; Compose lets one escape the quote.
    if "'" not in value and "\\\\" not in value and not value.endswith("\\"):
        return f"'{value}'"
    return None if re.search(r'["\\$`]', value) else f'"{value}"'
