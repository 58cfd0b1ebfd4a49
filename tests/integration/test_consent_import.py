"""`consent import` as a shell runs it, against a broker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notifier.domain.documents import Tenant, document_key
from notifier.kafka.config_topic import append_config
from notifier.kafka.connection import Options
from notifier.settings import KafkaSettings, TopicSettings
from tests.integration.commanding import Shell
from tests.integration.records import whole

pytestmark = pytest.mark.integration

TENANT = "north-clinic"
HEAD = "phone,state,source,at\n"
GOOD = "+12025550143,given,checkout,2026-11-01T09:00:00Z\n22225555,withdrawn,desk,2026-11-02T09:00:00+01:00\n"


@pytest.fixture
async def shell(kafka_settings: KafkaSettings, topics: TopicSettings, options: Options) -> Shell:
    tenants = [
        Tenant(tenant=TENANT, platform="care", name="Clinic", default_region="NO"),
        Tenant(tenant="harbour-house", platform="pms", name="Hotel"),
    ]
    documents = [(document_key(tenant), tenant) for tenant in tenants]
    await append_config(options, topics.name("config"), documents)
    return Shell(kafka_settings, topics)


def written(folder: Path, text: str, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


async def test_rows_become_events_of_the_tenant_and_the_same_again(
    shell: Shell, tmp_path: Path, options: Options, topics: TopicSettings
) -> None:
    """Twice the same file is twice the very same records: the engine knows them by their ids."""
    path = written(tmp_path, "\ufeff" + HEAD + GOOD + "\n" + GOOD)
    first = shell.run("consent", "import", "--tenant", TENANT, path)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "published 2: 1 given, 1 withdrawn; 2 rows said what another had said\n"
    second = shell.run("consent", "import", "--tenant", TENANT, path, "--json")
    topic = topics.sources("care")[0]
    assert json.loads(second.stdout) == {"published": 2, "given": 1, "withdrawn": 1, "repeated": 2, "topic": topic}
    records = await whole(options, topic)
    assert [record.key for record in records] == [TENANT.encode()] * 4
    assert [record.value for record in records[:2]] == [record.value for record in records[2:]]
    assert {record.headers for record in records} == {(("content-type", b"application/cloudevents+json"),)}
    events = [json.loads(record.value or b"") for record in records[:2]]
    assert [(event["type"], event["data"]["phone"]) for event in events] == [
        ("consent.given", "+12025550143"), ("consent.withdrawn", "+4722225555"),
    ]  # fmt: skip


def test_ndjson_has_the_same_names(shell: Shell, tmp_path: Path) -> None:
    row = {"phone": "+12025550143", "state": "given", "source": "checkout", "at": "2026-11-01T09:00:00Z"}
    path = written(
        tmp_path,
        json.dumps(row) + "\n\n" + json.dumps(row | {"state": "withdrawn", "at": "2026-11-02T09:00:00Z"}),
        "x.ndjson",
    )
    assert shell.run("consent", "import", "--tenant", TENANT, path).stdout == "published 2: 1 given, 1 withdrawn\n"


async def test_all_faults_are_told_and_nothing_is_published(
    shell: Shell, tmp_path: Path, options: Options, topics: TopicSettings
) -> None:
    path = written(tmp_path, HEAD + GOOD + "12,maybe,desk,2026-11-01T09:00:00Z\n+12025550143,given\n")
    refused = shell.run("consent", "import", "--tenant", TENANT, path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines() == [
        f"{path}:4: phone: must be a phone number with country code such as +12025550143, or one of NO without it",
        f"{path}:4: state: must be given or withdrawn",
        f"{path}:5: has 2 columns, and 4 are needed: phone,state,source,at",
        "notifier: 2 rows cannot be used; nothing was published",
    ]
    many = written(tmp_path, HEAD + "12,given,desk,2026-11-01T09:00:00Z\n" * 60, "many.csv")
    told = shell.run("consent", "import", "--tenant", TENANT, many).stderr.splitlines()
    assert (len(told), told[-2:]) == (52, ["and 10 more", "notifier: 60 rows cannot be used; nothing was published"])
    assert await whole(options, topics.sources("care")[0]) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.csv", "", "x.csv:1: the first line must be phone,state,source,at"),
        (
            "x.csv",
            "phone;state;source;at\n",
            "x.csv:1: the first line must be phone,state,source,at, in any order, with",
        ),
        ("x.csv", GOOD, "x.csv:1: the first line must be phone,state,source,at"),
        ("x.csv", HEAD + '"never closed\n', "x.csv:2: is not CSV: unexpected end of data"),
        ("x.xlsx", "PK", "x.xlsx: files that end in .csv, .ndjson, .jsonl are allowed"),
        ("x.ndjson", "[1]\n{\n", "x.ndjson:1: must be a JSON object"),
    ],
)
def test_a_file_that_is_none_is_refused_with_what_is_needed(
    shell: Shell, tmp_path: Path, name: str, text: str, said: str
) -> None:
    refused = shell.run("consent", "import", "--tenant", TENANT, written(tmp_path, text, name))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert said in refused.stderr


def test_only_care_tenants_that_are_configured_have_consents(shell: Shell, tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + GOOD)
    assert shell.run("consent", "import", "--tenant", "harbour-house", path).stderr == (
        "notifier: harbour-house is a tenant of the platform pms; consents are for care\n"
    )
    assert shell.run("consent", "import", "--tenant", "nobody", path).stderr == (
        "notifier: there is no tenant nobody; notifier config export shows which there are\n"
    )
    gone = shell.run("consent", "import", "--tenant", TENANT, tmp_path / "gone.csv")
    assert (gone.returncode, gone.stderr) == (
        1,
        f"notifier: {tmp_path}/gone.csv: cannot be read: No such file or directory\n",
    )
