"""A new configuration meets what waits: tenants go live or go away, workflows end, connections are mended."""

from __future__ import annotations

from notifier.domain.catalog import Catalog, TenantConfig
from notifier.engine.entities import Notification
from notifier.engine.holding import new_versions
from notifier.engine.keys import cancel, decide_again
from notifier.engine.state import State
from notifier.engine.table import key_key


def configure(state: State, catalog: Catalog, now: float) -> None:
    """Use `catalog` from now on. Only what changed is looked at again."""
    before, state.catalog = state.catalog, catalog
    if state.ledger.phase != "owning":
        return
    for name in tuple(state.by_tenant):
        tenant = catalog.tenants.get(name)
        if tenant is None:
            _cancel_all(state, name, "tenant_removed", now)
        elif tenant is not before.tenants.get(name):
            _tenant_changed(state, tenant, now)
    for key, queue in state.senders.items():
        if queue.ring:
            state.runnable[key] = None
    new_versions(state, now)


def living(state: State, tenant: str) -> list[Notification]:
    found = (state.notifications.get(name) for name in state.by_tenant.get(tenant, ()))
    return sorted((n for n in found if n is not None and n.stage != "final"), key=lambda n: (n.inbox, n.order))


def _cancel_all(state: State, tenant: str, reason: str, now: float) -> None:
    for n in living(state, tenant):
        cancel(state, n, reason, None, now)


def _tenant_changed(state: State, tenant: TenantConfig, now: float) -> None:
    running = {workflow.name for workflows in tenant.workflows.values() for workflow in workflows}
    for n in living(state, tenant.name):
        if n.workflow is not None and n.workflow.name not in running:
            cancel(state, n, "workflow_removed", None, now)
        elif n.key_id is not None and n.stage in ("held", "waiting"):
            known = state.keys.get(key_key(n.tenant, n.key_id))
            if known is not None:
                decide_again(state, tenant, known, n, now)
