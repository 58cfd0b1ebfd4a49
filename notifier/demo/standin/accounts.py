"""The accounts that the stand-in knows: credentials, numbers and messaging services, written down in one file."""

from __future__ import annotations

from typing import Literal

import msgspec


class Account(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`api_keys` are secrets by key SID, `services` the numbers of each messaging service by its SID."""

    sid: str
    auth_token: str
    api_keys: dict[str, str] = {}
    numbers: tuple[str, ...] = ()
    services: dict[str, tuple[str, ...]] = {}
    friendly_name: str = "Stand-in"
    status: Literal["active", "suspended", "closed"] = "active"


def read_accounts(text: bytes) -> tuple[Account, ...]:
    """A JSON or YAML list. Raises `msgspec.ValidationError` naming the field."""
    return msgspec.yaml.decode(text, type=tuple[Account, ...])
