"""Which transport is opened."""

from __future__ import annotations

import pytest

from notifier.settings_values import TransportName
from notifier.twilio.aiohttp_transport import AiohttpTransport
from notifier.twilio.pyreqwest_transport import PyreqwestTransport
from notifier.twilio.transport_choice import open_transport


@pytest.mark.parametrize(
    ("name", "opened"), [("auto", PyreqwestTransport), ("pyreqwest", PyreqwestTransport), ("aiohttp", AiohttpTransport)]
)
def test_the_fast_one_is_taken_unless_the_other_is_asked_for(name: TransportName, opened: type) -> None:
    assert isinstance(open_transport(name, 30.0), opened)


def test_where_the_fast_one_is_not_installed_the_other_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.twilio.transport_choice.find_spec", lambda _name: None)
    assert isinstance(open_transport("auto", 30.0), AiohttpTransport)
