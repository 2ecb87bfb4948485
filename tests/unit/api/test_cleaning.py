"""Replies are looked at once more on their way out, and their lengths stay true."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.api.cleaning import CleanReplies
from floorbroker.app.redactor import SecretFilter
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError, FloorbrokerError, RiskLimitExceeded
from floorbroker.domain.values import Environment
from tests.support.desk_server import TOKEN
from tests.support.fake_desk import FakeDesk

pytestmark = pytest.mark.asyncio

KEY, SHORT = "PKQ7ZT2LV9XW4RN8AHCD", "w7f3x"
JSON = (b"content-type", b"application/json; charset=utf-8")


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", str(len(body)).encode()


async def _sent(headers: list[tuple[bytes, bytes]], *bodies: bytes) -> tuple[dict[str, str], list[bytes]]:
    """What leaves when an application sends these."""
    out: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, body in enumerate(bodies, start=1):
            await send({"type": "http.response.body", "body": body, "more_body": number < len(bodies)})

    async def send(message: Message) -> None:
        out.append(message)

    async def receive() -> Message:
        raise AssertionError

    known = SecretFilter()
    known.learn(KEY)
    await CleanReplies(app, clean=known.clean_reply)({"type": "http"}, receive, send)
    start, *rest = out
    assert start["type"] == "http.response.start"
    return {n.decode(): v.decode() for n, v in start["headers"]}, [message["body"] for message in rest]


async def test_a_secret_in_a_document_is_starred_and_the_length_is_that_of_what_is_sent() -> None:
    body = json.dumps({"a": KEY, "b": 1}).encode()
    headers, (sent,) = await _sent([JSON, _length(body)], body)
    assert json.loads(sent) == {"a": "***", "b": 1}
    assert headers["content-length"] == str(len(sent))


async def test_each_event_of_a_stream_is_cleaned_as_it_leaves() -> None:
    _, sent = await _sent([(b"content-type", b"text/event-stream")], b"data: " + KEY.encode(), b"", b"data: x")
    assert sent == [b"data: ***", b"", b"data: x"]


async def test_scripts_and_files_in_parts_stay_as_they_are() -> None:
    script = f"const key = '{KEY}'".encode()
    _, sent = await _sent([(b"content-type", b"text/javascript"), _length(script)], script)
    assert sent == [script]
    parts = [b"one", b"two"]
    headers, sent = await _sent([JSON, _length(b"".join(parts))], *parts)
    assert sent == parts
    assert headers["content-length"] == "6"


# -- the whole door -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _door(error: FloorbrokerError) -> AsyncIterator[httpx2.AsyncClient]:
    """A door whose desk answers every question about a symbol with one error."""
    clock, known = ManualClock(datetime(2026, 11, 20, tzinfo=UTC)), SecretFilter()
    known.learn(KEY)
    known.learn(SHORT)

    class Failing(FakeDesk):
        async def quote(self, *args: Any, **kwargs: Any) -> Any:
            raise error

    app = create_app(
        desks={Environment.PAPER: Failing(clock=clock)}, token=HashedToken(token_digest(TOKEN)), clock=clock,
        version="0", redactor=known,
    )  # fmt: skip
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750", headers=headers) as http:
        yield http


@pytest.mark.parametrize(
    "error",
    [
        ApiError(f"odd {KEY}, pin {SHORT}", venue_text=f"venue said {KEY} {SHORT}"),
        RiskLimitExceeded(f"{KEY} {SHORT}", control="c", limit=KEY, value=KEY),
    ],
    ids=["venue", "risk"],
)
async def test_problems_say_nothing_of_long_and_short_secrets(error: FloorbrokerError) -> None:
    async with _door(error) as http:
        reply = await http.get("/api/v1/paper/quotes", params={"symbols": "AAPL"})
    assert reply.status_code >= 400
    assert reply.json()["code"] == error.code
    assert "***" in reply.text
    assert KEY not in reply.text
    assert SHORT not in reply.text
