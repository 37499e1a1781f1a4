"""Who may import what: the contracts of `pyproject.toml`, and the homes of what is not an import of a library."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "lmextract"
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}

HOMES = {
    "os.environ": ("settings.py",),
    "os.getenv": ("settings.py",),
    "asyncio": ("drive.py", "servers/", "testing/"),
    "threading": ("drive.py", "servers/", "testing/"),
    "concurrent.futures": ("drive.py", "servers/", "testing/"),
    "multiprocessing": ("servers/",),
    "subprocess": ("servers/",),
    "random": ("servers/", "testing/"),
    "secrets": ("servers/", "testing/"),
    "time": ("servers/", "testing/", "cli/", "watching.py"),
    "socket": ("servers/", "testing/"),
    "urllib.request": (),
    "http.client": (),
    "requests": (),
    "unittest.mock": (),
}
"""Names that only the modules on their right may use; a folder stands for all that is in it."""


def test_the_contracts_of_import_linter_are_kept() -> None:
    check = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_logo=True, no_cache=True))"
    result = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", HOMES)
def test_effects_stay_at_home(name: str) -> None:
    guests = [module for module, path in MODULES.items() if name in _names_used(path)]

    assert [module for module in guests if not module.startswith(HOMES[name])] == []


@cache
def _names_used(path: Path) -> frozenset[str]:
    """Modules imported, members imported from them, and attributes, all as dotted names."""
    tree = ast.parse(path.read_text("utf-8"))
    attributes = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return frozenset({*_modules_imported(tree), *_members_imported(tree), *attributes})


def _modules_imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def _members_imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
