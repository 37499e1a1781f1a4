"""The site shows every page that there is, and no page promises a file that there is not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OUTSIDE_THE_SITE = sorted(ROOT.glob("*.md"))


def _pages_of(entry: Any) -> set[str]:
    match entry:
        case str():
            return {entry}
        case dict():
            return set().union(*map(_pages_of, entry.values()))
        case _:
            return set().union(*map(_pages_of, entry))


def test_every_page_is_in_the_navigation() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"]

    assert _pages_of(nav) == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}


def test_the_architecture_page_names_every_public_module() -> None:
    page = (DOCS / "architecture.md").read_text("utf-8")
    modules = {path.stem for path in (ROOT / "src" / "lmextract").iterdir() if not path.name.startswith(("_", "py."))}

    assert [module for module in sorted(modules) if f"`{module}`" not in page] == []


@pytest.mark.parametrize("page", OUTSIDE_THE_SITE, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    """The build of the site checks the links of all other pages."""
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text("utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []
