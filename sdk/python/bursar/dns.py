"""Names and values of DNS records, for providers of DNS-01."""

import re
from typing import Callable, Optional, TypeVar

from bursar import not_found

Zone = TypeVar("Zone")


def longest_zone(fqdn: str, lookup: Callable[[str], Optional[Zone]]) -> Zone:
    """The longest zone of the account that contains `fqdn`.

    Calls `lookup(name)` for every suffix of two labels or more, longest first,
    until one is not None.
    """
    labels = fqdn.split(".")
    for first in range(len(labels) - 1):
        zone = lookup(".".join(labels[first:]))
        if zone is not None:
            return zone
    raise not_found(f"The account has no zone for {fqdn}: add the domain there, or use the account that has it")


def relative_name(fqdn: str, zone: str) -> str:
    """`fqdn` as seen from `zone`: `@` for the zone itself."""
    if fqdn == zone:
        return "@"
    if fqdn.endswith(f".{zone}"):
        return fqdn[: -len(zone) - 1]
    raise not_found(f"The zone {zone} does not hold {fqdn}")


def probe_record(fqdn: Optional[str], zone: str, seed: bytes) -> tuple[str, str]:
    """Name and value of the record of a preflight.

    They keep it apart from challenges and from other credentials' checks.
    """
    domain = (fqdn or zone).removeprefix("_acme-challenge.")
    return f"_acme-challenge.bursar-probe.{domain}", f"bursar-probe-{seed[:8].hex()}"


def quoted(value: str) -> str:
    """A TXT value as a zone file writes it (RFC 1035, section 5.1): in quotes."""
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def unquoted(content: str) -> str:
    """The value of a TXT record, quoted or not; its strings are joined."""
    if not re.fullmatch(r'"([^"\\]|\\.)*"(\s+"([^"\\]|\\.)*")*', content):
        return content
    strings = re.findall(r'"((?:[^"\\]|\\.)*)"', content)
    return "".join(re.sub(r"\\(.)", r"\1", string) for string in strings)
