"""The control door: what it shows, what it does, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from floorbroker_sim.control import ControlDoor, fields_of, text_in
from floorbroker_sim.http import Reply, Request
from tests.unit.sim.conftest import Asker


def test_orders_are_shown_in_our_words(ask: Asker) -> None:
    ask.order(client_order_id="mine", limit_price="100.5")
    (line,) = ask.door("GET", "/orders")[1]
    assert set(line) == {
        "order", "client", "symbol", "side", "type", "quantity", "status", "filled", "avg_px", "limit", "stop", "created",
    }  # fmt: skip
    assert (line["client"], line["status"], line["limit"], line["avg_px"]) == ("mine", "new", "100.5", None)


def test_fills_and_positions_agree(ask: Asker) -> None:
    ask.market(qty="3")
    ask.market(qty="1", side="sell")
    fills = ask.door("GET", "/fills")[1]
    assert [(f["side"], f["quantity"], f["price"], f["fee"]) for f in fills] == [
        ("buy", "3", "150.01", "0"),
        ("sell", "1", "149.99", "0"),
    ]
    assert ask.door("GET", "/positions")[1] == [{"symbol": "AAPL", "quantity": "2", "avg_px": "150.01"}]


def test_a_price_is_the_exact_top_of_book_until_the_next(ask: Asker) -> None:
    ask.price("10.01", "10.05", "10.02")
    ask.door("POST", "/clock", {"advance_s": 600})
    quote = ask("GET", "/v2/stocks/AAPL/quotes/latest")["quote"]
    assert (quote["bp"], quote["ap"]) == (10.01, 10.05)
    assert ask("GET", "/v2/stocks/AAPL/trades/latest")["trade"]["p"] == 10.02


def test_a_fill_by_hand_names_the_order_by_either_id(ask: Asker) -> None:
    order = ask.order(qty="5", client_order_id="mine")
    assert ask.door("POST", "/fill", {"order": "mine", "qty": "2", "price": "99.5"})[0] == 204
    assert ask.door("POST", "/fill", {"order": order["id"], "qty": "3", "price": "99"})[0] == 204
    found = ask("GET", f"/v2/orders/{order['id']}")
    assert (found["status"], found["filled_qty"], found["filled_avg_price"]) == ("filled", "5", "99.2")
    assert ask.door("POST", "/fill", {"order": "mine", "qty": "1", "price": "99"})[0] == 409


def test_a_bust_takes_an_execution_back(ask: Asker) -> None:
    order = ask.order(qty="5")
    ask.door("POST", "/fill", {"order": order["id"], "qty": "2", "price": "99.5"})
    (fill,) = ask.door("GET", "/fills")[1]
    assert ask.door("POST", "/busts", {"exec": fill["exec"]})[0] == 204
    assert (ask.door("GET", "/fills")[1], ask.door("GET", "/positions")[1]) == ([], [])
    found = ask("GET", f"/v2/orders/{order['id']}")
    assert (found["status"], found["filled_qty"]) == ("new", "0")
    assert ask("GET", "/v2/account")["cash"] == "100000"


def test_the_clock_moves_the_market_and_wakes_stops(ask: Asker) -> None:
    before = ask("GET", "/v2/stocks/MSFT/quotes/latest")["quote"]
    status, answer = ask.door("POST", "/clock", {"advance_s": "86400"})
    assert (status, answer["now"]) == (200, "2026-03-03T15:00:00.000000Z")
    after = ask("GET", "/v2/stocks/MSFT/quotes/latest")["quote"]
    assert after["t"] == "2026-03-03T15:00:00Z"
    assert after["bp"] != before["bp"]


def test_reset_forgets_everything_but_the_keys(ask: Asker) -> None:
    first = ask.market()
    ask.door("POST", "/faults", {"faults": [{"where": "request", "what": "drop"}]})
    ask.door("POST", "/reset", {})
    assert (ask.door("GET", "/orders")[1], ask.door("GET", "/requests")[1]) == ([], [])
    assert ask.venue.plan.faults == []
    ask.price("149.99", "150.01", "150")
    assert ask.market()["id"] == first["id"]  # the same seed gives the same ids


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/price", {"symbol": "AAPL", "bid": "2", "ask": "1"}, "ask"),
        ("/price", {"symbol": "NOPE", "bid": "1", "ask": "2"}, "symbol"),
        ("/price", {"symbol": "AAPL", "bid": 1.5, "ask": "2"}, "bid"),
        ("/price", {"symbol": "AAPL", "bid": "NaN", "ask": "2"}, "bid"),
        ("/price", {"symbol": "AAPL", "bid": "1e400", "ask": "2"}, "bid"),
        ("/price", {"symbol": "AAPL", "bid": "-1", "ask": "2"}, "bid"),
        ("/price", {"symbol": "AAPL", "bid": "1", "ask": "2", "mid": "1"}, "mid"),
        ("/price", {"bid": "1", "ask": "2"}, "symbol"),
        ("/fill", {"order": "nobody", "qty": "1", "price": "1"}, "order"),
        ("/fill", {"order": "x", "qty": "0", "price": "1"}, "qty"),
        ("/busts", {"exec": "nothing"}, "exec"),
        ("/corrections", {"exec": "nothing", "qty": "1", "price": "1"}, "exec"),
        ("/corrections", {"exec": "nothing", "qty": "1"}, "price"),
        ("/clock", {}, "now"),
        ("/clock", {"now": "yesterday"}, "now"),
        ("/clock", {"now": "2026-03-03T15:00:00"}, "now"),
        ("/clock", {"now": "2001-01-01T00:00:00Z"}, "now"),
        ("/clock", {"advance_s": -1}, "advance_s"),
        ("/clock", {"advance_s": "1e19"}, "advance_s"),
        ("/faults", {"faults": [{"where": "request", "what": "nothing"}]}, "faults[0].what"),
        ("/price", [], "body"),
    ],
)
def test_bad_input_is_refused_and_the_field_named(ask: Asker, path: str, body: Any, field: str) -> None:
    status, problem = ask.door("POST", path, body)
    assert status in {404, 422}
    assert problem["field"] == field
    assert problem["detail"]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b'{"symbol": "\x01"}'])
def test_a_body_that_is_no_json_is_refused(ask: Asker, raw: bytes) -> None:
    reply = ask.venue.control_app.handle(Request(method="POST", path="/price", body=raw))
    assert reply.status == 400
    assert reply.content_type == "application/problem+json"


def test_an_unknown_path_is_not_found(ask: Asker) -> None:
    assert ask.door("GET", "/nothing")[0] == 404


def test_a_venue_may_have_doors_of_its_own(ask: Asker) -> None:
    door = ControlDoor(ask.venue, gate=ask.venue.app, plan=ask.venue.plan, routes={("POST", "/spring"): _spring})
    assert door.handle(Request(method="POST", path="/spring", body=b'{"trap":"door"}')).status == 204
    refused = door.handle(Request(method="POST", path="/spring", body=b"{}"))
    assert (refused.status, b'"field":"trap"' in refused.body) == (422, True)
    assert ask.door("POST", "/spring", {})[0] == 404


def _spring(request: Request) -> Reply:
    text_in(fields_of(request, {"trap"}), "trap")
    return Reply(status=204)
