"""What `-s` means: `module:Type`, `file.py:Type`, a JSON Schema file, or the name of a ready-made schema."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any, get_origin

from lmextract.errors import TargetError
from lmextract.ready_made import ready_made, ready_made_names
from lmextract.target import Target, target_of

__all__ = ["SPEC_HELP", "target_named"]

SPEC_HELP = (
    "module:Type, file.py:Type, a JSON Schema file, or a ready-made schema such as `book` (see `lmextract schema`)"
)

_NAMED = re.compile(r"(?P<home>.+):(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)")


def target_named(spec: str) -> Target[Any]:
    """Return the target that a word on the command line means; TargetError, saying what there is, for none."""
    named = _NAMED.fullmatch(spec)
    return target_of(_member(named["home"], named["name"]) if named else _schema_file(spec))


def _schema_file(spec: str) -> Path:
    path = Path(spec).expanduser()
    if path.suffix == ".py":
        raise TargetError(f"{spec} is a Python file, not a type.", hint=f"Name the type in it: {spec}:Book.")
    is_path = path.suffix.lower() == ".json" or "/" in spec or os.sep in spec
    found = None if is_path else ready_made(spec)
    if found is not None:
        return found
    if is_path or path.is_file():
        return path
    raise TargetError(
        f"there is no ready-made schema {spec!r}, and no such file.",
        hint=f"Ready-made are: {', '.join(ready_made_names()) or 'none'}. "
        "Your own: module:Type, file.py:Type, or the path of a JSON Schema file.",
    )


def _member(home: str, name: str) -> Any:
    """The object of a dotted name in a module or Python file."""
    module = _from_file(home) if home.endswith(".py") else _from_module(home)
    found: Any = module
    for step in name.split("."):
        try:
            found = getattr(found, step)
        except AttributeError:
            types = ", ".join(_types_in(module))
            raise TargetError(
                f"{home} has no {name}.", hint=f"It has: {types}." if types else "It declares no types."
            ) from None
    if isinstance(found, str | Path | ModuleType) or inspect.isroutine(found):
        raise TargetError(
            f"{home}:{name} is a {type(found).__name__}, not a type.",
            hint="Name a class, a type alias, or a dict that is a JSON Schema.",
        )
    return found


def _types_in(module: ModuleType) -> list[str]:
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (get_origin(value) is not None or (isinstance(value, type) and value.__module__ == module.__name__))
    )


def _from_module(name: str) -> ModuleType:
    with _importing(Path.cwd(), name):
        return importlib.import_module(name)


def _from_file(name: str) -> ModuleType:
    path = Path(name).expanduser()
    if not path.is_file():
        raise TargetError(f"there is no file {name}.", hint="Give the path of a Python file: path/to/file.py:Type.")
    # Not under its own name: a file types.py must not take the place of Python's module.
    module_name = f"lmextract_schema_{path.stem}"
    found = importlib.util.spec_from_file_location(module_name, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[module_name] = module  # where pydantic looks for what annotations name
    with _importing(path.parent.resolve(), name):
        found.loader.exec_module(module)
    return module


@contextmanager
def _importing(folder: Path, name: str) -> Generator[None]:
    """Let a user's module find its neighbours, keep what it prints out of the results, and explain how it fails."""
    sys.path.insert(0, str(folder))
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        raise TargetError(f"{name} cannot be imported: {_told(error)}.", hint=_advice(error, name)) from error
    finally:
        sys.path.remove(str(folder))


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".: ")


def _advice(error: BaseException, name: str) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == name.partition(".")[0]:
        return "Modules are looked for in this folder and among the installed packages; a file is file.py:Type."
    return "`--debug` shows where."
