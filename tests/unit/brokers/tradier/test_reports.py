"""What the venue says of orders, in every shape it has for lists, as execution reports."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.mapping.families import Families, is_ended
from floorbroker.brokers.tradier.mapping.identity import TradierIdentity
from floorbroker.brokers.tradier.mapping.reports import STATUSES, Heard, order_reports
from floorbroker.brokers.tradier.rest.answers import orders_in
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import StopLoss
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import OrderClass, OrderType, OrdStatus, Price, Quantity, Side, TimeInForce
from floorbroker.oms.candidates import candidates
from tests.unit.brokers.tradier.fakes import CALL, CL_ORD_ID, FAR_CALL, NOW, in_doubt, limit_order, payload

HEARD = Heard(source=Source.SNAPSHOT, at=NOW, asked_at=NOW)


def read(body: bytes) -> list[wire.Order]:
    return orders_in(body, what="the orders")


def reports(name: str) -> list[ExecutionReport]:
    return [report for order in read(payload(name)) for report in order_reports(order, HEARD)]


def one(**members: Any) -> ExecutionReport:
    """The report of the equity order with other members."""
    order = json.loads(payload("orders_one"))["orders"]["order"]
    (report,) = order_reports(read(json.dumps({"order": {**order, **members}}).encode())[0], HEARD)
    return report


@pytest.mark.parametrize("body", [b'{"orders":"null"}', b'{"orders":null}', b'{"orders":{"order":null}}'])
def test_a_list_of_none_is_empty_in_every_spelling(body: bytes) -> None:
    assert read(body) == []


def test_a_list_of_one_is_the_object_itself_or_an_array() -> None:
    order = json.loads(payload("orders_one"))["orders"]["order"]
    bodies = [json.dumps({"orders": {"order": shape}}).encode() for shape in (order, [order])]
    assert read(bodies[0]) == read(bodies[1])
    assert len(read(bodies[0])) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"orders":{}}',
        b'{"orders":{"odd":[]}}',
        b"[]",
        b'"null"',
        b'{"orders":7}',
        b'{"orders":{"order":[7]}}',
        b"<xml/>",
        b"",
    ],
)
def test_what_is_no_list_is_an_error_and_never_an_empty_one_i9(body: bytes) -> None:
    with pytest.raises(ApiError):
        read(body)


def test_an_equity_order_is_told_with_its_totals_and_our_id() -> None:
    (report,) = reports("orders_one")
    assert (report.cl_ord_id, report.order_id, report.symbol, report.side) == (CL_ORD_ID, "700500", "AAPL", Side.BUY)
    assert (report.order_type, report.tif, report.price) == (OrderType.LIMIT, TimeInForce.DAY, Decimal("150.5"))
    assert (report.ord_status, report.order_qty) == (OrdStatus.PARTIALLY_FILLED, Decimal(3))
    assert (report.cum_qty, report.avg_px, report.exec_id) == (Decimal(2), Decimal("150.48"), None)


def test_the_legs_of_a_strategy_are_children_without_a_price_of_their_own() -> None:
    head, near, far, refused = reports("orders_multileg")
    assert (head.order_class, head.side, head.price, head.ord_status) == (
        OrderClass.MULTILEG,
        Side.BUY,
        Decimal("1.25"),
        OrdStatus.NEW,
    )
    assert [(leg.symbol, leg.side, leg.price, leg.parent_order_id) for leg in (near, far)] == [
        (CALL, Side.BUY, None, "700501"),
        (FAR_CALL, Side.SELL, None, "700501"),
    ]
    assert (refused.ord_status, refused.price) == (OrdStatus.REJECTED, Decimal("-0.4"))
    assert "buying power" in (refused.text or "")


def test_our_bracket_is_the_entry_under_the_id_of_the_group_and_its_exits_wait() -> None:
    entry, profit, stop = reports("order_otoco")
    assert (entry.order_id, entry.cl_ord_id, entry.price) == ("700520", CL_ORD_ID, Decimal(150))
    assert (entry.order_class, entry.ord_status) == (OrderClass.BRACKET, OrdStatus.NEW)
    assert [(child.order_id, child.ord_status, child.parent_order_id) for child in (profit, stop)] == [
        ("700522", OrdStatus.HELD, "700520"),
        ("700523", OrdStatus.HELD, "700520"),
    ]
    assert (profit.price, stop.stop_px, stop.price) == (Decimal(160), Decimal(145), None)


def group(head: dict[str, Any], *legs: dict[str, Any]) -> list[ExecutionReport]:
    """The reports of the bracket with other members."""
    order = json.loads(payload("order_otoco"))["order"]
    changed = [{**leg, **change} for leg, change in zip(order["leg"], legs, strict=True)]
    return list(order_reports(read(json.dumps({"order": {**order, **head, "leg": changed}}).encode())[0], HEARD))


REFUSED = {"status": "rejected", "reason_description": "no"}
WAITS, WORKS, OVER = {"status": "pending"}, {"status": "open"}, {"status": "rejected"}


@pytest.mark.parametrize(
    ("legs", "status"),
    [
        ((WAITS, WAITS, WAITS), OrdStatus.REJECTED),
        ((OVER, OVER, OVER), OrdStatus.REJECTED),
        ((WORKS, WAITS, WAITS), OrdStatus.NEW),
        ((WAITS, WORKS, WAITS), OrdStatus.PENDING_NEW),
        (({"status": "quantum"}, WAITS, WAITS), None),
        (({"status": "filled", "exec_quantity": 10.0}, OVER, OVER), OrdStatus.FILLED),
    ],
)
def test_a_group_is_refused_whole_unless_a_member_of_it_works_or_has_filled(
    legs: tuple[dict[str, Any], ...], status: OrdStatus | None
) -> None:
    entry = group(REFUSED, *legs)[0]
    assert (entry.ord_status, entry.text) == (status, "no")


@pytest.mark.parametrize(
    ("head", "first", "label"),
    [
        ({"tag": None}, {}, None),
        ({"tag": None}, {"tag": CL_ORD_ID}, CL_ORD_ID),
        ({"tag": "head"}, {"tag": "leg"}, "head"),
    ],
)
def test_the_label_of_a_group_stands_at_its_head_or_at_its_first_member_or_nowhere(
    head: dict[str, Any], first: dict[str, Any], label: str | None
) -> None:
    reports = group(head, first, {}, {})
    assert [report.cl_ord_id for report in reports] == [label, None, None]


def test_a_group_whose_label_the_venue_dropped_may_be_the_one_in_doubt() -> None:
    stop = StopLoss(stop_px=Price(Decimal(145)))
    wish = limit_order(order_qty=Quantity(Decimal(10)), price=Price(Decimal(150)), order_class=OrderClass.BRACKET)
    doubt = in_doubt(replace(wish, take_profit=Price(Decimal(160)), stop_loss=stop))
    filled = group({"tag": None}, {"status": "filled", "transaction_date": "2026-03-02T20:00:00Z"}, {}, {})
    assert [one.order_id for one in candidates(doubt, filled, decode=TradierIdentity().decode)] == ["700520"]


def test_a_strategy_whose_label_the_venue_dropped_may_be_the_one_in_doubt() -> None:
    wish = limit_order(price=Price(Decimal("1.25")), order_class=OrderClass.MULTILEG)
    found = [replace(one, cl_ord_id=None, order_class=OrderClass.MULTILEG) for one in reports("orders_multileg")[:1]]
    assert [one.order_id for one in candidates(in_doubt(wish), found, decode=TradierIdentity().decode)] == ["700501"]


def test_an_order_is_of_the_time_it_was_made_whatever_happened_to_it_since() -> None:
    report = one(create_date="2026-03-02T15:04:05.123Z", transaction_date="2026-03-02T20:00:00.000Z")
    assert (report.made_at, report.transact_time) == (
        datetime(2026, 3, 2, 15, 4, 5, 123000, tzinfo=UTC),
        datetime(2026, 3, 2, 20, 0, tzinfo=UTC),
    )
    assert one(create_date="yesterday").made_at is None


@pytest.mark.parametrize(
    ("kind", "told", "average"),
    [("credit", 0.4, "-0.4"), ("credit", -0.4, "-0.4"), ("debit", 1.25, "1.25"), ("market", -0.4, "-0.4")],
)
def test_the_average_of_a_credit_is_below_zero_and_that_of_its_legs_is_their_own(
    kind: str, told: float, average: str
) -> None:
    order = json.loads(payload("orders_multileg"))["orders"]["order"][0]
    legs = [{**leg, "type": kind, "avg_fill_price": 2.5} for leg in order["leg"]]
    body = json.dumps({"order": {**order, "type": kind, "avg_fill_price": told, "leg": legs}}).encode()
    head, *rest = order_reports(read(body)[0], HEARD)
    assert head.avg_px == Decimal(average)
    assert [leg.avg_px for leg in rest] == [Decimal("2.5")] * len(rest)


@pytest.mark.parametrize(("there", "ours"), STATUSES.items())
def test_each_status_has_one_of_ours(there: str, ours: OrdStatus) -> None:
    assert one(status=there, exec_quantity=0).ord_status is ours


@pytest.mark.parametrize("member", ["status", "side", "type", "duration", "class"])
def test_an_unknown_word_is_named_and_nothing_is_guessed(member: str) -> None:
    report = one(**{member: "quantum"})
    assert (report.unrecognised, report.ord_status) == (f"{member} quantum", None)


@pytest.mark.parametrize(
    "members", [{"quantity": "NaN"}, {"exec_quantity": 1e300}, {"price": "Infinity"}, {"id": "../700"}, {"id": True}]
)
def test_numbers_and_ids_that_are_none_are_an_error(members: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        one(**members)


def test_families_know_heads_and_what_is_open() -> None:
    families, group = Families(), read(payload("order_otoco"))
    families.learn([*group, *read(payload("orders_multileg"))])
    assert [families.head_of(name) for name in ("700522", "700503", "700500")] == ["700520", "700501", "700500"]
    assert list(families.open) == ["700520", "700501"]
    assert not is_ended(group[0])
