"""One request on its way through the fake: what was asked, what goes wrong with it, and how it is answered."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lmextract.testing.fake import errors, speech
from lmextract.testing.fake.errors import Refused
from lmextract.testing.fake.faults import Fault
from lmextract.testing.fake.http import Answer, Connection
from lmextract.testing.fake.invent import PROSE, NothingFits, invent_text
from lmextract.testing.fake.replies import Head
from lmextract.testing.fake.speech import Said
from lmextract.testing.fake.sse import Frames, error_event, pieces
from lmextract.testing.fake.state import Instance, Job, Studio
from lmextract.testing.fake.values import Reasoning, RecordedRequest, Timing, Unsettled
from lmextract.testing.script import Script, text_of
from lmextract.types import Json, Reply

__all__ = ["Ask", "Call", "Dropped", "Manners"]

NO_FAULT = Fault()
_BATCH_BYTES = 64 * 1024
_GOLDEN = 0x9E3779B97F4A7C15F39D  # odd, so that no id comes twice


@dataclass(slots=True)
class Manners:
    """How this fake behaves; only `script` and `faults` are ever exchanged, by the facade."""

    studio: Studio
    script: Script[dict[str, Any]] | None
    faults: Callable[[RecordedRequest], Fault | None]
    reasoning: Reasoning
    timing: Timing
    unsettled: Unsettled
    token: str | None
    embed: Callable[[str], Sequence[float]] | None
    careless: bool
    failed: Callable[[BaseException], None]
    replied: int = 0
    stored: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class Ask:
    """What a model is asked, whichever route it came by; `prompt` counts tokens, `schema` is JSON text."""

    body: dict[str, Any]
    model: str | None
    prompt: int
    schema: str | None = None
    limit: int | None = None
    thinks: bool = True
    stream: bool = False
    ttl_s: float | None = None


class Call:
    """One request, its fault and its connection."""

    __slots__ = ("body", "fault", "manners", "out", "record", "started")

    def __init__(
        self, record: RecordedRequest, body: dict[str, Any], fault: Fault | None, manners: Manners, out: Connection
    ) -> None:
        self.record = record
        self.body = body
        self.fault = fault or NO_FAULT
        self.manners = manners
        self.out = out
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self.started

    def head(self, model: str) -> Head:
        """The next reply's identity; ids are in order, not random."""
        self.manners.replied += 1
        number = self.manners.replied * _GOLDEN % 16**20
        return Head(f"chatcmpl-{number:020x}", int(time.time()), model)

    # --- asking the model

    async def said_by(self, instance: Instance, job: Job, ask: Ask) -> Said:
        """What the model says; raises Refused where the engine or the context stand against it."""
        prose = self._refused_schema(instance, ask)
        room = instance.context_length - ask.prompt
        if room <= 0:
            if self.manners.unsettled.too_long == "refuse":
                era = self.manners.studio.overflow.era
                raise Refused(errors.prompt_too_long(era, ask.prompt, instance.context_length))
            room = instance.context_length
        said = await self._answer(instance, ask, room, prose=prose)
        instance.claim(job, min(ask.prompt, instance.context_length) + said.completion_tokens, shared=self._shared)
        return said

    @property
    def _shared(self) -> bool:
        return self.manners.studio.overflow.shared_pool

    def _refused_schema(self, instance: Instance, ask: Ask) -> bool:
        """Whether the engine fails open on this schema; raises Refused where it does not."""
        reason = None if ask.schema is None else instance.engine.refusal(ask.schema)
        if reason is not None and not instance.engine.fails_open:
            raise Refused(instance.engine.wrap(reason))
        return reason is not None

    async def _answer(self, instance: Instance, ask: Ask, room: int, *, prose: bool) -> Said:
        scripted = await self._scripted(ask)
        if isinstance(scripted, Reply):
            return speech.say_reply(scripted)
        if isinstance(scripted, Fault):
            self.fault = scripted
            await self.apply(scripted)
            scripted = None
        text = self._invented(instance, ask, prose=prose) if scripted is None else text_of(scripted)
        if ask.schema is not None and not prose:
            text = instance.engine.emits(text)
        return speech.say(text, self.manners.reasoning, thinks=ask.thinks, limit=ask.limit, room=room)

    async def _scripted(self, ask: Ask) -> Json:
        if self.manners.script is None:
            return None
        try:
            scripted = self.manners.script.next(ask.body)
            return await scripted if inspect.isawaitable(scripted) else scripted
        except Exception as error:  # the user's function: the client hears of it, `with` raises it
            self.manners.failed(error)
            raise Refused(errors.string_error(f"FakeLMStudio: no reply: {type(error).__name__}: {error}")) from error

    def _invented(self, instance: Instance, ask: Ask, *, prose: bool) -> str:
        if ask.schema is None or prose:
            return PROSE
        ignores = instance.engine.ignores if self.manners.careless else frozenset[str]()
        try:
            return invent_text(ask.schema, ignores)
        except NothingFits as error:
            self.manners.failed(error)
            raise Refused(errors.string_error(f"FakeLMStudio: {error}; give it replies")) from error

    # --- answering

    async def apply(self, fault: Fault) -> None:
        """Let happen what goes wrong before a reply; raises Refused, or Dropped where the connection is gone."""
        if fault.delay_s:
            await Job().sleep(fault.delay_s)
        if fault.leaves:
            self._leave(fault.answer)
        if fault.drop is not None and fault.after is None:
            self.out.drop(reset=fault.drop == "reset")
            raise Dropped
        if fault.answer is not None:
            raise Refused(fault.answer)

    def _leave(self, answer: Answer | None) -> None:
        studio = self.manners.studio
        name = self.body.get("model")
        instance = studio.loaded(name) if isinstance(name, str) else None
        embeds = self.record.path.endswith("/embeddings")
        instance = instance or next((one for one in studio.instances if one.model.embeds is embeds), None)
        if instance is not None and answer is not None:
            studio.drop(instance, answer)

    async def wait(self, job: Job, said: Said) -> None:
        """Let the time pass that a whole reply takes."""
        timing = self.manners.timing
        await job.sleep(timing.first_token_s + timing.token_s * said.completion_tokens)

    def send(self, answer: Answer) -> None:
        """Answer with a whole body, or with as much of it as its fault allows."""
        fault = self.fault
        if fault.event is not None:
            answer = errors.string_error(fault.event)
        if fault.drop is not None and fault.after is not None:
            self.out.send_part(answer, len(answer.body) // 2)
            self.out.drop(reset=fault.drop == "reset")
            raise Dropped
        self.out.send(answer)

    def send_refusal(self, answer: Answer) -> None:
        """Answer with a refusal; faults of replies do not touch it."""
        self.out.send(answer)

    async def stream(self, job: Job, said: Said, frames: Frames) -> None:
        """Answer with events; what goes wrong from here on is an event too."""
        timing, out = self.manners.timing, self.out
        out.begin("text/event-stream")
        await out.write(frames.opening())
        try:
            await job.sleep(timing.first_token_s)
            if timing.token_s == 0 and self.fault.after is None:
                for batch in _batches(frames.piece(channel, text) for channel, text in pieces(said)):
                    await out.write(batch)
            else:
                for at, (channel, text) in enumerate(pieces(said)):
                    await self._interrupt(at, frames)
                    await job.sleep(timing.token_s)
                    await out.write(frames.piece(channel, text))
                await self._interrupt(None, frames)
        except Refused as refused:
            await out.write(frames.error(refused.message, done=self.manners.unsettled.done_after_error, repeated=False))
        except _Interrupted:
            pass
        else:
            await out.write(frames.closing(said))
        out.end()

    async def _interrupt(self, at: int | None, frames: Frames) -> None:
        """Let the fault of a stream happen before piece `at`, at the latest after the last."""
        fault = self.fault
        if fault.after is None or (at is not None and at < fault.after):
            return
        if fault.drop is not None:
            await asyncio.sleep(0.01)  # the pieces before it shall arrive: a reset throws away what waits to be sent
            self.out.drop(reset=fault.drop == "reset")
            raise Dropped
        if fault.event is not None:
            done = self.manners.unsettled.done_after_error
            await self.out.write(frames.error(fault.event, done=done, repeated=fault.repeated))
            raise _Interrupted

    async def refuse_in_stream(self, answer: Answer) -> None:
        """A refusal after the headers have gone."""
        self.out.begin("text/event-stream")
        await self.out.write(error_event(Refused(answer).message, done=self.manners.unsettled.done_after_error))
        self.out.end()


def _batches(frames: Iterator[bytes]) -> Iterator[bytes]:
    """Frames put together to writes of some size; one write for all of them would not feel a client that is slow."""
    waiting, size = list[bytes](), 0
    for frame in frames:
        waiting.append(frame)
        size += len(frame)
        if size > _BATCH_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


class Dropped(Exception):
    """The connection was closed on purpose; nothing is left to answer."""


class _Interrupted(Exception):
    pass
