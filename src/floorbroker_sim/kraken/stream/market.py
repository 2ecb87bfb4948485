"""The public channels: what each of them says when it is subscribed to, when a price comes, and when a second has passed.

https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/book, …/ticker, …/trade, …/ohlc, …/instrument
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from floorbroker.domain.records import Trade
from floorbroker.domain.values import ZERO, Side, time_text
from floorbroker_sim.kraken import info
from floorbroker_sim.kraken.errors import Refused
from floorbroker_sim.kraken.info import Pair
from floorbroker_sim.kraken.mapping import number
from floorbroker_sim.kraken.rest import candles
from floorbroker_sim.kraken.rest.ladder import EMPTY, Book, Level, checksum
from floorbroker_sim.kraken.rest.public import trade_number
from floorbroker_sim.kraken.rest.reading import Params
from floorbroker_sim.kraken.rest.state import State
from floorbroker_sim.kraken.stream.numbers import side
from floorbroker_sim.market import Tick

Message = dict[str, object]
_STATS_SPAN = timedelta(minutes=1)


class Feed(Protocol):
    """One subscription of a public channel."""

    pair: Pair

    def snapshot(self, at: datetime) -> Message | None: ...
    def on_price(self, tick: Tick) -> Message | None: ...
    def on_second(self, at: datetime) -> Message | None: ...


@dataclass(slots=True)
class BookFeed:
    """An order book to a depth.  `broken` is what the next change of the top ten will suffer, on demand."""

    state: State
    pair: Pair
    depth: int
    wants_snapshot: bool = True
    broken: str | None = None
    _shown: Book = field(default=EMPTY, init=False)

    def snapshot(self, at: datetime) -> Message | None:
        self._shown = self._now(at)
        if not self.wants_snapshot:
            return None
        return self._message("snapshot", self._shown.bids, self._shown.asks, checksum(self._shown), None)

    def on_price(self, tick: Tick) -> Message | None:
        return self.on_second(self.state.clock.now())

    def on_second(self, at: datetime) -> Message | None:
        before, self._shown = self._shown, self._now(at)
        bids = _changes(before.bids, self._shown.bids, self.depth)
        asks = _changes(before.asks, self._shown.asks, self.depth)
        if not bids and not asks:
            return None
        proof = checksum(self._shown)
        if self.broken is not None and proof != checksum(before):
            broken, self.broken = self.broken, None
            if broken == "drop":
                return None
            proof ^= 1
        return self._message("update", bids, asks, proof, at)

    def _now(self, at: datetime) -> Book:
        return self.state.ladder.book(self.pair, self.state.market.quote(self.pair.symbol), at, self.depth)

    def _message(
        self, kind: str, bids: tuple[Level, ...], asks: tuple[Level, ...], proof: int, at: datetime | None
    ) -> Message:
        row: Message = {
            "symbol": self.pair.symbol, "bids": side(bids, self.pair), "asks": side(asks, self.pair), "checksum": proof,
        }  # fmt: skip
        if at is not None:
            row["timestamp"] = time_text(at)
        return {"channel": "book", "type": kind, "data": [row]}


def _changes(before: tuple[Level, ...], after: tuple[Level, ...], depth: int) -> tuple[Level, ...]:
    """What turns one side into the other: gone levels as zero, then new and changed ones.

    Levels that only fell off the depth are not told; a reader cuts its side to the depth.
    """
    if before == after:
        return ()
    old, new = dict(before), dict(after)
    gone = [Level(price, 0) for price in old if price not in new and not _fell_off(price, after, depth)]
    return (*gone, *(level for level in after if old.get(level.price) != level.qty))


def _fell_off(price: int, after: tuple[Level, ...], depth: int) -> bool:
    if len(after) < depth:
        return False
    best, worst = after[0].price, after[-1].price
    return price < worst if best > worst else price > worst


@dataclass(slots=True)
class TickerFeed:
    """The top of the book and the day, at each trade or at each change of the top (`bbo`)."""

    state: State
    pair: Pair
    trigger: str = "trades"
    wants_snapshot: bool = True
    _top: tuple[object, ...] = field(default=(), init=False)
    _day: tuple[datetime, candles.Span] | None = field(default=None, init=False)

    def snapshot(self, at: datetime) -> Message | None:
        return self._message("snapshot", at) if self.wants_snapshot else None

    def on_price(self, tick: Tick) -> Message | None:
        quote = self.state.market.quote(self.pair.symbol)
        top = () if quote is None else (quote.bid, quote.ask, quote.bid_size, quote.ask_size)
        moved, self._top = top != self._top, top
        if moved if self.trigger == "bbo" else tick.trade is not None:
            return self._message("update", self.state.clock.now())
        return None

    def on_second(self, at: datetime) -> Message | None:
        return None

    def _message(self, kind: str, at: datetime) -> Message:
        pair, quote = self.pair, self.state.market.quote(self.pair.symbol)
        last, day = self.state.last_price(pair.symbol) or ZERO, self._figures(at)
        prices, lots = pair.price_decimals, pair.lot_decimals
        change = last - day.open
        bid, ask = (quote.bid or ZERO, quote.ask or ZERO) if quote is not None else (ZERO, ZERO)
        row: Message = {
            "symbol": pair.symbol, "bid": number(bid, prices), "ask": number(ask, prices),
            "bid_qty": number(quote.bid_size if quote is not None else ZERO, lots),
            "ask_qty": number(quote.ask_size if quote is not None else ZERO, lots), "last": number(last, prices),
            "volume": number(day.volume, lots), "vwap": number(day.mean, prices), "low": number(min(day.low, last), prices),
            "high": number(max(day.high, last), prices), "change": number(change, prices),
            "change_pct": number(change * 100 / day.open if day.open else ZERO, 2),
        }  # fmt: skip
        return {"channel": "ticker", "type": kind, "data": [row]}

    def _figures(self, at: datetime) -> candles.Span:
        if self._day is None or at - self._day[0] >= _STATS_SPAN:
            self._day = (at, candles.day_figures(self.state, self.pair.symbol)[1])
        return self._day[1]


@dataclass(slots=True)
class TradeFeed:
    """Public trades; the snapshot, on request, has the last fifty."""

    state: State
    pair: Pair
    wants_snapshot: bool = False

    def snapshot(self, at: datetime) -> Message | None:
        if not self.wants_snapshot:
            return None
        span = timedelta(seconds=5 * info.SNAPSHOT_TRADES)
        past = list(self.state.history.trades(self.pair.symbol, at - span, at))[-info.SNAPSHOT_TRADES :]
        return self._message("snapshot", past)

    def on_price(self, tick: Tick) -> Message | None:
        return None if tick.trade is None else self._message("update", [tick.trade])

    def on_second(self, at: datetime) -> Message | None:
        return None

    def _message(self, kind: str, found: list[Trade]) -> Message:
        return {"channel": "trade", "type": kind, "data": [_trade_row(self.pair, trade) for trade in found]}


def _trade_row(pair: Pair, trade: Trade) -> Message:
    return {
        "symbol": pair.symbol, "side": "sell" if trade.aggressor is Side.SELL else "buy",
        "price": number(trade.price, pair.price_decimals), "qty": number(trade.size, pair.lot_decimals),
        "ord_type": "market", "trade_id": trade_number(trade), "timestamp": time_text(trade.time),
    }  # fmt: skip


@dataclass(slots=True)
class OhlcFeed:
    """Candles of one length, told at each trade."""

    state: State
    pair: Pair
    minutes: int
    wants_snapshot: bool = True

    def snapshot(self, at: datetime) -> Message | None:
        if not self.wants_snapshot:
            return None
        return self._message("snapshot", candles.rows(self.state, self.pair.symbol, self.minutes), at)

    def on_price(self, tick: Tick) -> Message | None:
        candle = None if tick.trade is None else candles.current(self.state, self.pair.symbol, self.minutes)
        return None if candle is None else self._message("update", [candle], self.state.clock.now())

    def on_second(self, at: datetime) -> Message | None:
        return None

    def _message(self, kind: str, found: list[candles.Candle], at: datetime) -> Message:
        pair, span = self.pair, timedelta(minutes=self.minutes)

        def price(value: Decimal) -> object:
            return number(value, pair.price_decimals)

        rows = [
            {
                "symbol": pair.symbol, "open": price(c.open), "high": price(c.high), "low": price(c.low),
                "close": price(c.close), "trades": c.count, "volume": number(c.volume, pair.lot_decimals),
                "vwap": price(c.mean), "interval_begin": time_text(c.start), "interval": self.minutes,
                "timestamp": time_text(c.start + span),
            }
            for c in found
        ]  # fmt: skip
        return {"channel": "ohlc", "type": kind, "timestamp": time_text(at), "data": rows}


def instruments(pairs: Mapping[str, Pair]) -> Message:
    """The one snapshot of the instrument channel; what is listed does not change here."""
    names = {name for pair in pairs.values() for name in (pair.base, pair.quote)}
    return {
        "channel": "instrument",
        "type": "snapshot",
        "data": {
            "assets": [_asset(asset) for asset in info.ASSETS.values() if asset.name in names],
            "pairs": [_pair(pair) for pair in pairs.values()],
        },
    }


def _asset(asset: info.Asset) -> Message:
    row: Message = {
        "id": asset.name, "status": "enabled", "precision": asset.decimals, "precision_display": asset.display,
        "borrowable": False,
    }  # fmt: skip
    if asset.collateral is not None:
        row["collateral_value"] = number(Decimal(asset.collateral), 2)
    return row


def _pair(pair: Pair) -> Message:
    return {
        "symbol": pair.symbol, "base": pair.base, "quote": pair.quote, "status": "online",
        "qty_precision": pair.lot_decimals, "qty_increment": number(pair.lot, pair.lot_decimals),
        "qty_min": number(pair.order_min, pair.lot_decimals), "price_precision": pair.price_decimals,
        "price_increment": number(pair.tick, pair.price_decimals), "tick_size": number(pair.tick, pair.price_decimals),
        "cost_precision": pair.cost_decimals, "cost_min": number(pair.cost_min, pair.cost_decimals), "marginable": False,
        "has_index": pair.has_index,
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A public subscription as it was asked for: its key, and what the answer echoes."""

    key: tuple[str, str, object]
    echo: Message


