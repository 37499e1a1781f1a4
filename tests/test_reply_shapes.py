"""Every shape that replies come in, and every fault that asking again must cure, over HTTP and in every mode.

The cases are those of `python benchmarks/repair.py`, which keeps score and tells what repairs cost.
"""

from __future__ import annotations

import pytest
from benchmarks.repair_cases import FAULTS, SHAPES
from benchmarks.repair_lab import BOOK, MODES, Book, book, played, verdict

from lmextract import Extraction, LMExtractError, Note

every_mode = pytest.mark.parametrize("mode", MODES)


@every_mode
@pytest.mark.parametrize("name", SHAPES)
def test_a_reply_of_any_shape_gives_the_right_value_or_the_right_error(name: str, mode: str) -> None:
    outcome = played(SHAPES[name], mode).outcome

    assert verdict(SHAPES[name], outcome) in ("right", "typed error"), outcome


@every_mode
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_cured_in_at_most_two_repairs(name: str, mode: str) -> None:
    run = played(FAULTS[name], mode)

    assert verdict(FAULTS[name], run.outcome) == "right", run.outcome
    assert run.repairs <= 2


def test_the_verdict_on_a_wrong_value_is_never_good() -> None:
    wrong = Book.model_validate({**BOOK, "year": 1984})

    assert verdict(book(), Extraction(wrong)) == "silently wrong"
    assert verdict(book(), Extraction(wrong, (Note("repaired", "x"),))) == "loud"
    assert verdict(book(), LMExtractError("x")) == "wrong error"
    assert verdict(book(errors=(LMExtractError,)), Extraction(Book.model_validate(BOOK))) == "silently wrong"


def test_the_verdict_on_a_right_value_without_its_note_is_not_good() -> None:
    assert verdict(book(noted="truncated"), Extraction(Book.model_validate(BOOK))) == "silently wrong"
