"""Lists of the program, as the desk asks for them: what a time limit leaves out."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.mapping.families import Families
from floorbroker.brokers.ibkr.rest.collect import Listed
from floorbroker.brokers.ibkr.rest.lists import Lists
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import ExecType
from tests.unit.brokers.ibkr.makings import ACCOUNT, CLIENT, NOW, execution


def lists(*rows: wire.Execution) -> Lists:
    async def asked() -> None:
        return

    async def ask(collector: Listed[wire.Wire], build: object, **terms: object) -> Listed[wire.Wire]:
        del build, terms
        collector.rows.extend(rows)
        return collector

    program: Any = SimpleNamespace(asked=asked, ask=ask, account=ACCOUNT, next_request=lambda: 2_000_000_000)
    return Lists(program, Families(CLIENT), clock=ManualClock(NOW))


@pytest.mark.parametrize(("shares", "kind"), [(0, ExecType.TRADE_CANCEL), (8, ExecType.TRADE_CORRECT)])
@pytest.mark.asyncio
async def test_a_bust_and_a_correction_are_listed_however_old_their_execution_is_i6(
    shares: int, kind: ExecType
) -> None:
    """They bear the time of the execution, and may have been made while nobody listened."""
    early = "20260302 09:30:00 US/Eastern"
    first, later = execution("a.b.01.01", time=early), execution("a.b.02.01")
    again = execution("a.b.01.02", time=early, shares=Decimal(shares))
    found, _ = await lists(first, again, later).fills(NOW - timedelta(minutes=10))
    assert [(one.exec_type, one.exec_ref_id or one.exec_id) for one in found] == [
        (kind, "a.b.01"), (ExecType.TRADE, "a.b.02"),
    ]  # fmt: skip
