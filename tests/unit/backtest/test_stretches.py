"""The bars of one symbol are played in stretches: what a strategy keeps stays as it was, and what it asks for comes in time."""

from __future__ import annotations

from datetime import timedelta

from floorbroker.strategy import BarView, Fired, Strategy
from tests.unit.backtest.market import flat, play, series

CLOSES = [1000 + n for n in range(60)]


class Keeper(Strategy):
    """Keeps every third bar, and asks for timers while bars run."""

    def on_start(self) -> None:
        self.seen: list[str] = []
        self.kept: list[BarView] = []
        self.closes: list[str] = []

    def on_bar(self, bar: BarView) -> None:
        self.seen.append(f"bar {bar.end:%H:%M} now {self.now:%H:%M}")
        if len(self.bars(bar.symbol)) % 3 == 0:
            self.kept.append(bar)
            self.closes.append(str(bar.close))
        if len(self.bars(bar.symbol)) == 20:
            self.at(self.now + timedelta(seconds=90), "soon")

    def on_timer(self, timer: Fired) -> None:
        self.seen.append(f"timer {self.now:%H:%M:%S}")


def test_a_bar_that_was_kept_never_changes() -> None:
    strategy = Keeper(symbols=("SPY",))
    play(strategy, series(flat(*CLOSES)))
    assert [str(bar.close) for bar in strategy.kept] == strategy.closes
    assert len({*strategy.closes}) == len(strategy.kept) == 20


def test_every_bar_is_shown_once_at_its_end_and_a_timer_between_two() -> None:
    strategy = Keeper(symbols=("SPY",))
    play(strategy, series(flat(*CLOSES)))
    bars = [one for one in strategy.seen if one.startswith("bar")]
    assert len(bars) == len({*bars}) == len(CLOSES)
    assert all(one.split()[1] == one.split()[3] for one in bars)
    at = next(place for place, one in enumerate(strategy.seen) if one.startswith("timer"))
    assert at == 21  # twenty bars, the one a minute later, and then
