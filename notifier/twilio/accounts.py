"""One twilio `Client` per Connection, kept while its document keeps its version.

A client is forgotten when Twilio refuses its credentials: what `env` or `file` name may have been mended meanwhile,
without a new version of the document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twilio.rest import Client  # type: ignore[import-untyped]  # ships no type information

from notifier.domain.documents import Connection
from notifier.twilio.credentials import CredentialsUnavailable, Login, Secrets
from notifier.twilio.http_client import TwilioHttpClient

ConnectionSource = Callable[[str], Connection | None]  # by owner; None when there is no such document now


class _SignedIn(Client):  # type: ignore[misc]  # the base class is Any
    """The library's client; what it says of itself in every request is put together once: every text pays for it."""

    def __init__(self, login: Login, http_client: TwilioHttpClient) -> None:
        super().__init__(login.user, login.password, login.account_sid, http_client=http_client)
        self._said: dict[str, dict[str, str]] = {}

    def get_headers(self, method: str, headers: dict[str, str] | None) -> dict[str, str]:
        if headers:
            given: dict[str, str] = super().get_headers(method, headers)
            return given
        if method not in self._said:
            self._said[method] = super().get_headers(method, None)
        return dict(self._said[method])


class Accounts:
    """`connection_of` gives the document in force."""

    def __init__(self, connection_of: ConnectionSource, secrets: Secrets, http_client: TwilioHttpClient) -> None:
        self._connection_of = connection_of
        self._secrets = secrets
        self._http_client = http_client
        self._clients: dict[str, tuple[Connection, Client]] = {}

    def messages(self, owner: str) -> Any:  # Any: the library's MessageList has no types
        """The message list of an owner's account. Raises `CredentialsUnavailable`."""
        return self.client(owner).messages

    def client(self, owner: str) -> Client:
        """Signed in to an owner's account. Raises `CredentialsUnavailable`."""
        connection = self._connection_of(owner)
        if connection is None:
            self.forget(owner)
            raise CredentialsUnavailable(f"there is no Connection of {owner}")
        known = self._clients.get(owner)
        if known is None or (known[0] is not connection and known[0] != connection):
            login = self._secrets.login(connection)
            client = _SignedIn(login, self._http_client)
            known = self._clients[owner] = (connection, client)
        return known[1]

    def name(self, owner: str) -> str:
        """The SID of an owner's account, which other owners may share; of an unknown owner its own name."""
        connection = self._connection_of(owner)
        return owner if connection is None else connection.account_sid

    def forget(self, owner: str) -> None:
        """Open the credentials anew at the next use."""
        self._clients.pop(owner, None)
