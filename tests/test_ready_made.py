"""The ready-made schemas by name."""

from __future__ import annotations

import pytest

from lmextract.ready_made import ready_made, ready_made_names


def test_there_are_at_least_twelve() -> None:
    assert len(ready_made_names()) >= 12


@pytest.mark.parametrize("name", ["meeting_notes", "meeting-notes", "Meeting_Notes"])
def test_a_name_is_found_as_people_write_it(name: str) -> None:
    path = ready_made(name)

    assert path is not None
    assert path.name == "meeting_notes.json"


@pytest.mark.parametrize("name", ["", "boook", "book.json", "../schemas/book", "*"])
def test_what_is_no_name_is_none(name: str) -> None:
    assert ready_made(name) is None
