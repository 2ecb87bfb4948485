"""What the venue says of orders and executions, as execution reports."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.mapping.identity import UpstoxIdentity
from floorbroker.brokers.upstox.mapping.reports import (
    STATUSES,
    Heard,
    gone_report,
    is_ended,
    order_report,
    refusal_report,
    trade_report,
)
from floorbroker.brokers.upstox.rest.reads import is_over
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ExecType, IntentId, OrderType, OrdStatus, Side, TimeInForce
from floorbroker.oms.candidates import candidates
from tests.unit.brokers.upstox.fakes import (
    CL_ORD_ID,
    INTENT,
    NOW,
    RELIANCE,
    VENUE_ID,
    data,
    in_doubt,
    limit_order,
    listed,
)

HEARD = Heard(source=Source.SNAPSHOT, at=NOW, asked_at=NOW)
SYMBOLS = listed()


def order(index: int = 0, **members: Any) -> wire.Order:
    return msgspec.convert({**data("orders")[index], **members}, wire.Order)


def report(index: int = 0, **members: Any) -> ExecutionReport:
    return order_report(order(index, **members), HEARD, SYMBOLS)


def test_an_open_order_with_fills_is_partly_filled_and_bears_our_tag() -> None:
    found = report()
    assert (found.cl_ord_id, found.order_id, found.symbol, found.side) == (CL_ORD_ID, VENUE_ID, RELIANCE, Side.BUY)
    assert (found.order_type, found.tif, found.price) == (OrderType.LIMIT, TimeInForce.DAY, Decimal("1410.5"))
    assert (found.ord_status, found.order_qty) == (OrdStatus.PARTIALLY_FILLED, Decimal(30))
    assert (found.cum_qty, found.avg_px, found.exec_id) == (Decimal(10), Decimal("1410.4"), None)
    assert found.transact_time == datetime(2026, 3, 2, 4, 30, 1, tzinfo=UTC)  # India's time, without saying so


def test_a_waiting_stop_has_both_prices_and_a_rejection_its_reason() -> None:
    stop, dead = report(1), report(2)
    assert (stop.order_type, stop.price, stop.stop_px) == (OrderType.STOP_LIMIT, Decimal(1395), Decimal("1395.5"))
    assert (stop.ord_status, stop.cl_ord_id, stop.avg_px) == (OrdStatus.NEW, None, None)
    assert (dead.ord_status, dead.symbol, dead.price) == (OrdStatus.REJECTED, "RELIANCE.BSE", None)
    assert dead.text is not None
    assert dead.text.startswith("RMS")


@pytest.mark.parametrize(("word", "status"), STATUSES.items())
def test_every_documented_status_has_a_meaning(word: str, status: OrdStatus) -> None:
    found = report(status=word, filled_quantity=0)
    assert (found.ord_status, found.unrecognised) == (status, None)
    assert is_ended(order(status=word)) == (
        word in ("cancelled", "cancelled after market order", "complete", "rejected")
    )


def test_there_are_seventeen_of_them() -> None:
    assert len(STATUSES) == 17


@pytest.mark.parametrize(
    "members", [{"status": "frozen"}, {"order_type": "ICEBERG"}, {"validity": "GTT"}, {"transaction_type": "SHORT"}]
)
def test_a_word_that_nobody_knows_is_kept_and_claims_nothing(members: dict[str, str]) -> None:
    found = report(0, **members)
    assert found.ord_status is None
    assert next(iter(members.values())) in (found.unrecognised or "")


@pytest.mark.parametrize("members", [{"order_id": "../x"}, {"quantity": -1}, {"price": 10**60}])
def test_what_cannot_be_read_is_an_error(members: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        report(**members)


@pytest.mark.parametrize(
    ("word", "kind"), [("not modified", ExecType.REPLACE_REJECTED), ("not cancelled", ExecType.CANCEL_REJECTED)]
)
def test_a_refused_change_is_told_beside_an_order_that_lives_on(word: str, kind: ExecType) -> None:
    refusal = refusal_report(order(status=word), HEARD, SYMBOLS)
    assert refusal is not None
    assert (refusal.exec_type, refusal.ord_status) == (kind, None)
    assert report(status=word).ord_status is OrdStatus.PARTIALLY_FILLED
    assert refusal_report(order(), HEARD, SYMBOLS) is None


def test_an_execution_is_named_by_exchange_order_and_trade() -> None:
    trade = msgspec.convert(data("trades")[0], wire.Trade)
    found = trade_report(trade, HEARD, SYMBOLS)
    assert (found.exec_type, found.order_id, found.exec_id) == (ExecType.TRADE, VENUE_ID, f"NSE:{VENUE_ID}:50091502")
    assert (found.last_qty, found.last_px, found.side) == (Decimal(10), Decimal("1410.4"), Side.BUY)
    with pytest.raises(ApiError):
        trade_report(msgspec.structs.replace(trade, transaction_type=""), HEARD, SYMBOLS)


def test_what_is_in_no_file_is_named_as_its_exchange_writes_it() -> None:
    told = order(instrument_token="NSE_EQ|INE000000000", trading_symbol="NEWCO-BE")
    assert order_report(told, HEARD, SYMBOLS).symbol == "NEWCO.NSE"


def test_a_tag_is_our_intent_and_a_strangers_is_none() -> None:
    identity = UpstoxIdentity()
    assert identity.encode(INTENT) == CL_ORD_ID
    assert len(CL_ORD_ID) <= 40
    assert identity.decode(CL_ORD_ID) == INTENT
    assert [identity.decode(text) for text in ("mine", CL_ORD_ID.upper(), CL_ORD_ID[3:], "")] == [None] * 4
    with pytest.raises(ValueError, match="badly formed"):
        identity.encode(IntentId("x"))


def test_an_order_in_doubt_is_found_by_its_terms_where_its_tag_is_lost() -> None:
    lost = in_doubt(limit_order())
    decode = UpstoxIdentity().decode
    assert len(candidates(lost, [report(tag=None)], decode=decode)) == 1
    assert candidates(lost, [report(tag=None, price=1400.0)], decode=decode) == ()
    assert candidates(lost, [report(tag="fb-0195570e-6a80-7abc-8def-0123456789ff")], decode=decode) == ()


@pytest.mark.parametrize(
    ("order_id", "now", "over"),
    [
        ("260302000000001", "2026-03-02T12:00", False),  # its own day, after the close
        ("260302000000001", "2026-03-04T01:00", False),  # the holiday of the 3rd: it may have been for the 4th
        ("260302000000001", "2026-03-05T01:00", True),
        ("260306000000001", "2026-03-08T12:00", False),  # placed on a Friday, perhaps for Monday
        ("260306000000001", "2026-03-10T01:00", True),
        ("GTT-C26030200000001", "2027-03-02T12:00", False),  # tells no day
        ("261399000000001", "2027-03-02T12:00", False),
    ],
)
def test_an_order_is_over_when_no_session_can_have_it_any_more(order_id: str, now: str, *, over: bool) -> None:
    assert is_over(order_id, datetime.fromisoformat(now).replace(tzinfo=UTC)) is over


def test_an_order_of_a_cleared_book_has_expired() -> None:
    found = gone_report("260302000000001", HEARD)
    assert (found.ord_status, found.cum_qty, found.order_id) == (OrdStatus.EXPIRED, None, VENUE_ID)
