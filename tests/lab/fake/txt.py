"""The content of TXT records, which each service writes its own way (RFC 1035 section 5.1)."""

import dns.rdata
from dns.rdataclass import IN
from dns.rdatatype import TXT


class BadText(ValueError):
    """Not the content of a TXT record."""


def strings(content: str) -> list[bytes]:
    """The character strings of a content in zone file form, quoted or not."""
    try:
        parts = list(dns.rdata.from_text(IN, TXT, content).strings)
    except Exception as error:
        raise BadText(str(error)) from error
    if any(len(part) > 255 for part in parts):
        raise BadText("a character string is longer than 255 bytes")
    return parts


def quoted(parts: list[bytes]) -> str:
    """The content in zone file form."""
    return dns.rdata.get_rdata_class(IN, TXT)(IN, TXT, parts).to_text()


def normal(content: str) -> str:
    """The one form that PowerDNS and every comparison use: each string in quotes."""
    return quoted(strings(content))


def split(text: bytes) -> list[bytes]:
    """A text of any length as character strings."""
    return [text[at : at + 255] for at in range(0, len(text), 255)] or [b""]
