"""Reference and market data: instruments (kept for an hour), quotes, bars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.info import BROKER
from floorbroker.brokers.bybit.mapping import market
from floorbroker.brokers.bybit.mapping.instruments import Rules, rules_from
from floorbroker.brokers.bybit.mapping.symbols import Place, Symbols, to_wire
from floorbroker.brokers.bybit.rest.calls import KLINES_MAX, Calls
from floorbroker.brokers.bybit.rest.reads import PAGES_MAX, Reads
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, InvalidRequest, SymbolNotFound
from floorbroker.domain.records import Quote
from floorbroker.transport.types import Request

T = TypeVar("T")

_RULES_AGE_S = 3600.0
_RULES_MAX = 5_000
_BAD_PARAMETER = "10001 "


@dataclass(frozen=True, slots=True)
class _Kept:
    """Rules and the monotonic time they were asked for."""

    asked_s: float
    rules: Rules


class MarketReads:
    """What can be asked about markets, whoever the account belongs to."""

    def __init__(self, reads: Reads, calls: Calls, symbols: Symbols, *, clock: Clock) -> None:
        self._reads = reads
        self._calls = calls
        self._symbols = symbols
        self._clock = clock
        self._rules: dict[str, _Kept] = {}

    async def learn(self) -> int:
        """Read the instrument lists, so that every spelling of the venue is known.  How many there are."""
        found = await self._reads.instruments()
        for one in found:
            if one.settle_coin is None:
                self._symbols.learn(one.symbol, one.base_coin, one.quote_coin)
        return len(found)

    async def rules(self, symbol: str) -> Rules:
        """The venue's rules, kept for an hour.  Raises `SymbolNotFound`."""
        kept = self._rules.get(symbol)
        if kept is not None and self._clock.monotonic() - kept.asked_s < _RULES_AGE_S:
            return kept.rules
        place, asked_s = to_wire(symbol), self._clock.monotonic()
        found = await self._look_up(place, symbol)
        if len(self._rules) >= _RULES_MAX:
            self._rules.clear()
        self._rules[symbol] = _Kept(asked_s, found)
        return found

    def known(self, symbol: str) -> Rules | None:
        """The same without asking: what was told last."""
        kept = self._rules.get(symbol)
        return None if kept is None else kept.rules

    async def _look_up(self, place: Place, symbol: str) -> Rules:
        page = await self._of_symbol(self._calls.instrument(place), wire.Page[wire.Instrument], symbol)
        found = next((one for one in page.items or [] if one.symbol == place.symbol), None)
        if found is None:
            raise _unknown(symbol)
        if found.settle_coin is None:
            self._symbols.learn(found.symbol, found.base_coin, found.quote_coin)
        rules = rules_from(found, place.category, self._symbols, as_of=self._clock.now())
        if rules.instrument.symbol != symbol:
            raise _unknown(symbol)
        return rules

    async def _of_symbol(self, request: Request, kind: type[T], symbol: str) -> T:
        """A question about one symbol; a "parameter error" is the venue's word for one it does not know."""
        try:
            return await self._reads.ask(request, kind, what=f"the market of {symbol}")
        except ApiError as error:
            if (error.venue_text or "").startswith(_BAD_PARAMETER):
                raise _unknown(symbol) from error
            raise

    async def quote(self, symbol: str) -> Quote:
        """Best bid, best ask and last price."""
        place, asked_at = to_wire(symbol), self._clock.now()
        page = await self._of_symbol(self._calls.ticker(place), wire.Page[wire.Ticker], symbol)
        found = next((one for one in page.items or [] if one.symbol == place.symbol), None)
        if found is None:
            raise _unknown(symbol)
        return market.quote_from(symbol, found, at=asked_at)

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int) -> BarSeries:
        """Bars from the first that starts at or after `start`, `limit` at most.  The venue lists the newest first."""
        place, interval = to_wire(symbol), market.interval_of(span_s)
        found: dict[datetime, Bar] = {}
        since = start
        for _ in range(PAGES_MAX):
            if since > end or len(found) >= limit:
                break
            until = min(end, since + timedelta(seconds=span_s * (KLINES_MAX - 1)))
            request = self._calls.klines(place, interval, start=since, end=until, limit=KLINES_MAX)
            page = await self._of_symbol(request, wire.Klines, symbol)
            bars = [market.bar_from_row(symbol, row) for row in page.items or []]
            found |= {bar.start: bar for bar in bars if start <= bar.start <= end}
            since = until + timedelta(milliseconds=1)
        else:
            raise InvalidRequest("that is more than can be asked for at once: begin later, or take longer bars")
        chosen = [found[at] for at in sorted(found)[:limit]]
        return market.series_from(symbol, chosen, span_s=span_s)


def _unknown(symbol: str) -> SymbolNotFound:
    return SymbolNotFound(f"Bybit does not know {symbol}", broker=BROKER)
