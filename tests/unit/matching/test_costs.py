"""Fees and slippage, each model by its numbers."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from floorbroker.domain.values import Side
from floorbroker.matching import (
    NO_FEES,
    Bps,
    BpsSlippage,
    FeeModel,
    PerShare,
    RandomTicks,
    SellSide,
    SizeImpact,
    Slippage,
    Ticks,
)
from tests.unit.matching.venue import px, units

CENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("model", "side", "maker", "expected"),
    [
        (NO_FEES, Side.BUY, False, "0"),
        (PerShare(rate=Decimal("0.005"), minimum=Decimal(1)), Side.BUY, False, "1"),
        (PerShare(rate=Decimal("0.05")), Side.BUY, False, "5.00"),
        (PerShare(rate=Decimal(1), maximum_percent=Decimal("0.5")), Side.SELL, False, "5.00"),
        (Bps(taker=Decimal(25), maker=Decimal(15)), Side.BUY, False, "2.5"),
        (Bps(taker=Decimal(25), maker=Decimal(-1)), Side.BUY, True, "-0.1"),
        (SellSide(value_bps=Decimal("0.278"), per_unit=Decimal("0.000166")), Side.BUY, False, "0"),
        (SellSide(value_bps=Decimal("0.278"), per_unit=Decimal("0.000166")), Side.SELL, False, "0.05"),
    ],
)
def test_the_fee_of_a_hundred_at_ten(model: FeeModel, side: Side, maker: bool, expected: str) -> None:
    assert model.fee(symbol="AAPL", side=side, qty=units(100), price=px(10), maker=maker) == Decimal(expected)


@pytest.mark.parametrize(
    ("model", "buys", "sells"),
    [
        (Ticks(3), "10.03", "9.97"),
        (BpsSlippage(Decimal(12)), "10.02", "9.98"),  # 0.012, rounded away from the taker
        (SizeImpact(bps=Decimal(10)), "10.02", "9.98"),  # twice the displayed size
    ],
)
def test_a_taker_of_200_fares_worse_than_the_touch(model: Slippage, buys: str, sells: str) -> None:
    for side, expected in ((Side.BUY, buys), (Side.SELL, sells)):
        got = model.price(side=side, price=px(10), qty=units(200), displayed=Decimal(100), tick=CENT)
        assert got == Decimal(expected)


def test_random_slippage_repeats_with_its_seed_and_stays_in_bounds() -> None:
    drawn = []
    for _ in range(2):
        model = RandomTicks(random=Random(7), most=4)
        drawn.append(
            [model.price(side=Side.BUY, price=px(10), qty=units(1), displayed=Decimal(1), tick=CENT) for _ in range(50)]
        )
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == {Decimal(10) + CENT * n for n in range(5)}


def test_slippage_never_reaches_zero() -> None:
    assert Ticks(100).price(side=Side.SELL, price=px("0.05"), qty=units(1), displayed=Decimal(1), tick=CENT) == CENT