def wanted(channel: str, symbol: str, params: Params) -> Wanted:
    """Read the options of a channel.  Raises `Refused` in the venue's words."""
    option: tuple[str, object] | None = None
    match channel:
        case "book":
            depth = params.whole("depth") or info.BOOK_DEPTHS[0]
            if depth not in info.BOOK_DEPTHS:
                raise Refused("Subscription depth not supported")
            option = ("depth", depth)
        case "ohlc":
            interval = params.whole("interval") or info.INTERVALS_MIN[0]
            if interval not in info.INTERVALS_MIN:
                raise Refused("Subscription interval not supported")
            option = ("interval", interval)
        case "ticker":
            option = ("event_trigger", params.choice("event_trigger", frozenset({"trades", "bbo"}), "trades"))
        case _:
            pass
    echo: Message = {"channel": channel, "symbol": symbol}
    if option is not None:
        echo[option[0]] = option[1]
    return Wanted(key=(channel, symbol, None if option is None else option[1]), echo=echo)


def feed_of(state: State, pair: Pair, want: Wanted, *, snapshot: bool) -> Feed:
    """The feed behind a subscription."""
    channel, _, option = want.key
    match channel:
        case "book":
            return BookFeed(state, pair, int(str(option)), wants_snapshot=snapshot)
        case "ticker":
            return TickerFeed(state, pair, str(option), wants_snapshot=snapshot)
        case "ohlc":
            return OhlcFeed(state, pair, int(str(option)), wants_snapshot=snapshot)
        case _:
            return TradeFeed(state, pair, wants_snapshot=snapshot)
