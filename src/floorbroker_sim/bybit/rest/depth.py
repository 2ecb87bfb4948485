"""The L2 book: the top is the market's quote, the levels behind it wander by seed; and the numbered changes of its streams.

https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b

from floorbroker.domain.records import BookDelta, BookLevel, Quote
from floorbroker.domain.values import Price, Side
from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.mapping import price_text, qty_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = 12_000  # a level is about this part of the price behind the last
_MS = timedelta(milliseconds=1)
_CHANGES_MS = 900  # how long a level keeps its size, about

Levels = dict[str, str]  # price to size, as the venue spells them, best first


@dataclass(frozen=True, slots=True)
class View:
    """One book cut at a depth."""

    bids: Levels
    asks: Levels


def view(product: Product, quote: Quote, *, seed: int, at: datetime, depth: int) -> View:
    """The book at a moment, a pure function of its arguments."""
    return View(
        bids=_side(product, quote.bid, quote.bid_size, Side.BUY, seed=seed, at=at, depth=depth),
        asks=_side(product, quote.ask, quote.ask_size, Side.SELL, seed=seed, at=at, depth=depth),
    )


def _side(
    product: Product, best: Decimal | None, size: Decimal, side: Side, *, seed: int, at: datetime, depth: int
) -> Levels:
    """The best level and those behind it, on a grid of prices, so that a moving top leaves the rest where it was."""
    if best is None:
        return {}
    levels = {price_text(product, best): qty_text(product, size)}
    gap = max(1, int(best / _FAR / product.tick))
    step = gap * product.tick
    place = int(best / step)
    if side is Side.SELL or place * step == best:
        place -= side.sign
    moment_ms = (at - _EPOCH) // _MS
    key = f"{seed}:{product.canonical}:{side.value}"
    while len(levels) < depth and place > 0:
        phase = _phase(key, place)
        level = _level(product, key, place, gap, (moment_ms + phase) // (_CHANGES_MS + phase % (8 * _CHANGES_MS)))
        if level is not None:
            levels[level[0]] = level[1]
        place -= side.sign
    return levels


@lru_cache(maxsize=65_536)
def _phase(key: str, place: int) -> int:
    """Levels change at times of their own."""
    return int.from_bytes(blake2b(f"{key}:{place}".encode(), digest_size=4).digest(), "big")


@lru_cache(maxsize=65_536)
def _level(product: Product, key: str, place: int, gap: int, epoch: int) -> tuple[str, str] | None:
    """Price and size of one level while it lasts: some hundred to some hundred thousand quote units; some stand empty."""
    noise = int.from_bytes(blake2b(f"{key}:{place}:{epoch}".encode(), digest_size=8).digest(), "big")
    if noise % 8 == 0:
        return None
    price = place * gap * product.tick
    steps = int(Decimal(300 + noise % 90_000) / price / product.step)
    return price_text(product, price), qty_text(product, max(1, steps) * product.step)


def whole_book(product: Product, shown: View, at: datetime) -> BookDelta:
    """The same for the matching engine."""
    bids, asks = (
        tuple(BookLevel(price=Price(Decimal(price)), size=Decimal(size)) for price, size in side.items())
        for side in (shown.bids, shown.asks)
    )
    return BookDelta(symbol=product.canonical, bids=bids, asks=asks, time=at, reset=True)


# --- Numbered changes ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a stream tells: a whole book, or the levels that changed (`0` for those that went)."""

    kind: str
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    update: int
    seq: int
    at: datetime


