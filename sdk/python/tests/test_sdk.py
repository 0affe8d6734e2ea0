"""Against the bindings that componentize-py makes, with the host stood in for."""

import json
import unittest
from unittest.mock import patch

from componentize_py_types import Err
from wit_world.imports import http, types

from bursar import Violations, dns_label, env_artifact
from bursar.dns import longest_zone, probe_record, quoted, relative_name, unquoted
from bursar.http import Api, basic, captured, secret, segment

API = Api("Example", "https://api.example.com/v1", refused="Make another token")


def answered(status, body="", headers=(), call=lambda: API.get("/")):
    """What a call makes of an answer."""
    body = body if isinstance(body, str) else json.dumps(body)
    with patch.object(http, "send", return_value=http.Response(status, list(headers), body.encode(), [])):
        return call()


def failure(*answer, **options):
    try:
        answered(*answer, **options)
    except Err as error:
        return error.value
    raise AssertionError("it succeeded")


def sent(call):
    """The request that a call sends."""
    with patch.object(http, "send", return_value=http.Response(200, [], b"", [])) as send:
        call()
    return send.call_args.args[0]


class Requests(unittest.TestCase):
    def test_a_secret_takes_its_place_in_json_escaped_by_the_host(self):
        body = {"user": 'a"b', "list": [1, None, {"key": secret("/key")}], "token": captured("t")}
        request = sent(lambda: API.post("/login", body=body))
        self.assertEqual((request.method, request.url), ("POST", "https://api.example.com/v1/login"))
        self.assertEqual(
            request.body,
            [
                types.Part_Text('{"user":"a\\"b","list":[1,null,{"key":"'),
                types.Part_JsonEscaped("/key"),
                types.Part_Text('"}],"token":"'),
                types.Part_Captured("t"),
                types.Part_Text('"}'),
            ],
        )
        self.assertEqual([field.name for field in request.headers], ["accept", "content-type"])

    def test_a_secret_takes_its_place_in_a_form_encoded_by_the_host(self):
        request = sent(lambda: API.post("/token", form={"grant type": "a&b", "password": secret("/password")}))
        text, password = request.body
        self.assertEqual(text, types.Part_Text("grant%20type=a%26b&password="))
        self.assertEqual(password, types.Part_FormEncoded("/password"))

    def test_headers_and_query_take_text_secrets_and_both(self):
        headers = {"authorization": basic("ann", "/password"), "x": ["a ", secret("/b")]}
        request = sent(lambda: API.get("/", query={"page": 2}, headers=headers))
        self.assertEqual(request.query, [http.Field("page", [types.Part_Text("2")])])
        self.assertEqual(request.headers[1].value, [types.Part_Basic(("ann", "/password"))])
        self.assertEqual(request.headers[2].value, [types.Part_Text("a "), types.Part_Secret("/b")])
        self.assertIsNone(request.body)

    def test_segments_are_encoded(self):
        self.assertEqual(segment("a/b c"), "a%2Fb%20c")


