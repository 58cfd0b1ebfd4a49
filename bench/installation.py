"""A whole installation as a user has it: topics and tenants made by the commands, daemons as processes.

Every installation has topics and groups of its own, so that nothing of one measurement is left for the next.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Literal

from bench.processes import end, free_port
from bench.setting import Setting
from notifier.kafka.partitions import partition_of

PARTITIONS = 6
READY_SECONDS = 180.0
OPEN_RATE = 10_000.0  # segments a second, the most that a Connection may say: nothing here reaches it
SETTINGS = {
    "NOTIFIER_TWILIO__MAX_IN_FLIGHT_PER_ACCOUNT": "1000",
    "NOTIFIER_TWILIO__CHECK_EVERY": "0s",  # fastserver has no accounts to ask about
    "NOTIFIER_TWILIO__POLL_AFTER": "1h",  # and remembers no message
    "NOTIFIER_LOG__FORMAT": "json",
}


_WORKFLOW = """---
kind: Workflow
tenant: {name}
name: shipped-sms
trigger: {{type: order.shipped, filter: {{isDeleted: {{$ne: true}}}}}}
steps:
  - {{number: 1, kind: adapter, adapter: twilio, function: sendSMS,
     parameters: {{message: "Hi {{{{customer.firstName}}}}, order {{{{id}}}} is on its way",
                   toPhone: "{{{{customer.phone}}}}"}}}}
"""


def account(number: int) -> str:
    return "AC" + f"{number + 1:032x}"


def token(tenant: str) -> str:
    return "token-" + tenant


def sender(number: int) -> str:
    """The phone number that a tenant texts from."""
    return f"+1555{4000000 + number}"


def tenant_name(number: int) -> str:
    """Placed so that all partitions have the same share of the work: what is measured is not the luck of some names."""
    names = (f"hotel{attempt}-{number}" for attempt in count())
    return next(name for name in names if partition_of(name.encode(), PARTITIONS) == number % PARTITIONS)


class Daemon:
    """One `notifier run`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, public_port: int, log: Path) -> None:
        self.process, self.port, self.public_port, self.log = process, port, public_port, log

    @property
    def pid(self) -> int:
        return self.process.pid

    def get(self, path: str) -> tuple[int, str]:
        """What its internal port answers; status 0 while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def check(self) -> None:
        """Raises `RuntimeError`, with the end of its log, when it is no longer there."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the daemon ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}")

    def await_ready(self, seconds: float = READY_SECONDS) -> None:
        until = time.monotonic() + seconds
        while True:
            status, said = self.get("/readyz")
            if status == 200:
                return
            self.check()
            if time.monotonic() > until:
                raise RuntimeError(f"the daemon was not ready within {seconds:g} s: {said}")
            time.sleep(0.05)

    def metric(self, beginning: str) -> float:
        """The sum over all series that begin so: a name, perhaps with `{` and its first label."""
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(beginning))


