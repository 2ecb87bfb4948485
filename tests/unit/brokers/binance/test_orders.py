"""Wishes as parameters, and ids of orders, legs, lists and cancels."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping import changes, orders
from floorbroker.brokers.binance.mapping.families import Families, Seen, replaced_by_cancel, replaces_of
from floorbroker.brokers.binance.mapping.identity import BinanceIdentity, Part, class_of_leg, owner_of, part_id
from floorbroker.brokers.binance.mapping.symbols import split_by_rule
from floorbroker.brokers.binance.mapping.traded import HELD_MAX, Traded, between_held
from floorbroker.brokers.binance.mapping.values import order_id_of, venue_number
from floorbroker.domain.errors import ApiError, Conflict, InvalidRequest, NotSupported, OwnRefusal, SymbolNotFound
from floorbroker.domain.ids import IdSource
from floorbroker.domain.orders import NewOrder, OrderChanges, StopLoss
from floorbroker.domain.values import ClOrdId, OrderClass, OrderType, Price, Quantity, Side, TimeInForce
from tests.unit.brokers.binance.fakes import (
    CL_ORD_ID,
    HEARD,
    HEX,
    INTENT,
    NEXT,
    NOW,
    limit_order,
    parsed,
    reader,
    symbols,
)

HEAD = {"symbol": "BTCUSDT", "side": "BUY", "newClientOrderId": CL_ORD_ID, "newOrderRespType": "FULL"}
PRICE, STOP = Price(Decimal(64000)), Price(Decimal("65000.5"))


def sent(order: NewOrder) -> dict[str, str]:
    return dict(orders.single(order, CL_ORD_ID, "BTCUSDT"))


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({}, {"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.02", "price": "64000"}),
        ({"tif": TimeInForce.IOC}, {"type": "LIMIT", "timeInForce": "IOC", "quantity": "0.02", "price": "64000"}),
        ({"tif": TimeInForce.FOK}, {"type": "LIMIT", "timeInForce": "FOK", "quantity": "0.02", "price": "64000"}),
        ({"post_only": True}, {"type": "LIMIT_MAKER", "quantity": "0.02", "price": "64000"}),
        (
            {"display_qty": Quantity(Decimal("0.005"))},
            {"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.02", "price": "64000", "icebergQty": "0.005"},
        ),
        ({"order_type": OrderType.MARKET, "price": None}, {"type": "MARKET", "quantity": "0.02"}),
        (
            {"order_type": OrderType.MARKET, "price": None, "order_qty": None, "notional": Decimal("100.50")},
            {"type": "MARKET", "quoteOrderQty": "100.5"},
        ),
        (
            {"order_type": OrderType.STOP, "price": None, "stop_px": STOP},
            {"type": "STOP_LOSS", "quantity": "0.02", "stopPrice": "65000.5"},
        ),
        (
            {"order_type": OrderType.STOP_LIMIT, "stop_px": STOP},
            {
                "type": "STOP_LOSS_LIMIT",
                "timeInForce": "GTC",
                "quantity": "0.02",
                "price": "64000",
                "stopPrice": "65000.5",
            },
        ),
        (
            {"order_type": OrderType.MARKET_IF_TOUCHED, "price": None, "stop_px": STOP},
            {"type": "TAKE_PROFIT", "quantity": "0.02", "stopPrice": "65000.5"},
        ),
        (
            {"order_type": OrderType.LIMIT_IF_TOUCHED, "stop_px": STOP},
            {
                "type": "TAKE_PROFIT_LIMIT",
                "timeInForce": "GTC",
                "quantity": "0.02",
                "price": "64000",
                "stopPrice": "65000.5",
            },
        ),
        (
            {"order_type": OrderType.TRAILING_STOP, "price": None, "trail_percent": Decimal("1.25")},
            {"type": "STOP_LOSS", "quantity": "0.02", "trailingDelta": "125"},
        ),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else None,
)
def test_each_kind_of_order_has_its_own_parameters(terms: dict[str, Any], expected: dict[str, str]) -> None:
    assert sent(limit_order(**terms)) == HEAD | expected


@pytest.mark.parametrize(
    "terms",
    [
        {"tif": TimeInForce.DAY},
        {"tif": TimeInForce.GTD},
        {"notional": Decimal(5)},
        {"order_qty": None},
        {"order_qty": None, "notional": Decimal(5)},
        {"order_type": OrderType.MARKET, "post_only": True},
        {"order_type": OrderType.MARKET, "price": None, "tif": TimeInForce.FOK},
        {"order_type": OrderType.STOP, "price": None, "stop_px": STOP, "tif": TimeInForce.IOC},
        {"order_type": OrderType.TRAILING_STOP, "price": None, "trail_amount": Price(Decimal(5))},
        {"order_type": OrderType.TRAILING_STOP, "price": None, "trail_percent": Decimal("1.005")},
        {"post_only": True, "tif": TimeInForce.IOC},
    ],
    ids=repr,
)
def test_what_the_venue_has_no_words_for_is_not_sent(terms: dict[str, Any]) -> None:
    with pytest.raises(OwnRefusal):
        sent(limit_order(**terms))


# -- lists --------------------------------------------------------------------------------------------------------------

LOSS, LIMITED_LOSS = (
    StopLoss(stop_px=Price(Decimal(60000))),
    StopLoss(stop_px=Price(Decimal(60000)), price=Price(Decimal(59900))),
)
PROFIT = Price(Decimal(70000))


def listed(**terms: Any) -> tuple[str, dict[str, str]]:
    kind, params = orders.group(limit_order(**terms), CL_ORD_ID, "BTCUSDT")
    return kind, dict(params)


def test_an_oco_to_sell_takes_profit_above_and_its_head_is_that_exit() -> None:
    kind, params = listed(
        order_class=OrderClass.OCO, side=Side.SELL, price=None, take_profit=PROFIT, stop_loss=LIMITED_LOSS
    )
    assert kind == "oco"
    assert params == {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "0.02",
        "listClientOrderId": f"{HEX}-l",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": "70000",
        "aboveClientOrderId": CL_ORD_ID,
        "belowType": "STOP_LOSS_LIMIT",
        "belowStopPrice": "60000",
        "belowPrice": "59900",
        "belowTimeInForce": "GTC",
        "belowClientOrderId": f"{HEX}-s",
        "newOrderRespType": "FULL",
    }


def test_an_oco_to_buy_is_its_mirror() -> None:
    stop = StopLoss(stop_px=PROFIT)
    _, params = listed(order_class=OrderClass.OCO, price=Price(Decimal(60000)), stop_loss=stop)
    assert (params["belowType"], params["belowPrice"], params["belowClientOrderId"]) == (
        "LIMIT_MAKER",
        "60000",
        CL_ORD_ID,
    )
    assert (params["aboveType"], params["aboveStopPrice"], params["aboveClientOrderId"]) == (
        "STOP_LOSS",
        "70000",
        f"{HEX}-s",
    )


@pytest.mark.parametrize(
    ("exits", "expected"),
    [
        ({"take_profit": PROFIT}, {"pendingType": "LIMIT", "pendingPrice": "70000", "pendingTimeInForce": "GTC"}),
        ({"stop_loss": LOSS}, {"pendingType": "STOP_LOSS", "pendingStopPrice": "60000"}),
    ],
)
def test_an_oto_is_an_entry_and_one_exit(exits: dict[str, Any], expected: dict[str, str]) -> None:
    kind, params = listed(order_class=OrderClass.OTO, **exits)
    assert kind == "oto"
    assert params == {
        "symbol": "BTCUSDT",
        "listClientOrderId": f"{HEX}-l",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingClientOrderId": CL_ORD_ID,
        "workingPrice": "64000",
        "workingQuantity": "0.02",
        "workingTimeInForce": "GTC",
        "pendingSide": "SELL",
        "pendingQuantity": "0.02",
        "pendingClientOrderId": f"{HEX}-p",
        "newOrderRespType": "FULL",
        **expected,
    }


@pytest.mark.parametrize(
    ("side", "profit", "stop", "profit_leg", "stop_leg"),
    [
        (Side.BUY, "70000", "60000", "pendingAbove", "pendingBelow"),
        (Side.SELL, "60000", "70000", "pendingBelow", "pendingAbove"),
    ],
)
def test_a_bracket_is_an_entry_and_two_exits(
    side: Side, profit: str, stop: str, profit_leg: str, stop_leg: str
) -> None:
    kind, params = listed(
        order_class=OrderClass.BRACKET,
        side=side,
        post_only=True,
        take_profit=Price(Decimal(profit)),
        stop_loss=StopLoss(stop_px=Price(Decimal(stop))),
    )
    assert (kind, params["workingType"], params["pendingSide"]) == (
        "otoco", "LIMIT_MAKER", "SELL" if side is Side.BUY else "BUY",
    )  # fmt: skip
    assert (params[f"{profit_leg}Type"], params[f"{profit_leg}Price"]) == ("LIMIT_MAKER", profit)
    assert (params[f"{stop_leg}Type"], params[f"{stop_leg}StopPrice"]) == ("STOP_LOSS", stop)
    assert {params["pendingAboveClientOrderId"], params["pendingBelowClientOrderId"]} == {f"{HEX}-a", f"{HEX}-b"}
    assert "workingTimeInForce" not in params


@pytest.mark.parametrize(
    "terms",
    [
        {"order_class": OrderClass.OCO, "take_profit": PROFIT},
        {"order_class": OrderClass.OCO, "take_profit": PROFIT, "stop_loss": LOSS, "tif": TimeInForce.IOC},
        {"order_class": OrderClass.OTO},
        {"order_class": OrderClass.OTO, "take_profit": PROFIT, "stop_loss": LOSS},
        {"order_class": OrderClass.BRACKET, "take_profit": PROFIT},
        {"order_class": OrderClass.BRACKET, "take_profit": PROFIT, "stop_loss": LOSS, "order_type": OrderType.MARKET},
        {"order_class": OrderClass.OTO, "take_profit": PROFIT, "order_qty": None, "notional": Decimal(5)},
        {"order_class": OrderClass.MULTILEG},
    ],
    ids=repr,
)
def test_a_group_the_venue_does_not_have_is_not_sent(terms: dict[str, Any]) -> None:
    with pytest.raises(OwnRefusal):
        listed(**terms)


# -- ids ----------------------------------------------------------------------------------------------------------------


def test_an_intent_is_its_own_client_id_and_back() -> None:
    identity, source = BinanceIdentity(), IdSource(tag=0x5A5, random=Random(3))
    for _ in range(50):
        intent = source.intent(NOW)
        assert len(identity.encode(intent)) == 36
        assert identity.decode(identity.encode(intent)) == intent


@pytest.mark.parametrize("part", list(Part))
def test_an_id_of_a_part_tells_whose_it_is_and_reads_as_no_intent(part: Part) -> None:
    made = part_id(CL_ORD_ID, part)
    assert len(made) <= 36
    assert owner_of(made) == (CL_ORD_ID, part)
    assert BinanceIdentity().decode(made) is None


@pytest.mark.parametrize(
    "other",
    [
        "",
        "x-TKT5PX2F1234",
        "Xk3fRandom0011",
        HEX,
        f"{HEX}-z",
        f"{HEX}-ss",
        INTENT.upper(),
        f"{'0' * 32}-s",
        f"{HEX}-s\n",
    ],
)
def test_ids_of_others_are_nobodys_parts(other: str) -> None:
    assert BinanceIdentity().decode(other) is None
    assert owner_of(other) is None
    assert class_of_leg(other) is OrderClass.SIMPLE


def test_a_leg_finds_its_head_once_the_head_was_met() -> None:
    families = Families()
    assert families.is_stray(f"{HEX}-a")
    families.learn([Seen("BTCUSDT", 20, INTENT)])
    assert families.head_of(f"{HEX}-a") == "BTCUSDT:20"
    assert not families.is_stray(f"{HEX}-a")
    assert families.head_of(INTENT) is None
    assert not families.is_stray(f"{HEX}-x")  # a cancel is no leg


def test_a_renamed_head_is_found_by_its_list() -> None:
    families = Families()
    families.learn_list([Seen("BTCUSDT", 20, NEXT), Seen("BTCUSDT", 21, f"{HEX}-a")])
    assert families.head_of(f"{HEX}-a") == "BTCUSDT:20"


def test_a_leg_nobody_knows_the_head_of_is_asked_for_once() -> None:
    families = Families()
    families.give_up(f"{HEX}-a")
    assert not families.is_stray(f"{HEX}-a")
    assert families.head_of(f"{HEX}-a") is None


def test_a_replacement_carries_the_number_of_what_it_replaced() -> None:
    params = dict(orders.replacing((("symbol", "BTCUSDT"),), order_number="28", cl_ord_id=NEXT))
    assert params["cancelReplaceMode"] == "STOP_ON_FAILURE"
    assert params["cancelRestrictions"] == "ONLY_NEW"
    assert replaces_of("BTCUSDT", int(params["strategyId"]), int(params["strategyType"])) == "BTCUSDT:28"
    assert replaces_of("BTCUSDT", 28, 1_000_000) is None
    assert replaces_of("BTCUSDT", None, None) is None
    assert replaced_by_cancel(params["cancelNewClientOrderId"]) == NEXT
    assert replaced_by_cancel(f"{HEX}-s") is None


def test_order_ids_name_their_symbol_since_the_venue_counts_within_it() -> None:
    assert order_id_of("BTCUSDT", 28) == "BTCUSDT:28"
    assert venue_number("BTCUSDT:28") == "28"
    for other in ("", "abc", "BTCUSDT:", "BTCUSDT:²", "BTCUSDT:-1"):
        with pytest.raises(ApiError):
            venue_number(other)


# -- changes ------------------------------------------------------------------------------------------------------------


def standing(**terms: Any) -> wire.Order:
    body = parsed("order") | {"status": "NEW", "executedQty": "0.0"} | terms
    return wire.msgspec.convert(body, wire.Order, strict=False)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"order_qty": Quantity(Decimal("0.015"))}, "0.015"),
        ({"order_qty": Quantity(Decimal("0.02"))}, None),
        ({"order_qty": Quantity(Decimal("0.03"))}, None),
        ({"order_qty": Quantity(Decimal("0.015")), "price": PRICE}, None),
        ({"price": PRICE}, None),
    ],
)
def test_a_change_is_an_amendment_where_only_the_quantity_falls(change: dict[str, Any], expected: str | None) -> None:
    assert changes.amendment_of(standing(), OrderChanges(**change)) == expected


@pytest.mark.parametrize("status", ["FILLED", "CANCELED", "EXPIRED", "REJECTED", "PENDING_NEW", "TOMORROW"])
def test_an_order_that_is_done_is_not_changed(status: str) -> None:
    with pytest.raises(Conflict):
        changes.check_open(standing(status=status))


@pytest.mark.parametrize("terms", [{"executedQty": "0.001"}, {"orderListId": 7}])
def test_what_could_ask_for_too_much_is_not_replaced(terms: dict[str, Any]) -> None:
    with pytest.raises(NotSupported):
        changes.check_replaceable(standing(**terms))


@pytest.mark.parametrize(
    "terms",
    [
        {"type": "STOP_LOSS", "trailingDelta": 150, "stopPrice": "63000.00"},
        {"type": "STOP_LOSS_LIMIT", "trailingDelta": 150},
        {"type": "TAKE_PROFIT", "trailingDelta": 150},
        {"type": "TAKE_PROFIT_LIMIT", "trailingDelta": 150, "stopPrice": "63000.00"},
        {"pegPriceType": "PRIMARY_PEG"},
        {"usedSor": True},
    ],
)
def test_an_order_whose_terms_a_new_one_would_lack_is_not_replaced(terms: dict[str, Any]) -> None:
    told = standing(**terms)
    with pytest.raises(NotSupported, match="cannot be repeated"):
        changes.changed(told, OrderChanges(price=PRICE), symbol="BTC/USDT")
    assert changes.amendment_of(told, OrderChanges(order_qty=Quantity(Decimal("0.01")))) == "0.01"


def test_a_changed_order_keeps_what_was_not_changed() -> None:
    order = changes.changed(standing(icebergQty="0.005"), OrderChanges(price=STOP), symbol="BTC/USDT")
    assert order == limit_order(price=STOP, display_qty=Quantity(Decimal("0.005")))
    trailing = standing(type="STOP_LOSS", trailingDelta=150, price="0.0", stopPrice="0.0", icebergQty="0.0")
    order = changes.changed(trailing, OrderChanges(trail=Decimal(2)), symbol="BTC/USDT")
    assert (order.order_type, order.trail_percent, order.price, order.stop_px) == (
        OrderType.TRAILING_STOP, Decimal(2), None, None,
    )  # fmt: skip
    maker = changes.changed(standing(type="LIMIT_MAKER"), OrderChanges(price=STOP), symbol="BTC/USDT")
    assert maker.post_only


def test_words_we_do_not_know_are_not_sent_on() -> None:
    with pytest.raises(ApiError):
        changes.changed(standing(type="TOMORROW"), OrderChanges(price=PRICE), symbol="BTC/USDT")
    with pytest.raises(InvalidRequest):
        changes.changed(standing(), OrderChanges(), symbol="BTC/USDT")


# -- there and back -----------------------------------------------------------------------------------------------------

ECHO = {"quantity": "origQty", "newClientOrderId": "clientOrderId", "quoteOrderQty": "origQuoteOrderQty"}
amounts = st.builds(lambda digits, places: Decimal(digits).scaleb(-places), st.integers(1, 10**12), st.integers(0, 8))
hundredths = st.integers(1, 2000).map(lambda found: Decimal(found) / 100)


@st.composite
def wishes(draw: st.DrawFn) -> NewOrder:
    """Every kind of single order."""
    kind = draw(st.sampled_from(OrderType))
    limited = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)
    maker = kind is OrderType.LIMIT and draw(st.booleans())
    stopped = kind not in (OrderType.MARKET, OrderType.LIMIT, OrderType.TRAILING_STOP)
    return limit_order(
        side=draw(st.sampled_from(Side)),
        order_type=kind,
        order_qty=Quantity(draw(amounts)),
        price=Price(draw(amounts)) if limited else None,
        stop_px=Price(draw(amounts)) if stopped else None,
        trail_percent=draw(hundredths) if kind is OrderType.TRAILING_STOP else None,
        tif=draw(st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]))
        if limited and not maker
        else TimeInForce.GTC,
        post_only=maker,
        display_qty=Quantity(draw(amounts)) if limited and draw(st.booleans()) else None,
    )


def echoed(order: NewOrder) -> wire.Order:
    """The order as the venue's answer repeats it: under its own names, and with zeros for what an order has not."""
    body: dict[str, Any] = {"orderId": 28, "status": "NEW", "timeInForce": "GTC", "price": "0.0", "stopPrice": "0.0"}
    body |= {ECHO.get(name, name): value for name, value in sent(order).items()}
    if "trailingDelta" in body:
        body["trailingDelta"] = int(body["trailingDelta"])
    return wire.decode(json.dumps(body).encode(), wire.Order, what="an echo")


