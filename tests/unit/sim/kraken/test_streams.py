"""The socket: what it says by itself, what it answers, and how the private channels tell an order's life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.http import Reply, Request
from tests.unit.sim.kraken.conftest import START, Desk, channel, rows

STAMP = "2026-03-02T15:00:00.000000Z"


def test_a_connection_is_greeted_with_the_status(desk: Desk) -> None:
    [status] = desk.socket().heard()
    assert (status["channel"], status["type"]) == ("status", "update")
    [row] = status["data"]
    assert (row["api_version"], row["system"]) == ("v2", "online")
    assert isinstance(row["connection_id"], int)


def test_pings_are_answered_with_and_without_an_id(desk: Desk) -> None:
    line = desk.socket()
    assert line.say("ping", req_id=1)[-1] == {"method": "pong", "req_id": 1, "time_in": STAMP, "time_out": STAMP}
    assert line.say("ping") == [{"method": "pong", "time_in": STAMP, "time_out": STAMP}]


def test_every_symbol_is_acknowledged_by_itself(desk: Desk) -> None:
    frames = desk.socket().say(
        "subscribe", {"channel": "ticker", "symbol": ["BTC/USD", "FOO/BAR", "ETH/USD"]}, req_id=9
    )
    acks = [frame for frame in frames if frame.get("method") == "subscribe"]
    assert [(ack["success"], ack["req_id"]) for ack in acks] == [(True, 9), (False, 9), (True, 9)]
    assert acks[0]["result"] == {"channel": "ticker", "symbol": "BTC/USD", "event_trigger": "trades", "snapshot": True}
    assert acks[1] == {
        "error": "Currency pair not supported FOO/BAR", "method": "subscribe", "req_id": 9, "success": False,
        "symbol": "FOO/BAR", "time_in": STAMP, "time_out": STAMP,
    }  # fmt: skip
    assert [row["symbol"] for row in rows(frames, "ticker")] == ["BTC/USD", "ETH/USD"]


@pytest.mark.parametrize("name", ["XBT/USD", "XBTUSD", "btc/usd"])
def test_the_socket_knows_its_own_names_alone(desk: Desk, name: str) -> None:
    answer = desk.socket().say("subscribe", {"channel": "trade", "symbol": [name]})[-1]
    assert answer["error"] == f"Currency pair not supported {name}"


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ("", "EAPI:Bad request"),
        ("[]", "EAPI:Bad request"),
        ("{", "EAPI:Bad request"),
        (b"\xff\xfe", "EAPI:Bad request"),
        ("[" * 2000, "EAPI:Bad request"),
        ("{}", "Method missing"),
        ('{"method":"dance"}', "Unsupported method"),
        ('{"method":"subscribe"}', "Channel missing"),
        ('{"method":"subscribe","params":[]}', "EAPI:Bad request"),
        ('{"method":"subscribe","params":"book"}', "EGeneral:Invalid arguments:params"),
        ('{"method":"subscribe","params":{"channel":"weather"}}', "Channel 'weather' not supported"),
        ('{"method":"subscribe","params":{"channel":"book"}}', "EGeneral:Invalid arguments:symbol"),
        ('{"method":"subscribe","params":{"channel":"ohlc","symbol":["BTC/USD"],"interval":2}}',
         "Subscription interval not supported"),
        ('{"method":"ping","req_id":"one"}', "EGeneral:Invalid arguments:req_id"),
        ('{"method":"subscribe","params":{"channel":"executions"}}', "ESession:Invalid session"),
    ],
)  # fmt: skip
def test_nonsense_is_answered_and_the_connection_lives(desk: Desk, frame: str | bytes, error: str) -> None:
    line = desk.socket()
    answer = line.raw(frame)[-1]
    assert (answer["success"], answer["error"]) == (False, error)
    assert line.say("ping")[-1]["method"] == "pong"


def test_a_heartbeat_fills_a_second_without_a_word(desk: Desk) -> None:
    line = desk.socket()
    desk.wait(1)
    assert channel(line.heard(), "heartbeat") == []  # nothing is subscribed yet
    line.say("subscribe", {"channel": "instrument"})
    desk.wait(1)
    desk.wait(1)
    assert channel(line.heard(), "heartbeat") == [{"channel": "heartbeat"}]


def test_the_instrument_channel_tells_the_rules(desk: Desk) -> None:
    frames = desk.socket().say("subscribe", {"channel": "instrument"})
    [message] = channel(frames, "instrument")
    pairs = {pair["symbol"]: pair for pair in message["data"]["pairs"]}
    assert len(pairs) == 8
    bitcoin = pairs["BTC/USD"]
    assert (bitcoin["price_increment"], bitcoin["qty_min"]) == (Decimal("0.1"), Decimal("0.00005000"))
    assert (bitcoin["price_precision"], bitcoin["qty_precision"], bitcoin["status"]) == (1, 8, "online")
    assert {asset["id"] for asset in message["data"]["assets"]} >= {"BTC", "USD", "EUR", "DOGE"}


def test_the_ticker_speaks_at_trades_or_at_every_change_of_the_top(desk: Desk) -> None:
    line = desk.socket()
    line.say("subscribe", {"channel": "ticker", "symbol": ["BTC/USD"], "event_trigger": "bbo"})
    desk.price("61000", "61000.1", "61000")
    [row] = rows(line.heard(), "ticker")
    assert (row["bid"], row["ask"], row["last"]) == (Decimal("61000.0"), Decimal("61000.1"), Decimal("61000.0"))
    desk.price("61000", "61000.1", "60500")
    assert rows(line.heard(), "ticker") == []


def test_trades_come_as_they_happen_and_fifty_of_them_on_request(
    new_desk: Callable[..., Desk], clock: ManualClock
) -> None:
    desk = new_desk()
    line = desk.socket()
    frames = line.say("subscribe", {"channel": "trade", "symbol": ["BTC/USD"], "snapshot": True})
    assert len(rows(frames, "trade")) == 50
    clock.set(START + timedelta(seconds=1))
    desk.price("61000", "61001", "61000.5")
    [row] = rows(line.heard(), "trade")
    assert (row["price"], row["side"], row["ord_type"]) == (Decimal("61000.5"), "buy", "market")
    assert row["trade_id"] > rows(frames, "trade")[-1]["trade_id"]


def test_candles_follow_the_trades(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    line = desk.socket()
    snapshot = rows(line.say("subscribe", {"channel": "ohlc", "symbol": ["BTC/USD"], "interval": 5}), "ohlc")
    assert len(snapshot) == 720
    assert snapshot[-1]["interval_begin"] == STAMP
    desk.price("99000", "99001", "99000.5")
    [row] = rows(line.heard(), "ohlc")
    assert (row["close"], row["interval"]) == (Decimal("99000.5"), 5)


def test_a_closed_socket_hears_nothing_more(desk: Desk) -> None:
    line = desk.socket()
    line.private("executions")
    line.session.closed()
    desk.order(volume="0.1")
    desk.wait(2)
    assert line.heard() == []


def test_an_unsubscribed_channel_is_silent(desk: Desk) -> None:
    line = desk.socket()
    for name in ("executions", "balances"):
        line.private(name)
        assert line.command("unsubscribe", channel=name)[-1]["success"]
        assert line.command("unsubscribe", channel=name)[-1]["success"] is False
    line.say("subscribe", {"channel": "instrument"})
    assert line.say("subscribe", {"channel": "instrument"})[-1]["error"] == "Already subscribed"
    assert line.say("unsubscribe", {"channel": "instrument"})[-1]["success"]
    desk.market(volume="0.1")
    assert line.heard() == []


def test_other_paths_have_no_socket(desk: Desk) -> None:
    answer = desk.venue.socket(Request(method="GET", path="/v1", segments=("v1",)))
    assert isinstance(answer, Reply)
    assert answer.status == 404


# --- Executions ------------------------------------------------------------------------------------------------------


def test_the_acknowledgement_tells_the_engines_threshold(desk: Desk) -> None:
    ack = desk.socket().private("executions", snap_trades=True)[1]
    assert ack["result"] == {
        "channel": "executions", "snap_orders": True, "snap_trades": True, "order_status": True, "ratecounter": False,
        "maxratecount": 125,
    }  # fmt: skip


def test_an_order_that_fills_twice_is_told_step_by_step(desk: Desk) -> None:
    line = desk.socket()
    line.private("executions")
    txid = desk.order(volume="0.5", cl_ord_id="mine")
    desk.fill(txid, "0.2", "50000")
    desk.fill(txid, "0.3", "49999")
    frames = channel(line.heard(), "executions")
    told = [row for frame in frames for row in frame["data"]]
    assert [row["exec_type"] for row in told] == ["pending_new", "new", "trade", "trade", "filled"]
    assert [row["order_status"] for row in told] == [
        "pending_new", "new", "partially_filled", "partially_filled", "filled",
    ]  # fmt: skip
    assert [frame["sequence"] for frame in frames] == [2, 3, 4, 5, 6]  # the snapshot was the first
    assert {row["order_id"] for row in told} == {txid}
    assert {row["cl_ord_id"] for row in told} == {"mine"}
    assert told[0] | {"timestamp": ""} == {
        "order_id": txid, "cl_ord_id": "mine", "exec_type": "pending_new", "order_status": "pending_new", "timestamp": "",
        "symbol": "BTC/USD", "side": "buy", "order_type": "limit", "order_qty": Decimal("0.5"),
        "limit_price": Decimal(50000), "limit_price_type": "static", "time_in_force": "GTC", "post_only": False,
        "reduce_only": False, "margin": False, "fee_ccy_pref": "fciq", "cum_qty": 0, "cum_cost": 0, "fee_usd_equiv": 0,
    }  # fmt: skip
    assert set(told[1]) == {"order_id", "cl_ord_id", "exec_type", "order_status", "timestamp"}
    assert (told[2]["last_qty"], told[2]["last_price"], told[2]["liquidity_ind"]) == (Decimal("0.2"), 50000, "t")
    assert told[2]["fees"] == [{"asset": "USD", "qty": Decimal("26.0000")}]
    assert (told[3]["cum_qty"], told[3]["cum_cost"]) == (Decimal("0.5"), Decimal("24999.7"))
    assert told[3]["avg_price"] == Decimal("49999.4")


def test_cancels_expiries_amends_and_triggers_are_told(desk: Desk) -> None:
    line = desk.socket()
    line.private("executions")
    txid = desk.order(volume="0.1")
    desk("AmendOrder", {"txid": txid, "limit_price": "51000"})
    desk("CancelOrder", {"txid": txid})
    told = rows(line.heard(), "executions")
    assert [row["exec_type"] for row in told] == ["pending_new", "new", "amended", "canceled"]
    assert (told[2]["amended"], told[2]["limit_price"]) == (True, 51000)
    assert told[3]["reason"] == "User requested"
    desk.order(volume="0.1", timeinforce="GTD", expiretm="+5")
    desk.wait(6)
    assert rows(line.heard(), "executions")[-1]["exec_type"] == "expired"
    desk.order(ordertype="stop-loss", type="sell", volume="0.1", price="59000")
    desk.price("58999", "59000", "59000")
    told = rows(line.heard(), "executions")
    assert [row["exec_type"] for row in told] == ["pending_new", "new", "status", "trade", "filled"]
    assert told[0]["triggers"]["status"] == "untriggered"
    assert told[2]["triggers"] | {"timestamp": ""} == {
        "reference": "last", "price": Decimal("59000.0"), "price_type": "static", "status": "triggered",
        "actual_price": Decimal("59000.0"), "last_price": Decimal("59000.0"), "timestamp": "",
    }  # fmt: skip


def test_icebergs_tell_of_their_refills(desk: Desk) -> None:
    line = desk.socket()
    line.private("executions")
    txid = desk.order(ordertype="iceberg", volume="0.5", displayvol="0.1")
    desk.fill(txid, "0.1", "50000")
    told = rows(line.heard(), "executions")
    assert [row["exec_type"] for row in told] == ["pending_new", "new", "trade", "iceberg_refill"]
    assert (told[0]["display_qty"], told[0]["display_qty_remain"]) == (Decimal("0.1"), Decimal("0.1"))
    desk.fill(txid, "0.05", "50000")
    line.heard()
    [row] = rows(desk.socket().private("executions"), "executions")
    assert (row["display_qty_remain"], row["exec_type"]) == (Decimal("0.05"), "status")


def test_the_snapshot_has_open_orders_and_the_last_trades(desk: Desk) -> None:
    done = desk.market(volume="0.1")
    waiting = desk.order(ordertype="trailing-stop", type="sell", volume="0.1", price="+2%", close_ordertype="limit",
                         close_price="50000")  # fmt: skip
    frames = desk.socket().private("executions", snap_trades=True)
    [message] = channel(frames, "executions")
    assert (message["type"], message["sequence"]) == ("snapshot", 1)
    trade, order = message["data"]
    assert (trade["order_id"], trade["exec_type"]) == (done, "trade")
    assert (order["order_id"], order["exec_type"], order["order_type"]) == (waiting, "new", "trailing-stop")
    assert order["triggers"]["peak_price"] == 60000
    assert order["contingent"] == {
        "order_type": "limit", "limit_price": Decimal("50000.0"), "limit_price_type": "static",
    }  # fmt: skip
    assert rows(desk.socket().private("executions", snap_orders=False), "executions") == []


def test_without_order_status_only_the_turns_of_a_life_are_told(desk: Desk) -> None:
    line = desk.socket()
    line.private("executions", order_status=False, snap_orders=False)
    desk.order(ordertype="stop-loss", type="sell", volume="0.1", price="60500")
    frames = channel(line.heard(), "executions")
    assert [row["exec_type"] for frame in frames for row in frame["data"]] == ["new", "trade", "filled"]
    assert [frame["sequence"] for frame in frames] == [1, 2, 3]


# --- Balances --------------------------------------------------------------------------------------------------------


def test_balances_start_with_all_and_go_on_with_ledger_lines(desk: Desk) -> None:
    line = desk.socket()
    [snapshot] = channel(line.private("balances"), "balances")
    assert (snapshot["type"], snapshot["sequence"]) == ("snapshot", 1)
    assert {row["asset"]: row["balance"] for row in snapshot["data"]}["USD"] == 100_000
    desk.market(volume="0.1")
    [update] = channel(line.heard(), "balances")
    assert (update["type"], update["sequence"]) == ("update", 2)
    by_asset: dict[str, Any] = {row["asset"]: row for row in update["data"]}
    assert (by_asset["BTC"]["amount"], by_asset["BTC"]["balance"]) == (Decimal("0.1"), Decimal("2.1"))
    assert (by_asset["USD"]["amount"], by_asset["USD"]["fee"]) == (Decimal("-6000.01"), Decimal("15.6"))
    assert by_asset["USD"]["type"] == "trade"


# --- Tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_dies_after_a_quarter_of_an_hour_unless_it_is_used(desk: Desk) -> None:
    answer = desk("GetWebSocketsToken")
    assert answer["expires"] == 900
    used, unused = answer["token"], desk.token()
    line = desk.socket()
    line.token = used
    line.private("executions")
    desk.wait(1000)
    line.heard()
    assert line.command("cancel_all")[-1]["success"]
    line.token = unused
    assert line.command("cancel_all")[-1]["error"] == "ESession:Invalid session"
    line.token = used
    line.session.closed()
    other = desk.socket()
    other.token = used
    assert other.command("cancel_all")[-1]["error"] == "ESession:Invalid session"


@pytest.mark.parametrize("token", ["", "wrong", 7, None, ["x"]])
def test_private_things_need_a_token(desk: Desk, token: Any) -> None:
    line = desk.socket()
    assert line.say("cancel_all", {"token": token})[-1]["success"] is False
    assert line.say("subscribe", {"channel": "balances", "token": token})[-1]["success"] is False


# --- Time ------------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_feed_runs_by_the_clock_it_was_given(new_desk: Callable[..., Desk], clock: ManualClock) -> None:
    desk = new_desk()
    line = desk.socket()
    line.say("subscribe", {"channel": "book", "symbol": ["BTC/USD"]})
    feeding = asyncio.ensure_future(desk.venue.run())
    for _ in range(5):
        await clock.advance(1.0)
    feeding.cancel()
    assert len(channel(line.heard(), "book")) >= 4
