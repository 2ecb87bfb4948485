"""The greeks of options, of the normal model with the volatility the seeded prices are made with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import erf, exp, pi, sqrt
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.upstox.rest.listing import Listed

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

_VOLATILITY = 0.3
_YEAR_S = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Greeks:
    """By unit of the underlying; theta a day, vega for a hundredth of volatility; `pop` is the chance to end in the money."""

    delta: Decimal = ZERO
    gamma: Decimal = ZERO
    theta: Decimal = ZERO
    vega: Decimal = ZERO
    iv: Decimal = ZERO
    pop: Decimal = ZERO


def of(state: State, listed: Listed) -> Greeks:
    """All zero for what is no option, or has expired."""
    quote = state.market.quote(listed.underlying) if listed.is_option else None
    ends, spot = listed.ends_at, None if quote is None else quote.mid
    if spot is None or ends is None or listed.strike is None:
        return Greeks()
    left = (ends - state.clock.now()).total_seconds() / _YEAR_S
    if left <= 0:
        return Greeks()
    deviation = float(spot) * _VOLATILITY * sqrt(left)
    distance = (float(spot) - float(listed.strike)) / deviation
    density, chance = exp(-distance * distance / 2) / sqrt(2 * pi), (1 + erf(distance / sqrt(2))) / 2
    inside = chance if listed.kind == "CE" else 1 - chance
    return Greeks(
        delta=_exact(chance if listed.kind == "CE" else chance - 1), gamma=_exact(density / deviation),
        theta=_exact(-density * deviation / (2 * left * 365)), vega=_exact(density * deviation / _VOLATILITY / 100),
        iv=_exact(_VOLATILITY), pop=_exact(inside * 100),
    )  # fmt: skip


def _exact(statistic: float) -> Decimal:
    return Decimal(str(round(statistic, 6)))
