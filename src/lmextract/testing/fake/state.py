"""What changes while the fake runs: models in memory, their slots and queues, the context that these share, downloads.

Everything that changes that state is in this file, and it is only touched from the server's own event loop.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from lmextract.testing.fake import errors
from lmextract.testing.fake.engines import Engine, EngineName, engine_named
from lmextract.testing.fake.errors import Refused
from lmextract.testing.fake.http import Answer
from lmextract.testing.fake.values import FakeModel, Loading, Overflow, Timing

__all__ = ["Download", "Instance", "Job", "Studio"]


class Job:
    """One request in a slot; `tokens` is its share of the context."""

    __slots__ = ("_failure", "_waiter", "tokens")

    def __init__(self) -> None:
        self.tokens = 0
        self._waiter: asyncio.Future[None] | None = None
        self._failure: Answer | None = None

    async def sleep(self, seconds: float) -> None:
        """Let time pass; raises Refused as soon as the job is made to fail."""
        if self._failure is None and seconds > 0:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = None if math.isinf(seconds) else loop.call_later(seconds, _wake, self._waiter)
            try:
                await self._waiter
            finally:
                if timer is not None:
                    timer.cancel()
        if self._failure is not None:
            raise Refused(self._failure)

    def fail(self, answer: Answer) -> None:
        """Make it end with this answer."""
        self._failure = answer
        _wake(self._waiter)


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


class Instance:
    """A model in memory, with `parallel` slots; whoever finds them taken waits in a queue without end."""

    __slots__ = "active context_length engine id jit last_used model parallel queue ttl_s".split()

    def __init__(
        self, name: str, model: FakeModel, *, engine: Engine, context_length: int, parallel: int, ttl_s: float | None
    ) -> None:
        self.id = name
        self.model = model
        self.engine = engine
        self.context_length = context_length
        self.parallel = parallel
        self.ttl_s = ttl_s
        self.jit = ttl_s is not None
        self.last_used = time.monotonic()
        self.active: set[Job] = set()
        self.queue: deque[asyncio.Future[Job]] = deque()

    async def enter(self) -> Job:
        """Wait for a slot."""
        if len(self.active) < self.parallel:
            return self._seat()
        place: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        self.queue.append(place)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave(place.result())
            raise

    def leave(self, job: Job) -> None:
        """Give the slot to the next in the queue."""
        self.active.discard(job)
        self.last_used = time.monotonic()
        while self.queue and len(self.active) < self.parallel:
            place = self.queue.popleft()
            if not place.done():
                place.set_result(self._seat())

    def claim(self, job: Job, tokens: int, *, shared: bool) -> None:
        """Take a share of the context; where it is shared and full, every job in it fails (BT#1757)."""
        job.tokens = tokens
        if not shared or sum(other.tokens for other in self.active) <= self.context_length or len(self.active) < 2:
            return
        full = errors.engine_stream(errors.CONTEXT_EXCEEDED)
        for other in self.active:
            other.fail(full)
        raise Refused(full)

    def end(self, active: Answer, queued: Answer) -> None:
        """Fail everything that it was working on or was to work on."""
        for job in self.active:
            job.fail(active)
        for place in self.queue:
            if not place.done():
                place.set_exception(Refused(queued))
        self.queue.clear()

    @property
    def expired(self) -> bool:
        """Whether it has been idle for longer than it may."""
        idle = self.ttl_s is not None and not self.active and not self.queue
        return idle and time.monotonic() - self.last_used > (self.ttl_s or 0.0)

    def _seat(self) -> Job:
        job = Job()
        self.active.add(job)
        return job


@dataclass(frozen=True, slots=True)
class Download:
    """A download job; how far it is follows from the clock."""

    id: str
    model: FakeModel
    started: float
    seconds: float

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        passed = time.time() - self.started
        return 1.0 if self.seconds <= 0 or passed >= self.seconds else max(0.0, passed / self.seconds)

    @property
    def status(self) -> str:
        """In LM Studio's words."""
        if self.progress < 1:
            return "downloading"
        return "completed" if self.model.broken is None else "failed"


class Studio:
    """The downloaded models, those in memory, and the rules by which a name finds one."""

    def __init__(
        self,
        models: Iterable[FakeModel | str],
        *,
        catalog: Iterable[FakeModel],
        engine: Engine | EngineName,
        context_length: int,
        parallel: int,
        loading: Loading,
        overflow: Overflow,
        timing: Timing,
    ) -> None:
        self.models = [FakeModel(model) if isinstance(model, str) else model for model in models]
        self.catalog = tuple(catalog)
        self.instances: list[Instance] = []
        self.downloads: dict[str, Download] = {}
        self.loading, self.overflow, self.timing = loading, overflow, timing
        self._engine: Engine | EngineName = engine
        self._context_length, self._parallel = context_length, parallel
        self._coming: dict[str, asyncio.Future[Instance]] = {}
        for model in self.models:
            if model.loaded:
                self._place(model, name=model.identifier)

    # --- looking

    def refresh(self) -> None:
        """Let go what has been idle for too long, take in what has been downloaded."""
        for instance in [instance for instance in self.instances if instance.expired]:
            self.unload(instance)
        for job in self.downloads.values():
            if job.progress >= 1 and job.model.broken is None and self.downloaded(job.model.key) is None:
                self.models.append(job.model)

    def downloaded(self, name: str) -> FakeModel | None:
        """The model with that key; upper and lower case are the same."""
        return next((model for model in self.models if model.key.lower() == name.lower()), None)

    def loaded(self, name: str) -> Instance | None:
        """The instance with that id, or one of the model with that key."""
        lowered = name.lower()
        by_id = (instance for instance in self.instances if instance.id.lower() == lowered)
        by_key = (instance for instance in self.instances if instance.model.key.lower() == lowered)
        return next(by_id, None) or next(by_key, None)

    def engine_of(self, model: FakeModel) -> Engine:
        """The engine that runs it."""
        return engine_named(model.engine or self._engine)

    def not_found(self, name: str) -> Refused:
        """The refusal of a name that stands for nothing."""
        return Refused(errors.model_not_found(name, (model.key for model in self.models)))

    # --- finding the model for a request

    async def instance_for(self, name: str | None, *, embeds: bool = False, ttl_s: float | None = None) -> Instance:
        """The instance that serves a request for this model, loaded if it must be; raises Refused."""
        self.refresh()
        able = [instance for instance in self.instances if instance.model.embeds is embeds]
        if not name:
            return self._only(able)
        found = self.loaded(name)
        if found is None:
            model = self.downloaded(name)
            if model is not None and self.loading.jit and model.embeds is embeds:
                return await self.load_just_in_time(model, ttl_s)
            if model is not None and model.embeds is not embeds:
                raise self.not_found(name)
            if len(able) == 1:
                return able[0]  # whatever was asked for: BT#619
            if not able and not self.loading.jit:
                raise Refused(errors.no_models_loaded())
            raise self.not_found(name)
        if found.model.embeds is not embeds:
            raise self.not_found(name)
        return found

    def _only(self, able: list[Instance]) -> Instance:
        if not able:
            raise Refused(errors.no_models_loaded())
        if len(able) > 1:
            raise Refused(errors.several_models_loaded(instance.id for instance in able))
        return able[0]

    async def load_just_in_time(self, model: FakeModel, ttl_s: float | None) -> Instance:
        """Load on demand; those who ask meanwhile wait for the same load, or start one of their own."""
        coming = self._coming.get(model.key)
        if coming is not None and not self.loading.duplicates:
            return await asyncio.shield(coming)
        arrival: asyncio.Future[Instance] = asyncio.get_running_loop().create_future()
        self._coming[model.key] = arrival
        arrival.add_done_callback(lambda done: None if done.cancelled() else done.exception())
        try:
            instance = await self._load(model, ttl_s=self.loading.ttl_s if ttl_s is None else ttl_s)
        except BaseException as error:
            cancelled = Refused(errors.load_failed(model.key, "Operation canceled."))
            arrival.set_exception(error if isinstance(error, Refused) else cancelled)
            raise
        else:
            arrival.set_result(instance)
            return instance
        finally:
            if self._coming.get(model.key) is arrival:
                del self._coming[model.key]

    async def _load(self, model: FakeModel, *, ttl_s: float | None, context_length: int | None = None) -> Instance:
        if ttl_s is not None and self.loading.auto_evict:
            for instance in [one for one in self.instances if one.jit and one.model.key != model.key]:
                self.unload(instance)
        if self.timing.load_s > 0:
            await asyncio.sleep(self.timing.load_s)
        if model.broken is not None:
            raise Refused(errors.load_failed(model.key, model.broken))
        return self._place(model, ttl_s=ttl_s, context_length=context_length)

    # --- changing what is in memory

    async def load(self, model: FakeModel, *, context_length: int | None = None) -> Instance:
        """Load explicitly: never evicted, never too idle."""
        return await self._load(model, ttl_s=None, context_length=context_length)

    def unload(self, instance: Instance) -> None:
        """Take it out of memory; what waited for it is refused, what it was answering fails."""
        self._remove(instance)
        instance.end(errors.unloaded(), errors.unloaded_in_queue())

    def crash(self, instance: Instance, exit_code: int | None = None) -> None:
        """Its process dies, with everything that it was working on."""
        self.drop(instance, errors.crashed(exit_code))

    def drop(self, instance: Instance, answer: Answer) -> None:
        """Take it out of memory; everything that it was working on, or was to, ends with this answer."""
        self._remove(instance)
        instance.end(answer, answer)

    def download(self, name: str) -> Download:
        """Begin to download the model of that name: one of the catalog's, or one made up."""
        catalogued = (model for model in self.catalog if model.key.lower() == name.lower())
        model = next(catalogued, None) or FakeModel(name, loaded=False)
        job = Download(f"job_{len(self.downloads) + 1:010x}", model, time.time(), self.timing.download_s)
        self.downloads[job.id] = job
        return job

    def _remove(self, instance: Instance) -> None:
        if instance in self.instances:
            self.instances.remove(instance)

    def _place(
        self,
        model: FakeModel,
        *,
        name: str | None = None,
        ttl_s: float | None = None,
        context_length: int | None = None,
    ) -> Instance:
        instance = Instance(
            self._free_id(name or model.key),
            model,
            engine=self.engine_of(model),
            context_length=context_length or model.context_length or self._context_length,
            parallel=model.parallel or self._parallel,
            ttl_s=ttl_s,
        )
        self.instances.append(instance)
        return instance

    def _free_id(self, name: str) -> str:
        taken = {instance.id for instance in self.instances}
        nth = 1
        while (numbered := name if nth == 1 else f"{name}:{nth}") in taken:
            nth += 1
        return numbered
