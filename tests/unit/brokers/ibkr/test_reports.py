"""What the program says, as reports: every word of it, and what is never concluded from one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.mapping.families import Families, head_ref
from floorbroker.brokers.ibkr.mapping.reports import (
    STATUSES,
    completed_report,
    fee_of,
    mind_busts,
    refused,
    refused_report,
    row_report,
    status_report,
    trade_reports,
)
from floorbroker.brokers.ibkr.mapping.values import moment_of
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ExecType, Money, OrderClass, OrderType, OrdStatus, Side, TimeInForce
from tests.unit.brokers.ibkr.makings import AAPL, CLIENT, HEARD, OURS, PERM, code, done, execution, row, told


def families() -> Families:
    return Families(CLIENT)


def standing(
    status: str, filled: int = 0, *, shown: wire.OpenOrder | None = None, why_held: str = ""
) -> ExecutionReport:
    """An order that was shown, and then this word."""
    known = families()
    row_report(shown or row("PendingSubmit"), HEARD, known)
    report = status_report(told(status, filled, why_held=why_held), HEARD, known)
    assert report is not None
    return report


# -- orders -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "filled", "expected"),
    [
        ("ApiPending", 0, OrdStatus.PENDING_NEW),
        ("PendingSubmit", 0, OrdStatus.PENDING_NEW),
        ("PreSubmitted", 0, OrdStatus.PENDING_NEW),
        ("Submitted", 0, OrdStatus.NEW),
        ("Submitted", 4, OrdStatus.PARTIALLY_FILLED),
        ("PendingCancel", 0, OrdStatus.PENDING_CANCEL),
        ("ApiCancelled", 0, OrdStatus.CANCELED),
        ("Cancelled", 4, OrdStatus.CANCELED),
        ("Filled", 10, OrdStatus.FILLED),
        ("Inactive", 0, OrdStatus.HELD),
    ],
)
def test_each_word_for_where_an_order_stands(status: str, filled: int, expected: OrdStatus) -> None:
    report = standing(status, filled)
    assert (report.ord_status, report.cum_qty, report.unrecognised) == (expected, Decimal(filled), None)


def test_every_word_of_the_table_is_tried_above() -> None:
    assert set(STATUSES) == {
        "ApiPending", "PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel", "ApiCancelled", "Cancelled", "Filled",
        "Inactive",
    }  # fmt: skip


def test_a_stop_that_is_held_for_its_price_works_and_a_short_sale_without_shares_does_not() -> None:
    stop = row("PreSubmitted", order_type="STP", lmt_price=None, aux_price=Decimal(190))
    assert standing("PreSubmitted", shown=stop).ord_status is OrdStatus.NEW
    assert standing("PreSubmitted", shown=stop, why_held="trigger").ord_status is OrdStatus.NEW
    assert standing("PreSubmitted", shown=stop, why_held="locate").ord_status is OrdStatus.HELD


def test_an_exit_waits_until_its_entry_is_known_to_be_filled() -> None:
    known = families()
    row_report(row("Submitted"), HEARD, known)
    exit_ = row(
        "PreSubmitted", order_id=6, perm_id=PERM + 1, parent_id=5, order_ref=f"{OURS}/sl", order_type="STP",
        lmt_price=None, aux_price=Decimal(180), action="SELL",
    )  # fmt: skip
    waiting = row_report(exit_, HEARD, known)
    assert (waiting.ord_status, waiting.parent_order_id) == (OrdStatus.HELD, str(PERM))
    assert waiting.cl_ord_id == str(PERM + 1), "an exit does not carry its entry's name"
    status_report(told("Filled", 10), HEARD, known)
    assert row_report(exit_, HEARD, known).ord_status is OrdStatus.NEW


def test_an_exit_whose_entry_was_never_seen_is_nobodys_until_it_is() -> None:
    report = row_report(row(order_ref=f"{OURS}/tp"), HEARD, families())
    assert report.parent_order_id is not None
    assert not report.parent_order_id.isdigit()
    assert head_ref(f"{OURS}/tp") == OURS
    assert head_ref("somebody's/tp") is None


def test_a_word_that_stands_in_no_table_claims_nothing() -> None:
    for strange in (row("Sleeping"), row(tif="FORTNIGHT"), row(order_type="GUESS"), row(action="HOLD")):
        report = row_report(strange, HEARD, families())
        assert report.ord_status is None
        assert report.unrecognised


def test_an_inactive_order_is_rejected_only_by_a_code_that_says_so() -> None:
    known = families()
    assert row_report(row("Inactive"), HEARD, known).ord_status is OrdStatus.HELD
    whose = refused(code(201, "Order rejected - reason: no"), known)
    assert whose is not None
    report = refused_report(whose, HEARD, known)
    assert report is not None
    assert (report.ord_status, report.cl_ord_id) == (OrdStatus.REJECTED, OURS)
    assert "no" in (report.text or "")


def test_a_refusal_may_come_before_the_order_is_shown() -> None:
    known = families()
    assert refused(code(201), known) is None
    assert row_report(row("Inactive"), HEARD, known).ord_status is OrdStatus.REJECTED


def test_a_code_about_an_order_that_works_is_about_a_change_of_it() -> None:
    known = families()
    row_report(row("Submitted"), HEARD, known)
    assert refused(code(201), known) is None
    assert row_report(row("Inactive"), HEARD, known).ord_status is OrdStatus.HELD
    report = status_report(told("Cancelled"), HEARD, known)
    assert report is not None
    assert report.ord_status is OrdStatus.CANCELED


def test_the_terms_of_an_order() -> None:
    report = row_report(row(order_type="STP LMT", aux_price=Decimal(186), tif="GTC"), HEARD, families())
    assert (report.order_type, report.price, report.stop_px) == (OrderType.STOP_LIMIT, 185, 186)
    assert (report.symbol, report.side, report.tif) == ("AAPL", Side.BUY, TimeInForce.GTC)
    assert (report.order_qty, report.cl_ord_id, report.order_id) == (10, OURS, str(PERM))
    at_close = row_report(row(order_type="LOC"), HEARD, families())
    assert (at_close.order_type, at_close.tif) == (OrderType.LIMIT, TimeInForce.CLS)
    trail = row_report(row(order_type="TRAIL", lmt_price=None, aux_price=Decimal(3)), HEARD, families())
    assert (trail.trail_amount, trail.trail_percent, trail.stop_px) == (3, None, None)


def test_an_order_without_our_name_is_called_by_the_venues_and_can_be_no_order_in_doubt() -> None:
    report = row_report(row(order_ref="", client_id=0, order_id=0), HEARD, families())
    assert report.cl_ord_id == str(PERM)


def test_an_order_on_its_way_is_known_by_our_name_alone() -> None:
    report = row_report(row("ApiPending", perm_id=0), HEARD, families())
    assert (report.order_id, report.cl_ord_id, report.ord_status) == (None, OURS, None)
    assert status_report(told("ApiPending", perm_id=0), HEARD, families()) is None


def test_a_foreign_share_and_another_kind_are_not_taken_for_ours() -> None:
    for changed in ({"currency": "EUR"}, {"sec_type": "FUT"}, {"sec_type": "OPT", "multiplier": "10"}):
        contract = msgspec.structs.replace(AAPL, **changed)
        assert row_report(row(contract=contract), HEARD, families()).symbol == "conid 265598"


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (done("Filled", 10), OrdStatus.FILLED),
        (done("Cancelled", 4, text="Cancelled by Trader"), OrdStatus.CANCELED),
        (done("Inactive", text="Order rejected - reason:no money"), OrdStatus.REJECTED),
        (done("Inactive", text="put aside"), OrdStatus.HELD),
        (done("Inactive", 4, text="Order rejected - reason:no money"), OrdStatus.HELD),
        (done("Gone"), None),
    ],
)
def test_orders_that_are_done(listed: wire.CompletedOrder, expected: OrdStatus | None) -> None:
    report = completed_report(listed, HEARD, families())
    assert report is not None
    assert (report.ord_status, report.cl_ord_id) == (expected, OURS)
    assert report.transact_time is None, "when it was made is not told"


# -- executions -------------------------------------------------------------------------------------------------------------


def test_an_execution_with_our_name_is_our_orders_whatever_was_listed_before() -> None:
    (report,) = trade_reports(execution(), None, HEARD, families())
    assert (report.exec_type, report.cl_ord_id, report.order_id) == (ExecType.TRADE, OURS, str(PERM))
    assert (report.last_qty, report.last_px, report.exec_id, report.side) == (10, 185, "0000e0d5.6576fd38.01", Side.BUY)
    assert report.transact_time == datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def test_a_correction_and_a_bust_name_what_they_correct() -> None:
    (corrected,) = trade_reports(execution("a.b.01.02", shares=Decimal(8)), None, HEARD, families())
    assert (corrected.exec_type, corrected.exec_ref_id, corrected.exec_id) == (
        ExecType.TRADE_CORRECT, "a.b.01", "a.b.01.02",
    )  # fmt: skip
    assert (corrected.exec_version, corrected.last_qty) == (2, 8)
    (busted,) = trade_reports(execution("a.b.01.03", shares=Decimal(0)), None, HEARD, families())
    assert (busted.exec_type, busted.exec_ref_id) == (ExecType.TRADE_CANCEL, "a.b.01")


def test_a_bust_takes_back_what_its_execution_was_or_what_a_whole_list_lacks() -> None:
    known = families()
    trade_reports(execution("a.b.01.01", shares=Decimal(4)), None, HEARD, known)
    (busted,) = trade_reports(execution("a.b.01.02", shares=Decimal(0)), None, HEARD, known)
    assert (busted.exec_type, busted.last_qty) == (ExecType.TRADE_CANCEL, 4)
    fresh = families()
    row_report(row("Submitted"), HEARD, fresh)
    status_report(told("Submitted", 10), HEARD, fresh)
    rows = [execution("a.b.01.02", shares=Decimal(0)), execution("a.b.02.01", shares=Decimal(3))]
    mind_busts(rows, fresh)
    assert trade_reports(rows[0], None, HEARD, fresh)[0].last_qty == 7
    live = families()
    row_report(row("Submitted"), HEARD, live)
    status_report(told("Submitted", 10), HEARD, live)
    unheard = execution("a.b.01.02", shares=Decimal(0), cum_qty=Decimal(0))
    assert trade_reports(unheard, None, HEARD, live)[0].last_qty == 10
    unsure = families()
    mind_busts([rows[0], execution("a.b.03.02", shares=Decimal(0))], unsure)
    assert trade_reports(rows[0], None, HEARD, unsure)[0].last_qty is None


def test_an_execution_of_a_strange_side_claims_nothing() -> None:
    (report,) = trade_reports(execution(side="???"), None, HEARD, families())
    assert (report.exec_type, report.last_qty is not None) == (ExecType.ORDER_STATUS, True)
    assert report.unrecognised


def test_legs_of_a_combo_are_its_children_and_the_whole_holds_nothing_of_them() -> None:
    known = families()
    bag = wire.Contract(con_id=28812380, symbol="AAPL", sec_type="BAG", currency="USD")
    (whole,) = trade_reports(execution("a.b.01.01", contract=bag, price=Decimal("3.2")), None, HEARD, known)
    assert whole.order_id == str(PERM)
    call = wire.Contract(
        con_id=7, symbol="AAPL", sec_type="OPT", last_trade="20260320", strike=Decimal(200), right="C", multiplier="100",
        currency="USD", trading_class="AAPL",
    )  # fmt: skip
    leg = execution("a.b.02.01", contract=call, shares=Decimal(1), price=Decimal(5))
    standing_, traded = trade_reports(leg, Money(Decimal("0.65"), "USD"), HEARD, known)
    assert (standing_.order_id, standing_.parent_order_id) == (f"{PERM}.7", str(PERM))
    assert (standing_.ord_status, standing_.order_qty) == (OrdStatus.FILLED, 1)
    assert (traded.order_id, traded.symbol, traded.last_qty) == (f"{PERM}.7", "AAPL  260320C00200000", 1)
    again, _ = trade_reports(leg, None, HEARD, known)
    assert again.order_qty == 1, "told twice, it counts once"
    corrected = execution("a.b.02.02", contract=call, shares=Decimal(2), price=Decimal(5))
    assert trade_reports(corrected, None, HEARD, known)[0].order_qty == 2
    shown = row_report(row(contract=bag, lmt_price=Decimal("-1.50")), HEARD, known)
    assert (shown.order_class, shown.price) == (OrderClass.MULTILEG, Decimal("-1.50"))


def test_what_an_execution_cost() -> None:
    told_ = wire.Commission(exec_id="a.b.01.01", commission=Decimal("1.01"), currency="USD", realized_pnl=None)
    assert fee_of(told_) == Money(Decimal("1.01"), "USD")
    assert fee_of(msgspec.structs.replace(told_, commission=None)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260105 10:31:22 US/Eastern", datetime(2026, 1, 5, 15, 31, 22, tzinfo=UTC)),
        ("20260105-10:31:22", datetime(2026, 1, 5, 10, 31, 22, tzinfo=UTC)),
        ("20260105  10:31:22", None),
        ("20260105 10:31:22 Nowhere/Else", None),
        ("20261305 10:31:22 US/Eastern", None),
        ("", None),
    ],
)
def test_a_moment_has_a_zone_or_is_none(text: str, expected: datetime | None) -> None:
    assert moment_of(text) == expected
