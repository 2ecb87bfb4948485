"""Wishes as request bodies, and what this venue has no words for."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.orders import (
    OpenTrade,
    close_request,
    closed_trade,
    order_request,
    replace_request,
    trade_to_trail,
)
from floorbroker.domain.errors import ApiError, InvalidRequest, NotSupported, Outcome
from floorbroker.domain.orders import NewOrder, OrderChanges, StopLoss
from floorbroker.domain.values import OrderClass, OrderType, PositionIntent, Price, Quantity, Side, TimeInForce
from tests.unit.brokers.oanda.fakes import CL_ORD_ID, OTHER_ID, limit_order, market_order

P = Price


def body(order: NewOrder, **more: Any) -> dict[str, Any]:
    request = order_request(order, CL_ORD_ID, **more)
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(request))
    return found


COMMON = {"instrument": "EUR_USD", "clientExtensions": {"id": CL_ORD_ID}}
BRACKET = {"take_profit": P(Decimal("1.12")), "stop_loss": StopLoss(stop_px=P(Decimal("1.09")))}
TRAIL = {"order_type": OrderType.TRAILING_STOP, "price": None, "trail_amount": P(Decimal("0.005"))}
TABLE: list[tuple[NewOrder, dict[str, Any]]] = [
    (limit_order(), {"type": "LIMIT", "units": "10", "price": "1.1", "timeInForce": "GTC"}),
    (
        limit_order(side=Side.SELL, tif=TimeInForce.DAY, reduce_only=True),
        {"type": "LIMIT", "units": "-10", "price": "1.1", "timeInForce": "GFD", "positionFill": "REDUCE_ONLY"},
    ),
    (
        limit_order(order_type=OrderType.STOP, price=None, stop_px=P(Decimal("1.2")), tif=TimeInForce.GTD,
                    expire_at=datetime(2026, 3, 3, 12, tzinfo=UTC)),
        {"type": "STOP", "units": "10", "price": "1.2", "timeInForce": "GTD", "gtdTime": "2026-03-03T12:00:00.000000Z"},
    ),
    (
        limit_order(order_type=OrderType.MARKET_IF_TOUCHED, price=None, stop_px=P(Decimal("1.05"))),
        {"type": "MARKET_IF_TOUCHED", "units": "10", "price": "1.05", "timeInForce": "GTC"},
    ),
    (market_order(tif=TimeInForce.DAY), {"type": "MARKET", "units": "10", "timeInForce": "FOK"}),
    (market_order(tif=TimeInForce.IOC), {"type": "MARKET", "units": "10", "timeInForce": "IOC"}),
    (
        market_order(position_intent=PositionIntent.BUY_TO_OPEN),
        {"type": "MARKET", "units": "10", "timeInForce": "FOK", "positionFill": "OPEN_ONLY"},
    ),
    (
        limit_order(order_class=OrderClass.BRACKET, **BRACKET),
        {"type": "LIMIT", "units": "10", "price": "1.1", "timeInForce": "GTC", "takeProfitOnFill": {"price": "1.12"},
         "stopLossOnFill": {"price": "1.09"}},
    ),
    (
        limit_order(order_class=OrderClass.OTO, take_profit=P(Decimal("1.12"))),
        {"type": "LIMIT", "units": "10", "price": "1.1", "timeInForce": "GTC", "takeProfitOnFill": {"price": "1.12"}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("order", "expected"), TABLE)
def test_a_wish_is_spelled_as_the_venue_does(order: NewOrder, expected: dict[str, Any]) -> None:
    assert body(order) == COMMON | expected


def test_a_trailing_stop_is_about_a_trade_and_names_neither_instrument_nor_units() -> None:
    assert body(limit_order(side=Side.SELL, **TRAIL), trade_id="12") == {
        "type": "TRAILING_STOP_LOSS", "tradeID": "12", "distance": "0.005", "timeInForce": "GTC",
        "clientExtensions": {"id": CL_ORD_ID},
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"order_qty": None, "notional": Decimal(100)},
        {"order_type": OrderType.STOP_LIMIT, "stop_px": P(Decimal(1))},
        {"tif": TimeInForce.OPG},
        {"order_type": OrderType.MARKET_IF_TOUCHED, "stop_px": P(Decimal(1)), "tif": TimeInForce.FOK},
        {"post_only": True},
        {"display_qty": Quantity(Decimal(1))},
        {"extended_hours": True},
        {"order_type": OrderType.TRAILING_STOP, "price": None, "trail_percent": Decimal(1)},
        {"order_class": OrderClass.OCO, **BRACKET},
        {"order_class": OrderClass.BRACKET, "take_profit": P(Decimal("1.12"))},
        {
            "order_class": OrderClass.OTO,
            "stop_loss": StopLoss(stop_px=P(Decimal("1.09")), price=P(Decimal("1.08"))),
        },
    ],
)
def test_what_has_no_words_there_is_refused_before_anything_is_sent(changes: dict[str, Any]) -> None:
    with pytest.raises(NotSupported):
        order_request(limit_order(**changes), CL_ORD_ID)


@pytest.mark.parametrize(
    "changes",
    [
        {"price": None},
        {"tif": TimeInForce.GTD},
        {"side": Side.SELL, "position_intent": PositionIntent.BUY_TO_OPEN},
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        order_request(limit_order(**changes), CL_ORD_ID)


def test_closing_says_which_side_of_the_position_and_bears_our_id() -> None:
    sale = market_order(side=Side.SELL, position_intent=PositionIntent.SELL_TO_CLOSE)
    cover = market_order(position_intent=PositionIntent.BUY_TO_CLOSE)
    named = wire.ClientExtensions(id=CL_ORD_ID)
    assert close_request(sale, CL_ORD_ID) == wire.ClosePosition(
        long_units="10", long_client_extensions=named, short_units="NONE"
    )
    assert close_request(cover, CL_ORD_ID) == wire.ClosePosition(
        short_units="10", short_client_extensions=named, long_units="NONE"
    )


@pytest.mark.parametrize(("tag", "found"), [("trade:12", "12"), ("trade:", None), ("trade:1x", None), ("12", None)])
def test_a_client_tag_may_name_the_trade_to_close(tag: str, found: str | None) -> None:
    sale = market_order(side=Side.SELL, position_intent=PositionIntent.SELL_TO_CLOSE, client_tag=tag)
    assert closed_trade(sale) == found
    assert closed_trade(market_order(side=Side.SELL, client_tag=tag)) is None


def test_a_trailing_stop_finds_the_oldest_whole_trade_of_its_size() -> None:
    trades = [OpenTrade(trade_id=n, units=Decimal(u)) for n, u in (("9", 4), ("101", 10), ("20", 10), ("3", -10))]
    assert trade_to_trail(limit_order(side=Side.SELL, **TRAIL), trades) == "20"
    assert trade_to_trail(limit_order(**TRAIL), trades) == "3"
    with pytest.raises(NotSupported, match="one whole open trade"):
        trade_to_trail(limit_order(side=Side.SELL, **{**TRAIL, "order_qty": Quantity(Decimal(9))}), trades)


WAITING = wire.Order(
    id="15", type="LIMIT", state="PENDING", instrument="EUR_USD", units=Decimal(-6), price=Decimal("1.10000"),
    time_in_force="GTC", position_fill="DEFAULT", trigger_condition="DEFAULT",
    take_profit_on_fill=wire.OnFill(price="1.0", time_in_force="GTC"),
)  # fmt: skip


def test_a_change_sends_the_whole_order_anew_and_its_total_without_what_is_filled() -> None:
    changes = OrderChanges(price=P(Decimal("1.2")), order_qty=Quantity(Decimal(12)))
    assert replace_request(WAITING, changes, OTHER_ID, filled=Decimal(4)) == wire.OrderRequest(
        type="LIMIT", instrument="EUR_USD", units="-8", price="1.2", time_in_force="GTC", position_fill="DEFAULT",
        trigger_condition="DEFAULT", client_extensions=wire.ClientExtensions(id=OTHER_ID),
        take_profit_on_fill=WAITING.take_profit_on_fill,
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        OrderChanges(),
        OrderChanges(order_qty=Quantity(Decimal(4))),
        OrderChanges(stop_px=P(Decimal(1))),
        OrderChanges(trail=Decimal(1)),
    ],
)
def test_a_change_that_means_nothing_is_refused(changes: OrderChanges) -> None:
    with pytest.raises(InvalidRequest):
        replace_request(WAITING, changes, OTHER_ID, filled=Decimal(4))


@pytest.mark.parametrize("member", ["units", "price", "distance", "price_bound"])
@pytest.mark.parametrize("monster", ["1E+999999999", "NaN"])
def test_a_number_that_no_order_has_is_not_told_again_i24(member: str, monster: str) -> None:
    order = msgspec.structs.replace(WAITING, **{member: Decimal(monster)})
    with pytest.raises(ApiError) as caught:
        replace_request(order, OrderChanges(price=P(Decimal("1.2"))), OTHER_ID)
    assert caught.value.outcome is Outcome.NOT_SENT


def test_a_change_of_duration_forgets_the_time_of_expiry() -> None:
    order = msgspec.structs.replace(WAITING, time_in_force="GTD", gtd_time="2026-03-03T12:00:00.000000000Z")
    found = replace_request(order, OrderChanges(tif=TimeInForce.GTC), OTHER_ID)
    assert (found.time_in_force, found.gtd_time) == ("GTC", None)
