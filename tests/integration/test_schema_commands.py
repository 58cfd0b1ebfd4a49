"""`notifier schemas export` as a shell runs it, and the line by which `config export` tells an editor the schema."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

NOTIFIER = str(Path(sysconfig.get_path("scripts")) / "notifier")
SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [NOTIFIER, "schemas", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_installed_command_writes_what_the_repository_has_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.json").write_text("{}")
    exported = run("export", "out", folder=tmp_path)
    assert (exported.returncode, exported.stderr) == (0, "")
    written = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.json")}
    wanted = {path.relative_to(SCHEMAS) for path in SCHEMAS.rglob("*.json")}
    assert exported.stdout == f"{len(wanted)} files in out\n"
    assert written == {*wanted, Path("mine.json")}
    assert all((tmp_path / "out" / name).read_bytes() == (SCHEMAS / name).read_bytes() for name in wanted)


def test_a_folder_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = run("export", "file", folder=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("notifier: DIR: ")
    assert refused.stderr.count("\n") == 1
    assert run("export", folder=tmp_path).returncode == 2
