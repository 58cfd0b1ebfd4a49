"""Which transport it is: the fast one where it can be imported, unless the setting says otherwise."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec

from notifier.settings_values import TransportName
from notifier.twilio.aiohttp_transport import AiohttpTransport
from notifier.twilio.transport import Transport


def open_transport(name: TransportName, timeout: float) -> AbstractAsyncContextManager[Transport]:
    """`timeout` is the total for one exchange in seconds. Raises `ImportError` where the fast one is broken."""
    if name == "aiohttp" or (name == "auto" and find_spec("pyreqwest") is None):
        return AiohttpTransport(timeout)
    from notifier.twilio.pyreqwest_transport import PyreqwestTransport  # not there for every platform

    return PyreqwestTransport(timeout)
