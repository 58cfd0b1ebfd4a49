"""Sealed secrets, `v1:<key id>:<base64>` (contract 5.2): AES-256-GCM, bound to the key of the document it stands in.

The base64 holds a nonce of 12 bytes, then the cipher text with its tag. The document key is the associated data, so
that a value copied into another tenant's document does not open. The field is no part of it: both secrets of a
Connection belong to one account, and exchanged with each other they only make Twilio refuse. The key id says which key
sealed it, and nothing else.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = "v1"
KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16
_FORM = re.compile(r"v1:([0-9a-f]{8}):([A-Za-z0-9+/]+={0,2})")


class SealBroken(Exception):
    """A sealed value cannot be opened; the message says why and holds no part of it."""


def key_id(key: bytes) -> str:
    """Eight hexadecimal digits by which a sealed value names its key."""
    return sha256(b"notifier sealing key\0" + key).hexdigest()[:8]


def seal(plain: str, key: bytes, document_key: str, nonce: bytes) -> str:
    """Seal for one document, such as `Connection/harbour-house`; `nonce` are 12 random bytes, never used twice."""
    sealed = AESGCM(key).encrypt(nonce, plain.encode(), document_key.encode())
    return f"{VERSION}:{key_id(key)}:{b64encode(nonce + sealed).decode('ascii')}"


def sealed_with(sealed: str) -> str:
    """The id of the key that sealed it. Raises `SealBroken`."""
    return _parts(sealed)[0]


def unseal(sealed: str, keys: Sequence[bytes], document_key: str) -> str:
    """Open with whichever key sealed it. Raises `SealBroken`."""
    named, encoded = _parts(sealed)
    key = next((key for key in keys if key_id(key) == named), None)
    if key is None:
        raise SealBroken(f"sealed with key {named}, which NOTIFIER_SECRETS__KEYS does not hold")
    try:
        raw = b64decode(encoded, validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) < NONCE_BYTES + TAG_BYTES:
        raise SealBroken("the sealed value is damaged: it is cut short")
    try:
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], document_key.encode()).decode()
    except (InvalidTag, UnicodeDecodeError):
        raise SealBroken(
            f"the sealed value is damaged, or was sealed for another document than {document_key}"
        ) from None


def _parts(sealed: str) -> tuple[str, str]:
    """Key id and base64; the id can be told to people, since it has the form of one."""
    match = _FORM.fullmatch(sealed)
    if match is None:
        raise SealBroken("the sealed value is damaged: it is not of the form v1:<key id>:<base64>")
    return match[1], match[2]
