"""(e) Callbacks: signature checked, stored, answered. How many one core takes, and how late while texts go out."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from bench.callers import Callers, Text, request, texts_in
from bench.figures import percentile
from bench.installation import PARTITIONS, Daemon, Installation
from bench.processes import cpu_seconds
from bench.provider import fast_server
from bench.setting import Setting
from bench.steady import LATENCY_MS, RATE, Stream
from bench.traffic import Reader, key_ready, publish

TEXTS = 10_000
STATUSES = ("sent", "delivered")
SECONDS, WARM_UP_SECONDS = 30, 3
STORED_SECONDS = 300.0


def callbacks(setting: Setting) -> dict[str, float]:
    return _on_one_core(setting) | _beside_texts(setting)


def _on_one_core(setting: Setting) -> dict[str, float]:
    """The role `webhooks` as a process bound to the last core, asked by 64 connections at a time as fast as it answers,
    about texts that were sent; another process has the other roles and acts on what is stored."""
    count = setting.scaled(TEXTS)
    with setting.folder() as folder, fast_server(folder, 0) as server:
        installation = Installation(setting, folder, server.url)
        installation.prepare()
        core = (os.cpu_count() or 1) - 1
        with (
            installation.daemon("rest", "ingest", "engine") as rest,
            installation.daemon("webhooks", "webhooks", core=core) as webhooks,
        ):
            rest.await_ready()
            webhooks.await_ready()
            texts = _sent(setting, installation, rest, count)
            requests = [request(installation.public_url, text, status) for status in STATUSES for text in texts]
            with Callers("127.0.0.1", webhooks.public_port) as callers:
                callers.submit(requests[:100])
                callers.answered_within(STORED_SECONDS)
                begun, spent = time.perf_counter(), cpu_seconds(webhooks.pid)
                callers.submit(requests[100:])
                callers.answered_within(STORED_SECONDS)
                seconds, spent = time.perf_counter() - begun, cpu_seconds(webhooks.pid) - spent
            _check_stored(webhooks, len(requests))
    return {
        "callbacks_per_second": (len(requests) - 100) / seconds,
        "cpu_seconds_per_1000": 1000 * spent / (len(requests) - 100),
    }


def _sent(setting: Setting, installation: Installation, daemon: Daemon, count: int) -> list[Text]:
    tenants = installation.tenants
    publish(
        setting.bootstrap, installation.source, (key_ready(tenants[n % len(tenants)], n) for n in range(count))
    )  # fmt: skip
    texts: list[Text] = []
    reader = Reader(setting.bootstrap, installation.results, PARTITIONS)
    deadline = time.monotonic() + STORED_SECONDS
    while len(texts) < count:
        texts += texts_in(reader.poll())
        daemon.check()
        setting.progress(f"{len(texts):,} of {count:,} texts to be asked about")
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {len(texts)} of {count} texts went out")
    reader.close()
    return texts


def _check_stored(webhooks: Daemon, count: int) -> None:
    stored = webhooks.metric('notifier_callbacks_total{result="stored"')
    if stored != count:
        raise RuntimeError(f"{stored:g} callbacks are counted, and {count} were sent")


class Following:
    """Sends the callbacks of every text that the results topic says was accepted."""

    def __init__(self, installation: Installation, callers: Callers, statuses: Sequence[str] = STATUSES) -> None:
        self._installation, self._callers, self._statuses = installation, callers, statuses
        self._reader = Reader(installation.bootstrap, installation.results, PARTITIONS)
        self.texts = 0

    def follow(self, seconds: float = 0.0) -> None:
        """Whatever came within so long."""
        found = texts_in(self._reader.poll(seconds))
        self.texts += len(found)
        address = self._installation.public_url
        self._callers.submit([request(address, text, status) for text in found for status in self._statuses])

    def until(self, texts: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.texts < texts:
            self.follow(0.1)
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {self.texts} of {texts} texts were followed")


def _beside_texts(setting: Setting) -> dict[str, float]:
    """One process of all roles at 200 events a second; each text is followed by `sent` and `delivered` at once."""
    with setting.folder() as folder, fast_server(folder, LATENCY_MS) as server:
        installation = Installation(setting, folder, server.url, profile=setting.profile)
        installation.prepare()
        with installation.daemons(0) as (daemon,), Callers("127.0.0.1", daemon.public_port) as callers:
            following = Following(installation, callers)
            stream = Stream(installation, server, setting)
            stream.run(RATE, WARM_UP_SECONDS, [daemon], following.follow)
            following.until(round(RATE * WARM_UP_SECONDS), STORED_SECONDS)
            callers.answered_within(STORED_SECONDS)
            stream.latest, begun, spent = 0.0, time.monotonic(), cpu_seconds(daemon.pid)
            waits = stream.run(RATE, setting.scaled(SECONDS, least=5), [daemon], following.follow)
            following.until(round(RATE * WARM_UP_SECONDS) + len(waits), STORED_SECONDS)
            answers = [1000 * seconds for seconds in callers.answered_within(STORED_SECONDS)]
            cores = (cpu_seconds(daemon.pid) - spent) / (time.monotonic() - begun)
            _check_stored(daemon, len(STATUSES) * following.texts)
    return {
        "beside_p50_ms": percentile(answers, 50),
        "beside_p99_ms": percentile(answers, 99),
        "beside_max_ms": max(answers),
        "beside_text_p99_ms": 1000 * percentile(waits, 99),
        "beside_load_late_max_ms": 1000 * stream.latest,
        "beside_cores_used": cores,
    }
