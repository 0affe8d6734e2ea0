"""Sends this process's connections for the vendors' real host names to the fake, and has it trust the fake's root.

The vendors' SDKs stay as they are and use their real URLs: only name resolution (`socket.getaddrinfo`, which each of
their HTTP libraries ends in) answers with the fake's loopback address and port, and so does `socket.connect`, for
httplib2, which resolves a second time there. A name that is not the fake's does not resolve at all, so that a mistake
cannot reach the outside.
"""

import json
import os
import socket
from pathlib import Path

# Each library reads a variable of its own.
ROOTS = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "HTTPLIB2_CA_CERTS")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def enter(ready_file: Path) -> dict:
    """Takes the detour, before any SDK is imported. Returns what the fake announced."""
    ready = json.loads(ready_file.read_text())
    # No SDK is to find credentials, endpoints, proxies or roots of the machine's.
    for name in list(os.environ):
        if name.lower() in PROXIES or name.startswith(("AWS_", "AZURE_", "GOOGLE_", "CLOUDFLARE_", "SSL_CERT_")):
            del os.environ[name]
    os.environ.update({name: ready["root"] for name in ROOTS})
    os.environ.update(
        {
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_DEFAULT_REGION": "us-east-1",
            "NO_GCE_CHECK": "true",
        }
    )
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def detour(host, port, *rest, **named):
        if host in ready["hosts"]:
            return resolve("127.0.0.1", ready["port"], *rest, **named)
        if host in ("127.0.0.1", "localhost"):
            return resolve(host, port, *rest, **named)
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is not part of the lab")

    def connect_by_name(self, address):
        by_name = isinstance(address, tuple) and address[0] in ready["hosts"]
        return connect(self, ("127.0.0.1", ready["port"]) if by_name else address)

    socket.getaddrinfo, socket.socket.connect = detour, connect_by_name
    return ready
