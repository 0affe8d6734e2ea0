"""acme-dns: clients of others register and update, the last two values stand, and wrong requests are told apart."""

import json

from .lab import Lab, raises

BASE = "https://auth.example.test"


def prove_pyacmedns(lab: Lab) -> None:
    """The library by the author of acme-dns."""
    import pyacmedns
    from pyacmedns.exceptions import AcmeDnsClientException

    client = pyacmedns.Client(BASE)
    account = client.register_account(["127.0.0.0/8"])
    assert account["allowfrom"] == ["127.0.0.0/8"], account
    values = [letter * 43 for letter in "abc"]
    for at, value in enumerate(values):
        client.update_txt_record(account, value)
        assert lab.txt(account["fulldomain"]) == values[max(0, at - 1) : at + 1], lab.txt(account["fulldomain"])
    # The older value goes, even for one that is there already.
    client.update_txt_record(account, values[2])
    assert lab.txt(account["fulldomain"]) == [values[2]]
    raises(AcmeDnsClientException, lambda: client.update_txt_record(account, "short"))
    elsewhere = client.register_account(["192.0.2.0/24"])
    raises(AcmeDnsClientException, lambda: client.update_txt_record(elsewhere, values[0]))
    raises(AcmeDnsClientException, lambda: client.register_account(["not a network"]))


def prove_certbot_acme_dns(lab: Lab) -> None:
    from certbot_acme_dns._internal.acme_dns import AcmeDns, AcmeDnsError

    client = AcmeDns.register(f"{BASE}/")
    client.update("d" * 43)
    client.update("e" * 43)
    assert lab.txt(client.account.fulldomain) == ["d" * 43, "e" * 43]
    client.account.password = "x" * 40
    raises(AcmeDnsError, lambda: client.update("f" * 43))


def prove_errors(lab: Lab) -> None:
    known = lab.known["acme-dns"]
    headers = {"X-Api-User": known["username"], "X-Api-Key": known["password"]}
    good = {"subdomain": known["subdomain"], "txt": "g" * 43}

    def update(changed_headers: dict, changed: dict) -> tuple[int, object]:
        body = json.dumps({**good, **changed})
        answer, text = lab.send("POST", f"{BASE}/update", {**headers, **changed_headers}, body)
        return answer.status, json.loads(text).get("error")

    assert update({}, {}) == (200, None)
    assert update({"X-Api-Key": "x" * 40}, {}) == (401, "forbidden")
    assert update({"X-Api-User": "nobody"}, {}) == (401, "forbidden")
    assert update({}, {"subdomain": "other"}) == (401, "forbidden")
    assert update({}, {"txt": "g" * 44}) == (400, "bad_txt")
    assert update({}, {"txt": "." * 43}) == (400, "bad_txt")
    answer, text = lab.send("POST", f"{BASE}/register", {}, "not JSON")
    assert (answer.status, json.loads(text)["error"]) == (400, "malformed_json_payload")
    answer, text = lab.send("GET", f"{BASE}/health")
    assert (answer.status, text) == (200, "")
    assert lab.violations() == []
    assert lab.send("GET", f"{BASE}/update")[0].status == 405
    assert lab.send("DELETE", f"{BASE}/records")[0].status == 404
    assert len(lab.violations()) == 2


def prove_faults(lab: Lab) -> None:
    lab.fault(kind="rate-limited", host="auth.example.test", path="^/register", retry_after=3)
    lab.fault(kind="server-error", host="auth.example.test", path="^/register")
    answers = [lab.send("POST", f"{BASE}/register")[0] for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 500, 201]
    assert answers[0].headers["Retry-After"] == "3"
