"""The client over a real socket: a person who signs in, and a stream that is left and taken up again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from floorbroker.client import DeskClient, Refused, StreamEnded, Told, Unreachable
from floorbroker.client.stream import Stream
from floorbroker.domain.clock import SystemClock
from tests.support.desk_server import TOKEN, desk_server
from tests.support.people import WORDS, town

pytestmark = pytest.mark.asyncio
RESTING = {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "10", "limit_price": "1"}


async def heard(stream: Stream, count: int) -> list[Told]:
    """The next messages."""
    async with asyncio.timeout(5):
        return [await anext(stream) for _ in range(count)]


async def test_a_person_signs_in_proves_who_they_are_and_does_what_no_token_may(tmp_path: Path) -> None:
    async with town(tmp_path, SystemClock()) as found:
        await found.add("ada")
        async with desk_server(people=found.people) as served, DeskClient.open(token="", url=served.origin) as desk:
            with pytest.raises(Refused) as stranger:
                await desk.users.all()
            assert stranger.value.problem.status == 401
            assert (await desk.auth.log_in("ada", WORDS)).principal == "ada"
            assert (await desk.auth.prove(password=WORDS)).proof_s == 300
            made = await desk.tokens.create("bot", environment="paper", scopes=["read"], per_minute=60)
            assert (made.secret.startswith("fb_paper_"), made.token.state, made.token.user) == (True, "active", "ada")
            assert (await desk.tokens.revoke("bot")).state == "revoked"
            assert [session.current for session in await desk.auth.sessions()] == [True]
            await desk.auth.log_out()
            with pytest.raises(Refused):
                await desk.auth.who()


async def test_a_stream_is_taken_up_where_it_was_left() -> None:
    async with desk_server() as served, DeskClient.open(token=TOKEN, url=served.origin) as desk:
        async with desk.stream(["orders"]) as stream:
            assert [told.type for told in await heard(stream, 2)] == ["ack", "snapshot"]
            first = await desk.submit(RESTING)
            (told,) = await heard(stream, 1)
            assert (told.channel, told.key, told.seq) == ("orders", first.id, stream.seq)
        missed = await desk.submit({**RESTING, "client_tag": "two"})
        async with desk.stream(["orders"], after=stream.seq) as again:
            (ack,) = await heard(again, 1)
            assert (ack.type, ack.channels) == ("ack", ("orders",))
            later = [told for told in await heard(again, 3) if told.key == missed.id]
            assert later[0].data["client_tag"] == "two"


async def test_a_stream_that_the_desk_ends_says_why_and_nobody_is_told_apart_from_no_desk() -> None:
    async with (
        desk_server() as served,
        DeskClient.open(token="wrong", url=served.origin) as desk,
        desk.stream(["orders"]) as stream,
    ):
        with pytest.raises(StreamEnded) as ended:
            await heard(stream, 1)
        assert (ended.value.code, ended.value.seq) == (4401, None)
    async with DeskClient.open(token=TOKEN, url=served.origin) as desk:
        with pytest.raises(Unreachable):
            async with desk.stream(["orders"]):
                pass
