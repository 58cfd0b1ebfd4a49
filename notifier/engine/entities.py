"""What the ledger remembers: one key per entity, and the value is the entity's whole present state.

Rules: a struct here holds no clock, no handle and nothing that a restore could not read back; what only lives in memory
stands in `engine.state`. Times are wall time in seconds. Fields that are still at their default are not written.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from notifier.domain.answers import DoubtCause, SendResult
from notifier.domain.events import EventRef, Key
from notifier.domain.outcomes import (
    Cause,
    Channel,
    MessageClass,
    Outcome,
    Status,
    TemplateRef,
    WorkflowRef,
)

Stage = Literal["held", "waiting", "sending", "doubt", "handed", "final"]


class AnswerFact(msgspec.Struct, frozen=True):
    """That a POST was answered: the one thing in a void record that counts (design section 2, rule 1)."""

    attempt: int
    result: SendResult


class Doubt(msgspec.Struct, omit_defaults=True, rename="camel"):
    """An intent without answer. `settle_at`: when absence of evidence may be acted on; None before the first look."""

    cause: DoubtCause
    since: float
    settle_at: float | None = None
    inherited: bool = False  # its poster may still be alive: wait for the quarantine of the present claim


class Notification(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """One person, one channel, one text; `n/<id>`.

    Two-way doors only: `stage` says what is still needed of it. The body and the number go when Twilio has it for good.
    """

    id: str
    tenant: str
    event: EventRef
    inbox: int  # offset of the inbox record that made it
    order: int = 0  # among those of one event
    accepted: float
    event_time: float | None = None
    traceparent: str | None = None
    key_id: str | None = None  # a PMS key; its text is rendered from the key as it stands when sending
    rule: str = ""  # key_is_ready, doorcode_is_changed, or the workflow's name
    person: str = ""  # the person's id, or its position
    person_id: str | None = None
    workflow: WorkflowRef | None = None
    alternative: bool = False  # shared with a destination that is not on file
    without_credential: bool = False  # its text says neither code nor link (seed-systems.md A16)
    channel: Channel = "sms"
    class_: MessageClass = "transactional"
    template: TemplateRef | None = None
    connection: str | None = None  # owner of the Connection document
    sender: str | None = None  # a number, or a Messaging Service SID
    to: str | None = None
    masked: str | None = None
    hash: str | None = None
    body: str | None = None
    segments: int | None = None
    encoding: str | None = None
    due: float = 0.0
    retry_at: float = 0.0
    deadline: float = 0.0
    stage: Stage = "waiting"
    hold: str | None = None  # why it is held, or was when that was last said
    hold_version: int = 0  # of the Connection that was refused
    status: Status | None = None  # of the last outcome
    seq: int = 0
    attempt: int = 0
    poster: int | None = None  # epoch that intended the attempt
    attempt_at: float | None = None
    answer: AnswerFact | None = None
    doubt: Doubt | None = None
    cancel: str | None = None  # why it must not be repeated, should the attempt under way not have been sent
    cause: Cause | None = None
    run_ended: bool = False
    forgotten: bool = False  # its number is to be forgotten as soon as nothing needs it
    sid: str | None = None
    provider_status: str | None = None
    error_code: int | None = None
    error_class: str | None = None
    handed_over: float | None = None
    final_at: float | None = None
    parked_until: float | None = None  # until when a person may decide on it
    parked_reason: str | None = None  # for the list of what a person has to decide
    resend_asked: bool = False  # a person did: it is looked for once more
    others: list[str] = []  # SIDs of alike messages that were known as others' when it was parked
    outcomes: list[Outcome] = []


class Run(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The end of a workflow run, until the results topic has it; `r/<id>`."""

    id: str
    event: EventRef
    inbox: int
    seq: int = 0
    outcomes: list[Outcome] = []


