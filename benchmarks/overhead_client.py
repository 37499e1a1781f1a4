"""One client, one task, one process: `python benchmarks/overhead_client.py CLIENT CASE MODE URL CALLS`.

Prints one JSON line: CPU seconds per call (`cpu`), calls per second (`async`), or nothing but the answer (`once`).
Each client is used as its documentation shows, with retries off and the answer checked by pydantic.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel

Call = Callable[[str], Any]
AsyncCall = Callable[[str], Awaitable[Any]]


class Small(BaseModel):
    """Eight fields, as in a library catalogue."""

    title: str
    author: str
    year: int
    pages: int
    price: float
    in_print: bool
    language: str
    publisher: str


class Address(BaseModel):
    """Level 4."""

    street: str
    city: str
    postcode: str
    country: str


class Party(BaseModel):
    """Level 3."""

    name: str
    email: str
    phone: str
    address: Address


class Line(BaseModel):
    """Level 3."""

    text: str
    quantity: int
    price: float
    tax: float


class Order(BaseModel):
    """Level 2."""

    number: str
    date: str
    currency: str
    seller: Party
    buyer: Party
    lines: list[Line]


class Deep(BaseModel):
    """Thirty fields on four levels."""

    id: str
    kind: str
    total: float
    paid: bool
    remarks: str
    order: Order


_PARTY = {
    "name": "Ada Lovelace",
    "email": "ada@example.org",
    "phone": "+44 20 7946 0000",
    "address": {"street": "St James's Square 12", "city": "London", "postcode": "SW1Y 4JH", "country": "GB"},
}
VALUES: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "small": (
        Small,
        {
            "title": "Dune",
            "author": "Frank Herbert",
            "year": 1965,
            "pages": 412,
            "price": 9.99,
            "in_print": True,
            "language": "en",
            "publisher": "Chilton Books",
        },
    ),
    "deep": (
        Deep,
        {
            "id": "A-1",
            "kind": "invoice",
            "total": 119.0,
            "paid": False,
            "remarks": "none",
            "order": {
                "number": "4711",
                "date": "2024-05-01",
                "currency": "EUR",
                "seller": _PARTY,
                "buyer": _PARTY,
                "lines": [{"text": "Widget", "quantity": 3, "price": 33.33, "tax": 0.19}],
            },
        },
    ),
}
PROMPT = "Extract the data from the text. Answer with JSON only."
TEXT = "The catalogue lists Dune by Frank Herbert, published in 1965 by Chilton Books, 412 pages, $9.99. " * 3


def _format(model: type[BaseModel]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": model.__name__, "schema": model.model_json_schema()}}


def _messages(text: str) -> list[Any]:
    return [{"role": "system", "content": PROMPT}, {"role": "user", "content": text}]


def _body(model: type[BaseModel]) -> dict[str, Any]:
    return {"model": "fixed", "temperature": 0, "max_tokens": 4096, "response_format": _format(model)}


def httpx_call(url: str, model: type[BaseModel]) -> tuple[Call, Callable[[], AsyncCall]]:
    """Bare httpx and pydantic: the least that a careful person would write by hand."""
    import httpx

    client, body = httpx.Client(base_url=url, timeout=60), _body(model)

    def call(text: str) -> Any:
        reply = client.post("/v1/chat/completions", json={**body, "messages": _messages(text)})
        reply.raise_for_status()
        return model.model_validate_json(reply.json()["choices"][0]["message"]["content"])

    def connect() -> AsyncCall:
        aclient = httpx.AsyncClient(base_url=url, timeout=60)

        async def acall(text: str) -> Any:
            reply = await aclient.post("/v1/chat/completions", json={**body, "messages": _messages(text)})
            reply.raise_for_status()
            return model.model_validate_json(reply.json()["choices"][0]["message"]["content"])

        return acall

    return call, connect


def lmextract_call(url: str, model: type[BaseModel]) -> tuple[Call, Callable[[], AsyncCall]]:
    """This library, by its plainest function."""
    from lmextract import LMStudio, aextract, extract

    server = LMStudio(url)

    def call(text: str) -> Any:
        return extract(model, text, server=server)

    async def acall(text: str) -> Any:
        return await aextract(model, text, server=server)

    return call, lambda: acall


def openai_call(url: str, model: type[BaseModel]) -> tuple[Call, Callable[[], AsyncCall]]:
    """The OpenAI client's own structured output."""
    from openai import AsyncOpenAI, OpenAI

    arguments: dict[str, Any] = {"base_url": f"{url}/v1", "api_key": "none", "max_retries": 0}
    client = OpenAI(**arguments)

    def call(text: str) -> Any:
        reply = client.chat.completions.parse(model="fixed", messages=_messages(text), response_format=model)
        return reply.choices[0].message.parsed

    def connect() -> AsyncCall:
        aclient = AsyncOpenAI(**arguments)

        async def acall(text: str) -> Any:
            reply = await aclient.chat.completions.parse(model="fixed", messages=_messages(text), response_format=model)
            return reply.choices[0].message.parsed

        return acall

    return call, connect


