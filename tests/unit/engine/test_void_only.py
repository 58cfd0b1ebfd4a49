"""Only void records are left of a key whose inbox record was already passed: what nobody can know is not guessed at."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from notifier.domain.answers import MessageMatch
from notifier.domain.events import EventRef, KeyData
from notifier.domain.identifiers import identity_of
from notifier.engine.entities import (
    Consent,
    Entity,
    EventNote,
    IdentityPage,
    KeyState,
    Notification,
    OptOut,
    Positions,
    Run,
)
from tests.unit.engine.harness import CLINIC, DAY, OTHER_PHONE, PHONE, START, Ledger, Shell, key

EVENT = EventRef("e0", "/test", "order.shipped")
IDENTITY = identity_of(EVENT).hex()
QUARANTINE = 35.0


def text(**changes: Any) -> Notification:
    """Order 1 with its first intent, as its owner had it in memory."""
    shell = Shell().own()
    shell.order()
    return msgspec.structs.replace(shell.only(), **changes)


def key_state() -> KeyState:
    found = msgspec.json.decode(msgspec.json.encode({"key": key()}), type=KeyData)
    return KeyState(tenant="hotel", key=found.key, inbox=0)


def left_over(at: str, value: Entity | None, *, inbox: int = 1) -> Ledger:
    """A log in which `at` has one record, void, while the inbox was read up to `inbox`."""
    ledger = Ledger()
    first = ledger.claim("first")
    second = ledger.claim("second")
    ledger.passed(second, inbox)
    ledger.put(at, value, first)
    return ledger


def restored(at: str, value: Entity | None) -> Shell:
    shell = Shell(ledger=left_over(at, value))
    shell.claim()
    return shell


def test_a_notification_becomes_a_doubt_and_is_not_sent_again_while_it_may_show() -> None:
    n = text()
    shell = restored("n/" + n.id, n)
    assert shell.only().stage == "doubt"
    shell.pass_time(QUARANTINE - 1.0)
    assert shell.ends_asked == 0
    shell.pass_time(1.0)
    shell.end_of_signals()
    shell.show(MessageMatch(sid="SM7", status="delivered"))
    assert shell.sends == []
    assert shell.said(n.id)[-2:] == [("accepted", None), ("delivered", None)]


def test_also_one_that_was_only_waiting_becomes_a_doubt() -> None:
    """A valid record that is gone may have said that it was sent."""
    n = text(stage="waiting", attempt=0, attempt_at=None)
    shell = restored("n/" + n.id, n)
    shell.pass_time(QUARANTINE - 1.0)
    assert shell.only().stage == "doubt"
    assert shell.sends == []


def test_outcomes_of_a_void_record_are_never_published() -> None:
    """Its writer had lost the partition: what it said was never said."""
    n = text(stage="waiting", attempt=0)
    shell = Shell().own()
    shell.order()
    shell.answer()
    lying = msgspec.structs.replace(n, outcomes=list(shell.published[:1]))
    assert lying.outcomes != []
    assert ("accepted", None) not in restored("n/" + n.id, lying).said()


def test_a_final_notification_stays_final() -> None:
    n = text(stage="final", status="delivered")
    shell = restored("n/" + n.id, n)
    shell.pass_time(QUARANTINE + 1.0)
    assert (shell.sends, shell.looks, shell.ends_asked) == ([], [], 0)


def test_a_notification_whose_event_is_remembered_in_a_page_is_none_of_ours() -> None:
    n = text()
    ledger = left_over("n/" + n.id, n)
    page = IdentityPage(expires=START + DAY, identities=identity_of(n.event))
    ledger.put("e/p1.1", page, 1)
    shell = Shell(ledger=ledger).own()
    assert len(shell.partition.state.notifications) == 0
    assert ledger.newest("n/" + n.id).value is None


@pytest.mark.parametrize(
    ("at", "value"),
    [
        pytest.param("k/hotel/k1", msgspec.structs.replace(key_state(), identity=IDENTITY), id="key"),
        pytest.param(
            f"c/{CLINIC}/{PHONE}",
            Consent(given=True, at=START, source="form", inbox=0, identity=IDENTITY),
            id="consent",
        ),
    ],
)
def test_a_key_or_a_consent_of_an_event_that_our_own_line_decided_otherwise_halts_nobody(
    at: str, value: Entity
) -> None:
    """Its tenant was removed for us and still known to a former owner: for us, nothing came of the event."""
    ledger = left_over(at, value)
    ledger.put(f"e/{IDENTITY}", EventNote(identity=IDENTITY, inbox=0), 1)
    shell = Shell(ledger=ledger).own()
    assert shell.halts == []
    assert ledger.newest(at).value is None


@pytest.mark.parametrize(
    ("at", "value"),
    [
        pytest.param("k/hotel/k1", key_state(), id="key"),
        pytest.param(f"c/{CLINIC}/{PHONE}", Consent(given=True, at=START, source="form", inbox=0), id="consent"),
        pytest.param("r/run_1", Run(id="run_1", event=EVENT, inbox=0), id="run"),
        pytest.param(
            f"e/{identity_of(EVENT).hex()}", EventNote(identity=identity_of(EVENT).hex(), inbox=0), id="event note"
        ),
    ],
)
def test_what_could_make_us_tell_something_wrong_halts_the_partition(at: str, value: Entity) -> None:
    shell = restored(at, value)
    assert shell.phase == "halted"
    (reason,) = shell.halts
    assert at.partition("/")[0] + "/" in reason
    assert shell.seeks == []


def test_a_key_that_is_still_to_be_read_halts_nothing() -> None:
    shell = Shell(ledger=left_over("k/hotel/k1", key_state(), inbox=0)).own()
    shell.key_event("key.ready", key())
    assert len(shell.sends) == 1


def test_an_opt_out_is_believed() -> None:
    """It is the fact of an answered POST, and believing it can only spare a text."""
    shell = restored(f"o/{CLINIC}/+15550000000/{PHONE}", OptOut(at=START, source="twilio:21610"))
    shell.order(1, PHONE)
    shell.order(2, OTHER_PHONE)
    assert shell.said() == [("skipped", "opted_out")]
    assert [request.to for request in shell.sends] == [OTHER_PHONE]


def test_a_believed_opt_out_is_written_again_in_our_own_epoch() -> None:
    at = f"o/{CLINIC}/+15550000000/{PHONE}"
    shell = restored(at, OptOut(at=START, source="twilio:21610"))
    newest = shell.ledger.newest(at)
    assert newest.value is not None
    assert newest.epoch == shell.partition.state.ledger.epoch


@pytest.mark.parametrize(
    ("at", "value"),
    [
        pytest.param("w/0", Positions(inbox=77), id="positions"),
        pytest.param("e/p0.1", IdentityPage(expires=START + DAY, identities=identity_of(EVENT)), id="page"),
        pytest.param("n/ntf_1", None, id="tombstone"),
    ],
)
def test_what_nobody_needs_is_tombstoned(at: str, value: Entity | None) -> None:
    shell = restored(at, value)
    assert shell.phase == "owning"
    newest = shell.ledger.newest(at)
    assert (newest.value, newest.epoch) == (None, shell.partition.state.ledger.epoch)


def test_identities_in_a_void_page_are_not_known() -> None:
    page = IdentityPage(expires=START + DAY, identities=identity_of(EVENT))
    shell = restored("e/p0.1", page)
    shell.event("order.shipped", {"n": 1, "customer": {"phone": PHONE}}, name=CLINIC, id_=EVENT.id)
    assert [request.to for request in shell.sends] == [PHONE]
