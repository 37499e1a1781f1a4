"""The pages of user code in this folder are never run: they must pass both type checkers, strictly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(str(page) for page in Path(__file__).parent.glob("*.py") if not page.name.startswith("test_"))


CHECKERS = {"mypy": [], "pyright": ["--pythonpath", sys.executable]}


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.skipif(not PAGES, reason="there is no page of user code yet")
def test_user_code_passes_the_type_checker(checker: str) -> None:
    command = [sys.executable, "-m", checker, *CHECKERS[checker], *PAGES]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
