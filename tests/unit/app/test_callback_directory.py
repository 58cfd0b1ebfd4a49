"""What a callback is held against."""

from __future__ import annotations

from notifier.app.callback_directory import CallbackDirectory
from notifier.domain.catalog import build, empty
from notifier.domain.documents import BuiltinSender, Connection, Sender, Tenant

SHARED = Connection(
    tenant="platform", provider="twilio", account_sid="AC" + "0" * 32, auth_token="t",
    senders=(Sender(from_="+15551234567"),),
)  # fmt: skip
BORROWER = Tenant(tenant="a", platform="care", name="A", builtin_sender=BuiltinSender(connection="platform"))
OTHER = Tenant(tenant="b", platform="care", name="B")


def test_only_who_borrows_a_connection_sends_through_it() -> None:
    directory = CallbackDirectory(lambda: build((SHARED, BORROWER, OTHER), 3))
    assert directory.has_connection("platform")
    assert not directory.has_connection("a")
    assert directory.sends_through("a", "platform")
    assert not directory.sends_through("b", "platform")
    assert not directory.sends_through("nobody", "platform")


def test_it_looks_at_what_is_in_force_now() -> None:
    catalogs = [empty(), build((SHARED,), 0)]
    directory = CallbackDirectory(lambda: catalogs[0])
    assert not directory.has_connection("platform")
    del catalogs[0]
    assert directory.has_connection("platform")
