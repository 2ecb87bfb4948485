"""Orders and changes made by code meet the rules of those made from text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg, StopLoss
from floorbroker.domain.values import OrderClass, OrderType, Price, Quantity, Side, TimeInForce
from floorbroker.oms.schema import parse_changes
from floorbroker.oms.soundness import check_trail, misfits, sound, sound_changes

ONE, TWO, TEN = Decimal(1), Decimal(2), Decimal(10)
LIMIT = NewOrder(
    symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=Quantity(ONE), price=Price(Decimal(100))
)
MARKET = replace(LIMIT, order_type=OrderType.MARKET, price=None)
STOP = replace(LIMIT, order_type=OrderType.STOP, price=None, stop_px=Price(TEN))
BY_PERCENT = replace(LIMIT, order_type=OrderType.TRAILING_STOP, price=None, trail_percent=TWO)
BY_PRICE = replace(LIMIT, order_type=OrderType.TRAILING_STOP, price=None, trail_amount=Price(TWO))
BRACKET = replace(
    LIMIT, order_class=OrderClass.BRACKET, take_profit=Price(Decimal(120)), stop_loss=StopLoss(stop_px=Price(TEN))
)
OCO = replace(BRACKET, order_class=OrderClass.OCO, side=Side.SELL, price=Price(Decimal(120)))
LEGS = tuple(
    OrderLeg(symbol=f"AAPL  26032{day}P00150000", side=side, ratio_qty=Quantity(ONE))
    for day, side in ((0, Side.BUY), (7, Side.SELL))
)
SPREAD = replace(LIMIT, symbol="AAPL", order_class=OrderClass.MULTILEG, legs=LEGS, price=Price(-ONE))
TOUCHED = replace(STOP, order_type=OrderType.LIMIT_IF_TOUCHED, price=Price(TEN))
ICEBERG = replace(LIMIT, symbol="BTC/USDT:USDT", order_qty=Quantity(TEN), post_only=True, display_qty=Quantity(ONE))
DATED = replace(LIMIT, tif=TimeInForce.GTD, expire_at=datetime(2026, 12, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "order", [LIMIT, MARKET, STOP, BY_PERCENT, BY_PRICE, BRACKET, OCO, SPREAD, DATED, TOUCHED, ICEBERG]
)
def test_a_good_order_comes_back_as_it_is(order: NewOrder) -> None:
    assert sound(order) == order


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("order_qty", Decimal("NaN"), "/quantity"),
        ("order_qty", Decimal("sNaN"), "/quantity"),
        ("order_qty", Decimal("Infinity"), "/quantity"),
        ("order_qty", Decimal("1e400"), "/quantity"),
        ("order_qty", -ONE, "/quantity"),
        ("order_qty", Decimal(0), "/quantity"),
        ("order_qty", 1.5, "/quantity"),
        ("order_qty", True, "/quantity"),
        ("order_qty", None, "/quantity"),
        ("notional", TEN, "/notional"),
        ("price", 100.0, "/limit_price"),
        ("price", None, "/limit_price"),
        ("stop_px", ONE, "/stop_price"),
        ("trail_amount", ONE, "/trail_price"),
        ("symbol", "aapl\x00", "/symbol"),
        ("symbol", 7, "/symbol"),
        ("side", "up", "/side"),
        ("order_type", "sideways", "/type"),
        ("tif", "never", "/time_in_force"),
        ("tif", TimeInForce.GTD, "/expire_at"),
        ("expire_at", datetime(2026, 1, 1), "/expire_at"),  # noqa: DTZ001 - what must be refused
        ("take_profit", 1.5, "/take_profit/limit_price"),
        ("stop_loss", 5, "/stop_loss"),
        ("legs", None, "/legs"),
        ("legs", (1,), "/legs/0"),
        ("extended_hours", "yes", "/extended_hours"),
        ("post_only", "yes", "/post_only"),
        ("display_qty", ONE, "/display_quantity"),
        ("display_qty", 0.5, "/display_quantity"),
        ("strategy", None, "/strategy"),
        ("reason", "\ud800", "/reason"),
    ],
)
def test_a_wrong_member_is_refused_by_its_public_name(member: str, value: Any, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sound(replace(LIMIT, **{member: value}))
    assert pointer in [field.pointer for field in refused.value.fields]


def test_words_and_whole_numbers_become_what_they_mean() -> None:
    loose = replace(LIMIT, side=cast("Side", "buy"), order_qty=cast("Quantity", 1), price=cast("Price", "100"))
    assert sound(loose) == LIMIT


@pytest.mark.parametrize("thing", [None, 5, {"symbol": "AAPL"}])
def test_what_is_no_order_is_told_so(thing: Any) -> None:
    with pytest.raises(InvalidRequest, match="NewOrder"):
        sound(thing)
    with pytest.raises(InvalidRequest, match="OrderChanges"):
        sound_changes(thing)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        (OrderChanges(order_qty=Quantity(Decimal("NaN"))), "/quantity"),
        (OrderChanges(order_qty=cast("Quantity", 1.5)), "/quantity"),
        (OrderChanges(price=Price(Decimal("sNaN"))), "/limit_price"),
        (OrderChanges(stop_px=Price(-ONE)), "/stop_price"),
        (OrderChanges(trail=Decimal("Infinity")), "/trail_price"),
        (OrderChanges(tif=cast("TimeInForce", "never")), "/time_in_force"),
        (OrderChanges(tif=TimeInForce.GTD), "/time_in_force"),
    ],
)
def test_a_wrong_change_is_refused_by_its_public_name(changes: OrderChanges, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sound_changes(changes)
    assert [field.pointer for field in refused.value.fields] == [pointer]


def test_good_changes_come_back_as_they_are() -> None:
    for changes in (
        OrderChanges(),
        OrderChanges(order_qty=Quantity(TEN)),
        OrderChanges(trail=TWO, tif=TimeInForce.GTC),
    ):
        assert sound_changes(changes) == changes


@pytest.mark.parametrize(
    ("terms", "changes", "pointer"),
    [
        (LIMIT, OrderChanges(stop_px=Price(TEN)), "/stop_price"),
        (LIMIT, OrderChanges(trail=ONE), "/trail_price"),
        (LIMIT, OrderChanges(price=Price(-ONE)), "/limit_price"),
        (STOP, OrderChanges(price=Price(TEN)), "/limit_price"),
        (MARKET, OrderChanges(price=Price(TEN)), "/limit_price"),
        (BY_PERCENT, OrderChanges(stop_px=Price(TEN)), "/stop_price"),
        (BY_PERCENT, OrderChanges(trail=Decimal(100)), "/trail_percent"),
        (replace(MARKET, order_qty=None, notional=TEN), OrderChanges(order_qty=Quantity(ONE)), "/quantity"),
    ],
)
def test_a_change_to_a_member_the_order_does_not_have_is_named(
    terms: NewOrder, changes: OrderChanges, pointer: str
) -> None:
    assert [found.pointer for found in misfits(terms, changes)] == [pointer]


@pytest.mark.parametrize(
    ("terms", "changes"),
    [
        (LIMIT, OrderChanges(order_qty=Quantity(TEN), price=Price(TEN))),
        (STOP, OrderChanges(stop_px=Price(TEN))),
        (BY_PERCENT, OrderChanges(trail=ONE)),
        (BY_PRICE, OrderChanges(trail=Decimal(100))),
        (SPREAD, OrderChanges(price=Price(-TWO))),
    ],
)
def test_a_change_to_what_the_order_has_is_left_alone(terms: NewOrder, changes: OrderChanges) -> None:
    assert misfits(terms, changes) == ()


@pytest.mark.parametrize(("terms", "wrong"), [(BY_PERCENT, "trail_price"), (BY_PRICE, "trail_percent")])
def test_a_trail_in_money_never_becomes_one_in_percent(terms: NewOrder, wrong: str) -> None:
    right = "trail_percent" if wrong == "trail_price" else "trail_price"
    check_trail(parse_changes({right: "2"}), terms)
    with pytest.raises(InvalidRequest, match=f"/{wrong}"):
        check_trail(parse_changes({wrong: "2"}), terms)
