"""One state in three listings; loading, evicting, downloading; and which model serves what is asked for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.testing.asking import MESSAGES, chat, error, get, post

from lmextract.testing import FakeLMStudio, FakeModel, Loading, Timing

COLD = FakeModel("cold", loaded=False)
EMBEDDING = FakeModel("embedder", kind="embedding")


def served(fake: FakeLMStudio, **body: object) -> str:
    response = chat(fake, **body)
    assert response.status_code == 200, response.text
    return str(response.json()["model"])


# --- which model answers


@pytest.mark.parametrize("asked", ["anything", "ALIAS", "the-key", "THE-KEY", None, ""])
def test_the_only_loaded_model_answers_whatever_is_asked_for(asked: str | None) -> None:
    """BT#619, and recorded on 0.4.25: unknown ids, wrong case, a key that is loaded under an alias."""
    with FakeLMStudio(models=[FakeModel("the-key", identifier="alias"), EMBEDDING]) as fake:
        assert served(fake, model=asked) == "alias"


def test_an_unknown_model_is_not_found_where_two_are_loaded() -> None:
    with FakeLMStudio(models=["a", "b"]) as fake:
        response = chat(fake, model="c")

        assert (response.status_code, response.json()["error"]["code"]) == (400, "model_not_found")
        assert [served(fake, model=name) for name in "ab"] == ["a", "b"]


def test_an_unknown_model_is_not_found_with_404_on_the_native_route() -> None:
    with FakeLMStudio(models=["a", "b"]) as fake:
        response = post(fake, "/api/v1/chat", {"model": "c", "input": "Hi"})

    assert response.status_code == 404
    assert (response.json()["error"]["type"], response.json()["error"]["code"]) == (
        "invalid_request",
        "model_not_found",
    )
    assert response.text.startswith('{\n  "error"')


def test_no_model_named_where_two_are_loaded_is_an_error() -> None:
    with FakeLMStudio(models=["a", "b"]) as fake:
        response = chat(fake, model=None)

    assert response.status_code == 400
    assert error(response).startswith("Multiple models are loaded. Please specify a model by providing a 'model' field")


def test_an_embedding_model_does_not_chat_and_a_chat_model_does_not_embed() -> None:
    with FakeLMStudio(models=["talker", EMBEDDING]) as fake:
        assert chat(fake, model="embedder").json()["error"]["code"] == "model_not_found"
        embedded = post(fake, "/v1/embeddings", {"model": "talker", "input": "a"})
        assert embedded.json()["error"]["code"] == "model_not_found"


def test_a_downloaded_model_is_loaded_when_it_is_asked_for() -> None:
    with FakeLMStudio(models=["warm", COLD]) as fake:
        assert served(fake, model="cold") == "cold"
        assert fake.loaded == ("warm", "cold")


def test_with_nothing_loaded_an_unknown_model_is_not_found() -> None:
    with FakeLMStudio(models=[COLD]) as fake:
        assert chat(fake, model="unknown").json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("asked", ["cold", None])
def test_nothing_loaded_and_nothing_to_be_loaded_is_told(asked: str | None) -> None:
    with FakeLMStudio(models=[COLD], loading=Loading(jit=False)) as fake:
        response = chat(fake, model=asked)

    assert (response.status_code, response.json()["error"]["code"]) == (400, None)
    assert error(response).startswith("No models loaded. Please load a model in the developer page")


def test_a_model_that_cannot_be_loaded_is_told() -> None:
    broken = FakeModel("broken", loaded=False, broken="Failed to load model.")
    with FakeLMStudio(models=["warm", broken]) as fake:
        response = chat(fake, model="broken")

    assert response.status_code == 400
    assert error(response) == 'Failed to load model "broken". Error: Failed to load model.'


# --- loading on demand


@pytest.mark.parametrize(("duplicates", "loaded"), [(False, 1), (True, 3)])
def test_cold_requests_at_once_share_a_load_or_make_duplicates(*, duplicates: bool, loaded: int) -> None:
    """BT#1751."""
    with (
        FakeLMStudio(models=[COLD], timing=Timing(load_s=0.1), loading=Loading(duplicates=duplicates)) as fake,
        ThreadPoolExecutor(3) as pool,
    ):
        names = set(pool.map(lambda _: served(fake, model="cold"), range(3)))

        assert len(fake.loaded) == loaded
        assert fake.loaded[:2] == (("cold", "cold:2") if duplicates else ("cold",))
        assert names == set(fake.loaded)


