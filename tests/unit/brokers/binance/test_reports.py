"""What the venue says about orders, as reports: payload by payload, then word by word."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping.families import Seen
from floorbroker.brokers.binance.mapping.reports import EXEC_TYPES, STATUSES
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ExecType, Money, OrderClass, OrderType, OrdStatus, Side, TimeInForce
from tests.unit.brokers.binance.fakes import CL_ORD_ID, HEARD, HEX, NEXT, VENUE_ID, parsed, payload, reader


def order(name: str, **changes: Any) -> wire.Order:
    return wire.decode(msgspec.json.encode(parsed(name) | changes), wire.Order, what="x")


def event(name: str, **changes: Any) -> wire.ExecutionEvent:
    return wire.decode(msgspec.json.encode(parsed(name)["event"] | changes), wire.ExecutionEvent, what="x")


def told(name: str, **changes: Any) -> ExecutionReport:
    return reader().event(event(name, **changes), HEARD)


def test_an_order_that_was_asked_for() -> None:
    report = reader().order(order("order"), HEARD)
    assert (report.exec_type, report.ord_status) == (ExecType.ORDER_STATUS, OrdStatus.PARTIALLY_FILLED)
    assert (report.cl_ord_id, report.order_id, report.symbol) == (CL_ORD_ID, VENUE_ID, "BTC/USDT")
    assert (report.side, report.order_type, report.tif) == (Side.BUY, OrderType.LIMIT, TimeInForce.GTC)
    assert (report.order_qty, report.cum_qty, report.avg_px) == (Decimal("0.02"), Decimal("0.01"), Decimal(64000))
    assert (report.price, report.stop_px, report.notional) == (Decimal(64000), None, None)
    assert report.transact_time == datetime(2026, 3, 2, 15, 4, 10, 900_000, tzinfo=UTC)
    assert (report.source, report.asked_at) == (HEARD.source, HEARD.asked_at)


def test_a_placement_that_filled_at_once_tells_its_fills_behind_where_it_stands() -> None:
    standing, first, second = reader().placed(order("placed_market"), HEARD)
    assert (standing.ord_status, standing.cum_qty) == (OrdStatus.FILLED, Decimal("0.03"))
    assert (first.exec_type, first.exec_id, first.last_qty, first.last_px) == (
        ExecType.TRADE, "BTCUSDT:56", Decimal("0.01"), Decimal(64000),
    )  # fmt: skip
    assert first.fee == Money(Decimal("0.00001"), "BTC")
    assert (second.exec_id, second.order_id, second.cl_ord_id) == ("BTCUSDT:57", VENUE_ID, CL_ORD_ID)
    assert [report.cum_qty for report in (first, second)] == [None, None]


def test_of_a_cancel_the_original_id_is_the_orders_own() -> None:
    report = reader().order(order("cancelled"), HEARD)
    assert (report.cl_ord_id, report.ord_status) == (CL_ORD_ID, OrdStatus.CANCELED)


def test_money_sized_orders_have_no_quantity_that_was_asked_for() -> None:
    report = reader().order(order("placed_market", origQuoteOrderQty="2000.00"), HEARD)
    assert (report.order_qty, report.notional) == (None, Decimal(2000))


def test_money_the_venue_does_not_know_any_more_gives_no_average() -> None:
    assert reader().order(order("order", cummulativeQuoteQty="-1.0"), HEARD).avg_px is None


def test_an_amendment_keeps_the_order_and_gives_it_the_new_id() -> None:
    amendment = wire.decode(payload("amended"), wire.Amendment, what="x")
    report = reader().amended(amendment, HEARD)
    assert (report.exec_type, report.order_id, report.replaces) == (ExecType.REPLACED, VENUE_ID, VENUE_ID)
    assert (report.cl_ord_id, report.order_qty, report.cum_qty) == (NEXT, Decimal("0.015"), Decimal("0.01"))
    assert report.ord_status is OrdStatus.PARTIALLY_FILLED


def test_an_order_that_replaced_another_names_it() -> None:
    new = wire.decode(payload("replaced"), wire.CancelReplace, what="x").new_order_response
    report = reader().order(wire.decode(new, wire.Order, what="x"), HEARD)
    assert (report.order_id, report.replaces) == ("BTCUSDT:29", VENUE_ID)


def test_trades_from_the_list_of_them() -> None:
    bought, sold = (
        reader().trade(trade, HEARD) for trade in wire.decode(payload("trades"), list[wire.Trade], what="x")
    )
    assert (bought.exec_type, bought.exec_id, bought.order_id) == (ExecType.TRADE, "BTCUSDT:56", VENUE_ID)
    assert (bought.side, bought.fee) == (Side.BUY, Money(Decimal("0.00001"), "BTC"))
    assert (sold.side, sold.last_px, sold.fee) == (Side.SELL, Decimal(64100), Money(Decimal("0.3205"), "USDT"))


# -- lists --------------------------------------------------------------------------------------------------------------


def test_the_legs_of_a_list_name_their_head() -> None:
    read = reader()
    listed = wire.decode(payload("list_otoco"), wire.OrderList, what="x").order_reports or []
    head, above, below = (read.order(one, HEARD) for one in listed)
    assert (head.order_id, head.parent_order_id, head.order_class) == ("BTCUSDT:20", None, OrderClass.SIMPLE)
    assert {above.parent_order_id, below.parent_order_id} == {"BTCUSDT:20"}
    assert (above.order_class, above.ord_status, above.order_type) == (
        OrderClass.BRACKET, OrdStatus.HELD, OrderType.LIMIT,
    )  # fmt: skip
    assert (below.order_type, below.stop_px) == (OrderType.STOP, Decimal(60000))


# -- the private stream -------------------------------------------------------------------------------------------------


def test_a_new_order_on_the_stream() -> None:
    report = told("event_new")
    assert (report.exec_type, report.ord_status, report.order_id) == (ExecType.NEW, OrdStatus.NEW, VENUE_ID)
    assert (report.cl_ord_id, report.cum_qty, report.fee) == (CL_ORD_ID, Decimal(0), None)


def test_a_fill_on_the_stream() -> None:
    report = told("event_trade")
    assert (report.exec_type, report.ord_status) == (ExecType.TRADE, OrdStatus.PARTIALLY_FILLED)
    assert (report.last_qty, report.last_px, report.exec_id) == (Decimal("0.01"), Decimal("64000.1"), "BTCUSDT:56")
    assert (report.fee, report.avg_px) == (Money(Decimal("0.00001"), "BTC"), Decimal("64000.1"))
    assert report.transact_time == datetime(2026, 3, 2, 15, 4, 10, 459_000, tzinfo=UTC)


def test_a_cancel_on_the_stream_is_about_the_order_and_not_about_itself() -> None:
    report = told("event_cancelled")
    assert (report.exec_type, report.cl_ord_id, report.cum_qty) == (ExecType.CANCELED, CL_ORD_ID, Decimal("0.01"))


def test_an_amendment_on_the_stream_is_told_under_its_new_id() -> None:
    report = told("event_new", x="REPLACED", c=NEXT, C=CL_ORD_ID, q="0.015")
    assert (report.exec_type, report.cl_ord_id) == (ExecType.REPLACED, NEXT)
    assert (report.replaces, report.order_qty) == (VENUE_ID, Decimal("0.015"))


def test_the_old_order_of_a_replace_is_told_as_replaced_once_the_new_one_is_known() -> None:
    changes = {"c": f"{NEXT.replace('-', '')}-x", "C": CL_ORD_ID}
    read = reader()
    before = read.event(event("event_cancelled", **changes), HEARD)
    assert (before.ord_status, before.replaced_by) == (OrdStatus.PENDING_REPLACE, None)
    read.families.learn([Seen("BTCUSDT", 29, NEXT)])
    after = read.event(event("event_cancelled", **changes), HEARD)
    assert (after.exec_type, after.replaced_by, after.cl_ord_id) == (ExecType.REPLACED, "BTCUSDT:29", CL_ORD_ID)


def test_a_leg_on_the_stream_is_held_until_its_entry_is_filled() -> None:
    report = told("event_leg")
    assert (report.exec_type, report.ord_status, report.order_class) == (
        ExecType.HELD, OrdStatus.HELD, OrderClass.BRACKET,
    )  # fmt: skip
    assert (report.cl_ord_id, report.parent_order_id) == (f"{HEX}-a", None)


@pytest.mark.parametrize(
    ("changes", "exec_type", "status", "text"),
    [
        (
            {"x": "REJECTED", "X": "REJECTED", "r": "INSUFFICIENT_BALANCES"},
            ExecType.REJECTED, OrdStatus.REJECTED, "INSUFFICIENT_BALANCES",
        ),
        (
            {"x": "EXPIRED", "X": "EXPIRED", "eR": "UNFILLED_IOC_QUANTITY_EXPIRED"},
            ExecType.EXPIRED, OrdStatus.EXPIRED, "UNFILLED_IOC_QUANTITY_EXPIRED",
        ),
        ({"x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH"}, ExecType.ORDER_STATUS, OrdStatus.EXPIRED, None),
        ({"x": "NEW", "X": "NEW", "o": "STOP_LOSS", "d": 150}, ExecType.NEW, OrdStatus.NEW, None),
        ({"x": "NEW", "X": "NEW", "o": "STOP_LOSS_LIMIT", "P": "63000", "w": True}, ExecType.NEW, OrdStatus.NEW, None),
    ],
    ids=["rejected", "expired", "prevented", "trailing", "triggered"],
)  # fmt: skip
def test_every_way_an_order_goes(
    changes: dict[str, Any], exec_type: ExecType, status: OrdStatus, text: str | None
) -> None:
    report = told("event_new", **changes)
    assert (report.exec_type, report.ord_status, report.text) == (exec_type, status, text)


def test_a_trailing_stop_is_recognised_by_its_delta() -> None:
    report = told("event_new", o="STOP_LOSS", d=150)
    assert (report.order_type, report.trail_percent) == (OrderType.TRAILING_STOP, Decimal("1.50"))


def test_a_rejection_without_an_order_number_names_no_order() -> None:
    report = told("event_new", x="REJECTED", X="REJECTED", i=-1)
    assert (report.order_id, report.cl_ord_id) == (None, CL_ORD_ID)


@pytest.mark.parametrize(
    "changes",
    [{"X": "TOMORROW"}, {"x": "TOMORROW"}, {"o": "TOMORROW"}, {"S": "HOLD"}, {"f": "GTX"}],
    ids=["status", "execution", "type", "side", "tif"],
)
def test_a_word_nobody_knows_is_kept_and_nothing_is_guessed(changes: dict[str, str]) -> None:
    report = told("event_trade", **changes)
    assert report.unrecognised is not None
    assert next(iter(changes.values())) in report.unrecognised
    assert (report.ord_status, report.exec_type, report.last_qty) == (None, ExecType.ORDER_STATUS, None)


@pytest.mark.parametrize("name", ["status", "side", "type", "timeInForce"])
def test_a_word_nobody_knows_in_an_answer_is_kept_as_well(name: str) -> None:
    report = reader().order(order("order", **{name: "TOMORROW"}), HEARD)
    assert (report.ord_status, report.unrecognised) == (None, f"{name} TOMORROW")


@pytest.mark.parametrize("monster", ["NaN", "Infinity", "1e400", "sNaN"])
def test_a_number_of_no_use_is_an_error_and_no_report(monster: str) -> None:
    with pytest.raises(ApiError):
        told("event_trade", l=monster)
    with pytest.raises(ApiError):
        reader().order(order("order", executedQty=monster), HEARD)


def test_every_documented_word_has_its_row() -> None:
    documented = "NEW PENDING_NEW PARTIALLY_FILLED FILLED CANCELED PENDING_CANCEL REJECTED EXPIRED EXPIRED_IN_MATCH"
    assert set(STATUSES) == set(documented.split())
    assert set(EXEC_TYPES) == {"NEW", "CANCELED", "REPLACED", "REJECTED", "TRADE", "EXPIRED", "TRADE_PREVENTION"}


def test_what_is_heard_says_where_from() -> None:
    assert told("event_new").source is HEARD.source is Source.QUERY
