"""What every proof needs: the fake's control API, bare requests, and a resolver's view."""

import http.client
import json
import ssl
import urllib.request

import dns.message
import dns.query
import dns.rdatatype


class Lab:
    def __init__(self, ready: dict, dns_port: int):
        self.ready = ready
        self.known = ready["credentials"]
        self.dns_port = dns_port

    def txt(self, name: str) -> list[str]:
        """The TXT values that PowerDNS answers with, sorted."""
        query = dns.message.make_query(f"{name}.", dns.rdatatype.TXT)
        answer = dns.query.udp(query, "127.0.0.1", port=self.dns_port, timeout=10)
        return sorted(b"".join(row.strings).decode() for found in answer.answer for row in found)

    def control(self, method: str, path: str, body: object = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.ready['control']}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def fault(self, **rule: object) -> None:
        self.control("POST", "/faults", rule)

    def log(self, host: str, path: str = "") -> list[dict]:
        return [entry for entry in self.control("GET", "/log") if entry["host"] == host and path in entry["path"]]

    def violations(self) -> list[str]:
        """Those noted since the last call."""
        found = [each["violation"] for each in self.control("GET", "/violations")]
        self.control("DELETE", "/violations")
        return found

    def send(self, method: str, url: str, headers: dict | None = None, body: str | None = None):
        """A bare request, as no SDK would make it. Returns the answer and its text."""
        host, _, path = url.removeprefix("https://").partition("/")
        context = ssl.create_default_context(cafile=self.ready["root"])
        connection = http.client.HTTPSConnection(host, context=context, timeout=30)
        try:
            connection.request(method, f"/{path}", body, headers or {})
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()


def raises(kind: type[BaseException], call) -> BaseException:
    """The exception of a call that must fail."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")
