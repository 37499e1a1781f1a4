"""How the tests of the fake speak to it: over HTTP with httpx, and with bare sockets where bytes matter."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from lmextract.testing import FakeLMStudio

MESSAGES = [{"role": "user", "content": "The Dispossessed, 1974."}]
BOOK = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "year": {"type": "integer", "minimum": 1450, "maximum": 2100}},
    "required": ["title", "year"],
    "additionalProperties": False,
}

# One client for all tests, since making one loads certificates; it keeps no connection from one request to the next.
CLIENT = httpx.Client(timeout=30, trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0))


def wanted(schema: object) -> dict[str, Any]:
    """The part of a body that asks for a schema."""
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    }


def post(fake: FakeLMStudio, path: str, body: object, **headers: str) -> httpx.Response:
    """Post a body, of JSON or as it stands."""
    content = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return CLIENT.post(fake.url + path, content=content, headers=headers)


def get(fake: FakeLMStudio, path: str, **headers: str) -> httpx.Response:
    """Get a path."""
    return CLIENT.get(fake.url + path, headers=headers)


def chat(fake: FakeLMStudio, **body: Any) -> httpx.Response:
    """A chat; what is not given is a short question to the default model."""
    return post(fake, "/v1/chat/completions", {"model": "fake-model", "messages": MESSAGES, **body})


def message(response: httpx.Response) -> dict[str, Any]:
    """The message of a successful chat."""
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()["choices"][0]["message"]
    return found


def content(response: httpx.Response) -> str:
    """The content of a successful chat."""
    return str(message(response)["content"])


def error(response: httpx.Response) -> str:
    """The error text in either envelope."""
    found = response.json()["error"]
    return str(found if isinstance(found, str) else found["message"])


def events(response: httpx.Response) -> list[Any]:
    """The data of every event of a stream; `[DONE]` as it stands."""
    assert response.headers["content-type"] == "text/event-stream", response.text
    data = [line.removeprefix("data: ") for line in response.text.split("\n") if line.startswith("data: ")]
    return [text if text == "[DONE]" else json.loads(text) for text in data]


def deltas(response: httpx.Response, key: str = "content") -> str:
    """What a stream says under one key of its deltas, put together."""
    chunks = [event["choices"][0]["delta"] for event in events(response) if event != "[DONE]" and event.get("choices")]
    return "".join(delta.get(key, "") for delta in chunks)


@contextmanager
def connected(fake: FakeLMStudio) -> Iterator[socket.socket]:
    """A bare connection."""
    with socket.create_connection(("127.0.0.1", int(fake.url.rpartition(":")[2])), timeout=30) as sock:
        yield sock


def request_bytes(body: object, *, path: str = "/v1/chat/completions", extra: str = "") -> bytes:
    """A POST as it goes over the wire."""
    content = json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n{extra}\r\n".encode() + content


def read_response(sock: socket.socket) -> tuple[bytes, bytes]:
    """The head and the body of one response with a length, and nothing of the next."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _some(sock, 1)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = b""
    while len(body) < length:
        body += _some(sock, length - len(body))
    return head.removesuffix(b"\r\n\r\n"), body


def read_to_end(sock: socket.socket) -> bytes:
    """Everything until the connection is closed."""
    received = b""
    while piece := sock.recv(65536):
        received += piece
    return received


def _some(sock: socket.socket, most: int) -> bytes:
    piece = sock.recv(most)
    assert piece, "the connection was closed"
    return piece
