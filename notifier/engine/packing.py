"""Tables whose entities are packed when there are many of them and nobody works on them.

Packed is the ledger value, deflated: a tenth of the memory of the struct, and little more than its offset in the ledger
would take, but nothing has to be read back before it is needed (docs/explanation/engine.md). What a restore read is
kept as it was read, since deflating takes longer than all the rest of it, and deflated behind it, bit by bit. Rules:
`rest` is called between two steps only, so that no function holds an entity that is packed under its hands; what is
packed has been seen by nobody since.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import ClassVar, Generic, TypeVar, cast

from notifier.engine.entities import KeyState, Notification, Stage, decode_entity, encode_entity

Packable = TypeVar("Packable", Notification, KeyState)

_DEFLATED, _AS_READ, _SAID = b"\x00", b"\x01", b"\x02"  # the first byte of what is packed; said: outcomes and all
_RAW_DEFLATE = -12  # no header, a window of 4 KiB
_STAGES: tuple[Stage, ...] = ("held", "waiting", "sending", "doubt", "handed", "final")
_STAGE_AND_DUE = struct.Struct("<Bd")  # what gauges ask for, without unpacking
_USUAL_NOTIFICATION = (
    b'{"id":"ntf_","tenant":"","event":{"id":"","source":"/","type":"key.ready"},"inbox":0,"order":1,'
    b'"accepted":18000000,"eventTime":18000000,"traceparent":"00-","keyId":"","rule":"key_is_ready","person":"p1",'
    b'"personId":"","workflow":{"name":"","version":1,"runId":"run_","step":1},"class":"code","template":{"name":'
    b'"key_is_ready","version":1},"connection":"","sender":"+1","to":"+1","masked":"+1\xe2\x80\xa2\xe2\x80\xa2\xe2'
    b'\x80\xa2","hash":"","body":"","segments":1,"encoding":"GSM-7","due":18000000,"deadline":18000000,'
    b'"stage":"handed","hold":"connection_broken","hold":"not_live","status":"held","status":"scheduled",'
    b'"status":"accepted","seq":1,"attempt":1,"poster":,"attemptAt":18000000,"answer":{"attempt":1,"result":'
    b'{"type":"accepted","sid":"SM","status":"queued"}},"runEnded":true,"sid":"SM","providerStatus":"sent",'
    b'"handedOver":18000000}'
)
_USUAL_KEY = (
    b'{"tenant":"","key":{"id":"","version":1,"origin":"pms","status":"active","startsAt":"2026-12-01T15:00:00Z",'
    b'"endsAt":"2026-12-03T11:00:00+01:00","persons":[{"id":"p1","firstName":"","lastName":"","email":"@example.com",'
    b'"phone":"+1","language":"en"}],"credentials":{"doorCode":"","magicLink":"https://"},"spaceName":"Room ",'
    b'"doors":["Main entrance",""],"reservation":{"id":"","checkedIn":false}},"inbox":1000,"ready":true,'
    b'"told":{"p1":{"first":"ntf_","silent":true}}}'
)


class PackingTable(Generic[Packable]):
    """Entities by name; `most_unpacked`: above so many, what is not in use is packed."""

    _usual: ClassVar[bytes]  # what most values share: deflate refers to it
    _prefix: ClassVar[str]  # between the name and its ledger key

    def __init__(self, most_unpacked: int) -> None:
        self._most_unpacked = most_unpacked
        self._unpacked: dict[str, Packable] = {}
        self._packed: dict[str, bytes] = {}
        self._restored: list[str] = []  # names of what may still be kept as it was read
        self.seen: set[str] = set()  # in use since the last `rest`, while there are too many
        self.packed_bytes = 0

    def __len__(self) -> int:
        return len(self._unpacked) + len(self._packed)

    def __contains__(self, name: object) -> bool:
        return name in self._unpacked or name in self._packed

    @property
    def unpacked(self) -> int:
        return len(self._unpacked)

    def names(self) -> list[str]:
        return [*self._unpacked, *self._packed]

    def get(self, name: str) -> Packable | None:
        """The one object that stands for it until `rest`: what is changed in it, is changed."""
        found = self._unpacked.get(name)
        if found is None:
            packed = self._packed.pop(name, None)
            if packed is None:
                return None
            self.packed_bytes -= len(packed)
            found = self._unpacked[name] = self._unpack(name, packed)
        if len(self._unpacked) > self._most_unpacked:
            self.seen.add(name)
        return found

    def put(self, name: str, entity: Packable) -> None:
        self.remove(name)
        self._unpacked[name] = entity
        if len(self._unpacked) > self._most_unpacked:
            self.seen.add(name)

    def _put_as_read(self, name: str, kind: bytes, head: bytes, value: bytes) -> None:
        self.remove(name)
        packed = self._packed[name] = kind + head + value
        self.packed_bytes += len(packed)
        self._restored.append(name)

    def deflate_some(self, most: int) -> int:
        """Of what a restore left as it was read, up to `most`. Returns how many were looked at."""
        names = [self._restored.pop() for _ in range(min(most, len(self._restored)))]
        for name in names:
            packed = self._packed.get(name, _DEFLATED)
            if not packed.startswith(_DEFLATED):
                head, value = packed[1 : 1 + self._head_size], packed[1 + self._head_size :]
                if packed.startswith(_SAID):
                    value = encode_entity(self._unpack(name, packed))
                deflated = self._packed[name] = _DEFLATED + head + self._deflate(value)
                self.packed_bytes += len(deflated) - len(packed)
        return len(names)

    def remove(self, name: str) -> None:
        self._unpacked.pop(name, None)
        packed = self._packed.pop(name, None)
        if packed is not None:
            self.packed_bytes -= len(packed)

    def rest(self, in_use: Callable[[str, Packable], bool]) -> None:
        """Pack what was seen since the last time, is not `in_use`, and is more than may stay unpacked."""
        for name in self.seen:
            entity = self._unpacked.get(name)
            if entity is not None and not in_use(self._prefix + name, entity):
                del self._unpacked[name]
                packed = self._packed[name] = _DEFLATED + self._head(entity) + self._deflate(encode_entity(entity))
                self.packed_bytes += len(packed)
        self.seen = set()

    def values(self) -> Iterator[Packable]:
        """Every one, to look at, not to change."""
        yield from self._unpacked.values()
        for name, packed in self._packed.items():
            yield self._unpack(name, packed)

    def _head(self, _entity: Packable) -> bytes:
        return b""

    def _deflate(self, value: bytes) -> bytes:
        deflate = zlib.compressobj(6, zlib.DEFLATED, _RAW_DEFLATE, 4, zlib.Z_DEFAULT_STRATEGY, self._usual)
        return deflate.compress(value) + deflate.flush()

    def _unpack(self, name: str, packed: bytes) -> Packable:
        value = packed[1 + self._head_size :]
        if packed.startswith(_DEFLATED):
            value = zlib.decompressobj(_RAW_DEFLATE, self._usual).decompress(value)
        entity = cast("Packable", decode_entity(self._prefix + name, value))
        if packed.startswith(_SAID) and isinstance(entity, Notification):
            entity.outcomes.clear()
        return entity

    _head_size: ClassVar[int] = 0


class Notifications(PackingTable[Notification]):
    """By id."""

    _usual = _USUAL_NOTIFICATION
    _prefix = "n/"
    _head_size = _STAGE_AND_DUE.size

    def _head(self, entity: Notification) -> bytes:
        return _STAGE_AND_DUE.pack(_STAGES.index(entity.stage), max(entity.due, entity.accepted))

    def put_as_read(self, n: Notification, value: bytes, *, said: bool) -> None:
        """As `put`, of what was just decoded from its ledger `value`. `said`: but for its outcomes, which were cleared
        since the results topic has them; else it is as it was there."""
        if len(self._unpacked) < self._most_unpacked:
            self.put(n.id, n)
        else:
            self._put_as_read(n.id, _SAID if said else _AS_READ, self._head(n), value)

    def stage(self, notification_id: str) -> Stage | None:
        """Without unpacking; None when there is no such notification."""
        n = self._unpacked.get(notification_id)
        if n is not None:
            return n.stage
        packed = self._packed.get(notification_id)
        return None if packed is None else _STAGES[packed[1]]

    def stages(self) -> Iterator[tuple[Stage, float]]:
        """Stage and due time of every one there was when this began; may be taken bit by bit, between steps."""
        unpacked_ones, packed_ones = tuple(self._unpacked.values()), tuple(self._packed.values())
        for n in unpacked_ones:
            yield n.stage, max(n.due, n.accepted)
        for packed in packed_ones:
            stage, due = _STAGE_AND_DUE.unpack_from(packed, 1)
            yield _STAGES[stage], due


class Keys(PackingTable[KeyState]):
    """By ledger key."""

    _usual = _USUAL_KEY
    _prefix = ""

    def put_as_read(self, name: str, value: bytes) -> None:
        """As `put`, of an entity that nobody has decoded: that is for whoever asks for it first."""
        self._put_as_read(name, _AS_READ, b"", value)
