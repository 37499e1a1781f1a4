"""The decorator: a typed function whose signature is the question and whose body is never run.

The first parameter is the document, the docstring is the instruction with the other parameters formatted into it, and
the return annotation is the target.
"""

from __future__ import annotations

import functools
import inspect
import string
from collections.abc import Callable, Coroutine
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypedDict, TypeVar, cast, get_type_hints, overload

from lmextract.extracting import Examples, Extractor
from lmextract.types import Document, Extraction, Options, Step

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from lmextract.servers import Server

__all__ = ["AsyncExtractingFunction", "ExtractingFunction", "extractor"]

P = ParamSpec("P")
T = TypeVar("T")


class DecoratorHow(TypedDict, total=False):
    """The keyword arguments of the decorator, for type checkers."""

    server: Server | None
    model: str | None
    examples: Examples
    repairs: int
    think: bool
    options: Options | None
    context: Any
    on_step: Callable[[Step], object] | None


class _Decorator(Protocol):
    @overload
    def __call__(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]  # the first match decides
        self, function: Callable[P, Coroutine[Any, Any, T]], /
    ) -> AsyncExtractingFunction[P, T]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> ExtractingFunction[P, T]: ...


class _Extracting(Generic[P, T]):
    """What both kinds of decorated function share: the declaration, read once."""

    def __init__(self, function: Callable[P, Any], how: DecoratorHow) -> None:
        functools.update_wrapper(cast("Callable[..., Any]", self), function)
        self._name = function.__qualname__
        self._signature = inspect.signature(function)
        self._target = _return_type(function)
        self._document, others = _parameters(function, self._signature)
        self._instruction = inspect.cleandoc(function.__doc__ or "")
        self._formatted = _check_fields(function, self._instruction, others)
        self._how = how
        # Made now, so that a target that cannot be expressed is found where it is declared.
        self._plain: Extractor[T] = Extractor(self._target, instructions=self._instruction or None, **how)

    def _ask(self, *args: P.args, **kwargs: P.kwargs) -> tuple[Extractor[T], str | Document]:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        document = bound.arguments[self._document]
        if not self._formatted:
            return self._plain, document
        instruction = self._instruction.format(**bound.arguments)
        return Extractor(self._target, instructions=instruction, **self._how), document

    def __reduce__(self) -> str:
        # By its name, as any function: the decorated one stands where the plain one stood.
        return self._name

    def __repr__(self) -> str:
        return f"<extractor {self._name}{self._signature}>"


class ExtractingFunction(_Extracting[P, T]):
    """A decorated function: call it for the value, `run` it for the whole `Extraction`."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Extract the value."""
        return self.run(*args, **kwargs).value

    def run(self, *args: P.args, **kwargs: P.kwargs) -> Extraction[T]:
        """Extract the value with its notes, attempts and usage."""
        extractor, document = self._ask(*args, **kwargs)
        return extractor.run(document)


class AsyncExtractingFunction(_Extracting[P, T]):
    """A decorated `async def`: await it for the value, await `run` for the whole `Extraction`."""

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Extract the value."""
        return (await self.run(*args, **kwargs)).value

    async def run(self, *args: P.args, **kwargs: P.kwargs) -> Extraction[T]:
        """Extract the value with its notes, attempts and usage."""
        extractor, document = self._ask(*args, **kwargs)
        return await extractor.arun(document)


@overload
def extractor(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]  # as above
    function: Callable[P, Coroutine[Any, Any, T]], /
) -> AsyncExtractingFunction[P, T]: ...
@overload
def extractor(function: Callable[P, T], /) -> ExtractingFunction[P, T]: ...
@overload
def extractor(**how: Unpack[DecoratorHow]) -> _Decorator: ...
def extractor(
    function: Callable[..., Any] | None = None,
    /,
    *,
    server: Server | None = None,
    model: str | None = None,
    examples: Examples = (),
    repairs: int = 2,
    think: bool = False,
    options: Options | None = None,
    context: Any = None,
    on_step: Callable[[Step], object] | None = None,
) -> Any:
    """Turn a typed function into an extraction: `@extractor` or `@extractor(model=..., ...)`, on `def` and `async def`.

    The arguments are those of `Extractor`; the instructions are the docstring, in which `{name}` stands for the
    parameter of that name.  Raises TypeError for a function without a document parameter or a return type, and for a
    docstring that names a parameter there is none of.
    """
    how = DecoratorHow(
        server=server,
        model=model,
        examples=examples,
        repairs=repairs,
        think=think,
        options=options,
        context=context,
        on_step=on_step,
    )

    def decorate(function: Callable[..., Any]) -> Any:
        if not isinstance(function, FunctionType):
            raise TypeError(f"@extractor decorates functions, not {function!r}")
        kind: Any = AsyncExtractingFunction if inspect.iscoroutinefunction(function) else ExtractingFunction
        return kind(function, how)

    return decorate if function is None else decorate(function)


def _return_type(function: Callable[..., Any]) -> Any:
    named = f"{function.__qualname__}()"
    returned = inspect.get_annotations(function).get("return", inspect.Signature.empty)
    if returned is inspect.Signature.empty:
        raise TypeError(f"{named} needs a return annotation: it is what @extractor extracts")
    try:
        # Only what is returned: the others' types may be there for type checkers alone.
        alone = FunctionType(function.__code__, function.__globals__)
        alone.__annotations__ = {"return": returned}
        target = get_type_hints(alone, localns=_callers_names(), include_extras=True)["return"]
    except NameError as error:
        raise TypeError(f"the annotations of {named} cannot be resolved: {error}") from None
    if target is type(None):
        raise TypeError(f"{named} returns None: annotate what @extractor is to extract")
    return target


def _callers_names() -> dict[str, Any]:
    """The local names where the decorator stands, so that types declared within a function resolve too."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") in (__name__, "functools"):
        frame = frame.f_back
    return dict(frame.f_locals) if frame is not None else {}


def _parameters(function: Callable[..., Any], signature: inspect.Signature) -> tuple[str, frozenset[str]]:
    """The name of the document's parameter, and those of all."""
    parameters = list(signature.parameters.values())
    usable = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not parameters or parameters[0].kind not in usable or parameters[0].name in ("self", "cls"):
        raise TypeError(f"{function.__qualname__}() needs the document as its first parameter, and is no method")
    return parameters[0].name, frozenset(signature.parameters)


def _check_fields(function: Callable[..., Any], instruction: str, names: frozenset[str]) -> bool:
    """Whether the docstring has fields to fill in; TypeError for those that no parameter fills."""
    where = f"the docstring of {function.__qualname__}()"
    try:
        parsed = [
            (field, spec or "") for _, field, spec, _ in string.Formatter().parse(instruction) if field is not None
        ]
    except ValueError as error:
        raise TypeError(f"{where} is no format string: {error}; write {{{{ for {{") from None
    # Plain names only: no attributes, no items, no fields within fields.
    unknown = [field for field, spec in parsed if field not in names or "{" in spec]
    if unknown:
        raise TypeError(f"{where} names {{{unknown[0]}}}, which is no parameter; write {{{{ for {{")
    return bool(parsed) or "{{" in instruction or "}}" in instruction
