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
