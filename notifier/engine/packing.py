"""Living notifications by id; when there are many, those nobody works on are kept packed.

Packed is the ledger value, deflated: a tenth of the memory of the struct, and little more than its offset in the ledger
would take, but nothing has to be read back before it is needed (docs/explanation/engine.md). Rules: `rest` is called
between two steps only, so that no function holds a notification that is packed under its hands; what is packed has
been seen by nobody since.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

from notifier.engine.entities import Notification, Stage, decode_entity, encode_entity

_STAGES: tuple[Stage, ...] = ("held", "waiting", "sending", "doubt", "handed", "final")
_HEADER = struct.Struct("<Bd")  # stage and due time: what gauges ask for, without unpacking
_RAW_DEFLATE = -12  # no header, a window of 4 KiB
_USUAL = (
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


class Notifications:
    """A mapping that packs. `most_unpacked`: above so many, what is not in use is packed."""

    __slots__ = ("_most_unpacked", "_packed", "_unpacked", "packed_bytes", "seen")

    def __init__(self, most_unpacked: int) -> None:
        self._most_unpacked = most_unpacked
        self._unpacked: dict[str, Notification] = {}
        self._packed: dict[str, bytes] = {}
        self.seen: set[str] = set()  # in use since the last `rest`, while there are too many
        self.packed_bytes = 0

    def __len__(self) -> int:
        return len(self._unpacked) + len(self._packed)

    def __contains__(self, notification_id: object) -> bool:
        return notification_id in self._unpacked or notification_id in self._packed

    def ids(self) -> list[str]:
        return [*self._unpacked, *self._packed]

    def get(self, notification_id: str) -> Notification | None:
        """The one object that stands for it until `rest`: what is changed in it, is changed."""
        found = self._unpacked.get(notification_id)
        if found is None:
            packed = self._packed.pop(notification_id, None)
            if packed is None:
                return None
            self.packed_bytes -= len(packed)
            found = self._unpacked[notification_id] = _unpack(notification_id, packed)
        if len(self._unpacked) > self._most_unpacked:
            self.seen.add(notification_id)
        return found

    def put(self, n: Notification) -> None:
        self.remove(n.id)
        self._unpacked[n.id] = n
        if len(self._unpacked) > self._most_unpacked:
            self.seen.add(n.id)

    def remove(self, notification_id: str) -> None:
        self._unpacked.pop(notification_id, None)
        packed = self._packed.pop(notification_id, None)
        if packed is not None:
            self.packed_bytes -= len(packed)

    def rest(self, in_use: Callable[[Notification], bool]) -> None:
        """Pack what was seen since the last time, is not `in_use`, and is more than may stay unpacked."""
        for notification_id in self.seen:
            n = self._unpacked.get(notification_id)
            if n is not None and not in_use(n):
                del self._unpacked[notification_id]
                packed = self._packed[notification_id] = _pack(n)
                self.packed_bytes += len(packed)
        self.seen = set()

    def stage(self, notification_id: str) -> Stage | None:
        """Without unpacking; None when there is no such notification."""
        n = self._unpacked.get(notification_id)
        if n is not None:
            return n.stage
        packed = self._packed.get(notification_id)
        return None if packed is None else _STAGES[packed[0]]

    @property
    def unpacked(self) -> int:
        return len(self._unpacked)

    def stages(self) -> Iterator[tuple[Stage, float]]:
        """Stage and due time of every one."""
        for n in self._unpacked.values():
            yield n.stage, max(n.due, n.accepted)
        for packed in self._packed.values():
            stage, due = _HEADER.unpack_from(packed)
            yield _STAGES[stage], due

    def values(self) -> Iterator[Notification]:
        """Every one, to look at, not to change."""
        yield from self._unpacked.values()
        for notification_id, packed in self._packed.items():
            yield _unpack(notification_id, packed)


def _pack(n: Notification) -> bytes:
    deflate = zlib.compressobj(6, zlib.DEFLATED, _RAW_DEFLATE, 4, zlib.Z_DEFAULT_STRATEGY, _USUAL)
    return (
        _HEADER.pack(_STAGES.index(n.stage), max(n.due, n.accepted))
        + deflate.compress(encode_entity(n))
        + deflate.flush()
    )


def _unpack(notification_id: str, packed: bytes) -> Notification:
    value = zlib.decompressobj(_RAW_DEFLATE, _USUAL).decompress(packed[_HEADER.size :])
    found = decode_entity("n/" + notification_id, value)
    assert isinstance(found, Notification)
    return found
