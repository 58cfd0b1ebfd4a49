"""Nothing personal and nothing secret leaves the daemon but to Twilio: one run through every kind of trouble.

Every value that must not be seen is one of a kind. All that the daemon ever wrote, on both outputs at the level debug,
and all that it tells on its internal port, is searched for each of them, however it may be spelled.
"""

from __future__ import annotations

import asyncio
import base64
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest

from notifier.domain.documents import AdapterStep, Connection, Document, SecretRef, Template, Workflow
from tests.brokers import Broker
from tests.e2e.events import CLINIC, care_event, key_event
from tests.e2e.fleet import Fleet
from tests.e2e.outcomes import heard, publish
from tests.e2e.tenants import token_of
from tests.e2e.traffic import Record
from tests.integration.records import whole

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

HOTEL, REFUSED, REFUSED_TOO = "t0", "t1", "t2"
PHONE, DOOR_CODE, FIRST, LAST, MAIL = (
    "+12027418529", "7391058264", "Quillabelle", "Zwetschgenmüller", "quilla@canary.example",
)  # fmt: skip
LINK, TEXT, WORKFLOW_TEXT = "https://guest.example/canary-5f3a9", "Wombats greet you", "Parcels of wombats"
WRONG_TOKEN, TOKEN_OF_ENVIRONMENT, HASH_KEY = "tok3n-refused", "tok3n-of-environment", "h4sh-key"
SENT = (PHONE, DOOR_CODE, FIRST, LAST, LINK, TEXT, WORKFLOW_TEXT)
SECRETS = (token_of(HOTEL), token_of(REFUSED_TOO), WRONG_TOKEN, TOKEN_OF_ENVIRONMENT, HASH_KEY)
CANARIES = (*SENT, MAIL, PHONE.removeprefix("+1"), *SECRETS)
SETTINGS = {
    "NOTIFIER_LOG__LEVEL": "debug", "NOTIFIER_INGEST__HALT_AFTER": "6",
    "NOTIFIER_RESULTS__HASH_KEY": HASH_KEY, "CANARY_TOKEN": TOKEN_OF_ENVIRONMENT,
}  # fmt: skip
# Numbers to which the stand-in refuses, cuts, does not answer, fails, asks for patience, and does not deliver.
TROUBLE = {
    "+15005550001": "failed", "+15005550143": "unknown", "+15005550141": "unknown", "+15005550130": "unknown",
    "+15005550120": "scheduled", "+15005550203": "undelivered",
}  # fmt: skip


async def test_nothing_of_a_person_and_no_secret_is_logged_told_or_published(
    real_kafka: Broker, tmp_path: Path
) -> None:
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=3, settings=SETTINGS)
    told: list[str] = []
    try:
        await fleet.prepare(_documents(fleet))
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("all")
        await fleet.ready("all")
        await _texts(fleet)
        await _junk(fleet)
        await _visitors(fleet)
        told += await _answers(fleet)
        fleet.kill("all")
        await asyncio.to_thread(fleet.wait, "all")
        fleet.start("all")
        await fleet.ready("all")
        fleet.kill("standin")
        await asyncio.to_thread(fleet.wait, "standin")
        unreachable = _key(90, PHONE)
        await publish(fleet, unreachable)
        await heard(fleet, unreachable, "notification.scheduled")
        told += await _answers(fleet)
        told += (await fleet.run("run", "--print-settings"))[1:]
        told += await _published(fleet)
        fleet.kill("all", signal.SIGTERM)
        assert await asyncio.to_thread(fleet.wait, "all") == 0
    finally:
        fleet.stop()
    log = (tmp_path / "all.log").read_text()
    assert [
        name for name in ("dead_letter", "source_partition_halted", "config_record_refused") if name not in log
    ] == []
    texted = json.dumps(fleet.messages(), ensure_ascii=False)
    assert [canary for canary in SENT if canary not in texted] == [], "what nobody got could not be seen either"
    assert list(_seen([*log.splitlines(), *told])) == []


