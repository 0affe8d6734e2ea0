"""Faults: each on order, as often as ordered, in the vendor's shape, and gone afterwards."""

import http.client
import json

import vendor

from .lab import Lab, raises

ZONES = "https://api.cloudflare.com/client/v4/zones?name=example.test"


def prove_throttling(lab: Lab) -> None:
    """Each SDK knows what it is told, and the request after that succeeds."""
    import cloudflare
    from azure.core.exceptions import HttpResponseError
    from botocore.exceptions import ClientError
    from googleapiclient.errors import HttpError

    def once(host: str, kind: str, error: type[Exception], call):
        lab.fault(kind=kind, host=host, retry_after=7)
        refused = raises(error, call)
        call()
        return refused

    client = vendor.Cloudflare(lab.known["cloudflare"])
    refused = once(
        "api.cloudflare.com", "rate-limited", cloudflare.RateLimitError, lambda: client.zone_id("example.test")
    )
    assert refused.response.headers["Retry-After"] == "7"

    route53 = vendor.Route53(lab.known["route53"])
    for kind, code in (("throttling", "Throttling"), ("prior-request-not-complete", "PriorRequestNotComplete")):
        refused = once("route53.amazonaws.com", kind, ClientError, lambda: route53.zone_id("example.test"))
        assert refused.response["Error"]["Code"] == code
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 400

    azure = vendor.Azure(lab.known["azure"])
    refused = once("management.azure.com", "rate-limited", HttpResponseError, lambda: azure.check_zone("example.test"))
    assert (refused.status_code, refused.response.headers["Retry-After"]) == (429, "7")

    google = vendor.Google(lab.known["google"])
    for kind, reason in (("rate-limit-exceeded", "rateLimitExceeded"), ("quota-exceeded", "quotaExceeded")):
        refused = once("dns.googleapis.com", kind, HttpError, lambda: google.zone_id("example.test"))
        assert (refused.resp.status, refused.error_details[0]["reason"]) == (403, reason), refused.error_details


def prove_server_errors_and_broken_answers(lab: Lab) -> None:
    headers = {"Authorization": f"Bearer {lab.known['cloudflare']['api_token']}"}
    lab.fault(kind="server-error", host="api.cloudflare.com", status=503, times=2, method="GET", path="name=example")
    for status in (503, 503, 200):
        answer, text = lab.send("GET", ZONES, headers)
        assert (answer.status, json.loads(text)["success"]) == (status, status == 200)
    lab.fault(kind="html", host="api.cloudflare.com", skip=1)
    for status, kind in ((200, "application/json"), (502, "text/html"), (200, "application/json")):
        answer, _ = lab.send("GET", ZONES, headers)
        assert (answer.status, answer.headers.get_content_type()) == (status, kind)
    lab.fault(kind="truncated", host="api.cloudflare.com")
    raises(http.client.IncompleteRead, lambda: lab.send("GET", ZONES, headers))
    lab.fault(kind="reset", host="api.cloudflare.com")
    raises((ConnectionError, http.client.HTTPException), lambda: lab.send("GET", ZONES, headers))
    assert [entry["fault"] for entry in lab.log("api.cloudflare.com")] == ["server-error"] * 2 + [
        None,
        None,
        "html",
        None,
        "truncated",
        "reset",
    ]


def prove_a_lost_answer(lab: Lab) -> None:
    """What was asked for is done although the answer is bad: a client that tries again finds it there."""
    import cloudflare

    client, name = vendor.Cloudflare(lab.known["cloudflare"]), "_acme-challenge.lost.example.test"
    lab.fault(kind="html", host="api.cloudflare.com", method="POST", applied=True)
    raises(cloudflare.APIError, lambda: client.present("example.test", name, "v", 60))
    assert lab.txt(name) == ["v"]
    client.present("example.test", name, "v", 60)
    assert lab.txt(name) == ["v"]
    client.cleanup("example.test", name, "v", 60)


