"""An outside opinion on the AsyncAPI document: that of AsyncAPI's own parser, which runs on Node."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent / "asyncapi"
DOCUMENT = HERE.parents[2] / "schemas" / "asyncapi.json"
MADE_FROM = ("package.json", "package-lock.json", "check.cjs")
ONLY_ADVICE = 2  # severities above are information and hints: a newer AsyncAPI, a missing tag


@pytest.fixture(scope="module")
def parser() -> Path:
    """The folder with the parser, fetched when it is not there. Kept like Kafka's jars."""
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"THE ASYNCAPI DOCUMENT WAS NOT CHECKED: {' and '.join(missing)} not installed")
    made_from = b"".join((HERE / name).read_bytes() for name in MADE_FROM)
    root = Path(os.environ.get("NOTIFIER_NODE_CACHE") or Path.home() / ".cache" / "notifier" / "node")
    folder = root / hashlib.sha256(made_from).hexdigest()[:16]
    if folder.is_dir():
        return folder
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as unfinished:
        for name in MADE_FROM:
            shutil.copy(HERE / name, unfinished)
        fetched = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=unfinished, capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
        if fetched.returncode != 0:
            pytest.skip(f"THE ASYNCAPI DOCUMENT WAS NOT CHECKED: npm could not fetch it: {fetched.stderr[-300:]}")
        try:
            Path(unfinished).rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody was faster, and that is as good
                raise
        Path(unfinished).mkdir(exist_ok=True)  # what the with statement removes
    return folder


def opinion(parser: Path, document: str) -> dict[str, Any]:
    run = subprocess.run(
        ["node", "check.cjs"], cwd=parser, input=document, capture_output=True, text=True, check=True, timeout=120
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_the_parser_finds_no_fault_and_sees_every_topic_and_message(parser: Path) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    found = opinion(parser, document)
    assert [each for each in found["diagnostics"] if each["severity"] < ONLY_ADVICE] == []
    written = json.loads(document)
    assert sorted(found["channels"]) == sorted(each["address"] for each in written["channels"].values())
    assert sorted(set(found["messages"])) == sorted(written["components"]["messages"])


def test_it_would_say_so_if_there_were_one(parser: Path) -> None:
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    document["components"]["schemas"]["Tenant"]["type"] = "thing"
    document["operations"]["sendResults"]["action"] = "shout"
    found = opinion(parser, json.dumps(document))
    paths = [each["path"] for each in found["diagnostics"] if each["severity"] < ONLY_ADVICE]
    assert "operations.sendResults.action" in paths
    assert any("Tenant" in path for path in paths)
