"""Which file a model's name means, in a home folder made for the test."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from lmextract.errors import ConfigError
from lmextract.servers import Embedded, _models
from lmextract.servers._models import find_model, installed_models, models_folders

HEAD = b"GGUF" + struct.pack("<IQQ", 3, 0, 0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def put(path: Path, content: bytes = HEAD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def head(*fields: bytes, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, 0, len(fields)) + b"".join(fields)


def number(key: str, value: int) -> bytes:
    return text(key) + struct.pack("<II", 4, value)


QWEN = ".lmstudio/models/lmstudio-community/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf"


@pytest.mark.parametrize(
    "name",
    [
        "Qwen3-4B-Q4_K_M.gguf",
        "Qwen3-4B-Q4_K_M",
        "qwen3-4b",
        "Qwen3-4B-GGUF",
        "lmstudio-community/Qwen3-4B-GGUF",
        "lmstudio-community/qwen3-4b",
        "lmstudio-community/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf",
        "lmstudio-community\\Qwen3-4B-GGUF\\Qwen3-4B-Q4_K_M.gguf",
    ],
)
def test_a_model_of_lm_studio_is_found_by_any_of_its_names(home: Path, name: str) -> None:
    path = put(home / QWEN)
    put(home / ".lmstudio/models/google/gemma-3-1b/gemma-3-1b-q8_0.gguf")

    assert find_model(name).path == path
    assert find_model(name).name == "Qwen3-4B-Q4_K_M"


@pytest.mark.parametrize("name", ["qwen3", "4b", "Qwen3-4B-Q8_0", "google/qwen3-4b", ""])
def test_half_a_name_finds_nothing_and_the_error_lists_what_there_is(home: Path, name: str) -> None:
    path = put(home / QWEN)
    with pytest.raises(ConfigError) as caught:
        find_model(name)

    assert str(path) in str(caught.value)


def test_a_name_for_two_files_is_an_error_that_lists_them(home: Path) -> None:
    two = [put(home / QWEN), put(home / QWEN.replace("Q4_K_M", "Q8_0"))]
    with pytest.raises(ConfigError, match="more than one model") as caught:
        find_model("qwen3-4b")

    assert all(str(path) in str(caught.value) for path in two)


def test_without_lm_studio_the_error_says_that_there_is_no_such_folder() -> None:
    with pytest.raises(ConfigError, match="does not have"):
        find_model("qwen3-4b")


def test_the_projector_of_a_vision_model_is_no_model(home: Path) -> None:
    path = put(home / ".lmstudio/models/google/gemma-3-4b/gemma-3-4b-q4.gguf")
    put(home / ".lmstudio/models/google/gemma-3-4b/mmproj-model-f16.gguf")

    assert installed_models() == (path,)
    assert find_model("gemma-3-4b").path == path


def test_a_split_model_is_one_model_named_without_its_parts(home: Path) -> None:
    parts = [put(home / f".lmstudio/models/big/Big-GGUF/Big-Q4_0-0000{n}-of-00003.gguf") for n in (1, 2, 3)]

    assert installed_models() == (parts[0],)
    for name in ("big/big", "Big-Q4_0", str(parts[2])):
        model = find_model(name)
        assert (model.path, model.name, model.size_bytes) == (parts[0], "Big-Q4_0", 3 * len(HEAD))


def test_a_split_model_with_a_missing_part_is_an_error_that_names_the_part(home: Path) -> None:
    put(home / ".lmstudio/models/big/Big-GGUF/Big-00001-of-00002.gguf")
    with pytest.raises(ConfigError, match="Big-00002-of-00002"):
        find_model("big")


def test_the_older_home_of_lm_studio_is_looked_at_too(home: Path) -> None:
    path = put(home / ".cache/lm-studio/models/a/b/old-q4_0.gguf")

    assert find_model("old").path == path


def test_the_folder_that_lm_studio_is_set_to_comes_first(home: Path, tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "disk/models/a/b/new-q4_0.gguf")
    put(home / ".lmstudio/settings.json", json.dumps({"downloadsFolder": str(tmp_path / "disk/models")}).encode())
    put(home / ".lmstudio/models/a/c/other-q4_0.gguf")

    assert models_folders() == (tmp_path / "disk/models", home / ".lmstudio/models")
    assert find_model("new").path == elsewhere
    assert find_model("other").name == "other-q4_0"


def test_the_home_pointer_is_followed(home: Path, tmp_path: Path) -> None:
    put(home / ".lmstudio-home-pointer", f"{tmp_path / 'lms'}\n".encode())
    path = put(tmp_path / "lms/models/a/b/pointed-q4_0.gguf")

    assert find_model("pointed").path == path


@pytest.mark.parametrize(
    "settings", [b"", b"{", b"[]", b'{"downloadsFolder": 3}', b'{"downloadsFolder": " "}', b"\xff"]
)
def test_settings_that_say_nothing_are_passed_over(home: Path, settings: bytes) -> None:
    put(home / ".lmstudio/settings.json", settings)
    put(home / QWEN)

    assert models_folders() == (home / ".lmstudio/models",)


def test_a_path_is_taken_as_it_is(home: Path, tmp_path: Path) -> None:
    path = put(tmp_path / "some where/model.bin")

    assert find_model(path).path == path
    assert find_model("some where/model.bin").path == path
    put(home / "mine.gguf")
    assert find_model("~/mine.gguf").path == home / "mine.gguf"


def test_a_folder_with_one_model_stands_for_it(tmp_path: Path) -> None:
    path = put(tmp_path / "folder/model.gguf")
    assert find_model(path.parent).path == path

    put(tmp_path / "folder/other.gguf")
    with pytest.raises(ConfigError, match="more than one model"):
        find_model(path.parent)


def test_a_folder_without_models_does_not_hide_a_name(home: Path, tmp_path: Path) -> None:
    path = put(home / QWEN)
    (tmp_path / "qwen3-4b").mkdir()

    assert find_model("qwen3-4b").path == path


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"GGUF",
        HEAD[:-1],
        head(text("a.context_length") + struct.pack("<I", 99)),
        head(struct.pack("<Q", 1 << 60)),
        head(text("x") + struct.pack("<IIQ", 9, 8, 1 << 60)),
    ],
)
def test_a_file_that_is_no_model_is_a_config_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError, match="is not a GGUF model"):
        find_model(put(tmp_path / "bad.gguf", content))


def test_the_context_is_read_from_behind_texts_and_lists(tmp_path: Path) -> None:
    words = text("tags") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
    numbers = text("sizes") + struct.pack("<IIQ", 9, 4, 3) + b"\0" * 12
    name = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    path = put(tmp_path / "m.gguf", head(name, words, numbers, number("llama.context_length", 2048)))

    assert find_model(path).trained_context == 2048


def test_a_model_that_does_not_tell_its_context_gets_the_usual_one(tmp_path: Path) -> None:
    server = Embedded(put(tmp_path / "m.gguf", head(number("other", 1))))

    assert server.context_length == 8192


@pytest.mark.parametrize("trained", [2048, 131_072])
def test_the_context_is_that_of_the_model_up_to_a_limit(tmp_path: Path, trained: int) -> None:
    server = Embedded(put(tmp_path / "m.gguf", head(number("x.context_length", trained))))

    assert server.context_length == min(trained, 8192)


def test_no_name_means_the_bundled_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_models, "BUNDLED", tmp_path / "bundled")
    with pytest.raises(ConfigError, match="no model is bundled"):
        Embedded()

    put(tmp_path / "bundled/small.gguf")
    assert Embedded().model == "small"

    put(tmp_path / "bundled/second.gguf")
    with pytest.raises(ConfigError, match="several models"):
        Embedded()