@pytest.mark.parametrize(("evict", "left"), [(True, ("warm", "second")), (False, ("warm", "first", "second"))])
def test_the_model_loaded_on_demand_before_is_evicted(*, evict: bool, left: tuple[str, ...]) -> None:
    cold = [FakeModel(name, loaded=False) for name in ("first", "second")]
    with FakeLMStudio(models=["warm", *cold], loading=Loading(auto_evict=evict)) as fake:
        served(fake, model="first")
        served(fake, model="second")

        assert fake.loaded == left


def test_an_idle_model_leaves_and_an_explicitly_loaded_one_stays() -> None:
    with FakeLMStudio(models=["warm", COLD]) as fake:
        served(fake, model="cold", ttl=0.02)
        gone = fake.wait_for(lambda: [m["id"] for m in loaded_v0(fake)] == ["warm"])

    assert gone


def loaded_v0(fake: FakeLMStudio) -> list[dict[str, object]]:
    return [model for model in get(fake, "/api/v0/models").json()["data"] if model["state"] == "loaded"]


# --- the listings


def test_v1_models_lists_ids_and_nothing_else() -> None:
    with FakeLMStudio(models=["warm", COLD, EMBEDDING]) as fake:
        body = get(fake, "/v1/models").json()

    assert body["object"] == "list"
    assert body["data"][0] == {"id": "warm", "object": "model", "owned_by": "organization_owner"}
    assert [model["id"] for model in body["data"]] == ["warm", "cold", "embedder"]


@pytest.mark.parametrize("path", ["/v1/models", "/api/v0/models"])
def test_without_loading_on_demand_only_the_loaded_are_listed(path: str) -> None:
    with FakeLMStudio(models=["warm", COLD], loading=Loading(jit=False)) as fake:
        assert [model["id"] for model in get(fake, path).json()["data"]] == ["warm"]


def test_v0_models_tell_state_and_loaded_context() -> None:
    models = [
        FakeModel("warm", context_length=4096, tool_use=True),
        FakeModel("cold", loaded=False, kind="vlm"),
        EMBEDDING,
    ]
    with FakeLMStudio(models=models, engine="mlx-llguidance") as fake:
        warm, embedder, cold = get(fake, "/api/v0/models").json()["data"]
        alone = get(fake, "/api/v0/models/warm").json()

    assert (warm["type"], warm["state"], warm["loaded_context_length"]) == ("llm", "loaded", 4096)
    assert (warm["compatibility_type"], warm["capabilities"]) == ("mlx", ["tool_use"])
    assert (cold["type"], cold["state"], "loaded_context_length" in cold) == ("vlm", "not-loaded", False)
    assert embedder["type"] == "embeddings"
    assert alone == warm


def test_an_unknown_model_of_v0_is_a_404() -> None:
    with FakeLMStudio() as fake:
        assert get(fake, "/api/v0/models/nobody").status_code == 404


def test_v1_native_models_tell_instances_and_capabilities() -> None:
    thinker = FakeModel("lab/deep-thinker", context_length=8192, parallel=2, reasoning_options=("off", "on"))
    with FakeLMStudio(models=[thinker, COLD, EMBEDDING], engine="mlx-outlines") as fake:
        first, cold, embedder = get(fake, "/api/v1/models").json()["models"]

    config = {"context_length": 8192, "parallel": 2, "reasoning_budget_message": ""}
    assert first["loaded_instances"] == [{"id": "lab/deep-thinker", "config": config}]
    assert (first["type"], first["format"], first["display_name"]) == ("llm", "mlx", "Deep Thinker")
    assert first["capabilities"]["reasoning"] == {"allowed_options": ["off", "on"], "default": "on"}
    assert "reasoning" not in cold["capabilities"]
    assert cold["loaded_instances"] == []
    assert (embedder["type"], "capabilities" in embedder, "architecture" in embedder) == ("embedding", False, False)
    assert embedder["loaded_instances"][0]["config"] == {"context_length": 32768}


