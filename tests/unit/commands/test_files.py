"""Files that people write: what YAML and JSON mean here, and where a fault is said to stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.commands.documents import as_yaml, read_documents
from notifier.commands.files import LINES_ENDINGS, YAML_ENDINGS, Unreadable, find_files, read_objects
from notifier.domain.documents import Template
from notifier.domain.validation import validate


def values(tmp_path: Path, name: str, text: str) -> list[object]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return [written.value for written in read_objects(path)]


def fault(tmp_path: Path, name: str, text: str) -> str:
    with pytest.raises(Unreadable) as unreadable:
        values(tmp_path, name, text)
    return str(unreadable.value).removeprefix(str(tmp_path) + "/")


def test_yaml_words_keep_their_text(tmp_path: Path) -> None:
    """Norway is a country, a date is a text, and only true, false, null and numbers are more."""
    text = "a: NO\nb: 2026-12-01\nc: yes\nd: true\ne: null\nf: ~\ng:\nh: 1\ni: 1.5\nj: '1'\nk: 0x10\nl: 12:30\n"
    assert values(tmp_path, "x.yaml", text) == [
        {"a": "NO", "b": "2026-12-01", "c": "yes", "d": True, "e": None, "f": None, "g": None, "h": 1, "i": 1.5,
         "j": "1", "k": "0x10", "l": "12:30"}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.yaml", "a: 1\n---\n---\na: 2\n"),
        ("x.yml", "- a: 1\n- a: 2\n"),
        ("x.json", '[{"a": 1}, {"a": 2}]'),
        ("x.ndjson", '{"a": 1}\n\n{"a": 2}\n'),
        ("x.jsonl", '{"a": 1}\r\n{"a": 2}'),
    ],
)
def test_a_file_holds_several_objects(tmp_path: Path, name: str, text: str) -> None:
    assert values(tmp_path, name, text) == [{"a": 1}, {"a": 2}]


def test_a_file_with_one_object_of_json(tmp_path: Path) -> None:
    assert values(tmp_path, "x.json", '{"a": null}') == [{"a": None}]


def test_an_alias_stands_for_what_it_names(tmp_path: Path) -> None:
    assert values(tmp_path, "x.yaml", "a: &x {b: 1}\nc: *x\n") == [{"a": {"b": 1}, "c": {"b": 1}}]


def test_lines_are_remembered_by_path(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("# first\n---\na: 1\nb:\n  - c: 2\n  - d: 3\n", encoding="utf-8")
    (written,) = read_objects(path)
    assert {part: written.line(part) for part in ((), ("a",), ("b",), ("b", 1), ("b", 1, "d"), ("b", 1, "none"))} == {
        (): 3, ("a",): 3, ("b",): 4, ("b", 1): 6, ("b", 1, "d"): 6, ("b", 1, "none"): 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("x.yaml", "a: 1\nb: [", "x.yaml:2: is not YAML"),
        ("x.yaml", "a: 1\nb: 2\na: 3\n", "x.yaml:3: a is given twice in one object"),
        ("x.yaml", "? [a]\n: 1\n", "x.yaml:1: a name must be a text"),
        ("x.yaml", "a: *nowhere\n", "x.yaml:1: is not YAML"),
        ("x.yaml", "a: &x [*x]\n", "x.yaml:1: too many parts, or nested too deep"),
        ("x.yaml", "a: \x07\n", "x.yaml: is not YAML"),
        ("x.json", '{"a": 1,\n}', "x.json:"),
        ("x.json", '{"a": 1, "a": 2}', "x.json: a is given twice in one object"),
        ("x.json", '{"a": NaN}', "x.json: NaN is not JSON"),
        ("x.json", "", "x.json:1: is not JSON"),
        ("x.ndjson", '{"a": 1}\n{"a": }\n', "x.ndjson:2: is not JSON"),
        ("x.json", "[" * 100_000, "x.json: nested too deep"),
    ],
)
def test_what_cannot_be_read_says_where(tmp_path: Path, name: str, text: str, expected: str) -> None:
    assert fault(tmp_path, name, text).startswith(expected)


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    assert "too many parts" in fault(tmp_path, "x.yaml", f"l0: &l0 [x]\n{levels}")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: \xff")
    with pytest.raises(Unreadable, match="must be UTF-8"):
        read_objects(path)


def test_a_folder_means_its_files(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.yaml", "b/a.yml", "b/notes.txt", "events.ndjson"):
        (tmp_path / name).write_text("a: 1", encoding="utf-8")
    assert find_files([tmp_path], YAML_ENDINGS) == [tmp_path / "b/a.yml", tmp_path / "z.yaml"]
    assert find_files([tmp_path, tmp_path / "z.yaml"], YAML_ENDINGS) == find_files([tmp_path], YAML_ENDINGS)


def test_what_holds_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"holds no file that ends in \.ndjson, \.jsonl"):
        find_files([tmp_path], LINES_ENDINGS)
    with pytest.raises(Unreadable, match=r"files that end in \.yaml, \.yml are allowed"):
        find_files([tmp_path / "x.toml"], YAML_ENDINGS)
    _, faults = read_documents([tmp_path / "missing.yaml"])
    assert [fault.message for fault in faults] == ["cannot be read: No such file or directory"]


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"), min_size=1)


@given(TEXTS | st.sampled_from(["NO", "null", "~", "1", "1e5", "2026-12-01", "on", "- a", "#", "{{#a}}x{{/a}}"]))
def test_what_is_exported_can_be_applied_again(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    """Whatever a text looks like, it comes back as the same text."""
    document = Template(tenant="a", name="key_is_ready", body=body)
    path = tmp_path_factory.mktemp("export") / "x.yaml"
    path.write_text(as_yaml(document), encoding="utf-8", newline="")
    (written,) = read_objects(path)
    assert written.value["body"] == body


def test_the_samples_are_without_fault() -> None:
    written, unreadable = read_documents([Path("deploy/samples/tenants")])
    validation = validate(written, development=False)
    assert (unreadable, validation.faults, validation.warnings) == ([], (), ())
    assert {document.tenant for document in validation.documents} >= {"harbour-house", "north-clinic", "platform"}
