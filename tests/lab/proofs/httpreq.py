"""The httpreq receiver: what each kind of endpoint takes and refuses. lego proves the protocol itself."""

import base64
import hashlib
import hmac
import json
import time

from .lab import Lab

BASE = "https://hooks.example.test"
NAME = "_acme-challenge.hook.example.test"
JSON = {"Content-Type": "application/json"}


def call(lab: Lab, endpoint: str, body: dict, headers: dict | None = None, operation: str = "present") -> int:
    answer, _ = lab.send("POST", f"{BASE}/{endpoint}/{operation}", JSON | (headers or {}), json.dumps(body))
    return answer.status


def record(value: str) -> dict:
    return {"fqdn": f"{NAME}.", "value": value}


def prove_present_and_cleanup_are_idempotent(lab: Lab) -> None:
    for _ in range(2):
        for value in ("first", "second"):
            assert call(lab, "open", record(value)) == 200
        assert lab.txt(NAME) == ["first", "second"]
    for _ in range(2):
        assert call(lab, "open", record("first"), operation="cleanup") == 200
        assert lab.txt(NAME) == ["second"]
    assert call(lab, "open", record("second"), operation="cleanup") == 200
    assert lab.txt(NAME) == []


def prove_raw_mode(lab: Lab) -> None:
    body = {"domain": "hook.example.test", "token": "t", "keyAuth": "t.thumbprint"}
    assert call(lab, "raw", body) == 200
    digest = hashlib.sha256(b"t.thumbprint").digest()
    assert lab.txt(NAME) == [base64.urlsafe_b64encode(digest).rstrip(b"=").decode()]
    assert call(lab, "raw", body, operation="cleanup") == 200
    assert lab.txt(NAME) == []
    assert lab.violations() == []
    assert call(lab, "raw", record("v")) == 400
    assert call(lab, "open", body) == 400
    assert len(lab.violations()) == 2


def prove_authentication(lab: Lab) -> None:
    known = lab.known["httpreq"]

    def basic(password: str) -> dict:
        return {"Authorization": "Basic " + base64.b64encode(f"{known['username']}:{password}".encode()).decode()}

    assert call(lab, "basic", record("v"), basic(known["password"])) == 200
    assert call(lab, "basic", record("v"), basic("wrong")) == 401
    assert call(lab, "basic", record("v")) == 401
    assert call(lab, "bearer", record("v"), {"Authorization": f"Bearer {known['token']}"}) == 200
    assert call(lab, "bearer", record("v"), {"Authorization": "Bearer wrong"}) == 401
    call(lab, "open", record("v"), operation="cleanup")


def prove_signatures(lab: Lab) -> None:
    body = json.dumps(record("v"))
    now = int(time.time())

    def sent(at: int, signed: str, key: str = lab.known["httpreq"]["hmac_key"]) -> int:
        digest = hmac.new(key.encode(), f"{at}.{signed}".encode(), hashlib.sha256).hexdigest()
        headers = JSON | {"X-Bursar-Signature": f"t={at},v1={digest}"}
        return lab.send("POST", f"{BASE}/signed/cleanup", headers, body)[0].status

    assert sent(now, body) == 200
    assert sent(now, body + " ") == 401
    assert sent(now, body, "wrong") == 401
    assert sent(now - 3600, body) == 401
    assert call(lab, "signed", record("v")) == 401
    assert lab.txt(NAME) == []


def prove_what_lego_would_not_send(lab: Lab) -> None:
    for method, path, headers, body in (
        ("POST", "open/present", {}, json.dumps(record("v"))),
        ("POST", "open/present", JSON, json.dumps({**record("v"), "ttl": 60})),
        ("PUT", "open/present", JSON, json.dumps(record("v"))),
        ("POST", "open/elsewhere", JSON, json.dumps(record("v"))),
        ("POST", "open/present", JSON, json.dumps({"fqdn": NAME, "value": "v"})),
    ):
        lab.send(method, f"{BASE}/{path}", headers, body)
        assert lab.violations(), (method, path, headers, body)
    assert call(lab, "open", {"fqdn": "_acme-challenge.elsewhere.test.", "value": "v"}) == 422
    call(lab, "open", record("v"), operation="cleanup")