def _documents(fleet: Fleet) -> list[Document]:
    """One hotel that texts, two whose tokens are refused, a clinic that texts."""
    body = f"{TEXT} {{{{firstName}}}} {{{{lastName}}}}: {{{{doorCode}}}} {{{{magicLink}}}}"
    found: list[Document] = [Template(tenant=HOTEL, version=1, name="key_is_ready", body=body)]
    wrong = {REFUSED: WRONG_TOKEN, REFUSED_TOO: SecretRef(env="CANARY_TOKEN")}
    for document in [*fleet.documents(), *fleet.care_documents(CLINIC)]:
        if isinstance(document, Connection) and document.tenant in wrong:
            document = msgspec.structs.replace(document, auth_token=wrong[document.tenant])
        if isinstance(document, Workflow):
            parameters = {"message": WORKFLOW_TEXT + " {{customer.firstName}}", "toPhone": "{{customer.phone}}"}
            step = AdapterStep(number=1, adapter="twilio", function="sendSMS", parameters=parameters)
            document = msgspec.structs.replace(document, steps=(step,))
        found.append(document)
    return found


def _key(number: int, phone: object, tenant: str = HOTEL, **key: object) -> dict[str, Any]:
    person = {"id": "p1", "firstName": FIRST, "lastName": LAST, "phone": phone}
    credentials = {"doorCode": DOOR_CODE, "magicLink": LINK}
    return key_event("key.ready", number, 1, tenant, **{"persons": [person], "credentials": credentials, **key})


def _order(number: int, phone: str) -> dict[str, Any]:
    return care_event("order.shipped", number, id=number, customer={"firstName": FIRST, "phone": phone, "email": MAIL})


async def _texts(fleet: Fleet) -> None:
    """Delivered, held, told by mail, skipped, and everything that goes wrong at Twilio's."""
    by_mail = {"id": "p1", "firstName": FIRST, "email": MAIL, "phone": PHONE}
    expected = [
        (_key(1, PHONE), "delivered"), (_order(2, PHONE), "delivered"), (_key(3, PHONE, REFUSED), "held"),
        (_key(4, PHONE, REFUSED_TOO), "held"), (_key(5, PHONE, persons=[by_mail]), "delegated"),
        (_key(6, f"ask {LAST} {PHONE}"), "skipped"), (_order(7, f"ask {LAST}"), "skipped"),
    ]  # fmt: skip
    expected += [(_key(10 + at, number), status) for at, (number, status) in enumerate(TROUBLE.items())]
    await publish(fleet, *(event for event, _ in expected))
    for event, status in expected:
        await heard(fleet, event, f"notification.{status}")


async def _junk(fleet: Fleet) -> None:
    """Every reason of a dead letter, with a value in every place that a reason may speak of; a halt; a bad document."""
    everything = json.dumps(CANARIES, ensure_ascii=False).encode()
    order = _order(20, PHONE)
    care = [
        order | {"type": f"{FIRST} {PHONE}"}, order | {"specversion": TEXT}, order | {"time": LAST},
        order | {"tenant": FIRST}, order | {"tenant": None, "data": {"organization": MAIL}}, order | {"data": TEXT},
        {**order, "type": "consent.given", "data": {"phone": PHONE, "source": LAST, "at": FIRST}},
    ]  # fmt: skip
    pms = [
        _key(21, int(PHONE)), _key(22, PHONE, startsAt=LAST), _key(23, PHONE, status=FIRST),
        _key(24, PHONE, persons=f"{FIRST} {PHONE}"), _key(25, PHONE, credentials={"doorCode": int(DOOR_CODE)}),
    ]  # fmt: skip
    broken = [
        everything[:-1],
        b"\xff" + everything,
        everything,
        b'"' + everything + b'"',
        everything + b"}",
        everything,
    ]
    headers = [("ce_id", PHONE.encode()), ("ce_subject", b"\xff" + LAST.encode("latin-1"))]
    binary: Record = (PHONE.encode(), everything, headers)
    await fleet.publish_bytes(
        fleet.topics.sources("pms")[0], [*map(_record, pms[:3]), binary, *map(_record, pms[3:4])], 0
    )
    await fleet.publish_bytes(fleet.topics.sources("pms")[0], [_record(pms[4])], 1)
    records: list[Record] = [*map(_record, care), *((LAST.encode(), value, headers[:1]) for value in broken)]
    await fleet.publish_bytes(fleet.topics.sources("care")[0], records, 0)
    connection = {
        "kind": "Connection",
        "tenant": "nobody",
        "provider": LAST,
        "authToken": token_of(HOTEL),
        "senders": PHONE,
    }
    documents = [everything, json.dumps(connection).encode(), everything[:-1]]
    await fleet.publish_bytes(
        fleet.topics.name("config"), [(b"Connection/nobody", document, []) for document in documents]
    )
    await fleet.dead_letters(len(pms) + 1 + len(care) + 4)  # the halt


