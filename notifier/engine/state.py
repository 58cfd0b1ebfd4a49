"""The state of one partition: what the ledger remembers, and what may be forgotten with the process.

Rules: plain data with the smallest helpers; every decision stands in the modules beside this one, as functions that
take the state and the time. Nothing here is shared between partitions but the catalog, which nobody changes.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from notifier.domain.catalog import Catalog
from notifier.domain.outcomes import Outcome
from notifier.engine.commands import Command
from notifier.engine.entities import (
    AnswerFact,
    Consent,
    EventNote,
    Forgetting,
    IdentityPage,
    KeyState,
    Notification,
    OptOut,
    Positions,
    Run,
)
from notifier.engine.identity_index import IdentityIndex
from notifier.engine.inputs import Answer, LedgerRecord
from notifier.engine.packing import Keys, Notifications

Phase = Literal["idle", "claiming", "restoring", "owning", "lost", "halted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Settings of the engine; durations in seconds (contract section 2)."""

    partition: int
    partitions: int
    instance: str
    intent_deadline: float = 2.0
    quarantine: float = 35.0
    resend_after: float = 20.0
    second_look: float = 5.0  # at least so long after the first, also when RESEND_AFTER is over by then
    list_lag: float = 900.0
    lane_wait: float = 45.0
    poll_after: float = 120.0
    poll_at_most_every: float = 3600.0
    unconfirmed_after: float = 72 * 3600.0
    probe_every: float = 300.0
    most_unpacked: int = 2_000  # of notifications, and of keys; more are packed
    most_held_bytes: int = 512 * 1024 * 1024  # above it, the inbox waits
    dedupe_window: float = 86_400.0
    session_timeout: float = 15.0
    heartbeat_every: float = 45.0
    page_after: float = 60.0
    parked_for: float = 7 * 86_400.0
    max_in_flight: int = 80
    report_ignored: bool = True
    hash_key: bytes = b""
    allowed_recipients: frozenset[str] | None = None  # None: any number may be texted
    safeguards_off: frozenset[str] = frozenset()  # only the simulator's tests switch one off, to show that it is needed

    def safe(self, safeguard: str) -> bool:
        return safeguard not in self.safeguards_off


@dataclass(slots=True)
class Written:
    """What a batch said of one key, so that its acknowledgement sets the right things in motion and no others."""

    key: str
    outcomes: tuple[Outcome, ...] = ()
    intent: int | None = None  # the attempt that may be POSTed once this is acknowledged


@dataclass(slots=True)
class Batch:
    epoch: int
    asked_at: float
    written: list[Written]
    first: int = -1  # offset of its first record, once acknowledged


@dataclass(slots=True)
class LedgerState:
    """The writing side: at most one batch in flight, the fence, and what waits to be written."""

    phase: Phase = "idle"
    epoch: int | None = None
    last: int = -1  # last known offset of the log
    in_flight: Batch | None = None
    gap: Batch | None = None  # acknowledged behind foreign records that are being read
    held: list[Batch] = field(default_factory=list)  # acknowledged, waiting for the cure of a gap
    bound: dict[str, None] = field(default_factory=dict)  # must travel together with the positions
    loose: dict[str, None] = field(default_factory=dict)
    bound_bytes: int = 0  # of the events whose consequences are bound
    void_touched: set[str] = field(default_factory=set)  # keys to be written again before anything else is believed
    void_unknown: dict[str, int] = field(default_factory=dict)  # key -> inbox offset after which it is settled
    claims: dict[str, float] = field(default_factory=dict)  # claim key -> time
    claimed_at: float = 0.0
    written_at: float = 0.0
    lost_at: float = 0.0
    losses: int = 0
    draining: bool = False  # begin no further intent


@dataclass(slots=True)
class Restore:
    """The table as it is read back: newest valid record of each key, and the void ones."""

    newest_claim: int = -1
    living: list[tuple[int, int, str]] = field(default_factory=list)  # notifications by (inbox, order)
    valid: dict[str, tuple[int, bytes | None]] = field(default_factory=dict)
    void: dict[str, list[LedgerRecord]] = field(default_factory=dict)


@dataclass(slots=True)
class Publication:
    """Outcomes handed to the results topic, and the ledger offset below which all of them are acknowledged."""

    under_way: dict[str, tuple[str, int]] = field(default_factory=dict)  # outcome id -> (key, batch offset)
    open: dict[int, int] = field(default_factory=dict)  # batch offset -> outcomes not yet acknowledged, in order


@dataclass(slots=True)
class Identities:
    """Which events were accepted: those with living entities, those awaiting a page, those in pages."""

    live: dict[bytes, int] = field(default_factory=dict)
    awaiting: dict[bytes, list[str]] = field(default_factory=dict)  # identity -> keys to be tombstoned with its page
    paged: IdentityIndex = field(default_factory=IdentityIndex)
    pages: dict[str, IdentityPage] = field(default_factory=dict)
    retiring: dict[str, list[str]] = field(default_factory=dict)  # page key -> entity keys it makes superfluous
    opened_at: float | None = None
    counter: int = 0

    def known(self, identity: bytes) -> bool:
        return identity in self.live or identity in self.awaiting or identity in self.paged


