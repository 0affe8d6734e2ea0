// What every Bursar plugin in JavaScript is written with: errors, violations,
// artifacts, text. Requests are in http.js, DNS names in dns.js. README.md shows
// them in use; wit/v0.1 is the contract behind them.

// Errors -------------------------------------------------------------------
// Each makes one case of `types.error`, to be thrown: `throw denied("...")`.
// They are plain objects, since the bindings accept nothing else.

/** The input is wrong; see `Violations`. Never empty. */
export const invalid = (violations) => ({ tag: "invalid", val: violations });
/** The other side refused the credential. Say what to create or grant there. */
export const denied = (message) => ({ tag: "denied", val: message });
/** The other side does not know what was requested, such as a DNS zone. */
export const notFound = (message) => ({ tag: "not-found", val: message });
/** The other side asked to wait: seconds, or null if it did not say. */
export const throttled = (seconds = null) => ({ tag: "throttled", val: seconds });
/** The other side is unreachable or failing; a later retry may work. */
export const unavailable = (message) => ({ tag: "unavailable", val: message });
/** This plugin does not do that. */
export const unsupported = (message) => ({ tag: "unsupported", val: message });
/** A defect of this plugin. */
export const internal = (message) => ({ tag: "internal", val: message });

/** Collects everything that is wrong with the input, to report it all at once. */
export class Violations {
  #found = [];

  /**
   * Adds a violation unless `holds`. `code` is one of the manifest's `messages`,
   * or `required`, `format` or `invalid`; `message` names the cure.
   */
  require(holds, pointer, code, message) {
    if (!holds) this.#found.push({ pointer, code, message });
    return this;
  }

  /** Throws `invalid` when something was added. */
  finish() {
    if (this.#found.length > 0) throw invalid(this.#found);
  }
}

// Artifacts ----------------------------------------------------------------

/** A secret file. `content` is a string or a Uint8Array. */
export function artifact(name, content, mediaType = "text/plain", sensitive = true) {
  return { name, mediaType, content: typeof content === "string" ? utf8(content) : content, sensitive };
}

/** A secret JSON file; valid YAML too. */
export const jsonArtifact = (name, value, sensitive = true) =>
  artifact(name, JSON.stringify(value, null, 2) + "\n", "application/json", sensitive);

/** The two files of the well-known formats `login` and `kubernetes.io/basic-auth`. */
export const loginArtifacts = (username, password) => [
  artifact("username", username, "text/plain", false),
  artifact("password", password),
];

/**
 * The file of the well-known format `env`: lines that a POSIX shell, Docker
 * Compose, Node.js, dotenv and python-dotenv all read as the same text. Each
 * variable is `[name, pointer, value]`, the pointer that of the value's field.
 *
 * Those readers agree on no escape. Throws `invalid` with the code
 * `not-in-env`, which the manifest needs a message for, at each field whose
 * value cannot be written.
 */
export function envArtifact(variables) {
  const violations = new Violations();
  const lines = variables.map(([name, pointer, value]) => {
    const quoted = envQuote(value);
    violations.require(quoted !== null, pointer, "not-in-env", "Programs that read environment files disagree on this value.");
    return `${name}=${quoted}\n`;
  });
  violations.finish();
  return artifact(".env", lines.join(""));
}

function envQuote(value) {
  if (/^[A-Za-z0-9_\-./:@%+,=]+$/.test(value)) return value;
  // dotenv turns carriage returns into line feeds, python-dotenv expands `${...}`.
  if (/[\r\0]/.test(value) || value.includes("${")) return null;
  // python-dotenv reads two backslashes as one; Compose lets one escape the quote.
  if (!value.includes("'") && !value.includes("\\\\") && !value.endsWith("\\")) return `'${value}'`;
  return /["\\$`]/.test(value) ? null : `"${value}"`;
}

/** A credential's name as a Kubernetes object name (RFC 1123 label). */
export const dnsLabel = (name) =>
  name.toLowerCase().replace(/[^a-z0-9-]/g, "-").slice(0, 63).replace(/^-+|-+$/g, "") || "credential";

// Text ---------------------------------------------------------------------
// QuickJS has no TextEncoder; this one is for libraries that need it.

/** The UTF-8 bytes of a string. */
export const utf8 = (string) =>
  Uint8Array.from(unescape(encodeURIComponent(string.toWellFormed())), (byte) => byte.charCodeAt(0));

/** The string of UTF-8 bytes; invalid UTF-8 becomes U+FFFD. */
export function fromUtf8(bytes) {
  let latin1 = "";
  for (const byte of bytes) latin1 += String.fromCharCode(byte);
  try {
    return decodeURIComponent(escape(latin1));
  } catch {
    return latin1.replace(/[\u0080-\u00ff]/g, "\ufffd");
  }
}

globalThis.TextEncoder ??= class TextEncoder {
  encode = utf8;
};
globalThis.TextDecoder ??= class TextDecoder {
  decode = fromUtf8;
};