def prove_expired_tokens(lab: Lab) -> None:
    """A token that a token endpoint issued is good no more, so that only a new one helps."""
    google = vendor.Google(lab.known["google"])
    google.zone_id("example.test")
    lab.fault(kind="expired-token", host="dns.googleapis.com")
    google.zone_id("example.test")
    statuses = [entry["status"] for entry in lab.log("dns.googleapis.com")]
    assert statuses == [200, 401, 200], statuses
    assert len(lab.log("oauth2.googleapis.com")) == 2

    azure = vendor.Azure(lab.known["azure"])
    azure.check_zone("example.test")
    lab.fault(kind="expired-token", host="management.azure.com")
    from azure.core.exceptions import ClientAuthenticationError

    for _ in range(2):
        # azure-core asks for a new token on a claims challenge only, and goes on with the old one.
        raises(ClientAuthenticationError, lambda: azure.check_zone("example.test"))
    vendor.Azure(lab.known["azure"]).check_zone("example.test")


def prove_changes_that_stay_pending(lab: Lab) -> None:
    for provider, host, path in (
        ("route53", "route53.amazonaws.com", "/change/"),
        ("google", "dns.googleapis.com", "/changes/"),
    ):
        client, name = (
            vendor.PROVIDERS[provider](lab.known[provider]),
            f"_acme-challenge.pending-{provider}.example.test",
        )
        lab.fault(kind="pending", host=host, times=3)
        client.present("example.test", name, "v", 60)
        assert len(lab.log(host, path)) == 4, lab.log(host, path)
        client.cleanup("example.test", name, "v", 60)
        assert len(lab.log(host, path)) == 5


def prove_races(lab: Lab) -> None:
    """Another writer comes between read and write: the careless lose a value or are refused, and can try again."""
    from azure.core.exceptions import HttpResponseError
    from botocore.exceptions import ClientError
    from googleapiclient.errors import HttpError

    def race(provider: str, host: str, method: str, path: str) -> tuple[object, str]:
        name = f"_acme-challenge.race-{provider}.example.test"
        client = vendor.PROVIDERS[provider](lab.known[provider])
        client.present("example.test", name, "first", 60)
        lab.fault(kind="race", host=host, method=method, path=path, name=name, value="foreign")
        return client, name

    azure, name = race("azure", "management.azure.com", "PUT", "/TXT/")
    refused = raises(HttpResponseError, lambda: azure.present("example.test", name, "second", 60))
    assert refused.status_code == 412
    settled(lab, azure, name)

    google, name = race("google", "dns.googleapis.com", "POST", "/changes")
    refused = raises(HttpError, lambda: google.present("example.test", name, "second", 60))
    assert (refused.resp.status, refused.error_details[0]["reason"]) == (412, "conditionNotMet")
    settled(lab, google, name)

    route53, name = race("route53", "route53.amazonaws.com", "POST", "/rrset/")
    refused = raises(ClientError, lambda: route53.cleanup("example.test", name, "first", 60))
    assert refused.response["Error"]["Code"] == "InvalidChangeBatch"
    settled(lab, route53, name)

    # An addition where there was nothing is refused by Google and Azure alike, with a status of its own.
    for provider, host, method, error in (
        ("google", "dns.googleapis.com", "POST", HttpError),
        ("azure", "management.azure.com", "PUT", HttpResponseError),
    ):
        client, name = vendor.PROVIDERS[provider](lab.known[provider]), f"_acme-challenge.new-{provider}.example.test"
        lab.fault(kind="race", host=host, method=method, name=name, value="foreign")
        refused = raises(error, lambda: client.present("example.test", name, "first", 60))
        assert getattr(refused, "status_code", None) == {"google": 409, "azure": 412}[provider]
        settled(lab, client, name)


def settled(lab: Lab, client, name: str) -> None:
    """After another try all is there, and can be taken away one by one."""
    for value in ("first", "second"):
        client.present("example.test", name, value, 60)
    assert lab.txt(name) == ["first", "foreign", "second"], lab.txt(name)
    for value in ("first", "second", "foreign"):
        client.cleanup("example.test", name, value, 60)
    assert lab.txt(name) == []
