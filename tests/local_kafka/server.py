"""A real Kafka on this machine without Docker: jars from Maven, one process per node, all of it in a temporary folder.

Usable for one node or several. Nodes can be stopped, killed and started again; compaction works within seconds, so that
tests see it. The jars are kept in `NOTIFIER_KAFKA_CACHE` (default `~/.cache/notifier/kafka`), by the hash of the pom.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

from tests.ports import free_port

POM = Path(__file__).with_name("pom.xml")
READY_SECONDS = 60.0
JAVA_OPTIONS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class LocalKafkaMissing(Exception):
    """No Java or no Maven, or the jars cannot be fetched; the message says which."""


def jars() -> Path:
    """The folder with Kafka's jars, fetched when it is not there. Raises `LocalKafkaMissing`."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise LocalKafkaMissing(f"{tool} is not installed")
    root = Path(os.environ.get("NOTIFIER_KAFKA_CACHE") or Path.home() / ".cache" / "notifier" / "kafka")
    folder = root / hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    if folder.is_dir():
        return folder
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as unfinished:
        shutil.copy(POM, unfinished)
        fetched = subprocess.run(
            ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime"],
            cwd=unfinished, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if fetched.returncode != 0:
            raise LocalKafkaMissing(f"maven could not fetch Kafka: {(fetched.stdout + fetched.stderr).strip()[-500:]}")
        try:
            (Path(unfinished) / "lib").rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody was faster, and that is as good
                raise
    return folder


class LocalKafka:
    """A cluster of `nodes` on the loopback address; `with` starts and ends it."""

    def __init__(self, nodes: int = 1, host: str = "127.0.0.1") -> None:
        self._host = host
        self._libraries = jars()
        self._folder = Path(tempfile.mkdtemp(prefix="notifier-kafka-"))
        self._ports = {node: (free_port(host), free_port(host)) for node in range(1, nodes + 1)}
        # The first six bits are zero: an id that begins with "-" would be read as an option by the format tool.
        self._cluster = "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._said_before: dict[int, int] = {}
        for node in self._ports:
            self._prepare(node)

    def __enter__(self) -> LocalKafka:
        try:
            for node in self._ports:
                self.start(node, wait=False)
            for node in self._ports:
                self._await_ready(node)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def nodes(self) -> tuple[int, ...]:
        return tuple(self._ports)

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(f"{self._host}:{port}" for port, _ in self._ports.values())

    def start(self, node: int, *, wait: bool = True) -> None:
        with self._log(node).open("ab") as log:
            self._said_before[node] = log.tell()
            self._processes[node] = subprocess.Popen(
                ["java", *JAVA_OPTIONS, "-cp", f"{self._libraries}/*", "kafka.Kafka", str(self._properties(node))],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        if wait:
            self._await_ready(node)

    def stop(self, node: int) -> None:
        """An orderly end."""
        self._end(node, signal.SIGTERM)

    def kill(self, node: int) -> None:
        self._end(node, signal.SIGKILL)

    def suspend(self, node: int) -> None:
        """Keeps its connections and answers nothing, until `resume`."""
        self._processes[node].send_signal(signal.SIGSTOP)
        os.waitpid(self._processes[node].pid, os.WUNTRACED)  # it stands still a moment after the signal

    def resume(self, node: int) -> None:
        self._processes[node].send_signal(signal.SIGCONT)

    def close(self) -> None:
        for node in list(self._processes):
            self.kill(node)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, node: int, how: signal.Signals) -> None:
        process = self._processes.pop(node)
        process.send_signal(how)
        process.wait(timeout=READY_SECONDS)

    def _properties(self, node: int) -> Path:
        return self._folder / f"node-{node}.properties"

    def _prepare(self, node: int) -> None:
        client_port, controller_port = self._ports[node]
        replicas = min(3, len(self._ports))
        voters = ",".join(f"{n}@{self._host}:{controller}" for n, (_, controller) in self._ports.items())
        settings = {
            "process.roles": "broker,controller",
            "node.id": node,
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self._host}:{client_port},CONTROLLER://{self._host}:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self._host}:{client_port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self._folder / f"node-{node}",
            "auto.create.topics.enable": "false",
            "default.replication.factor": replicas,
            "min.insync.replicas": min(2, replicas),
            "offsets.topic.replication.factor": replicas,
            "offsets.topic.num.partitions": 5,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": min(2, replicas),
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            "log.cleaner.backoff.ms": 200,
            "log.segment.delete.delay.ms": 1000,
            "log.retention.check.interval.ms": 1000,
            "replica.lag.time.max.ms": 3000,
            "broker.session.timeout.ms": 3000,
        }
        self._properties(node).write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        subprocess.run(
            [
                "java", *JAVA_OPTIONS, "-cp", f"{self._libraries}/*", "kafka.tools.StorageTool", "format",
                "-t", self._cluster, "-c", str(self._properties(node)),
            ],
            capture_output=True, check=True,
        )  # fmt: skip

    def _log(self, node: int) -> Path:
        return self._folder / f"node-{node}.log"

    def _said(self, node: int) -> str:
        """What the node printed since it was last started."""
        with self._log(node).open("rb") as log:
            log.seek(self._said_before[node])
            return log.read().decode(errors="replace")

    def _await_ready(self, node: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._processes[node].poll() is None:
            if "Kafka Server started" in self._said(node):
                return
            time.sleep(0.05)
        raise RuntimeError(f"Kafka node {node} did not start:\n{self._said(node)[-3000:]}")
