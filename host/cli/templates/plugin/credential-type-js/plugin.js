// A user name and a password for {{title}}.
//
// Least privilege: say here which account to use, and what it needs not have.
//
// Formats: https://www.rfc-editor.org/rfc/rfc7617

import { Violations, envArtifact, loginArtifacts } from "./sdk/bursar.js";

// Without the secrets: normalise, derive attributes, name what it is found by.
export function inspect({ username }) {
  const isClean = !/[\u0000-\u001f\u007f]/.test(username);
  new Violations().require(isClean, "/username", "invalid", "Paste the user name without line breaks.").finish();
  const data = { username: username.toLowerCase() };
  return { data, attributes: data };
}

// With them: codes from the manifest's `messages`, nothing else gets out.
export function check({ password }) {
  new Violations().require(password.trim() === password, "/password", "spaces", "Paste the password alone.").finish();
}

export function materialize({ username, password }, format) {
  if (format === "login") return loginArtifacts(username, password);
  if (format === "env") {
    return [envArtifact([["{{variable}}_USERNAME", "/username", username], ["{{variable}}_PASSWORD", "/password", password]])];
  }
}
