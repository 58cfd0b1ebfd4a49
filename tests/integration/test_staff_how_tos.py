"""The how-to pages for staff: their own commands are run, in their order, and show what the pages say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDS_BROKERS = "notifier template reset"


def run_page(page: str, folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Each block of commands in a shell of its own, in `folder`, which has the samples but no settings."""
    (folder / "deploy").symlink_to(ROOT / "deploy")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}
    environment = plain | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    return [
        subprocess.run(
            ["bash", "-eu", "-c", block], cwd=folder, env=environment, capture_output=True, text=True, timeout=60,
            check=False, stdin=subprocess.DEVNULL,
        )
        for block in blocks
        if NEEDS_BROKERS not in block
    ]  # fmt: skip


def test_how_to_write_the_text_of_a_key(tmp_path: Path) -> None:
    now, variables, draft, own = run_page("docs/how-to/templates.md", tmp_path)
    assert [each.returncode for each in (now, variables, draft, own)] == [0] * 4
    assert "Hi Mara, welcome to Harbour House!" in now.stdout
    assert "doorCode" in variables.stdout
    assert "Hi Mara, your code is 482915" in draft.stdout
    assert "cost: 1 segment now" in draft.stdout
    assert "Hi Zoë, your code is 0042" in own.stdout
    assert "forces UCS-2: ë" in own.stdout


def test_how_to_test_a_workflow(tmp_path: Path) -> None:
    good, cancelled = run_page("docs/how-to/test-a-workflow.md", tmp_path)
    assert (good.returncode, good.stdout.count("[yes]")) == (0, 5)
    assert cancelled.returncode == 1
    assert "[no ] it fires only where meant" in cancelled.stdout
