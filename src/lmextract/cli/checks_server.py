"""The steps of the check-up that look at a server that runs already: LM Studio, or something like it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import cast

from lmextract.cli.case import Case, Seen
from lmextract.cli.finding import failed, ok, warning
from lmextract.errors import ServerError, ServerRefused, ServerUnavailable
from lmextract.servers._http import Answer, Connections
from lmextract.servers._listing import LISTINGS, read_listing
from lmextract.settings import Settings
from lmextract.types import Json

__all__ = ["address", "engine", "greeting", "key", "models", "version"]

_QUICK_S = 10.0
_START = """\
Start LM Studio's server: lms server start
If it is somewhere else: --server http://host:port, or LM_STUDIO_API_BASE
On another machine it listens to this one only after: lms server start --bind 0.0.0.0"""
_SINCE = {
    LISTINGS[0]: "0.4.0 or later",
    LISTINGS[1]: "0.3.6 or later, before 0.4.0",
    LISTINGS[2]: "before 0.3.6",
}


def address(case: Case) -> Seen:
    """Where the server should be, and who says so."""
    case = replace(case, server=case.connection.open_lmstudio(patient=False))
    return case, (ok("address", f"{case.lmstudio.base_url} ({case.connection.server_from})"),)


def greeting(case: Case) -> Seen:
    """Whether anything answers there, and whether it is LM Studio: its desktop application asks the same way."""
    started = time.perf_counter()
    try:
        answer = _get(case, "/lmstudio-greeting")
    except ServerUnavailable as error:
        return case, (failed("server", error, _START),)
    if _member(_json(answer), "lmstudio") is True:
        return case, (ok("server", f"LM Studio answers, after {(time.perf_counter() - started) * 1000:.0f} ms"),)
    return replace(case, is_lmstudio=False), ()


def key(case: Case) -> Seen:
    """Whether the server wants an API key, and takes the one that it is sent."""
    try:
        records = case.lmstudio.models()
    except ServerRefused as error:
        if error.status not in (401, 403):
            raise
        return case, (failed("key", error, _key_cure(sent=case.connection.has_key)),)
    return replace(case, records=records), (ok("key", _key_seen(case)),)


def _key_cure(*, sent: bool) -> str:
    which = "Another API key" if sent else "An API key"
    return f"{which} is needed, as made in LM Studio's developer settings: export LM_STUDIO_API_KEY=..."


def _key_seen(case: Case) -> str:
    if not case.connection.has_key:
        return "none is needed"
    wanted = _get(case, LISTINGS[0], with_key=False).status in (401, 403)
    return "accepted" if wanted else "sent, though the server asks for none"


def version(case: Case) -> Seen:
    """How new the server is, by the best listing that it has: no route tells its version."""
    path = next((path for path in LISTINGS if read_listing(_json(_get(case, path))) is not None), LISTINGS[2])
    if case.is_lmstudio:
        return case, (ok("version", f"LM Studio {_SINCE[path]} (it lists models at {path})"),)
    return case, (
        warning(
            "server",
            f"another OpenAI-compatible server, not LM Studio (it lists models at {path})",
            "That may do; if LM Studio was meant, set LM_STUDIO_API_BASE or --server to its address.",
        ),
    )


def models(case: Case) -> Seen:
    """How many models there are, and which are loaded."""
    chat = [record for record in case.records if record.chats]
    loaded = [record.key for record in chat if record.loaded]
    other = len(case.records) - len(chat)
    seen = f"{_many(len(chat), 'language model')}{f', {other} for embeddings' if other else ''}"
    if any(record.loaded is not None for record in chat):
        seen += f"; loaded: {', '.join(loaded) or 'none'}"
    return case, (ok("models", seen),)


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def engine(case: Case) -> Seen:
    """Which engine answers: only LM Studio's own completions route tells, so it is asked for one token."""
    if not case.is_lmstudio:
        return case, ()
    question = {"model": case.profile.model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    try:
        body = _json(_request(case, "POST", "/api/v0/chat/completions", json.dumps(question).encode()))
    except ServerError:
        body = None
    runtime = _member(body, "runtime")
    name, number = _member(runtime, "name"), _member(runtime, "version")
    return case, (ok("engine", f"{name} {number or ''}".strip() if name else "the server does not tell"),)


def _get(case: Case, path: str, *, with_key: bool = True) -> Answer:
    return _request(case, "GET", path, with_key=with_key)


def _request(case: Case, method: str, path: str, body: bytes = b"", *, with_key: bool = True) -> Answer:
    secret = Settings.from_environment().lmstudio_key if with_key else None
    headers = {"authorization": f"Bearer {secret.strip()}"} if secret else {}
    timeout_s = min(_QUICK_S, case.connection.timeout_s) if method == "GET" else case.connection.timeout_s
    connections = Connections(case.lmstudio.base_url, headers, timeout_s=timeout_s)
    try:
        return connections.request(method, path, body)
    finally:
        connections.close()


def _json(answer: Answer) -> Json:
    try:
        return json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):
        return None


def _member(value: Json, name: str) -> Json:
    return cast("dict[str, Json]", value).get(name) if isinstance(value, dict) else None
