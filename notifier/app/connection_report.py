"""The states of the Connections as `/status` and `connection_state` tell them: what checks saw, with what sending met.

A row a tenant that this process sends for, and one for a shared Connection that it sends through. A tenant without a
Connection of its own is `not_connected`, whatever `builtinSender` names; that one's state stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from notifier.app.owned import Ownership
from notifier.domain.catalog import TenantConfig
from notifier.domain.connection_checks import (
    CONNECTION_STATES,
    NO_HOLDS,
    NOTHING_KNOWN,
    ConnectionCheck,
    ConnectionState,
    Holds,
    shown_state,
)
from notifier.engine.emitting import rfc3339
from notifier.engine.state import Hold

Known = tuple[ConnectionCheck, float | None]
Row = Mapping[str, object]


class ConnectionReport:
    """`known` gives the last check of an owner's Connection and its time, `holds` what the engine holds, by owner and
    sender (an empty one: the whole Connection).
    """

    def __init__(
        self,
        ownership: Ownership,
        known: Callable[[str], Known],
        holds: Callable[[], Mapping[tuple[str, str], Hold]],
    ) -> None:
        self._ownership, self._known, self._holds = ownership, known, holds

    def rows(self) -> list[Row]:
        owned, holds = self._ownership.now(), _by_owner(self._holds())
        names = sorted({*owned.tenants, *owned.connections})
        return [self._row(name, owned.tenants.get(name), name in owned.connections, holds) for name in names]

    def series(self) -> dict[tuple[str, ...], float]:
        """By tenant and state: 1 for the one that it is in."""
        states = {row["tenant"]: row["state"] for row in self.rows()}
        return {(str(name), state): float(states[name] == state) for name in states for state in CONNECTION_STATES}

    def _row(self, name: str, tenant: TenantConfig | None, has_connection: bool, holds: Mapping[str, Holds]) -> Row:
        check, checked_at = self._known(name) if has_connection else (NOTHING_KNOWN, None)
        state, reason = self._state(name, has_connection, holds)
        return {
            "tenant": name,
            "state": state,
            "reason": reason,
            "checkedAt": None if checked_at is None else rfc3339(checked_at),
            "unverified": list(check.unverified),
            "trouble": check.trouble,
            "builtinSender": None if tenant is None or has_connection else self._builtin(tenant, holds),
        }

    def _builtin(self, tenant: TenantConfig, holds: Mapping[str, Holds]) -> Row | None:
        sender = tenant.document.builtin_sender
        if sender is None:
            return None
        state, reason = self._state(sender.connection, tenant.builtin is not None, holds)
        return {"connection": sender.connection, "state": state, "reason": reason}

    def _state(self, owner: str, exists: bool, holds: Mapping[str, Holds]) -> tuple[ConnectionState, str | None]:
        if not exists:
            return "not_connected", None
        return shown_state(self._known(owner)[0], holds.get(owner, NO_HOLDS))


def _by_owner(holds: Mapping[tuple[str, str], Hold]) -> dict[str, Holds]:
    accounts = {owner: hold.detail for (owner, sender), hold in holds.items() if not sender}
    senders: dict[str, dict[str, str]] = {}
    for (owner, sender), hold in holds.items():
        if sender:
            senders.setdefault(owner, {})[sender] = hold.detail
    return {owner: Holds(accounts.get(owner), senders.get(owner, {})) for owner in {*accounts, *senders}}
