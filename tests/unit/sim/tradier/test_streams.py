"""Stream sessions, account events and market data of a simulated Tradier, without a socket."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from floorbroker_sim.http import Reply, Request, SocketSession

if TYPE_CHECKING:
    from tests.unit.sim.tradier.conftest import TradierAsker

ACCOUNT, MARKET = "/v1/accounts/events", "/v1/markets/events"


def _session(ask: TradierAsker, path: str) -> str:
    return ask("POST", f"{path}/session")["stream"]["sessionid"]


def _connect(ask: TradierAsker, path: str, **frame: Any) -> SocketSession:
    socket = ask.venue.socket(Request(method="GET", path=path))
    assert not isinstance(socket, Reply)
    socket.opened()
    socket.received(json.dumps(frame))
    return socket


def _said(socket: SocketSession) -> list[dict[str, Any]]:
    return [json.loads(socket.outbox.pop()) for _ in range(socket.outbox.waiting)]


def test_account_events_tell_each_step_of_an_order(ask: TradierAsker) -> None:
    socket = _connect(ask, ACCOUNT, events=["order"], sessionid=_session(ask, ACCOUNT), excludeAccounts=[])
    order_id = ask.place(tag="fb-7")
    ask.fill(order_id, "4", "100")
    ask("DELETE", f"./orders/{order_id}")
    events = _said(socket)
    assert [event["status"] for event in events] == ["pending", "open", "partially_filled", "canceled"]
    assert {event["id"] for event in events} == {order_id}
    assert (events[2]["exec_quantity"], events[2]["tag"]) == (4, "fb-7")
    socket.closed()
    ask.place()
    assert _said(socket) == []


def test_legs_name_their_parent_and_a_heartbeat_comes_each_minute(ask: TradierAsker) -> None:
    socket = _connect(ask, ACCOUNT, events=["order"], sessionid=_session(ask, ACCOUNT))
    entry = {"symbol": "AAPL", "side": "buy", "quantity": "1", "type": "limit", "price": "100"}
    order_id = ask.legs("oto", entry, entry | {"side": "sell", "price": "200"})
    assert {event.get("parent_id") for event in _said(socket)} == {None, order_id}
    ask.door("POST", "/clock", {"advance_s": 120})
    assert [event["event"] for event in _said(socket)] == ["heartbeat", "heartbeat"]


@pytest.mark.parametrize("path", [ACCOUNT, MARKET])
def test_a_session_must_be_used_within_five_minutes(ask: TradierAsker, path: str) -> None:
    late = _session(ask, path)
    ask.door("POST", "/clock", {"advance_s": 301})
    for session_id in (late, "nobody"):
        socket = _connect(ask, path, sessionid=session_id, symbols=["AAPL"], events=["order"])
        assert _said(socket) == [{"error": "session not found"}]
        assert socket.outbox.close_code is not None


@pytest.mark.parametrize("path", [ACCOUNT, MARKET])
def test_nonsense_and_silence_end_in_an_error(ask: TradierAsker, path: str) -> None:
    for nonsense in ("{", "[]", '{"sessionid": 1}', b"\xff", "[" * 100_000):
        socket = ask.venue.socket(Request(method="GET", path=path))
        assert not isinstance(socket, Reply)
        socket.received(nonsense)
        assert "error" in _said(socket)[0]
    socket = ask.venue.socket(Request(method="GET", path=path))
    assert not isinstance(socket, Reply)
    socket.impatient()
    assert socket.outbox.close_code is not None


def test_market_data_comes_for_what_was_asked_for(ask: TradierAsker) -> None:
    socket = _connect(ask, MARKET, sessionid=_session(ask, MARKET), symbols=["AAPL", "1234"], filter=["quote", "trade"])
    assert _said(socket) == [{"error": "1234 is not a valid symbol"}]
    ask.price("151.00", "151.02")
    ask.price("400.00", "400.02", "MSFT")
    quote, trade = _said(socket)
    assert (quote["type"], quote["bid"], quote["ask"], quote["bidsz"]) == ("quote", 151.0, 151.02, 5)
    assert (trade["type"], trade["price"], trade["symbol"]) == ("trade", "151.01", "AAPL")


def test_a_new_market_session_ends_the_one_before(ask: TradierAsker) -> None:
    first = _connect(ask, MARKET, sessionid=_session(ask, MARKET), symbols=["AAPL"])
    second = _connect(ask, MARKET, sessionid=_session(ask, MARKET), symbols=["AAPL"], filter=["timesale"])
    assert first.outbox.close_code is not None
    ask.price("151.00", "151.02")
    assert [one["type"] for one in _said(second)] == ["timesale"]


def test_the_http_stream_sends_the_same_as_lines(ask: TradierAsker) -> None:
    form = {"symbols": "AAPL", "sessionid": _session(ask, MARKET), "filter": "quote"}
    ask.headers.pop("authorization")
    reply = ask.raw("POST", MARKET, form)
    assert reply.stream is not None

    async def first() -> bytes:
        assert reply.stream is not None
        async for line in reply.stream:
            return line
        raise AssertionError("the stream ended")

    ask.price("151.00", "151.02")
    line = asyncio.run(first())
    assert line.endswith(b"\n")
    assert json.loads(line)["type"] == "quote"
    assert ask.raw("POST", MARKET, form | {"sessionid": "nobody"}).status == 401
