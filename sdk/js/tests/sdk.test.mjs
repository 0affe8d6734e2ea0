import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Violations, dnsLabel, envArtifact, fromUtf8, utf8 } from "../bursar.js";
import { exportsOf } from "../component.js";
import { longestZone, probeRecord, quoted, relativeName, unquoted } from "../dns.js";
import { Api, basic, captured, path, secret } from "../http.js";

beforeEach(() => Object.assign(globalThis, { requests: [], answers: [] }));

const api = new Api({ name: "Example", base: "https://api.example.com/v1", refused: "Make another token" });
const json = (value) => utf8(JSON.stringify(value));
const plainParts = (list) => list.map(({ tag, val }) => [tag, val]);

test("a secret takes its place in JSON, escaped by the host", () => {
  answers.push({ status: 200 });
  api.post("/login", { json: { user: 'a"b', list: [1, null, { key: secret("/key") }], gone: undefined, token: captured("t") } });
  const [{ method, url, headers, body }] = requests;
  assert.deepEqual([method, url], ["POST", "https://api.example.com/v1/login"]);
  assert.deepEqual(plainParts(body), [
    ["text", '{"user":"a\\"b","list":[1,null,{"key":"'],
    ["json-escaped", "/key"],
    ["text", '"}],"token":"'],
    ["captured", "t"],
    ["text", '"}'],
  ]);
  assert.deepEqual(headers.map(({ name }) => name), ["accept", "content-type"]);
});

test("a secret takes its place in a form, encoded by the host", () => {
  answers.push({ status: 200 });
  api.post("/token", { form: { "grant type": "a&b", password: secret("/password") } });
  assert.deepEqual(plainParts(requests[0].body), [
    ["text", "grant%20type=a%26b&password="],
    ["form-encoded", "/password"],
  ]);
});

test("headers and query take text, secrets and both", () => {
  answers.push({ status: 200 });
  api.get("/", { query: { page: 2, key: secret("/key") }, headers: { authorization: basic("ann", "/password"), x: ["a ", secret("/b")] } });
  const fields = (list) => list.map(({ name, value }) => [name, plainParts(value)]);
  assert.deepEqual(fields(requests[0].query), [["page", [["text", "2"]]], ["key", [["secret", "/key"]]]]);
  assert.deepEqual(fields(requests[0].headers).slice(1), [
    ["authorization", [["basic", ["ann", "/password"]]]],
    ["x", [["text", "a "], ["secret", "/b"]]],
  ]);
  assert.equal(requests[0].body, null);
});

test("what is not a success is one of the contract's errors", () => {
  const failure = (answer) => {
    answers.push(answer);
    try {
      api.get("/");
    } catch (error) {
      return [error.tag, error.val];
    }
    return null;
  };
  const said = { body: json({ error: { code: "no", message: "not\nnow." } }) };
  assert.deepEqual(failure({ status: 403, ...said }), ["denied", "Example answered HTTP 403: no: not now. Make another token"]);
  assert.deepEqual(failure({ status: 404, body: json({ message: "none" }) }), ["not-found", "Example answered HTTP 404: none"]);
  assert.deepEqual(failure({ status: 429, headers: [["retry-after", "7"]] }), ["throttled", 7]);
  assert.deepEqual(failure({ status: 429, headers: [["retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"]] }), ["throttled", null]);
  assert.deepEqual(failure({ status: 503, headers: [["retry-after", "7"]] }), ["throttled", 7]);
  assert.deepEqual(failure({ status: 502, body: utf8("<html>") }), ["unavailable", "Example answered HTTP 502"]);
  assert.equal(failure({ status: 302 })[0], "unavailable");
  assert.equal(failure({ status: 400, body: json("why") })[1], "Example answered HTTP 400: why");
  assert.deepEqual(failure({ payload: { tag: "timeout" } }), ["unavailable", "Example did not answer in time"]);
  assert.equal(failure({ payload: { tag: "denied", val: "no such placement" } })[0], "denied");
  assert.equal(failure({ payload: { tag: "unsupported" } })[0], "unsupported");
});

test("an answer that is allowed comes back, and a page is not JSON", () => {
  answers.push({ status: 404 }, { status: 200, body: utf8("<html>") });
  assert.equal(api.get("/", { allow: [404] }).ok, false);
  assert.throws(() => api.get("/").json, { tag: "unavailable", val: "Example answered HTTP 200 but not in JSON" });
});