@given(wishes())
def test_an_order_read_back_is_the_order_that_was_sent(order: NewOrder) -> None:
    report = reader().order(echoed(order), HEARD)
    assert (report.symbol, report.side, report.order_type, report.tif) == (
        order.symbol, order.side, order.order_type, order.tif,
    )  # fmt: skip
    assert (report.order_qty, report.price, report.stop_px, report.trail_percent) == (
        order.order_qty, order.price, order.stop_px, order.trail_percent,
    )  # fmt: skip
    assert (report.cl_ord_id, report.unrecognised) == (CL_ORD_ID, None)


@given(wishes(), amounts)
def test_a_replacement_differs_from_the_order_in_what_was_changed_alone(order: NewOrder, qty: Decimal) -> None:
    follower = changes.changed(echoed(order), OrderChanges(order_qty=Quantity(qty)), symbol=order.symbol)
    assert follower == replace(order, order_qty=Quantity(qty))


# -- symbols ------------------------------------------------------------------------------------------------------------


def test_symbols_are_spelled_by_the_venues_list() -> None:
    table = symbols()
    assert (table.to_wire("BTC/USDT"), table.from_wire("ETHBTC")) == ("BTCUSDT", "ETH/BTC")
    assert table.find("BTC/TUSD") is table.find("ODD/USDT") is None  # their filters have numbers that are none
    with pytest.raises(SymbolNotFound, match="cannot be read"):
        table.rules("ODD/USDT")
    with pytest.raises(SymbolNotFound, match="not listed"):
        table.rules("XYZ/USDT")
    table.learn([msgspec.Raw(b"{}"), msgspec.Raw(b"[]")])
    assert len(table) == 0


