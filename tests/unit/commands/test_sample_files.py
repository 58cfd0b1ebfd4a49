"""The samples that come with the notifier: one of an event's name is found wherever it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifier.commands import sample_files
from notifier.commands.sample_files import sample_event


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Samples of this test in place of ours."""
    (tmp_path / "events" / "care").mkdir(parents=True)
    (tmp_path / "events.yaml").write_text("{type: order.shipped, id: story}\n---\n{type: cart.checkout, id: story}\n")
    monkeypatch.setattr(sample_files, "sample_folder", lambda: tmp_path)
    return tmp_path


def identity(event_type: str) -> object:
    found = sample_event(event_type)
    return None if found is None else found["id"]


def test_a_file_of_the_events_name_comes_first(folder: Path) -> None:
    assert identity("order.shipped") == "story"
    (folder / "events" / "all.json").write_text('[{"type": "order.shipped", "id": "all"}]')
    assert identity("order.shipped") == "all"
    (folder / "events" / "care" / "order.shipped.yaml").write_text("{type: order.shipped, id: own}")
    assert (identity("order.shipped"), identity("cart.checkout")) == ("own", "story")


def test_what_has_no_sample_is_none(folder: Path) -> None:
    assert identity("order.created") is None


@pytest.mark.parametrize("event_type", ["order.shipped", "order.created", "customer.signup", "webhook.event"])
def test_the_samples_that_we_ship_are_found(event_type: str) -> None:
    found = sample_event(event_type)
    assert found is not None
    assert found["type"] == event_type
