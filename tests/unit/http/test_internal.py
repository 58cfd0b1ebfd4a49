"""The internal listener, as a probe, a scraper and a person see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, Counter

from notifier.http.internal import InternalApi
from notifier.http.serving import serving


class Process:
    """What the listener is told about."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.progress: dict[str, float] = {"ingest": 0.2}
        self.missing: list[str] = []
        self.status: dict[str, object] = {"configOffset": 41, "partitions": []}

    def api(self) -> InternalApi:
        return InternalApi(self.registry, lambda: self.progress, lambda: self.missing, lambda: self.status)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[TestClient[aiohttp.web.Request, aiohttp.web.Application]]:
        async with TestClient(TestServer(self.api().application())) as client:
            yield client


@pytest.fixture
def process() -> Process:
    return Process()


async def test_a_process_that_makes_progress_is_healthy(process: Process) -> None:
    process.progress["engine"] = 60.0
    async with process.client() as client:
        answer = await client.get("/healthz")
        assert (answer.status, (await answer.json())["healthy"]) == (200, True)


async def test_a_loop_without_progress_for_a_minute_is_named(process: Process) -> None:
    process.progress["engine"] = 60.5
    async with process.client() as client:
        answer = await client.get("/healthz")
        assert (answer.status, await answer.json()) == (503, {"healthy": False, "stalledSeconds": {"engine": 60.5}})


async def test_a_process_with_something_missing_is_not_ready_but_healthy(process: Process) -> None:
    process.missing.append("partition 3: restoring")
    async with process.client() as client:
        answer = await client.get("/readyz")
        assert (answer.status, (await answer.json())["missing"]) == (503, ["partition 3: restoring"])
        assert (await client.get("/healthz")).status == 200
        process.missing.clear()
        assert (await client.get("/readyz")).status == 200


async def test_the_status_is_passed_on_as_json(process: Process) -> None:
    async with process.client() as client:
        answer = await client.get("/status")
        assert (answer.content_type, await answer.json()) == ("application/json", process.status)


@pytest.mark.parametrize(
    ("accept", "content_type", "ending"),
    [
        ("text/plain", "text/plain", "\n"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", "# EOF\n"),
    ],
)
async def test_metrics_speak_the_format_that_is_asked_for(
    process: Process, accept: str, content_type: str, ending: str
) -> None:
    Counter("notifier_texts", "Texts.", registry=process.registry).inc(3)
    async with process.client() as client:
        answer = await client.get("/metrics", headers={"Accept": accept})
        text = await answer.text()
    assert answer.content_type == content_type
    assert "notifier_texts_total 3.0" in text
    assert text.endswith(ending)


async def test_a_listener_is_gone_when_it_is_left(process: Process) -> None:
    async with aiohttp.ClientSession() as session:
        async with (
            serving(process.api().application(), "127.0.0.1", 0) as port,
            session.get(f"http://127.0.0.1:{port}/healthz") as answer,
        ):
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://127.0.0.1:{port}/healthz")
