// Stands in for the host: `node --import ./tests/host.mjs --test`. Requests are
// answered by `globalThis.answers` and kept in `globalThis.requests`.

import { register } from "node:module";

const host = `
export default {
  send(request) {
    globalThis.requests.push(request);
    const answer = globalThis.answers.shift();
    if (answer.payload) throw answer;
    return { headers: [], body: new Uint8Array(), captured: [], ...answer };
  },
};`;

register(
  "data:text/javascript," +
    encodeURIComponent(`
export const resolve = (specifier, context, next) =>
  specifier === "bursar:plugin/http@0.1.0"
    ? { url: "data:text/javascript," + ${JSON.stringify(encodeURIComponent(host))}, shortCircuit: true }
    : next(specifier, context);`),
);
