"""Under which conditions figures were measured: they mean nothing without."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.installation import PARTITIONS, SETTINGS
from bench.setting import Setting

ROOT = Path(__file__).parent.parent
_PACKAGES = ("aiohttp", "aiokafka", "msgspec", "twilio", "uvloop", "pyreqwest", "confluent-kafka")


def conditions(broker: str, setting: Setting) -> dict[str, object]:
    """In the order in which they are shown. What is not among the settings has its default."""
    return {
        "commit": commit(),
        "cores": os.cpu_count(),
        "cpu": _cpu_model(),
        "memoryMiB": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "loadBefore": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "kafka": f"{broker}, {_kafka_version(broker)}",
        "partitions": PARTITIONS,
        "settings": {**SETTINGS, **setting.settings},
        "scale": setting.scale,
        "profiled": setting.profile is not None,
        "placement": "broker, provider and load share all cores; each daemon is bound to one of them, but in s100",
    }


def commit() -> str:
    """Of the checkout, with `-changed` when it is not what was committed; `unknown` outside of one."""
    try:
        name = _git("rev-parse", "--short=10", "HEAD")
        return name + ("-changed" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _cpu_model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _kafka_version(broker: str) -> str:
    """Of the jars that the tests' pom names; another broker does not say."""
    if "Maven" not in broker:
        return "version unknown"
    pom = (ROOT / "tests" / "local_kafka" / "pom.xml").read_text()
    found = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([^<]+)", pom)
    return found[1] if found else "version unknown"
