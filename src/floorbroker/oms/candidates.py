"""Which of a venue's orders may be the one in doubt, where orders cannot be named by an id of ours (RELIABILITY 2).  Pure.

Taking too many for candidates costs a person's look; taking one too few ends a doubt about an order that is there.  So what a
venue does not say, or says in words nobody knows, excludes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.domain.capability import BrokerInfo, IdentityClass
from floorbroker.domain.orders import Order
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import IntentId, OrderClass

BEFORE = timedelta(seconds=5)  # a venue's clock may be behind ours by so much
AFTER = timedelta(minutes=5)  # an order that was made later than this is not taken for the one that was sent
Decode = Callable[[str], IntentId | None]


def by_terms(order: Order, info: BrokerInfo) -> bool:
    """Whether an order is known at its venue by its terms alone: no id of ours names it there for certain."""
    return info.identity is IdentityClass.C or order.terms.client_tag.startswith(info.nameless_tags)


def may_be(order: Order, report: ExecutionReport, *, decode: Decode) -> bool:
    """Whether a report about an order of the venue's has the terms of an order in doubt and falls into its time.

    `decode` reads our labels.  A label that is another intent's says whose order it is; one that nobody can read may be ours,
    mangled on its way.  A member of a group is not the order that was sent: that is its head.
    """
    return (
        report.order_id is not None
        and report.parent_order_id is None
        and not _is_anothers(order, report, decode)
        and _has_terms(order, report)
        and _is_in_time(order, report)
    )


def _is_anothers(order: Order, report: ExecutionReport, decode: Decode) -> bool:
    named = decode(report.cl_ord_id) if report.cl_ord_id else None
    return named is not None and named != order.intent_id


def _has_terms(order: Order, report: ExecutionReport) -> bool:
    terms, is_odd = order.terms, report.unrecognised is not None
    return (
        (report.order_type is terms.order_type or (is_odd and report.order_type is None))
        and (report.side is terms.side or (is_odd and report.side is None))
        and report.symbol == terms.symbol
        and (
            report.order_qty == terms.order_qty or terms.order_class is OrderClass.MULTILEG
        )  # units are counted in two ways
        and report.price == _limit_of(order)
        and report.stop_px == terms.stop_px
    )


def _limit_of(order: Order) -> Decimal | None:
    """The limit that a venue shows: that of an OCO is the profit exit's, which may stand in a member of its own."""
    terms = order.terms
    if terms.order_class is OrderClass.OCO and terms.price is None:
        return terms.take_profit
    return terms.price


def _is_in_time(order: Order, report: ExecutionReport) -> bool:
    """By when the venue made it.  Where it does not tell, only an order that was last touched before ours left is not ours."""
    if report.made_at is not None:
        return order.created_at - BEFORE <= report.made_at <= order.created_at + AFTER
    touched: datetime = report.transact_time or report.at
    return touched >= order.created_at - BEFORE


def candidates(order: Order, reports: Iterable[ExecutionReport], *, decode: Decode) -> tuple[ExecutionReport, ...]:
    """The reports that may be about an order in doubt, one for each order of the venue's, by its id."""
    found = {report.order_id: report for report in reports if may_be(order, report, decode=decode)}
    return tuple(found[order_id] for order_id in sorted(found, key=str))
