"""Which making of a topic this is: the id that a broker gives to every topic when it is made.

A topic that was deleted and made anew under its old name has another id, and nothing else tells for certain. aiokafka
0.14 does not ask for it, so the request stands here: Metadata version 12 (Kafka 3.1 and newer).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from io import BytesIO

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NodeNotReadyError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

_ID_BYTES = 16
_NO_ID = bytes(_ID_BYTES)
_Tags = ("tags", TaggedFields)


class _Id:
    """The protocol's UUID."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(_ID_BYTES)


class _MetadataResponse(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(
            ("node_id", Int32), ("host", CompactString()), ("port", Int32), ("rack", CompactString()), _Tags,
        )),
        ("cluster_id", CompactString()),
        ("controller_id", Int32),
        ("topics", CompactArray(
            ("error_code", Int16),
            ("name", CompactString()),
            ("topic_id", _Id),
            ("is_internal", Boolean),
            ("partitions", CompactArray(
                ("error_code", Int16), ("partition", Int32), ("leader", Int32), ("leader_epoch", Int32),
                ("replicas", CompactArray(Int32)), ("isr", CompactArray(Int32)),
                ("offline_replicas", CompactArray(Int32)), _Tags,
            )),
            ("authorized_operations", Int32),
            _Tags,
        )),
        _Tags,
    )  # fmt: skip


class _MetadataRequestV12(RequestStruct):  # type: ignore[misc]  # aiokafka ships no types
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Id), ("name", CompactString()), _Tags)),
        ("allow_auto_topic_creation", Boolean),
        ("include_authorized_operations", Boolean),
        _Tags,
    )


class _MetadataRequest(Request[_MetadataRequestV12]):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_MetadataRequestV12]) -> _MetadataRequestV12:
        no_tags: dict[int, bytes] = {}
        topics = [(_NO_ID, topic, no_tags) for topic in self._topics]
        return request_struct_class(topics, False, False, no_tags)


async def topic_ids(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> Mapping[str, str]:
    """The id of each topic, as Kafka's tools print it; "" where the broker tells none, nothing for a topic that is
    not there. Raises one of `KAFKA_TROUBLE`."""
    wanted = sorted(set(topics))
    node = consumer._client.get_random_node()
    if node is None:
        raise NodeNotReadyError("no broker is known")
    try:
        answer = await consumer._client.send(node, _MetadataRequest(wanted))
    except NotImplementedError:  # an older broker
        return dict.fromkeys(wanted, "")
    return {
        name: "" if topic_id == _NO_ID else urlsafe_b64encode(topic_id).decode().rstrip("=")
        for error, name, topic_id, *_ in answer.topics
        if error == 0
    }
