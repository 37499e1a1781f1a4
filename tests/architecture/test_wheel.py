"""What a user gets from pip is what stands in the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def files_in_wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel built from the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    with ZipFile(next(folder.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


def test_the_wheel_carries_every_schema(files_in_wheel: set[str]) -> None:
    schemas = {f"lmextract/schemas/{path.name}" for path in (ROOT / "schemas").glob("*.json")}

    assert schemas
    assert schemas <= files_in_wheel


def test_the_wheel_carries_every_module_and_says_that_it_is_typed(files_in_wheel: set[str]) -> None:
    source = ROOT / "src"
    modules = {path.relative_to(source).as_posix() for path in (source / "lmextract").rglob("*.py")}

    assert modules | {"lmextract/py.typed"} <= files_in_wheel
