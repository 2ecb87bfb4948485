"""What is known of a symbol on the evening of a day, as numbers that a model can learn from.

Every feature is a ratio of prices or volumes of days up to that one, so that later splits and dividends, which scale the whole
past alike, change nothing.  `look_back` is how many sessions it sees; with fewer, or with a bar missing where it looks, it is
unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from floorbroker.research.numbers import change, deviation, mean
from floorbroker.research.panel import Panel

Columns = Mapping[str, Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Feature:
    """`of` sees the columns of one symbol (`open high low close volume`) and the place of the day in them."""

    name: str
    look_back: int
    told: str
    of: Callable[[Columns, int], float | None]


def _momentum(back: int, skip: int = 0) -> Callable[[Columns, int], float | None]:
    return lambda columns, at: change(columns["close"], back - skip, at - skip) if at >= skip else None


def _volatility(columns: Columns, at: int) -> float | None:
    steps = [change(columns["close"], 1, place) for place in range(at - 20, at + 1)]
    known = [one for one in steps if one is not None]
    return deviation(known) if len(known) >= 16 else None


def _range(columns: Columns, at: int) -> float | None:
    found: list[float] = []
    for place in range(at - 20, at + 1):
        high, low, close = (columns[name][place] for name in ("high", "low", "close"))
        if high is not None and low is not None and close:
            found.append((high - low) / close)
    return mean(found) if len(found) >= 16 else None


def _volume(columns: Columns, at: int) -> float | None:
    recent = [one for one in columns["volume"][at - 4 : at + 1] if one is not None]
    usual = mean([one for one in columns["volume"][at - 62 : at + 1] if one is not None])
    return (mean(recent) or 0.0) / usual if len(recent) >= 4 and usual else None


def _below_high(columns: Columns, at: int) -> float | None:
    close = columns["close"][at]
    highs = [one for one in columns["high"][at - 125 : at + 1] if one is not None]
    return None if close is None or len(highs) < 100 else close / max(highs) - 1.0


def _gap(columns: Columns, at: int) -> float | None:
    found: list[float] = []
    for place in range(at - 20, at + 1):
        opened, before = columns["open"][place], columns["close"][place - 1]
        if opened is not None and before:
            found.append(abs(opened / before - 1.0))
    return mean(found) if len(found) >= 16 else None


FEATURES: tuple[Feature, ...] = (
    Feature("reversal_5", 6, "change of the close over 5 sessions", _momentum(5)),
    Feature("momentum_21", 22, "change over 21 sessions", _momentum(21)),
    Feature("momentum_63", 64, "change over 63 sessions", _momentum(63)),
    Feature("momentum_126_21", 127, "change over 126 sessions without the last 21", _momentum(126, 21)),
    Feature("volatility_21", 22, "deviation of daily changes over 21 sessions", _volatility),
    Feature("range_21", 21, "mean of (high - low) / close over 21 sessions", _range),
    Feature("gap_21", 22, "mean of the opening gap, without its sign, over 21 sessions", _gap),
    Feature("volume_5_63", 63, "mean volume of 5 sessions over that of 63", _volume),
    Feature("below_high_126", 126, "close below the highest high of 126 sessions", _below_high),
)
BY_NAME: Mapping[str, Feature] = MappingProxyType({one.name: one for one in FEATURES})
_MEMBERS = ("open", "high", "low", "close", "volume")


def columns_of(panel: Panel, symbol: str) -> Columns:
    return {name: panel.numbers(symbol, name) for name in _MEMBERS}


def value_of(feature: Feature, columns: Columns, at: int) -> float | None:
    """Unknown before there are enough sessions."""
    return None if at + 1 < feature.look_back else feature.of(columns, at)


class LooksAhead(ValueError):
    """A feature says something else of a day once later days are known."""


def prove_point_in_time(
    panel: Panel, symbols: Sequence[str], features: Sequence[Feature] = FEATURES, *, looks: int = 12
) -> int:
    """Compute some days anew with every later day cut off; returns how many values were compared.  Raises `LooksAhead`.

    It is run on every dataset, and not in tests alone: a feature somebody adds is proven on the data it is used on.
    """
    compared = 0
    count = len(panel.days)
    places = sorted({count - 1 - count * look // (looks + 1) for look in range(1, looks + 1)})
    for at in places:
        cut = panel.until(panel.days[at])
        for symbol in symbols:
            whole, short = columns_of(panel, symbol), columns_of(cut, symbol)
            for feature in features:
                now, then = value_of(feature, whole, at), _then(feature, short, at)
                if now != then:
                    raise LooksAhead(
                        f"{feature.name} of {symbol} on {panel.days[at]} is {now} with later days and {then} without"
                    )
                compared += 1
    return compared


def _then(feature: Feature, columns: Columns, at: int) -> float | None:
    """A feature that reaches for a day that is not there yet has no value then."""
    try:
        return value_of(feature, columns, at)
    except IndexError:
        return None
