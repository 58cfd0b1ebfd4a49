"""The accounts that the stand-in knows: credentials, numbers and messaging services, written down in one file."""

from __future__ import annotations

from typing import Literal

import msgspec

Permission = Literal["messages/create", "messages/read", "numbers/read", "services/read"]


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A main key may do everything, a standard one all but read the account, a restricted one what it is permitted."""

    secret: str
    type: Literal["main", "standard", "restricted"] = "standard"
    permissions: tuple[Permission, ...] = ()


class Account(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`api_keys` by key SID, a bare secret for a standard one; `services` the senders of each messaging service by its
    SID: numbers, short codes (`55555`) and alphanumeric names. `voice_only` are owned numbers that cannot send SMS.
    """

    sid: str
    auth_token: str
    api_keys: dict[str, str | ApiKey] = {}
    numbers: tuple[str, ...] = ()
    voice_only: tuple[str, ...] = ()
    services: dict[str, tuple[str, ...]] = {}
    friendly_name: str = "Stand-in"
    status: Literal["active", "suspended", "closed"] = "active"
    type: Literal["Full", "Trial"] = "Full"

    def key(self, sid: str) -> ApiKey | None:
        key = self.api_keys.get(sid)
        return ApiKey(secret=key) if isinstance(key, str) else key


def read_accounts(text: bytes) -> tuple[Account, ...]:
    """A JSON or YAML list. Raises `msgspec.ValidationError` naming the field."""
    return msgspec.yaml.decode(text, type=tuple[Account, ...])
