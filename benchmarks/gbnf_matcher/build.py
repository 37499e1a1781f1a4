"""Make `build/gbnf`, which turns JSON Schemas into llama.cpp's grammars and matches texts against them without a model.

    python benchmarks/gbnf_matcher/build.py [folder of the llama.cpp sources]

Compiles the converter and the grammar of llama.cpp, unchanged, with the two files beside this one.  Without a folder,
the sources come from the source distribution of `xllamacpp` on the package index.  Needs g++ and takes two minutes.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
VERSION = "2026.10.11549"
CONVERTER = ("json-schema-to-grammar.cpp", "json-schema.cpp", "json.cpp", "trie.cpp", "unicode.cpp")
OPTIONS = ("-O1", "-std=c++17", "-ffunction-sections", "-fdata-sections", "-w")


def fetched(folder: Path) -> Path:
    """The llama.cpp sources inside the source distribution of xllamacpp."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", f"xllamacpp=={VERSION}"]
    subprocess.run([*pip, "-d", str(folder)], check=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob("xllamacpp-*/thirdparty/llama.cpp"))


def build(sources: Path) -> None:
    """Compile and link."""
    folder = HERE / "build"
    folder.mkdir(exist_ok=True)
    shared = [f"-I{sources / part}" for part in ("common", "include", "ggml/include", "vendor")]
    # `common` and `src` both have a unicode.h: the converter must see the first, the grammar the second.
    jobs = [(sources / "common" / name, shared) for name in CONVERTER]
    own = [*shared, f"-I{sources / 'src'}"]
    jobs += [(sources / "src" / "llama-grammar.cpp", own), (HERE / "matcher.cpp", own), (HERE / "stubs.cpp", own)]
    objects = [folder / f"{i}.o" for i in range(len(jobs))]
    for (source, includes), made in zip(jobs, objects, strict=True):
        print(source.name, flush=True)
        subprocess.run(["g++", "-c", *OPTIONS, *includes, str(source), "-o", str(made)], check=True)
    subprocess.run(["g++", *map(str, objects), "-Wl,--gc-sections", "-o", str(folder / "gbnf")], check=True)
    for made in objects:
        made.unlink()


def main() -> None:
    """Build from the folder that the command line names, or from the package index."""
    if len(sys.argv) > 1:
        build(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        build(fetched(Path(folder)))


if __name__ == "__main__":
    main()
