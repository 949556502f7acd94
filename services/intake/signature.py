"""A partner's Ed25519 signature over a Kafka record: who may write to a topic is the broker's word, this is ours."""

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ATTRIBUTE = "ce_"


def signed_bytes(headers: Mapping[str, bytes], value: bytes) -> bytes:
    """Every `ce_*` header as a line `name:value`, sorted by name, and then the value of the record."""
    lines = sorted((name, held) for name, held in headers.items() if name.startswith(_ATTRIBUTE))
    return b"".join(name.encode() + b":" + held + b"\n" for name, held in lines) + value


def sign(key: Ed25519PrivateKey, headers: Mapping[str, bytes], value: bytes) -> bytes:
    """The header `signature`, as a partner makes it."""
    return base64.b64encode(key.sign(signed_bytes(headers, value)))


def is_signed(signing_key: str, headers: Mapping[str, bytes], value: bytes) -> bool:
    """Whether the header `signature` is the holder's of `signing_key` (base64) over this record and no other.

    A line feed in a header, or a value that starts like one, would let the same signature fit another division
    into headers and value. A header that is an attribute in capitals only is not signed.
    """
    ambiguous = value.startswith(_ATTRIBUTE.encode()) or any(
        b"\n" in held or "\n" in name or ":" in name for name, held in headers.items() if name.startswith(_ATTRIBUTE)
    )
    unsigned = any(name.lower().startswith(_ATTRIBUTE) and name != name.lower() for name in headers)
    if ambiguous or unsigned:
        return False
    try:
        signature = base64.b64decode(headers.get("signature", b""), validate=True)
        public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signing_key))
        public_key.verify(signature, signed_bytes(headers, value))
    except (binascii.Error, InvalidSignature, ValueError):
        return False
    return True
