"""Wishes as the venue's orders: types, groups, combos, changes; and what there are no words for."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.mapping import orders
from floorbroker.brokers.ibkr.mapping.rules import broken_rules
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg, StopLoss
from floorbroker.domain.values import ClOrdId, OrderClass, OrderType, Price, Quantity, Side, TimeInForce
from tests.unit.brokers.ibkr.makings import AAPL, ACCOUNT, OURS, row

REF = ClOrdId(OURS)


def wish(**terms: Any) -> NewOrder:
    given: dict[str, Any] = {
        "symbol": "AAPL", "side": Side.BUY, "order_type": OrderType.LIMIT, "order_qty": Quantity(Decimal(10)),
        "price": Price(Decimal(185)),
    }  # fmt: skip
    return NewOrder(**{**given, **terms})


def price(text: str) -> Price:
    return Price(Decimal(text))


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"order_type": OrderType.MARKET, "price": None}, ("MKT", None, None, "DAY")),
        ({}, ("LMT", 185, None, "DAY")),
        ({"order_type": OrderType.STOP, "price": None, "stop_px": price("190")}, ("STP", None, 190, "DAY")),
        ({"order_type": OrderType.STOP_LIMIT, "stop_px": price("190")}, ("STP LMT", 185, 190, "DAY")),
        ({"order_type": OrderType.MARKET_IF_TOUCHED, "price": None, "stop_px": price("180")}, ("MIT", None, 180, "DAY")),
        ({"order_type": OrderType.LIMIT_IF_TOUCHED, "stop_px": price("180")}, ("LIT", 185, 180, "DAY")),
        ({"order_type": OrderType.TRAILING_STOP, "price": None, "trail_amount": price("3")}, ("TRAIL", None, 3, "DAY")),
        ({"tif": TimeInForce.GTC}, ("LMT", 185, None, "GTC")),
        ({"tif": TimeInForce.CLS}, ("LOC", 185, None, "DAY")),
        ({"tif": TimeInForce.CLS, "order_type": OrderType.MARKET, "price": None}, ("MOC", None, None, "DAY")),
    ],
)  # fmt: skip
def test_each_type_has_its_word_and_its_prices(terms: dict[str, Any], expected: tuple[Any, ...]) -> None:
    (made,) = orders.members(wish(**terms), REF, ACCOUNT)
    assert (made.order_type, made.lmt_price, made.aux_price, made.tif) == expected
    assert (made.account, made.order_ref, made.transmit, made.action) == (ACCOUNT, OURS, True, "BUY")


def test_a_percentage_trails_by_itself() -> None:
    (made,) = orders.members(
        wish(order_type=OrderType.TRAILING_STOP, price=None, trail_percent=Decimal("2.5")), REF, ACCOUNT
    )
    assert (made.aux_price, made.trailing_percent) == (None, Decimal("2.5"))


def test_good_till_a_date_is_said_in_new_york() -> None:
    until = datetime(2026, 7, 1, 20, 0, tzinfo=UTC)
    (made,) = orders.members(wish(tif=TimeInForce.GTD, expire_at=until), REF, ACCOUNT)
    assert made.good_till_date == "20260701 16:00:00 US/Eastern"


def test_the_last_of_a_bracket_takes_the_others_with_it() -> None:
    asked = wish(order_class=OrderClass.BRACKET, take_profit=price("200"), stop_loss=StopLoss(stop_px=price("170")))
    made = orders.members(asked, REF, ACCOUNT)
    placed = orders.numbered(made, AAPL, 41, by_parent=True)
    assert [(p.order_id, p.order.parent_id, p.order.transmit) for p in placed] == [
        (41, 0, False), (42, 41, False), (43, 41, True),
    ]  # fmt: skip
    assert [(m.action, m.order_type, m.lmt_price, m.aux_price) for m in made] == [
        ("BUY", "LMT", 185, None), ("SELL", "LMT", 200, None), ("SELL", "STP", None, 170),
    ]  # fmt: skip
    assert [m.order_ref for m in made] == [OURS, f"{OURS}/tp", f"{OURS}/sl"]


def test_two_exits_cancel_each_other_and_are_on_one_side() -> None:
    asked = wish(side=Side.SELL, order_class=OrderClass.OCO, stop_loss=StopLoss(stop_px=price("170")))
    profit, stop = orders.numbered(orders.members(asked, REF, ACCOUNT), AAPL, 41, by_parent=False)
    assert (profit.order.action, stop.order.action) == ("SELL", "SELL")
    assert profit.order.oca_group == stop.order.oca_group != ""
    assert (profit.order.oca_type, stop.order.oca_type, stop.order.parent_id) == (1, 1, 0)
    assert (profit.order.transmit, stop.order.transmit) == (True, True)


def test_a_combo_names_its_legs_by_number() -> None:
    legs = (
        OrderLeg(symbol="A", side=Side.BUY, ratio_qty=Quantity(Decimal(1))),
        OrderLeg(symbol="B", side=Side.SELL, ratio_qty=Quantity(Decimal(2))),
    )
    call = wire.Contract(con_id=7, symbol="AAPL", sec_type="OPT", currency="USD")
    put = wire.Contract(con_id=8, symbol="AAPL", sec_type="OPT", currency="USD")
    made = orders.combo(wish(order_class=OrderClass.MULTILEG, legs=legs), list(zip(legs, (call, put), strict=True)))
    assert (made.symbol, made.sec_type, made.con_id) == ("AAPL", "BAG", 0)
    assert [(leg.con_id, leg.ratio, leg.action) for leg in made.legs] == [(7, 1, "BUY"), (8, 2, "SELL")]


@pytest.mark.parametrize(
    "terms",
    [
        {"order_qty": None, "notional": Decimal(100)},
        {"post_only": True},
        {"reduce_only": True},
        {"display_qty": Quantity(Decimal(1))},
        {"tif": TimeInForce.CLS, "order_type": OrderType.STOP, "stop_px": price("1")},
        {"order_class": OrderClass.MULTILEG, "order_type": OrderType.STOP, "stop_px": price("1")},
        *(
            {"tif": tif, "order_class": group, "take_profit": price("200"), "stop_loss": StopLoss(stop_px=price("170"))}
            for tif in (TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS)
            for group in (OrderClass.BRACKET, OrderClass.OCO)
        ),  # the exits would be over with the entry, or before it
    ],
)
def test_what_there_are_no_words_for_is_not_sent(terms: dict[str, Any]) -> None:
    with pytest.raises(NotSupported):
        orders.members(wish(**terms), REF, ACCOUNT)
    assert broken_rules(wish(**terms))


def test_an_oco_that_sells_takes_its_profit_above_its_stop() -> None:
    def oco(profit: str, side: Side) -> tuple[str, ...]:
        exits = {"take_profit": price(profit), "stop_loss": StopLoss(stop_px=price("180"))}
        return tuple(f.pointer for f in broken_rules(wish(side=side, order_class=OrderClass.OCO, **exits)))

    assert (oco("190", Side.SELL), oco("170", Side.BUY)) == ((), ())
    assert oco("170", Side.SELL) == oco("190", Side.BUY) == ("/take_profit/limit_price",)


def test_orders_with_a_price_may_work_outside_regular_hours() -> None:
    """A limit fills there and a stop is triggered there; a market order waits for the open, whatever it says."""
    stop = wish(order_type=OrderType.STOP, price=None, stop_px=price("150"), extended_hours=True)
    assert broken_rules(stop) == broken_rules(wish(extended_hours=True, tif=TimeInForce.IOC)) == ()
    for odd in (
        wish(order_type=OrderType.MARKET, price=None, extended_hours=True),
        wish(tif=TimeInForce.OPG, extended_hours=True),
    ):
        assert [found.pointer for found in broken_rules(odd)] == ["/extended_hours"]


# -- changes ----------------------------------------------------------------------------------------------------------------


def test_a_change_keeps_what_the_venue_shows() -> None:
    shown = row(parent_id=4, oca_group="g", oca_type=3, total_quantity=Decimal(6), tif="GTC", outside_rth=True)
    made = orders.changed(shown, OrderChanges(price=price("190")))
    assert (made.lmt_price, made.total_quantity, made.parent_id, made.oca_group) == (190, 6, 4, "g")
    assert (made.tif, made.outside_rth, made.order_ref, made.account) == ("GTC", True, OURS, ACCOUNT)


@pytest.mark.parametrize(
    ("shown", "changes", "expected"),
    [
        (
            {"order_type": "STP", "lmt_price": Decimal(0), "aux_price": Decimal(180)},
            {"stop_px": price("181")},
            (None, 181, None),
        ),
        ({"order_type": "STP LMT", "aux_price": Decimal(180)}, {"stop_px": price("181")}, (185, 181, None)),
        ({"order_type": "TRAIL", "aux_price": Decimal(3)}, {"trail": Decimal(4)}, (None, 4, None)),
        ({"order_type": "TRAIL", "trailing_percent": Decimal(2)}, {"trail": Decimal(3)}, (None, None, 3)),
    ],
)
def test_each_price_has_its_member(shown: dict[str, Any], changes: dict[str, Any], expected: tuple[Any, ...]) -> None:
    made = orders.changed(row(**shown), OrderChanges(**changes))
    assert (made.lmt_price, made.aux_price, made.trailing_percent) == expected


@pytest.mark.parametrize("changes", [{}, {"stop_px": price("1")}, {"trail": Decimal(1)}])
def test_a_change_of_what_is_not_there_is_not_sent(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        orders.changed(row(), OrderChanges(**changes))


def test_an_order_of_another_type_is_changed_in_the_program_alone() -> None:
    with pytest.raises(NotSupported):
        orders.changed(row(order_type="REL"), OrderChanges(price=price("1")))
