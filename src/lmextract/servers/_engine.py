"""The child process of `embedded.py`: llama.cpp's own HTTP server; the only importer of xllamacpp.

Run as a script, so it imports nothing of this package.  One JSON line on standard input says what to serve, one on
standard output where it is served.  It ends when its standard input does, which is when its owner ends.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import sys
import threading
import time
from typing import Any

EXIT_NO_PACKAGE = 83
EXIT_NOT_LOADED = 84
EXIT_MEMORY = 85
"""The engine grew beyond its limit, as it does without end while it builds the grammar of an absurd schema."""

_WATCH_S = 0.25
_LOG_BYTES = 1 << 20
_SETTINGS_BYTES = 1 << 16


def memory_bytes(pid: int | str = "self") -> int | None:
    """Memory that a process has taken and cannot give back, mapped model files apart; None where nobody tells."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii") as status:  # noqa: PTH123
        lines = [line.split() for line in status if line.startswith(("RssAnon:", "VmSwap:"))]
        return sum(int(words[1]) << 10 for words in lines) if lines else None
    if pid == "self" and sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in bytes there
    return None


def main() -> int:
    """Serve until the owner is gone."""
    owner = os.getppid()
    address = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever native code prints is log
    settings = json.loads(sys.stdin.buffer.readline(_SETTINGS_BYTES) or "null")
    if settings is None:  # the owner was gone before it said anything
        return 0
    _prepare(settings["start_timeout_s"])
    try:
        server = _serve(settings)
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_NO_PACKAGE
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_NOT_LOADED
    faulthandler.cancel_dump_traceback_later()
    address.write(json.dumps({"url": server.listening_address}) + "\n")
    address.flush()
    threading.Thread(target=_end_with_input, daemon=True).start()
    code = _watch(owner, settings["memory_growth_bytes"], settings["model"])
    os._exit(code)  # to return would let go of the server, which waits for its threads, for ever if one hangs


def _prepare(start_timeout_s: float) -> None:
    """Make sure that an orphan ends, also while it loads: the engine then holds the interpreter's lock for seconds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the owner's to handle
    faulthandler.dump_traceback_later(start_timeout_s, exit=True)
    os.putenv("GGML_NO_BACKTRACE", "1")  # an abort would run a debugger for seconds before it ends the process
    if sys.platform == "win32":
        return
    import fcntl
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # the kernel's default answer to SIGIO is to end the process
        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


def _serve(settings: dict[str, Any]) -> Any:
    import xllamacpp  # pyright: ignore[reportMissingTypeStubs]

    package: Any = xllamacpp
    params = package.CommonParams()
    params.model.path = settings["model"]
    params.api_keys = [settings["api_key"]]
    params.port = 0  # any free one
    params.n_ctx = settings["context_length"] * settings["parallel"]  # of all slots together
    params.n_parallel = settings["parallel"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    if hasattr(params, "hostnames"):
        params.hostnames = ["127.0.0.1"]
    else:
        params.hostname = "127.0.0.1"
    for name, value in _preferences(settings).items():
        if hasattr(params, name):  # these follow llama.cpp's and come and go
            setattr(params, name, value)
    return package.Server(params)


def _preferences(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_alias": {settings["name"]},
        "verbosity": settings["verbosity"],
        "offline": True,
        "ui": False,
        "webui": False,
        "endpoint_slots": False,
        "kv_unified": False,  # each slot has its share of the context for itself
        "warmup": False,
        "fit_params": False,
        # A connection keeps its thread for 5 s after its last answer, and those that find no thread wait as long.
        "n_threads_http": settings["connections"],
        "n_batch": 512,
        "n_ubatch": 512,
        # Both would let a healthy engine grow by gigabytes, and growth is how a hanging one is told.
        "cache_ram_mib": 0,
        "n_ctx_checkpoints": 4,
    }


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _watch(owner: int, growth_bytes: int, model: str) -> int:
    """Return when the engine has outgrown its limit, or when another process has inherited it."""
    limit = (memory_bytes() or 0) + growth_bytes
    if sys.platform != "linux":  # the model's file counts there as it is read, bit by bit
        limit += os.path.getsize(model)  # noqa: PTH202
    while os.getppid() == owner:
        if (memory_bytes() or 0) > limit:
            os.write(2, b"the engine has grown by more than %d MiB and was ended\n" % (growth_bytes >> 20))
            return EXIT_MEMORY
        if os.fstat(2).st_size > _LOG_BYTES:
            os.ftruncate(2, 0)
        time.sleep(_WATCH_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
