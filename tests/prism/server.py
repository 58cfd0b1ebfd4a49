"""Prism on this machine: it plays Twilio from Twilio's own OpenAPI description, and nobody who made it saw our client.

Prism comes from npm by `package-lock.json`, the description in a package of Twilio's command line (twilio.md 11.1).
Both are kept in `NOTIFIER_PRISM_CACHE` (default `~/.cache/notifier/prism`), by the hash of what is pinned here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from tests.ports import free_port

HERE = Path(__file__).parent
DESCRIPTIONS = "@twilio/cli-core@9.0.0"
DESCRIPTIONS_SHA512 = "FPHm5gXAUwM2oATmQi3AGYPFz4Urg5G5/vDkpUu5WqNuwueQaS93HwXjdX1OM+miuq0LMimdfbXDTLEp4Nsjfg=="
PARTS = ("twilio_api_v2010.json", "twilio_messaging_v1.json")  # one host each at Twilio
OLDEST_NODE = (20, 19)  # Prism 5.16 asks for 24 and runs on this one
READY_SECONDS = 60.0
NO_OUTSIDE_OPINION = "NO OUTSIDE OPINION: "  # begins the reason of every test that was skipped for want of Prism

Description = dict[str, Any]  # Any: an OpenAPI document


class PrismMissing(Exception):
    """No Node.js, or one that is too old; the message says which."""


class PrismNotFetched(Exception):
    """Node.js is there, but npm could not fetch what is pinned; the message says why."""


def installed() -> Path:
    """The folder with Prism and the descriptions, fetched when it is not there.

    Raises `PrismMissing` and `PrismNotFetched`.
    """
    _require_node()
    root = Path(os.environ.get("NOTIFIER_PRISM_CACHE") or Path.home() / ".cache" / "notifier" / "prism")
    pinned = (HERE / "package-lock.json").read_bytes() + DESCRIPTIONS_SHA512.encode()
    folder = root / hashlib.sha256(pinned).hexdigest()[:16]
    if folder.is_dir():
        return folder
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as unfinished:
        made = Path(unfinished) / "made"
        made.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, made)
        _npm(made, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        _fetch_descriptions(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody was faster, and that is as good
                raise
    return folder


def _require_node() -> None:
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise PrismMissing(f"{tool} is not installed")
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.match(r"v(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_NODE:
        raise PrismMissing(
            f"Node.js {'.'.join(map(str, OLDEST_NODE))} or newer is needed, and this is {said or 'none'}"
        )


def _npm(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["npm", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = " ".join((done.stdout + done.stderr).split())
        raise PrismNotFetched(f"npm {arguments[0]} failed: {said[:300]}")


def _fetch_descriptions(folder: Path) -> None:
    """Two files of the package; what else it holds, and what it depends on, is not wanted."""
    _npm(folder, "pack", "--ignore-scripts", "--silent", DESCRIPTIONS)
    (archive,) = folder.glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != DESCRIPTIONS_SHA512:
        raise PrismNotFetched(f"{DESCRIPTIONS} is not what is pinned here: its SHA-512 is {digest}")
    with tarfile.open(archive) as packed:
        for name in PARTS:
            member = packed.extractfile(f"package/src/services/twilio-api/{name}")
            if member is None:
                raise PrismNotFetched(f"{DESCRIPTIONS} holds no {name}")
            (folder / name).write_bytes(member.read())
    archive.unlink()


def twilio_description(folder: Path) -> Description:
    """Twilio's hosts in one, since one base address stands for all of them in our settings."""
    first, *others = (json.loads((folder / name).read_bytes()) for name in PARTS)
    for other in others:
        for kind, named in other["components"].items():
            _add(first["components"].setdefault(kind, {}), named)
        _add(first["paths"], other["paths"])
    merged: Description = first
    return merged


def _add(into: dict[str, Any], more: dict[str, Any]) -> None:
    for name, one in more.items():
        if into.setdefault(name, one) != one:
            raise ValueError(f"two of Twilio's descriptions differ in {name}")


class Prism:
    """One process; `with` starts and ends it. `mock` answers with the description's examples, `proxy` asks `upstream`
    and holds its answers, too, against the description. Both refuse what the description does not allow.
    """

    def __init__(
        self, folder: Path, description: Description, mode: Literal["mock", "proxy"] = "mock", upstream: str = ""
    ) -> None:
        self._files = tempfile.TemporaryDirectory(prefix="notifier-prism-")
        file, self._log = Path(self._files.name) / "description.json", Path(self._files.name) / "log"
        file.write_text(json.dumps(description))
        self._port = free_port()
        program = folder / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
        self._command = ["node", str(program), mode, "-h", "127.0.0.1", "-p", str(self._port), "--errors", str(file)]
        self._command += [upstream] if upstream else []
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Prism:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._files.cleanup()

    def await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"Prism did not start:\n{self.said()[-3000:]}")

    def said(self) -> str:
        return self._log.read_text(errors="replace")
