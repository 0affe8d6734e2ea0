"""A small Kubernetes API server: namespaces, Secrets and what clients need to find them.

    python tests/lab/kubernetes.py --folder DIR [--while-stdin]

A last resort. No API server can be installed by the tests: there is none in Debian, PyPI, npm or crates.io, and nothing
else may be fetched. So the part of it that a writer of Secrets sees is written here again, from the documentation and
the published schema, and proved by clients of others before ours is held against it: the real kubectl, and the
`kubernetes` package of PyPI (`proofs/kubernetes_client.py`).

What it does, and where the rule is from:

| what | how | from |
|---|---|---|
| sign-in | TLS; bearer tokens; 401 without | authentication docs |
| rights | a user may do all but what is denied; 403 in RBAC's words; SelfSubjectAccessReview says the same | RBAC docs |
| schema | each object that is sent or stored is held against the schema of 1.33, unknown fields refused: 400 | `kubernetes-validate` |
| names, labels, keys, sizes | RFC 1123, qualified names, data keys, 1 MiB of data, 256 KiB of annotations: 422 with all causes | apimachinery and core validation |
| typed Secrets | the keys each type needs; `type` never changes; `immutable` Secrets keep their data: 422 | core validation |
| create | 409 AlreadyExists; 404 `namespaces` without the namespace; 403 NamespaceTerminating | NamespaceLifecycle |
| update, patch | a `resourceVersion` that is sent must be the current one: 409; JSON, merge and strategic patch | API concepts |
| server-side apply | field sets and `managedFields`; 409 with a cause for each field of others, `force`; what an applier no longer sends goes, unless others own it; a `uid` that is not there is a 409; what changes nothing writes nothing | SSA docs, `patch.go` |
| managedFields in updates | taken as sent; an empty list forgets them | SSA docs, `csaupgrade` |
| delete | preconditions uid and resourceVersion: 409; finalizers hold the object | API concepts |
| dry run | `dryRun=All` does all but the write | API concepts |
| lists | label selectors by equality, field selectors by name, namespace, type | |
| discovery | `/api`, `/apis`, old and aggregated; `/openapi/v3`; `/version` | |
| media types | JSON; protobuf of Secrets and Namespaces that are sent; YAML for apply | API concepts |
| body over 3 MiB | 413 | apiserver |

What it lacks: watch (405), paging, answers in protobuf, tables and partial metadata (it answers the object), OpenAPI v2, deletion
of collections, client certificates, `generateName`, warnings. Namespaces without finalizers go at once, with all that is
in them. Unknown fields are refused where a real server may only warn.

`kube/faults.py` lists the faults, `kube/control.py` what else a test can do. ready.json: `port`, `control`, `root` (a
PEM file), `token` and `kubeconfig` (text) of the user `admin`.
"""

import argparse
import asyncio
import base64
import os
import sys
import threading
from pathlib import Path

import yaml

from fake import pki
from fake.process import announce, listen
from kube.control import Control
from kube.server import Server


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True, type=Path, help="where ready.json and the root go")
    parser.add_argument("--while-stdin", action="store_true", help="end when standard input does")
    given = parser.parse_args()
    if given.while_stdin:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    asyncio.run(serve(given.folder))


def end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


async def serve(folder: Path) -> None:
    server = Server()
    context, root = pki.server_context(folder, ["localhost", "127.0.0.1"])
    port, authority = await listen(server.app(), context), root.read_bytes()

    def kubeconfig(token: str) -> str:
        return yaml.safe_dump(kubeconfig_of(port, authority, token))

    control = await listen(Control(server, kubeconfig).app())
    token = server.access.add_user("admin")
    ready = {"port": port, "control": control, "root": str(root), "token": token, "kubeconfig": kubeconfig(token)}
    announce(folder / "ready.json", ready)
    await asyncio.Event().wait()


def kubeconfig_of(port: int, root: bytes, token: str) -> dict:
    cluster = {
        "server": f"https://127.0.0.1:{port}",
        "certificate-authority-data": base64.b64encode(root).decode(),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "lab", "user": {"token": token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        "current-context": "lab",
    }


if __name__ == "__main__":
    main()