class Told(msgspec.Struct, omit_defaults=True, rename="camel"):
    """What one person of a key was told. `first` is the notification of `key_is_ready`; once that is gone from the
    ledger it went out, unless `silent`."""

    first: str
    silent: bool = False
    mailed: bool = False  # the other half of policy `both` went out


class Shared(msgspec.Struct, omit_defaults=True, rename="camel"):
    """Staff shared the key's credential with one destination; gone again when nothing went out."""

    at: float  # when staff pressed the button
    notification: str
    person: str | None = None  # whom that told; None for an alternative destination
    told: str | None = None  # whom an earlier share told there


class KeyState(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A PMS key as it now stands, until it ends; `k/<tenant>/<keyId>`."""

    tenant: str
    key: Key
    inbox: int  # offset of the inbox record that last changed it
    identity: str = ""  # of that record's event
    changed: int = -1  # version that a change brought; a share may have brought a newer one
    ready: bool = False  # a key.ready was seen
    told: dict[str, Told] = {}
    shared: dict[str, Shared] = {}  # by destination: an E.164 number or an e-mail address


class EventNote(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """An accepted event that has something to say for itself: `event.ignored`, `event.applied`; `e/<identity>`."""

    identity: str
    inbox: int
    outcomes: list[Outcome] = []


class IdentityPage(msgspec.Struct, kw_only=True, rename="camel"):
    """Identities of events whose entities are gone, many in one record; `e/p<page>`. 16 bytes each, joined."""

    expires: float
    identities: bytes


class Consent(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The newest word of one person on texts; `c/<tenant>/<number>`."""

    given: bool
    at: float
    source: str
    inbox: int
    identity: str = ""  # of the event
    wording: str | None = None


class OptOut(msgspec.Struct, kw_only=True, rename="camel"):
    """Twilio refuses this sender for this person (21610), or the person said STOP; `o/<tenant>/<sender>/<number>`."""

    at: float
    source: str


class Forgetting(msgspec.Struct, kw_only=True, rename="camel"):
    """A number that is being forgotten, until that is done; `f/<tenant>/<number>`."""

    tenant: str
    phone: str


class Position(msgspec.Struct, frozen=True):
    """The highest offset and timestamp accepted of one source partition, in one incarnation of it."""

    incarnation: int
    offset: int
    timestamp: int


class Positions(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """`w/<epoch>`: how far its owner is; travels in the batch of what it covers."""

    inbox: int | None = None  # next offset
    signals: int | None = None
    sources: dict[str, Position] = {}
    published_up_to: int = 0
    configured: int = -1  # config offset up to which everything that waits was decided


class Claim(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """`claim/<uuid>`: who, for diagnosis; its epoch is its own offset."""

    instance: str
    at: float


Entity = Notification | Run | KeyState | EventNote | IdentityPage | Consent | OptOut | Forgetting | Positions | Claim

ENTITY_TYPES: dict[str, type] = {
    "n": Notification,
    "r": Run,
    "k": KeyState,
    "c": Consent,
    "o": OptOut,
    "f": Forgetting,
    "w": Positions,
    "claim": Claim,
}


def entity_type(key: str) -> type:
    """The struct that stands under a ledger key. Raises KeyError for a key that no version of this engine wrote."""
    prefix, _, rest = key.partition("/")
    if prefix == "e":
        return IdentityPage if rest.startswith("p") else EventNote
    return ENTITY_TYPES[prefix]


_encoder = msgspec.json.Encoder()
_decoders: dict[type, msgspec.json.Decoder[Entity]] = {
    kind: msgspec.json.Decoder(kind) for kind in (*ENTITY_TYPES.values(), IdentityPage, EventNote)
}


def encode_entity(entity: Entity) -> bytes:
    return _encoder.encode(entity)


def decode_entity(key: str, value: bytes) -> Entity:
    """Raises KeyError or msgspec.DecodeError when this version cannot read what stands there."""
    return _decoders[entity_type(key)].decode(value)
