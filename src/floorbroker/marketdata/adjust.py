"""Raw prices in the money of another day: factors of splits and dividends, exact fractions until the last step.

A price of a day is multiplied by what every later action makes of it.  A split divides it by the ratio; a dividend leaves
`1 - amount / close` of it, with the raw close of the session before the ex-date.  Volumes follow splits alone.  Fractions are
rounded once, when a number is asked for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Literal

from floorbroker.domain.actions import CorporateAction, Dividend, Split
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.frozen import frozen
from floorbroker.marketdata.calendars import day_of
from floorbroker.marketdata.history import Row

Basis = Literal["raw", "splits", "total"]  # as traded; in today's shares; with dividends paid back in as well
BASES: tuple[Basis, ...] = ("raw", "splits", "total")
DECIMALS = 8


@frozen
class Factor:
    """For days before `day` and not before the factor in front of it: prices times `price`, volumes times `volume`."""

    day: date
    price: Fraction
    volume: Fraction


@frozen
class Factors:
    """Factors of one symbol, oldest first; days from the last on are as traded.

    `unpriced` are dividends whose close before the ex-date is not known: they are not in the factors.
    """

    steps: tuple[Factor, ...]
    unpriced: tuple[Dividend, ...] = ()

    def at(self, day: date) -> tuple[Fraction, Fraction]:
        """What prices and volumes of a day are multiplied by."""
        index = bisect_right(self.steps, day, key=lambda step: step.day)
        if index == len(self.steps):
            return Fraction(1), Fraction(1)
        return self.steps[index].price, self.steps[index].volume


def factors_of(
    actions: Iterable[CorporateAction],
    closes: Sequence[tuple[date, Decimal]],
    *,
    basis: Basis,
    until: date | None = None,
) -> Factors:
    """`closes` are raw closes by day, in order.  `until` leaves out actions after that day: what was known then."""
    steps: list[Factor] = []
    unpriced: list[Dividend] = []
    price = volume = Fraction(1)
    days = [day for day, _ in closes]
    wanted = [one for one in actions if basis != "raw" and (until is None or one.day <= until)]
    for action in sorted(wanted, key=lambda one: (one.day, isinstance(one, Split)), reverse=True):
        match action:
            case Split():
                price, volume = price / action.ratio, volume * action.ratio
            case Dividend() if basis == "total":
                before = bisect_left(days, action.day) - 1
                kept = None if before < 0 else 1 - Fraction(action.amount) / Fraction(closes[before][1])
                if kept is None or kept <= 0:
                    unpriced.append(action)
                    continue
                price *= kept
            case _:
                continue
        if steps and steps[-1].day == action.day:
            steps.pop()
        steps.append(Factor(day=action.day, price=price, volume=volume))
    return Factors(steps=tuple(reversed(steps)), unpriced=tuple(reversed(unpriced)))


def adjusted(series: BarSeries, factors: Factors) -> list[Row]:
    """Every bar with its factors, each number rounded once to eight decimals (half even)."""
    found: list[Row] = []
    for bar in series:
        price, volume = factors.at(day_of(series.symbol, bar.start))
        numbers = [rounded(Fraction(one) * price) for one in (bar.open, bar.high, bar.low, bar.close)]
        found.append(
            Row(
                start=bar.start, open=numbers[0], high=numbers[1], low=numbers[2], close=numbers[3],
                volume=rounded(Fraction(bar.volume) * volume),
            )
        )  # fmt: skip
    return found


def rounded(value: Fraction, decimals: int = DECIMALS) -> Decimal:
    """The one rounding: half even at `decimals`."""
    with localcontext() as context:
        context.prec, context.rounding = 60, ROUND_HALF_EVEN
        scaled = value * 10**decimals
        whole, rest = divmod(scaled.numerator, scaled.denominator)
        twice = 2 * rest
        if twice > scaled.denominator or (twice == scaled.denominator and whole % 2):
            whole += 1
        return Decimal(whole).scaleb(-decimals)
