"""Connections and senders that Twilio refuses: their messages wait, nobody else's do.

A fault of the account or of a sender never fails a message (contract section 6): it is held until a new version of the
Connection arrives or a probe, one message every `PROBE_EVERY`, gets through.
"""

from __future__ import annotations

from itertools import islice

from notifier.domain.answers import Rejected
from notifier.engine.emitting import emit
from notifier.engine.entities import Notification
from notifier.engine.finishing import finish
from notifier.engine.lanes import SEPARATOR, enqueue, free_lane
from notifier.engine.state import Hold, State
from notifier.engine.table import touch

PROBED_AT_MOST = 300  # some 10 ms


def hold_for(state: State, owner: str, sender: str) -> tuple[tuple[str, str], Hold] | None:
    """What holds this sender now: its whole connection, or the sender alone."""
    for key in ((owner, ""), (owner, sender)):
        hold = state.holds.get(key)
        if hold is not None:
            return key, hold
    return None


def refused(state: State, n: Notification, result: Rejected, now: float) -> None:
    """Twilio (or the missing secret) refused the account or the sender: hold it, and this message with it."""
    account = result.error_class == "hold_account"
    key = (n.connection or "", "" if account else n.sender or "")
    hold = state.holds.get(key)
    if hold is None:
        connection = state.catalog.connections.get(key[0])
        reason = "connection_broken" if account else "sender_held"
        detail = result.detail or (f"Twilio error {result.error_code}" if result.error_code else "refused by Twilio")
        hold = state.holds[key] = Hold(reason, connection.version if connection else 0, detail)
        _probe_later(state, key, hold, now)
    if hold.probe == n.id:
        hold.probe = None
    if now >= n.deadline:
        finish(state, n, "skipped", now, reason="expired")
    else:
        put_on_hold(state, n, hold, now)
        come_back(state, n)
    for name, queue in state.senders.items():
        if queue.owner == key[0] and queue.ring:
            state.runnable[name] = None


def come_back(state: State, n: Notification) -> None:
    """From an attempt that sent nothing: key and configuration may have changed since it began."""
    state.reconsider[n.id] = None


def put_on_hold(state: State, n: Notification, hold: Hold, now: float) -> None:
    hold.waiting[n.id] = None
    said = n.status == "held" and n.hold == hold.reason
    n.stage, n.hold, n.hold_version = "held", hold.reason, hold.version
    n.body = n.body if n.key_id is None else None
    if not said:
        emit(state, n, "held", now, reason=hold.reason, detail=hold.detail)
    else:
        touch(state, "n/" + n.id)
    free_lane(state, n, now)


def _probe_later(state: State, key: tuple[str, str], hold: Hold, now: float) -> None:
    hold.probe_at = now + state.config.probe_every
    state.timers.at(hold.probe_at, "probe", SEPARATOR.join(key))


def probe(state: State, key: str, now: float) -> None:
    """Every `PROBE_EVERY` one message tries; the next does, too, when the last one ended without an answer."""
    owner, _, sender = key.partition(SEPARATOR)
    hold = state.holds.get((owner, sender))
    if hold is None or now < hold.probe_at:
        return  # the hold that this timer was set for is over
    _probe_later(state, (owner, sender), hold, now)
    trying = state.notifications.get(hold.probe or "")
    if trying is not None and trying.stage in ("waiting", "sending"):
        return
    hold.probe = None
    for notification_id in list(islice(hold.waiting, PROBED_AT_MOST)):
        del hold.waiting[notification_id]
        n = state.notifications.get(notification_id)
        if n is None or not _held_by(hold, n):
            continue
        if state.catalog.is_paused(n.tenant):
            hold.waiting[notification_id] = None  # it may not try; another one does
            continue
        hold.probe = n.id
        unhold(state, n, now)
        return
    if not hold.waiting:
        del state.holds[(owner, sender)]


def _held_by(hold: Hold, n: Notification) -> bool:
    """Not any more when it waits for something else by now: its tenant is not live, its credential is gone."""
    return n.stage == "held" and n.hold == hold.reason


def got_through(state: State, n: Notification, now: float) -> None:
    """An answer that is no refusal of account or sender: whatever held them is over."""
    for key in ((n.connection or "", ""), (n.connection or "", n.sender or "")):
        if key in state.holds:
            release(state, key, now)


def release(state: State, key: tuple[str, str], now: float) -> None:
    hold = state.holds.pop(key)
    for notification_id in hold.waiting:
        n = state.notifications.get(notification_id)
        if n is not None and _held_by(hold, n):
            unhold(state, n, now)


def unhold(state: State, n: Notification, now: float) -> None:
    n.stage = "waiting"
    enqueue(state, n, now)


def restored_hold(state: State, n: Notification, now: float) -> None:
    """After a restore: held as before, by the version of the Connection that was refused then."""
    key = (n.connection or "", "" if n.hold == "connection_broken" else n.sender or "")
    hold = state.holds.get(key)
    if hold is None:
        hold = state.holds[key] = Hold(n.hold or "connection_broken", n.hold_version, "refused before a restart")
        _probe_later(state, key, hold, now)
    hold.waiting[n.id] = None


def new_versions(state: State, now: float) -> None:
    """A new version of a Connection releases what the old one held; a removed one keeps it."""
    for key, hold in list(state.holds.items()):
        connection = state.catalog.connections.get(key[0])
        if connection is not None and connection.version != hold.version:
            release(state, key, now)
