"""What of the configuration a callback is held against."""

from __future__ import annotations

from collections.abc import Callable

from notifier.domain.catalog import Catalog


class CallbackDirectory:
    """Looks into the configuration in force at the moment of the question."""

    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self._catalog = catalog

    def has_connection(self, owner: str) -> bool:
        return owner in self._catalog().connections

    def sends_through(self, tenant: str, owner: str) -> bool:
        """Whether a message of `tenant` may have gone out through the connection of another `owner`."""
        found = self._catalog().tenants.get(tenant)
        return found is not None and found.builtin is not None and found.builtin.owner == owner
