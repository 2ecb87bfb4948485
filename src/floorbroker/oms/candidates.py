"""Which of a venue's orders may be the one in doubt, where orders cannot be named by an id of ours (RELIABILITY 2).  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from floorbroker.domain.orders import Order
from floorbroker.domain.records import ExecutionReport

BEFORE = timedelta(seconds=5)  # a venue's clock may be behind ours by so much
AFTER = timedelta(minutes=5)  # an order that shows up later than this is not taken for the one that was sent


def may_be(order: Order, report: ExecutionReport) -> bool:
    """Whether a report that carries no client id has the terms of an order in doubt and falls into its time.

    An order that carries another client id is not this one, which left with its own.
    """
    terms = order.terms
    same = (
        not report.cl_ord_id
        and report.order_id is not None
        and report.order_type is not None
        and report.symbol == terms.symbol
        and report.side is terms.side
        and report.order_type is terms.order_type
        and report.order_qty == terms.order_qty
        and report.price == terms.price
        and report.stop_px == terms.stop_px
    )
    made_at = report.transact_time or report.at
    return same and order.created_at - BEFORE <= made_at <= order.created_at + AFTER


def candidates(order: Order, reports: Iterable[ExecutionReport]) -> tuple[ExecutionReport, ...]:
    """The reports that may be about an order in doubt, one for each order of the venue's, by its id."""
    found = {report.order_id: report for report in reports if may_be(order, report)}
    return tuple(found[order_id] for order_id in sorted(found, key=str))
