"""API tokens: who is let in, what the others read, and that nothing keeps a key."""

from __future__ import annotations

import pytest
from tests.testing.asking import error, get, post

from lmextract.testing import TOKEN, FakeLMStudio, Unsettled

OTHER = "sk-lm-OtherOne:abcdefghij0123456789"
EVERY = ["/v1/models", "/api/v0/models", "/api/v1/models"]


@pytest.mark.parametrize("key", [{}, {"Authorization": "Bearer lm-studio"}, {"Authorization": "Bearer x y"}])
@pytest.mark.parametrize("path", EVERY)
def test_without_authentication_any_key_and_none_will_do(path: str, key: dict[str, str]) -> None:
    with FakeLMStudio() as fake:
        assert get(fake, path, **key).status_code == 200


@pytest.mark.parametrize("path", EVERY)
def test_the_right_token_opens_every_route(path: str) -> None:
    with FakeLMStudio(token=TOKEN) as fake:
        assert get(fake, path, Authorization=f"Bearer {TOKEN}").status_code == 200


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer"}])
def test_a_missing_token_is_told(header: dict[str, str]) -> None:
    with FakeLMStudio(token=TOKEN) as fake:
        response = get(fake, "/v1/models", **header)

    assert response.status_code == 401
    assert list(response.json()["error"]) == ["type", "code", "message"]
    assert response.json()["error"]["code"] == "invalid_api_key"
    assert error(response).startswith(
        "An LM Studio API token is required to make requests to this server, but none was"
    )


@pytest.mark.parametrize("key", ["lm-studio-placeholder", "sk-lm-short:abc", TOKEN + "0", TOKEN.replace(":", "-")])
def test_a_malformed_token_is_echoed_in_part(key: str) -> None:
    with FakeLMStudio(token=TOKEN) as fake:
        response = get(fake, "/v1/models", Authorization=f"Bearer {key}")

    assert response.status_code == 401
    assert f"Malformed LM Studio API token provided: {key[:10]}***" in error(response)
    assert key not in response.text


def test_an_unknown_token_is_refused() -> None:
    with FakeLMStudio(token=TOKEN) as fake:
        response = get(fake, "/v1/models", Authorization=f"Bearer {OTHER}")

    assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")


def test_a_key_of_anthropic_counts_on_its_route_alone() -> None:
    body = {"messages": [], "max_tokens": 5}
    with FakeLMStudio(token=TOKEN) as fake:
        assert post(fake, "/v1/messages", body, **{"x-api-key": TOKEN}).status_code == 200
        assert post(fake, "/v1/chat/completions", body, **{"x-api-key": TOKEN}).status_code == 401


def test_a_refusal_on_the_route_of_anthropic_has_its_envelope() -> None:
    with FakeLMStudio(token=TOKEN) as fake:
        response = post(fake, "/v1/messages", {"messages": []})

    assert (response.status_code, response.json()["type"]) == (401, "error")
    assert response.json()["error"]["type"] == "authentication_error"


def test_unknown_routes_are_locked_too() -> None:
    with FakeLMStudio(token=TOKEN) as fake:
        assert get(fake, "/nowhere").status_code == 401


@pytest.mark.parametrize(("locked", "status"), [(False, 200), (True, 401)])
def test_whether_the_greeting_is_locked_can_be_chosen(*, locked: bool, status: int) -> None:
    with FakeLMStudio(token=TOKEN, unsettled=Unsettled(greeting_needs_token=locked)) as fake:
        assert get(fake, "/lmstudio-greeting").status_code == status


@pytest.mark.parametrize(
    ("token", "key", "credentials"),
    [
        (None, None, "absent"),
        (None, "anything", "unchecked"),
        (TOKEN, None, "absent"),
        (TOKEN, "anything", "malformed"),
        (TOKEN, OTHER, "unknown"),
        (TOKEN, TOKEN, "valid"),
    ],
)
def test_a_record_tells_what_became_of_the_key_and_not_the_key(
    token: str | None, key: str | None, credentials: str
) -> None:
    with FakeLMStudio(token=token) as fake:
        get(fake, "/v1/models", **({"Authorization": f"Bearer {key}", "X-Api-Key": key} if key else {}))
        (request,) = fake.requests

    assert request.credentials == credentials
    assert key is None or key not in repr(request)
