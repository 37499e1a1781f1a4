"""What the environment says, and which setting wins."""

from __future__ import annotations

from typing import Any

import pytest

from lmextract import ConfigError, Extractor, LMStudio, use_server
from lmextract.servers._current import current_server, server_named
from lmextract.settings import Settings, server_url
from lmextract.testing import ScriptedServer
from lmextract.types import Profile


@pytest.mark.parametrize(
    "given",
    [
        "http://127.0.0.1:1234",
        "http://127.0.0.1:1234/",
        "http://127.0.0.1:1234/v1",
        "http://127.0.0.1:1234/v1/",
        "http://127.0.0.1:1234/api/v0",
        " http://127.0.0.1:1234/api/v1/ ",
        "http://127.0.0.1:1234/V1",
        "http://127.0.0.1:1234/v1/chat/completions",
        "127.0.0.1:1234",
    ],
)
def test_a_base_url_works_in_every_usual_spelling(given: str) -> None:
    assert server_url(given) == "http://127.0.0.1:1234"


@pytest.mark.parametrize(
    "given", ["", "ftp://x", "http://", "http://x:port", "http://x:99999", "file:///etc/passwd", "http://a b"]
)
def test_what_is_no_address_is_a_config_error_that_shows_one(given: str) -> None:
    with pytest.raises(ConfigError, match="http://127"):
        server_url(given)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        server_url("http://me:hunter2@127.0.0.1:1234")

    assert "hunter2" not in str(caught.value)


def test_the_defaults_are_lm_studio_on_this_machine_without_a_key() -> None:
    assert Settings.from_environment({}) == Settings("http://127.0.0.1:1234", None, None, "lmstudio")


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"LM_STUDIO_API_KEY": "a", "LM_API_TOKEN": "b"}, "a"),
        ({"LM_STUDIO_API_KEY": "", "LM_API_TOKEN": "b"}, "b"),
        ({"LM_STUDIO_API_KEY": ""}, None),
    ],
)
def test_lite_llms_name_for_the_key_comes_before_lm_studios(environment: dict[str, str], key: str | None) -> None:
    assert Settings.from_environment(environment).lmstudio_key == key


@pytest.mark.parametrize(
    ("said", "meant"), [("true", True), (" True ", True), ("false", False), ("1", False), ("", False)]
)
def test_only_true_lets_telemetry_hold_content(said: str, *, meant: bool) -> None:
    name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"

    assert Settings.from_environment({name: said}).capture_content is meant
    assert Settings.from_environment({}).capture_content is False


def test_no_repr_shows_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_STUDIO_API_KEY", "sk-lm-secret")

    assert "secret" not in repr(Settings.from_environment())
    assert "secret" not in repr(LMStudio())
    assert "secret" not in repr(Extractor(int, server=LMStudio()))


@pytest.mark.parametrize("name", ["lmstudo", "", "open ai"])
def test_an_unknown_server_is_a_config_error_that_names_the_known(name: str) -> None:
    with pytest.raises(ConfigError, match="lmstudio"):
        server_named(name)


@pytest.mark.parametrize(
    "name", ["http://10.0.0.5:8080/v1", "127.0.0.1:8080", "localhost:8080", "[::1]:8080", "box:8080"]
)
def test_an_address_names_a_server(name: str) -> None:
    server = server_named(name)

    assert isinstance(server, LMStudio)
    assert server.base_url.endswith(":8080")


class Named(ScriptedServer):
    """A server that records which model it was asked to resolve."""

    asked: tuple[str | None, ...] = ()

    def __init__(self, name: str) -> None:
        super().__init__(lambda _: 1)
        self.name = name

    def profile(self, model: str | None = None) -> Profile:
        self.asked += (model,)
        return Profile(model)


def used(extractor: Extractor[Any]) -> str:
    server = extractor._server()
    return server.name if isinstance(server, Named) else type(server).__name__


def test_a_server_given_wins_over_use_server_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_STUDIO_API_BASE", "http://127.0.0.1:4321/v1")
    outer, inner, given = Named("outer"), Named("inner"), Named("given")

    assert getattr(current_server(), "base_url", None) == "http://127.0.0.1:4321"
    with use_server(outer):
        assert used(Extractor(int)) == "outer"
        with use_server(inner):
            assert used(Extractor(int)) == "inner"
            assert used(Extractor(int, server=given)) == "given"
        assert used(Extractor(int)) == "outer"
    assert used(Extractor(int)) == "LMStudio"


def test_the_model_given_wins_over_the_servers_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMEXTRACT_MODEL", "from-environment")

    assert LMStudio().model == "from-environment"
    assert LMStudio(model="of-server").model == "of-server"
    server = Named("s")
    Extractor(int, server=server, model="of-call").run("1")
    assert server.asked == ("of-call",)


def test_the_key_given_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_STUDIO_API_KEY", "from-environment")

    assert LMStudio(api_key="given")._api_key == "given"
    assert LMStudio()._api_key == "from-environment"
    assert LMStudio(api_key="")._api_key is None


def test_lite_llms_prefix_is_no_part_of_a_models_name() -> None:
    assert LMStudio(model="lm_studio/qwen3-4b").model == "qwen3-4b"


def test_an_unknown_dialect_is_a_config_error_that_lists_them() -> None:
    with pytest.raises(ConfigError, match="gguf"):
        LMStudio(dialect="guff")


@pytest.mark.parametrize("key", ["ключ", "a\nb"])
def test_a_key_that_no_header_takes_is_a_config_error_without_the_key(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LMStudio(api_key=key)

    assert key not in str(caught.value)