# --- loading, unloading, downloading


def test_load_and_unload_over_the_wire() -> None:
    with FakeLMStudio(models=["warm", COLD]) as fake:
        loaded = post(fake, "/api/v1/models/load", {"model": "cold", "context_length": 1024, "echo_load_config": True})
        again = post(fake, "/api/v1/models/load", {"model": "cold"})
        unloaded = post(fake, "/api/v1/models/unload", {"instance_id": "cold"})

        assert {key: loaded.json()[key] for key in ("type", "instance_id", "status")} == {
            "type": "llm",
            "instance_id": "cold",
            "status": "loaded",
        }
        assert loaded.json()["load_config"]["context_length"] == 1024
        assert again.json()["instance_id"] == "cold:2"
        assert unloaded.json() == {"instance_id": "cold"}
        assert fake.loaded == ("warm", "cold:2")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("load", {"model": "nobody"}, 404, "model_not_found"),
        ("load", {}, 400, "missing_required_parameter"),
        ("unload", {"instance_id": "nobody"}, 404, "model_not_found"),
        ("unload", {}, 400, "missing_required_parameter"),
        ("download", {}, 400, "missing_required_parameter"),
    ],
)
def test_what_cannot_be_loaded_or_unloaded_is_told(path: str, body: dict[str, str], status: int, code: str) -> None:
    with FakeLMStudio() as fake:
        response = post(fake, f"/api/v1/models/{path}", body)

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_a_download_makes_progress_and_then_the_model_is_there() -> None:
    with FakeLMStudio(timing=Timing(download_s=0.15)) as fake:
        job = post(fake, "/api/v1/models/download", {"model": "lab/new"}).json()
        path = f"/api/v1/models/download/status/{job['job_id']}"
        completed = fake.wait_for(lambda: get(fake, path).json()["status"] == "completed")

        assert (job["status"], job["downloaded_bytes"] < job["total_size_bytes"]) == ("downloading", True)
        assert completed
        assert served(fake, model="lab/new") == "lab/new"


def test_a_model_that_is_there_is_not_downloaded_again() -> None:
    with FakeLMStudio() as fake:
        assert post(fake, "/api/v1/models/download", {"model": "fake-model"}).json() == {"status": "already_downloaded"}


def test_a_download_may_fail() -> None:
    with FakeLMStudio(catalog=[FakeModel("bad", broken="no space")]) as fake:
        job = post(fake, "/api/v1/models/download", {"model": "bad"}).json()

        assert job["status"] == "failed"
        assert "bad" not in [model["id"] for model in get(fake, "/v1/models").json()["data"]]


def test_an_unknown_download_is_told() -> None:
    with FakeLMStudio() as fake:
        response = get(fake, "/api/v1/models/download/status/job_0")

    assert (response.status_code, response.json()["error"]["type"]) == (404, "job_not_found")


def test_models_can_be_loaded_and_unloaded_from_the_test() -> None:
    with FakeLMStudio(models=["warm", COLD]) as fake:
        assert fake.load("cold", context_length=512) == "cold"
        fake.unload("warm")

        assert fake.loaded == ("cold",)
        assert get(fake, "/api/v0/models/cold").json()["loaded_context_length"] == 512
        with pytest.raises(ValueError, match="no model 'nobody'; there are warm, cold"):
            fake.load("nobody")
        with pytest.raises(ValueError, match="'warm' is not loaded; there are cold"):
            fake.unload("warm")


def test_evicting_a_model_ends_what_it_was_doing() -> None:
    """BT#1796."""
    models = [FakeModel("first", loaded=False), FakeModel("second", loaded=False)]
    with FakeLMStudio(models=models, timing=Timing(first_token_s=0.3)) as fake:
        answers: list[int] = []
        worker = threading.Thread(target=lambda: answers.append(chat(fake, model="first").status_code))
        worker.start()
        assert fake.wait_for(lambda: fake.loaded == ("first",))
        post(fake, "/v1/completions", {"model": "second", "prompt": "Hi", "messages": MESSAGES})
        worker.join()

    assert answers == [400]