class Installation:
    """`tenants` hotels with an account each; `rates` by tenant where a sender is to be slower."""

    def __init__(
        self, setting: Setting, folder: Path, provider_url: str, *, tenants: int = 100,
        rates: Mapping[str, float] | None = None, settings: Mapping[str, str] | None = None,
        profile: Path | None = None, platform: Literal["pms", "care"] = "pms",
    ) -> None:  # fmt: skip
        self.bootstrap, self.folder = setting.bootstrap, folder
        self.prefix = f"bench-{uuid.uuid4().hex[:10]}"
        self.tenants = [tenant_name(number) for number in range(tenants)]
        self._rates = rates or {}
        self._profile, self._platform = profile, platform
        self._provider_url = provider_url
        self._public_port = free_port()
        self._settings = {
            "NOTIFIER_KAFKA__BOOTSTRAP_SERVERS": setting.bootstrap,
            "NOTIFIER_KAFKA__GROUP_PREFIX": self.prefix,
            "NOTIFIER_TOPICS__PREFIX": self.prefix + ".",
            "NOTIFIER_TWILIO__API_BASE_URL": provider_url,
            "NOTIFIER_WEBHOOKS__PUBLIC_URL": self.public_url,
            **SETTINGS,
            **(settings or {}),
            **setting.settings,
        }

    @property
    def public_url(self) -> str:
        return f"http://127.0.0.1:{self._public_port}"

    @property
    def source(self) -> str:
        return f"{self.prefix}.{self._platform}.events"

    @property
    def results(self) -> str:
        return self.prefix + ".notifier.results"

    @property
    def ledger(self) -> str:
        return self.prefix + ".notifier.ledger"

    def prepare(self) -> None:
        """Topics and tenants."""
        self._run("topics", "create", "--partitions", str(PARTITIONS), "--replication-factor", "1", "--with-sources")
        documents = self.folder / f"{self.prefix}.yaml"
        documents.write_text("---\n".join(self._tenant(number) for number in range(len(self.tenants))))
        self._run("config", "apply", str(documents))

    def _tenant(self, number: int) -> str:
        name = self.tenants[number]
        rate = self._rates.get(name, OPEN_RATE)
        return (
            f"kind: Tenant\ntenant: {name}\nplatform: {self._platform}\nname: Hotel {number}\n"
            f"timezone: Europe/Oslo\nconsent: {{required: false}}\n---\n"
            f"kind: Connection\ntenant: {name}\nprovider: twilio\naccountSid: {account(number)}\n"
            f"authToken: {token(name)}\nsenders:\n"
            f'  - {{from: "{sender(number)}", segmentsPerSecond: {rate:g}}}\n'
            + (_WORKFLOW.format(name=name) if self._platform == "care" else "")
        )

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [_command(), *arguments], env=self._environment(), capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"notifier {' '.join(arguments)}: {done.stderr[-2000:]}")

    def _environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("NOTIFIER_")}
        return {**clean, **self._settings}

    @contextmanager
    def daemon(self, name: str = "one", *roles: str, core: int | None = 0) -> Iterator[Daemon]:
        """A running process, not yet ready, bound to one core; None: wherever the scheduler puts its threads."""
        port, log = free_port(), self.folder / f"{self.prefix}-{name}.log"
        # Several processes share no port; the callbacks of all go to the first one that serves webhooks.
        public_port = self._public_port if name == "one" or "webhooks" in roles else free_port()
        environment = self._environment() | {
            "NOTIFIER_INSTANCE_ID": name,
            "NOTIFIER_HTTP__HOST": "127.0.0.1", "NOTIFIER_HTTP__PORT": str(port),
            "NOTIFIER_WEBHOOKS__HOST": "127.0.0.1", "NOTIFIER_WEBHOOKS__PORT": str(public_port),
        }  # fmt: skip
        arguments = ["run", *(part for role in roles for part in ("--role", role))]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*self._launcher(), *arguments], env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        profiler = self._spy(process.pid)
        try:
            _bind(process, core)
            yield Daemon(process, port, public_port, log)
        finally:
            end(process)
            if profiler is not None:
                profiler.wait(60)  # it ends with what it watches, and writes its file

    @contextmanager
    def daemons(self, *cores: int | None) -> Iterator[Sequence[Daemon]]:
        """One or two of all roles, each bound to its core (None: to none), ready, the partitions divided among them."""
        with ExitStack() as stack:
            names = ("one", "two")[: len(cores)]
            started = [
                stack.enter_context(self.daemon(name, core=core)) for name, core in zip(names, cores, strict=True)
            ]
            for daemon in started:
                daemon.await_ready()
            until = time.monotonic() + READY_SECONDS
            while not _divided(started):
                if time.monotonic() > until:
                    raise RuntimeError(f"the partitions were not divided among {len(started)} processes")
                time.sleep(0.2)
            yield started

    @contextmanager
    def handwritten(self) -> Iterator[Sequence[Daemon]]:
        """The loop of `handwritten.py` in place of a daemon, bound to a core like one."""
        log = self.folder / f"{self.prefix}-handwritten.log"
        arguments = [self.bootstrap, self.source, self.results, self._provider_url]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "bench.handwritten", *arguments], stdout=output, stderr=subprocess.STDOUT
            )
        try:
            _bind(process, 0)
            yield [Daemon(process, 0, 0, log)]
        finally:
            end(process)

    def _spy(self, pid: int) -> subprocess.Popen[bytes] | None:
        spy = _py_spy()
        if self._profile is None or spy is None:
            return None
        options = ["--format", "speedscope", "--rate", "200", "--output", str(self._profile)]
        return subprocess.Popen([spy, "record", *options, "--pid", str(pid)], stdout=subprocess.DEVNULL)

    def _launcher(self) -> list[str]:
        if self._profile is None or _py_spy() is not None:
            return [_command()]
        return [sys.executable, "-m", "cProfile", "-o", str(self._profile), "-m", "notifier"]


def _bind(process: subprocess.Popen[bytes], core: int | None) -> None:
    """As `taskset` does it: right after its start, so that every thread it makes stays there, too."""
    if core is not None:
        os.sched_setaffinity(process.pid, {core % (os.cpu_count() or 1)})


def _divided(daemons: Sequence[Daemon]) -> bool:
    """Each owns its share of the partitions, restored."""
    for daemon in daemons:
        status, said = daemon.get("/status")
        daemon.check()
        owned = json.loads(said)["partitions"] if status == 200 else []
        if len(owned) != PARTITIONS // len(daemons) or any(one["state"] != "owning" for one in owned):
            return False
    return True


def _py_spy() -> str | None:
    return shutil.which("py-spy", path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]))


def _command() -> str:
    """The installed one."""
    return str(Path(sysconfig.get_path("scripts")) / "notifier")
