"""Which transport it is: the fast one where it can be imported, unless the setting says otherwise."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from typing import Literal

from notifier.settings_values import TransportName
from notifier.twilio.aiohttp_transport import AiohttpTransport
from notifier.twilio.transport import Transport


def chosen(name: TransportName) -> Literal["pyreqwest", "aiohttp"]:
    """What a setting comes to on this machine."""
    if name == "auto":
        return "aiohttp" if find_spec("pyreqwest") is None else "pyreqwest"
    return name


def open_transport(name: TransportName, timeout: float) -> AbstractAsyncContextManager[Transport]:
    """`timeout` is the total for one exchange in seconds. Raises `ImportError` where the fast one is broken."""
    if chosen(name) == "aiohttp":
        return AiohttpTransport(timeout)
    from notifier.twilio.pyreqwest_transport import PyreqwestTransport  # not there for every platform

    return PyreqwestTransport(timeout)
