"""The command: chooses a broker, measures, prints a table, keeps JSON."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.bars import BARS, speed_of_machine
from bench.conditions import commit, conditions
from bench.figures import table
from bench.measurements import MEASUREMENTS, Measurement, chosen
from bench.processes import busy_seconds, own_seconds
from bench.setting import Setting
from tests.brokers import chosen_broker

FOREIGN = "foreign_cores"  # computed meanwhile by processes that are none of the bench's
QUIET = 0.1
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """0 when everything was measured, 1 when something failed, 2 for wrong usage."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what was started is ended, too
    try:
        measurements = chosen(options.only)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    with chosen_broker() as broker:
        if not broker.real:
            print(f"the bench needs a real Kafka, and this is {broker.kind} ({broker.why_not_real})", file=sys.stderr)
            return 1
        setting = Setting(broker.bootstrap_servers, options.scale, options.profile, dict(options.set), options.keep)
        under = conditions(broker.kind, setting)
        print("conditions")
        for name, value in under.items():
            print(f"  {name:12} {value}")
        kept = _file(options.out)
        figures: dict[str, float] = {}
        failures: dict[str, str] = {}
        for one in measurements:
            _measure(one, setting, figures, failures)
            _keep(kept, under, figures, failures)
    print()
    print(table(figures, BARS))
    speed = speed_of_machine(figures)
    if speed is not None:
        print(speed)
    busy = [name.partition(".")[0] for name, value in figures.items() if name.endswith(FOREIGN) and value > QUIET]
    if busy:
        print(f"other processes were busy during {', '.join(busy)}: not to be held against the bars")
    if options.scale != 1.0 or options.profile is not None:
        print("scaled or profiled: not to be held against the bars")
    print(f"kept in {kept}")
    return 1 if failures else 0


def _measure(one: Measurement, setting: Setting, figures: dict[str, float], failures: dict[str, str]) -> None:
    """Adds figures by name, or what failed: one failure does not take the others with it."""
    print(f"\n{one.name}: {one.what}", flush=True)
    begun, foreign = time.monotonic(), busy_seconds() - own_seconds()
    try:
        found = one.run(setting)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        failures[one.name] = f"{type(error).__name__}: {error}"
        print(f"  FAILED: {failures[one.name]}", flush=True)
        return
    seconds = time.monotonic() - begun
    found |= {"seconds": seconds, FOREIGN: (busy_seconds() - own_seconds() - foreign) / seconds}
    figures |= {f"{one.name}.{name}": value for name, value in found.items()}
    for name, value in found.items():
        print(f"  {name:28} {value:,.4g}")
    if found[FOREIGN] > QUIET:
        print("  other processes were busy: measure again on a quiet machine", flush=True)


def _file(out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    return out / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}-{commit()}.json"


def _keep(path: Path, under: dict[str, object], figures: dict[str, float], failures: dict[str, str]) -> None:
    """After every measurement: a run that is cut off keeps what it measured."""
    rounded = {name: float(f"{value:.5g}") for name, value in figures.items()}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    kept = {"at": at, "conditions": under, "figures": rounded, "failures": failures}
    path.write_text(json.dumps(kept, indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {one.name:6} {one.what}" for one in MEASUREMENTS)
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures the daemon on this machine: a real Kafka, real processes, a fast server in C as Twilio,\n"
        "all on the same cores. Takes the broker of NOTIFIER_TEST_BOOTSTRAP, or makes one as the tests do.",
        epilog=f"measurements:\n{listed}",
    )
    parser.add_argument("--only", default="", metavar="NAMES", help="only those that begin so, comma separated: a100,b")
    parser.add_argument("--scale", type=float, default=1.0, help="sizes times this: 0.1 for a quick look")
    parser.add_argument(
        "--profile", type=Path, metavar="FILE",
        help="profile the daemon: py-spy's speedscope format where py-spy is installed, else cProfile's (slower)",
    )  # fmt: skip
    parser.add_argument(
        "--set", type=_named, action="append", default=[], metavar="NAME=VALUE",
        help="a setting of every daemon: NOTIFIER_TWILIO__TRANSPORT=aiohttp; may be repeated",
    )  # fmt: skip
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the daemons' logs there")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="where the JSON goes")
    return parser


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.startswith("NOTIFIER_")):
        raise argparse.ArgumentTypeError(f"{text} is not of the form NOTIFIER_…=value")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
