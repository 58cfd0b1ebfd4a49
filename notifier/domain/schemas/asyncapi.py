"""One AsyncAPI 3 document of all topics: who writes, who reads, keys, settings, and every message.

Rules: the definitions are those of the published JSON Schemas, put into `components`; what is internal (inbox, signals,
ledger) is named with its key and settings, so that operators see all topics, and its content is no interface.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from notifier.domain.schemas import configuration, dead_letters, events, outcomes
from notifier.domain.schemas.shaping import INSIDE, Schema

COMPONENT = "#/components/schemas/"
BINDING = "0.5.0"
STRUCTURED = "application/cloudevents+json"

Action = Literal["receive", "send"]


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic as `notifier topics create` makes it. `partitions` 0: the producer's choice."""

    name: str
    partitions: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Channel:
    role: str  # as in the settings, NOTIFIER_TOPICS__…
    text: str
    key: str
    actions: tuple[Action, ...]


_CHANNELS: Sequence[_Channel] = (
    _Channel("pms_events", "Where the PMS publishes.", "The tenant keeps its events in order.", ("receive",)),
    _Channel("care_events", "Where the care platform publishes.", "The tenant, likewise.", ("receive",)),
    _Channel("inbox", "Internal: accepted events.", "The tenant.", ("send", "receive")),
    _Channel("signals", "Internal: callbacks and commands.", "The tenant.", ("send", "receive")),
    _Channel("ledger", "Internal: the state of the engine, compacted.", "The entity.", ("send", "receive")),
    _Channel("results", "Every outcome.", "The tenant.", ("send",)),
    _Channel("dead_letters", "What could not be understood, as it came.", "The original key.", ("send", "receive")),
    _Channel("config", "Configuration documents, compacted; all in partition 0.", "Kind/tenant[/name].",
             ("send", "receive")),
)  # fmt: skip
_PRODUCERS_OWN: Schema = {"description": "The producer's own bytes, cut above 4 MiB."}
_INTERNAL: Schema = {"description": "Its form may change with any version."}
_KAFKA_BINDING_SETTINGS = (
    "cleanup.policy", "retention.ms", "retention.bytes", "delete.retention.ms", "max.message.bytes",
)  # fmt: skip


def document(version: str, topics: Mapping[str, TopicFacts]) -> Schema:
    """`topics` by role, as in the settings; `version` is the notifier's."""
    messages = {role: dict(_messages(role)) for role in (channel.role for channel in _CHANNELS)}
    schemas = dict(_schemas())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Notifier",
            "version": version,
            "description": "Events of a property-management system and of a care platform in, outcomes of the texts"
            " out. Records are CloudEvents 1.0. Names are the default ones; NOTIFIER_TOPICS__PREFIX stands before each."
            " The partitioner of every keyed topic is Kafka's default murmur2.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_camel(each.role): _channel(each, topics[each.role], messages[each.role]) for each in _CHANNELS},
        "operations": {
            f"{action}{_camel(each.role, upper=True)}": _operation(each, action, messages[each.role])
            for each in _CHANNELS
            for action in each.actions
        },
        "components": {
            "messages": {name: message for found in messages.values() for name, message in found.items()},
            "schemas": {name: moved(schema) for name, schema in sorted(schemas.items())},
        },
    }


def _channel(channel: _Channel, topic: TopicFacts, messages: Mapping[str, Schema]) -> Schema:
    binding: Schema = {"bindingVersion": BINDING, "topic": topic.name}
    if topic.partitions:
        binding["partitions"] = topic.partitions
    known = {name: _setting(name, topic.settings[name]) for name in _KAFKA_BINDING_SETTINGS if name in topic.settings}
    if known:
        binding["topicConfiguration"] = known
    others = {name: value for name, value in topic.settings.items() if name not in known}
    told = f" Also set: {', '.join(f'{name}={value}' for name, value in sorted(others.items()))}." if others else ""
    return {
        "address": topic.name,
        "description": f"{channel.text} Key: {channel.key}{told}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": binding},
    }


def _setting(name: str, value: str) -> object:
    return value.split(",") if name == "cleanup.policy" else int(value)


def _operation(channel: _Channel, action: Action, messages: Mapping[str, Schema]) -> Schema:
    at = f"#/channels/{_camel(channel.role)}"
    return {
        "action": action,
        "channel": {"$ref": at},
        "summary": f"The notifier {'reads' if action == 'receive' else 'writes'}: {channel.text}",
        "messages": [{"$ref": f"{at}/messages/{name}"} for name in messages],
    }


def _messages(role: str) -> Iterator[tuple[str, Schema]]:
    """Name and message; the name is the event's or record's type where it has one."""
    match role:
        case "pms_events" | "care_events":
            care = ("care", "consent.given", "consent.withdrawn")
            for name in events.single():
                if (name in care) == (role == "care_events"):
                    yield name, _message(name, f"event.{name}", STRUCTURED)
        case "results":
            for name in outcomes.records():
                yield name, _message(name, f"record.{name}", STRUCTURED)
        case "dead_letters":
            for name, payload in (("dead-letter", _PRODUCERS_OWN), ("replayed", {"type": "null"})):
                headers = {"$ref": f"{COMPONENT}headers.{name}"}
                yield name, {"name": name, "title": name, "headers": headers, "payload": payload}
        case "config":
            for kind in configuration.kinds():
                yield kind, _message(kind, kind, "application/json")
        case _:
            name = f"internal.{role}"
            yield name, {"name": name, "title": role, "payload": _INTERNAL}


def _message(name: str, schema: str, content_type: str) -> Schema:
    key = {"type": "string", "description": "As the channel says."}
    return {
        "name": name,
        "title": name,
        "contentType": content_type,
        "payload": {"$ref": COMPONENT + schema},
        "bindings": {"kafka": {"bindingVersion": BINDING, "key": key}},
    }


def _schemas() -> Iterator[tuple[str, Schema]]:
    yield from configuration.definitions().items()
    yield from events.definitions().items()
    yield from outcomes.definitions().items()
    yield from ((f"event.{name}", schema) for name, schema in events.single().items())
    yield from ((f"record.{name}", schema) for name, schema in outcomes.records().items())
    yield "headers.dead-letter", dead_letters.headers()
    yield "headers.replayed", dead_letters.replay_headers()


def moved(schema: object) -> object:
    """The same with references into `components`."""
    if isinstance(schema, dict):
        return {
            key: value.replace(INSIDE, COMPONENT) if key == "$ref" else moved(value) for key, value in schema.items()
        }
    return [moved(each) for each in schema] if isinstance(schema, list) else schema


def _camel(role: str, *, upper: bool = False) -> str:
    first, *rest = role.split("_")
    return (first.title() if upper else first) + "".join(part.title() for part in rest)
