"""HTTP as Express speaks it, byte by byte."""

from __future__ import annotations

import base64
import hashlib
import json
import socket

import pytest
from tests.testing.asking import MESSAGES, chat, connected, get, post, read_response, read_to_end, request_bytes

from lmextract.testing import FakeLMStudio, Timing
from lmextract.testing.fake.http import BadRequest, Parser

BODY = {"messages": MESSAGES}


def test_the_headers_are_those_of_express_in_its_order() -> None:
    with FakeLMStudio() as fake, connected(fake) as sock:
        sock.sendall(request_bytes(BODY))
        head, body = read_response(sock)

    lines = [line.partition(": ") for line in head.decode().split("\r\n")]
    assert lines[0][0] == "HTTP/1.1 200 OK"
    names = ["X-Powered-By", "Content-Type", "Content-Length", "ETag", "Date", "Connection", "Keep-Alive"]
    assert [name for name, _, _ in lines[1:]] == names
    values = {name: value for name, _, value in lines[1:]}
    assert values["X-Powered-By"] == "Express"
    assert values["Content-Type"] == "application/json; charset=utf-8"
    assert values["Connection"] == "keep-alive"
    assert values["Keep-Alive"] == "timeout=5"
    digest = base64.b64encode(hashlib.sha1(body).digest()).decode()
    assert values["ETag"] == f'W/"{len(body):x}-{digest[:27]}"'


def test_requests_sent_at_once_are_answered_in_order() -> None:
    with FakeLMStudio(["first", "second", "third"]) as fake, connected(fake) as sock:
        sock.sendall(request_bytes(BODY) * 3)
        answers = [json.loads(read_response(sock)[1])["choices"][0]["message"]["content"] for _ in range(3)]

    assert answers == ["first", "second", "third"]


def test_a_request_may_come_byte_by_byte() -> None:
    with FakeLMStudio(["whole"]) as fake, connected(fake) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request_bytes({"messages": []}):
            sock.sendall(bytes((byte,)))
        _, body = read_response(sock)

    assert json.loads(body)["choices"][0]["message"]["content"] == "whole"


def test_a_chunked_body_is_read() -> None:
    payload = json.dumps(BODY).encode()
    chunks = b"5\r\n" + payload[:5] + b"\r\n%x;note=1\r\n" % (len(payload) - 5) + payload[5:] + b"\r\n0\r\n\r\n"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with FakeLMStudio() as fake, connected(fake) as sock:
        sock.sendall(head + chunks)
        status = read_response(sock)[0][:15]

        assert status == b"HTTP/1.1 200 OK"
        assert fake.requests[0].json == BODY


def test_leave_to_send_the_body_is_given_once() -> None:
    with FakeLMStudio() as fake, connected(fake) as sock:
        head, _, body = request_bytes(BODY, extra="Expect: 100-continue\r\n").partition(b"\r\n\r\n")
        sock.sendall(head + b"\r\n\r\n")

        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert read_response(sock)[0].startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_asks_for_it_is_left_after_one_answer() -> None:
    with FakeLMStudio() as fake, connected(fake) as sock:
        sock.sendall(request_bytes(BODY, extra="Connection: close\r\n"))
        received = read_to_end(sock)

    assert b"\r\nConnection: close\r\n" in received


def test_http_1_0_closes_by_itself() -> None:
    with FakeLMStudio() as fake, connected(fake) as sock:
        sock.sendall(b"GET /v1/models HTTP/1.0\r\n\r\n")

        assert read_to_end(sock).startswith(b"HTTP/1.1 200 OK")


def test_a_head_request_gets_no_body() -> None:
    with FakeLMStudio() as fake, connected(fake) as sock:
        sock.sendall(b"HEAD /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert read_to_end(sock).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "nonsense", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nno header\r\n\r\n"]
)
def test_what_is_no_http_gets_a_400_and_is_left(nonsense: bytes) -> None:
    with FakeLMStudio() as fake, connected(fake) as sock:
        sock.sendall(nonsense)

        assert read_to_end(sock).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_an_endless_head_is_refused() -> None:
    parser = Parser()
    parser.feed(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000)

    with pytest.raises(BadRequest, match="too long"):
        parser.take()


@pytest.mark.parametrize("length", ["-1", "x", "1e3", ""])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    parser = Parser()
    parser.feed(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode())

    with pytest.raises(BadRequest, match="no length"):
        parser.take()


def test_an_idle_connection_is_closed() -> None:
    with FakeLMStudio(timing=Timing(keep_alive_s=0.05)) as fake, connected(fake) as sock:
        sock.sendall(request_bytes(BODY))
        read_response(sock)

        assert sock.recv(1) == b""
        assert fake.wait_for(lambda: fake.open_connections == 0)


def test_a_connection_that_waits_for_its_answer_is_not_idle() -> None:
    with FakeLMStudio(["late"], timing=Timing(keep_alive_s=0.05, first_token_s=0.3)) as fake, connected(fake) as sock:
        sock.sendall(request_bytes(BODY))

        assert b"late" in read_response(sock)[1]


def test_a_document_of_megabytes_arrives_whole() -> None:
    text = "ü€𝄞" * 300_000
    with FakeLMStudio(lambda body: str(len(body["messages"][0]["content"])), context_length=10**6) as fake:
        answer = chat(fake, messages=[{"role": "user", "content": text}])

        assert answer.json()["choices"][0]["message"]["content"] == str(len(text))


def test_an_unpaired_surrogate_in_a_reply_does_not_stop_the_fake() -> None:
    with FakeLMStudio(["a\ud83d b"]) as fake, connected(fake) as sock:
        sock.sendall(request_bytes(BODY))

        assert b'"content": "a' in read_response(sock)[1]


def test_a_request_is_recorded_as_it_came() -> None:
    with FakeLMStudio() as fake:
        post(fake, "/v1/chat/completions?a=b", b'{"messages": [ ]}', **{"X-Mine": "yes"})
        (request,) = fake.requests

    assert (request.method, request.path, request.query) == ("POST", "/v1/chat/completions", "a=b")
    assert request.body == b'{"messages": [ ]}'
    assert request.json == {"messages": []}
    assert request.headers["x-mine"] == "yes"


def test_calls_are_the_requests_that_want_work_of_a_model() -> None:
    with FakeLMStudio() as fake:
        get(fake, "/v1/models")
        chat(fake)
        chat(fake)

        assert [(request.path, request.call) for request in fake.requests] == [
            ("/v1/models", None),
            ("/v1/chat/completions", 0),
            ("/v1/chat/completions", 1),
        ]
        assert fake.calls == fake.requests[1:]


def test_nothing_is_recorded_where_that_is_not_wanted() -> None:
    with FakeLMStudio(record=False) as fake:
        chat(fake)

        assert (fake.requests, fake.call_count) == ((), 1)
