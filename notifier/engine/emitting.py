"""Outcomes are made here and nowhere else: every one gets the next sequence number of its subject."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from math import floor
from typing import Literal

import msgspec

from notifier.domain.events import EventRef, InboxEvent
from notifier.domain.identifiers import event_subject, identity_of
from notifier.domain.outcomes import (
    TERMINAL_STATUSES,
    AppliedData,
    IgnoredData,
    NotificationData,
    Outcome,
    Provider,
    Recipient,
    ResolvedData,
    RunData,
    Status,
    Times,
    WorkflowRef,
)
from notifier.engine.commands import Measured
from notifier.engine.entities import EventNote, Notification, Run
from notifier.engine.remembering import born
from notifier.engine.state import State
from notifier.engine.table import touch

_encode = msgspec.json.Encoder().encode


def rfc3339(time: float) -> str:
    """UTC with milliseconds, as in every outcome."""
    seconds, milliseconds = divmod(floor(time * 1000.0 + 0.0005), 1000)  # what a float lacks is no millisecond
    return f"{_to_the_second(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=64)  # most of what is said was now
def _to_the_second(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).replace(tzinfo=None).isoformat()


def emit(
    state: State, n: Notification, status: Status, now: float, *, reason: str | None = None, detail: str | None = None,
    attempt: int | None = None, bound: bool = False,
) -> None:  # fmt: skip
    """Say what became of a notification. A terminal status is the last that is ever said of it."""
    if n.status in TERMINAL_STATUSES:
        raise AssertionError(f"{n.id} is {n.status} already and cannot become {status}")
    terminal = status in TERMINAL_STATUSES
    if detail is None and n.without_credential:
        detail = "without_credential"
    n.status = status
    n.seq += 1
    if terminal:
        n.final_at = now
    time, accepted = rfc3339(now), rfc3339(n.accepted)
    data = NotificationData(
        notification_id=n.id, event=n.event, status=status, terminal=terminal, reason=reason, detail=detail,
        channel=n.channel, class_=n.class_,
        recipient=Recipient(person_id=n.person_id, masked=n.masked, hash=n.hash),
        template=n.template, workflow=n.workflow, segments=n.segments, encoding=n.encoding, cause=n.cause,
        provider=_provider(n), attempt=n.attempt if attempt is None else attempt,
        times=Times(
            event=_time(n.event_time), accepted=accepted, due=accepted if n.due == n.accepted else _time(n.due),
            handed_over=time if n.handed_over == now else _time(n.handed_over),
            final=time if n.final_at == now else _time(n.final_at),
        ),
    )  # fmt: skip
    n.outcomes.append(
        Outcome(
            id=f"{n.id}:{n.seq}", type=f"notification.{status}", time=time, tenant=n.tenant, subject=n.id,
            traceparent=n.traceparent or msgspec.UNSET, data=msgspec.Raw(_encode(data)),
        )
    )  # fmt: skip
    state.commands.append(Measured("outcomes_total", (status, reason or "", n.channel, n.tenant)))
    touch(state, "n/" + n.id, bound=bound)


def emit_resolved(state: State, n: Notification, evidence: Literal["callback", "list"], now: float) -> None:
    """Behind its terminal outcome and outside the sequence: evidence for a parked notification came late."""
    data = ResolvedData(
        notification_id=n.id, evidence=evidence, message_sid=n.sid or "", provider_status=n.provider_status or ""
    )
    n.outcomes.append(
        Outcome(
            id=f"{n.id}:resolved", type="parked.resolved", time=rfc3339(now), tenant=n.tenant, subject=n.id,
            traceparent=n.traceparent or msgspec.UNSET, data=msgspec.Raw(_encode(data)),
        )
    )  # fmt: skip
    touch(state, "n/" + n.id, bound=True)


def _time(value: float | None) -> str | None:
    return rfc3339(value) if value else None


def _provider(n: Notification) -> Provider | None:
    if n.sid is None and n.error_code is None and n.error_class is None:
        return None
    return Provider(message_sid=n.sid, status=n.provider_status, error_code=n.error_code, error_class=n.error_class)


def emit_run(
    state: State, workflow: WorkflowRef, event: EventRef, tenant: str, now: float, *, ending: str, reason: str | None,
    inbox: int, traceparent: str | None,
) -> None:  # fmt: skip
    """A run ends with exactly one of `completed`, `exited`, `failed` and `cancelled`."""
    run = Run(id=workflow.run_id, event=event, inbox=inbox, seq=1)
    ref = WorkflowRef(workflow.name, workflow.version, workflow.run_id)
    data = RunData(run_id=run.id, workflow=ref, event=event, step=workflow.step, reason=reason)
    run.outcomes.append(
        Outcome(
            id=f"{run.id}:1", type=f"run.{ending}", time=rfc3339(now), tenant=tenant, subject=run.id,
            traceparent=traceparent or msgspec.UNSET, data=msgspec.Raw(_encode(data)),
        )
    )  # fmt: skip
    state.runs[run.id] = run
    born(state, identity_of(event))
    touch(state, "r/" + run.id, bound=True)


def note_key(event: EventRef) -> str:
    return "e/" + identity_of(event).hex()


def emit_applied(state: State, event: InboxEvent, inbox: int, affected: tuple[str, ...], now: float) -> None:
    data = AppliedData(event=event.ref, affected=affected)
    _note(state, event, inbox, "applied", "event.applied", msgspec.Raw(_encode(data)), now)


def emit_ignored(
    state: State, event: InboxEvent, inbox: int,
    reason: Literal["no_matching_workflow", "no_effect", "stale_version"], now: float,
) -> None:  # fmt: skip
    data = IgnoredData(event=event.ref, reason=reason)
    kind = "event.ignored" if state.config.report_ignored else None
    _note(state, event, inbox, "ignored", kind, msgspec.Raw(_encode(data)), now)


def _note(
    state: State, event: InboxEvent, inbox: int, suffix: str, kind: str | None, data: msgspec.Raw, now: float
) -> None:
    key = note_key(event.ref)
    note = EventNote(identity=key[2:], inbox=inbox)
    if kind is not None:
        note.outcomes.append(
            Outcome(
                id=f"{event_subject(event.source, event.id)}:{suffix}", type=kind, time=rfc3339(now),
                tenant=event.tenant, subject=event.id, traceparent=event.traceparent or msgspec.UNSET, data=data,
            )
        )  # fmt: skip
    state.notes[key] = note
    born(state, identity_of(event))
    touch(state, key, bound=True)
