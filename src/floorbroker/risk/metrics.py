"""Risk in numbers: exposure, leverage, concentration, loss, and what a bad day may cost by what days were like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import date
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import WIDE, ZERO, ProfileName

CONFIDENCES = (Decimal("0.95"), Decimal("0.99"))
LEAST_DAYS = 30  # fewer days say nothing about bad ones
_CENT = Decimal("0.01")
_SHARE = Decimal("0.000001")


@frozen
class Holding:
    """One position of one account: its signed market value in the report's currency; None where it cannot be told."""

    profile: ProfileName
    symbol: str
    value: Decimal | None


@frozen
class ValueAtRisk:
    """Historical simulation over one day: with `confidence` a day loses no more than `loss` (report's currency).

    `days` are the observations; `missing` are symbols without a price or with too few closes (`LEAST_DAYS`): not in it.
    """

    confidence: Decimal
    loss: Decimal | None
    days: int
    missing: tuple[str, ...] = ()


@frozen
class Report:
    """A desk or one of its profiles; amounts in `currency`, shares of equity as numbers (1.5 is 150 %).

    `unknown` says what could not be counted, by profile or symbol: then the rest is a part and not the whole.
    """

    profile: ProfileName | None
    currency: str
    equity: Decimal
    gross_exposure: Decimal
    net_exposure: Decimal
    leverage: Decimal
    concentration: Decimal
    open_orders: int
    day_pl: Decimal | None
    drawdown_pct: Decimal | None
    unknown: tuple[str, ...] = ()
    value_at_risk: tuple[ValueAtRisk, ...] = ()
    parts: tuple[Report, ...] = field(default=())


def exposures(holdings: Sequence[Holding], equity: Decimal) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Gross, net, leverage and concentration; the last two are zero while there is no equity to hold them against."""
    values = [holding.value for holding in holdings if holding.value is not None]
    gross, net = sum(map(abs, values), ZERO), sum(values, ZERO)
    if equity <= 0:
        return gross, net, ZERO, ZERO
    largest = max((abs(value) for value in by_symbol(holdings).values()), default=ZERO)
    return gross, net, _share(gross, equity), _share(largest, equity)


def by_symbol(holdings: Sequence[Holding]) -> dict[str, Decimal]:
    """Signed value of each symbol over all accounts."""
    found: dict[str, Decimal] = {}
    for holding in holdings:
        if holding.value is not None:
            found[holding.symbol] = found.get(holding.symbol, ZERO) + holding.value
    return found


def value_at_risk(
    values: Mapping[str, Decimal], closes: Mapping[str, Mapping[date, Decimal]], confidence: Decimal
) -> ValueAtRisk:
    """What today's positions would have lost on the days that every one of them has a close for."""
    priced = {symbol: closes[symbol] for symbol in values if len(closes.get(symbol, ())) > LEAST_DAYS}
    missing = tuple(sorted(symbol for symbol in values if symbol not in priced))
    days = sorted(set[date].intersection(*(set(series) for series in priced.values()))) if priced else []
    made = sorted(
        sum((values[symbol] * _moved(series, before, day) for symbol, series in priced.items()), ZERO)
        for before, day in pairwise(days)
    )
    if len(made) < LEAST_DAYS:
        return ValueAtRisk(confidence=confidence, loss=None, days=len(made), missing=missing)
    rank = int(((1 - confidence) * len(made)).to_integral_value(rounding=ROUND_CEILING))
    loss = max(-made[max(rank, 1) - 1], ZERO).quantize(_CENT, context=WIDE)
    return ValueAtRisk(confidence=confidence, loss=loss, days=len(made), missing=missing)


def _moved(series: Mapping[date, Decimal], before: date, day: date) -> Decimal:
    """The return from one close to the next."""
    return (series[day] - series[before]) / series[before] if series[before] else ZERO


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole).quantize(_SHARE, context=WIDE)
