"""What the venue says about orders and executions, as tables of payload and expected report."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.mapping.memory import Memory
from floorbroker.brokers.bybit.mapping.reports import NO_FILLS, Heard, Reader, assert_same
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Prepared, Source
from floorbroker.domain.fold import fold
from floorbroker.domain.orders import OrderState
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    ExecType,
    Money,
    OrderId,
    OrderType,
    OrdStatus,
    ProfileName,
    Quantity,
    Side,
    TimeInForce,
)
from floorbroker.oms.translate import facts_of
from tests.unit.brokers.bybit.fakes import (
    CL_ORD_ID,
    INTENT,
    NOW,
    OTHER_ID,
    PAIR,
    PERP,
    SPOT_ID,
    VENUE_ID,
    limit_order,
    parsed,
    reader,
)

STREAM = Heard(source=Source.STREAM, at=NOW)
QUERY = Heard(source=Source.QUERY, at=NOW, asked_at=NOW)


def order_of(changes: dict[str, Any], name: str = "order_linear") -> wire.Order:
    return wire.decode(json.dumps(parsed(name) | changes).encode(), wire.Order, what="an order")


def told(changes: dict[str, Any], heard: Heard = STREAM, *, category: str = "linear") -> ExecutionReport:
    name = "order_spot" if category == "spot" else "order_linear"
    return reader().order(order_of(changes, name), heard, category=category)


def test_an_order_as_it_stands() -> None:
    report = told({})
    assert (report.order_id, report.cl_ord_id, report.symbol, report.side) == (VENUE_ID, CL_ORD_ID, PERP, Side.BUY)
    assert (report.order_type, report.tif, report.order_qty) == (OrderType.LIMIT, TimeInForce.GTC, Decimal("0.01"))
    assert (report.price, report.stop_px, report.cum_qty, report.avg_px) == (Decimal("64000.1"), None, 0, None)
    assert (report.ord_status, report.exec_type, report.text) == (OrdStatus.NEW, ExecType.NEW, None)


def test_a_spot_order_with_fills() -> None:
    report = told({}, QUERY, category="spot")
    assert (report.order_id, report.symbol, report.cum_qty) == (SPOT_ID, PAIR, Decimal("0.004"))
    assert (report.ord_status, report.avg_px) == (OrdStatus.PARTIALLY_FILLED, Decimal("64000.1"))
    assert (report.exec_type, report.asked_at) == (ExecType.ORDER_STATUS, NOW)


STATES: list[tuple[dict[str, Any], OrdStatus, ExecType, str | None]] = [
    ({"orderStatus": "Created"}, OrdStatus.PENDING_NEW, ExecType.ORDER_STATUS, None),
    ({"orderStatus": "New"}, OrdStatus.NEW, ExecType.NEW, None),
    ({"orderStatus": "New", "cumExecQty": "0.001"}, OrdStatus.PARTIALLY_FILLED, ExecType.ORDER_STATUS, None),
    (
        {"orderStatus": "PartiallyFilled", "cumExecQty": "0.001"},
        OrdStatus.PARTIALLY_FILLED,
        ExecType.ORDER_STATUS,
        None,
    ),
    ({"orderStatus": "Untriggered"}, OrdStatus.NEW, ExecType.NEW, "Untriggered"),
    ({"orderStatus": "Triggered"}, OrdStatus.NEW, ExecType.NEW, "Triggered"),
    ({"orderStatus": "PendingCancel"}, OrdStatus.PENDING_CANCEL, ExecType.ORDER_STATUS, None),
    ({"orderStatus": "Filled", "cumExecQty": "0.010"}, OrdStatus.FILLED, ExecType.ORDER_STATUS, None),
    ({"orderStatus": "Cancelled", "cancelType": "CancelByUser"}, OrdStatus.CANCELED, ExecType.CANCELED, None),
    ({"orderStatus": "Cancelled", "cumExecQty": "0.004"}, OrdStatus.CANCELED, ExecType.CANCELED, None),
    ({"orderStatus": "PartiallyFilledCanceled", "cumExecQty": "0.004"}, OrdStatus.CANCELED, ExecType.CANCELED, None),
    ({"orderStatus": "Deactivated"}, OrdStatus.CANCELED, ExecType.CANCELED, "Deactivated"),
    (
        {"orderStatus": "Cancelled", "cancelType": "CancelByReduceOnly"},
        OrdStatus.CANCELED,
        ExecType.CANCELED,
        "CancelByReduceOnly",
    ),
    (
        {"orderStatus": "Cancelled", "rejectReason": "EC_NoImmediateQtyToFill"},
        OrdStatus.CANCELED,
        ExecType.CANCELED,
        "EC_NoImmediateQtyToFill",
    ),
    (
        {"orderStatus": "Cancelled", "rejectReason": "EC_PostOnlyWillTakeLiquidity"},
        OrdStatus.REJECTED,
        ExecType.REJECTED,
        "EC_PostOnlyWillTakeLiquidity",
    ),
    (
        {"orderStatus": "Rejected", "rejectReason": "EC_ReachRiskPriceLimit"},
        OrdStatus.REJECTED,
        ExecType.REJECTED,
        "EC_ReachRiskPriceLimit",
    ),
]


@pytest.mark.parametrize(("changes", "status", "exec_type", "text"), STATES)
def test_each_state_in_our_words(
    changes: dict[str, Any], status: OrdStatus, exec_type: ExecType, text: str | None
) -> None:
    report = told(changes)
    assert (report.ord_status, report.exec_type, report.text) == (status, exec_type, text)
    assert told(changes, QUERY).exec_type is ExecType.ORDER_STATUS


def test_a_cancel_that_crosses_a_fill_is_told_as_filled_twice_and_as_cancelled_never() -> None:
    crossing = {
        "orderStatus": "Filled",
        "cumExecQty": "0.010",
        "cancelType": "CancelByUser",
        "rejectReason": "EC_OrigClOrdIDDoesNotExist",
    }
    plain, second = told({"orderStatus": "Filled", "cumExecQty": "0.010"}), told(crossing)
    assert (plain.ord_status, second.ord_status) == (OrdStatus.FILLED, OrdStatus.FILLED)
    assert plain.cum_qty == second.cum_qty


@pytest.mark.parametrize(
    "changes",
    [{"orderStatus": "Frozen"}, {"side": "Short"}, {"orderType": "Peg"}, {"timeInForce": "GTX"}, {"orderStatus": ""}],
)
def test_a_word_in_no_table_is_kept_and_nothing_is_guessed(changes: dict[str, Any]) -> None:
    report = told(changes)
    assert report.unrecognised is not None
    assert next(iter(changes.values())) in report.unrecognised
    assert (report.ord_status, report.order_type) == (None, None)


TYPES: list[tuple[dict[str, Any], str, OrderType]] = [
    ({"orderType": "Market", "timeInForce": "IOC"}, "linear", OrderType.MARKET),
    ({"orderType": "Market", "triggerPrice": "65000", "triggerDirection": 1}, "linear", OrderType.STOP),
    ({"orderType": "Limit", "triggerPrice": "65000", "triggerDirection": 1}, "linear", OrderType.STOP_LIMIT),
    ({"orderType": "Market", "triggerPrice": "63000", "triggerDirection": 2}, "linear", OrderType.MARKET_IF_TOUCHED),
    ({"triggerPrice": "63000", "triggerDirection": 2, "side": "Sell"}, "linear", OrderType.STOP_LIMIT),
    ({"triggerPrice": "65000", "triggerDirection": 1, "side": "Sell"}, "linear", OrderType.LIMIT_IF_TOUCHED),
    ({"triggerPrice": "65000", "stopOrderType": "Stop", "basePrice": "64000"}, "spot", OrderType.STOP_LIMIT),
    ({"triggerPrice": "63000", "stopOrderType": "Stop", "basePrice": "64000"}, "spot", OrderType.LIMIT_IF_TOUCHED),
    ({"triggerPrice": "63000", "stopOrderType": "Stop", "basePrice": ""}, "spot", OrderType.STOP_LIMIT),
    (
        {"orderType": "Market", "stopOrderType": "PartialTakeProfit", "triggerPrice": "1", "side": "Sell"},
        "linear",
        OrderType.MARKET_IF_TOUCHED,
    ),
    (
        {"orderType": "Market", "stopOrderType": "StopLoss", "triggerPrice": "1", "side": "Sell"},
        "linear",
        OrderType.STOP,
    ),
    ({"orderType": "Market", "stopOrderType": "TrailingStop", "triggerPrice": "1"}, "linear", OrderType.TRAILING_STOP),
]


@pytest.mark.parametrize(("changes", "category", "expected"), TYPES)
def test_each_type_by_its_trigger(changes: dict[str, Any], category: str, expected: OrderType) -> None:
    report = told(changes, category=category)
    assert report.order_type is expected
    assert (report.stop_px is None) == (expected in (OrderType.MARKET, OrderType.LIMIT))


def test_the_price_of_a_market_order_is_the_venues_protection_and_no_limit_of_ours() -> None:
    assert told({"orderType": "Market", "price": "70000"}).price is None


@pytest.mark.parametrize(
    ("changes", "qty", "notional"),
    [
        ({"orderType": "Market", "marketUnit": "quoteCoin", "qty": "250"}, None, Decimal(250)),
        ({"orderType": "Market", "marketUnit": "", "qty": "250"}, None, Decimal(250)),
        ({"orderType": "Market", "marketUnit": "baseCoin", "qty": "0.5"}, Decimal("0.5"), None),
        ({"orderType": "Market", "marketUnit": "", "qty": "0.5", "side": "Sell"}, Decimal("0.5"), None),
    ],
)
def test_a_spot_market_buy_counts_in_quote_coin_unless_it_says_otherwise(
    changes: dict[str, Any], qty: Decimal | None, notional: Decimal | None
) -> None:
    report = told(changes, category="spot")
    assert (report.order_qty, report.notional) == (qty, notional)


def test_what_only_reduces_has_the_quantity_that_the_venue_cut_it_to() -> None:
    cut = told({"reduceOnly": True, "qty": "0.004", "cumExecQty": "0.004", "orderStatus": "Filled"})
    assert (cut.replaces, cut.order_id, cut.order_qty) == (VENUE_ID, VENUE_ID, Decimal("0.004"))
    assert told({}).replaces is None
    prepared = Prepared(
        source=Source.OWN,
        at=NOW,
        cl_ord_id=CL_ORD_ID,
        profile=ProfileName("p"),
        order=limit_order(reduce_only=True, order_qty=Quantity(Decimal(1))),
    )
    order = fold(INTENT, [prepared, *facts_of(cut)])
    assert (order.state, order.order_qty, order.leaves_qty) == (OrderState.FILLED, Decimal("0.004"), 0)


@pytest.mark.parametrize("changes", [{"qty": "NaN"}, {"cumExecQty": "1e999"}, {"price": "much"}])
def test_numbers_that_are_none_are_an_error_of_ours(changes: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        told(changes)


def test_an_answer_about_another_order_is_not_taken() -> None:
    order = order_of({})
    assert_same(order, order_id=VENUE_ID, cl_ord_id="whatever")
    assert_same(order, order_id=None, cl_ord_id=CL_ORD_ID)
    with pytest.raises(ApiError):
        assert_same(order, order_id="other", cl_ord_id=CL_ORD_ID)
    with pytest.raises(ApiError):
        assert_same(order, order_id=None, cl_ord_id=OTHER_ID)


def test_what_is_remembered_is_bounded() -> None:
    memory = Memory(2)
    for name in ("a", "b", "a", "c"):
        memory.keep_filter(name, word=name)
    assert [memory.filter_of(name) for name in ("b", "a", "c")] == [None, "a", "c"]


def test_the_filter_of_a_spot_order_is_learned_from_what_is_heard() -> None:
    memory = Memory()
    reads = Reader(reader().symbols, memory)
    for kind, word in (("", "Order"), ("Stop", "StopOrder"), ("tpslOrder", "tpslOrder"), ("UNKNOWN", "Order")):
        reads.order(order_of({"stopOrderType": kind, "orderId": f"id {kind}"}, "order_spot"), QUERY, category="spot")
        assert memory.filter_of(f"id {kind}") == word
    assert memory.filter_of("never heard of", None) is None


# -- executions ---------------------------------------------------------------------------------------------------------


def filled(changes: dict[str, Any], name: str = "execution_linear", category: str = "linear") -> ExecutionReport | None:
    execution = wire.decode(json.dumps(parsed(name) | changes).encode(), wire.Execution, what="an execution")
    return reader().execution(execution, STREAM, category=category)


def test_a_fill_of_a_perpetual() -> None:
    report = filled({})
    assert report is not None
    assert (report.exec_type, report.exec_id) == (ExecType.TRADE, "c0c0c0c0-0001-5000-8000-000000000001")
    assert (report.order_id, report.cl_ord_id, report.symbol) == (VENUE_ID, CL_ORD_ID, PERP)
    assert (report.last_qty, report.last_px, report.side) == (Decimal("0.006"), Decimal("64000.1"), Side.BUY)
    assert report.fee == Money(Decimal("0.2112"), "USDT")
    assert (report.cum_qty, report.ord_status) == (None, None)


def test_a_spot_fill_pays_in_the_coin_received_and_taxes_in_it_on_top() -> None:
    report = filled({}, "execution_spot", "")
    assert report is not None
    assert (report.symbol, report.order_id) == (PAIR, SPOT_ID)
    assert report.fee == Money(Decimal("0.00000406"), "BTC")


@pytest.mark.parametrize(
    ("changes", "category", "currency"),
    [
        ({"feeCurrency": ""}, "spot", "BTC"),
        ({"feeCurrency": "", "side": "Sell"}, "spot", "USDT"),
        ({"feeCurrency": "MNT"}, "spot", "MNT"),
        ({"feeCurrency": ""}, "linear", "USDT"),
        ({"feeCurrency": "", "symbol": "BTCPERP"}, "linear", "USDC"),
    ],
)
def test_whose_coin_a_fee_is_where_the_venue_leaves_it_out(
    changes: dict[str, Any], category: str, currency: str
) -> None:
    report = filled(changes, category=category)
    assert report is not None
    assert report.fee is not None
    assert report.fee.currency == currency


def test_a_rebate_is_a_cost_below_zero_and_no_fee_is_none() -> None:
    rebate, free = filled({"execFee": "-0.01"}), filled({"execFee": ""})
    assert rebate is not None
    assert free is not None
    assert rebate.fee == Money(Decimal("-0.01"), "USDT")
    assert free.fee is None


@pytest.mark.parametrize("kind", ["BlockTrade", "AdlTrade", "BustTrade"])
def test_what_the_venue_trades_for_us_is_a_fill_and_says_what_it_was(kind: str) -> None:
    report = filled({"execType": kind})
    assert report is not None
    assert (report.exec_type, report.text) == (ExecType.TRADE, kind)


@pytest.mark.parametrize("kind", sorted(NO_FILLS))
def test_funding_and_settlement_are_no_fills(kind: str) -> None:
    assert filled({"execType": kind, "execPrice": "", "side": ""}) is None


@pytest.mark.parametrize("changes", [{"execType": "UNKNOWN"}, {"execType": "GiftTrade"}, {"side": "None"}])
def test_an_execution_in_no_table_is_kept_and_counts_for_nothing(changes: dict[str, Any]) -> None:
    report = filled(changes)
    assert report is not None
    assert report.unrecognised is not None
    assert report.exec_type is ExecType.ORDER_STATUS


@pytest.mark.parametrize("number", ["", "NaN", "1e99"])
def test_the_numbers_of_an_execution_in_no_table_are_not_read(number: str) -> None:
    told = dict.fromkeys(("execQty", "execPrice", "execFee", "execTime"), number)
    for changes in ({"execType": "GiftTrade"}, {"side": "None"}):
        report = filled(told | changes)
        assert report is not None
        assert report.unrecognised is not None
        assert (report.last_qty, report.last_px, report.fee, report.transact_time) == (None, None, None, None)
        assert (report.exec_id, report.order_id) == ("c0c0c0c0-0001-5000-8000-000000000001", VENUE_ID)


@pytest.mark.parametrize("changes", [{"execQty": ""}, {"execPrice": "NaN"}, {"execTime": ""}, {"execFee": "1e99"}])
def test_a_fill_that_cannot_be_counted_is_an_error_of_ours(changes: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        filled(changes)


def test_ids_are_kept_as_they_come() -> None:
    report = filled({"orderId": "18446744073709551616", "orderLinkId": ""})
    assert report is not None
    assert (report.order_id, report.cl_ord_id) == (OrderId("18446744073709551616"), None)
