"""Where a notification stands now, and what is still stored of it, from its ledger entity: sentences. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from notifier.commands.times import at_second
from notifier.domain.explanations import meaning_of
from notifier.engine.entities import Notification

INBOX_KEPT = "the inbox keeps events for 7 days"


def standing(n: Notification, now: float) -> Iterator[str]:
    """What it waits for; `now` in seconds since 1970. Nothing of one that is over."""
    match n.stage:
        case "held":
            meaning = meaning_of("held", n.hold)
            yield f"held, {n.hold}" + (f": {meaning.what}" if meaning is not None else "")
        case "waiting":
            yield _waiting(n, now)
        case "sending":
            yield f"attempt {n.attempt} is under way, since {_at(n.attempt_at)}"
        case "doubt" if n.doubt is not None:
            settled = f"; absence of evidence counts from {_at(n.doubt.settle_at)}" if n.doubt.settle_at else ""
            yield f"in doubt ({n.doubt.cause}), since {_at(n.doubt.since)}{settled}"
        case "handed":
            yield f"Twilio has it, as {n.sid} ({n.provider_status}); the carrier's word is waited for"
        case "final" if n.parked_until is not None and n.parked_until > now:
            yield f"parked: it can be resent or dropped until {_at(n.parked_until)}"
    if n.stage in ("held", "waiting", "sending", "doubt"):
        yield f"of use until {_at(n.deadline)}; later it is skipped, expired"
    if n.cancel is not None:
        yield f"it is not to be repeated: {n.cancel}"


def _waiting(n: Notification, now: float) -> str:
    if n.retry_at > now:
        return f"attempt {n.attempt + 1} follows at {_at(n.retry_at)}"
    if n.due > now:
        return f"due at {_at(n.due)}"
    return "it is due, and waits for its turn: for earlier texts to the same person, or for the rate of its sender"


def stored(n: Notification | None, sid: str | None) -> Iterator[tuple[str, str | None, str]]:
    """`number` and `text`: each with what is stored, or None and why it is gone."""
    if n is None:
        elsewhere = f"; Twilio's log of {sid} may still show it" if sid else ""
        why = f"it is over and its outcomes are published, so that the ledger has forgotten it{elsewhere}"
        yield "number", None, why
        yield "text", None, why
        return
    yield "number", n.to, "it has none" if n.masked is None else "it was erased"
    if n.body is not None or (n.stage in ("held", "waiting") and n.key_id is not None):
        yield "text", n.body, "it is not made yet: it is filled in from the key when its turn comes"
    elif n.channel == "email":
        yield "text", None, "the platform's own mail service has written it"
    else:
        kept = f"; Twilio's log of {n.sid} may still show it" if n.sid else ""
        yield "text", None, f"it is kept only until Twilio has it, or until it is over{kept}"


def _at(seconds: float | None) -> str:
    return "?" if seconds is None else at_second(seconds)
