"""`extract`, `aextract` and the frozen `Extractor` behind them: a target, a server and how to ask, tied together."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypedDict, TypeVar, cast, overload

from lmextract._owned import Owned
from lmextract._rungs import remembering, rung
from lmextract.dialects import compile_schema, to_wire
from lmextract.drive import Event, arun, arun_streamed, run, run_streamed
from lmextract.errors import DocumentError, ExampleError
from lmextract.flow import Flow, Plan, extraction
from lmextract.prompt import preamble
from lmextract.servers._current import current_server
from lmextract.target import Target, target_of
from lmextract.types import Document, Extraction, Invalid, JsonSchema, Message, Options, Profile, Step, WireSchema

if TYPE_CHECKING:
    from typing_extensions import TypeForm, Unpack

    from lmextract._items import AsyncItemStream, ItemStream
    from lmextract.partial import Partial
    from lmextract.servers import Server

__all__ = ["Extractor", "aextract", "extract"]

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741  # an item

Examples: TypeAlias = Sequence[tuple[str, Any]]
SchemaSource: TypeAlias = "JsonSchema | os.PathLike[str] | str"


class How(TypedDict, total=False):
    """The keyword arguments that `Extractor`, `extract` and `aextract` share, for type checkers."""

    server: Server | None
    model: str | None
    instructions: str | None
    examples: Examples
    repairs: int
    think: bool
    options: Options | None
    context: Any
    on_step: Callable[[Step], object] | None


_NO_OPTIONS = Options()


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Extractor(Generic[T]):
    """Extracts one target from any number of documents; frozen, usable from threads and tasks at once, picklable.

    `target` is a type, a JSON Schema as a dict, or the path of one.  `server` None means the one of `use_server`, else
    the environment's; `model` None the one that is loaded.  `instructions` are added to the prompt.  `examples` are
    pairs of a text and its right value, checked against the target here.  `repairs` is how often a wrong reply is
    asked again.  `think` lets the model think freely first, within `options.think_tokens`.
    `context` reaches pydantic validators as `info.context`.  `on_step` is given each request with its reply, or with
    the error that came instead, as soon as that is there; what it raises ends the extraction.

    Raises TargetError for a target that no schema can express and ExampleError for an example that does not fit.
    """

    target: Any
    server: Server | None
    model: str | None
    instructions: str | None
    examples: Examples
    repairs: int
    think: bool
    options: Options
    context: Any
    on_step: Callable[[Step], object] | None
    _shown: tuple[tuple[str, str], ...]

    @overload
    def __init__(self, target: TypeForm[T], **how: Unpack[How]) -> None: ...
    @overload
    def __init__(self, target: Target[T], **how: Unpack[How]) -> None: ...
    @overload
    def __init__(self: Extractor[Any], target: SchemaSource, **how: Unpack[How]) -> None: ...
    def __init__(
        self,
        target: Any,
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
    ) -> None:
        if not isinstance(cast("Any", repairs), int) or repairs < 0:
            raise ValueError(f"repairs must be a whole number from 0 on, not {repairs!r}")
        if isinstance(cast("Any", server), str):
            raise TypeError(f"server must be a server, such as LMStudio({server!r}), not a str")
        examples = tuple(examples)
        fields = {
            "target": target,
            "server": server,
            "model": model,
            "instructions": instructions,
            "examples": examples,
            "repairs": repairs,
            "think": think,
            "options": options or _NO_OPTIONS,
            "context": context,
            "on_step": on_step,
            "_shown": _checked_examples(target_of(target), examples),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def run(self, text: str | Document) -> Extraction[T]:
        """Extract from one document; raises a ServerError, a ReplyError or a DocumentError where there is no value."""
        document, server = _document(text), self._server()
        return run(self._flow(document, server.profile(self.model), server), server)

    async def arun(self, text: str | Document) -> Extraction[T]:
        """Do as `run` does, awaited."""
        document, server = _document(text), self._server()
        return await arun(self._flow(document, await server.aprofile(self.model), server), server)

    def stream(self, text: str | Document) -> Generator[Partial | Extraction[T]]:
        """Extract from one document and tell on the way what has been written; the last is the validated extraction.

        Raises as `run` does.  Leaving early (`break`, `close`, an exception) stops the server.
        """
        from lmextract._progress import partials

        document, server = _document(text), self._server()
        return partials(self._events(document, server), target_of(self.target).schema)

    def astream(self, text: str | Document) -> AsyncGenerator[Partial | Extraction[T]]:
        """Do as `stream` does, awaited."""
        from lmextract._progress import apartials

        document, server = _document(text), self._server()
        return apartials(self._aevents(document, server), target_of(self.target).schema)

    def stream_items(self: Extractor[list[I]], text: str | Document) -> ItemStream[I]:
        """Extract a list from one document and give each item once, when it is complete and valid, in their order.

        An item that is not valid is asked again once the model has ended, and given then, with those behind it.
        Raises as `run` does, and TargetError for a target that is no list.
        """
        from lmextract._items import ItemProgress, ItemStream, item_target, items

        progress = ItemProgress(target_of(self.target), item_target(self.target), self.context)
        document, server = _document(text), self._server()
        return ItemStream(items(self._events(document, server, progress.target), progress))

    def astream_items(self: Extractor[list[I]], text: str | Document) -> AsyncItemStream[I]:
        """Do as `stream_items` does, awaited."""
        from lmextract._items import AsyncItemStream, ItemProgress, aitems, item_target

        progress = ItemProgress(target_of(self.target), item_target(self.target), self.context)
        document, server = _document(text), self._server()
        return AsyncItemStream(aitems(self._aevents(document, server, progress.target), progress))

    def _events(self, document: Document, server: Server, target: Target[Any] | None = None) -> Generator[Event[T]]:
        profile = server.profile(self.model)
        yield from run_streamed(self._flow(document, profile, server, attached=False, target=target), server)

    async def _aevents(
        self, document: Document, server: Server, target: Target[Any] | None = None
    ) -> AsyncGenerator[Event[T]]:
        profile = await server.aprofile(self.model)
        flow = self._flow(document, profile, server, attached=False, target=target)
        async with Owned(arun_streamed(flow, server)) as events:
            async for event in events:
                yield event

    def _server(self) -> Server:
        return self.server if self.server is not None else current_server()

    def _flow(
        self,
        document: Document,
        profile: Profile,
        server: Server,
        *,
        attached: bool = True,
        target: Target[Any] | None = None,
    ) -> Flow[T]:
        """The flow with its watchers; `attached` False for a driver that hands control to the caller in between.

        `target` is one with a stricter check of the same schema.
        """
        from lmextract.watching import watched, watchers_of  # not before it is used: it brings logging along

        declared = cast("Target[T]", target_of(self.target))
        wire, constant = _prepared(declared, profile.dialect, self.instructions, self._shown)
        taken, notes = rung(server, profile.model, wire)
        plan = Plan(
            target=target or declared,
            wire=taken,
            preamble=constant,
            profile=profile,
            options=self.options,
            repairs=self.repairs,
            context=self.context,
            think=self.think,
            notes=notes,
        )
        flow = remembering(extraction(plan, document), server, profile.model, wire)
        return watched(flow, watchers_of(declared, server, self.on_step, attached=attached))

    def __repr__(self) -> str:
        return f"Extractor({target_of(self.target).name}, server={self.server!r}, model={self.model!r})"


def _document(text: str | Document) -> Document:
    document = Document(text) if isinstance(text, str) else text
    if not isinstance(document, Document):  # pyright: ignore[reportUnnecessaryIsInstance]  # untyped callers
        raise TypeError(f"the text must be a str or a Document, not {type(text).__name__}: read or decode it first")
    if not document.text.strip():
        raise DocumentError("the text is empty: there is nothing to extract from.", source=document.source)
    if not document.text.isascii() and (lone := _lone_surrogate(document.text)) is not None:
        raise DocumentError(
            f"the text holds half a character (a lone surrogate) at {lone}.",
            source=document.source,
            hint="Decode it again with the right encoding, or with errors='replace'.",
        )
    return document


def _lone_surrogate(text: str) -> int | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None


def _checked_examples(target: Target[Any], examples: Examples) -> tuple[tuple[str, str], ...]:
    return tuple((text, _checked_example(target, number, value)) for number, (text, value) in enumerate(examples, 1))


def _checked_example(target: Target[Any], number: int, value: Any) -> str:
    """The value as JSON text, which unlike the value itself can be a key of a cache."""
    try:
        plain = target.dump(value)
    except ValueError as error:
        raise ExampleError(f"example {number} is no {target.name}: {error}") from None
    checked = target.check(plain)
    if isinstance(checked, Invalid):
        raise ExampleError(
            f"example {number} does not fit {target.name}: {'; '.join(map(str, checked.problems[:5]))}.",
            hint="Correct the example or the target: a model would copy the mistake.",
        )
    return json.dumps(plain)


@lru_cache(maxsize=256)
def _prepared(
    target: Target[Any], dialect: str, instructions: str | None, examples: tuple[tuple[str, str], ...]
) -> tuple[WireSchema, tuple[Message, ...]]:
    wire = compile_schema(target, dialect)
    shown = [(text, to_wire(json.loads(value), wire)) for text, value in examples]
    return wire, preamble(target.schema, wire=wire, instructions=instructions, examples=shown, name=target.name)


@overload
def extract(target: TypeForm[T], text: str | Document, **how: Unpack[How]) -> T: ...
@overload
def extract(target: Target[T], text: str | Document, **how: Unpack[How]) -> T: ...
@overload
def extract(target: SchemaSource, text: str | Document, **how: Unpack[How]) -> Any: ...
def extract(
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
) -> Any:
    """Extract a typed value from a text; the arguments are those of `Extractor`, whose `run` also tells how it went."""
    return (
        Extractor(
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
        .run(text)
        .value
    )


@overload
async def aextract(target: TypeForm[T], text: str | Document, **how: Unpack[How]) -> T: ...
@overload
async def aextract(target: SchemaSource, text: str | Document, **how: Unpack[How]) -> Any: ...
async def aextract(
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
) -> Any:
    """Do as `extract` does, awaited."""
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
    return (await extractor.arun(text)).value
