"""Positions are the sum of fills, and profit is booked by average cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.orders import Execution
from floorbroker.domain.values import ExecId, Price, Quantity, Side
from floorbroker.oms.holdings import realized_pl

START = datetime(2026, 3, 2, tzinfo=UTC)


def _fills(*steps: tuple[str, str]) -> list[Execution]:
    return [
        Execution(
            exec_id=ExecId(str(n)),
            order_id=None,
            symbol="AAPL",
            side=Side.BUY if Decimal(qty) > 0 else Side.SELL,
            last_qty=Quantity(abs(Decimal(qty))),
            last_px=Price(Decimal(price)),
            transact_time=START + timedelta(seconds=n),
        )
        for n, (qty, price) in enumerate(steps)
    ]


@pytest.mark.parametrize(
    ("steps", "profit"),
    [
        ((("10", "100"),), "0"),
        ((("10", "100"), ("-10", "110")), "100"),
        ((("10", "100"), ("10", "120"), ("-10", "115")), "50"),
        ((("-5", "50"), ("5", "40")), "50"),
        ((("10", "100"), ("-15", "110"), ("5", "100")), "150"),
    ],
)
def test_profit_follows_average_cost(steps: tuple[tuple[str, str], ...], profit: str) -> None:
    assert realized_pl(_fills(*steps)) == Decimal(profit)


@given(st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 500)), max_size=12))
def test_a_flat_position_has_realised_exactly_its_cash_flow(steps: list[tuple[int, int]]) -> None:
    rest = -sum(qty for qty, _ in steps)
    path = [*steps, (rest, 77)] if rest else steps
    cash = sum((Decimal(-qty * price) for qty, price in path), Decimal(0))
    found = realized_pl(_fills(*((str(qty), str(price)) for qty, price in path)))
    assert abs(found - cash) < Decimal("1e-15")
