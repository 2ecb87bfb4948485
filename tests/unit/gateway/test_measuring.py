"""The risk report over several accounts, where one of them does not say what it holds is worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ports import NoLog
from floorbroker.domain.records import Account
from floorbroker.gateway.measuring import Measure
from floorbroker.risk.book import RiskBook
from tests.support.house import NOON

pytestmark = pytest.mark.asyncio
HELD = Decimal(10)


@dataclass
class Side:
    """An account that holds ten of one share, whose closes fall by a tenth every other day."""

    name: str
    mark: Decimal | None

    def context(self) -> Any:
        clock = ManualClock(NOON)
        closes = [
            SimpleNamespace(start=NOON - timedelta(days=60 - n), close=Decimal(100 - 10 * (n % 2))) for n in range(60)
        ]
        account = Account(
            account=self.name, currency="USD", cash=Decimal(0), equity=Decimal(1_000), buying_power=Decimal(0)
        )

        async def told(*args: object, **more: object) -> Any:
            return account

        async def positions() -> Any:
            return SimpleNamespace(items=(SimpleNamespace(symbol="AAPL", qty=HELD),))

        async def bars(*args: object, **more: object) -> Any:
            return closes

        def scales(symbol: str) -> Decimal:
            return Decimal(1)

        return SimpleNamespace(
            profile=SimpleNamespace(name=self.name), log=NoLog(), clock=clock, refresh_account=told, scales=scales,
            broker=SimpleNamespace(get_positions=positions, get_bars=bars), on_positions=lambda found: None,
            share=SimpleNamespace(worth=lambda symbol: (self.mark, Decimal(1))),
            book=SimpleNamespace(open_orders=list),
        )  # fmt: skip


async def test_what_one_account_cannot_value_takes_nothing_from_what_another_can() -> None:
    measure = Measure(RiskBook(ManualClock(NOON)))
    sides = [Side("a", Decimal(100)).context(), Side("b", None).context()]
    found = await measure.report(cast("Any", sides), with_history=True)
    assert (found.gross_exposure, found.unknown) == (1_000, ("AAPL: no price",))
    assert [(risk.loss, risk.missing) for risk in found.value_at_risk] == [(100, ("AAPL",))] * 2
