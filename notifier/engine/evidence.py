"""What Twilio's list can prove: a message that is known as another notification's is no evidence for this one.

Twilio's list tells messages apart by number, sender, time and text only. So a notification whose message is known is
kept until no doubt at the same connection and number could take that message for its own, whatever its tenant.
"""

from __future__ import annotations

from notifier.domain.answers import MessageMatch
from notifier.engine.entities import Notification
from notifier.engine.state import State, Uncertain


def _place(n: Notification) -> tuple[str, str]:
    return n.connection or "", n.to or ""


def doubted(state: State, n: Notification) -> None:
    state.uncertain.setdefault(_place(n), Uncertain()).doubts.add(n.id)


def keep_for_doubts(state: State, n: Notification) -> None:
    """`n` is final; its message must stay known while somebody else's doubt could find it."""
    uncertain = state.uncertain.get(_place(n))
    if n.sid is not None and uncertain is not None and uncertain.doubts - {n.id}:
        uncertain.kept[n.id] = None


def is_kept(state: State, n: Notification) -> bool:
    uncertain = state.uncertain.get(_place(n))
    return uncertain is not None and n.id in uncertain.kept


def no_longer_doubted(state: State, n: Notification) -> list[str]:
    """`n` is settled; returns the notifications that were kept for the last doubt of their place."""
    uncertain = state.uncertain.get(_place(n))
    if uncertain is None:
        return []
    uncertain.doubts.discard(n.id)
    if uncertain.doubts:
        return []
    del state.uncertain[_place(n)]
    return list(uncertain.kept)


def next_attempt(state: State, n: Notification) -> float | None:
    """When the next text to the same number over the same connection was begun whose message is not known yet either.

    One created from then on may be that text's, however alike both are. None when there is no such text: then a message
    is evidence however late it was created.
    """
    uncertain = state.uncertain.get(_place(n))
    others = (state.notifications.get(other) for other in (uncertain.doubts if uncertain else ()) if other != n.id)
    begun = (other.attempt_at for other in others if other is not None and other.attempt_at is not None)
    return min((time for time in begun if time > (n.attempt_at or 0.0)), default=None)


def unclaimed(state: State, n: Notification, matches: tuple[MessageMatch, ...]) -> MessageMatch | None:
    """The first match that is not known as another notification's message."""
    return next((match for match in matches if state.by_sid.get(match.sid, n.id) == n.id), None)
