"""Executions that name no order: one way to share them, or nothing is said."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.ibkr_web.mapping.nameless import Owner, Piece, owners_of
from floorbroker.domain.values import Side
from tests.unit.brokers.ibkr_web.fakes import NOW, Gateway, broker, payload

D = Decimal
PLACE = (265598, Side.SELL)


def piece(exec_id: str, qty: str, px: str, place: tuple[int, Side] = PLACE) -> Piece:
    return Piece(exec_id, place, D(qty), D(px))


def owner(order_id: str, filled: str, average: str | None, place: tuple[int, Side] = PLACE) -> Owner:
    return Owner(order_id, place, D(filled), None if average is None else D(average))


def test_the_only_filled_order_has_them_all() -> None:
    pieces = [piece("a", "2", "190"), piece("b", "3", "191")]
    owners = [owner("11", "5", "190.60"), owner("12", "0", None)]
    assert owners_of(pieces, owners) == {"a": "11", "b": "11"}


def test_two_exits_are_told_apart_by_their_averages() -> None:
    pieces = [piece("a", "3", "190"), piece("b", "3", "175")]
    assert owners_of(pieces, [owner("11", "3", "190.00"), owner("12", "3", "175.00")]) == {"a": "11", "b": "12"}


@pytest.mark.parametrize(
    "owners",
    [
        [owner("11", "6", "182.50"), owner("12", "3", "175")],  # more was filled than is listed
        [owner("11", "3", "175")],  # less
        [owner("11", "3", None), owner("12", "3", None)],  # either way
        [owner("11", "6", "190")],  # at another price
        [owner("11", "6", "182.50", (265598, Side.BUY))],
        [owner("11", "6", "182.50", (1, Side.SELL))],
        [],
    ],
)
def test_what_can_be_shared_in_no_way_or_in_several_stays_untold(owners: list[Owner]) -> None:
    assert owners_of([piece("a", "3", "190"), piece("b", "3", "175")], owners) == {}


def test_one_contract_does_not_hide_another() -> None:
    pieces = [piece("a", "3", "190"), piece("b", "1", "480", (756733, Side.SELL))]
    owners = [owner("11", "2", "190"), owner("21", "1", "480", (756733, Side.SELL))]
    assert owners_of(pieces, owners) == {"b": "21"}


def test_more_ways_than_anybody_looks_through_say_nothing() -> None:
    pieces = [piece(f"e{n}", "1", "190") for n in range(20)]
    assert owners_of(pieces, [owner("11", "10", "190"), owner("12", "10", "190")]) == {}


def test_many_small_executions_beside_a_large_one_are_told_apart() -> None:
    pieces = [*(piece(f"e{n}", "1", "190") for n in range(40)), piece("large", "50", "175")]
    found = owners_of(pieces, [owner("11", "40", "190"), owner("12", "50", "175")])
    assert found == {**{f"e{n}": "11" for n in range(40)}, "large": "12"}


def test_a_search_that_grows_with_every_execution_is_given_up() -> None:
    pieces = [piece(f"e{n}", "1", f"{190 + n}") for n in range(60)]
    assert owners_of(pieces, [owner("11", "30", "1"), owner("12", "30", "2")]) == {}


@pytest.mark.asyncio
async def test_the_exits_of_a_bracket_get_their_executions_by_the_list_of_today_alone() -> None:
    gateway = Gateway()
    row = {name: value for name, value in payload("live_orders")["orders"][0].items() if name != "order_ref"}
    exits = [
        {**row, "orderId": 11, "parentId": 10, "side": "SELL", "filledQuantity": 2, "avgPrice": "190.00"},
        {**row, "orderId": 12, "parentId": 10, "side": "SELL", "filledQuantity": 1, "avgPrice": "175.00"},
    ]
    gateway.set("/iserver/account/orders", {"orders": [], "snapshot": True}, {"orders": exits, "snapshot": True})
    bare: dict[str, Any] = {name: value for name, value in payload("trades")[0].items() if name != "order_ref"} | {
        "side": "S"
    }
    day_ms = 86_400_000
    gateway.set(
        "/iserver/account/trades",
        [
            {**bare, "execution_id": "a.01", "size": 2, "price": "189.00"},
            {**bare, "execution_id": "a.02", "size": 2, "price": "190.00"},  # corrected
            {**bare, "execution_id": "b.01", "size": 1, "price": "175.00"},
            {**bare, "execution_id": "c.01", "size": 1, "price": "170", "trade_time_r": bare["trade_time_r"] - day_ms},
        ],
    )
    venue = broker(gateway)
    await venue.connect()
    reports = (await venue.get_fills(NOW - timedelta(days=3))).items
    assert [(one.exec_ref_id or one.exec_id, one.order_id) for one in reports] == [
        ("a", "11"), ("a", "11"), ("b", "12"), ("c", None),
    ]  # fmt: skip
    await venue.disconnect()