class Answers(unittest.TestCase):
    def test_what_is_not_a_success_is_one_of_the_contract_s_errors(self):
        said = {"error": {"code": "no", "message": "not\nnow."}}
        self.assertEqual(
            failure(403, said), types.Error_Denied("Example answered HTTP 403: no: not now. Make another token")
        )
        self.assertEqual(failure(404, {"message": "none"}), types.Error_NotFound("Example answered HTTP 404: none"))
        self.assertEqual(failure(429, headers=[("retry-after", "7")]), types.Error_Throttled(7))
        date = "Wed, 21 Oct 2026 07:28:00 GMT"
        self.assertEqual(failure(429, headers=[("retry-after", date)]), types.Error_Throttled(None))
        self.assertEqual(failure(503, headers=[("retry-after", "7")]), types.Error_Throttled(7))
        self.assertEqual(failure(502, "<html>"), types.Error_Unavailable("Example answered HTTP 502"))
        self.assertIsInstance(failure(302), types.Error_Unavailable)
        self.assertEqual(failure(400, '"why"'), types.Error_Internal("Example answered HTTP 400: why"))

    def test_what_was_not_sent_says_why(self):
        for error, kind in (
            (http.Error_Timeout(), types.Error_Unavailable),
            (http.Error_TooLarge(), types.Error_Unavailable),
            (http.Error_Transport("no connection"), types.Error_Unavailable),
            (http.Error_Denied("no such placement"), types.Error_Denied),
            (http.Error_Unsupported(), types.Error_Unsupported),
        ):
            with patch.object(http, "send", side_effect=Err(error)), self.assertRaises(Err) as raised:
                API.get("/")
            self.assertIsInstance(raised.exception.value, kind)

    def test_an_answer_that_is_allowed_comes_back_and_a_page_is_not_json(self):
        self.assertFalse(answered(404, call=lambda: API.get("/", allow=[404])).ok)
        page = failure(200, "<html>", call=lambda: API.get("/").json)
        self.assertEqual(page, types.Error_Unavailable("Example answered HTTP 200 but not in JSON"))


class Names(unittest.TestCase):
    def test_the_longest_zone_is_asked_for_first(self):
        asked = []
        zone = longest_zone("_acme-challenge.a.example.com", lambda it: asked.append(it) or (it if it == "example.com" else None))
        self.assertEqual((zone, asked[:2]), ("example.com", ["_acme-challenge.a.example.com", "a.example.com"]))
        with self.assertRaises(Err) as raised:
            longest_zone("a.example.com", lambda _: None)
        self.assertIsInstance(raised.exception.value, types.Error_NotFound)

    def test_names_are_relative_at_a_label(self):
        self.assertEqual(relative_name("a.b.example.com", "example.com"), "a.b")
        self.assertEqual(relative_name("example.com", "example.com"), "@")
        with self.assertRaises(Err):
            relative_name("notexample.com", "example.com")

    def test_a_txt_value_is_the_same_in_quotes_in_pieces_and_without(self):
        self.assertEqual(quoted('a"\\b'), '"a\\"\\\\b"')
        for content in ("abc", '"abc"', '"a" "bc"'):
            self.assertEqual(unquoted(content), "abc")
        self.assertEqual(unquoted(quoted('a"\\b')), 'a"\\b')
        self.assertEqual(unquoted('"not closed'), '"not closed')

    def test_a_probe_has_a_record_of_its_own(self):
        value = "bursar-probe-0707070707070707"
        name = "_acme-challenge.bursar-probe"
        self.assertEqual(probe_record("_acme-challenge.a.b", "b", bytes([7] * 32)), (f"{name}.a.b", value))
        self.assertEqual(probe_record(None, "b", bytes([7] * 32)), (f"{name}.b", value))


class Files(unittest.TestCase):
    def test_environment_files_and_object_names(self):
        made = env_artifact([("A", "/a", "plain-1.2"), ("B", "/b", "a b$"), ("C", "/c", "it's #5"), ("D", "/d", "")])
        self.assertEqual(made.content.decode(), "A=plain-1.2\nB='a b$'\nC=\"it's #5\"\nD=''\n")
        for value in ["it's $5", "a'b\"c", "pass\\", "a\\\\b", "${HOME}", "a\rb"]:
            with self.assertRaises(Err) as raised:
                env_artifact([("A", "/a", value)])
            found = raised.exception.value.value[0]
            self.assertEqual((found.pointer, found.code), ("/a", "not-in-env"))
        self.assertEqual(dns_label("My_Host-"), "my-host")
        self.assertEqual(dns_label("__"), "credential")

    def test_violations_are_told_at_once_and_none_is_none(self):
        Violations().require(True, "/a", "x", "").finish()
        two = Violations().require(False, "/a", "x", "A.").require(False, "/b", "y", "B.")
        with self.assertRaises(Err) as raised:
            two.finish()
        self.assertEqual([it.code for it in raised.exception.value.value], ["x", "y"])


if __name__ == "__main__":
    unittest.main()
