"""The emergency stop (`notifier pause`): what is due is held, and whatever was begun and not yet posted is taken back.

What was posted is followed to its end, doubts are settled as ever; only a repeat waits.
"""

from __future__ import annotations

from notifier.domain.catalog import Catalog
from notifier.engine.emitting import emit
from notifier.engine.entities import Notification
from notifier.engine.holding import unhold
from notifier.engine.lanes import free_lane
from notifier.engine.state import State
from notifier.engine.table import touch


def pause(state: State, n: Notification, now: float) -> None:
    """Its turn has come, and its tenant is paused."""
    said = n.status == "held" and n.hold == "paused"
    n.stage, n.hold = "held", "paused"
    if said:
        touch(state, "n/" + n.id)
    else:
        emit(state, n, "held", now, reason="paused")
    free_lane(state, n, now)


def resumed(state: State, before: Catalog) -> None:
    """Whatever a tenant that is paused no longer has waiting is looked at again, a batch's worth at a time."""
    for name, members in state.by_tenant.items():
        if before.is_paused(name) and not state.catalog.is_paused(name):
            state.reconsider.update(members)


def release_if_resumed(state: State, n: Notification, now: float) -> None:
    if n.stage == "held" and n.hold == "paused" and not state.catalog.is_paused(n.tenant):
        unhold(state, n, now)
