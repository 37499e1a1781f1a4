"""Which GGUF file a name means: a path, the bundled model, or a name in the user's LM Studio models folder.

Looks at file names and at the head of one file; nothing is ever downloaded.
"""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from lmextract.errors import ConfigError
from lmextract.types import Json

__all__ = ["ModelFile", "find_model", "installed_models", "models_folders"]

BUNDLED: Final = Path(__file__).parent.parent / "models"

_SPLIT = re.compile(r"(?P<name>.+)-(?P<part>\d{5})-of-(?P<parts>\d{5})")
_QUANT = re.compile(r"[-._](?:I?Q\d\w*|[BF]?F(?:16|32)|MXFP4\w*|UD-\w+)$", re.IGNORECASE)
_LISTED = 20
_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_STRING_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on disk: its (first) file, the name it signs with, its size, and the context that it was trained for.

    `names` are all those by which someone may ask for it, in lower case.
    """

    path: Path
    name: str
    size_bytes: int
    trained_context: int | None
    names: frozenset[str]


def find_model(name: str | os.PathLike[str] | None = None) -> ModelFile:
    """Return the model that a path or a name means, None for the bundled one; ConfigError where that is not just one.

    A name is that of a file, with or without `.gguf` and quantisation, of its folder, or `publisher/model`; upper and
    lower case are the same.
    """
    if name is None:
        return _inspect(_bundled())
    path = Path(name).expanduser()
    if path.is_file():
        return _inspect(_first_part(path))
    inside = tuple(_models_in(path, depth=1)) if os.fspath(name) and path.is_dir() else ()
    if inside:
        return _inspect(_only(inside, f"the folder {path}"))
    return _inspect(_installed(os.fspath(name)))


def models_folders() -> tuple[Path, ...]:
    """The folders in which LM Studio keeps this user's models, the configured one first.

    Where they are: https://lmstudio.ai/docs/app/basics/import-model and, for the home pointer and `downloadsFolder`,
    `lmstudioPaths.ts` and `modelsFolder.ts` of https://github.com/lmstudio-ai/lms.
    """
    home = Path.home()
    pointer = _text(home / ".lmstudio-home-pointer").strip()
    homes = [*([Path(pointer)] if pointer else []), home / ".lmstudio", home / ".cache" / "lm-studio"]
    # Before the settings moved to LM Studio's home they lay with those of other applications.
    elsewhere = [home / ".config", home / "Library" / "Application Support", home / "AppData" / "Roaming"]
    settings = [*homes, *(folder / "LM Studio" for folder in elsewhere)]
    configured = [folder for place in settings if (folder := _downloads_folder(place / "settings.json"))]
    folders = (folder for folder in [*configured, *(place / "models" for place in homes)] if folder.is_dir())
    return tuple(dict.fromkeys(folder.resolve() for folder in folders))


def installed_models() -> tuple[Path, ...]:
    """Every GGUF model that LM Studio has for this user; of a split one its first file."""
    return tuple(dict.fromkeys(path for folder in models_folders() for path in _models_in(folder, depth=4)))


def _bundled() -> Path:
    models = sorted(BUNDLED.glob("*.gguf"))
    if len(models) == 1:
        return models[0]
    raise ConfigError(
        "no model is bundled with this installation." if not models else f"several models lie in {BUNDLED}.",
        hint="Name one: Embedded('path/to/model.gguf'), or the name of a model that you have in LM Studio.",
    )


def _installed(name: str) -> Path:
    models = installed_models()
    wanted = name.replace("\\", "/").casefold()
    found = [path for path in models if wanted in _names(path)]
    if found:
        return _only(found, f"the name {name!r}")
    folders = ", ".join(map(str, models_folders())) or "LM Studio's models folder, which this user does not have"
    raise ConfigError(
        f"no model {name!r}: it is neither a file nor a model in {folders}.",
        hint=f"There are:{_listing(models)}" if models else "Give the path of a .gguf file.",
    )


def _only(found: Sequence[Path], where: str) -> Path:
    if len(found) > 1:
        raise ConfigError(f"more than one model for {where}.", hint=f"Name one of:{_listing(found)}")
    return found[0]


def _listing(paths: Sequence[Path]) -> str:
    more = f"\n  ... and {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
    return "".join(f"\n  {path}" for path in paths[:_LISTED]) + more


def _models_in(folder: Path, *, depth: int) -> Iterator[Path]:
    for level in range(depth):
        for path in sorted(folder.glob("*/" * level + "*.gguf")):
            split = _SPLIT.fullmatch(path.stem)
            # An mmproj file is the eye of a vision model, of no use by itself.
            if "mmproj" not in path.name.lower() and (split is None or int(split["part"]) == 1):
                yield path


def _names(path: Path) -> frozenset[str]:
    """Every name, in lower case, by which someone may call the model in this file."""
    folder, publisher = path.parent.name, path.parent.parent.name
    model = folder.casefold().removesuffix("-gguf")
    stem = _plain_name(path)
    files = {path.name, path.stem, stem, _QUANT.sub("", stem)}
    paths = {f"{publisher}/{folder}/{file}" for file in files} | {f"{folder}/{file}" for file in files}
    models = {folder, model, f"{publisher}/{folder}", f"{publisher}/{model}"}
    return frozenset(name.casefold() for name in files | paths | models | {str(path)})


def _plain_name(path: Path) -> str:
    split = _SPLIT.fullmatch(path.stem)
    return split["name"] if split else path.stem


def _first_part(path: Path) -> Path:
    split = _SPLIT.fullmatch(path.stem)
    return path.with_stem(f"{split['name']}-00001-of-{split['parts']}") if split else path


def _inspect(path: Path) -> ModelFile:
    try:
        size_bytes = sum(part.stat().st_size for part in _parts(path))
        with path.open("rb") as file:
            context = _trained_context(file)
    except FileNotFoundError as error:
        raise ConfigError(f"a part of the model is missing: {error.filename}.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, struct.error) as error:
        raise ConfigError(f"{path} is not a GGUF model: {error}.", hint="Was it downloaded to the end?") from error
    path = path.absolute()
    return ModelFile(path, _plain_name(path), size_bytes, context, _names(path))


def _parts(path: Path) -> list[Path]:
    split = _SPLIT.fullmatch(path.stem)
    if split is None:
        return [path]
    numbers = range(1, int(split["parts"]) + 1)
    return [path.with_stem(f"{split['name']}-{number:05}-of-{split['parts']}") for number in numbers]


def _trained_context(file: IO[bytes]) -> int | None:
    """Read `<architecture>.context_length` from the head of a GGUF file; ValueError or struct.error where it is none.

    Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
    """
    if file.read(4) != b"GGUF":
        raise ValueError("it does not begin with the letters GGUF")
    version, _, fields = struct.unpack("<IQQ", file.read(20))
    if version not in {2, 3}:
        return None
    for _ in range(fields):
        key = _read_string(file)
        value = _read_value(file, _read_scalar(file, "I"))
        if key.endswith(".context_length") and isinstance(value, int):
            return value
    return None


def _read_value(file: IO[bytes], kind: int) -> int | float | str | None:
    """Read one value; an array is skipped and gives None."""
    if kind == _STRING:
        return _read_string(file)
    if kind != _ARRAY:
        return _read_scalar(file, _kind(kind))
    item, length = struct.unpack("<IQ", file.read(12))
    if item == _STRING:
        for _ in range(length):
            _read_string(file)
    else:
        file.seek(length * struct.calcsize(_kind(item)), os.SEEK_CUR)
    return None


def _kind(kind: int) -> str:
    if kind not in _SCALARS:
        raise ValueError(f"it holds a value of the unknown kind {kind}")
    return _SCALARS[kind]


def _read_scalar(file: IO[bytes], code: str) -> int:
    value: int = struct.unpack(f"<{code}", file.read(struct.calcsize(f"<{code}")))[0]
    return value


def _read_string(file: IO[bytes]) -> str:
    length = _read_scalar(file, "Q")
    if length > _STRING_BYTES:
        raise ValueError(f"it holds a text of {length} bytes")
    return file.read(length).decode("utf-8", errors="replace")


def _downloads_folder(settings: Path) -> Path | None:
    try:
        value: Json = json.loads(_text(settings) or "null")
    except ValueError:
        return None
    folder: Json = cast("dict[str, Json]", value).get("downloadsFolder") if isinstance(value, dict) else None
    return Path(folder).expanduser() if isinstance(folder, str) and folder.strip() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
