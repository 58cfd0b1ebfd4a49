"""The kinds of value that a setting can have: how text becomes them, and what is allowed.

Every refusal says what is allowed and never repeats what was given, since a value may be a secret.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from importlib.util import find_spec
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SERVER = re.compile(r"[^\s:,/]+:\d{1,5}|\[[0-9A-Fa-f:]+\]:\d{1,5}")


def _duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError("a number with a unit is allowed: ms, s, m, h or d, such as 90s, 30m, 24h, 7d")
    return float(match[1]) * _UNIT_SECONDS[match[2]]


def _duration_or_auto(value: object) -> object:
    return value if value == "auto" else _duration(value)


def _comma_separated(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _servers(value: str) -> str:
    servers = [server.strip() for server in value.split(",") if server.strip()]
    if not servers or any(_SERVER.fullmatch(server) is None for server in servers):
        raise ValueError("addresses of the form host:port are allowed, comma separated")
    return ",".join(servers)


def _topic(value: object) -> object:
    if isinstance(value, str) and (_TOPIC.fullmatch(value) is None or value in {".", ".."}):
        raise ValueError("1 to 249 letters, digits, dots, hyphens and underscores are allowed")
    return value


def _base_url(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("an http or https address without user, query and fragment is allowed")
    return value.rstrip("/")


def _number(value: object) -> object:
    if isinstance(value, str) and _E164.fullmatch(value) is None:
        raise ValueError("E.164 numbers such as +12025550143 are allowed, comma separated")
    return value


def _sealing_key(value: object) -> object:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    try:
        valid = isinstance(text, str) and len(base64.b64decode(text, validate=True)) == 32
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise ValueError("keys of 32 bytes in base64 are allowed, comma separated")
    return value


def _start(value: object) -> object:
    if not isinstance(value, str) or value in {"earliest", "latest"}:
        return value
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError("earliest, latest or a time with offset is allowed, such as 2026-12-01T00:00:00Z")
    return time


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _installed(name: TransportName) -> TransportName:
    if name == "pyreqwest" and find_spec("pyreqwest") is None:
        raise ValueError("pyreqwest is not installed here; auto or aiohttp is allowed")
    return name


Duration = Annotated[float, BeforeValidator(_duration), Field(ge=0, allow_inf_nan=False)]
PositiveDuration = Annotated[float, BeforeValidator(_duration), Field(gt=0, allow_inf_nan=False)]
Topic = Annotated[str, BeforeValidator(_topic)]
Topics = Annotated[tuple[Topic, ...], NoDecode, BeforeValidator(_comma_separated), Field(min_length=1)]
Numbers = Annotated[tuple[Annotated[str, BeforeValidator(_number)], ...], NoDecode, BeforeValidator(_comma_separated)]
SealingKeys = Annotated[
    tuple[Annotated[SecretStr, BeforeValidator(_sealing_key)], ...], NoDecode, BeforeValidator(_comma_separated)
]
BaseUrl = Annotated[str, BeforeValidator(_base_url)]
Port = Annotated[int, Field(ge=0, le=65535)]
Servers = Annotated[str, BeforeValidator(_servers)]
DurationOrAuto = Annotated[float | Literal["auto"], BeforeValidator(_duration_or_auto)]
Start = Annotated[Literal["earliest", "latest"] | datetime, BeforeValidator(_start)]
SecurityProtocol = Annotated[Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], BeforeValidator(_upper)]
SaslMechanism = Annotated[Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], BeforeValidator(_upper)]
TransportName = Literal["auto", "pyreqwest", "aiohttp"]
TransportSetting = Annotated[TransportName, BeforeValidator(_lower), AfterValidator(_installed)]
LogFormat = Annotated[Literal["json", "console"], BeforeValidator(_lower)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
