"""Wire to domain, and back: names, times, bars, ticks, actions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from floorbroker.domain.actions import Dividend, Split
from floorbroker.domain.bars import Bar
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.records import DataKind, Quote, Trade
from floorbroker.domain.values import AssetClass, Price, from_epoch
from floorbroker.marketdata.history import Row
from floorbroker.marketdata.providers.polygon import wire

_UNITS = ((86_400 * 7, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_CURRENCY = 3
_CASH = frozenset({"CD", "SC", ""})  # regular and special cash dividends
TOPICS = {
    AssetClass.EQUITY: {DataKind.TRADES: "T", DataKind.QUOTES: "Q", DataKind.BARS: "AM"},
    AssetClass.CRYPTO: {DataKind.TRADES: "XT", DataKind.QUOTES: "XQ", DataKind.BARS: "XA"},
}
MARKETS = {AssetClass.EQUITY: "stocks", AssetClass.CRYPTO: "crypto"}


def ticker_of(symbol: str) -> str:
    """`AAPL` stays, `BTC/USD` is `X:BTCUSD`.  Raises `NotSupported` for what we do not ask this service for."""
    match asset_class_of(symbol):
        case AssetClass.EQUITY:
            return symbol
        case AssetClass.CRYPTO:
            return f"X:{symbol.replace('/', '')}"
        case other:
            raise NotSupported(f"Polygon is asked for shares and coins, not for {other.value}: {symbol}")


def symbol_of(ticker: str) -> str:
    if not ticker.startswith("X:"):
        return ticker
    pair = ticker.removeprefix("X:")
    return f"{pair[:-_CURRENCY]}/{pair[-_CURRENCY:]}"


def topic_of(kind: DataKind, symbol: str) -> str:
    """`T.AAPL`, `XT.BTC-USD`.  Raises `NotSupported`."""
    word = TOPICS.get(asset_class_of(symbol), {}).get(kind)
    if word is None:
        raise NotSupported(f"Polygon streams no {kind.value} of {symbol}")
    return f"{word}.{symbol.replace('/', '-')}"


def window_of(span_s: int) -> tuple[int, str]:
    """A span as the service counts it, in its largest unit."""
    return next((span_s // unit_s, word) for unit_s, word in _UNITS if span_s % unit_s == 0)


def millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def rows_of(aggs: Sequence[wire.Agg]) -> list[Row]:
    return [Row(start=_at(ms=one.t), open=one.o, high=one.h, low=one.l, close=one.c, volume=one.v) for one in aggs]


def _at(*, ms: int | None = None, ns: int | None = None) -> datetime:
    """Raises `ApiError` for a time that no calendar has."""
    try:
        return from_epoch(ms=ms, ns=ns)
    except (OverflowError, ValueError) as error:
        raise ApiError("a time is out of range", broker=wire.BROKER) from error


def _sound(*numbers: Decimal | None) -> None:
    """Text may stand for a number, and say that it is none.  Raises `ApiError`."""
    if not all(number is None or number.is_finite() for number in numbers):
        raise ApiError("a number is none", broker=wire.BROKER)


def _size(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ApiError(f"{text[:20]!r} is no size", broker=wire.BROKER) from error


def trade_of(symbol: str, one: wire.Trade) -> Trade:
    """Fractional sizes stand as text beside the whole ones."""
    size = _size(one.decimal_size) if one.decimal_size else one.size
    _sound(one.price, size)
    at = _at(ns=one.sip_timestamp or one.participant_timestamp)
    return Trade(symbol=symbol, price=Price(one.price), size=size, time=at, trade_id=one.id)


def quote_of(symbol: str, one: wire.Quote) -> Quote:
    at = _at(ns=one.sip_timestamp or one.participant_timestamp)
    return _quote(symbol, one.bid_price, one.bid_size, one.ask_price, one.ask_size, at)


def nbbo_of(symbol: str, one: wire.Nbbo) -> Quote:
    return _quote(symbol, one.p, one.s, one.P, one.S, _at(ns=one.t))


def _quote(  # noqa: PLR0917 - two sides of the same shape, in the order they are read
    symbol: str, bid: Decimal | None, bid_size: Decimal, ask: Decimal | None, ask_size: Decimal, at: datetime
) -> Quote:
    """A side of nothing is a missing side."""
    _sound(bid, bid_size, ask, ask_size)
    return Quote(
        symbol=symbol, bid=Price(bid) if bid else None, ask=Price(ask) if ask else None,
        bid_size=bid_size if bid else Decimal(0), ask_size=ask_size if ask else Decimal(0), time=at,
        source=wire.BROKER.lower(),
    )  # fmt: skip


def split_of(one: wire.Split) -> Split:
    """Raises `ApiError` for a ratio that cannot be."""
    _sound(one.split_from, one.split_to)
    if one.split_from <= 0 or one.split_to <= 0:
        raise ApiError(f"a split of {one.ticker} from {one.split_from} to {one.split_to}", broker=wire.BROKER)
    return Split(
        symbol=one.ticker, day=_day(one.execution_date), shares_from=one.split_from, shares_to=one.split_to
    )  # fmt: skip


def dividend_of(one: wire.Dividend) -> Dividend | None:
    """None for what is no cash on the ex-date (long and short term capital gains are paid in cash as well, and count)."""
    _sound(one.cash_amount)
    if one.dividend_type not in _CASH | {"LT", "ST"} or one.cash_amount <= 0:
        return None
    return Dividend(
        symbol=one.ticker, day=_day(one.ex_dividend_date), amount=one.cash_amount, currency=one.currency or "USD"
    )  # fmt: skip


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ApiError(f"{text[:20]!r} is no date", broker=wire.BROKER) from error


def event_of(event: wire.Event) -> Quote | Trade | Bar | None:
    """What a member of a frame is for us; None for kinds nobody subscribes to.  Raises `ApiError` for one without its numbers."""
    symbol = event.sym or event.pair.replace("-", "/")
    match event.ev:
        case "T" | "XT" if event.p is not None:
            _sound(event.p, event.s)
            return Trade(symbol=symbol, price=Price(event.p), size=event.s, time=_at(ms=event.t))
        case "Q" | "XQ":
            return _quote(symbol, event.bp, event.bs, event.ap, event.ask_size, _at(ms=event.t))
        case "AM" | "XA" if event.o is not None and event.h is not None and event.l is not None:
            close = wire.decode(event.c, Decimal, what="the close of a bar")
            _sound(event.o, event.h, event.l, close, event.v, event.s)
            return Bar(  # `s` is a time here, and a size in trades
                symbol=symbol, start=_at(ms=int(event.s)), open=Price(event.o), high=Price(event.h), low=Price(event.l),
                close=Price(close), volume=event.v,
            )  # fmt: skip
        case "T" | "XT" | "AM" | "XA":
            raise ApiError(f"a message {event.ev} about {symbol} without its prices", broker=wire.BROKER)
        case _:
            return None
