"""From an HTTP request to a handler: recording, faults, keys, bodies that are none, routes that are none."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lmextract.testing.fake import chat, compat, errors, native
from lmextract.testing.fake.call import Call, Dropped, Manners
from lmextract.testing.fake.errors import Refused
from lmextract.testing.fake.http import Answer, Connection, HttpRequest
from lmextract.testing.fake.jsons import as_object, is_object
from lmextract.testing.fake.values import Credentials, RecordedRequest
from lmextract.types import Json

__all__ = ["Router"]

_TOKEN_FORM = re.compile(r"sk-lm-[A-Za-z0-9]{8}:[A-Za-z0-9]{20}")
_KEY_HEADERS = frozenset(("authorization", "x-api-key"))


def _unchanged(answer: Answer) -> Answer:
    return answer


@dataclass(frozen=True, slots=True)
class _Route:
    """A handler; `model` tells that it wants work of a model, `restyle` puts a refusal into the family's envelope."""

    handle: Callable[[Call], Awaitable[None]]
    model: bool = False
    restyle: Callable[[Answer], Answer] = _unchanged
    native: bool = False


async def _greeting(call: Call) -> None:
    call.send(Answer(200, b'{"lmstudio":true}'))


_ROUTES: Mapping[tuple[str, str], _Route] = {
    ("GET", "/lmstudio-greeting"): _Route(_greeting),
    ("GET", "/v1/models"): _Route(native.list_openai),
    ("POST", "/v1/chat/completions"): _Route(chat.chat, model=True),
    ("POST", "/v1/completions"): _Route(chat.completions, model=True),
    ("POST", "/v1/embeddings"): _Route(chat.embeddings, model=True),
    ("POST", "/v1/responses"): _Route(compat.responses, model=True, restyle=errors.on_responses),
    ("POST", "/v1/messages"): _Route(compat.messages, model=True, restyle=errors.on_messages),
    ("GET", "/api/v0/models"): _Route(native.list_v0),
    ("POST", "/api/v0/chat/completions"): _Route(chat.chat, model=True),
    ("POST", "/api/v0/completions"): _Route(chat.completions, model=True),
    ("POST", "/api/v0/embeddings"): _Route(chat.embeddings, model=True),
    ("GET", "/api/v1/models"): _Route(native.list_v1, restyle=errors.on_native),
    ("POST", "/api/v1/chat"): _Route(native.native_chat, model=True, restyle=errors.on_native, native=True),
    ("POST", "/api/v1/models/load"): _Route(native.load, restyle=errors.on_native, native=True),
    ("POST", "/api/v1/models/unload"): _Route(native.unload, restyle=errors.on_native, native=True),
    ("POST", "/api/v1/models/download"): _Route(native.download, restyle=errors.on_native, native=True),
}
_PREFIXES: tuple[tuple[str, _Route], ...] = (
    ("/api/v0/models/", _Route(native.one_v0)),
    ("/api/v1/models/download/status/", _Route(native.download_status, restyle=errors.on_native)),
)


class Router:
    """Answers every request, and keeps the log."""

    def __init__(self, manners: Manners, *, record: bool) -> None:
        self._manners = manners
        self._record = record
        self.requests: list[RecordedRequest] = []
        self.disconnected: list[RecordedRequest] = []
        self.calls = 0
        self.underway = 0

    async def __call__(self, request: HttpRequest, out: Connection) -> None:
        """Answer one request; whatever happens, the connection is left fit for the next or closed."""
        path, _, query = request.target.partition("?")
        route = _find(request.method, path)
        body = _parsed(request.body)
        record = self._recorded(request, path, query, body, route)
        self.underway += 1
        try:
            call = Call(record, as_object(body), self._manners.faults(record), self._manners, out)
            await self._answer(call, route, request)
        except Dropped:
            pass
        except asyncio.CancelledError:
            if out.peer_gone and self._record:
                self.disconnected.append(record)
            raise
        except Exception as error:  # noqa: BLE001  # a user's fault function, or a defect here: told, raised at the end
            self._manners.failed(error)
            if out.began:
                out.drop(reset=True)
            else:
                out.send(errors.string_error(f"FakeLMStudio: {type(error).__name__}: {error}", 500))
        finally:
            self.underway -= 1

    async def _answer(self, call: Call, route: _Route | None, request: HttpRequest) -> None:
        restyle = _unchanged if route is None else route.restyle
        try:
            await call.apply(call.fault)
            self._admit(call.record, route, request)
            if route is not None:
                await route.handle(call)
        except Refused as refused:
            scripted = refused.answer is call.fault.answer
            call.send_refusal(refused.answer if scripted else restyle(refused.answer))

    def _admit(self, record: RecordedRequest, route: _Route | None, request: HttpRequest) -> None:
        """Raise Refused for what gets no further than the door."""
        refusal = self._locked_out(record, request)
        if refusal is None and route is None:
            refusal = errors.unexpected_endpoint(request.method, record.path)
        if refusal is None and request.method == "POST" and not is_object(record.json):
            native_route = route is not None and route.native
            refusal = errors.malformed_json(native=native_route, status=self._manners.unsettled.malformed_json_status)
        if refusal is not None:
            raise Refused(refusal)

    def _recorded(
        self, request: HttpRequest, path: str, query: str, body: Json, route: _Route | None
    ) -> RecordedRequest:
        number = None
        if route is not None and route.model:
            number = self.calls
            self.calls += 1
        headers = {name: value for name, value in request.headers.items() if name not in _KEY_HEADERS}
        credentials = _credentials(_key(request, path), self._manners.token)
        record = RecordedRequest(request.method, path, query, headers, request.body, body, credentials, number)
        if self._record:
            self.requests.append(record)
        return record

    def _locked_out(self, record: RecordedRequest, request: HttpRequest) -> Answer | None:
        open_door = record.path == "/lmstudio-greeting" and not self._manners.unsettled.greeting_needs_token
        if self._manners.token is None or open_door:
            return None
        key = _key(request, record.path)
        match record.credentials:
            case "absent":
                return errors.missing_token()
            case "malformed":
                return errors.malformed_token(key)
            case "unknown":
                return errors.unknown_token(key)
            case _:
                return None


def _find(method: str, path: str) -> _Route | None:
    route = _ROUTES.get((method, path))
    if route is None and method == "GET":
        route = next((route for prefix, route in _PREFIXES if path.startswith(prefix) and path != prefix), None)
    return route


def _parsed(body: bytes) -> Json:
    if not body:
        return None
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value


def _key(request: HttpRequest, path: str) -> str:
    """The key that came along; `x-api-key` counts on `/v1/messages` alone."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return request.headers.get("x-api-key", "") if path == "/v1/messages" else ""


def _credentials(key: str, token: str | None) -> Credentials:
    if not key:
        return "absent"
    if token is None:
        return "unchecked"
    if not _TOKEN_FORM.fullmatch(key):
        return "malformed"
    return "valid" if hmac.compare_digest(key, token) else "unknown"
