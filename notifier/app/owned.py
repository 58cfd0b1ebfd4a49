"""The part of the configuration that this process acts for: the tenants of the partitions that it owns.

What a process says of a tenant or of a Connection it says only while it sends for them; so every tenant is told of by
one process, however many there are. A Connection that tenants share is told of by each that sends through it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from notifier.domain.catalog import Catalog, ConnectionConfig, TenantConfig
from notifier.kafka.partitions import partition_of_tenant


@dataclass(frozen=True, slots=True)
class Owned:
    """`tenants` by name and `connections` by owner: the tenants' own and those that `builtinSender` names."""

    tenants: Mapping[str, TenantConfig]
    connections: Mapping[str, ConnectionConfig]


class Ownership:
    """`owned` gives the numbers of the partitions that this process owns now, of so many `partitions`."""

    def __init__(self, catalog: Callable[[], Catalog], owned: Callable[[], Collection[int]], partitions: int) -> None:
        self._catalog, self._owned, self._partitions = catalog, owned, partitions
        self._known: tuple[Catalog, frozenset[int], Owned] | None = None

    def now(self) -> Owned:
        """The same object until the configuration or the partitions change."""
        catalog, owned = self._catalog(), frozenset(self._owned())
        if self._known is None or self._known[0] is not catalog or self._known[1] != owned:
            self._known = (catalog, owned, self._select(catalog, owned))
        return self._known[2]

    def _select(self, catalog: Catalog, owned: frozenset[int]) -> Owned:
        if not owned:
            return Owned({}, {})

        def is_ours(name: str) -> bool:
            return partition_of_tenant(name.encode(), self._partitions) in owned

        tenants = {name: one for name, one in catalog.tenants.items() if is_ours(name)}
        connections = {owner: one for owner, one in catalog.connections.items() if is_ours(owner)}
        borrowed = {one.builtin.owner: one.builtin for one in tenants.values() if one.builtin is not None}
        return Owned(tenants, connections | borrowed)
