"""The drivers: sync and async carry the same requests, whatever the replies."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from lmextract import Extractor, LMExtractError, Reply, SchemaRefused, ServerUnavailable, Usage
from lmextract.servers._wire import encode
from lmextract.testing import ScriptedServer


class Book(BaseModel):
    title: str
    year: int
    tags: list[str] = []


CONTENTS = st.one_of(
    st.sampled_from(
        [
            '{"title":"Dune","year":1965,"tags":[]}',
            '{"title":"Dune","year":"soon"}',
            '```json\n{"title":"Dune","year":1965}\n```',
            '<think>{"title":"?","year":0}</think>{"title":"Dune","year":1965}',
            '{"title":"Du',
            "",
            "null",
        ]
    ),
    st.text(max_size=30),
)
REPLIES = st.one_of(
    st.builds(
        Reply,
        content=CONTENTS,
        reasoning=st.sampled_from(["", "hm", '{"title":"Dune","year":1965}']),
        finish=st.sampled_from(["stop", "length"]),
        usage=st.builds(Usage, st.integers(0, 99), st.integers(0, 99)),
        model=st.sampled_from([None, "m", "other"]),
    ),
    st.sampled_from([SchemaRefused("no", detail="failed to parse grammar"), ServerUnavailable("gone")]),
)


def outcome(run: Any) -> Any:
    try:
        result = run()
    except LMExtractError as error:
        return type(error), str(error)
    return result.value, result.notes, result.usage, result.model


@given(script=st.lists(REPLIES, min_size=8, max_size=8), repairs=st.integers(0, 3))
def test_both_drivers_send_byte_identical_requests_and_end_alike(script: list[Any], repairs: int) -> None:
    threads, tasks = ScriptedServer(script), ScriptedServer(script)
    sync = outcome(lambda: Extractor(Book, server=threads, repairs=repairs).run("Dune, 1965"))
    awaited = outcome(lambda: asyncio.run(Extractor(Book, server=tasks, repairs=repairs).arun("Dune, 1965")))

    assert [encode(request) for request in threads.requests] == [encode(request) for request in tasks.requests]
    assert sync == awaited