def _record(event: dict[str, Any]) -> Record:
    return PHONE.encode(), json.dumps(event).encode(), [("content-type", b"application/cloudevents+json")]


async def _visitors(fleet: Fleet) -> None:
    """Callbacks that nobody signed, of nobody, too large, and what is no HTTP."""
    form = urlencode({"From": PHONE, "To": PHONE, "Body": f"{TEXT} {FIRST}", "MessageStatus": LAST}).encode()
    status = f"/twilio/{HOTEL}/status?n={quote(LAST)}&a=1&t={quote(PHONE)}"
    for target, body in (
        (status, form), (f"/twilio/{quote(PHONE)}/status", form), (f"/twilio/{HOTEL}/inbound", form),
        (status, form * 2000), (status, b"\xff" + form), ("/status?" + quote(PHONE), form),
    ):  # fmt: skip
        request = f"POST {target} HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: {PHONE}\r\nContent-Length: {len(body)}"
        for port in (fleet.public_port, fleet.ports["all"]):
            assert b" 4" in await _say(port, request.encode() + b"\r\nConnection: close\r\n\r\n" + body)
    for port in (fleet.public_port, fleet.ports["all"]):
        assert b" 400 " in await _say(port, f"{FIRST} {PHONE} {TEXT}\r\n{LAST}: {PHONE}\r\n\r\n".encode())


async def _say(port: int, request: bytes) -> bytes:
    """The first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


async def _answers(fleet: Fleet) -> list[str]:
    answers = [await fleet.get("all", path) for path in ("/status", "/metrics", "/readyz", "/healthz")]
    assert [status for status, _ in answers] == [200, 200, 200, 200]
    return [line for _, body in answers for line in body.splitlines()]


async def _published(fleet: Fleet) -> list[str]:
    """All outcomes, and what is ours of the dead letters: the rest of them is the producer's own."""
    outcomes = await whole(fleet.options, fleet.topics.name("results"))
    letters = await whole(fleet.options, fleet.topics.name("dead_letters"))
    assert outcomes
    assert letters
    ours = [value for letter in letters for name, value in letter.headers if name.startswith("notifier-")]
    return [value.decode() for value in (*(outcome.value or b"" for outcome in outcomes), *ours)]


def _seen(lines: list[str]) -> Iterator[str]:
    spelled = [(canary, spelling) for canary in CANARIES for spelling in _spellings(canary)]
    for line in lines:
        found = sorted({canary for canary, spelling in spelled if spelling in line})
        if found:
            yield f"{', '.join(found)} in: {line[:400]}"


def _spellings(canary: str) -> Iterator[str]:
    yield canary
    yield quote(canary, safe="")
    yield json.dumps(canary)[1:-1]
    yield repr(canary.encode())[2:-1]
    for before in range(3):  # in Base64, wherever it begins
        encoded = base64.b64encode(bytes(before) + canary.encode()).decode()
        end = len(encoded) if (before + len(canary.encode())) % 3 == 0 else -4
        yield encoded[(0, 2, 3)[before] : end]
