"""Nothing a strategy does depends on what comes later."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.backtest import Backtest, Feed, cut, recorded_feed
from floorbroker.strategy.decisions import Decision
from floorbroker.strategy.shelf import SHELF
from floorbroker.tape import load
from tests.unit.backtest.market import Scripted, flat, play, series

SYMBOLS = ("SPY", "AAPL", "IBM", "BAC", "AIG")
QUICK: dict[str, dict[str, Any]] = {
    "crossover": {"fast": 5, "slow": 20},
    "reversion": {"period": 10},
    "ranked": {"horizons": (5, 20)},
    "rotation": {"period": 20, "symbols": ("SPY", "EEM")},
}


@pytest.mark.parametrize("name", QUICK)
def test_decisions_are_the_same_when_the_future_is_cut_off(name: str, recorded_data: Path) -> None:
    """Two years that hold a seven-for-one split, and the same without their last months."""
    symbols = QUICK[name].get("symbols", SYMBOLS)
    feed, actions = recorded_feed(load(recorded_data), symbols, since=date(2013, 6, 3), until=date(2015, 3, 31))

    def decided(market: Feed) -> list[dict[str, Any]]:
        kept: list[Decision] = []
        strategy = SHELF[name](**{"symbols": symbols, **QUICK[name]})
        Backtest(strategy, market, actions=actions, sessions=True, decided=kept.append).run()
        return [one.members(strategy=name) for one in kept]

    end = feed.bars["SPY"].end_us[300]
    early = Feed(bars={s: cut(c, None, _moment(end)) for s, c in feed.bars.items()})
    whole, part = decided(feed), decided(early)
    assert len(part) > 5
    assert whole[: len(part)] == part


def _moment(us: int) -> Any:
    from floorbroker.strategy.bars import moment_of

    return moment_of(us)


@given(st.lists(st.integers(min_value=50, max_value=150), min_size=4, max_size=40), st.data())
@settings(max_examples=60)
def test_indicators_and_bars_in_reach_end_at_the_present(closes: list[int], data: st.DataObject) -> None:
    now = data.draw(st.integers(min_value=0, max_value=len(closes) - 1))
    seen: list[Any] = []

    def look(strategy: Scripted) -> None:
        track = strategy.bars("SPY")
        average = strategy.average("SPY", 2)
        seen.append((len(track), track.view().close, average.value if average.ready else None, strategy.equity))
        with pytest.raises(LookupError):
            track.back(len(track))
        with pytest.raises(LookupError):
            track.back(-1)

    play(Scripted({now: look}), series(flat(*closes)))
    play(Scripted({now: look}), series(flat(*closes[: now + 1])))
    assert seen[0] == seen[1]
