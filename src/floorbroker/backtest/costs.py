"""What trading costs in a backtest, and how long a wish is on its way."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Protocol

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ZERO
from floorbroker.matching import NO_FEES, NO_SLIPPAGE, FeeModel, Liquidity, Slippage

YEAR_DAYS = 360  # of borrow and interest, as US brokers count


class Latency(Protocol):
    """Microseconds from a wish to its venue."""

    def us(self) -> int: ...


@frozen
class Fixed:
    """Every wish takes as long."""

    ms: int = 0

    def us(self) -> int:
        return self.ms * 1000


class Between:
    """Anything from `least_ms` to `most_ms`, drawn from `seed`."""

    def __init__(self, *, least_ms: int, most_ms: int, seed: int = 1) -> None:
        if not 0 <= least_ms <= most_ms:
            raise ValueError(f"a latency lies between 0 and {most_ms} ms, not at {least_ms}")
        self._bounds = (least_ms * 1000, most_ms * 1000)
        self._random = Random(seed)  # noqa: S311 - a backtest repeats by its seed

    def us(self) -> int:
        return self._random.randint(*self._bounds)


AT_ONCE = Fixed()


@frozen
class Costs:
    """`borrow_percent` a year is paid for what is short over night, at its last price; `leverage` bounds what may be held, as
    times of equity (None: no bound).

    `at_close` lets orders that were decided at the end of a bar trade at its close; else they meet the next bar's open.
    """

    fees: FeeModel = NO_FEES
    slippage: Slippage = NO_SLIPPAGE
    latency: Latency = AT_ONCE
    liquidity: Liquidity = Liquidity.UNLIMITED
    borrow_percent: Decimal = ZERO
    leverage: Decimal | None = None
    at_close: bool = False


FREE = Costs()
