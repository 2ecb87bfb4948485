"""Wishes to trade as form bodies, and what has no body."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.tradier.mapping.identity import TradierIdentity
from floorbroker.brokers.tradier.mapping.orders import change_form, order_form
from floorbroker.brokers.tradier.mapping.rules import broken_rules
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg, StopLoss
from floorbroker.domain.values import (
    IntentId,
    OrderClass,
    OrderType,
    PositionIntent,
    Price,
    Quantity,
    Side,
    TimeInForce,
)
from tests.unit.brokers.tradier.fakes import CALL, CL_ORD_ID, FAR_CALL, INTENT, NOW, limit_order

ONE = Quantity(Decimal(1))
STOP = StopLoss(stop_px=Price(Decimal(145)))


def text(order: NewOrder, *, now: datetime = NOW) -> str:
    """The form without its tag, readable."""
    form = order_form(order, "t", now=now)
    assert form[-1] == ("tag", "t")
    return "&".join(f"{name}={value}" for name, value in form[:-1])


def leg(symbol: str, side: Side = Side.BUY, intent: PositionIntent | None = None) -> OrderLeg:
    return OrderLeg(symbol=symbol, side=side, ratio_qty=ONE, position_intent=intent)


SPREAD = (
    leg(CALL, intent=PositionIntent.BUY_TO_OPEN),
    leg(FAR_CALL, Side.SELL, PositionIntent.SELL_TO_OPEN),
)
SPREAD_LEGS = (
    "option_symbol[0]=AAPL260320C00150000&side[0]=buy_to_open&quantity[0]=2"
    "&option_symbol[1]=AAPL260320C00160000&side[1]=sell_to_open&quantity[1]=2"
)


def strategy(**terms: Any) -> NewOrder:
    return limit_order(
        **{"order_class": OrderClass.MULTILEG, "order_qty": Quantity(Decimal(2)), "legs": SPREAD, **terms}
    )


@pytest.mark.parametrize(
    ("order", "body"),
    [
        (limit_order(), "class=equity&symbol=AAPL&side=buy&quantity=3&type=limit&duration=day&price=150.5"),
        (
            limit_order(symbol="BRK.B", order_type=OrderType.MARKET, price=None),
            "class=equity&symbol=BRK/B&side=buy&quantity=3&type=market&duration=day",
        ),
        (
            limit_order(order_type=OrderType.STOP_LIMIT, stop_px=Price(Decimal(151)), tif=TimeInForce.GTC),
            "class=equity&symbol=AAPL&side=buy&quantity=3&type=stop_limit&duration=gtc&price=150.5&stop=151",
        ),
        (
            limit_order(side=Side.SELL, position_intent=PositionIntent.SELL_TO_OPEN),
            "class=equity&symbol=AAPL&side=sell_short&quantity=3&type=limit&duration=day&price=150.5",
        ),
        (
            limit_order(reduce_only=True),
            "class=equity&symbol=AAPL&side=buy_to_cover&quantity=3&type=limit&duration=day&price=150.5",
        ),
        (
            limit_order(symbol=CALL),
            (
                "class=option&symbol=AAPL&option_symbol=AAPL260320C00150000&side=buy_to_open&quantity=3&type=limit&duration=day"
                "&price=150.5"
            ),
        ),
        (
            limit_order(symbol=CALL, side=Side.SELL),
            (
                "class=option&symbol=AAPL&option_symbol=AAPL260320C00150000&side=sell_to_close&quantity=3&type=limit&duration=day"
                "&price=150.5"
            ),
        ),
        (
            strategy(price=Price(Decimal("1.25"))),
            f"class=multileg&symbol=AAPL&type=debit&duration=day&price=1.25&{SPREAD_LEGS}",
        ),
        (
            strategy(price=Price(Decimal("-0.4"))),
            f"class=multileg&symbol=AAPL&type=credit&duration=day&price=0.4&{SPREAD_LEGS}",
        ),
        (strategy(price=Price(Decimal(0))), f"class=multileg&symbol=AAPL&type=even&duration=day&{SPREAD_LEGS}"),
        (
            strategy(order_type=OrderType.MARKET, price=None),
            f"class=multileg&symbol=AAPL&type=market&duration=day&{SPREAD_LEGS}",
        ),
        (
            strategy(legs=(SPREAD[1], OrderLeg(symbol="AAPL", side=Side.BUY, ratio_qty=Quantity(Decimal(100))))),
            (
                "class=combo&symbol=AAPL&type=debit&duration=day&price=150.5&side[0]=buy&quantity[0]=200"
                "&option_symbol[1]=AAPL260320C00160000&side[1]=sell_to_open&quantity[1]=2"
            ),
        ),
        (
            limit_order(order_class=OrderClass.BRACKET, take_profit=Price(Decimal(160)), stop_loss=STOP),
            (
                "class=otoco&duration=day&symbol[0]=AAPL&side[0]=buy&quantity[0]=3&type[0]=limit&price[0]=150.5"
                "&symbol[1]=AAPL&side[1]=sell&quantity[1]=3&type[1]=limit&price[1]=160"
                "&symbol[2]=AAPL&side[2]=sell&quantity[2]=3&type[2]=stop&stop[2]=145"
            ),
        ),
        (
            limit_order(side=Side.SELL, order_class=OrderClass.OCO, price=Price(Decimal(160)), stop_loss=STOP),
            (
                "class=oco&duration=day&symbol[0]=AAPL&side[0]=sell&quantity[0]=3&type[0]=limit&price[0]=160"
                "&symbol[1]=AAPL&side[1]=sell&quantity[1]=3&type[1]=stop&stop[1]=145"
            ),
        ),
        (
            limit_order(symbol=CALL, order_class=OrderClass.OTO, stop_loss=STOP),
            (
                "class=oto&duration=day&symbol[0]=AAPL&option_symbol[0]=AAPL260320C00150000&side[0]=buy_to_open&quantity[0]=3"
                "&type[0]=limit&price[0]=150.5&symbol[1]=AAPL&option_symbol[1]=AAPL260320C00150000&side[1]=sell_to_close"
                "&quantity[1]=3&type[1]=stop&stop[1]=145"
            ),
        ),
    ],
)
def test_a_wish_has_one_body(order: NewOrder, body: str) -> None:
    assert text(order) == body


@pytest.mark.parametrize(("hour", "word"), [(13, "pre"), (22, "post")])
def test_an_order_outside_regular_hours_names_the_session_that_comes_first(hour: int, word: str) -> None:
    now = datetime(2026, 3, 2, hour, 0, tzinfo=UTC)
    assert f"duration={word}" in text(limit_order(extended_hours=True), now=now)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"order_qty": None, "notional": Decimal(100)}, NotSupported),
        ({"order_qty": Quantity(Decimal("0.5"))}, NotSupported),
        ({"order_type": OrderType.TRAILING_STOP}, NotSupported),
        ({"tif": TimeInForce.IOC}, NotSupported),
        ({"post_only": True}, NotSupported),
        ({"price": None}, InvalidRequest),
        ({"position_intent": PositionIntent.SELL_TO_OPEN}, InvalidRequest),
        ({"order_class": OrderClass.BRACKET, "stop_loss": STOP}, InvalidRequest),
        ({"order_class": OrderClass.OTO}, InvalidRequest),
        (
            {"order_class": OrderClass.OTO, "stop_loss": STOP, "order_type": OrderType.MARKET, "price": None},
            NotSupported,
        ),
        ({"order_class": OrderClass.MULTILEG, "legs": SPREAD[:1]}, NotSupported),
        ({"order_class": OrderClass.MULTILEG, "legs": SPREAD, "side": Side.SELL}, NotSupported),
        ({"extended_hours": True, "tif": TimeInForce.GTC}, NotSupported),
        ({"extended_hours": True, "order_type": OrderType.MARKET, "price": None}, NotSupported),
        ({"extended_hours": True, "symbol": CALL}, NotSupported),
        (
            {
                "extended_hours": True,
                "order_class": OrderClass.BRACKET,
                "take_profit": Price(Decimal(160)),
                "stop_loss": STOP,
            },
            NotSupported,
        ),
    ],
)
def test_what_the_venue_has_no_words_for_is_refused_and_told_before(
    changes: dict[str, Any], kind: type[Exception]
) -> None:
    order = limit_order(**changes)
    with pytest.raises(kind):
        order_form(order, "t", now=NOW)
    assert broken_rules(order)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"extended_hours": True, "tif": TimeInForce.GTC}, "/extended_hours"),
        ({"order_class": OrderClass.MULTILEG, "legs": SPREAD, "side": Side.SELL}, "/side"),
    ],
)
def test_a_refusal_names_its_member_and_is_told_once(changes: dict[str, Any], pointer: str) -> None:
    order = limit_order(**changes)
    assert [one.pointer for one in broken_rules(order)] == [pointer]
    with pytest.raises(NotSupported, match=pointer[1:]):
        order_form(order, "t", now=NOW)


def test_a_market_order_and_a_short_sale_are_for_the_day() -> None:
    market = limit_order(order_type=OrderType.MARKET, price=None, tif=TimeInForce.GTC)
    short = limit_order(side=Side.SELL, position_intent=PositionIntent.SELL_TO_OPEN, tif=TimeInForce.GTC)
    assert [one.pointer for order in (market, short) for one in broken_rules(order)] == ["/time_in_force"] * 2
    assert broken_rules(limit_order()) == ()
    assert broken_rules(limit_order(symbol="BTC/USD"))[0].code == "not_traded"


def test_a_change_is_of_prices_and_duration() -> None:
    changes = OrderChanges(price=Price(Decimal(151)), stop_px=Price(Decimal(149)), tif=TimeInForce.GTC)
    assert change_form(changes) == (("duration", "gtc"), ("price", "151"), ("stop", "149"))
    for wrong in (OrderChanges(order_qty=ONE), OrderChanges(trail=Decimal(1)), OrderChanges(tif=TimeInForce.FOK)):
        with pytest.raises(NotSupported):
            change_form(wrong)
    for nothing in (OrderChanges(), OrderChanges(price=Price(Decimal("-0.4")))):
        with pytest.raises(InvalidRequest):
            change_form(nothing)


@pytest.mark.parametrize(
    ("price", "form"),
    [("1.5", (("type", "debit"), ("price", "1.5"))), ("-0.4", (("type", "credit"), ("price", "0.4")))],
)
def test_a_changed_net_price_says_its_sign_by_the_type(price: str, form: tuple[tuple[str, str], ...]) -> None:
    assert change_form(OrderChanges(price=Price(Decimal(price))), is_net=True) == form
    with pytest.raises(NotSupported, match="even"):
        change_form(OrderChanges(price=Price(Decimal(0))), is_net=True)


def test_a_tag_is_an_intent_spelled_and_others_are_not_ours() -> None:
    identity = TradierIdentity()
    assert identity.encode(INTENT) == CL_ORD_ID
    assert identity.decode(CL_ORD_ID) == INTENT
    assert [identity.decode(other) for other in ("", "my-tag", INTENT, CL_ORD_ID.upper())] == [None] * 4
    with pytest.raises(ValueError, match="hexadecimal"):
        identity.encode(IntentId("x"))
