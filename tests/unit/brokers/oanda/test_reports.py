"""What the log says of orders, entry by entry, and that who brought an entry changes nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.identity import OandaIdentity
from floorbroker.brokers.oanda.mapping.ledger import Ledger
from floorbroker.brokers.oanda.mapping.reports import Heard, Reader
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    ExecType,
    IntentId,
    Money,
    OrderType,
    OrdStatus,
    Side,
    TimeInForce,
    from_epoch,
)
from tests.unit.brokers.oanda.fakes import CL_ORD_ID, INTENT, NOW, OTHER_ID, entries

HEARD = Heard(source=Source.STREAM, at=NOW)


def story(name: str, heard: Heard = HEARD) -> dict[str, list[ExecutionReport]]:
    """Reports by the number of the entry that made them."""
    reader = Reader(Ledger())
    reader.currency = "USD"
    return {entry.id: list(reader.read(entry, heard)) for entry in entries(name)}


def short(reports: list[ExecutionReport]) -> list[tuple[str | None, str, OrdStatus | None, str | None, str | None]]:
    return [(r.order_id, r.exec_type.value, r.ord_status, r.replaces, r.parent_order_id) for r in reports]


def test_an_entry_with_exits_promises_them_and_says_whose_they_are() -> None:
    assert short(story("log_bracket")["11"]) == [
        ("11", "order_status", OrdStatus.NEW, None, None),
        ("11-profit", "held", OrdStatus.HELD, None, "11"),
        ("11-loss", "held", OrdStatus.HELD, None, "11"),
    ]


def test_terms_are_told_in_the_language_of_trading() -> None:
    entry, profit, loss = story("log_bracket")["11"]
    assert (entry.cl_ord_id, entry.symbol, entry.side, entry.order_type, entry.tif) == (
        CL_ORD_ID, "EUR/USD", Side.BUY, OrderType.LIMIT, TimeInForce.GTC,
    )  # fmt: skip
    assert (entry.order_qty, entry.price, entry.stop_px) == (Decimal(10), Decimal("1.10000"), None)
    assert (profit.side, profit.order_type, profit.price) == (Side.SELL, OrderType.LIMIT, Decimal("1.12000"))
    assert (loss.side, loss.order_type, loss.stop_px) == (Side.SELL, OrderType.STOP, Decimal("1.09000"))


def test_a_fill_in_part_claims_no_end_and_its_rest_goes_on_under_another_id() -> None:
    told = story("log_bracket")
    (fill,) = told["12"]
    assert (fill.exec_type, fill.ord_status, fill.exec_id) == (ExecType.TRADE, None, "12")
    assert (fill.last_qty, fill.last_px, fill.cum_qty) == (Decimal(4), Decimal("1.10000"), Decimal(4))
    assert short(told["15"])[0] == ("15", "replaced", OrdStatus.NEW, "11", None)
    assert told["15"][0].order_qty == Decimal(6)


def test_the_exits_that_are_made_take_the_place_of_the_promises() -> None:
    told = story("log_bracket")
    assert short(told["13"]) == [
        ("11-profit", "held", OrdStatus.HELD, None, "11"),  # once more, for whoever has not heard of it
        ("13", "replaced", OrdStatus.NEW, "11-profit", "11"),
    ]
    assert short(told["14"])[-1] == ("14", "replaced", OrdStatus.NEW, "11-loss", "11")
    assert (told["13"][-1].order_qty, told["13"][-1].side) == (Decimal(4), Side.SELL)


def test_an_order_that_names_no_batch_is_the_rest_of_no_fill() -> None:
    """Batches tell what belongs together: two entries without one have nothing in common."""
    reader = Reader(Ledger())
    made, fill, *_, rest = entries("log_bracket")[:5]
    for entry in (made, fill):
        reader.read(msgspec.structs.replace(entry, batch_id=None), HEARD)
    other = msgspec.structs.replace(rest, batch_id=None, reason="CLIENT_ORDER")
    assert short(list(reader.read(other, HEARD)))[0] == ("15", "order_status", OrdStatus.NEW, None, None)


def test_the_rest_of_an_order_is_known_although_an_older_fill_was_read_in_between() -> None:
    """Stream and history share one reader: without its forerunner, a change of the rest would count what filled twice."""
    reader = Reader(Ledger())
    made, fill, *exits, rest = entries("log_bracket")[:5]
    for entry in (made, fill, *exits):
        reader.read(entry, HEARD)
    reader.read(msgspec.structs.replace(fill, id="5", batch_id="4", order_id="4"), HEARD)
    assert short(list(reader.read(rest, HEARD)))[0] == ("15", "replaced", OrdStatus.NEW, "11", None)
    assert reader.ledger.filled_before("15") == Decimal(4)


def test_an_end_that_names_no_order_is_told_of_nothing_it_could_be_mistaken_for() -> None:
    reader = Reader(Ledger())
    made, fill = entries("log_bracket")[:2]
    reader.read(made, HEARD)
    for bare in (
        msgspec.structs.replace(fill, order_id=None),
        msgspec.structs.replace(fill, order_id=None, type="ORDER_CANCEL", reason="CLIENT_REQUEST"),
    ):
        (told,) = reader.read(bare, HEARD)
        assert (told.order_id, told.cl_ord_id, told.ord_status, told.unrecognised) == (
            None, CL_ORD_ID, None, f"{bare.type} {bare.id} names no order",
        )  # fmt: skip


@pytest.mark.parametrize("number", ["13", "17"])
def test_what_goes_on_for_something_unknown_is_left_to_the_log(number: str) -> None:
    """Told by the stream alone, an exit or a changed order would be taken for a new one."""
    entry = next(entry for entry in entries("log_bracket") if entry.id == number)
    assert Reader(Ledger()).read(entry, HEARD) == ()


def test_the_id_of_the_request_is_no_name_of_what_else_it_caused() -> None:
    reader = Reader(Ledger())
    for entry in entries("log_bracket")[:3]:
        (*_, last) = reader.read(msgspec.structs.replace(entry, request_id=CL_ORD_ID), HEARD)
    assert (last.order_id, last.cl_ord_id) == ("13", None)


def test_a_change_names_both_sides_and_takes_the_promises_along() -> None:
    told = story("log_bracket")
    (before,) = told["16"]
    assert (before.order_id, before.exec_type, before.replaced_by, before.ord_status) == (
        "15", ExecType.REPLACED, "17", None,
    )  # fmt: skip
    assert short(told["17"]) == [
        ("17", "replaced", OrdStatus.NEW, "15", None),
        ("17-profit", "replaced", OrdStatus.HELD, "15-profit", "17"),
        ("17-loss", "replaced", OrdStatus.HELD, "15-loss", "17"),
    ]
    assert told["17"][0].cl_ord_id == OTHER_ID


def test_an_exit_closes_its_trade_and_the_other_one_ends() -> None:
    told = story("log_bracket")
    (fill,) = told["18"]
    assert (fill.order_id, fill.ord_status, fill.side, fill.order_qty) == (
        "13",
        OrdStatus.FILLED,
        Side.SELL,
        Decimal(4),
    )
    assert fill.fee == Money(Decimal("0.0100"), "USD")
    assert short(told["19"]) == [("14", "canceled", OrdStatus.CANCELED, None, None)]


def test_the_end_of_an_entry_is_that_of_its_promises() -> None:
    assert [(r.order_id, r.ord_status) for r in story("log_bracket")["20"]] == [
        ("17", OrdStatus.CANCELED),
        ("17-profit", OrdStatus.CANCELED),
        ("17-loss", OrdStatus.CANCELED),
    ]


def test_an_exit_whose_trade_shrank_filled_as_what_was_left_of_it() -> None:
    reader = Reader(Ledger())
    for entry in entries("log_bracket")[:4]:
        reader.read(entry, HEARD)
    fill = msgspec.structs.replace(entries("log_bracket")[7], units=Decimal(-3))
    (report,) = reader.read(fill, HEARD)
    assert (report.ord_status, report.order_qty, report.cum_qty) == (OrdStatus.FILLED, Decimal(3), Decimal(3))
    assert (report.order_id, report.replaces) == ("13", "13")


def test_an_exit_closes_what_its_trade_has_by_the_newest_word() -> None:
    reader = Reader(Ledger())
    for entry in entries("log_bracket")[:4]:
        reader.read(entry, HEARD)
    profit = reader.ledger.terms("13")
    assert profit is not None
    sale = msgspec.structs.replace(
        entries("log_bracket")[7], id="21", order_id="20", units=Decimal(-1), trades_closed=None, reason="MARKET_ORDER",
        trade_reduced=wire.TradeReduced(trade_id="12", units=Decimal(-1)),
    )  # fmt: skip
    for _ in range(2):
        reader.read(sale, HEARD)
    assert reader.ledger.closing(profit) == Decimal(3)
    reader.ledger.stands("12", Decimal(2), known_at=25)
    assert reader.ledger.closing(profit) == Decimal(2)
    reader.ledger.stands("12", Decimal(4), known_at=12)
    assert reader.ledger.closing(profit) == Decimal(2)


def test_a_fill_that_only_closes_leaves_no_exits() -> None:
    reader = Reader(Ledger())
    made, fill, *_ = entries("log_bracket")
    reader.read(made, HEARD)
    reports = reader.read(msgspec.structs.replace(fill, trade_opened=None, units=Decimal(10)), HEARD)
    assert [(r.order_id, r.ord_status) for r in reports] == [
        ("11", OrdStatus.FILLED),
        ("11-profit", OrdStatus.CANCELED),
        ("11-loss", OrdStatus.CANCELED),
    ]


def test_what_could_not_fill_at_once_was_rejected_and_what_ran_out_expired() -> None:
    told = story("log_ends")
    assert (told["32"][0].ord_status, told["32"][0].text) == (OrdStatus.REJECTED, "INSUFFICIENT_MARGIN")
    assert (told["34"][0].ord_status, told["34"][0].exec_type) == (OrdStatus.EXPIRED, ExecType.EXPIRED)
    assert told["33"][0].tif is TimeInForce.DAY


def test_a_refusal_names_our_id_and_a_second_one_under_it_says_nothing() -> None:
    told = story("log_ends")
    (refused,) = told["35"]
    assert (refused.cl_ord_id, refused.order_id, refused.ord_status) == (CL_ORD_ID, None, OrdStatus.REJECTED)
    assert told["36"] == []
    assert told["37"] == []


def test_the_refusal_of_a_change_is_news_on_the_stream_alone() -> None:
    refused = msgspec.structs.replace(entries("log_ends")[4], intended_replaces_order_id="11")
    (told,) = Reader(Ledger()).read(refused, HEARD)
    assert (told.exec_type, told.order_id, told.ord_status) == (ExecType.REPLACE_REJECTED, "11", None)
    assert Reader(Ledger()).read(refused, Heard(source=Source.HISTORY, at=NOW)) == ()


def test_a_canceled_rest_of_an_order_that_filled_in_part_is_canceled() -> None:
    reader = Reader(Ledger())
    made, fill, *_ = entries("log_bracket")
    reader.read(made, HEARD)
    reader.read(msgspec.structs.replace(fill, batch_id="11"), HEARD)
    rest = wire.Transaction(id="13", type="ORDER_CANCEL", batch_id="11", order_id="11", reason="INSUFFICIENT_LIQUIDITY")
    assert [r.ord_status for r in reader.read(rest, HEARD)] == [OrdStatus.CANCELED]


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"type": "ICEBERG_ORDER"}, "type ICEBERG"), ({"time_in_force": "GTX"}, "timeInForce GTX")],
)
def test_a_strange_word_claims_no_status(changes: dict[str, str], told: str) -> None:
    report = Reader(Ledger()).read(msgspec.structs.replace(entries("log_bracket")[0], **changes), HEARD)[0]
    assert (report.unrecognised, report.ord_status) == (told, None)


def test_a_fill_without_a_number_is_no_fill() -> None:
    with pytest.raises(ApiError):
        Reader(Ledger()).read(msgspec.structs.replace(entries("log_bracket")[1], units=None), HEARD)


def test_learning_the_log_twice_changes_nothing() -> None:
    reader = Reader(Ledger())
    first = [reader.read(entry, HEARD) for entry in entries("log_bracket")]
    again = [reader.read(entry, HEARD) for entry in entries("log_bracket")]
    assert [[replace(r, order_qty=None) for r in told] for told in first] == [
        [replace(r, order_qty=None) for r in told] for told in again
    ]
    assert reader.ledger.filled_before("17") == Decimal(4)


def test_an_id_tells_its_intent_and_when_that_was_decided() -> None:
    identity = OandaIdentity()
    assert identity.encode(INTENT) == CL_ORD_ID
    assert identity.decode(CL_ORD_ID) == INTENT
    assert identity.decided_at(CL_ORD_ID) == from_epoch(ms=0x0195570E6A80)
    assert [identity.decode(text) for text in ("my-1", INTENT, f"fb-{INTENT.upper()}", "fb-")] == [None] * 4
    with pytest.raises(ValueError, match="UUID"):
        identity.encode(IntentId("11"))
