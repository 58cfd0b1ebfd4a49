"""From a Connection document to what Twilio wants to see: secrets are opened here, and only when they are used.

An API key, where there is one, is for the REST calls; the auth token signs the callbacks, whatever else there is. What
cannot be opened says why, by the name of the variable or file, never by a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from notifier.domain.documents import Connection, Secret, document_key
from notifier.twilio.sealing import SealBroken, unseal

AUTH_TOKEN_FIELD, API_KEY_FIELD = "authToken", "apiKey.secret"


class CredentialsUnavailable(Exception):
    """A secret cannot be opened; `reason` is for people and holds no secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SecretUnavailable(CredentialsUnavailable):
    """The same of one field: `reason` is `Connection/tenant field: why`."""

    def __init__(self, document: str, field: str, why: str) -> None:
        super().__init__(f"{document} {field}: {why}")
        self.field = field
        self.why = why


@dataclass(frozen=True, slots=True)
class Login:
    """User and password of the REST calls, and the account that they act on."""

    account_sid: str
    user: str
    password: str = field(repr=False)


class Secrets:
    """`environment` resolves `env`, the file system `file`, and `keys` (32 bytes each) open `sealed`."""

    def __init__(self, environment: Mapping[str, str], keys: Sequence[bytes], *, plain_text_allowed: bool) -> None:
        self._environment = environment
        self._keys = tuple(keys)
        self._plain_text_allowed = plain_text_allowed

    def login(self, connection: Connection) -> Login:
        """Raises `CredentialsUnavailable`."""
        if connection.api_key is not None:
            secret = self._open(connection.api_key.secret, connection, API_KEY_FIELD)
            return Login(connection.account_sid, connection.api_key.sid, secret)
        return Login(connection.account_sid, connection.account_sid, self.auth_token(connection))

    def auth_token(self, connection: Connection) -> str:
        """What Twilio signs its callbacks with. Raises `CredentialsUnavailable`."""
        return self._open(connection.auth_token, connection, AUTH_TOKEN_FIELD)

    def unavailable(self, connection: Connection) -> Iterator[SecretUnavailable]:
        """Every secret of a document that cannot be opened here."""
        for opened in (self.auth_token, self.login) if connection.api_key is not None else (self.auth_token,):
            try:
                opened(connection)
            except SecretUnavailable as unavailable:
                yield unavailable

    def _open(self, secret: Secret, connection: Connection, path: str) -> str:
        document = document_key(connection)
        try:
            value = self._read(secret, document)
        except (SealBroken, OSError, ValueError, LookupError) as error:
            raise SecretUnavailable(document, path, _why(error)) from error
        if not value:
            raise SecretUnavailable(document, path, "empty")
        return value

    def _read(self, secret: Secret, document: str) -> str:
        if isinstance(secret, str):
            if not self._plain_text_allowed:
                raise ValueError("plain text is allowed in NOTIFIER_ENVIRONMENT=development only")
            return secret
        if secret.env is not None:
            if secret.env not in self._environment:
                raise LookupError(f"the environment variable {secret.env} is not set")
            return self._environment[secret.env].strip()
        if secret.file is not None:
            return Path(secret.file).read_text(encoding="utf-8").strip()
        if secret.sealed is not None:
            return unseal(secret.sealed, self._keys, document)
        raise ValueError("one of env, file and sealed is needed")


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"the file {error.filename} cannot be read ({error.strerror})"
    if isinstance(error, UnicodeDecodeError):
        return "the file is not UTF-8 text"
    return str(error)
