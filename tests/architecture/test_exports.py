"""Every public name is real, listed in order and documented."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import lmextract

PUBLIC = [
    "lmextract",
    *(
        module.name
        for module in pkgutil.walk_packages(lmextract.__path__, "lmextract.")
        if not any(part.startswith("_") for part in module.name.split("."))
    ),
]

every_module = pytest.mark.parametrize("name", PUBLIC)


def _order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each by name, as ruff's RUF022 has it."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def _public_members(kind: type) -> list[str]:
    members = {name: inspect.unwrap(member) for name, member in vars(kind).items() if not name.startswith("_")}
    return [name for name, member in members.items() if inspect.isroutine(member) or isinstance(member, property)]


@every_module
def test_all_lists_real_names_in_order(name: str) -> None:
    module = importlib.import_module(name)
    names = list(module.__all__)

    assert names == sorted(set(names), key=_order)
    assert [name for name in names if not hasattr(module, name)] == []


@every_module
def test_a_module_says_what_it_is_about(name: str) -> None:
    assert importlib.import_module(name).__doc__


@every_module
def test_public_classes_functions_and_methods_have_docstrings(name: str) -> None:
    module = importlib.import_module(name)
    exported = {name: getattr(module, name) for name in module.__all__}

    assert [name for name, thing in exported.items() if _is_documentable(thing) and not inspect.getdoc(thing)] == []
    assert list(_undocumented_methods(exported)) == []


def _is_documentable(thing: object) -> bool:
    return inspect.isclass(thing) or inspect.isroutine(thing) or isinstance(thing, ModuleType)


def _undocumented_methods(exported: dict[str, object]) -> list[str]:
    return [
        f"{name}.{member}"
        for name, thing in exported.items()
        if inspect.isclass(thing)
        for member in _public_members(thing)
        if not inspect.getdoc(getattr(thing, member))
    ]
