"""Flags of an order become the document of the REST door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from floorbroker.cli.failures import Trouble
from floorbroker.cli.order_form import Ticket, body_from, body_of, changes_of
from floorbroker.oms.schema import parse_order


def ticket(**given: Any) -> Ticket:
    return Ticket(**{"symbol": "AAPL", "side": "buy", "quantity": "10", **given})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"type": "market"}),
        ({"limit": "189.50"}, {"type": "limit", "limit_price": "189.50"}),
        ({"stop": "180"}, {"type": "stop", "stop_price": "180"}),
        ({"stop": "180", "limit": "179"}, {"type": "stop_limit", "stop_price": "180", "limit_price": "179"}),
        ({"touch": "95"}, {"type": "market_if_touched", "stop_price": "95"}),
        (
            {"touch": "95", "limit": "96", "post_only": True, "display": "2"},
            {
                "type": "limit_if_touched",
                "stop_price": "95",
                "limit_price": "96",
                "post_only": True,
                "display_quantity": "2",
            },
        ),
        ({"trail": "1.50"}, {"type": "trailing_stop", "trail_price": "1.50"}),
        ({"trail": "2%"}, {"type": "trailing_stop", "trail_percent": "2"}),
        (
            {"take_profit": "210", "stop_loss": "180:179.5"},
            {
                "type": "market",
                "order_class": "bracket",
                "take_profit": {"limit_price": "210"},
                "stop_loss": {"stop_price": "180", "limit_price": "179.5"},
            },
        ),
        (
            {"stop_loss": "180"},
            {"type": "market", "order_class": "oto", "stop_loss": {"stop_price": "180"}},
        ),
        ({"tif": "gtc", "tag": "abc"}, {"type": "market", "time_in_force": "gtc", "client_tag": "abc"}),
        ({"profile": "paper", "reduce_only": True}, {"type": "market", "profile": "paper", "reduce_only": True}),
    ],
)
def test_flags_make_an_order_that_the_schema_accepts(given: dict[str, Any], expected: dict[str, Any]) -> None:
    body = body_of(ticket(**given))
    assert body == {"symbol": "AAPL", "side": "buy", "quantity": "10", **expected}
    parse_order(body)


def test_an_amount_of_money_stands_for_a_quantity() -> None:
    assert body_of(ticket(quantity=None, notional="500"))["notional"] == "500"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"quantity": None}, "say how much"),
        ({"notional": "5"}, "not both"),
        ({"trail": "1", "touch": "5"}, "--trail stands alone"),
        ({"stop": "1", "touch": "5"}, "give --stop or --touch"),
        ({"trail": "1", "limit": "5"}, "--trail stands alone"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(Trouble, match=told) as refused:
        body_of(ticket(**given))
    assert refused.value.exit_with() == 2


def test_numbers_in_a_file_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    path.write_text('{"symbol": "AAPL", "limit_price": 0.1000000000000000055}')
    assert body_from(path, None)["limit_price"] == "0.1000000000000000055"


@pytest.mark.parametrize("text", ["", "[1]", "{", '"order"', "[" * 100_000])
def test_a_file_that_is_no_order_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "order.json"
    path.write_text(text)
    with pytest.raises(Trouble) as refused:
        body_from(path, None)
    assert refused.value.exit_with() == 2


def test_a_change_names_something() -> None:
    assert changes_of(quantity="5", limit=None, stop=None, trail=None, tif=None) == {"quantity": "5"}
    with pytest.raises(Trouble, match="name something"):
        changes_of(quantity=None, limit=None, stop=None, trail=None, tif=None)


def test_an_effect_says_what_an_order_does_to_the_position() -> None:
    put = "AAPL260320P00150000"
    assert body_of(ticket(symbol=put, effect="open"))["position_intent"] == "buy_to_open"
    assert body_of(ticket(symbol=put, side="sell", effect="close"))["position_intent"] == "sell_to_close"
    assert "position_intent" not in body_of(ticket(symbol=put))
    with pytest.raises(Trouble, match="open or close"):
        body_of(ticket(symbol=put, effect="maybe"))


def test_legs_make_one_order_without_a_symbol_of_its_own() -> None:
    body = body_of(
        ticket(legs=("buy:1:AAPL260320P00150000:open", "sell:2:AAPL260320P00140000"), limit="1.25", quantity="3")
    )
    assert ("symbol" in body, "side" in body, body["order_class"], body["quantity"]) == (False, False, "mleg", "3")
    assert body["legs"] == [
        {"symbol": "AAPL260320P00150000", "side": "buy", "ratio_qty": "1", "position_intent": "buy_to_open"},
        {"symbol": "AAPL260320P00140000", "side": "sell", "ratio_qty": "2"},
    ]
    assert parse_order(body).to_order().symbol == "AAPL"


@pytest.mark.parametrize(
    "leg", ["", "buy", "hold:1:X", "buy::AAPL260320P00150000", "buy:1:AAPL260320P00150000:o:p", "buy:1:A:x"]
)
def test_a_leg_that_is_none_says_how_one_is_written(leg: str) -> None:
    with pytest.raises(Trouble):
        body_of(ticket(legs=(leg, leg)))
