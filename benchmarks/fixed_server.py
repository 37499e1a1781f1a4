"""A chat completions server that says the same thing to everyone, as cheaply as Python can, after a set delay.

    python benchmarks/fixed_server.py --delay-ms 50 < reply.json

Prints its base URL; ends when its standard input is closed after the reply (one JSON line).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

_LISTING = {
    "models": [
        {
            "type": "llm",
            "key": "fixed",
            "format": "gguf",
            "max_context_length": 8192,
            "loaded_instances": [{"id": "fixed", "config": {"context_length": 8192, "parallel": 4}}],
        }
    ]
}


def _response(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _completion(content: str) -> dict[str, object]:
    message = {"role": "assistant", "content": content, "reasoning_content": "", "tool_calls": []}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "fixed",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 200, "completion_tokens": 60, "total_tokens": 260},
        "stats": {},
        "system_fingerprint": "fixed",
    }


class _Connection(asyncio.Protocol):
    def __init__(self, answer: bytes, delay_s: float) -> None:
        self._answer, self._delay_s = answer, delay_s
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            start = head.find(b"content-length:")
            length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            if head.startswith(b"get"):
                self._write(_response(json.dumps(_LISTING).encode()))
            elif self._delay_s:
                asyncio.get_running_loop().call_later(self._delay_s, self._write, self._answer)
            else:
                self._write(self._answer)

    def _write(self, data: bytes) -> None:
        self._transport.write(data)  # type: ignore[attr-defined]  # a TCP transport writes


async def main() -> None:
    """Serve until the standard input ends."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--delay-ms", type=float, default=0)
    delay_s = arguments.parse_args().delay_ms / 1000
    answer = _response(json.dumps(_completion(sys.stdin.readline())).encode())
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answer, delay_s), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
