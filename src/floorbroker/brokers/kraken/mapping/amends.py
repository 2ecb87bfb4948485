"""Changes in flight.  An amended order keeps its id and ours, so nothing in what the venue says names the change.

It is recognised by its terms: the first word about the order that has every member as the change asked for answers the change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ClOrdId, ExecType, OrderId

_KEPT_MAX = 10_000


class Amends:
    """Changes by the venue's id of their order; one an order, bounded, oldest forgotten first."""

    def __init__(self) -> None:
        self._asked: OrderedDict[OrderId, tuple[ClOrdId, OrderChanges]] = OrderedDict()

    def asked(self, order_id: OrderId, cl_ord_id: ClOrdId, changes: OrderChanges) -> None:
        """A change is about to leave."""
        self._asked[order_id] = (cl_ord_id, changes)
        if len(self._asked) > _KEPT_MAX:
            self._asked.popitem(last=False)

    def over(self, order_id: OrderId) -> None:
        """It was answered, or never left."""
        self._asked.pop(order_id, None)

    def answered(self, reports: Iterable[ExecutionReport]) -> Iterator[ExecutionReport]:
        """The reports, each one that answers a change followed by the answer."""
        for report in reports:
            yield report
            held = self._asked.get(report.order_id) if report.order_id is not None else None
            if held is not None and _agrees(report, held[1]):
                yield answer(report, held[0])
                self.over(OrderId(report.order_id or ""))


def answer(report: ExecutionReport, cl_ord_id: ClOrdId) -> ExecutionReport:
    """The word that the change of this client id is done: the order goes on under its old id with these terms."""
    return replace(
        report,
        exec_type=ExecType.REPLACED,
        cl_ord_id=cl_ord_id,
        replaces=report.order_id,
        ord_status=None,
        cum_qty=None,
        last_qty=None,
        last_px=None,
        exec_id=None,
        fee=None,
    )


def _agrees(report: ExecutionReport, changes: OrderChanges) -> bool:
    return report.unrecognised is None and all(
        wanted is None or wanted == told
        for wanted, told in (
            (changes.order_qty, report.order_qty),
            (changes.price, report.price),
            (changes.stop_px, report.stop_px),
        )
    )
