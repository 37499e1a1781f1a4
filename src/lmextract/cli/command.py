"""One command of the program, as data."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Command"]


@dataclass(frozen=True, slots=True)
class Command:
    """A name, a line for the list of commands, a paragraph for its own help, its arguments, and what it does."""

    name: str
    help: str
    about: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
