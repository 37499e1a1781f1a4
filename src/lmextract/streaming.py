"""`stream`, `stream_items` and their awaited twins: an extraction that can be watched while the model writes.

A stream is a generator: leave the loop, or close it, and the server stops.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, Any, TypeVar, overload

from lmextract._items import AsyncItemStream, ItemStream
from lmextract.extracting import Examples, Extractor, How, SchemaSource
from lmextract.partial import Partial
from lmextract.types import Document, Extraction, Options, Step

if TYPE_CHECKING:
    from typing_extensions import TypeForm, Unpack

    from lmextract.servers import Server
    from lmextract.target import Target

__all__ = ["AsyncItemStream", "ItemStream", "Partial", "astream", "astream_items", "stream", "stream_items"]

T = TypeVar("T")


@overload
def stream(target: TypeForm[T], text: str | Document, **how: Unpack[How]) -> Generator[Partial | Extraction[T]]: ...
@overload
def stream(target: Target[T], text: str | Document, **how: Unpack[How]) -> Generator[Partial | Extraction[T]]: ...
@overload
def stream(target: SchemaSource, text: str | Document, **how: Unpack[How]) -> Generator[Partial | Extraction[Any]]: ...
def stream(
    target: Any,
    text: str | Document,
    *,
    server: Server | None = None,
    model: str | None = None,
    instructions: str | None = None,
    examples: Examples = (),
    repairs: int = 2,
    think: bool = False,
    options: Options | None = None,
    context: Any = None,
    on_step: Callable[[Step], object] | None = None,
) -> Generator[Partial | Extraction[Any]]:
    """Extract, and yield a `Partial` whenever more of the value has been written; the last item is the `Extraction`.

    The arguments are those of `Extractor`.  A partial value is at most a hundredth of the reply behind it, and extends
    the one before it unless its `draft` is a higher one.  While only a part of the answer is asked again, none come.
    """
    extractor: Extractor[Any] = Extractor(
        target,
        server=server,
        model=model,
        instructions=instructions,
        examples=examples,
        repairs=repairs,
        think=think,
        options=options,
        context=context,
        on_step=on_step,
    )
    return extractor.stream(text)


@overload
def astream(
    target: TypeForm[T], text: str | Document, **how: Unpack[How]
) -> AsyncGenerator[Partial | Extraction[T]]: ...
@overload
def astream(target: Target[T], text: str | Document, **how: Unpack[How]) -> AsyncGenerator[Partial | Extraction[T]]: ...
@overload
def astream(
    target: SchemaSource, text: str | Document, **how: Unpack[How]
) -> AsyncGenerator[Partial | Extraction[Any]]: ...
def astream(
    target: Any,
    text: str | Document,
    *,
    server: Server | None = None,
    model: str | None = None,
    instructions: str | None = None,
    examples: Examples = (),
    repairs: int = 2,
    think: bool = False,
    options: Options | None = None,
    context: Any = None,
    on_step: Callable[[Step], object] | None = None,
) -> AsyncGenerator[Partial | Extraction[Any]]:
    """Do as `stream` does, awaited."""
    extractor: Extractor[Any] = Extractor(
        target,
        server=server,
        model=model,
        instructions=instructions,
        examples=examples,
        repairs=repairs,
        think=think,
        options=options,
        context=context,
        on_step=on_step,
    )
    return extractor.astream(text)


@overload
def stream_items(target: TypeForm[list[T]], text: str | Document, **how: Unpack[How]) -> ItemStream[T]: ...
@overload
def stream_items(target: SchemaSource, text: str | Document, **how: Unpack[How]) -> ItemStream[Any]: ...
def stream_items(
    target: Any,
    text: str | Document,
    *,
    server: Server | None = None,
    model: str | None = None,
    instructions: str | None = None,
    examples: Examples = (),
    repairs: int = 2,
    think: bool = False,
    options: Options | None = None,
    context: Any = None,
    on_step: Callable[[Step], object] | None = None,
) -> ItemStream[Any]:
    """Extract a list, and give each item once, as soon as it is complete and valid, in the order of the list.

    The arguments are those of `Extractor`.  An item that is not valid is asked again once the model has ended, and
    given then, with those behind it; an item equal to an earlier one waits for the next new one.  The notes are in
    `.extraction` at the end.
    """
    extractor: Extractor[Any] = Extractor(
        target,
        server=server,
        model=model,
        instructions=instructions,
        examples=examples,
        repairs=repairs,
        think=think,
        options=options,
        context=context,
        on_step=on_step,
    )
    return extractor.stream_items(text)


@overload
def astream_items(target: TypeForm[list[T]], text: str | Document, **how: Unpack[How]) -> AsyncItemStream[T]: ...
@overload
def astream_items(target: SchemaSource, text: str | Document, **how: Unpack[How]) -> AsyncItemStream[Any]: ...
def astream_items(
    target: Any,
    text: str | Document,
    *,
    server: Server | None = None,
    model: str | None = None,
    instructions: str | None = None,
    examples: Examples = (),
    repairs: int = 2,
    think: bool = False,
    options: Options | None = None,
    context: Any = None,
    on_step: Callable[[Step], object] | None = None,
) -> AsyncItemStream[Any]:
    """Do as `stream_items` does, awaited."""
    extractor: Extractor[Any] = Extractor(
        target,
        server=server,
        model=model,
        instructions=instructions,
        examples=examples,
        repairs=repairs,
        think=think,
        options=options,
        context=context,
        on_step=on_step,
    )
    return extractor.astream_items(text)
