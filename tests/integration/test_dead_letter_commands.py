"""`dead-letters` as a shell runs it, against a broker: nothing is lost on the way back, nothing goes twice."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
import pytest

from notifier.domain.cloudevents import Refusal, RefusalReason
from notifier.domain.documents import Tenant, document_key
from notifier.kafka.config_topic import append_config
from notifier.kafka.connection import Options
from notifier.kafka.dead_letters import Original
from notifier.kafka.intake import dead_letter
from notifier.kafka.partitions import partition_of
from notifier.kafka.reading import PartitionReader, RawRecord
from notifier.settings import KafkaSettings, TopicSettings
from tests import poison
from tests.integration.commanding import Completed, Shell
from tests.integration.records import put, whole

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("real_kafka")]

NOW = 1_796_000_001.5
HEADERS = (("content-type", b"application/cloudevents+json"), ("traceparent", b"\xff"))


@pytest.fixture
def shell(kafka_settings: KafkaSettings, topics: TopicSettings) -> Shell:
    return Shell(kafka_settings, topics)


class Letters:
    """Puts dead letters where a test wants them, as ingest would have written them."""

    def __init__(self, options: Options, topics: TopicSettings) -> None:
        self._options = options
        self.topic, self.source = topics.name("dead_letters"), topics.sources("pms")[0]

    async def put(
        self, partition: int, key: bytes | None, value: bytes | None, *, source: tuple[int, int],
        reason: RefusalReason = "unknown_tenant", headers: Sequence[tuple[str, bytes]] = HEADERS, now: float = NOW,
    ) -> None:  # fmt: skip
        record = Original(offset=source[1], key=key, value=value, headers=tuple(headers))
        refusal = Refusal(reason, "tenant: is not configured")
        letter = dead_letter(self.topic, record, refusal, (self.source, source[0]), now)
        given = [(name, content or b"") for name, content in letter.headers]
        await put(self._options, self.topic, [(letter.key, letter.value, given)], partition)

    async def replayed(self, partition: int) -> list[RawRecord]:
        reader = PartitionReader(self._options, self.source, partition)
        return [record async for fetched in reader.read(0, None) for record in fetched.records]


@pytest.fixture
def letters(options: Options, topics: TopicSettings) -> Letters:
    return Letters(options, topics)


def rows(done: Completed) -> list[dict[str, object]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_the_original_goes_back_to_its_partition_in_its_order_and_is_marked(
    shell: Shell, letters: Letters, options: Options
) -> None:
    """Key, value and headers byte by byte; also a record that has neither key nor value."""
    given = [(b"\x00k", b"\xff one"), (None, b"two"), (b"k", None), (None, None), (b"k", b"")]
    for number, (key, value) in enumerate(given):
        await letters.put((number * 2) % 3, key, value, source=(3, 100 + number))
    done = shell.run("dead-letters", "replay", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"replayed 5 dead letters: 5 to {letters.source}\n"
    back = await letters.replayed(3)
    assert [(record.key, record.value, tuple(record.headers)) for record in back] == [
        (key, value, HEADERS) for key, value in given
    ]
    marks = [
        record for record in await whole(options, letters.topic) if record.value is None and len(record.headers) == 1
    ]
    assert sorted((record.key or b"", record.headers[0][1]) for record in marks) == [
        (b"", b"0:1"), (b"", b"2:0"), (b"\x00k", b"0:0"), (b"k", b"1:0"), (b"k", b"2:1"),
    ]  # fmt: skip


async def test_nothing_goes_twice_unless_again_is_said(shell: Shell, letters: Letters) -> None:
    await letters.put(1, None, b"one", source=(0, 5))
    assert shell.run("dead-letters", "replay", "1:0", "--yes").returncode == 0
    second = shell.run("dead-letters", "replay", "1:0", "--yes")
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.splitlines() == [
        "1:0: not replayed: it was replayed before; --again replays it once more",
        "notifier: nothing was left to replay",
    ]
    assert shell.run("dead-letters", "replay", "1:0", "--yes", "--again").returncode == 0
    assert [record.value for record in await letters.replayed(0)] == [b"one", b"one"]
    (row,) = rows(shell.run("dead-letters", "list", "--json"))
    assert row["replayed"] is True
    assert rows(shell.run("dead-letters", "list", "--json", "--open")) == []


async def test_list_tells_what_why_and_from_where_and_never_a_value(shell: Shell, letters: Letters) -> None:
    await letters.put(0, b"k", b"+12025550143", source=(2, 7))
    await letters.put(1, b"k", b"{", source=(0, 1), reason="not_json", now=NOW + 86_400)
    told = shell.run("dead-letters", "list")
    assert told.stdout.splitlines() == [
        f"0:0       2026-11-30T00:53:21Z  unknown_tenant      open       {letters.source}:2 offset 7  12 bytes    "
        "  tenant: is not configured",
        f"1:0       2026-12-01T00:53:21Z  not_json            open       {letters.source}:0 offset 1  1 bytes     "
        "  tenant: is not configured",
    ]
    assert [row["position"] for row in rows(shell.run("dead-letters", "list", "--json", "--reason", "not_json"))] == [
        "1:0"
    ]
    since = rows(shell.run("dead-letters", "list", "--json", "--since", "2026-12-01T00:00:00+00:00"))
    assert [(row["position"], row["topic"], row["partition"], row["offset"]) for row in since] == [
        ("1:0", letters.source, 0, 1)
    ]


async def test_show_shows_one_whole_and_raw_is_its_very_bytes(shell: Shell, letters: Letters) -> None:
    """What a terminal could obey is escaped."""
    value = b'{"name": "M\xc3\xbcller \x1b[2J"}\xff'
    await letters.put(2, b"k", value, source=(1, 4))
    shown = shell.run("dead-letters", "show", "2:0").stdout
    assert "The tenant is not configured, or for the other platform." in shown
    assert '{"name": "Müller \\x1b[2J"}\\xff' in shown
    assert shell.raw("dead-letters", "show", "2:0", "--raw") == value
    (row,) = rows(shell.run("dead-letters", "show", "2:0", "--json"))
    assert (row["key"], row["valueBase64"]) == ("k", "eyJuYW1lIjogIk3DvGxsZXIgG1sySiJ9/w==")
    assert row["headers"][0] == {"name": "content-type", "value": "application/cloudevents+json"}  # type: ignore[index]


async def test_a_part_of_a_record_is_not_put_back(shell: Shell, letters: Letters) -> None:
    await letters.put(0, b"k", bytes(5_000_000), source=(0, 1), reason="too_large")
    await letters.put(0, b"k", b"whole", source=(0, 2))
    done = shell.run("dead-letters", "replay", "--yes", "--json")
    assert rows(done) == [
        {"position": "0:1", "topic": letters.source, "partition": 0},
        {"replayed": 1, "topics": {letters.source: 1}},
    ]
    assert done.stderr.startswith("0:0: not replayed: only a part of it was kept (its value had 5000000 bytes)")


async def test_a_topic_made_anew_with_fewer_partitions_gets_it_where_its_key_belongs(
    shell: Shell, letters: Letters
) -> None:
    """And without a key into one of those that there are."""
    await letters.put(0, b"harbour-house", b"one", source=(14, 1))
    await letters.put(0, None, b"two", source=(14, 2))
    (keyed, free) = rows(shell.run("dead-letters", "replay", "--yes", "--json"))[:2]
    assert (keyed["partition"], free["partition"]) == (partition_of(b"harbour-house", 12), 2)


async def test_where_nobody_can_be_asked_it_has_to_be_said_that_nobody_is(
    shell: Shell, letters: Letters, options: Options, topics: TopicSettings
) -> None:
    """And what would become of them now is said with it."""
    tenant = Tenant(tenant=poison.PMS_TENANT, platform="pms", name="x")
    await append_config(options, topics.name("config"), [(document_key(tenant), tenant)])
    await letters.put(0, b"k", msgspec.json.encode(poison.pms_event()), source=(0, 1))
    await letters.put(0, b"k", b"{", source=(0, 2), reason="not_json")
    refused = shell.run("dead-letters", "replay")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"notifier: nobody can be asked here: add --yes to replay 2 dead letters onto {letters.source}"
        " (1 would be accepted now, 1 refused again (1 not_json))\n"
    )
    assert await letters.replayed(0) == []


@pytest.mark.parametrize(("answer", "expected"), [("y", 1), ("n", 0)])
async def test_on_a_terminal_it_asks(shell: Shell, letters: Letters, answer: str, expected: int) -> None:
    await letters.put(0, b"k", b"one", source=(0, 1))
    done = shell.answer(answer, "dead-letters", "replay")
    assert done.returncode == 1 - expected
    assert f"Replay 1 dead letter onto {letters.source} (0 would be accepted now, 1 refused again (1 not_json))?" in (
        done.stderr
    )
    assert len(await letters.replayed(0)) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "12"), "no PARTITION:OFFSET such as 0:12"),
        (("replay", "0:x", "--yes"), "no PARTITION:OFFSET such as 0:12"),
        (("replay", "--since", "yesterday"), "a time with offset such as 2026-12-01T09:00:00Z"),
        (("list", "--reason", "bad"), "unknown_tenant"),
    ],
)
def test_wrong_usage_says_what_is_allowed(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    refused = shell.run("dead-letters", *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr


@pytest.mark.parametrize("arguments", [("show", "0:5"), ("replay", "0:5", "7:1", "--yes")])
def test_what_is_not_there_is_named(shell: Shell, arguments: tuple[str, ...]) -> None:
    refused = shell.run("dead-letters", *arguments)
    assert (refused.returncode, refused.stdout) == (1, "")
    named = ", ".join(argument for argument in arguments if ":" in argument)
    assert refused.stderr == (
        f"notifier: there is no dead letter at {named}; notifier dead-letters list shows what there is\n"
    )