@pytest.mark.parametrize(
    ("there", "ours"),
    [
        ("NKNUSDT", "NKN/USDT"),
        ("BLZETH", "BLZ/ETH"),
        ("LRCBTC", "LRC/BTC"),
        ("RUNEEUR", "RUNE/EUR"),
        ("BTCFDUSD", "BTC/FDUSD"),
        ("ETHTUSD", "ETH/TUSD"),
        ("USDT", "USDT"),
        ("WHATEVER", "WHATEVER"),
        ("", ""),
    ],
)
def test_without_a_list_the_quote_currency_at_the_end_decides(there: str, ours: str) -> None:
    assert split_by_rule(there) == ours


def test_history_is_asked_for_where_something_of_ours_may_be() -> None:
    traded, table = Traded(), symbols()
    traded.meet("BNB/USDT")
    traded.meet("odd")
    assert traded.to_ask(held=["BTC", "USDT", "DUST"], symbols=table) == ("BNB/USDT", "BTC/USDT")
    assert traded.to_ask(held=(), symbols=table) == ("BNB/USDT",)
    assert traded.by_coin == {"BNB": "BNB/USDT"}


def test_what_the_desks_books_are_about_is_asked_for_in_a_wide_question_although_nothing_was_heard_of_it() -> None:
    traded, table = Traded(ours=lambda: {"BNB/USDT"}), symbols()
    assert traded.to_ask(held=["BTC", "USDT"], symbols=table, wide=True) == ("BNB/USDT", "BTC/USDT")
    assert traded.to_ask(held=(), symbols=table) == ()


def test_an_account_full_of_coins_does_not_have_every_market_asked() -> None:
    coins = [f"C{number}" for number in range(3 * HELD_MAX)]
    assert len(between_held(coins, symbols())) > HELD_MAX
    assert Traded().to_ask(held=coins, symbols=symbols()) == ()


def test_a_client_id_is_never_longer_than_the_venue_takes() -> None:
    assert max(len(part_id(ClOrdId(INTENT), part)) for part in Part) <= 36
