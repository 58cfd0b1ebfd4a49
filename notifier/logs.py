"""Logs: one JSON object on a line of standard error, or a readable line on a terminal. Configured once, by the roof.

A log line never carries personal data: no phone number, name, text of a message, door code or link. Callers do not pass
any; the last step before writing hides what slipped through, in libraries' messages and tracebacks as well.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Their own lines below WARNING are noise, and twilio's show request parameters, that is, numbers and texts.
QUIET_LIBRARIES = ("aiohttp", "aiokafka", "asyncio", "twilio", "urllib3")
HIDDEN = "[hidden]"
_HIDDEN_KEYS = frozenset(
    (
        "api_key", "auth_token", "body", "content", "credentials", "door_code", "doorcode", "email", "first_name",
        "from_phone", "last_name", "magic_link", "message_body", "password", "payload", "person", "persons", "phone",
        "phone_number", "raw", "recipient", "secret", "text", "to", "to_phone", "token", "value", "values",
    )
)  # fmt: skip
_PHONE_NUMBER = re.compile(r"(?:\+|%2B)[1-9][\d\s().-]{5,18}\d", re.IGNORECASE)


def configure_logs(
    style: Literal["json", "console"],
    level: Literal["debug", "info", "warning", "error"],
    stream: TextIO | None = None,
) -> None:
    """Route structlog and the standard library's logging to `stream` (standard error) in one form."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                hide_personal_data,
                _renderer(style, handler.stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for library in QUIET_LIBRARIES:
        logging.getLogger(library).setLevel(max(logging.WARNING, root.level))


def _renderer(style: Literal["json", "console"], stream: TextIO) -> Processor:
    if style == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)


def hide_personal_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: replaces fields that name personal data, and phone numbers in any text."""
    return {key: HIDDEN if key.lower() in _HIDDEN_KEYS else _without_numbers(value) for key, value in event.items()}


def _without_numbers(value: object) -> object:
    if isinstance(value, str):
        return _PHONE_NUMBER.sub(HIDDEN, value)
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if str(key).lower() in _HIDDEN_KEYS else _without_numbers(inner) for key, inner in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_without_numbers(inner) for inner in value]
    return value
