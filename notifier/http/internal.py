"""The internal listener (port 9090, contract section 8): metrics, health, readiness, status. No personal data.

It reports and decides one thing only, that a loop without progress for 60 s is unhealthy; what it reports is handed in
as callables, so that it knows no other room. Kafka or Twilio being away makes the process not ready, never unhealthy: a
restart would not mend them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

STALLED_AFTER_SECONDS = 60.0


class InternalApi:
    """`progress` gives, by the name of a loop, the seconds since it last made progress; `missing` names what keeps the
    process from being ready; `status` is a JSON object without personal data.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        progress: Callable[[], Mapping[str, float]],
        missing: Callable[[], Sequence[str]],
        status: Callable[[], Mapping[str, object]],
    ) -> None:
        self._registry = registry
        self._progress = progress
        self._missing = missing
        self._status = status

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/metrics", self._get_metrics)
        application.router.add_get("/healthz", self._get_health)
        application.router.add_get("/readyz", self._get_readiness)
        application.router.add_get("/status", self._get_status)
        return application

    async def _get_metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def _get_health(self, _request: web.Request) -> web.Response:
        stalled = {name: round(age, 1) for name, age in self._progress().items() if age > STALLED_AFTER_SECONDS}
        return _json({"healthy": not stalled, "stalledSeconds": stalled}, failed=bool(stalled))

    async def _get_readiness(self, _request: web.Request) -> web.Response:
        missing = list(self._missing())
        return _json({"ready": not missing, "missing": missing}, failed=bool(missing))

    async def _get_status(self, _request: web.Request) -> web.Response:
        return _json(self._status())


def _json(content: Mapping[str, object], *, failed: bool = False) -> web.Response:
    body = msgspec.json.encode(content) + b"\n"
    return web.Response(body=body, status=503 if failed else 200, content_type="application/json")
