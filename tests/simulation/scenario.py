"""One story: what is published, what is configured, who is elected when, and what goes wrong in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from notifier.domain.catalog import CatalogBuilder
from notifier.domain.events import InboxEvent, Platform, SourcePosition
from notifier.domain.signals import DropParked, Forget, ResendParked
from notifier.engine.state import EngineConfig
from tests.simulation.documents import CLINIC, HOTEL, Setup, documents
from tests.simulation.owner import Owner
from tests.simulation.world import CALM, Faults, World

QUARANTINE = 2.0 + 3.0 + 1.0  # intent deadline, POST time-out, allowed stall
STALL = 1.0
CONFIG = EngineConfig(
    partition=0,
    partitions=1,
    instance="",
    intent_deadline=2.0,
    quarantine=QUARANTINE,
    resend_after=2.0,
    second_look=0.6,
    list_lag=8.0,
    lane_wait=9.0,
    poll_after=5.0,
    poll_at_most_every=20.0,
    unconfirmed_after=120.0,
    probe_every=10.0,
    dedupe_window=200.0,
    session_timeout=3.0,
    heartbeat_every=20.0,
    page_after=5.0,
    parked_for=30.0,
    max_in_flight=4,
)
OWNERLESS = 20.0
PLAIN = Faults()
CALLBACKS_ONLY = Faults(
    callback_lost=0.0,
    callback_late=0.0,
    list_lag=1e9,
    first_callback=0.3,
    signals_late=12.0,
)  # the list shows nothing, so only a callback that was read proves anything
ZOMBIES = Faults(append_late=0.35, append_lost=0.1, ack_lost=0.1)
SLOW_READERS = replace(ZOMBIES, read_late=0.4)  # what was asked for in one life is answered in the next
KINDS = {"plain": PLAIN, "callbacks_only": CALLBACKS_ONLY, "zombies": ZOMBIES, "slow_readers": SLOW_READERS}


def kind_of(seed: int) -> str:
    """The slow readers came late: of the seeds that failed once, each tells what it always told."""
    return "slow_readers" if seed // 16 % 7 == 2 else ("plain", "zombies", "plain", "callbacks_only")[seed % 4]


class Story:
    """Seeded; `off` switches safeguards off, `faults` sets what may go wrong."""

    def __init__(self, seed: int, *, off: frozenset[str] = frozenset(), kind: str | None = None) -> None:
        self.kind = kind or kind_of(seed)
        self.world = World(seed, faults=KINDS[self.kind])
        self.random = self.world.random
        self.length = 0.0  # until the calm; no time without an owner may outlast the compaction lag (rule 10)
        self.owners: list[Owner] = []
        self.version = 1
        message = self.random.choice(("Order {{n}}", "Your order is on its way"))  # alike, so that a list cannot tell
        self.setup = Setup(self.random.random() < 0.5, message)
        most_unpacked = self.random.choice((0, 1, 2_000))  # mostly so few that whatever waits is packed
        self.config = replace(CONFIG, safeguards_off=off, most_unpacked=most_unpacked)
        self.builder = CatalogBuilder()
        self.catalog = self.builder.build(documents(1, self.setup), 1)
        self.operated = seed // 4 % 4 < 2  # the others are told as they ever were
        self._began = self.world.now
        self._source_offset = 0
        self._keys: dict[str, int] = {}

    def run(self) -> World:
        self._events()
        self._ownership()
        self._configuration()
        if self.operated:
            self._operators()
        self._watch()
        world = self.world
        world.run(world.now + self.length)
        for owner in self.owners:
            if owner.alive:
                owner.kill()
        self._calm()
        world.refusing.clear()
        self.version += 1
        self.catalog = self.builder.build(documents(self.version, self.setup), self.version)
        self._elect(calm=True)
        world.run(world.now + 260.0)
        return world

    # Events.

    def _events(self) -> None:
        for number in range(self.random.randint(3, 6)):
            at = self.random.uniform(0.0, 25.0)
            if self.random.random() < 0.5:
                self.world.after(at, lambda number=number: self._key_story(f"key{number}"))  # type: ignore[misc]
            else:
                self.world.after(at, lambda number=number: self._order(number))  # type: ignore[misc]

        for _ in range(self.random.choice((0, 0, 0, 1, 2))):
            self.world.after(self.random.uniform(0.0, 25.0), self._consent)

    def _order(self, number: int) -> None:
        kind = "order.shipped" if self.random.random() < 0.8 else "order.offer"
        data = {"n": number, "customer": {"phone": f"+1202555{100 + number % 2:04d}"}}
        self._publish(CLINIC, "care", f"order{number}", kind, data)

    def _consent(self) -> None:
        """A person says no, or yes again; whoever reads it late may not have texted before the word."""
        data = {
            "phone": f"+1202555{100 + self.random.randrange(2):04d}", "source": "form",
            "at": datetime.fromtimestamp(self.world.now, UTC).isoformat(),
        }  # fmt: skip
        kind = self.random.choice(("consent.withdrawn", "consent.given"))
        self._publish(CLINIC, "care", f"consent{len(self.world.inbox)}", kind, data)

    def _key_story(self, key: str) -> None:
        self._key_event(key, "key.ready")
        for _ in range(self.random.randint(0, 2)):
            kind = self.random.choice(["doorcode.changed", "key.updated", "key.revoked", "key.ready"])
            self.world.after(self.random.uniform(0.0, 12.0), lambda kind=kind: self._key_event(key, kind))  # type: ignore[misc]

    def _key_event(self, key: str, kind: str, share: dict[str, object] | None = None) -> None:
        version = self._keys[key] = self._keys.get(key, 0) + 1
        start = datetime.fromtimestamp(self.world.now - 10, UTC)
        code = str(1000 + version) if self.random.random() < 0.85 else None
        data = {
            "key": {
                "id": key, "version": version, "origin": "pms", "status": "active",
                "startsAt": start.isoformat(), "endsAt": datetime.fromtimestamp(self.world.now + 150, UTC).isoformat(),
                "persons": [
                    {"id": f"p{number}", "phone": f"+1202555{200 + (sum(key.encode()) + number) % 2:04d}"}
                    for number in range(self.random.choice((1, 1, 2)))
                ],
                "credentials": {"doorCode": code and f"{key}-{code}"},
            }
        }  # fmt: skip
        if share is not None:
            data["share"] = share
        self._publish(HOTEL, "pms", f"{key}-{version}", kind, data)

    def _publish(self, tenant: str, platform: Platform, identity: str, kind: str, data: object) -> None:
        """As ingest does: now and then a record twice at its position, or the same event at a new position."""
        event = InboxEvent(
            id=identity, source="/sim", type=kind, platform=platform, tenant=tenant,
            data=msgspec.Raw(msgspec.json.encode(data)),
        )  # fmt: skip
        position = self._position()
        self.world.arrive(event, position)
        if self.random.random() < 0.1:
            self.world.arrive(event, position)
        if self.random.random() < 0.1:
            again = self._position()
            self.world.after(self.random.uniform(0.0, 15.0), lambda: self.world.arrive(event, again))
        if self.random.random() < 0.1:
            self.world.after(
                self.random.uniform(210.0, 240.0), lambda: self.world.arrive(event, position)
            )  # read again long after the dedupe window

    def _position(self) -> SourcePosition:
        self._source_offset += 1
        return SourcePosition("events", "0", self._source_offset, int(self.world.now * 1000))

    # Ownership.

    def _ownership(self) -> None:
        at = 0.0
        zombies = self.kind == "zombies"
        for _ in range(self.random.randint(6, 9) if zombies else self.random.randint(2, 5)):
            self.world.after(at, self._elect)
            at += self.random.uniform(0.05, 16.0 if zombies else 9.0)
        self.length = max(at, 30.0)

    def _elect(self, *, calm: bool = False) -> None:
        """A new owner; the former one hears of it now, later, or never, and may be dead or asleep."""
        for former in self.owners:
            if former.alive and former.elected:
                self._depose(former)
        config = replace(self.config, instance=f"owner{len(self.owners)}")
        owner = Owner(self.world, config, self.catalog)
        self.owners.append(owner)
        if not calm:
            self.world.after(self.random.uniform(0.005, 8.0), lambda: self._hurt(owner))

    def _depose(self, former: Owner) -> None:
        draw = self.random.random()
        if draw < 0.3:
            former.stop()
        elif draw < 0.8:
            self.world.after(self.random.uniform(0.1, 6.0), former.stop)
        # else: the election is wrong for good, both believe that they are named

    def _hurt(self, owner: Owner) -> None:
        draw = self.random.random()
        if draw < 0.45 and owner.alive:
            owner.kill()
        elif draw < 0.6:
            owner.stalled_until = self.world.now + self.random.uniform(0.0, STALL)

    def _watch(self) -> None:
        """Nobody wrote for long: a healthy owner comes, since the compaction lag is chosen to outlast such times."""
        if self.world.now > self._began + self.length:
            return
        if self.world.now - max(self.world.ledger.valid_at, self._began) > OWNERLESS:
            self._calm()
            self._elect(calm=True)
            self.world.after(3.0, self._storm)
        self.world.after(5.0, self._watch)

    def _calm(self) -> None:
        faults = self.world.faults
        self.world.faults = replace(CALM, list_lag=faults.list_lag, first_callback=faults.first_callback)

    def _storm(self) -> None:
        if self.world.now < self._began + self.length:
            self.world.faults = KINDS[self.kind]

    # Configuration.

    def _configuration(self) -> None:
        if self.random.random() < 0.3:
            tenant = self.random.choice([HOTEL, CLINIC])
            self.world.after(self.random.uniform(0.0, 10.0), lambda: self.world.refusing.add(tenant))
            self.world.after(self.random.uniform(12.0, 30.0), self._mend)
        if self.random.random() < 0.3:
            self.world.after(self.random.uniform(0.0, 10.0), lambda: self._reconfigure(live=False))
            self.world.after(self.random.uniform(10.0, 20.0), self._reconfigure)
        draw = self.random.random()
        if draw < 0.15:
            self._without(workflows=("offer",))
        elif draw < 0.3:
            self._without(tenants=(self.random.choice((HOTEL, CLINIC)),))

    # Operators and staff.

    def _operators(self) -> None:
        """Staff share keys, sending is paused and resumed, people are forgotten, and parked texts are decided on."""
        for _ in range(self.random.randint(0, 3)):
            self.world.after(self.random.uniform(0.0, 25.0), self._share)
        if self.random.random() < 0.4:
            begin = self.random.uniform(0.0, 20.0)
            paused = (self.random.choice((HOTEL, CLINIC, "platform")),)
            self.world.after(begin, lambda: self._reconfigure(paused=paused))
            self.world.after(begin + self.random.uniform(0.5, 15.0), self._reconfigure)
        if self.random.random() < 0.2:
            number = f"+1202555{self.random.choice((100, 101, 200, 201)):04d}"
            tenant = self.random.choice((HOTEL, CLINIC))
            wish = Forget(tenant=tenant, phone=number)
            self.world.after(self.random.uniform(0.0, 30.0), lambda: self.world.signal(wish))
        for _ in range(8):
            self.world.after(self.random.uniform(5.0, 60.0), self._decide_on_parked)

    def _share(self) -> None:
        if self._keys:
            key = self.random.choice(sorted(self._keys))
            wish = {
                "channel": "sms", "destination": f"+1202555{200 + self.random.randrange(3):04d}", "staffId": "s1",
                "alternative": self.random.random() < 0.5,
            }  # fmt: skip
            self._key_event(key, "credentials.shared", wish)

    def _decide_on_parked(self) -> None:
        """As the results topic shows it, which is late, and maybe wrong by now."""
        parked = [outcome for _, outcome in self.world.results if outcome.type == "notification.parked"]
        if parked:
            chosen = self.random.choice(parked)
            wish = self.random.choice((ResendParked, ResendParked, DropParked))
            self.world.signal(wish(tenant=chosen.tenant, notification_id=chosen.subject))

    def _without(
        self, *, tenants: tuple[str, ...] = (HOTEL, CLINIC), workflows: tuple[str, ...] = ("shipped", "offer")
    ) -> None:
        """A workflow or a tenant is removed, and comes back, maybe while nobody owns."""
        begin = self.random.uniform(0.0, 20.0)
        self.world.after(begin, lambda: self._reconfigure(tenants=tenants, workflows=workflows))
        self.world.after(begin + self.random.uniform(0.5, 15.0), self._reconfigure)

    def _mend(self) -> None:
        self.world.refusing.clear()
        self._reconfigure()

    def _reconfigure(
        self, *, live: bool = True, tenants: tuple[str, ...] = (HOTEL, CLINIC),
        workflows: tuple[str, ...] = ("shipped", "offer"), paused: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.version += 1
        found = documents(self.version, self.setup, live=live, tenants=tenants, workflows=workflows, paused=paused)
        self.catalog = self.builder.build(found, self.version)
        for owner in self.owners:
            if owner.alive:
                owner.configure(self.catalog)
