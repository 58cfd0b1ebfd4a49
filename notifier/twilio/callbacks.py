"""Whether a callback comes from Twilio: its signature over the address *configured* there (twilio.md 5.3).

The address is built from the public URL and the request's path and query, never from `Host` or `X-Forwarded-…`, which
anybody can write. Parameters keep blank values and repeats, or the signature would not fit. Twilio signs with the auth
token, also where an API key is used for sending; an algorithm that the library does not know fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twilio.request_validator import (  # type: ignore[import-untyped]  # ships no type information
    HMAC_SHA1,
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from notifier.twilio.accounts import ConnectionSource
from notifier.twilio.credentials import CredentialsUnavailable, Secrets


class _Parameters(dict[str, list[str]]):
    """The library asks for `getall` where a name may come twice."""

    def getall(self, name: str) -> list[str]:
        return self[name]


class CallbackSignatures:
    """`public_url` is the base of the callback addresses that Twilio was given."""

    def __init__(self, connection_of: ConnectionSource, secrets: Secrets, public_url: str) -> None:
        self._connection_of = connection_of
        self._secrets = secrets
        self._public_url = public_url.rstrip("/")

    def is_valid(
        self, owner: str, path_and_query: str, parameters: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> bool:
        """Whether the token of this owner's Connection signed it; `headers` are looked up whatever their case.

        False, too, while the token cannot be opened: nothing unsigned is believed.
        """
        signature = headers.get(SIGNATURE_HEADER)
        algorithm = get_signature_algorithm(headers.get(SIGNATURE_SETTINGS_HEADER)).upper()
        connection = self._connection_of(owner)
        if signature is None or connection is None or algorithm not in (HMAC_SHA1, HMAC_SHA256):
            return False  # the library would log the name of an unknown algorithm, which anybody can make up
        try:
            token = self._secrets.auth_token(connection)
        except CredentialsUnavailable:
            return False
        grouped = _Parameters()
        for name, value in parameters:
            grouped.setdefault(name, []).append(value)
        validator = RequestValidator(token)
        return bool(validator.validate(self._public_url + path_and_query, grouped, signature, algorithm))
