"""`lmextract doctor`: what it sees, and what it says to do."""

from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import BOOK, Lmextract, serving

from lmextract.testing import FAIL_OPEN, TOKEN, FakeLMStudio, FakeModel, Fault, Reasoning
from lmextract.types import Reply

ANSWER = {**BOOK, "publisher": "Ace Books"}


def _examined(lmextract: Lmextract, server: FakeLMStudio, *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and the findings by step; of several of one step the last."""
    ran = lmextract("doctor", "--json", "--server", server.base_url, *arguments)
    return ran.code, {finding["step"]: finding for finding in ran.json}


def test_all_is_well_with_a_server_as_it_should_be(lmextract: Lmextract) -> None:
    with FakeLMStudio(lambda _: ANSWER) as server:
        ran = lmextract("doctor", "--server", server.base_url)
    steps = [line.split()[:2] for line in ran.out.splitlines() if line.startswith("ok")]

    assert (ran.code, ran.err) == (0, "")
    assert [step for _, step in steps] == [
        *(
            "address",
            "server",
            "key",
            "version",
            "models",
            "model",
            "context",
            "dialect",
            "extraction",
            "reasoning",
            "engine",
        )
    ]
    assert ran.out.endswith("\nAll is well.\n")


def test_the_findings_say_what_is_there(lmextract: Lmextract) -> None:
    with FakeLMStudio(lambda _: ANSWER, context_length=16_384, engine="mlx-llguidance") as server:
        _, found = _examined(lmextract, server)

    assert found["address"]["seen"] == f"{server.url} (--server)"
    assert found["version"]["seen"].startswith("LM Studio 0.4.0 or later")
    assert found["models"]["seen"] == "1 language model, 1 for embeddings; loaded: fake-model"
    assert found["model"]["seen"] == "fake-model: the only one that is loaded"
    assert found["context"]["seen"].startswith("16,384 tokens of 131,072")
    assert found["dialect"]["seen"].startswith("mlx-llguidance")
    assert '"year": 1969' in found["extraction"]["seen"]
    assert re.search(r"\d+ \+ \d+ tokens", found["extraction"]["seen"])
    assert found["engine"]["seen"] == "fake-runtime 0.0.0"


@pytest.mark.parametrize(
    ("variable", "said"), [("LM_STUDIO_API_BASE", "LM_STUDIO_API_BASE"), ("LMEXTRACT_SERVER", "LMEXTRACT_SERVER")]
)
def test_it_says_who_named_the_address(
    variable: str, said: str, fake: FakeLMStudio, lmextract: Lmextract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, fake.base_url)

    assert f"{fake.url} ({said})" in lmextract("doctor").out


def test_a_server_that_is_not_there(nowhere: str, lmextract: Lmextract) -> None:
    ran = lmextract("doctor", "--server", nowhere)

    assert ran.code == 3
    assert f"FAIL  server      no server answers at {nowhere}" in ran.out
    assert "-> Start LM Studio's server: lms server start" in ran.out
    assert ran.out.endswith("An extraction would fail: see FAIL above.\n")


def test_a_web_server(web_server: str, lmextract: Lmextract) -> None:
    ran = lmextract("doctor", "--server", web_server)

    assert ran.code == 3
    assert "FAIL  server" in ran.out
    assert "is not LM Studio" in ran.out


def test_a_server_that_speaks_no_http(garbage_server: str, lmextract: Lmextract) -> None:
    ran = lmextract("doctor", "--server", garbage_server)

    assert ran.code == 3
    assert "FAIL  server" in ran.out


def test_another_openai_compatible_server_will_do(lmextract: Lmextract) -> None:
    for address in serving(ThreadingHTTPServer(("127.0.0.1", 0), _OtherServer)):
        ran = lmextract("doctor", "--server", address)

    assert ran.code == 0
    assert "warn  server      another OpenAI-compatible server, not LM Studio" in ran.out
    assert "ok    model       some-model: the only one there is" in ran.out
    assert "ok    dialect     safe" in ran.out


class _OtherServer(BaseHTTPRequestHandler):
    """As little of OpenAI's interface as a server can have."""

    def do_GET(self) -> None:
        known = self.path == "/v1/models"
        self._answer(200 if known else 404, {"data": [{"id": "some-model"}]} if known else {"error": "no"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": _json(ANSWER)}
        self._answer(200, {"model": "some-model", "choices": [{"message": message, "finish_reason": "stop"}]})

    def _answer(self, status: int, body: Any) -> None:
        content = _json(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


@pytest.mark.parametrize(
    ("key", "state", "said"),
    [
        (None, "fail", "An API key is needed"),
        ("wrong", "fail", "Another API key is needed"),
        (TOKEN, "ok", "accepted"),
    ],
)
def test_a_server_that_wants_a_key(
    key: str | None, state: str, said: str, lmextract: Lmextract, monkeypatch: pytest.MonkeyPatch
) -> None:
    if key:
        monkeypatch.setenv("LM_STUDIO_API_KEY", key)
    with FakeLMStudio(lambda _: ANSWER, token=TOKEN) as server:
        code, found = _examined(lmextract, server)

    assert (code, found["key"]["state"]) == (0 if state == "ok" else 3, state)
    assert said in found["key"]["seen"] + found["key"]["cure"]


def test_a_key_that_nobody_asked_for_is_told(lmextract: Lmextract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_STUDIO_API_KEY", "lm-studio")
    with FakeLMStudio(lambda _: ANSWER) as server:
        _, found = _examined(lmextract, server)

    assert found["key"]["seen"] == "sent, though the server asks for none"


@pytest.mark.parametrize(
    ("models", "cure"),
    [
        ((), "lms get"),
        (("a", "b"), "--model a"),
        ((FakeModel("a", loaded=False), "nothing"), ""),
        ((FakeModel("a", loaded=False), FakeModel("b", loaded=False)), "lms load a --context-length 8192"),
    ],
)
def test_which_model_is_meant(models: tuple[str | FakeModel, ...], cure: str, lmextract: Lmextract) -> None:
    with FakeLMStudio(lambda _: ANSWER, models=models) as server:
        code, found = _examined(lmextract, server)

    assert code == (2 if cure else 0)
    assert cure in found["model"]["cure"]


def test_a_named_model_that_is_not_loaded_is_examined_once_it_is(lmextract: Lmextract) -> None:
    with FakeLMStudio(lambda _: ANSWER, models=[FakeModel("a", loaded=False, context_length=2048)]) as server:
        code, found = _examined(lmextract, server, "--model", "a")

    assert code == 0
    assert found["model"]["seen"] == "a: named by --model, but not loaded"
    assert (found["context"]["state"], found["context"]["seen"][:12]) == ("warn", "2,048 tokens")


def test_a_named_model_that_is_not_listed_is_a_warning(lmextract: Lmextract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMEXTRACT_MODEL", "gpt-9")
    with FakeLMStudio(lambda _: ANSWER) as server:
        code, found = _examined(lmextract, server)

    assert (code, found["model"]["state"]) == (0, "warn")
    assert found["model"]["seen"] == "gpt-9: named by LMEXTRACT_MODEL, but not listed"
    assert "other-model" in found["note"]["seen"]


@pytest.mark.parametrize(
    ("length", "most", "state", "cure"),
    [
        (4096, 32_768, "ok", ""),
        (2048, 32_768, "warn", "lms unload fake; lms load fake --context-length 8192"),
        (2048, 4096, "warn", "lms unload fake; lms load fake --context-length 4096"),
        (2048, 2048, "warn", "Another model can read more."),
    ],
)
def test_a_small_context_is_a_warning_with_the_command(
    length: int, most: int, state: str, cure: str, lmextract: Lmextract
) -> None:
    model = FakeModel("fake", context_length=length, max_context_length=most)
    with FakeLMStudio(lambda _: ANSWER, models=[model]) as server:
        code, found = _examined(lmextract, server)

    assert (code, found["context"]["state"], found["context"]["cure"]) == (0, state, cure)


@pytest.mark.parametrize(
    ("place", "state", "said"),
    [
        ("none", "ok", "none"),
        ("instead", "warn", "in the field for thoughts"),
        ("apart", "warn", "thinks first"),
        ("tags", "warn", "thinks first"),
        ("orphan-tag", "warn", "thinks first"),
    ],
)
def test_where_the_thoughts_go(place: Any, state: str, said: str, lmextract: Lmextract) -> None:
    with FakeLMStudio(lambda _: ANSWER, reasoning=Reasoning(place=place, obeys=False)) as server:
        code, found = _examined(lmextract, server)

    assert (code, found["reasoning"]["state"]) == (0, state)
    assert said in found["reasoning"]["seen"]


def test_an_answer_of_the_right_form_that_is_wrong_is_a_warning(lmextract: Lmextract) -> None:
    with FakeLMStudio(lambda _: {**ANSWER, "year": 1970}) as server:
        code, found = _examined(lmextract, server)

    assert (code, found["answer"]["state"]) == (0, "warn")
    assert "1969" in found["answer"]["seen"]


def test_an_answer_that_had_to_be_repaired_is_a_warning(lmextract: Lmextract) -> None:
    with FakeLMStudio([{**ANSWER, "year": "x"}, ANSWER, "Hi"]) as server:
        code, found = _examined(lmextract, server)

    assert (code, found["note"]["state"]) == (0, "warn")
    assert "repaired" in found["note"]["seen"]


def test_a_model_that_gives_no_usable_answer_is_1(lmextract: Lmextract) -> None:
    with FakeLMStudio(lambda _: Reply("I am sorry."), engine=FAIL_OPEN) as server:
        code, found = _examined(lmextract, server)

    assert (code, found["extraction"]["state"]) == (1, "fail")


def test_a_server_that_fails_is_3_at_once(lmextract: Lmextract) -> None:
    """No second try: someone is waiting."""
    with FakeLMStudio(faults={0: Fault.status(503)}) as server:
        code, found = _examined(lmextract, server)

    assert (code, found["extraction"]["state"], server.call_count) == (3, "fail", 1)


def test_the_text_of_what_could_be_better_is_counted(lmextract: Lmextract) -> None:
    with FakeLMStudio(lambda _: ANSWER, context_length=1024) as server:
        ran = lmextract("doctor", "--server", server.base_url)

    assert ran.code == 0
    assert ran.out.endswith("An extraction works; 1 thing could be better: see warn above.\n")


def test_no_connection_is_left_open(lmextract: Lmextract) -> None:
    with FakeLMStudio(lambda _: ANSWER) as server:
        lmextract("doctor", "--server", server.base_url)

        assert server.wait_for(lambda: server.open_connections == 0)


def test_an_embedded_engine_that_has_no_model(lmextract: Lmextract, tmp_path: Path) -> None:
    ran = lmextract("doctor", "--server", f"embedded:{tmp_path / 'none.gguf'}")

    assert ran.code == 2
    assert "FAIL  model" in ran.out
    assert "none.gguf" in ran.out


def test_a_model_that_is_too_slow_may_be_given_longer(lmextract: Lmextract) -> None:
    with FakeLMStudio(lambda _: ANSWER, faults={0: Fault.hang()}) as server:
        code, found = _examined(lmextract, server, "--timeout", "1")

    assert (code, found["extraction"]["state"]) == (3, "fail")
    assert "--timeout 600" in found["extraction"]["cure"]
