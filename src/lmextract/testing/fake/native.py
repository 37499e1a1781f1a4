"""LM Studio's own routes: listings, loading, downloading, `/api/v1/chat`; unknown keys are refused here alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from lmextract.testing.fake import errors, replies
from lmextract.testing.fake.call import Ask, Call
from lmextract.testing.fake.chat import IMAGE_TOKENS
from lmextract.testing.fake.errors import Refused
from lmextract.testing.fake.http import Answer
from lmextract.testing.fake.jsons import as_list, as_object, as_text
from lmextract.testing.fake.replies import pretty
from lmextract.testing.fake.sse import NativeFrames
from lmextract.testing.fake.state import Download, Instance, Studio
from lmextract.testing.fake.values import FakeModel
from lmextract.testing.script import tokens
from lmextract.types import Json

__all__ = [
    "download",
    "download_status",
    "list_openai",
    "list_v0",
    "list_v1",
    "load",
    "native_chat",
    "one_v0",
    "unload",
]

# --- the three listings


async def list_openai(call: Call) -> None:
    """GET /v1/models: ids and nothing else; with JIT every downloaded model, without it those in memory."""
    studio = _fresh(call)
    names = [instance.id for instance in studio.instances]
    if studio.loading.jit:
        names = list(dict.fromkeys([model.key for model in studio.models] + names))
    data = [{"id": name, "object": "model", "owned_by": "organization_owner"} for name in names]
    call.send(pretty({"data": data, "object": "list"}))


async def list_v0(call: Call) -> None:
    """GET /api/v0/models."""
    call.send(pretty({"data": _v0_cards(_fresh(call)), "object": "list"}))


async def one_v0(call: Call) -> None:
    """GET /api/v0/models/{id}."""
    wanted = unquote(call.record.path.removeprefix("/api/v0/models/"))
    studio = _fresh(call)
    card = next((card for card in _v0_cards(studio) if card["id"].lower() == wanted.lower()), None)
    if card is None:
        refused = studio.not_found(wanted).answer
        raise Refused(Answer(404, refused.body))
    call.send(pretty(card))


def _v0_cards(studio: Studio) -> list[dict[str, Any]]:
    cards = [_v0_card(instance.model, instance, studio) for instance in studio.instances]
    if studio.loading.jit:
        loaded = {instance.model.key for instance in studio.instances}
        cards += [_v0_card(model, None, studio) for model in studio.models if model.key not in loaded]
    return cards


def _v0_card(model: FakeModel, instance: Instance | None, studio: Studio) -> dict[str, Any]:
    card: dict[str, Any] = {
        "id": model.key if instance is None else instance.id,
        "object": "model",
        "type": "embeddings" if model.embeds else model.kind,
        "publisher": model.publisher,
        "arch": model.arch,
        "compatibility_type": studio.engine_of(model).format,
        "quantization": model.quantization,
        "state": "not-loaded" if instance is None else "loaded",
        "max_context_length": model.max_context_length,
    }
    if instance is not None:
        card["loaded_context_length"] = instance.context_length
    if not model.embeds:
        card["capabilities"] = ["tool_use"] if model.tool_use else []
    return card


async def list_v1(call: Call) -> None:
    """GET /api/v1/models."""
    studio = _fresh(call)
    call.send(pretty({"models": [_v1_card(model, studio) for model in studio.models]}))


def _v1_card(model: FakeModel, studio: Studio) -> dict[str, Any]:
    instances = [instance for instance in studio.instances if instance.model.key == model.key]
    card: dict[str, Any] = {
        "type": "embedding" if model.embeds else "llm",
        "publisher": model.publisher,
        "key": model.key,
        "display_name": model.key.rpartition("/")[2].replace("-", " ").title(),
        "architecture": model.arch,
        "quantization": {"name": model.quantization, "bits_per_weight": model.bits_per_weight},
        "size_bytes": model.size_bytes,
        "params_string": model.params,
        "loaded_instances": [{"id": instance.id, "config": _config(instance)} for instance in instances],
        "max_context_length": model.max_context_length,
        "format": studio.engine_of(model).format,
    }
    if model.embeds:
        del card["architecture"]
        return card
    able: dict[str, Json] = {"vision": model.kind == "vlm", "trained_for_tool_use": model.tool_use}
    if model.reasoning_options:
        default = "on" if "on" in model.reasoning_options else model.reasoning_options[-1]
        able["reasoning"] = {"allowed_options": list(model.reasoning_options), "default": default}
    return {**card, "capabilities": able, "description": None, "variants": [], "selected_variant": None}


def _config(instance: Instance) -> dict[str, Json]:
    if instance.model.embeds:
        return {"context_length": instance.context_length}
    config: dict[str, Json] = {"context_length": instance.context_length, "parallel": instance.parallel}
    return {**config, "reasoning_budget_message": ""} if instance.engine.format == "mlx" else config


# --- loading and downloading

_LOAD_KEYS = ("model", "context_length", "eval_batch_size", "flash_attention", "num_experts", "offload_kv_cache_to_gpu")


async def load(call: Call) -> None:
    """POST /api/v1/models/load."""
    _only_keys(call.body, (*_LOAD_KEYS, "echo_load_config"))
    studio = _fresh(call)
    name = _needed(call.body, "model")
    model = studio.downloaded(name)
    if model is None:
        raise studio.not_found(name)
    began = time.monotonic()
    length = call.body.get("context_length")
    instance = await studio.load(model, context_length=length if isinstance(length, int) else None)
    reply: dict[str, Json] = {
        "type": "embedding" if model.embeds else "llm",
        "instance_id": instance.id,
        "load_time_seconds": round(time.monotonic() - began, 3),
        "status": "loaded",
    }
    if call.body.get("echo_load_config") is True:
        reply["load_config"] = _config(instance)
    call.send(pretty(reply))


async def unload(call: Call) -> None:
    """POST /api/v1/models/unload."""
    _only_keys(call.body, ("instance_id",))
    studio = _fresh(call)
    name = _needed(call.body, "instance_id")
    instance = next((one for one in studio.instances if one.id == name), None)
    if instance is None:
        raise studio.not_found(name)
    studio.unload(instance)
    call.send(pretty({"instance_id": name}))


async def download(call: Call) -> None:
    """POST /api/v1/models/download; any name can be had, those of `broken` models fail."""
    _only_keys(call.body, ("model", "quantization"))
    studio = _fresh(call)
    name = _needed(call.body, "model")
    if studio.downloaded(name) is not None:
        call.send(pretty({"status": "already_downloaded"}))
        return
    job = studio.download(name)
    call.send(pretty(_job(job)))


async def download_status(call: Call) -> None:
    """GET /api/v1/models/download/status/{job_id}."""
    studio = _fresh(call)
    name = call.record.path.rpartition("/")[2]
    if name not in studio.downloads:
        raise Refused(errors.job_not_found(name))
    call.send(pretty(_job(studio.downloads[name])))


def _job(job: Download) -> dict[str, Json]:
    size = job.model.size_bytes
    done = int(size * job.progress)
    card: dict[str, Json] = {"job_id": job.id, "status": job.status, "total_size_bytes": size, "downloaded_bytes": done}
    if job.status == "downloading":
        card["bytes_per_second"] = size / job.seconds if job.seconds else float(size)
        card["estimated_completion"] = _moment(job.started + job.seconds)
    card["started_at"] = _moment(job.started)
    if job.status == "completed":
        card["completed_at"] = _moment(job.started + job.seconds)
    return card


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- chat

_CHAT_KEYS = (
    *("model", "input", "system_prompt", "integrations", "stream", "temperature", "top_p", "top_k", "min_p"),
    *("repeat_penalty", "max_output_tokens", "reasoning", "context_length", "store", "previous_response_id"),
)


async def native_chat(call: Call) -> None:
    """POST /api/v1/chat: no schemas here."""
    body = call.body
    _only_keys(body, _CHAT_KEYS)
    name = _needed(body, "model")
    if "input" not in body:
        raise Refused(errors.missing_field("input"))
    stored = call.manners.stored
    if (earlier := as_text(body.get("previous_response_id"))) is not None and earlier not in stored:
        raise Refused(errors.previous_response(earlier))
    instance = await call.manners.studio.instance_for(name)
    _refuse_reasoning(body, instance)
    limit = body.get("max_output_tokens")
    ask = Ask(
        body,
        name,
        tokens(as_text(body.get("system_prompt")) or "") + _count_input(body["input"]),
        limit=limit if isinstance(limit, int) else None,
        thinks=body.get("reasoning") != "off",
        stream=body.get("stream") is True,
    )
    job = await instance.enter()
    try:
        said = await call.said_by(instance, job, ask)
        response_id = f"resp_{call.head(instance.id).id[-20:]:0>48}" if body.get("store") is not False else None
        if response_id is not None:
            stored.add(response_id)
        if not ask.stream:
            await call.wait(job, said)
        result = replies.native_chat(instance, said, ask.prompt, call.seconds, response_id)
        if ask.stream:
            await call.stream(job, said, NativeFrames(instance.id, result))
        else:
            call.send(pretty(result))
    finally:
        instance.leave(job)


def _refuse_reasoning(body: dict[str, Any], instance: Instance) -> None:
    setting = as_text(body.get("reasoning"))
    if setting is not None and setting not in instance.model.reasoning_options:
        raise Refused(errors.invalid_reasoning(setting, instance.id, instance.model.reasoning_options))


def _count_input(given: Json) -> int:
    if isinstance(given, str):
        return tokens(given)
    texts = (as_text(as_object(item).get("content")) for item in as_list(given))
    return sum(IMAGE_TOKENS if text is None else tokens(text) for text in texts)


# --- what all of them need


def _fresh(call: Call) -> Studio:
    call.manners.studio.refresh()
    return call.manners.studio


def _only_keys(body: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = [key for key in body if key not in known]
    if unknown:
        raise Refused(errors.unrecognized_keys(unknown))


def _needed(body: dict[str, Any], name: str) -> str:
    value = as_text(body.get(name))
    if not value:
        raise Refused(errors.missing_field(name))
    return value
