"""A strategy is told of every unit once, in whatever order executions are listed and whatever stood in for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from floorbroker.domain.orders import Execution
from floorbroker.domain.values import ExecId, Price, Quantity, Side
from floorbroker.strategy.bots.hearing import hear
from floorbroker.strategy.bots.state import Heard

OPEN = datetime(2026, 3, 2, 15, tzinfo=UTC)


def _execution(name: str, qty: int, *, second: int = 0, synthetic: bool = False) -> Execution:
    return Execution(
        exec_id=ExecId(name), order_id=None, symbol="SPY", side=Side.BUY, last_qty=Quantity(Decimal(qty)),
        last_px=Price(Decimal(480)), transact_time=OPEN + timedelta(seconds=second), synthetic=synthetic,
    )  # fmt: skip


def _told(heard: Heard, *executions: Execution) -> list[tuple[str, int]]:
    listed = sorted(executions, key=lambda execution: execution.transact_time)
    return [(execution.exec_id, int(qty)) for execution, qty in iter(lambda: hear(heard, listed), None)]


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_each_execution_is_told_once_though_an_earlier_one_is_listed_later(order: tuple[int, ...]) -> None:
    every = [_execution(f"e{number}", number + 1, second=number) for number in range(3)]
    heard: Heard = {}
    told = [one for known in range(1, 4) for one in _told(heard, *(every[number] for number in order[:known]))]
    assert sorted(told) == [("e0", 1), ("e1", 2), ("e2", 3)]


def test_units_that_were_told_of_a_stand_in_are_not_told_again_of_the_real_ones() -> None:
    heard: Heard = {}
    assert _told(heard, _execution("synthetic:o#10", 10, synthetic=True)) == [("synthetic:o#10", 10)]
    left = _execution("synthetic:o#10", 6, synthetic=True)
    assert _told(heard, left, _execution("e1", 4, second=1)) == []
    assert _told(heard, _execution("e1", 4, second=1), _execution("e2", 9, second=2)) == [("e2", 3)]


def test_what_was_taken_back_or_corrected_is_not_told_and_pays_for_nothing() -> None:
    heard: Heard = {}
    assert _told(heard, _execution("e1", 4)) == [("e1", 4)]
    assert _told(heard, _execution("e1", 2)) == []
    assert _told(heard, _execution("e2", 4, second=1)) == [("e2", 4)]
