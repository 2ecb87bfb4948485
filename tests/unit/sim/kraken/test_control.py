"""The control door of this venue: its truth in canonical words, and its hands."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sim.kraken.conftest import START, Desk


def test_orders_and_fills_are_told_in_public_words(desk: Desk) -> None:
    txid = desk.order(volume="1.0", cl_ord_id="mine", price="50000.0")
    desk.fill("mine", "0.4", "49999.9")
    [line] = desk.door("GET", "/orders")[1]
    assert line == {
        "order": txid, "client": "mine", "symbol": "BTC/USD", "side": "buy", "type": "limit", "quantity": "1",
        "status": "partially_filled", "filled": "0.4", "avg_px": "49999.9", "limit": "50000", "stop": None,
        "created": "2026-03-02T15:00:00.000000Z",
    }  # fmt: skip
    [fill] = desk.door("GET", "/fills")[1]
    assert fill["exec"].startswith("T")
    assert {name: fill[name] for name in ("order", "client", "symbol", "side", "quantity", "price", "fee")} == {
        "order": txid, "client": "mine", "symbol": "BTC/USD", "side": "buy", "quantity": "0.4", "price": "49999.9",
        "fee": "51.9999",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "type_", "status"),
    [
        ({"ordertype": "stop-loss", "type": "sell", "volume": "0.1", "price": "50000"}, "stop", "new"),
        ({"ordertype": "take-profit", "type": "sell", "volume": "0.1", "price": "70000"}, "market_if_touched", "new"),
        ({"ordertype": "iceberg", "displayvol": "0.5"}, "limit", "new"),
        ({"starttm": "+60"}, "limit", "pending_new"),
        ({"timeinforce": "IOC"}, "limit", "canceled"),
        ({"ordertype": "market", "price": None}, "market", "filled"),
    ],
)
def test_states_have_public_names(desk: Desk, fields: dict[str, Any], type_: str, status: str) -> None:
    desk.order(**fields)
    [line] = desk.door("GET", "/orders")[1]
    assert (line["type"], line["status"]) == (type_, status)


def test_positions_are_what_is_held_of_each_coin(desk: Desk) -> None:
    desk.market(volume="0.5")
    held = {row["symbol"]: row["quantity"] for row in desk.door("GET", "/positions")[1]}
    assert (held["BTC/USD"], held["ETH/USD"]) == ("2.5", "20")
    assert "USD/USD" not in held


@pytest.mark.parametrize("symbol", ["BTC/USD", "XBTUSD", "XXBTZUSD"])
def test_a_price_holds_until_the_next(desk: Desk, symbol: str) -> None:
    desk.price("64000.1", "64000.9", symbol=symbol)
    desk.wait(3600)
    row = desk.public("Ticker", pair="XBTUSD")["XXBTZUSD"]
    assert (row["b"][0], row["a"][0]) == ("64000.1", "64000.9")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"order": "nobody", "qty": "1", "price": "1"}, 404, "order"),
        ({"order": "mine", "qty": "2", "price": "1"}, 422, "qty"),
        ({"order": "waits", "qty": "0.1", "price": "1"}, 409, "order"),
        ({"order": "done", "qty": "0.1", "price": "1"}, 409, "order"),
        ({"order": "gone", "qty": "0.1", "price": "1"}, 409, "order"),
    ],
)
def test_a_fill_that_cannot_be_is_refused(desk: Desk, body: Any, status: int, field: str) -> None:
    desk.order(cl_ord_id="mine", volume="0.5")
    desk.order(cl_ord_id="waits", ordertype="stop-loss", type="sell", volume="0.1", price="1000")
    desk.market(volume="0.1", cl_ord_id="done")
    desk.order(cl_ord_id="gone", volume="0.1", oflags="post", price="60000.1")
    answer = desk.door("POST", "/fill", body)
    assert (answer[0], answer[1]["field"]) == (status, field)


def test_executions_are_never_taken_back(desk: Desk) -> None:
    desk.market(volume="0.1")
    [fill] = desk.door("GET", "/fills")[1]
    assert desk.door("POST", "/busts", {"exec": fill["exec"]})[0] == 409
    assert desk.door("POST", "/corrections", {"exec": fill["exec"], "qty": "0.1", "price": "1"})[0] == 409


def test_a_symbol_that_is_not_listed_has_no_price(desk: Desk) -> None:
    assert desk.door("POST", "/price", {"symbol": "FOO/BAR", "bid": "1", "ask": "2"})[0] == 422


def test_a_reset_forgets_everything_but_the_key(desk: Desk) -> None:
    credentials = desk.venue.credentials
    line = desk.socket()
    line.private("executions")
    desk.market(volume="0.1")
    desk.wait(500)
    assert desk.door("POST", "/reset", {})[0] == 204
    desk.nonce = 0
    assert desk("Balance")["ZUSD"] == "100000.0000"
    assert desk.door("GET", "/orders")[1] == desk.door("GET", "/fills")[1] == []
    assert desk.venue.now() == START
    assert desk.venue.credentials == credentials
    line.heard()
    assert line.command("cancel_all")[-1]["success"]