@dataclass(slots=True)
class Lane:
    """Texts to one person (tenant and number): due ones in the order in which their events were accepted."""

    key: tuple[str, str]
    due: list[tuple[int, int, str]] = field(default_factory=list)  # heap of (inbox, order, notification)
    head: str | None = None  # under way, in doubt or in retry
    blocked_until: float = 0.0
    timer_at: float = 0.0  # when the last one comes due that was set since somebody waits behind the head
    queued: bool = False


@dataclass(slots=True)
class Uncertain:
    """At one connection, to one number: who is in doubt, and who is kept while a doubt could take its message."""

    doubts: set[str] = field(default_factory=set)
    kept: dict[str, None] = field(default_factory=dict)  # final notifications


@dataclass(slots=True)
class Account:
    """Requests in flight at one Twilio account: additive increase, multiplicative decrease."""

    limit: float
    in_flight: int = 0
    lowered_at: float = 0.0


@dataclass(slots=True)
class SenderQueue:
    """One sender: a token bucket in segments, and the lanes that wait for it, tenant by tenant."""

    owner: str
    name: str
    rate: float
    tokens: float
    refilled_at: float
    tenants: dict[str, deque[Lane]] = field(default_factory=dict)
    ring: deque[str] = field(default_factory=deque)
    deficit: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Hold:
    """A connection or sender that Twilio refused; `version` is the Connection's at that time."""

    reason: str  # connection_broken or sender_held
    version: int
    detail: str
    probe_at: float = 0.0
    probe: str | None = None  # the one notification that tries again
    waiting: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Timers:
    """A heap of (time, order, kind, key); what an entry means is decided when it comes due, by the state then."""

    heap: list[tuple[float, int, str, str]] = field(default_factory=list)
    counter: int = 0
    wake_at: float | None = None
    meaningful: int = 0  # entries that may mean something, when they were last swept or counted

    def at(self, time: float, kind: str, key: str = "") -> None:
        self.counter += 1
        heapq.heappush(self.heap, (time, self.counter, kind, key))


@dataclass(slots=True)
class State:
    config: EngineConfig
    catalog: Catalog
    ledger: LedgerState = field(default_factory=LedgerState)
    restore: Restore = field(default_factory=Restore)
    publication: Publication = field(default_factory=Publication)
    identities: Identities = field(default_factory=Identities)
    timers: Timers = field(default_factory=Timers)
    positions: Positions = field(default_factory=Positions)
    notifications: Notifications = field(init=False)
    keys: Keys = field(init=False)
    runs: dict[str, Run] = field(default_factory=dict)
    notes: dict[str, EventNote] = field(default_factory=dict)
    consents: dict[str, Consent] = field(default_factory=dict)
    opt_outs: dict[str, OptOut] = field(default_factory=dict)
    lanes: dict[tuple[str, str], Lane] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    senders: dict[tuple[str, str], SenderQueue] = field(default_factory=dict)
    runnable: dict[tuple[str, str], None] = field(default_factory=dict)
    holds: dict[tuple[str, str], Hold] = field(default_factory=dict)  # (owner, sender or "")
    forgetting: dict[str, Forgetting] = field(default_factory=dict)
    to_forget: deque[tuple[str, str]] = field(default_factory=deque)  # (wish, ledger key); "": the end of the wish
    by_key: dict[str, dict[str, None]] = field(default_factory=dict)  # k/… -> notifications of that key
    by_tenant: dict[str, dict[str, None]] = field(default_factory=dict)
    by_sid: dict[str, str] = field(default_factory=dict)  # Twilio's message -> notification
    uncertain: dict[tuple[str, str], Uncertain] = field(default_factory=dict)  # (connection, number)
    reconsider: dict[str, None] = field(default_factory=dict)  # notifications that a new configuration may concern
    intending: dict[str, int] = field(default_factory=dict)  # notification -> attempt whose intent is not yet written
    posted: dict[str, str] = field(default_factory=dict)  # notification -> account at which its POST is under way
    polls: dict[str, float] = field(default_factory=dict)  # notification -> interval of its next poll
    settling: dict[str, int] = field(default_factory=dict)  # notification in doubt -> signals offset to be read first
    wants_signals_end: dict[str, None] = field(default_factory=dict)  # notifications in doubt
    asked_signals_end: dict[str, None] = field(default_factory=dict)  # those for whom it was asked
    late_answers: list[Answer] = field(default_factory=list)  # arrived while nothing was restored
    facts: list[tuple[str, AnswerFact]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.notifications = Notifications(self.config.most_unpacked)
        self.keys = Keys(self.config.most_unpacked)

    def rest(self) -> None:
        """Between two steps, or two entities of one: pack what nobody works on."""
        if self.notifications.seen:
            self.notifications.rest(self._in_use)
        if self.keys.seen:
            self.keys.rest(self._in_use)

    def deflate_some(self, most: int) -> bool:
        """Of what a restore left as it was read. False: nothing is left."""
        keys = self.keys.deflate_some(most)
        return keys + self.notifications.deflate_some(most - keys) > 0

    def _in_use(self, key: str, entity: Notification | KeyState) -> bool:
        busy = isinstance(entity, Notification) and (entity.stage in ("sending", "doubt") or bool(entity.outcomes))
        return busy or key in self.ledger.bound or key in self.ledger.loose
