"""The simulator on a real socket: pings, and order commands that meet faults on their way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from floorbroker.domain.clock import ManualClock, SystemClock
from floorbroker_sim.binance import BinanceVenue, create_venue
from floorbroker_sim.faults import read_faults
from floorbroker_sim.server import serve
from tests.unit.sim.binance.conftest import MONDAY, Asker

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def served(venue: BinanceVenue) -> AsyncIterator[dict[str, Any]]:
    stop = asyncio.Event()
    line: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(venue, ready=line.set_result, stop=stop))
    try:
        yield await line
    finally:
        stop.set()
        await task


def fresh() -> BinanceVenue:
    venue = create_venue(clock=SystemClock(), rate=0)
    asker(venue).price("59999", "60001", "60000")
    return venue


def asker(venue: BinanceVenue) -> Asker:
    return Asker(venue, None)  # type: ignore[arg-type] - nobody moves the system's clock


def fault(where: str, what: str, **args: Any) -> bytes:
    line = {
        "where": where,
        "what": what,
        "when": {"nth": 1},
        "match": {"method": "WS", "path": "/order.place"},
        "args": args,
    }
    return json.dumps({"faults": [line]}).encode()


def placement(venue: BinanceVenue) -> str:
    ask = asker(venue)
    params = ask.signed_params(ask.order_of(newClientOrderId="mine"))
    return json.dumps({"id": 1, "method": "order.place", "params": params})


async def placed(venue: BinanceVenue, socket: ClientConnection) -> Any:
    await socket.send(placement(venue))
    return json.loads(await asyncio.wait_for(socket.recv(), 5))


def log_of(venue: BinanceVenue) -> list[tuple[str, str, str | None]]:
    return [(seen.method, seen.path, seen.client) for seen in venue.app.seen if seen.method == "WS"]


async def test_an_order_command_is_in_the_request_log() -> None:
    venue = fresh()
    async with served(venue) as line, connect(f"{line['ws']}/ws-api/v3") as socket:
        assert (await placed(venue, socket))["status"] == 200
    assert log_of(venue) == [("WS", "/order.place", "mine")]


async def test_a_lost_answer_leaves_the_order() -> None:
    venue = fresh()
    venue.plan.replace(read_faults(fault("reply", "cut")))
    async with served(venue) as line, connect(f"{line['ws']}/ws-api/v3") as socket:
        await socket.send(placement(venue))
        with pytest.raises(ConnectionClosedError):
            await asyncio.wait_for(socket.recv(), 5)
    assert [record.client_id for record in venue.state.open.values()] == ["mine"]


async def test_the_events_of_a_lost_answer_are_told_all_the_same() -> None:
    venue = fresh()
    async with served(venue) as line, connect(f"{line['ws']}/ws-api/v3") as socket:
        subscription = asker(venue).signed_params({})
        await socket.send(json.dumps({"id": 0, "method": "userDataStream.subscribe.signature", "params": subscription}))
        await asyncio.wait_for(socket.recv(), 5)
        venue.plan.replace(read_faults(fault("reply", "drop")))
        await socket.send(placement(venue))
        frames = [json.loads(await asyncio.wait_for(socket.recv(), 5)) for _ in range(2)]
        venue.plan.replace([])
        ask = asker(venue)
        await socket.send(json.dumps({"id": 2, "method": "order.place", "params": ask.signed_params(ask.order_of())}))
        frames += [json.loads(await asyncio.wait_for(socket.recv(), 5)) for _ in range(3)]
    assert [frame["event"]["e"] if "event" in frame else frame["id"] for frame in frames] == [
        "executionReport", "outboundAccountPosition", 2, "executionReport", "outboundAccountPosition",
    ]  # fmt: skip


async def test_a_refused_command_never_reached_the_venue() -> None:
    venue = fresh()
    venue.plan.replace(read_faults(fault("request", "throttle", seconds=2)))
    async with served(venue) as line, connect(f"{line['ws']}/ws-api/v3") as socket:
        answer = await placed(venue, socket)
    assert (answer["id"], answer["status"], answer["error"]["code"]) == (1, 429, -1003)
    assert (log_of(venue), venue.state.orders) == ([], {})


async def test_a_command_that_comes_twice_is_a_duplicate() -> None:
    venue = fresh()
    venue.plan.replace(read_faults(fault("request", "duplicate")))
    async with served(venue) as line, connect(f"{line['ws']}/ws-api/v3") as socket:
        answers = [await placed(venue, socket), json.loads(await asyncio.wait_for(socket.recv(), 5))]
    assert [answer["status"] for answer in answers] == [200, 400]
    assert answers[1]["error"] == {"code": -2010, "msg": "Duplicate order sent."}
    assert len(venue.state.orders) == 1


async def test_the_venue_pings_its_sockets() -> None:
    venue = fresh()
    venue.ping_every_s = 0.05
    async with (
        served(venue) as line,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{line['ws']}/ws", autoping=False) as socket,
    ):
        message = await socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.PING
        await socket.pong(message.data)
        assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.PING


async def test_the_market_moves_while_time_runs_and_not_otherwise() -> None:
    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, rate=0), clock)
    stream = ask.listen("/stream", "streams=ethusdt@trade/ethusdt@depth@100ms")
    feeder = asyncio.create_task(ask.venue.run())
    await clock.advance(3)
    told = {frame["stream"] for frame in stream.heard()}
    feeder.cancel()
    await asyncio.gather(feeder, return_exceptions=True)
    assert told == {"ethusdt@trade", "ethusdt@depth@100ms"}
    await clock.advance(3)
    assert stream.heard() == []


async def test_orders_rest_and_fill_while_time_runs() -> None:
    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, rate=0), clock)
    bid = ask.public("/api/v3/ticker/bookTicker", symbol="ETHUSDT")["bidPrice"]
    placed = ask.order(symbol="ETHUSDT", price=bid.rstrip("0"), quantity="0.1")
    feeder = asyncio.create_task(ask.venue.run())
    for _ in range(40):
        await clock.advance(60)
        if ask.seen(placed)["status"] == "FILLED":
            break
    feeder.cancel()
    await asyncio.gather(feeder, return_exceptions=True)
    assert ask.seen(placed)["status"] == "FILLED"
    (trade,) = ask("GET", "/api/v3/myTrades", symbol="ETHUSDT")
    assert (trade["isMaker"], trade["price"]) == (True, bid)
