"""The emergency stop (`notifier pause`): what is due is held, and whatever was begun and not yet posted is taken back.

What was posted is followed to its end, doubts are settled as ever; only a repeat waits.
"""

from __future__ import annotations

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
    state.paused.setdefault(n.tenant, {})[n.id] = None
    if said:
        touch(state, "n/" + n.id)
    else:
        emit(state, n, "held", now, reason="paused")
    free_lane(state, n, now)


def restored_pause(state: State, n: Notification) -> None:
    state.paused.setdefault(n.tenant, {})[n.id] = None


def release_resumed(state: State, now: float) -> None:
    """Tenants that are paused no longer go on, oldest first."""
    for tenant in [name for name in state.paused if not state.catalog.is_paused(name)]:
        for notification_id in state.paused.pop(tenant):
            n = state.notifications.get(notification_id)
            if n is not None and n.stage == "held" and n.hold == "paused":
                unhold(state, n, now)
