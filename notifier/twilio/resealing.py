"""Key rotation: the sealed secrets of a Connection, sealed anew with the first key.

Rules: what the first key sealed already is opened, so that damage is found, and stays as it is; references and plain
text stay, too; a value that no key opens is a fault, and who gets one writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from notifier.domain.documents import Connection, Secret, SecretRef, document_key
from notifier.twilio.credentials import API_KEY_FIELD, AUTH_TOKEN_FIELD, SecretUnavailable
from notifier.twilio.sealing import SealBroken, key_id, seal, sealed_with, unseal


@dataclass(frozen=True, slots=True)
class Resealed:
    """A document with its sealed values anew: how many were, and how many had been sealed with the first key before."""

    connection: Connection
    changed: int
    unchanged: int
    faults: tuple[SecretUnavailable, ...]


class Resealing:
    """`keys`: 32 bytes each, the first seals. `nonce` gives 12 random bytes at every call."""

    def __init__(self, keys: Sequence[bytes], nonce: Callable[[], bytes]) -> None:
        self._keys, self._nonce = tuple(keys), nonce

    def reseal(self, connection: Connection) -> Resealed:
        """Raises nothing: what cannot be opened is among the faults."""
        given: list[tuple[str, Secret]] = [(AUTH_TOKEN_FIELD, connection.auth_token)]
        if connection.api_key is not None:
            given.append((API_KEY_FIELD, connection.api_key.secret))
        document = document_key(connection)
        anew: dict[str, Secret] = {}
        faults: list[SecretUnavailable] = []
        sealed = [(field, secret.sealed) for field, secret in given if isinstance(secret, SecretRef) and secret.sealed]
        for field, value in sealed:
            try:
                plain = unseal(value, self._keys, document)
            except SealBroken as broken:
                faults.append(SecretUnavailable(document, field, str(broken)))
                continue
            if sealed_with(value) != key_id(self._keys[0]):
                anew[field] = SecretRef(sealed=seal(plain, self._keys[0], document, self._nonce()))
        return Resealed(
            _with(connection, anew), len(anew), len(sealed) - len(anew) - len(faults), tuple(faults)
        )  # fmt: skip


def _with(connection: Connection, anew: dict[str, Secret]) -> Connection:
    if AUTH_TOKEN_FIELD in anew:
        connection = replace(connection, auth_token=anew[AUTH_TOKEN_FIELD])
    if API_KEY_FIELD in anew and connection.api_key is not None:
        connection = replace(connection, api_key=replace(connection.api_key, secret=anew[API_KEY_FIELD]))
    return connection
