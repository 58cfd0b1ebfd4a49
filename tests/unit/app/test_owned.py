"""Whom a process acts for."""

from __future__ import annotations

from notifier.app.owned import Ownership
from notifier.domain.catalog import Catalog, build
from notifier.domain.documents import BuiltinSender, Connection, Document, Sender, Tenant
from notifier.kafka.partitions import partition_of

PARTITIONS = 3


def connection(owner: str, version: int = 1) -> Connection:
    return Connection(
        tenant=owner, version=version, provider="twilio", account_sid="AC" + "0" * 32, auth_token="t",
        senders=(Sender(from_="+15551234567"),),
    )  # fmt: skip


def tenant(name: str, *, borrows: bool = False) -> Tenant:
    sender = BuiltinSender(connection="platform") if borrows else None
    return Tenant(tenant=name, platform="pms", name=name, builtin_sender=sender)


NAMES = [f"t{number}" for number in range(12)]
DOCUMENTS: list[Document] = [
    *(tenant(name) for name in NAMES), *(connection(name) for name in NAMES), connection("platform"),
    tenant("borrower", borrows=True),
]  # fmt: skip


def ownership(owned: set[int], catalog: Catalog | None = None) -> Ownership:
    found = build(DOCUMENTS, 1) if catalog is None else catalog
    return Ownership(lambda: found, lambda: owned, PARTITIONS)


def test_every_tenant_and_its_connection_belong_to_exactly_one_partition() -> None:
    parts = [ownership({number}).now() for number in range(PARTITIONS)]
    assert sorted(name for part in parts for name in part.tenants) == sorted([*NAMES, "borrower"])
    assert sorted(owner for part in parts for owner in part.connections if owner != "platform") == sorted(NAMES)
    for number, part in enumerate(parts):
        assert {partition_of(name.encode(), PARTITIONS) for name in part.tenants} <= {number}


def test_a_shared_connection_belongs_to_whoever_sends_through_it_and_to_its_own_partition() -> None:
    having = {number for number in range(PARTITIONS) if "platform" in ownership({number}).now().connections}
    assert having == {partition_of(name, PARTITIONS) for name in (b"platform", b"borrower")}


def test_without_a_partition_there_is_nobody() -> None:
    nobody = ownership(set()).now()
    assert (nobody.tenants, nobody.connections) == ({}, {})


def test_it_is_the_same_until_partitions_or_configuration_change() -> None:
    catalogs, owned = [build(DOCUMENTS, 1), build([tenant("t0")], 2)], {0}
    it = Ownership(lambda: catalogs[0], lambda: owned, PARTITIONS)
    first = it.now()
    assert it.now() is first
    owned.add(1)
    second = it.now()
    assert second is not first
    del catalogs[0]
    assert it.now() is not second
