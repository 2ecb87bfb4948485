"""Stand-ins for fills that a venue reports as a total: when they are made, and of what (RELIABILITY 3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.fold import OrderFold
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import (
    ClOrdId,
    IntentId,
    OrderId,
    OrderType,
    Price,
    ProfileName,
    Quantity,
    Side,
)
from floorbroker.oms.synthetic import GRACE_S, stand_ins

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
VENUE = OrderId("v1")


def told(*totals: f.Cum) -> OrderFold:
    """An order of 10 with these totals."""
    wish = NewOrder(
        symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=Quantity(Decimal(10)),
        price=Price(Decimal("189.5")),
    )  # fmt: skip
    order = OrderFold(IntentId("019cae00-0000-75f1-8000-000000000001"))
    order.add(f.Prepared(source=f.Source.OWN, at=AT, cl_ord_id=ClOrdId("c1"), profile=ProfileName("p"), order=wish))
    for total in totals:
        order.add(total)
    return order


def total(qty: str, *, heard: datetime, venue_time: datetime | None = None) -> f.Cum:
    return f.Cum(
        source=f.Source.STREAM, at=heard, venue_time=venue_time, order_id=VENUE, cum_qty=Quantity(Decimal(qty)),
        avg_px=Decimal("189.4"),
    )  # fmt: skip


@pytest.mark.parametrize("off_s", [-7200, 0, 7200])
def test_a_total_has_its_grace_whatever_the_clocks_of_facts_say(off_s: int) -> None:
    order = told(total("4", heard=AT + timedelta(seconds=off_s), venue_time=AT + timedelta(seconds=off_s)))
    assert made(order, stood_s=GRACE_S - 1) == []
    (one,) = made(order, stood_s=GRACE_S)
    assert (one.exec_id, one.last_qty, one.last_px) == ("synthetic:v1#4", 4, Decimal("189.4"))


def made(order: OrderFold, *, stood_s: float) -> list[f.Exec]:
    return stand_ins(order.view(), order.evidence, now=AT, is_ripe=lambda *_: stood_s >= GRACE_S, mark=None)
