"""The loop that people write today, for comparison on the same work and the same machine: aiokafka, twilio's client, a
form POST, a result. At least once: after a SIGKILL it texts again whatever it had not committed, and it follows nothing
to its end.

Run as a process: `python -m bench.handwritten BOOTSTRAP SOURCE RESULTS PROVIDER_URL`; its tenants are the bench's.
"""

from __future__ import annotations

import asyncio
import json
import sys

import uvloop
from aiohttp import ClientSession, TCPConnector
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from twilio.http.async_http_client import AsyncTwilioHttpClient  # type: ignore[import-untyped]  # ships no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # ships no types
from twilio.rest import Client  # type: ignore[import-untyped]  # ships no types

from bench.installation import account, sender, token

IN_FLIGHT = 1000
TEXT = (
    "Hi {first_name}, your key for {space} is ready.\nDoor code: {code}\nFrom {start} to {end}, reference {reference}"
    "\n{link}"
)


class _ToTheProvider(AsyncTwilioHttpClient):  # type: ignore[misc]  # the base class is Any
    """Twilio's own client, asking another host."""

    def __init__(self, base_url: str) -> None:
        super().__init__(pool_connections=False, timeout=15)
        self._base_url = base_url
        self.session = ClientSession(connector=TCPConnector(limit=0))

    async def request(self, method: str, url: str, *arguments: object, **named: object) -> Response:
        url = url.replace("https://api.twilio.com", self._base_url)
        return await super().request(method, url, *arguments, **named)


class Loop:
    def __init__(self, producer: AIOKafkaProducer, results: str, base_url: str) -> None:
        self._producer, self._results = producer, results
        self._http = _ToTheProvider(base_url)
        self._clients: dict[str, Client] = {}

    async def handle(self, value: bytes) -> None:
        event = json.loads(value)
        tenant, key = event["tenant"], event["data"]["key"]
        number = int(tenant.rpartition("-")[2])
        person, reservation, credentials = key["persons"][0], key["reservation"], key["credentials"]
        text = TEXT.format(
            first_name=person["firstName"], space=key["spaceName"], code=credentials["doorCode"], start=key["startsAt"],
            end=key["endsAt"], reference=reservation["referenceNumber"], link=credentials["magicLink"],
        )  # fmt: skip
        client = self._clients.get(tenant)
        if client is None:
            client = self._clients[tenant] = Client(account(number), token(tenant), http_client=self._http)
        message = await client.messages.create_async(to=person["phone"], from_=sender(number), body=text)
        result = {"type": "notification.accepted", "tenant": tenant, "event": event["id"], "sid": message.sid}
        await self._producer.send(self._results, json.dumps(result, separators=(",", ":")).encode(), tenant.encode())


async def run(bootstrap: str, source: str, results: str, base_url: str) -> None:
    consumer = AIOKafkaConsumer(
        source, bootstrap_servers=bootstrap, group_id=source + "-handwritten", enable_auto_commit=False,
        auto_offset_reset="earliest", max_poll_records=IN_FLIGHT,
    )  # fmt: skip
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    async with consumer, producer:
        loop = Loop(producer, results, base_url)
        while True:
            found = await consumer.getmany(timeout_ms=100)
            await asyncio.gather(*[loop.handle(record.value) for records in found.values() for record in records])
            if found:
                await producer.flush()
                await consumer.commit()


if __name__ == "__main__":
    uvloop.run(run(*sys.argv[1:5]))
