"""Stand-ins for fills that a venue reports as a total and cannot list (RELIABILITY 3).  Pure.

A stand-in has an id made of the order and the total it reaches, so that it is written once; real fills take its place.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from floorbroker.domain import facts as f
from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.standing import Evidence, filled_on, live_executions
from floorbroker.domain.values import WIDE, ExecId, OrderId, Price, Quantity, text_of, total_of

GRACE_S = 10.0


def stand_ins(
    order: Order,
    evidence: Evidence,
    *,
    now: datetime,
    is_ripe: Callable[[OrderId, Decimal], bool],
    mark: Decimal | None,
) -> list[f.Exec]:
    """One execution for each venue order whose reported total has been ahead of its fills for the whole grace (`is_ripe`).

    `mark` prices a fill whose price nobody told.  Without any price nothing is made up.
    """
    live = live_executions(evidence)
    found = (
        _stand_in(order, evidence, order_id, live, now=now, is_ripe=is_ripe, mark=mark)
        for order_id in sorted(evidence.links)
    )
    return [fact for fact in found if fact is not None]


def _stand_in(
    order: Order,
    evidence: Evidence,
    order_id: OrderId,
    live: tuple[Execution, ...],
    *,
    now: datetime,
    is_ripe: Callable[[OrderId, Decimal], bool],
    mark: Decimal | None,
) -> f.Exec | None:
    mine = [execution for execution in live if execution.order_id == order_id]
    total = filled_on(evidence, order_id, live)
    lacking = WIDE.subtract(total, total_of(execution.last_qty for execution in mine))
    price = _price(order, evidence, order_id, mine, lacking=lacking, mark=mark)
    if lacking <= 0 or not is_ripe(order_id, total) or price is None:
        return None
    return f.Exec(
        source=f.Source.OWN,
        at=now,
        exec_id=ExecId(f"synthetic:{order_id}#{text_of(total)}"),
        order_id=order_id,
        side=order.terms.side,
        symbol=order.terms.symbol,
        last_qty=Quantity(lacking),
        last_px=price,
        synthetic=True,
    )


def _price(
    order: Order,
    evidence: Evidence,
    order_id: OrderId,
    mine: list[Execution],
    *,
    lacking: Decimal,
    mark: Decimal | None,
) -> Price | None:
    """What the venue's average leaves for the lacking units; else the order's own price, else the mark."""
    told = [(cum, average) for _, cum, average in evidence.links[order_id].cums if average > 0]
    if told and lacking > 0:
        cum, average = max(told)
        paid = total_of(WIDE.multiply(e.last_qty, e.last_px) for e in mine)
        rest = WIDE.subtract(WIDE.multiply(cum, average), paid) / lacking
        if rest > 0:
            return Price(rest)
    fallback = order.price or order.stop_px or mark
    return Price(fallback) if fallback else None
