// Requests through the host, for plugins of the network plane.

import http from "bursar:plugin/http@0.1.0";

import { denied, fromUtf8, internal, notFound, throttled, unavailable, unsupported } from "./bursar.js";

// Parts of a request -------------------------------------------------------
// In the network plane the configuration comes without its secrets. These say where
// the host puts them; the manifest's `placements` must allow it.

class Part {
  constructor(tag, val) {
    this.tag = tag;
    this.val = val;
  }
}

/** Literal text; plain strings work as well. */
export const text = (value) => new Part("text", value);
/** The secret at this pointer of the configuration. */
export const secret = (pointer) => new Part("secret", pointer);
/** `Basic` and base64 of `user:secret` (RFC 7617). */
export const basic = (user, pointer) => new Part("basic", [user, pointer]);
/** The secret, `application/x-www-form-urlencoded`; `form` in a request does this automatically. */
export const formEncoded = (pointer) => new Part("form-encoded", pointer);
/** The secret as the inside of a JSON string; `json` in a request does this automatically. */
export const jsonEscaped = (pointer) => new Part("json-escaped", pointer);
/** A token that the host captured from an earlier request of this call. */
export const captured = (name) => new Part("captured", name);

const part = (value) => (value instanceof Part ? value : text(String(value)));
const parts = (value) => (Array.isArray(value) ? value.map(part) : [part(value)]);
const fields = (object) => Object.entries(object).map(([name, value]) => ({ name, value: parts(value) }));

/** JSON as parts: a `secret` inside becomes a string with the secret in it. */
function jsonParts(value) {
  if (value instanceof Part) return [text('"'), value.tag === "secret" ? jsonEscaped(value.val) : value, text('"')];
  if (value === null || typeof value !== "object") return [text(JSON.stringify(value))];
  const isList = Array.isArray(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const inner = members.flatMap(([name, member], at) => {
    const before = (at > 0 ? "," : "") + (isList ? "" : `${JSON.stringify(name)}:`);
    return [text(before), ...jsonParts(member)];
  });
  return joined([text(isList ? "[" : "{"), ...inner, text(isList ? "]" : "}")]);
}

/** A form as parts: a `secret` inside is encoded by the host. */
function formParts(object) {
  const encode = (value) => {
    if (!(value instanceof Part)) return text(encodeURIComponent(value));
    return value.tag === "secret" ? formEncoded(value.val) : value;
  };
  const pair = ([name, value], at) => [text(`${at > 0 ? "&" : ""}${encodeURIComponent(name)}=`), encode(value)];
  return joined(Object.entries(object).flatMap(pair));
}

function joined(list) {
  const short = [];
  for (const part of list) {
    const last = short.at(-1);
    if (part.tag === "text" && last?.tag === "text") short[short.length - 1] = text(last.val + part.val);
    else short.push(part);
  }
  return short;
}

// HTTP ---------------------------------------------------------------------

/** A path whose `${values}` are percent-encoded segments: path`/zones/${zone}`. */
export const path = (texts, ...values) => String.raw({ raw: texts }, ...values.map(encodeURIComponent));

/**
 * A JSON API at one host. Answers other than 2xx are thrown as errors, except
 * the statuses that a call lists under `allow`.
 */
export class Api {
  #name;
  #base;
  #headers;
  #refused;

  /**
   * `name` is the provider's, for messages; `base` is `https://host/prefix`;
   * `headers` go with every request; `refused` says what to do about a 401 or 403.
   */
  constructor({ name, base, headers = {}, refused = "" }) {
    this.#name = name;
    this.#base = base;
    this.#headers = headers;
    this.#refused = refused;
  }

  get = (path, options) => this.send("GET", path, options);
  post = (path, options) => this.send("POST", path, options);
  put = (path, options) => this.send("PUT", path, options);
  patch = (path, options) => this.send("PATCH", path, options);
  delete = (path, options) => this.send("DELETE", path, options);

  /** Sends one request; at most 20 in a call of the plugin. */
  send(method, path, { query = {}, headers = {}, json, form, allow = [], endpoint = null } = {}) {
    const all = { accept: "application/json", ...this.#headers, ...headers };
    let body = null;
    if (json !== undefined) {
      all["content-type"] ??= "application/json";
      body = jsonParts(json);
    } else if (form !== undefined) {
      all["content-type"] ??= "application/x-www-form-urlencoded";
      body = formParts(form);
    }
    const request = { method, url: this.#base + path, query: fields(query), headers: fields(all), body, endpoint };
    const answer = new Answer(this.#name, this.#exchange(request));
    if (answer.ok || allow.includes(answer.status)) return answer;
    throw this.#failure(answer);
  }

  #exchange(request) {
    try {
      return http.send(request);
    } catch (error) {
      // The bindings put the contract's error there; anything else is a defect.
      throw error.payload === undefined ? error : notSent(this.#name, error.payload);
    }
  }

  #failure(answer) {
    const { status } = answer;
    const said = `${this.#name} answered HTTP ${status}${answer.complaint}`;
    if (status === 401 || status === 403) return denied(`${said}. ${this.#refused}`.trim());
    if (status === 404 || status === 410) return notFound(said);
    const mustWait = status === 503 && answer.header("retry-after") !== null;
    if (status === 429 || mustWait) return throttled(answer.retryAfterSeconds);
    if (status >= 500 || [408, 409, 423].includes(status)) return unavailable(said);
    if (status >= 300 && status < 400) return unavailable(`${said}, a redirect, which is not followed`);
    return internal(said);
  }
}

/** The answer to a request. */
class Answer {
  #name;
  #response;

  constructor(name, response) {
    this.#name = name;
    this.#response = response;
  }

  get status() {
    return this.#response.status;
  }

  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  get text() {
    return fromUtf8(this.#response.body);
  }

  /** The names under which the host captured a token endpoint's answer. */
  get captured() {
    return this.#response.captured;
  }

  /** The body as JSON; anything else, such as a web page, is the other side's failure. */
  get json() {
    const value = parsed(this.text);
    if (value === undefined) throw unavailable(`${this.#name} answered HTTP ${this.status} but not in JSON`);
    return value;
  }

  /** The first header of that lower-case name, or null. */
  header(name) {
    return this.#response.headers.find(([known]) => known === name)?.[1] ?? null;
  }

  /** `Retry-After` in seconds, or null, also for a date: the host then decides. */
  get retryAfterSeconds() {
    const value = this.header("retry-after");
    return /^\d{1,9}$/.test(value ?? "") ? Number(value) : null;
  }

  /** ": code: message" from the usual shapes of an error body, else empty. */
  get complaint() {
    const body = parsed(this.text);
    const error = body?.error ?? body?.errors?.[0] ?? body;
    const words = typeof error === "string" ? [error] : [error?.code ?? error?.id, error?.message ?? error?.detail];
    return words.filter((word) => typeof word === "string" && word !== "").map((word) => `: ${plain(word)}`).join("");
  }
}

function notSent(name, { tag, val }) {
  if (tag === "timeout") return unavailable(`${name} did not answer in time`);
  if (tag === "too-large") return unavailable(`${name} sent more than the host accepts`);
  if (tag === "unsupported") return unsupported("this call may not use the network");
  if (tag === "denied") return denied(`The host did not send the request to ${name}: ${val}`);
  return unavailable(`${name} could not be reached: ${val}`);
}

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** One line, without control characters, of at most 200 characters. */
const plain = (words) => words.replace(/[\u0000-\u001f\u007f]+/g, " ").slice(0, 200).replace(/[.\s]+$/, "");
