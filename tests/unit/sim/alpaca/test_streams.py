"""The sessions behind the sockets: who may listen, what is said, in which codec."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from floorbroker_sim.http import Outbox, Reply, Request
from tests.unit.sim.conftest import Asker


class Ear:
    """A client of one stream, in JSON or msgpack."""

    def __init__(self, ask: Asker, path: str, *, msgpack: bool = False, headers: dict[str, str] | None = None) -> None:
        self.codec: Any = msgspec.msgpack if msgpack else msgspec.json
        kind = {"content-type": "application/msgpack"} if msgpack else {}
        session = ask.venue.socket(Request(method="GET", path=path, headers=kind | (headers or {})))
        assert not isinstance(session, Reply)
        self.session = session
        self.keys = ask.venue.keys
        session.opened()

    def say(self, message: Any) -> None:
        self.session.received(self.codec.encode(message))

    def heard(self) -> list[Any]:
        """Everything since the last time."""
        frames: list[Any] = []
        while self.session.outbox.waiting:
            frame = self.session.outbox.pop()
            frames.append(self.codec.decode(frame))
        return frames

    def enter(self) -> list[Any]:
        self.say({"action": "auth", "key": self.keys.key, "secret": self.keys.secret})
        return self.heard()


# --- Trade updates ---------------------------------------------------------------------------------------------------


def test_the_trading_stream_is_silent_until_the_client_speaks(ask: Asker) -> None:
    ear = Ear(ask, "/stream")
    assert ear.heard() == []
    ear.say({"action": "listen", "data": {"streams": ["trade_updates"]}})
    assert ear.heard() == [{"stream": "authorization", "data": {"status": "unauthorized", "action": "listen"}}]


@pytest.mark.parametrize("secret", ["", "wrong"])
def test_wrong_keys_are_told_so(ask: Asker, secret: str) -> None:
    ear = Ear(ask, "/stream")
    ear.say({"action": "authenticate", "data": {"key_id": ear.keys.key, "secret_key": secret}})
    assert ear.heard()[0]["data"] == {"status": "unauthorized", "action": "authenticate"}


def test_both_forms_of_introduction_are_taken_and_unknown_streams_left_out(ask: Asker) -> None:
    old, new = Ear(ask, "/stream"), Ear(ask, "/stream")
    old.say({"action": "authenticate", "data": {"key_id": old.keys.key, "secret_key": old.keys.secret}})
    assert old.heard() == new.enter()
    old.say({"action": "listen", "data": {"streams": ["trade_updates", "gossip"]}})
    assert old.heard() == [{"stream": "listening", "data": {"streams": ["trade_updates"]}}]


def test_updates_carry_the_whole_order_and_stop_when_unlistened(ask: Asker) -> None:
    ear = Ear(ask, "/stream")
    ear.enter()
    ear.say({"action": "listen", "data": {"streams": ["trade_updates"]}})
    ear.heard()
    ask.market(qty="2", client_order_id="mine")
    frames = ear.heard()
    assert [frame["data"]["event"] for frame in frames] == ["pending_new", "new", "fill"]
    fill = frames[-1]["data"]
    assert (fill["price"], fill["qty"], fill["position_qty"]) == ("150.01", "2", "2")
    assert (fill["order"]["status"], fill["order"]["client_order_id"]) == ("filled", "mine")
    assert "price" not in frames[0]["data"]
    ear.say({"action": "listen", "data": {"streams": []}})
    ear.heard()
    ask.market()
    assert ear.heard() == []


def test_frames_are_bytes_and_a_closed_session_hears_nothing(ask: Asker) -> None:
    ear = Ear(ask, "/stream")
    ear.say({"action": "auth", "key": "x", "secret": "y"})
    assert isinstance(ear.session.outbox.pop(), bytes)
    ear.session.closed()
    assert ask.venue.state.listeners.updates == []


@pytest.mark.parametrize("frame", [b"{", b"\xff", "no json", b"[]", b'{"action": 7}'])
def test_nonsense_is_answered_with_an_error(ask: Asker, frame: bytes | str) -> None:
    ear = Ear(ask, "/stream")
    ear.session.received(frame)
    assert ear.heard()[0]["stream"] == "error"


# --- Market data -----------------------------------------------------------------------------------------------------


def test_the_greeting_the_entry_and_the_subscription(ask: Asker) -> None:
    ear = Ear(ask, "/v2/iex")
    assert ear.heard() == [[{"T": "success", "msg": "connected"}]]
    assert ear.enter() == [[{"T": "success", "msg": "authenticated"}]]
    ear.say({"action": "subscribe", "trades": ["AAPL"], "quotes": ["AAPL"]})
    ((state,),) = ear.heard()
    assert (state["T"], state["trades"], state["bars"], state["corrections"]) == (
        "subscription",
        ["AAPL"],
        [],
        ["AAPL"],
    )
    ear.say({"action": "unsubscribe", "quotes": ["AAPL"]})
    assert ear.heard()[0][0]["quotes"] == []


def test_the_errors_have_their_numbers(ask: Asker) -> None:
    ear = Ear(ask, "/v2/iex")
    ear.heard()
    ear.say({"action": "subscribe", "trades": ["AAPL"]})
    ear.session.received(b"{")
    ear.say({"action": "auth", "key": "x", "secret": "y"})
    ear.enter()
    assert ear.heard() == []
    ear.enter()
    second = Ear(ask, "/v2/iex")
    assert [frame[0].get("code") for frame in (*second.heard(), *second.enter())] == [None, 406]
    assert second.session.outbox.close_code is not None


def test_each_refusal_of_the_data_stream(ask: Asker) -> None:
    ear = Ear(ask, "/v2/iex")
    ear.heard()
    ear.say({"action": "subscribe", "trades": ["AAPL"]})
    ear.session.received(b"{")
    ear.say({"action": "auth", "key": "x", "secret": "y"})
    assert [frame[0]["code"] for frame in ear.heard()] == [401, 400, 402]
    ear.enter()
    assert ear.enter()[0][0]["code"] == 403
    slow = Ear(ask, "/v2/sip")
    slow.heard()
    slow.session.impatient()
    assert slow.heard()[0][0]["code"] == 404


def test_headers_may_introduce_the_client(ask: Asker) -> None:
    ear = Ear(ask, "/v2/sip", headers=ask.headers)
    assert [frame[0]["msg"] for frame in ear.heard()] == ["connected", "authenticated"]


def test_a_second_client_comes_in_when_the_first_is_gone(ask: Asker) -> None:
    first = Ear(ask, "/v2/iex")
    first.enter()
    first.session.closed()
    assert Ear(ask, "/v2/iex").enter()[-1][0]["msg"] == "authenticated"


@pytest.mark.parametrize("msgpack", [False, True])
def test_prices_come_in_either_codec(ask: Asker, msgpack: bool) -> None:
    ear = Ear(ask, "/v2/iex", msgpack=msgpack)
    ear.enter()
    ear.say({"action": "subscribe", "trades": ["AAPL"], "quotes": ["*"]})
    ear.heard()
    ask.price("150.5", "150.52", "150.51")
    ((trade, quote),) = ear.heard()
    assert (trade["T"], trade["S"], trade["p"]) == ("t", "AAPL", 150.51)
    assert (quote["T"], quote["bp"], quote["ap"], quote["bs"]) == ("q", 150.5, 150.52, 500)
    when = datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert quote["t"] == (when if msgpack else "2026-03-02T15:00:00Z")
    ask.price("59999", "60001", symbol="BTC/USD")
    assert ear.heard() == []


def test_bars_come_when_their_minute_is_over(ask: Asker) -> None:
    ear = Ear(ask, "/v2/iex")
    ear.enter()
    ear.say({"action": "subscribe", "bars": ["MSFT"], "dailyBars": ["MSFT"]})
    ear.heard()
    ask.door("POST", "/clock", {"advance_s": 60})
    ((minute, daily),) = ear.heard()
    assert (minute["T"], minute["S"], minute["t"]) == ("b", "MSFT", "2026-03-02T15:00:00Z")
    assert (daily["T"], daily["t"]) == ("d", "2026-03-02T05:00:00Z")
    assert daily["h"] >= minute["h"]


def test_the_test_feed_has_a_symbol_that_nobody_trades(ask: Asker) -> None:
    ear = Ear(ask, "/v2/test")
    ear.enter()
    ear.say({"action": "subscribe", "trades": ["FAKEPACA"]})
    ear.heard()
    ask.door("POST", "/clock", {"advance_s": 1})
    assert ear.heard()[0][0]["S"] == "FAKEPACA"
    assert "FAKEPACA" not in {asset["symbol"] for asset in ask("GET", "/v2/assets")}


def test_crypto_books_begin_with_the_whole_book(ask: Asker) -> None:
    ask.price("59999", "60001", symbol="BTC/USD")
    ear = Ear(ask, "/v1beta3/crypto/us")
    ear.enter()
    ear.say({"action": "subscribe", "orderbooks": ["BTC/USD"]})
    _, (book,) = ear.heard()
    assert (book["T"], book["r"], book["b"][0], book["a"][0]["p"]) == ("o", True, {"p": 59999, "s": 10}, 60001)


def test_an_unknown_path_opens_no_stream(ask: Asker) -> None:
    answer = ask.venue.socket(Request(method="GET", path="/v2/nothing"))
    assert isinstance(answer, Reply)
    assert answer.status == 404


async def _drain(outbox: Outbox) -> list[bytes | str]:
    frames: list[bytes | str] = []
    while (frame := await outbox.get()) is not None:
        frames.append(frame)
    return frames


def test_an_outbox_is_bounded_and_says_what_is_left_before_it_ends() -> None:
    outbox = Outbox(limit=2)
    assert [outbox.put(frame) for frame in ("a", "b", "c")] == [True, True, False]
    outbox.close()
    assert not outbox.put("d")
    assert asyncio.run(_drain(outbox)) == ["a", "b"]


# --- Server-sent events ----------------------------------------------------------------------------------------------


async def _chunks(reply: Reply, count: int) -> list[str]:
    assert reply.stream is not None
    return [(await anext(reply.stream)).decode() for _ in range(count)]


def _data(chunk: str) -> Any:
    return json.loads(chunk.split("data: ")[1])


def test_events_of_the_past_come_first_and_the_stream_ends_at_until(ask: Asker) -> None:
    ask.market(qty="2", client_order_id="mine")

    async def read() -> list[str]:
        now = ask.clock.now()
        query = {"since": now.isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
        reply = ask.raw("GET", "/v2beta1/events/activities", query=query)
        assert reply.stream is not None
        return [chunk.decode() async for chunk in reply.stream]

    greeting, event = asyncio.run(read())
    assert greeting.startswith(":")
    body = _data(event)
    assert (body["activity_type"], body["qty"], body["details"]["client_order_id"]) == ("TRD", "2", "mine")
    assert (body["net_amount"], body["details"]["execution_type"]) == ("-300.02", "fill")
    assert event.startswith(f"id: {body['event_id']}\n")


def test_a_bust_is_an_event_that_names_the_execution(ask: Asker) -> None:
    async def live() -> Any:
        reply = ask.raw("GET", "/v2beta1/events/activities")
        await _chunks(reply, 1)
        order = ask.order(qty="5")
        following = asyncio.ensure_future(_chunks(reply, 2))
        await asyncio.sleep(0)
        ask.door("POST", "/fill", {"order": order["id"], "qty": "2", "price": "99"})
        (fill,) = ask.door("GET", "/fills")[1]
        ask.door("POST", "/busts", {"exec": fill["exec"]})
        return fill["exec"], *map(_data, await following)

    exec_id, fill, bust = asyncio.run(live())
    assert (fill["ref_id"], bust["previous_id"], bust["details"]["execution_type"]) == (exec_id, exec_id, "trade_bust")
    assert bust["event_id"] > fill["event_id"]


def test_a_correction_is_an_event_that_names_what_it_corrects_and_the_list_stays_as_executed(ask: Asker) -> None:
    async def live() -> Any:
        reply = ask.raw("GET", "/v2beta1/events/activities")
        await _chunks(reply, 1)
        order = ask.order(qty="5")
        following = asyncio.ensure_future(_chunks(reply, 3))
        await asyncio.sleep(0)
        ask.door("POST", "/fill", {"order": order["id"], "qty": "4", "price": "99"})
        (fill,) = ask.door("GET", "/fills")[1]
        for qty, price in (("4", "98"), ("3", "97")):
            assert ask.door("POST", "/corrections", {"exec": fill["exec"], "qty": qty, "price": price})[0] == 204
        assert ask.door("POST", "/corrections", {"exec": fill["exec"], "qty": "4", "price": "1"})[1]["field"] == "qty"
        return order["id"], fill["exec"], *map(_data, await following)

    order_id, exec_id, _, first, second = asyncio.run(live())
    assert (first["previous_id"], second["previous_id"]) == (exec_id, first["ref_id"])
    assert (second["qty"], second["price"], second["details"]["execution_type"]) == ("3", "97", "trade_correct")
    (listed,) = ask("GET", "/v2/account/activities/FILL")
    assert (listed["qty"], listed["price"]) == ("4", "99")
    assert ask("GET", f"/v2/orders/{order_id}")["filled_qty"] == "3"
    assert ask("GET", "/v2/positions/AAPL")["avg_entry_price"] == "97"


def test_until_needs_since_and_times_and_ids_do_not_mix(ask: Asker) -> None:
    assert ask.refused("GET", "/v2beta1/events/activities", until="2026-03-02T00:00:00Z")[0] == 400
    assert ask.refused("GET", "/v2beta1/events/activities", since="2026-03-02T00:00:00Z", until_id="0")[0] == 400
