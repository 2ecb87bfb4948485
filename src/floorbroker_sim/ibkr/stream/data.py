"""Market data of one connection: ticks, tick-by-tick, bars in real time, and bars kept up to date.

Tick types: https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/#available-tick-types
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import ZERO
from floorbroker_sim.history import day_start
from floorbroker_sim.ibkr import errors, info
from floorbroker_sim.ibkr.rest import bars
from floorbroker_sim.ibkr.rest.state import Client, State
from floorbroker_sim.ibkr.wire import frames
from floorbroker_sim.ibkr.wire.frames import Words
from floorbroker_sim.market import Tick

LIVE, DELAYED = 1, 3
# price and size of bid, ask, last; then volume, high, low, close, open
_KINDS = {
    LIVE: (1, 0, 2, 3, 4, 5, 8, 6, 7, 9, 14),
    DELAYED: (66, 69, 67, 70, 68, 71, 74, 72, 73, 75, 76),
}
_MODEL = {LIVE: 13, DELAYED: 83}
TICK_BY_TICK = {"Last": 1, "AllLast": 2, "BidAsk": 3, "MidPoint": 4}


@dataclass(slots=True)
class _Line:
    symbol: str
    kind: int
    told: dict[int, tuple[Decimal, Decimal]] = field(default_factory=dict[int, tuple[Decimal, Decimal]])


@dataclass(frozen=True, slots=True)
class _Kept:
    symbol: str
    size: str
    epoch: bool


class Feed:
    """What one connection listens to."""

    def __init__(self, state: State, client: Client) -> None:
        self._state = state
        self._client = client
        self.wants = LIVE  # what `reqMarketDataType` asked for
        self._lines: dict[int, _Line] = {}
        self._by_tick: dict[int, tuple[str, int]] = {}
        self._bars: dict[int, str] = {}
        self._kept: dict[int, _Kept] = {}

    @property
    def symbols(self) -> set[str]:
        """Canonical symbols somebody here listens to."""
        lines = {line.symbol for line in self._lines.values()}
        return (
            lines
            | {s for s, _ in self._by_tick.values()}
            | set(self._bars.values())
            | {k.symbol for k in self._kept.values()}
        )

    # --- Ticks --------------------------------------------------------------------------------------------------------

    def subscribe(self, request: int, symbol: str, *, snapshot: bool) -> None:
        """Raises `Refused` for a number in use, too many lines, or prices nobody paid for."""
        if request in self._lines:
            raise errors.duplicate_ticker()
        if len(self._lines) >= info.MAX_LINES:
            raise errors.too_many_tickers()
        kind = self._kind(request, symbol)
        line = _Line(symbol, kind)
        instrument = self._state.market.instrument(symbol)
        self._client.send([58, 1, request, kind])
        self._client.send([81, request, min(rule.tick for rule in instrument.ticks), "9c0001", 3])
        self._tell_quote(request, line, self._state.market.quote(symbol))
        self._tell_trade(request, line, self._state.market.last_trade(symbol))
        self._tell_day(request, line)
        self._tell_model(request, line)
        if snapshot:
            self._client.send([57, 1, request])
        else:
            self._lines[request] = line

    def _kind(self, request: int, symbol: str) -> int:
        if self._state.entitled:
            return LIVE
        if self.wants < DELAYED:
            raise errors.not_subscribed(symbol)
        self._client.send(frames.error(request, errors.delayed(), self._client.version))
        return DELAYED

    def unsubscribe(self, request: int) -> None:
        """Raises `Refused` for a number that listens to nothing."""
        if self._lines.pop(request, None) is None:
            raise errors.no_ticker(request)

    def _tell_quote(self, request: int, line: _Line, quote: Quote | None) -> None:
        kinds = _KINDS[line.kind]
        sides = (
            ((None, None), (None, None))
            if quote is None
            else ((quote.bid, quote.bid_size), (quote.ask, quote.ask_size))
        )
        for at, (price, size) in zip((0, 2), sides, strict=True):
            shown = (Decimal(-1), ZERO) if price is None else (price, size or ZERO)
            self._tell(request, line, kinds[at : at + 2], price=shown[0], size=shown[1])

    def _tell_trade(self, request: int, line: _Line, trade: Trade | None) -> None:
        if trade is None:
            return
        kinds = _KINDS[line.kind]
        self._tell(request, line, kinds[4:6], price=trade.price, size=trade.size)
        self._client.send([46, 6, request, 45 if line.kind == LIVE else 88, int(trade.time.timestamp())])

    def _tell(self, request: int, line: _Line, kinds: tuple[int, ...], *, price: Decimal, size: Decimal) -> None:
        """Only what changed; a size alone goes alone."""
        kind, size_kind = kinds
        before = line.told.get(kind)
        if before == (price, size):
            return
        line.told[kind] = (price, size)
        if before is None or before[0] != price:
            self._client.send(frames.tick_price(request, kind, price, size))
        self._client.send(frames.tick_size(request, size_kind, size))

    def _tell_day(self, request: int, line: _Line) -> None:
        """Volume, high, low, yesterday's close and the opening, as far as the day has any."""
        now = self._state.clock.now()
        volume, high, low, close, opening = _KINDS[line.kind][6:]
        today = list(self._state.history.days(line.symbol, day_start(now, is_coin=False), now))
        if today:
            bar = today[-1]
            self._client.send(frames.tick_size(request, volume, bar.volume))
            for kind, price in ((high, bar.high), (low, bar.low), (opening, bar.open)):
                self._client.send(frames.tick_price(request, kind, price, ZERO))
        before = self._state.market.close_before(line.symbol, day_start(now, is_coin=False))
        self._client.send(frames.tick_price(request, close, before, ZERO))
        self._client.send([45, 6, request, 49, 0])

    def _tell_model(self, request: int, line: _Line) -> None:
        """An option's computation: its price and its share's; greeks are marked as not computed."""
        contract = OptionContract.parse(line.symbol)
        if contract is None:
            return
        option, share = self._state.mark(line.symbol), self._state.mark(contract.root)
        self._client.send([21, request, _MODEL[line.kind], 1, -1, -2, option, -1, -2, -2, -2, share])

    # --- Tick by tick, bars -------------------------------------------------------------------------------------------

    def subscribe_ticks(self, request: int, symbol: str, word: str) -> None:
        """Raises `Refused`."""
        if word not in TICK_BY_TICK:
            raise errors.invalid(f"Invalid tick type:{word}")
        if not self._state.entitled:
            raise errors.Refused(10189, f"Failed to request tick-by-tick data.No market data permissions for {symbol}")
        self._by_tick[request] = (symbol, TICK_BY_TICK[word])

    def unsubscribe_ticks(self, request: int) -> None:
        if self._by_tick.pop(request, None) is None:
            raise errors.no_ticker(request)

    def subscribe_bars(self, request: int, symbol: str) -> None:
        self._bars[request] = symbol

    def unsubscribe_bars(self, request: int) -> None:
        if self._bars.pop(request, None) is None:
            raise errors.no_ticker(request)

    def keep(self, request: int, symbol: str, *, size: str, epoch: bool) -> None:
        """Bars that go on after the past."""
        self._kept[request] = _Kept(symbol, size, epoch)

    def forget(self, request: int) -> None:
        """Raises `Refused` for a number that asked for no bars."""
        if self._kept.pop(request, None) is None:
            raise errors.no_history_request(request)

    # --- What happens -------------------------------------------------------------------------------------------------

    def priced(self, tick: Tick) -> None:
        """New prices of one symbol."""
        named = tick.quote or tick.trade
        if named is None:
            return
        for request, line in self._lines.items():
            if line.symbol == named.symbol:
                if tick.quote is not None:
                    self._tell_quote(request, line, tick.quote)
                if tick.trade is not None:
                    self._tell_trade(request, line, tick.trade)
        for request, (symbol, kind) in self._by_tick.items():
            if symbol == named.symbol and (words := _tick_words(request, kind, tick)) is not None:
                self._client.send(words)

    def five_seconds(self) -> None:
        """A bar of five seconds is over."""
        for request, symbol in self._bars.items():
            words = bars.real_time_words(self._state, request, symbol)
            if words is not None:
                self._client.send(words)

    def minute(self, at: datetime) -> None:
        """A minute is over."""
        del at
        for request, kept in self._kept.items():
            found, _, _ = bars.bars(self._state, kept.symbol, end="", duration="2 D", size=kept.size, shown="TRADES")
            self._client.send(bars.update_words(request, found[-1], size=kept.size, epoch=kept.epoch))

    def lose(self) -> None:
        """The link came back without its data: nobody listens to anything any more."""
        for subscriptions in (self._lines, self._by_tick, self._bars, self._kept):
            subscriptions.clear()


def _tick_words(request: int, kind: int, tick: Tick) -> Words | None:
    quote, trade = tick.quote, tick.trade
    seconds = int(tick.at.timestamp())
    if kind in {1, 2} and trade is not None:
        return [99, request, kind, seconds, trade.price, trade.size, 0, "SMART", ""]
    if kind == 3 and quote is not None and quote.bid is not None and quote.ask is not None:
        return [99, request, kind, seconds, quote.bid, quote.ask, quote.bid_size, quote.ask_size, 0]
    if kind == 4 and quote is not None and quote.mid is not None:
        return [99, request, kind, seconds, quote.mid]
    return None
