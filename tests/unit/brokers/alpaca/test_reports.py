"""Wire messages about orders, and the reports they make."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.mapping.reports import (
    EVENTS,
    STATUSES,
    Heard,
    activity_report,
    fill_report,
    order_reports,
    trade_details,
    update_reports,
)
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ExecType, Money, OrderClass, OrderType, OrdStatus, Side, TimeInForce
from tests.unit.brokers.alpaca.fakes import CL_ORD_ID, NOW, VENUE_ID, parsed, payload

SNAPSHOT = Heard(source=Source.SNAPSHOT, at=NOW, asked_at=NOW)
STREAM = Heard(source=Source.STREAM, at=NOW)


def order(name: str = "order_pending_new", **changes: object) -> wire.Order:
    return wire.decode(_json(parsed(name) | changes), wire.Order, what="an order")


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def update(event: str, **changes: object) -> wire.TradeUpdate:
    data = parsed("update_partial_fill")["data"]
    data = data | {"event": event} | {k: v for k, v in changes.items() if k != "order"}
    data["order"] = data["order"] | dict(changes.get("order", {}))  # type: ignore[call-overload]
    return wire.decode(_json(data), wire.TradeUpdate, what="an update")


def test_an_order_says_everything_it_knows() -> None:
    (report,) = order_reports(order(), SNAPSHOT)
    assert report == ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=Source.SNAPSHOT,
        at=NOW,
        asked_at=NOW,
        ord_status=OrdStatus.PENDING_NEW,
        cl_ord_id=CL_ORD_ID,
        order_id=VENUE_ID,
        symbol="AAPL",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        order_class=OrderClass.SIMPLE,
        tif=TimeInForce.DAY,
        order_qty=Decimal(3),  # type: ignore[arg-type]
        price=Decimal("150.5"),  # type: ignore[arg-type]
        cum_qty=Decimal(0),  # type: ignore[arg-type]
        transact_time=datetime(2026, 3, 2, 15, 4, 5, 130212, tzinfo=UTC),
        made_at=datetime(2026, 3, 2, 15, 4, 5, 123456, tzinfo=UTC),
    )


@dataclass(frozen=True)
class Row:
    status: str
    filled: str
    expected: OrdStatus | None


@pytest.mark.parametrize(
    "row",
    [
        Row("accepted", "0", OrdStatus.PENDING_NEW),
        Row("pending_new", "0", OrdStatus.PENDING_NEW),
        Row("accepted_for_bidding", "0", OrdStatus.PENDING_NEW),
        Row("held", "0", OrdStatus.HELD),
        Row("new", "0", OrdStatus.NEW),
        Row("partially_filled", "1", OrdStatus.PARTIALLY_FILLED),
        Row("stopped", "0", OrdStatus.NEW),
        Row("stopped", "1", OrdStatus.PARTIALLY_FILLED),
        Row("suspended", "0", OrdStatus.NEW),
        Row("done_for_day", "1", OrdStatus.PARTIALLY_FILLED),
        Row("calculated", "1", OrdStatus.PARTIALLY_FILLED),
        Row("calculated", "3", OrdStatus.FILLED),
        Row("pending_cancel", "1", OrdStatus.PENDING_CANCEL),
        Row("pending_replace", "0", OrdStatus.PENDING_REPLACE),
        Row("filled", "3", OrdStatus.FILLED),
        Row("canceled", "1", OrdStatus.CANCELED),
        Row("expired", "0", OrdStatus.EXPIRED),
        Row("rejected", "0", OrdStatus.REJECTED),
        Row("replaced", "0", None),
    ],
    ids=lambda row: f"{row.status}-{row.filled}",
)
def test_each_documented_status_has_its_place(row: Row) -> None:
    (report,) = order_reports(order(status=row.status, filled_qty=row.filled), SNAPSHOT)
    assert (report.ord_status, report.unrecognised) == (row.expected, None)


def test_every_status_of_the_specification_is_in_the_table() -> None:
    documented = {
        *("new", "partially_filled", "filled", "done_for_day", "canceled", "expired", "replaced", "pending_cancel"),
        *("pending_replace", "accepted", "pending_new", "accepted_for_bidding", "stopped", "rejected", "suspended"),
        *("calculated", "held"),
    }
    assert documented <= {*STATUSES, "replaced"}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("status", "teleported"),
        ("side", "sell_short"),
        ("type", "pegged"),
        ("time_in_force", "gtx"),
        ("order_class", "trio"),
    ],
)
def test_an_unknown_word_is_kept_and_no_status_is_guessed(member: str, value: str) -> None:
    (report,) = order_reports(order(**{member: value}), SNAPSHOT)
    assert report.unrecognised == f"{member} {value}"
    assert report.ord_status is None


def test_the_children_of_a_bracket_name_their_parent() -> None:
    head, profit, stop = order_reports(order("order_bracket"), SNAPSHOT)
    assert (head.order_class, head.parent_order_id) == (OrderClass.BRACKET, None)
    assert [child.parent_order_id for child in (profit, stop)] == [VENUE_ID, VENUE_ID]
    assert (profit.ord_status, profit.price, profit.side) == (OrdStatus.HELD, Decimal(160), Side.SELL)
    assert (stop.order_type, stop.stop_px, stop.price) == (OrderType.STOP_LIMIT, Decimal(145), Decimal("144.5"))


def test_the_legs_of_an_mleg_have_our_symbols_and_the_type_of_their_head() -> None:
    head, bought, sold = order_reports(order("order_mleg"), SNAPSHOT)
    assert (head.symbol, head.side, head.cum_qty, head.unrecognised) == ("", Side.BUY, Decimal(1), None)
    assert (bought.symbol, bought.side, bought.order_type) == ("AAPL  260320C00150000", Side.BUY, OrderType.LIMIT)
    assert (sold.symbol, sold.side, sold.cum_qty, sold.parent_order_id) == (
        "AAPL  260320C00160000",
        Side.SELL,
        Decimal(1),
        VENUE_ID,
    )


def test_a_notional_order_of_a_coin_keeps_all_its_decimals() -> None:
    (report,) = order_reports(order("order_notional_coin"), SNAPSHOT)
    assert (report.symbol, report.notional, report.order_qty) == ("BTC/USD", Decimal("25.5"), None)
    assert (report.ord_status, report.cum_qty) == (OrdStatus.CANCELED, Decimal("0.000123456"))


def test_a_trailing_stop_tells_its_trail_and_where_its_stop_is() -> None:
    (report,) = order_reports(order("order_trailing"), SNAPSHOT)
    assert (report.order_type, report.trail_percent) == (OrderType.TRAILING_STOP, Decimal("1.5"))
    assert report.stop_px == Decimal("149.72")


def test_a_replaced_order_points_to_its_follower_and_has_no_terminal_word() -> None:
    (report,) = order_reports(order("order_replaced"), SNAPSHOT)
    assert (report.exec_type, report.ord_status) == (ExecType.REPLACED, None)
    assert report.replaced_by == "5b2f9a0e-0c6e-4a55-9f43-0d3a6f1b7c12"


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "1e400", "9" * 60])
@pytest.mark.parametrize("changes", [{}, {"status": "new"}, {"status": "calculated"}])
@pytest.mark.parametrize("member", ["qty", "filled_qty"])
def test_a_monstrous_number_is_an_error_of_ours(member: str, changes: dict[str, str], value: str) -> None:
    with pytest.raises(ApiError):
        order_reports(order(**{"filled_qty": "1"} | changes | {member: value}), SNAPSHOT)


def test_an_unreadable_time_does_not_hide_the_order() -> None:
    (report,) = order_reports(order(updated_at="yesterday"), SNAPSHOT)
    assert report.transact_time == datetime(2026, 3, 2, 15, 4, 5, 123456, tzinfo=UTC)


# -- the private stream -------------------------------------------------------------------------------------------------


def test_a_partial_fill_is_one_trade_with_its_execution_id() -> None:
    message = wire.decode(payload("update_partial_fill"), wire.StreamMessage, what="a message")
    (report,) = update_reports(wire.decode(message.data, wire.TradeUpdate, what="an update"), STREAM)
    assert (report.exec_type, report.last_qty, report.last_px) == (ExecType.TRADE, Decimal(1), Decimal("150.5"))
    assert (report.exec_id, report.cum_qty) == ("6f1c2d3e-1111-4222-8333-444455556666", Decimal(1))
    assert report.transact_time == datetime(2026, 3, 2, 15, 4, 6, 200000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "status", "expected"),
    [
        ("accepted", "accepted", ExecType.PENDING_NEW),
        ("pending_new", "pending_new", ExecType.PENDING_NEW),
        ("new", "new", ExecType.NEW),
        ("partial_fill", "partially_filled", ExecType.TRADE),
        ("fill", "filled", ExecType.TRADE),
        ("canceled", "canceled", ExecType.CANCELED),
        ("expired", "expired", ExecType.EXPIRED),
        ("done_for_day", "done_for_day", ExecType.DONE_FOR_DAY),
        ("replaced", "replaced", ExecType.REPLACED),
        ("rejected", "rejected", ExecType.REJECTED),
        ("pending_cancel", "pending_cancel", ExecType.PENDING_CANCEL),
        ("pending_replace", "pending_replace", ExecType.PENDING_REPLACE),
        ("order_cancel_rejected", "new", ExecType.CANCEL_REJECTED),
        ("order_replace_rejected", "new", ExecType.REPLACE_REJECTED),
        ("stopped", "stopped", ExecType.ORDER_STATUS),
        ("suspended", "suspended", ExecType.ORDER_STATUS),
        ("calculated", "calculated", ExecType.ORDER_STATUS),
        ("restated", "new", ExecType.ORDER_STATUS),
    ],
)
def test_each_documented_event_has_its_exec_type(event: str, status: str, expected: ExecType) -> None:
    report = update_reports(update(event, order={"status": status}), STREAM)[0]
    assert (report.exec_type, report.unrecognised) == (expected, None)
    assert event in EVENTS


def test_an_unknown_event_is_kept_and_no_status_is_guessed() -> None:
    (report,) = update_reports(update("abducted"), STREAM)
    assert (report.unrecognised, report.ord_status) == ("event abducted", None)


def test_a_fill_without_price_keeps_its_total_so_that_executions_are_fetched() -> None:
    (report,) = update_reports(update("fill", price=None), STREAM)
    assert (report.exec_type, report.last_px, report.cum_qty) == (ExecType.TRADE, None, Decimal(1))


def test_a_fill_without_an_execution_id_is_told_apart_by_its_total() -> None:
    first = update_reports(update("partial_fill", execution_id=None), STREAM)[0]
    second = update_reports(update("fill", execution_id=None, order={"filled_qty": "3"}), STREAM)[0]
    assert first.exec_id == f"{VENUE_ID}@1"
    assert first.exec_id != second.exec_id


def test_a_child_heard_of_by_itself_names_the_parent_we_know() -> None:
    (report,) = update_reports(update("new"), STREAM, parent="the-parent")
    assert report.parent_order_id == "the-parent"


# -- history and activity events ----------------------------------------------------------------------------------------


def test_history_and_stream_tell_one_execution_under_one_id() -> None:
    first = wire.decode(payload("fills"), list[wire.Fill], what="fills")[0]
    listed = fill_report(first, Heard(source=Source.HISTORY, at=NOW, asked_at=NOW))
    streamed = update_reports(update("partial_fill"), STREAM)[0]
    assert (listed.exec_id, listed.last_qty, listed.last_px) == (streamed.exec_id, streamed.last_qty, streamed.last_px)
    assert (listed.exec_type, listed.order_id) == (ExecType.TRADE, VENUE_ID)


def test_a_fill_of_an_unknown_type_is_kept_and_not_counted() -> None:
    odd = wire.decode(_json(parsed("fills")[0] | {"type": "phantom"}), wire.Fill, what="a fill")
    report = fill_report(odd, STREAM)
    assert (report.exec_type, report.unrecognised) == (ExecType.ORDER_STATUS, "activity phantom buy")


def activity(name: str, **details: object) -> ExecutionReport:
    data = parsed(name)
    data["details"] = data["details"] | details
    event = wire.decode(_json(data), wire.ActivityEvent, what="an event")
    found = trade_details(event)
    assert found is not None
    return activity_report(event, found, STREAM)


def test_a_trade_event_is_the_same_execution_and_tells_its_commission() -> None:
    report = activity("event_fill", commission="0.35")
    assert (report.exec_type, report.exec_id) == (ExecType.TRADE, "6f1c2d3e-1111-4222-8333-444455556666")
    assert (report.exec_ref_id, report.exec_version) == (None, 0)
    assert report.fee == Money(Decimal("0.35"), "USD")


def test_a_correction_names_the_execution_it_corrects() -> None:
    report = activity("event_correct")
    assert (report.exec_type, report.last_px) == (ExecType.TRADE_CORRECT, Decimal("150.25"))
    assert report.exec_ref_id == "6f1c2d3e-1111-4222-8333-444455556666"
    assert report.exec_version > 0


def test_a_bust_names_the_execution_it_takes_back() -> None:
    report = activity("event_bust")
    assert report.exec_type is ExecType.TRADE_CANCEL
    assert report.exec_ref_id == "6f1c2d3e-1111-4222-8333-44445555aaaa"


def test_a_bust_of_nothing_is_kept_and_not_acted_on() -> None:
    data = parsed("event_bust") | {"previous_id": None}
    event = wire.decode(_json(data), wire.ActivityEvent, what="an event")
    details = trade_details(event)
    assert details is not None
    assert activity_report(event, details, STREAM).unrecognised == "trade_bust that names no execution"


def test_a_dividend_is_no_trade() -> None:
    assert trade_details(wire.decode(payload("event_dividend"), wire.ActivityEvent, what="an event")) is None