def instructor_call(url: str, model: type[BaseModel]) -> tuple[Call, Callable[[], AsyncCall]]:
    """Instructor in the one mode that LM Studio takes."""
    import instructor
    from openai import AsyncOpenAI, OpenAI

    arguments: dict[str, Any] = {"base_url": f"{url}/v1", "api_key": "none", "max_retries": 0}
    client = instructor.from_openai(OpenAI(**arguments), mode=instructor.Mode.JSON_SCHEMA)

    def call(text: str) -> Any:
        return client.chat.completions.create(model="fixed", messages=_messages(text), response_model=model)

    def connect() -> AsyncCall:
        aclient = instructor.from_openai(AsyncOpenAI(**arguments), mode=instructor.Mode.JSON_SCHEMA)

        async def acall(text: str) -> Any:
            return await aclient.chat.completions.create(model="fixed", messages=_messages(text), response_model=model)

        return acall

    return call, connect


def litellm_call(url: str, model: type[BaseModel]) -> tuple[Call, Callable[[], AsyncCall]]:
    """LiteLLM's lm_studio provider."""
    import litellm

    arguments: dict[str, Any] = {"model": "lm_studio/fixed", "api_base": f"{url}/v1", "response_format": model}

    def call(text: str) -> Any:
        reply = litellm.completion(messages=_messages(text), **arguments)
        return model.model_validate_json(reply.choices[0].message.content)

    def connect() -> AsyncCall:
        async def acall(text: str) -> Any:
            reply = await litellm.acompletion(messages=_messages(text), **arguments)
            return model.model_validate_json(reply.choices[0].message.content)

        return acall

    return call, connect


CLIENTS = {
    "httpx": httpx_call,
    "lmextract": lmextract_call,
    "openai": openai_call,
    "instructor": instructor_call,
    "litellm": litellm_call,
}


async def _in_flight(connect: Callable[[], AsyncCall], calls: int, width: int = 32) -> float:
    """Calls per second with `width` of them in flight all the time."""
    acall = connect()
    left = iter(range(calls))

    async def worker() -> None:
        for number in left:
            await acall(f"{number} {TEXT}")

    await asyncio.gather(*(acall(TEXT) for _ in range(width)))
    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(width)))
    return calls / (time.perf_counter() - started)


def main() -> None:
    """Run one measurement and print it."""
    client, case, mode, url, calls = *sys.argv[1:5], int(sys.argv[5])
    model, value = VALUES[case]
    call, connect = CLIENTS[client](url, model)
    if mode == "async":
        print(json.dumps(asyncio.run(_in_flight(connect, calls))))
        return
    assert call(TEXT).model_dump() == model.model_validate(value).model_dump()
    if mode == "once":
        return
    for number in range(calls // 4):
        call(f"{number} {TEXT}")
    started = time.process_time()
    for number in range(calls):
        call(f"{number} {TEXT}")
    print(json.dumps((time.process_time() - started) / calls))


if __name__ == "__main__":
    main()
