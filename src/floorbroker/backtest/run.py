"""A backtest: plays a feed to a strategy on a simulated clock.

Every event comes at the moment it became known: a bar when it is over.  Before it, the venue's orders meet it, and the strategy
hears what became of them; then its own handler runs.  Timers that are due come after all that became known by then.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from sys import getrefcount

from floorbroker.backtest.actions import Happening, in_order, split_places
from floorbroker.backtest.costs import FREE, Costs
from floorbroker.backtest.currencies import currencies_of
from floorbroker.backtest.feed import Feed, Play, in_turn, times_of
from floorbroker.backtest.happenings import Happenings
from floorbroker.backtest.instruments import InstrumentOf, calendar_of, usual
from floorbroker.backtest.result import Result
from floorbroker.backtest.venue import Venue
from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.records import Trade
from floorbroker.strategy.bars import BarView, Columns, Cursor, Track, microseconds
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.decisions import Decision
from floorbroker.strategy.runner import Runner
from floorbroker.tape import QuoteSeries

Told = Callable[[int, int], None]  # events played, events in all
TELL_EVERY = 50_000


def nobody(done: int, total: int) -> None:
    """Nobody watches."""
    del done, total


class Backtest:
    """One run.  `sessions` lets orders work by each symbol's calendar; without, the market never closes.

    `cash` and all figures are in `currency`; `rates` says what one unit of another is worth in it, else a pair does
    that is played.
    Raises `InvalidRequest` where there is nothing to play, or a currency has neither.
    """

    def __init__(
        self,
        strategy: Strategy,
        feed: Feed,
        *,
        cash: Decimal = Decimal(100_000),
        currency: str = "",
        rates: Mapping[str, Decimal] | None = None,
        costs: Costs = FREE,
        actions: Iterable[Happening] = (),
        sessions: bool = False,
        instrument: InstrumentOf = usual,
        told: Told = nobody,
        decided: Callable[[Decision], None] | None = None,
    ) -> None:
        if not feed.size:
            raise _nothing(strategy)
        self.feed = feed
        self._told = told
        start, self._end = feed.span()
        planned = in_order(actions)
        calendar = calendar_of(feed.symbols[0], instrument) if sessions else None
        currencies = currencies_of(feed.symbols, instrument, base=currency, given=rates)
        self.venue = Venue(
            start=start, cash=cash, costs=costs, instrument=instrument, calendar=calendar, currencies=currencies
        )
        self.venue.decided = decided
        self.venue.now_us = microseconds(start)
        self._happenings = Happenings(planned, start=start, borrow_percent=costs.borrow_percent)
        for symbol, columns in feed.bars.items():
            mine = [action for action in planned if action.symbol == symbol]
            self.venue.tracks[symbol] = Track(columns, splits=split_places(columns.start_us, mine))
        self.runner = Runner(strategy, self.venue)
        self._cash = cash

    def run(self) -> Result:
        """Play everything, then stop the strategy."""
        self.runner.start()
        feed = self.feed
        if len(feed.bars) == 1 and not feed.quotes and not feed.trades and not feed.books:
            self._one(*feed.bars.values())
        else:
            self._many()
        self._pass(self.venue.now_us + 1)
        self.runner.stop()
        return Result.of(self.venue, self.feed, strategy=self.runner.strategy, cash=self._cash)

    def _one(self, columns: Columns) -> None:
        """The bars of one symbol, in stretches in which no timer and no corporate action is due.

        Of a bar at which nothing is open and nothing is wished, its handler is most of the cost.
        """
        total, place, told = len(columns), 0, 0
        while place < total:
            if columns.end_us[place] > self.venue.timers.next_us or columns.end_us[place] >= self._happenings.next_us:
                self._pass(columns.end_us[place])
            place = self._stretch(columns, place, min(self._quiet_until(columns, place), place + TELL_EVERY))
            if place - told >= TELL_EVERY or place == total:
                told = place
                self._told(place, total)

    def _quiet_until(self, columns: Columns, place: int) -> int:
        """The first bar after this one before which a timer or a corporate action is due."""
        ends = columns.end_us
        timer = bisect_right(ends, self.venue.timers.next_us, place)
        return max(place + 1, min(timer, bisect_left(ends, self._happenings.next_us, place)))

    def _stretch(self, columns: Columns, first: int, until: int) -> int:
        """Play bars up to the place `until`, or until the strategy asked for a timer; where to go on."""
        venue, news, settle, handler = self.venue, self.venue.news, self.runner.settle, self.runner.strategy.on_bar
        track, next_us, awake, place = venue.tracks[columns.symbol], venue.timers.next_us, venue.awake, first
        view = venue.view = Cursor(columns, first)
        held = getrefcount(view)  # by ourselves; more, and somebody keeps the bar
        for place in range(first, until):
            if awake:
                venue.now_us = columns.end_us[place]
                venue.meet_bar(columns, place)
                track.at = place
                if news:
                    settle()
                venue.view = view
            track.at = place
            venue.playing = track
            if getrefcount(view) == held:
                view.to(place)
            else:
                view = venue.view = Cursor(columns, place)
            handler(view)
            if awake or venue.stirred:
                venue.stirred = False
                if news:
                    settle()
                venue.view, awake = view, venue.awake
                if venue.timers.next_us != next_us:
                    break
        venue.now_us = columns.end_us[place]
        return place + 1

    def _many(self) -> None:
        """Everything in the order in which it became known: quotes, trades and books before the bars of the same moment."""
        timers, happenings, venue = self.venue.timers, self._happenings, self.venue
        total = self.feed.size
        for done, (us, play, place) in enumerate(in_turn(self._sources()), start=1):
            if us > timers.next_us or us >= happenings.next_us:
                self._pass(us)
            venue.now_us = us
            play(place)
            if done % TELL_EVERY == 0:
                self._told(done, total)
        self._told(total, total)

    def _pass(self, until_us: int) -> None:
        """Timers and corporate actions that come before what is known at `until_us`."""
        venue, timers, happenings = self.venue, self.venue.timers, self._happenings
        while min(timers.next_us + 1, happenings.next_us) <= until_us:
            if happenings.next_us <= timers.next_us:
                venue.now_us = max(venue.now_us, happenings.next_us)
                happenings.happen(venue, happenings.next_us)
                self.runner.settle()
            else:
                venue.now_us = max(venue.now_us, timers.next_us)
                self.runner.timers()

    # -- sources ----------------------------------------------------------------------------------------------------------------

    def _sources(self) -> list[tuple[Iterable[int], Play]]:
        feed = self.feed
        sources: list[tuple[Iterable[int], Play]] = [(times_of(series), self._quotes(series)) for series in feed.quotes]
        if feed.books:
            sources.append(([microseconds(delta.time) for delta in feed.books], self._books))
        if feed.trades:
            sources.append(([microseconds(trade.time) for trade in feed.trades], self._trades))
        quoted = {series.symbol for series in feed.quotes}
        for symbol, columns in feed.bars.items():
            if symbol in quoted:
                sources.append((columns.end_us, self._closes(columns)))
        return [*sources, *((columns.end_us, self._bars(columns)) for columns in feed.bars.values())]

    def _quotes(self, series: QuoteSeries) -> Play:
        def play(place: int) -> None:
            quote = series.quote_at(place)
            self.venue.meet_quote(quote)
            self.runner.settle()
            self.runner.quote(quote)

        return play

    def _books(self, place: int) -> None:
        delta = self.feed.books[place]
        self.venue.meet_book(delta)
        self.runner.settle()
        self.runner.book(delta)

    def _trades(self, place: int) -> None:
        trade = self.feed.trades[place]
        self.venue.meet_trade(trade)
        self.runner.settle()
        self.runner.trade(trade)

    def _closes(self, columns: Columns) -> Play:
        """The close of a bar whose symbol has quotes: a trade, which elects stops."""

        def play(place: int) -> None:
            bar = BarView(columns, place)
            self.venue.meet_trade(Trade(symbol=bar.symbol, price=bar.close, size=bar.volume, time=bar.end))
            self.runner.settle()

        return play

    def _bars(self, columns: Columns) -> Play:
        venue, runner, track = self.venue, self.runner, self.venue.tracks[columns.symbol]
        news, handler = venue.news, runner.strategy.on_bar

        def play(place: int) -> None:
            if venue.awake and columns.symbol not in venue.quoted:
                venue.meet_bar(columns, place)
                track.at = place
                if news:
                    runner.settle()
            track.at = place
            venue.view = view = BarView(columns, place)
            handler(view)
            if news:
                runner.settle()

        return play


def _nothing(strategy: Strategy) -> InvalidRequest:
    detail = f"{strategy.called}: there is nothing to play; name symbols and days for which bars are there"
    return InvalidRequest(detail, fields=(FieldError(pointer="/feed", code="missing", detail=detail),))
