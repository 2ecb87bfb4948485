"""The market-data feed: requests as JSON in binary frames, answers as protobuf.

First how the segments stand, then a snapshot of each instrument that is asked for, then its changes.
https://upstox.com/developer/api-documentation/v3/get-market-data-feed
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from floorbroker_sim.history import Candle
from floorbroker_sim.http import Outbox
from floorbroker_sim.market import Tick
from floorbroker_sim.upstox import codec
from floorbroker_sim.upstox.mapping import epoch_ms
from floorbroker_sim.upstox.rest import greeks
from floorbroker_sim.upstox.rest.depth import LEVELS, Level, ladder
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.sessions import phase
from floorbroker_sim.upstox.rest.state import State
from floorbroker_sim.upstox.wire import FeedWish

# How many instruments one connection may ask for, by mode.
MOST = {"ltpc": 5000, "option_greeks": 3000, "full": 2000, "full_d30": 50}
_SEGMENTS = ("NSE_EQ", "NSE_FO", "NSE_INDEX", "BSE_EQ")
_DEEP = 30
_POLICY = 1008


class MarketSession:
    """One client of the feed.  `symbols` are those somebody waits for, canonical."""

    def __init__(self, state: State, among: list[MarketSession]) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = None
        self._state = state
        self._among = among
        self._modes: dict[str, str] = {}  # by instrument key
        self._phase = ""

    @property
    def symbols(self) -> set[str]:
        return {self._state.listings.by_key[key].symbol for key in self._modes}

    def opened(self) -> None:
        self._among.append(self)
        self._state.listeners.prices.append(self._on_price)
        self._state.listeners.times.append(self._on_time)
        self._on_time(self._state.clock.now())

    def impatient(self) -> None:
        """A client may listen without asking for anything."""

    def closed(self) -> None:
        listeners = self._state.listeners
        listeners.prices[:] = [one for one in listeners.prices if one != self._on_price]
        listeners.times[:] = [one for one in listeners.times if one != self._on_time]
        if self in self._among:
            self._among.remove(self)

    def received(self, data: bytes | str) -> None:
        """`sub`, `change_mode` or `unsub`; what cannot be read is passed over, as the venue does."""
        try:
            wish = msgspec.json.decode(data, type=FeedWish)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        known = [key for key in wish.data.instrument_keys if key in self._state.listings.by_key]
        match wish.method:
            case "unsub":
                for key in known:
                    self._modes.pop(key, None)
            case "sub" | "change_mode" if wish.data.mode in codec.MODES:
                self._subscribe(known, wish.data.mode)
            case _:
                pass  # a method nobody knows

    def _subscribe(self, keys: Iterable[str], mode: str) -> None:
        fresh: list[str] = []
        for key in keys:
            used = sum(1 for other in self._modes.values() if other == mode)
            if self._modes.get(key) != mode and used < MOST[mode]:
                self._modes[key] = mode
                fresh.append(key)
        if fresh:
            self._say(codec.INITIAL, fresh)

    # --- What is pushed -----------------------------------------------------------------------------------------------

    def _on_time(self, at: datetime) -> None:
        word = phase(self._state)
        if word != self._phase:
            self._phase = word
            self._put(codec.response(codec.MARKET_INFO, at_ms=epoch_ms(at), phases=dict.fromkeys(_SEGMENTS, word)))

    def _on_price(self, tick: Tick) -> None:
        named = tick.trade or tick.quote
        listed = None if named is None else self._state.listings.by_symbol.get(named.symbol)
        if listed is not None and listed.key in self._modes:
            self._say(codec.LIVE, [listed.key])

    def _say(self, kind: int, keys: Iterable[str]) -> None:
        feeds = {key: self._feed(self._state.listings.by_key[key], self._modes[key]) for key in keys}
        self._put(codec.response(kind, at_ms=epoch_ms(self._state.clock.now()), feeds=feeds))

    def _put(self, frame: bytes) -> None:
        if not self.outbox.put(frame):
            self.outbox.close(_POLICY)

    # --- One instrument -----------------------------------------------------------------------------------------------

    def _feed(self, listed: Listed, mode: str) -> bytes:
        last = self._last(listed)
        if mode == "ltpc":
            return codec.feed(1, last, mode)
        if listed.kind == "INDEX":
            return codec.feed(2, codec.full_index(last, bars=self._bars(listed)), mode)
        if mode == "option_greeks":
            return codec.feed(3, self._first(listed, last), mode)
        return codec.feed(2, self._full(listed, last, _DEEP if mode == "full_d30" else LEVELS), mode)

    def _last(self, listed: Listed) -> bytes:
        state, now = self._state, self._state.clock.now()
        trade = state.market.last_trade(listed.symbol)
        return codec.ltpc(
            price=state.last(listed), at_ms=epoch_ms(now if trade is None else trade.time),
            quantity=0 if trade is None else int(trade.size), close=state.past.previous_close(listed, now),
        )  # fmt: skip

    def _first(self, listed: Listed, last: bytes) -> bytes:
        bids, asks = ladder(self._state, listed, count=1)
        found = greeks.of(self._state, listed)
        return codec.first_level(
            last, best=_level(bids[0], asks[0]), greek=codec.greeks(found.delta, found.theta, found.gamma, found.vega),
            volume=int(self._today(listed).volume), iv=found.iv,
        )  # fmt: skip

    def _full(self, listed: Listed, last: bytes, count: int) -> bytes:
        bids, asks = ladder(self._state, listed, count=count)
        found, day = greeks.of(self._state, listed), self._today(listed)
        greek = codec.greeks(found.delta, found.theta, found.gamma, found.vega) if listed.is_option else None
        return codec.full_market(
            last, levels=[_level(bid, ask) for bid, ask in zip(bids, asks, strict=True)], greek=greek,
            bars=self._bars(listed), mean=round(day.mean, 2), volume=int(day.volume), iv=found.iv,
            bids=sum(one.quantity for one in bids), asks=sum(one.quantity for one in asks),
        )  # fmt: skip

    def _today(self, listed: Listed) -> Candle:
        return self._state.past.today(listed, self._state.clock.now())

    def _bars(self, listed: Listed) -> list[bytes]:
        """The day, and the minute that runs."""
        now, day = self._state.clock.now(), self._today(listed)
        minute = epoch_ms(now.replace(second=0, microsecond=0))
        price = self._state.last(listed)
        prices: tuple[Decimal, Decimal, Decimal, Decimal] = (day.open, day.high, day.low, day.close)
        return [
            codec.bar("1d", prices, volume=int(day.volume), start_ms=epoch_ms(day.start)),
            codec.bar("I1", (price, price, price, price), volume=0, start_ms=minute),
        ]


def _level(bid: Level, ask: Level) -> bytes:
    return codec.level(bid_quantity=bid.quantity, bid=bid.price, ask_quantity=ask.quantity, ask=ask.price)
