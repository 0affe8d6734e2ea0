"""Credentials for each vendor, new with each start and of the form that the vendor's have."""

import secrets
import string
import uuid

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .sigv4 import Key


def generate() -> dict:
    """All of them, as a client needs them."""
    return {"cloudflare": cloudflare(), "route53": route53(), "azure": azure(), "google": google()}


def cloudflare() -> dict:
    return {
        "api_token": secrets.token_urlsafe(30),
        "email": "dns@example.test",
        "api_key": secrets.token_hex(19)[:37],
        "account_id": secrets.token_hex(16),
    }


def route53() -> dict:
    """Two access keys: one that may change records, one that may do nothing but assume the role."""
    return {
        "access_key_id": access_key_id(),
        "secret_access_key": secrets.token_urlsafe(30),
        "role_only_access_key_id": access_key_id(),
        "role_only_secret_access_key": secrets.token_urlsafe(30),
        "role_arn": "arn:aws:iam::123456789012:role/bursar-dns",
        "external_id": "bursar-lab",
    }


def access_key_id() -> str:
    return "AKIA" + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(16))


def aws_keys(known: dict) -> dict[str, Key]:
    """What the Route 53 and STS fakes accept, by key id."""
    keys = [
        Key(known["access_key_id"], known["secret_access_key"], ("route53", "sts")),
        Key(known["role_only_access_key_id"], known["role_only_secret_access_key"], ("sts",)),
    ]
    return {key.id: key for key in keys}


def azure() -> dict:
    return {
        "tenant_id": str(uuid.uuid4()),
        "client_id": str(uuid.uuid4()),
        "client_secret": secrets.token_urlsafe(30),
        "subscription_id": str(uuid.uuid4()),
        "resource_group": "Lab-DNS_(müller).1",
    }


def google() -> dict:
    """A service account's key file; `public_key` is for the fake."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    project, email = "bursar-lab", "dns@bursar-lab.iam.gserviceaccount.com"
    key_file = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": secrets.token_hex(20),
        "private_key": private.decode(),
        "client_email": email,
        "client_id": str(secrets.randbelow(10**21)),
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{email.replace('@', '%40')}",
        "universe_domain": "googleapis.com",
    }
    return {"project": project, "key_file": key_file, "public_key": public.decode()}
