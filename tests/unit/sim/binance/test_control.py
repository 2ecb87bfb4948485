"""The control door of this venue: what it shows, what it does, what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from floorbroker_sim.http import Request
from floorbroker_sim.server import load_venue
from tests.unit.sim.binance.conftest import Asker


def test_orders_are_shown_in_our_words(ask: Asker) -> None:
    ask.order(newClientOrderId="mine")
    ask.waiting("STOP_LOSS_LIMIT", "SELL", "58000", price="57900")
    ask.waiting("TAKE_PROFIT", "SELL", "62000")
    ask.waiting("STOP_LOSS", "SELL", None, trailingDelta="100")
    lines = ask.door("GET", "/orders")[1]
    assert set(lines[0]) == {
        "order", "client", "symbol", "side", "type", "quantity", "status", "filled", "avg_px", "limit", "stop", "created",
    }  # fmt: skip
    assert (lines[0]["client"], lines[0]["symbol"], lines[0]["limit"], lines[0]["avg_px"]) == (
        "mine",
        "BTC/USDT",
        "50000",
        None,
    )
    assert [(line["type"], line["stop"]) for line in lines] == [
        ("limit", None), ("stop_limit", "58000"), ("market_if_touched", "62000"), ("trailing_stop", None),
    ]  # fmt: skip


def test_fills_and_holdings_agree(ask: Asker) -> None:
    placed = ask.market(newClientOrderId="mine")
    (fill,) = ask.door("GET", "/fills")[1]
    assert (fill["exec"], fill["order"], fill["client"]) == (
        str(placed["fills"][0]["tradeId"]), str(placed["orderId"]), "mine",
    )  # fmt: skip
    assert (fill["symbol"], fill["fee"], fill["fee_currency"]) == ("BTC/USDT", "0.00001", "BTC")
    held = {line["symbol"]: line["quantity"] for line in ask.door("GET", "/positions")[1]}
    assert (held["BTC"], held["USDT"]) == ("2.00999", "99399.99")


def test_prices_take_both_spellings(ask: Asker) -> None:
    ask.price("100", "102", "101", symbol="SOL/USDT")
    assert ask.public("/api/v3/ticker/bookTicker", symbol="SOLUSDT")["bidPrice"] == "100.00000000"
    ask.price("103", "104", symbol="SOLUSDT")
    assert ask.public("/api/v3/ticker/price", symbol="SOLUSDT")["price"] == "103.50000000"
    assert ask.door("POST", "/price", {"symbol": "AAPL", "bid": "1", "ask": "2"})[0] == 422


def test_reset_forgets_everything_but_keys_and_counts_of_the_book(ask: Asker) -> None:
    stream = ask.listen("/ws/btcusdt@depth@100ms")
    first = ask.market()
    last = ask.public("/api/v3/depth", symbol="BTCUSDT")["lastUpdateId"]
    stream.heard()
    assert ask.door("POST", "/reset", {})[0] == 204
    assert [ask.door("GET", path)[1] for path in ("/orders", "/fills", "/requests")] == [[], [], []]
    assert ask.balance("USDT") == ("100000.00000000", "0.00000000")
    ask.price("58999", "59001", "59000")
    assert stream.heard()[0]["U"] == last + 1
    assert ask.market()["orderId"] == first["orderId"]  # the same seed gives the same ids


def test_trades_are_final(ask: Asker) -> None:
    ask.market()
    (fill,) = ask.door("GET", "/fills")[1]
    assert ask.door("POST", "/busts", {"exec": fill["exec"]})[0] == 422
    assert ask.door("POST", "/corrections", {"exec": fill["exec"], "qty": "1", "price": "1"})[0] == 422


@pytest.mark.parametrize(
    ("order", "qty", "status"),
    [("nobody", "1", 404), ("waits", "0.01", 409), ("mine", "5", 422), ("gone", "0.01", 409)],
)
def test_fills_that_cannot_be(ask: Asker, order: str, qty: str, status: int) -> None:
    ask.order(newClientOrderId="mine")
    ask.waiting("STOP_LOSS", "SELL", "58000", newClientOrderId="waits")
    ask.order(newClientOrderId="gone")
    ask("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="gone")
    assert ask.door("POST", "/fill", {"order": order, "qty": qty, "price": "50000"})[0] == status


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/keys", {"key": "nobody"}, "key"), ("/keys", {"remove": True}, "key"), ("/keys", {"trading": 1}, "trading"),
        ("/streams", {"what": "dance"}, "what"), ("/ban", {"seconds": "x"}, "seconds"), ("/ban", {"seconds": 10**9}, "seconds"),
        ("/ban", {}, "seconds"), ("/deposit", {"asset": "??", "amount": "1"}, "asset"),
        ("/deposit", {"asset": "BTC", "amount": "0.000000001"}, "amount"),
    ],
)  # fmt: skip
def test_hands_that_cannot_be_played_name_the_field(ask: Asker, path: str, body: dict[str, Any], field: str) -> None:
    status, answer = ask.door("POST", path, body)
    assert (status in {404, 422}, answer["field"]) == (True, field)


def test_keys_are_listed_without_their_secrets(ask: Asker) -> None:
    (line,) = ask.door("GET", "/keys")[1]
    assert line == {"key": ask.key.name, "kind": "HMAC", "withdrawals": False, "trading": True}
    assert ask.key.secret not in json.dumps(ask.door("GET", "/keys")[1])


def test_the_request_log_knows_the_clients_ids(ask: Asker) -> None:
    named = Request(method="POST", path="/api/v3/order", body=b"newClientOrderId=mine&symbol=BTCUSDT")
    assert ask.venue.client_id(named) == "mine"
    by_query = Request(method="POST", path="/api/v3/orderList/oco", query={"listClientOrderId": "pair"})
    assert ask.venue.client_id(by_query) == "pair"
    assert ask.venue.client_id(Request(method="DELETE", path="/api/v3/order", query={"newClientOrderId": "x"})) is None


def test_maintenance_is_a_page_and_paths_without_streams_are_none(ask: Asker) -> None:
    ask.door("POST", "/faults", {"faults": [{"where": "request", "what": "maintenance"}]})
    reply = ask.venue.refusal(ask.venue.plan.faults[0], Request(method="GET", path="/api/v3/time"))
    assert (reply.status, reply.content_type) == (503, "text/html")
    assert getattr(ask.venue.socket(Request(method="GET", path="/nowhere")), "status", None) == 404


def test_the_venue_is_served_by_its_name() -> None:
    assert load_venue("binance").__module__ == "floorbroker_sim.binance.venue"
