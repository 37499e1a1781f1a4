"""Which model will answer, from each of LM Studio's listings."""

from __future__ import annotations

from typing import Any

import pytest

from lmextract import ConfigError
from lmextract.servers._listing import ModelRecord, choose, read_listing
from lmextract.types import Profile

V1: dict[str, Any] = {
    "models": [
        {
            "type": "llm",
            "publisher": "qwen",
            "key": "qwen/qwen3-4b",
            "display_name": "Qwen3 4B",
            "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
            "size_bytes": 2_500_000_000,
            "loaded_instances": [{"id": "my-qwen", "config": {"context_length": 8192, "parallel": 4}}],
            "max_context_length": 40960,
            "format": "gguf",
        },
        {"type": "llm", "key": "gemma-3-1b", "format": "mlx", "loaded_instances": [], "max_context_length": 32768},
        {
            "type": "embedding",
            "key": "nomic-embed",
            "format": "gguf",
            "quantization": None,
            "loaded_instances": [{"id": "nomic-embed", "config": {"context_length": 2048}}],
        },
    ]
}
V0 = {
    "object": "list",
    "data": [
        {
            "id": "qwen3-4b",
            "object": "model",
            "type": "llm",
            "compatibility_type": "gguf",
            "quantization": "Q4_K_M",
            "state": "loaded",
            "max_context_length": 40960,
            "loaded_context_length": 8192,
        },
        {"id": "nomic-embed", "type": "embeddings", "state": "loaded"},
        {"id": "gemma", "type": "vlm", "compatibility_type": "mlx", "state": "not-loaded"},
    ],
}
OPENAI = {
    "object": "list",
    "data": [{"id": "only-one", "object": "model"}, {"id": "text-embedding-nomic", "object": "model"}],
}


def records(body: Any) -> tuple[ModelRecord, ...]:
    found = read_listing(body)
    assert found is not None
    return found


def test_the_native_listing_tells_everything() -> None:
    assert records(V1)[0] == ModelRecord(
        "qwen/qwen3-4b", "llm", "gguf", "Q4_K_M", True, ("my-qwen",), 8192, 40960, 4, 2_500_000_000
    )


@pytest.mark.parametrize(
    ("body", "model", "context_length"), [(V1, "my-qwen", 8192), (V0, "qwen3-4b", 8192), (OPENAI, "only-one", None)]
)
def test_no_model_named_is_the_only_one_loaded(body: Any, model: str, context_length: int | None) -> None:
    profile = choose(records(body), None)

    assert (profile.model, profile.context_length) == (model, context_length)


def test_the_profile_knows_the_engine_the_slots_and_the_other_names() -> None:
    assert choose(records(V1), "QWEN/Qwen3-4b") == Profile(
        "QWEN/Qwen3-4b", "gguf", 8192, 4, frozenset({"qwen/qwen3-4b", "my-qwen"})
    )


def test_a_model_that_is_not_listed_is_asked_for_all_the_same() -> None:
    assert choose(records(V1), "nope") == Profile("nope", "safe")


def test_several_loaded_models_are_a_config_error_that_lists_them() -> None:
    two = [ModelRecord("a", loaded=True), ModelRecord("b", loaded=True), ModelRecord("c", loaded=False)]

    with pytest.raises(ConfigError, match="a, b") as caught:
        choose(two, None)
    assert "c" not in caught.value.reason.split(":")[1]


def test_none_loaded_is_a_config_error_with_the_command_that_loads_one() -> None:
    with pytest.raises(ConfigError, match="lms load gemma"):
        choose([ModelRecord("gemma", loaded=False)], None)


def test_no_model_at_all_is_a_config_error_with_the_command_that_gets_one() -> None:
    with pytest.raises(ConfigError, match="lms get"):
        choose([ModelRecord("nomic-embed", "embedding", loaded=True)], None)


@pytest.mark.parametrize("body", [None, [], "x", {}, {"error": "Unexpected endpoint or method. (GET /api/v1/models)"}])
def test_what_is_no_listing_is_none(body: Any) -> None:
    assert read_listing(body) is None


@pytest.mark.parametrize(
    "odd",
    [
        {"loaded_instances": True},
        {"loaded_instances": [{"id": "a", "config": [1]}]},
        {"loaded_instances": [{"id": "a", "config": {"context_length": "8192", "parallel": 0}}]},
        {"max_context_length": -1, "size_bytes": "big", "type": 7, "quantization": 4},
    ],
)
def test_odd_members_of_a_listing_are_unknown_or_read_as_meant(odd: dict[str, Any]) -> None:
    [record] = records({"models": [{"key": "a", **odd}]})

    assert record.context_length in (None, 8192)
    assert (record.parallel, record.max_context_length, record.size_bytes) == (None, None, None)


@pytest.mark.parametrize("body", [{"models": []}, {"data": []}, {"models": [7, {}]}, {"data": [None, {"object": "x"}]}])
def test_a_listing_without_models_is_empty(body: Any) -> None:
    assert read_listing(body) == ()