@dataclass(slots=True)
class Feed:
    """One book at one depth, numbered: `u` grows by one a change and starts again at one when the service does."""

    product: Product
    depth: int
    update: int
    seq: Callable[[], int]
    shown: View | None = None
    last_seq: int = 0
    told_at: datetime | None = None
    lose_next: bool = False
    listeners: list[Callable[[Change], None]] = field(default_factory=list[Callable[[Change], None]])

    def snapshot(self, at: datetime) -> Change:
        """The book as it was last shown, whole."""
        assert self.shown is not None
        return Change(
            kind="snapshot", bids=list(self.shown.bids.items()), asks=list(self.shown.asks.items()), update=self.update,
            seq=self.last_seq, at=at,
        )  # fmt: skip

    def show(self, now: View, at: datetime) -> None:
        """Bring the book up to date and tell those who listen."""
        before, self.shown = self.shown, now
        if before is None or before == now:
            if before is None:
                self.last_seq = self.seq()
            elif self.depth == 1:
                self._repeat(at)
            return
        self.update, self.last_seq = self.update + 1, self.seq()
        if self.lose_next:
            self.lose_next = False
            return
        change = self.snapshot(at) if self.depth == 1 else self._delta(before, now, at)
        self._tell(change, at)

    def _delta(self, before: View, now: View, at: datetime) -> Change:
        return Change(
            kind="delta", bids=_changes(before.bids, now.bids), asks=_changes(before.asks, now.asks), update=self.update,
            seq=self.last_seq, at=at,
        )  # fmt: skip

    def _repeat(self, at: datetime) -> None:
        """The first level is told again after three seconds without a change, under the same number."""
        if self.told_at is not None and (at - self.told_at).total_seconds() >= info.LEVEL_ONE_REPEAT_S:
            self._tell(self.snapshot(at), at)

    def restart(self, at: datetime) -> None:
        """The service begins again: a whole book with the number one."""
        if self.shown is not None:
            self.update, self.last_seq = 1, self.seq()
            self._tell(self.snapshot(at), at)

    def _tell(self, change: Change, at: datetime) -> None:
        self.told_at = at
        for listener in tuple(self.listeners):
            listener(change)


def _changes(before: Levels, now: Levels) -> list[tuple[str, str]]:
    gone = [(price, "0") for price in before if price not in now]
    return gone + [(price, size) for price, size in now.items() if before.get(price) != size]


class Books:
    """All feeds of the venue; one exists from the first time somebody asks for it."""

    def __init__(
        self, *, seed: int, quote: Callable[[str], Quote | None], now: Callable[[], datetime], seq: Callable[[], int]
    ) -> None:
        self._seed = seed
        self._quote = quote
        self._now = now
        self._seq = seq
        self._feeds: dict[tuple[str, int], Feed] = {}

    def feed(self, product: Product, depth: int) -> Feed | None:
        """Brought up to date; None while the symbol has no price."""
        key = (product.canonical, depth)
        feed = self._feeds.get(key)
        if feed is None:
            first = int.from_bytes(blake2b(f"{self._seed}:{key}".encode(), digest_size=4).digest(), "big")
            feed = self._feeds[key] = Feed(product, depth, 1_000_000 + first % 10_000_000, self._seq)
        self._show(feed)
        return feed if feed.shown is not None else None

    def _show(self, feed: Feed) -> None:
        quote, at = self._quote(feed.product.canonical), self._now()
        if quote is not None:
            feed.show(view(feed.product, quote, seed=self._seed, at=at, depth=feed.depth), at)

    def moved(self, canonical: str) -> None:
        """Time passed, or the price changed: tell those who listen."""
        for (symbol, _), feed in self._feeds.items():
            if symbol == canonical and feed.listeners:
                self._show(feed)

    def heard(self) -> set[str]:
        """Symbols (canonical) whose books somebody listens to."""
        return {symbol for (symbol, _), feed in self._feeds.items() if feed.listeners}

    def of(self, canonical: str) -> list[Feed]:
        """The feeds of one symbol that somebody listens to."""
        return [feed for (symbol, _), feed in self._feeds.items() if symbol == canonical and feed.listeners]

    def reset(self) -> None:
        """Listeners stay; numbers go on."""
        for feed in self._feeds.values():
            feed.lose_next = False
