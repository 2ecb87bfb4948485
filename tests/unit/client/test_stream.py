"""The client's stream against the real server: cut, taken up without loss, changed, ended by the desk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from floorbroker.api.stream import outbox, socket
from floorbroker.client import DeskClient, StreamEnded, Told
from floorbroker.client.stream import Stream
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.records import DataKind
from floorbroker.gateway.desk import Caller
from floorbroker.oms.schema import parse_order
from tests.support.desk_server import TOKEN, Served, desk_server
from tests.support.people import WORDS, town

pytestmark = pytest.mark.asyncio
CALLER = Caller(principal="tester", via="test")
RESTING = {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "10", "limit_price": "1"}


@pytest_asyncio.fixture
async def served() -> AsyncGenerator[Served]:
    async with desk_server() as running:
        yield running


@pytest_asyncio.fixture
async def desk(served: Served) -> AsyncIterator[DeskClient]:
    async with DeskClient.open(token=TOKEN, url=served.origin) as client:
        yield client


async def hear(stream: Stream) -> Told:
    async with asyncio.timeout(5):
        return await anext(stream)


async def hear_until(stream: Stream, kind: str, id: str = "") -> Told:
    while (told := await hear(stream)).type != kind or told.id != id:
        pass
    return told


async def hear_all(stream: Stream, keys: set[str]) -> None:
    """Note the keys of what is told until the stream ends, which raises."""
    while True:
        keys.add((await hear(stream)).key)


async def test_a_stream_that_was_cut_for_slowness_is_taken_up_without_loss(
    served: Served, desk: DeskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as small:
        small.setattr(outbox, "FACTS_MAX", 20)
        async with desk.stream(["orders"]) as stream:
            start = (await hear_until(stream, "ack")).seq
            wishes = [parse_order({**RESTING, "client_tag": str(n)}) for n in range(60)]
            placed = [(await served.desk.submit(wish, profile=None, caller=CALLER)).order.intent_id for wish in wishes]
            seen = set[str]()
            with pytest.raises(StreamEnded) as cut:
                await hear_all(stream, seen)
    assert (cut.value.code, cut.value.problem.retryable, cut.value.seq) == (4408, True, stream.seq)
    after = start if cut.value.seq is None else cut.value.seq
    assert after is not None
    missing = {event.seq for event in served.desk.past(after) if event.channel == "orders"}
    async with desk.stream(["orders"], after=after) as again:
        heard = list[int]()
        while len(heard) < len(missing):
            told = await hear(again)
            if told.type == "event" and told.seq is not None:
                heard.append(told.seq)
                seen.add(told.key)
    assert (set(heard), len(heard)) == (missing, len(missing))
    assert seen >= set(placed)


async def test_channels_come_and_go_while_a_stream_stands_and_a_wrong_one_is_told(
    served: Served, desk: DeskClient
) -> None:
    async with desk.stream(["fills"]) as stream:
        await hear_until(stream, "ack")
        await stream.subscribe(["nonsense"], id="n")
        wrong = await hear_until(stream, "error", "n")
        assert (wrong.code, "is no channel" in wrong.detail) == ("invalid_request", True)
        await stream.subscribe(["quotes:paper:AAPL"], id="q")
        assert (await hear_until(stream, "ack", "q")).channels == ("quotes:paper:AAPL",)
        (feed,) = [feed for feed in served.desk.feeds if DataKind.QUOTES in feed.kinds]
        feed.tell(await served.desk.quote("AAPL"), skipped=3)
        told = await hear_until(stream, "event")
        assert (told.channel, told.conflated, told.data["symbol"], stream.seq) == ("quotes:paper:AAPL", 3, "AAPL", None)
        await stream.unsubscribe(["quotes:paper:AAPL"], id="u")
        await hear_until(stream, "ack", "u")
        assert served.desk.feeds == []


async def test_a_person_listens_by_their_session_and_hears_no_more_once_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "LOOK_AGAIN_S", 0.05)
    async with town(tmp_path, SystemClock()) as found:
        await found.add("ada")
        async with desk_server(people=found.people) as served, DeskClient.open(token="", url=served.origin) as desk:
            await desk.auth.log_in("ada", WORDS)
            async with desk.stream(["orders"]) as stream:
                await hear_until(stream, "ack")
                await desk.auth.log_out()
                with pytest.raises(StreamEnded) as ended:
                    await hear_until(stream, "event")
                assert ended.value.code == 4401
                with pytest.raises(StreamEnded):
                    await stream.subscribe(["fills"])


async def test_a_desk_that_goes_away_ends_a_stream_with_the_number_to_come_back_after() -> None:
    async with desk_server() as served, DeskClient.open(token=TOKEN, url=served.origin) as desk:
        async with desk.stream(["orders"]) as stream:
            await hear_until(stream, "ack")
            await desk.submit(RESTING)
            last = (await hear_until(stream, "event")).seq
            stream.socket.transport.abort()
            with pytest.raises(StreamEnded) as ended:
                await hear_all(stream, set())
        assert last is not None
        assert (ended.value.code, ended.value.seq, ended.value.problem.retryable) == (1006, stream.seq, True)
        assert (stream.seq or 0) >= last
