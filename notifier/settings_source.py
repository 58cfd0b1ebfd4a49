"""Reading the settings from the environment and a `.env` file, and printing them.

A misspelt name would silently leave a default in force, so that every unknown `NOTIFIER_*` name is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from notifier.settings import KafkaSettings, Settings

PREFIX = "NOTIFIER_"
OF_THE_TEST_SUITE = ("NOTIFIER_TEST_", "NOTIFIER_REQUIRE_")  # inherited by the daemons that tests start
MASK = str(SecretStr("any"))  # a secret prints as this by itself
_DURATION_UNITS = (("h", 3600), ("m", 60), ("s", 1))


class SettingsError(Exception):
    """The environment cannot be used as it is: mend it and start again. Each line of the message is one fault."""


class Setting(NamedTuple):
    """One name of the environment: `section` is None at the top level."""

    name: str
    section: str | None
    field: str
    info: FieldInfo


def every_setting() -> Iterator[Setting]:
    """All names, in the order of the classes."""
    for field, info in Settings.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            for inner, inner_info in section.model_fields.items():
                yield Setting(f"{PREFIX}{field}__{inner}".upper(), field, inner, inner_info)
        else:
            yield Setting(f"{PREFIX}{field}".upper(), None, field, info)


def load_settings(env_file: Path | None = Path(".env"), *, without_broker: bool = False) -> Settings:
    """The settings of this process. Raises `SettingsError`, one line for each fault, without any value.

    `without_broker`: for a command that talks to none; the address of the brokers may then be unset.
    """
    given = [*os.environ, *(dotenv_values(env_file) if env_file is not None and env_file.is_file() else {})]
    faults = list(_unknown_names(given))
    if faults:
        raise SettingsError("\n".join(faults))
    try:
        if without_broker:
            return Settings(_env_file=env_file, kafka=KafkaSettings(bootstrap_servers="unused:9092"))
        return Settings(_env_file=env_file)
    except ValidationError as error:
        raise SettingsError("\n".join(_explained(error))) from None  # the original repeats values


def _unknown_names(given: list[str]) -> Iterator[str]:
    known = [setting.name for setting in every_setting()]
    for name in sorted({name.upper() for name in given}):
        if not name.startswith(PREFIX) or name in known or name.startswith(OF_THE_TEST_SUITE):
            continue
        nearest = get_close_matches(name, known, n=1, cutoff=0.0)
        yield f"{name} is not a setting; the nearest is {nearest[0]}"


def _explained(error: ValidationError) -> Iterator[str]:
    known = {setting.name for setting in every_setting()}
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        path = [part for part in fault["loc"] if isinstance(part, str)]
        names = [PREFIX + "__".join(path[:length]).upper() for length in (2, 1)]
        name = next((name for name in names if name in known), None)
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "missing":
            yield f"{name or PREFIX + 'KAFKA__BOOTSTRAP_SERVERS'} is required"
        else:
            yield f"{name}: {message}" if name else message


def effective(settings: Settings) -> Mapping[str, str]:
    """Every name with the value in force as the environment would spell it; secrets and numbers masked."""
    values: dict[str, str] = {}
    for setting in every_setting():
        holder = settings if setting.section is None else getattr(settings, setting.section)
        values[setting.name] = spelled(getattr(holder, setting.field))
    values["NOTIFIER_SAFETY__ALLOWED_RECIPIENTS"] = ",".join(MASK for _ in settings.safety.allowed_recipients)
    return values


def printed(settings: Settings) -> str:
    """What `notifier run --print-settings` shows: one `NAME=value` on a line."""
    return "\n".join(f"{name}={value}" for name, value in effective(settings).items())


def spelled(value: object) -> str:
    """A value as the environment would spell it; a secret masks itself."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(spelled(part) for part in value)
    if isinstance(value, bool):
        return str(value).lower()
    return _duration_text(value) if isinstance(value, float) else str(value)


def _duration_text(seconds: float) -> str:
    if seconds == 0:
        return "0s"
    unit, size = next(((unit, size) for unit, size in _DURATION_UNITS if seconds % size == 0), ("s", 1))
    return f"{seconds / size:g}{unit}"
