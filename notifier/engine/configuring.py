"""A new configuration meets what waits: tenants go live or go away, workflows end, connections are mended.

What it may concern is looked at again a batch's worth at a time, so that a tenant with a day of backlog delays nobody;
whose turn comes before that is looked at first.
"""

from __future__ import annotations

from notifier.domain.catalog import Catalog, TenantConfig
from notifier.engine.entities import Notification
from notifier.engine.holding import new_versions
from notifier.engine.keys import cancel
from notifier.engine.ledger import has_room
from notifier.engine.pausing import release_if_resumed, resumed
from notifier.engine.placing import decide_again, part_for
from notifier.engine.state import State
from notifier.engine.table import key_key

LOOKED_AT_ONCE = 300  # some 10 ms: whatever else happens need not wait longer


def configure(state: State, catalog: Catalog, now: float) -> None:
    """Use `catalog` from now on. Only what changed is looked at again; in a restore, whatever changed since."""
    before, state.catalog = state.catalog, catalog
    if state.ledger.phase != "owning":
        return
    for name, members in state.by_tenant.items():
        tenant = catalog.tenants.get(name)
        if tenant is None or tenant is not before.tenants.get(name):
            state.reconsider.update(members)
    for key, queue in state.senders.items():
        if queue.ring:
            state.runnable[key] = None
    new_versions(state, now)
    resumed(state, before)


def reconsider_all(state: State) -> None:
    """Nobody knows what changed while nobody owned."""
    state.reconsider.update(dict.fromkeys(state.notifications.names()))


def reconsider(state: State, now: float) -> None:
    """Look again at what the last configurations may concern, as far as the next batch has room."""
    if state.ledger.draining:
        return
    for _ in range(LOOKED_AT_ONCE):
        if not state.reconsider:
            state.positions.configured = state.catalog.offset
            return
        if not has_room(state):
            return
        reconsider_one(state, next(iter(state.reconsider)), now)
        state.rest()


def goes_on(state: State) -> bool:
    """There is more to look at, and room for it."""
    return bool(state.reconsider) and has_room(state) and not state.ledger.draining


def reconsider_one(state: State, notification_id: str, now: float) -> None:
    state.reconsider.pop(notification_id, None)
    n = state.notifications.get(notification_id)
    if n is None or n.stage == "final":
        return
    tenant = state.catalog.tenants.get(n.tenant)
    if tenant is None:
        cancel(state, n, "tenant_removed", None, now)
    elif n.workflow is not None and not tenant.runs(n.workflow.name):
        cancel(state, n, "workflow_removed", None, now)
    else:
        if n.key_id is not None and n.stage in ("held", "waiting"):
            _decide(state, tenant, n, now)
        release_if_resumed(state, n, now)


def still_wanted(state: State, n: Notification, now: float) -> bool:
    """What is in doubt would be begun again as things stand: its workflow runs, its person is texted."""
    tenant = state.catalog.tenants.get(n.tenant)
    if tenant is None:
        return False
    if n.workflow is not None:
        return tenant.runs(n.workflow.name)
    known = state.keys.get(key_key(n.tenant, n.key_id or ""))
    part = None if known is None else part_for(tenant, known, n, now)
    return part is not None and part.action in ("send", "hold")


def _decide(state: State, tenant: TenantConfig, n: Notification, now: float) -> None:
    known = state.keys.get(key_key(n.tenant, n.key_id or ""))
    if known is not None:
        decide_again(state, tenant, known, n, now)
