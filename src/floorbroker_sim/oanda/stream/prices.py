"""Prices as they change: of one instrument four a second at most, in a window the latest one wins.

https://developer.oanda.com/rest-live-v20/pricing-ep/
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from floorbroker_sim.oanda import info
from floorbroker_sim.oanda.rest.pricing import client_price, instruments_in
from floorbroker_sim.oanda.rest.reading import Call
from floorbroker_sim.oanda.stream.lines import Lines

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State

_WINDOW = timedelta(milliseconds=int(info.PRICE_WINDOW_S * 1000))


class PriceStream(Lines):
    """One client of the price stream.  Raises `Refused` for a wish that cannot be met."""

    def __init__(self, state: State, call: Call, *, unix: bool) -> None:
        names = instruments_in(call)
        snapshot = call.flag("snapshot", default=True)
        call.flag("includeHomeConversions", default=False)  # read, and without a line of its own
        super().__init__(state, unix=unix, beat=lambda at: {"type": "HEARTBEAT", "time": at})
        self.instruments = frozenset(names)
        self._state = state
        self._said_at: dict[str, datetime] = {}
        self._said: dict[str, tuple[object, ...]] = {}
        self._due: set[str] = set()
        state.price_listeners.append(self._on_price)
        for name in names if snapshot else ():
            self._say(name)

    def closed(self) -> None:
        """The client is gone."""
        if self._on_price in self._state.price_listeners:
            self._state.price_listeners.remove(self._on_price)

    def on_time(self, at: datetime) -> None:
        for name in sorted(self._due):
            if at - self._said_at[name] >= _WINDOW:
                self._say(name)
        super().on_time(at)

    def _on_price(self, instrument: str) -> None:
        if instrument not in self.instruments:
            return
        before = self._said_at.get(instrument)
        if before is not None and timedelta(0) <= self._state.clock.now() - before < _WINDOW:
            self._due.add(instrument)
        else:
            self._say(instrument)

    def _say(self, instrument: str) -> None:
        self._due.discard(instrument)
        price = client_price(self._state, instrument, polled=False)
        if price is None:
            return
        now = (price.bids[0].price, price.asks[0].price, price.status)
        if self._said.get(instrument) == now:
            return
        self._said[instrument] = now
        self._said_at[instrument] = self._state.clock.now()
        self.say(price)