test("paths are encoded", () => assert.equal(path`/zones/${"a/b c"}/@/${1}`, "/zones/a%2Fb%20c/@/1"));

test("the longest zone is asked for first", () => {
  const asked = [];
  const zone = longestZone("_acme-challenge.a.example.com", (name) => (asked.push(name), name === "example.com" ? name : null));
  assert.deepEqual([zone, ...asked], ["example.com", "_acme-challenge.a.example.com", "a.example.com", "example.com"]);
  assert.throws(() => longestZone("a.example.com", () => null), { tag: "not-found" });
});

test("names are relative at a label", () => {
  assert.equal(relativeName("a.b.example.com", "example.com"), "a.b");
  assert.equal(relativeName("example.com", "example.com"), "@");
  assert.throws(() => relativeName("notexample.com", "example.com"), { tag: "not-found" });
});

test("a TXT value is the same in quotes, in pieces and without", () => {
  assert.equal(quoted('a"\\b'), '"a\\"\\\\b"');
  for (const content of ["abc", '"abc"', '"a" "bc"']) assert.equal(unquoted(content), "abc");
  assert.equal(unquoted(quoted('a"\\b')), 'a"\\b');
  assert.equal(unquoted('"not closed'), '"not closed');
});

test("a probe has a record of its own", () => {
  const seed = new Uint8Array(32).fill(7);
  const value = "bursar-probe-0707070707070707";
  assert.deepEqual(probeRecord("_acme-challenge.a.b", "b", { seed }), { fqdn: "_acme-challenge.bursar-probe.a.b", value });
  assert.deepEqual(probeRecord(null, "b", { seed }), { fqdn: "_acme-challenge.bursar-probe.b", value });
});

test("text goes to UTF-8 and back", () => {
  const words = "aß€😀\0";
  assert.deepEqual(utf8(words), new TextEncoder().encode(words));
  assert.equal(fromUtf8(utf8(words)), words);
  assert.equal(fromUtf8(new Uint8Array([0x61, 0xff])), "a\ufffd");
});

test("environment files and object names", () => {
  const { content } = envArtifact([["A", "/a", "plain-1.2"], ["B", "/b", "a b$"], ["C", "/c", "it's #5"], ["D", "/d", ""]]);
  assert.equal(fromUtf8(content), `A=plain-1.2\nB='a b$'\nC="it's #5"\nD=''\n`);
  for (const value of ["it's $5", `a'b"c`, "pass\\", "a\\\\b", "${HOME}", "a\rb"]) {
    const refused = ({ tag, val }) => tag === "invalid" && val[0].pointer === "/a" && val[0].code === "not-in-env";
    assert.throws(() => envArtifact([["A", "/a", value]]), refused, value);
  }
  assert.equal(dnsLabel("My_Host-"), "my-host");
  assert.equal(dnsLabel("__"), "credential");
});

test("all violations are reported at once, and no violation is no error", () => {
  new Violations().require(true, "/a", "x", "").finish();
  const two = new Violations().require(false, "/a", "x", "A.").require(false, "/b", "y", "B.");
  assert.throws(() => two.finish(), ({ tag, val }) => tag === "invalid" && val.map(({ code }) => code).join() === "x,y");
});

test("exports take and give the contract's texts", () => {
  const files = { manifest: { variants: [{ id: "v" }, { id: "w" }] }, schema: {}, template: { v: 1, w: 2 } };
  const plugin = { check: () => ({ "/key": "new" }), materialize: () => undefined, dns01: { present: () => undefined } };
  const { form, materializer, dns01, prober } = exportsOf(plugin, files);
  const context = { options: "{}" };
  assert.equal(form.template(null), "1");
  assert.equal(form.template("w"), "2");
  assert.throws(() => form.template("toString"), { tag: "not-found" });
  assert.deepEqual(form.check("{}", context), [{ pointer: "/key", value: '"new"' }]);
  assert.equal(form.inspect('{"a":1}', context).data, '{"a":1}');
  assert.throws(() => materializer.materialize("{}", null, "x", context), { tag: "unsupported" });
  assert.equal(dns01.present("{}", {}, context), "");
  assert.deepEqual(dns01.poll("{}", "", context), { tag: "done" });
  assert.throws(() => dns01.cleanup("{}", {}, "", context), { tag: "internal" });
  assert.equal(prober, undefined);
});
