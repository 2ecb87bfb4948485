"""What the venue says about orders, as reports: in answers, and on the stream."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.mapping.executions import Ledger, execution_report
from floorbroker.brokers.kraken.mapping.reports import Heard, accepted_report, order_report, trade_report
from floorbroker.brokers.kraken.mapping.symbols import Symbols
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    ExecId,
    ExecType,
    Money,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    Side,
    TimeInForce,
)
from tests.unit.brokers.kraken.fakes import CL_ORD_ID, NOW, STREAM_ID, VENUE_ID, parsed

HEARD = Heard(source=Source.QUERY, at=NOW, asked_at=NOW)
SYMBOLS = Symbols()
D = Decimal


def order(name: str = VENUE_ID, payload: str = "open_orders", **changes: Any) -> wire.Order:
    listed = parsed(payload)["result"]
    found = (listed.get("open") or listed.get("closed"))[name]
    return msgspec.json.decode(msgspec.json.encode(found | changes), type=wire.Order)


def report(given: wire.Order, order_id: str = VENUE_ID) -> ExecutionReport:
    return order_report(order_id, given, HEARD, SYMBOLS)


def test_an_open_order_with_fills_says_all_its_terms() -> None:
    found = report(order())
    assert found == ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=Source.QUERY,
        at=NOW,
        asked_at=NOW,
        ord_status=OrdStatus.PARTIALLY_FILLED,
        cl_ord_id=CL_ORD_ID,
        order_id=VENUE_ID,
        symbol="BTC/USD",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        tif=TimeInForce.GTC,
        order_qty=Quantity(D("0.01000000")),
        price=Price(D("64000.1")),
        cum_qty=Quantity(D("0.00250000")),
        avg_px=D("64000.0"),
        transact_time=datetime(2026, 3, 2, 15, 4, 10, 123400, tzinfo=UTC),
        made_at=datetime(2026, 3, 2, 15, 4, 10, 123400, tzinfo=UTC),
    )


def test_a_triggered_order_has_its_trigger_and_its_limit() -> None:
    found = report(order("OB5VMB-B4U2U-DK2WRW"), "OB5VMB-B4U2U-DK2WRW")
    assert (found.symbol, found.side, found.order_type) == ("ETH/EUR", Side.SELL, OrderType.STOP_LIMIT)
    assert (found.stop_px, found.price, found.tif) == (D("2500.00"), D("2490.00"), TimeInForce.GTD)
    assert (found.ord_status, found.avg_px) == (OrdStatus.NEW, None)


def test_an_order_sized_by_money_has_no_quantity() -> None:
    found = report(order("OMMDB2-FSB6Z-7W3HPO", "closed_orders"))
    assert (found.order_qty, found.notional, found.cum_qty) == (None, D("100.00000000"), D("0.00156250"))
    assert (found.ord_status, found.order_type, found.cl_ord_id) == (OrdStatus.FILLED, OrderType.MARKET, None)


def test_a_canceled_order_says_why_and_keeps_its_fills() -> None:
    found = report(order("OE61KV-QF3XR-EZQWV5", "closed_orders"))
    assert (found.ord_status, found.text, found.cum_qty) == (OrdStatus.CANCELED, "User requested", D("0.00250000"))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "pending", "vol_exec": "0"}, OrdStatus.PENDING_NEW),
        ({"status": "open", "vol_exec": "0"}, OrdStatus.NEW),
        ({"status": "open", "vol_exec": None}, OrdStatus.NEW),
        ({"status": "closed", "vol_exec": "0.01"}, OrdStatus.FILLED),
        ({"status": "closed", "vol_exec": "0.004"}, OrdStatus.CANCELED),  # what is left of an immediate order
        ({"status": "expired"}, OrdStatus.EXPIRED),
    ],
)
def test_a_status_is_read_with_what_was_filled(changes: dict[str, Any], status: OrdStatus) -> None:
    assert report(order(**changes)).ord_status is status


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"status": "frozen"}, "status frozen"),
        ({"timeinforce": "NEVER"}, "timeinforce NEVER"),
        ({"descr": {"pair": "XBTUSD", "type": "short", "ordertype": "limit", "price": "1"}}, "type short"),
        ({"descr": {"pair": "XBTUSD", "type": "buy", "ordertype": "settle-position"}}, "ordertype settle-position"),
    ],
)
def test_a_word_that_nobody_knows_is_kept_and_no_status_is_guessed(changes: dict[str, Any], word: str) -> None:
    found = report(order(**changes))
    assert (found.unrecognised, found.ord_status) == (word, None)


def test_a_trailing_offset_is_no_price() -> None:
    descr = {"pair": "XBTUSD", "type": "sell", "ordertype": "trailing-stop", "price": "+2.0000%", "price2": "0"}
    found = report(order(descr=descr))
    assert (found.order_type, found.stop_px, found.price) == (OrderType.TRAILING_STOP, None, None)
    assert (found.trail_amount, found.trail_percent) == (None, D("2.0000"))
    with pytest.raises(ApiError):
        report(order(descr=descr | {"price": "+x%"}))


@pytest.mark.parametrize("changes", [{"vol": "NaN"}, {"vol_exec": "1e400"}, {"price": "Infinity"}])
def test_a_number_that_is_none_is_our_error(changes: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        report(order(**changes))


def test_a_trade_of_the_history_is_the_execution_of_the_stream() -> None:
    listed = parsed("trades")["result"]["trades"]
    trade = msgspec.convert(listed["TCCCTY-WE2O6-P3NB37"], wire.Trade, strict=False)
    found = trade_report("TCCCTY-WE2O6-P3NB37", trade, HEARD, SYMBOLS)
    assert (found.exec_type, found.exec_id, found.order_id) == (ExecType.TRADE, "TCCCTY-WE2O6-P3NB37", VENUE_ID)
    assert (found.symbol, found.side, found.last_qty, found.last_px) == ("BTC/USD", Side.BUY, D("0.0025"), D("64000.0"))
    assert (found.fee, found.cum_qty) == (Money(D("0.416"), "USD"), None)


def test_the_reply_to_a_new_order_says_that_it_is_there_and_no_more() -> None:
    found = accepted_report("O1", CL_ORD_ID, symbol="BTC/USD", at=NOW)
    assert (found.ord_status, found.order_id, found.cl_ord_id) == (OrdStatus.PENDING_NEW, "O1", CL_ORD_ID)


# -- the stream -----------------------------------------------------------------------------------------------------------


def event(name: str, at: int = 0) -> wire.Execution:
    return msgspec.json.decode(msgspec.json.encode(parsed(name)["data"][at]), type=wire.Execution)


def test_a_life_told_in_pieces_is_whole_in_every_report() -> None:
    ledger = Ledger()
    told = [
        execution_report(ledger.whole(event(f"execution_{name}")), NOW)
        for name in ("pending", "new", "trade", "filled")
    ]
    assert [found.ord_status for found in told] == [
        OrdStatus.PENDING_NEW, OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED, OrdStatus.FILLED,
    ]  # fmt: skip
    assert {(found.order_id, found.cl_ord_id, found.symbol, found.side, found.order_type) for found in told} == {
        (STREAM_ID, CL_ORD_ID, "BTC/USD", Side.BUY, OrderType.LIMIT)
    }
    assert {(found.order_qty, found.price, found.tif) for found in told} == {
        (D("0.005"), D("64000.0"), TimeInForce.GTC)
    }


def test_a_quantity_is_counted_from_trades_alone() -> None:
    ledger = Ledger()
    ledger.whole(event("execution_pending"))
    trade = execution_report(ledger.whole(event("execution_trade")), NOW)
    done = execution_report(ledger.whole(event("execution_filled")), NOW)
    assert (trade.exec_type, trade.exec_id, trade.last_qty, trade.last_px) == (
        ExecType.TRADE, ExecId("TM3TAI-4T6SR-FDQRN3"), D("0.002"), D("64000.0"),
    )  # fmt: skip
    assert trade.fee == Money(D("0.2048"), "USD")
    assert (done.exec_type, done.last_qty, done.exec_id, done.cum_qty) == (
        ExecType.ORDER_STATUS,
        None,
        None,
        D("0.005"),
    )


def test_a_cancel_says_why() -> None:
    ledger = Ledger()
    ledger.whole(event("execution_pending"))
    found = execution_report(ledger.whole(event("execution_canceled")), NOW)
    assert (found.exec_type, found.ord_status, found.text) == (ExecType.CANCELED, OrdStatus.CANCELED, "User requested")
    assert not ledger.knows(STREAM_ID)


def test_an_amended_order_goes_on_under_its_id_with_new_terms() -> None:
    ledger = Ledger()
    ledger.whole(event("execution_pending"))
    found = execution_report(ledger.whole(event("execution_amended")), NOW)
    assert (found.exec_type, found.order_id, found.replaces) == (ExecType.REPLACED, STREAM_ID, STREAM_ID)
    assert (found.price, found.order_qty) == (D("63900.0"), D("0.005"))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"exec_type": "evaporated"}, "exec_type evaporated"),
        ({"order_status": "sleeping"}, "order_status sleeping"),
        ({"side": "long"}, "side long"),
        ({"order_type": "settle-position"}, "order_type settle-position"),
        ({"time_in_force": "AON"}, "time_in_force AON"),
    ],
)
def test_a_word_of_the_stream_that_nobody_knows_is_kept(changes: dict[str, Any], word: str) -> None:
    odd = msgspec.structs.replace(event("execution_pending"), **changes)
    found = execution_report(odd, NOW)
    assert (found.unrecognised, found.ord_status, found.replaces) == (word, None, None)


def test_an_event_of_an_order_nobody_told_of_says_what_it_can() -> None:
    found = execution_report(Ledger().whole(event("execution_new")), NOW)
    assert (found.order_id, found.ord_status, found.symbol, found.order_type) == (STREAM_ID, OrdStatus.NEW, "", None)


def test_what_is_remembered_is_bounded() -> None:
    ledger = Ledger()
    for number in range(20_001):
        ledger.whole(wire.Execution(order_id=str(number), exec_type="new", order_status="new"))
    assert not ledger.knows("0")
    assert ledger.knows("20000")
