"""Market data in and out.  Documents: Market Data API 1.1; docs.alpaca.markets/docs/streaming-market-data.

Prices and sizes are exact JSON numbers.  A bid or ask of zero means that side is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.mapping.values import BROKER, from_wire_symbol, moment_needed, needed
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.options import SHARES, ListedOption, OptionContract, Style, in_order
from floorbroker.domain.ports import MarketEvent
from floorbroker.domain.records import BookDelta, BookLevel, Quote, Trade
from floorbroker.domain.values import Price, Side, round_step

_DECIMALS_MAX = 9
_DIGITS_MAX = 17  # a scaled column is a signed 64-bit integer
_MINUTE_S, _HOUR_S, _DAY_S, _WEEK_S = 60, 3600, 86_400, 604_800


def timeframe(span_s: int) -> str:
    """`5Min`, `1Hour`, `1Day`, `1Week`; raises `NotSupported` for spans the venue does not aggregate."""
    if span_s == _WEEK_S:
        return "1Week"
    if span_s == _DAY_S:
        return "1Day"
    if span_s % _HOUR_S == 0 and 1 <= span_s // _HOUR_S <= 23:
        return f"{span_s // _HOUR_S}Hour"
    if span_s % _MINUTE_S == 0 and 1 <= span_s // _MINUTE_S <= 59:
        return f"{span_s // _MINUTE_S}Min"
    raise NotSupported(f"Alpaca has no bars of {span_s} s: minutes to 59, hours to 23, a day, a week")


def series_from(symbol: str, bars: Sequence[wire.Bar], *, span_s: int) -> BarSeries:
    """Bars in order of start; numbers keep up to nine decimals.  Raises `ApiError` for numbers beyond 64 bits."""
    prices = [needed(value, what="a price") for bar in bars for value in (bar.o, bar.h, bar.l, bar.c)]
    sizes = [needed(bar.v, what="a volume") for bar in bars]
    series = BarSeries(symbol, span_s=span_s, price_decimals=_decimals(prices), size_decimals=_decimals(sizes))
    _check_size(prices, series.price_decimals)
    _check_size(sizes, series.size_decimals)
    for bar in sorted((bar_from(symbol, bar) for bar in bars), key=lambda bar: bar.start):
        series.append(_rounded(bar, series))
    return series


def bar_from(symbol: str, bar: wire.Bar) -> Bar:
    """One bar; `t` is its start."""
    return Bar(
        symbol=symbol,
        start=moment_needed(bar.t),
        open=_price(bar.o),
        high=_price(bar.h),
        low=_price(bar.l),
        close=_price(bar.c),
        volume=needed(bar.v, what="a volume"),
    )


def _decimals(values: Sequence[Decimal]) -> int:
    exponents = (-int(value.normalize().as_tuple().exponent) for value in values if value)
    return min(max(max(exponents, default=0), 0), _DECIMALS_MAX)


def _check_size(values: Sequence[Decimal], decimals: int) -> None:
    if any(value and value.adjusted() + decimals > _DIGITS_MAX for value in values):
        raise ApiError("a bar in the reply has a number of unlikely size", broker=BROKER)


def _rounded(bar: Bar, series: BarSeries) -> Bar:
    price, size = Decimal(1).scaleb(-series.price_decimals), Decimal(1).scaleb(-series.size_decimals)
    return Bar(
        symbol=bar.symbol,
        start=bar.start,
        open=Price(round_step(bar.open, price)),
        high=Price(round_step(bar.high, price)),
        low=Price(round_step(bar.low, price)),
        close=Price(round_step(bar.close, price)),
        volume=round_step(bar.volume, size),
    )


def quote_from(symbol: str, quote: wire.Quote, *, source: str, last: wire.Trade | None = None) -> Quote:
    """Best bid and ask."""
    return Quote(
        symbol=symbol,
        bid=_side_price(quote.bp),
        ask=_side_price(quote.ap),
        bid_size=needed(quote.bs, what="a size"),
        ask_size=needed(quote.as_, what="a size"),
        last=None if last is None else _price(last.p),
        time=moment_needed(quote.t),
        source=source,
    )


Told = tuple[OptionContract, wire.OptionContract]
_STYLES = {"american": Style.AMERICAN, "european": Style.EUROPEAN}


def contracts_from(listed: Iterable[wire.OptionContract]) -> list[Told]:
    """Contracts that can be traded, with what the venue says of them.  Raises `ApiError` for one whose symbol names none."""
    found: list[Told] = []
    for told in listed:
        contract = OptionContract.parse(told.symbol)
        if contract is None:
            raise ApiError(f"{told.symbol[:40]} names no option contract", broker=BROKER)
        if told.tradable:
            found.append((contract, told))
    return found


def listed_from(
    contracts: Iterable[Told], snapshots: Mapping[str, wire.Snapshot | None], underlying: str
) -> tuple[ListedOption, ...]:
    """The rows of a chain; a contract that nobody quotes has no prices."""
    return in_order(_row(contract, told, snapshots.get(told.symbol), underlying) for contract, told in contracts)


def _row(
    contract: OptionContract, told: wire.OptionContract, snapshot: wire.Snapshot | None, underlying: str
) -> ListedOption:
    latest = None if snapshot is None else snapshot.latest_quote
    traded = None if snapshot is None else snapshot.latest_trade
    quote = None if latest is None else quote_from(contract.symbol, latest, source="alpaca", last=traded)
    return ListedOption(
        contract=contract,
        underlying=underlying,
        multiplier=SHARES if told.multiplier is None else told.multiplier,
        style=_STYLES.get(told.style or ""),
        bid=None if quote is None else quote.bid,
        ask=None if quote is None else quote.ask,
        bid_size=None if quote is None else quote.bid_size,
        ask_size=None if quote is None else quote.ask_size,
        last=None if traded is None else _price(traded.p),
        open_interest=told.open_interest,
        time=None if quote is None else quote.time,
    )


def trade_from(symbol: str, trade: wire.Trade) -> Trade:
    """One public trade; crypto trades tell who took."""
    return Trade(
        symbol=symbol,
        price=_price(trade.p),
        size=needed(trade.s, what="a size"),
        time=moment_needed(trade.t),
        trade_id="" if trade.i is None else str(trade.i)[:64],
        aggressor={"B": Side.BUY, "S": Side.SELL}.get(trade.tks or ""),
    )


def _price(value: Decimal | None) -> Price:
    return Price(needed(value, what="a price"))


def _side_price(value: Decimal) -> Price | None:
    price = _price(value)
    return None if price <= 0 else price


# -- streams ------------------------------------------------------------------------------------------------------------


def event_from(message: wire.DataMessage, *, source: str) -> MarketEvent | None:
    """A stream message as a market event; None for kinds that are no event of ours (status, luld, corrections, news)."""
    symbol = from_wire_symbol(message.symbol)
    match message.kind:
        case "q":
            return quote_from(symbol, _as_quote(message), source=source)
        case "t":
            return trade_from(symbol, _as_trade(message))
        case "b":
            return bar_from(symbol, _as_bar(message))
        case "o":
            return _book_delta(symbol, message)
        case _:
            return None


def _as_quote(message: wire.DataMessage) -> wire.Quote:
    return wire.Quote(t=message.t or "", ap=message.ap, bp=message.bp, as_=message.as_, bs=message.bs)


def _as_trade(message: wire.DataMessage) -> wire.Trade:
    size = needed(message.s, what="a size")
    price = needed(message.p, what="a price")
    return wire.Trade(t=message.t or "", p=price, s=size, i=message.i, tks=message.tks)


def _as_bar(message: wire.DataMessage) -> wire.Bar:
    close = wire.decode(message.c, Decimal, what="a bar")
    prices = [needed(value, what="a price") for value in (message.o, message.h, message.l)]
    volume = needed(message.v, what="a volume")
    return wire.Bar(t=message.t or "", o=prices[0], h=prices[1], l=prices[2], c=close, v=volume)


def _book_delta(symbol: str, message: wire.DataMessage) -> BookDelta:
    asks = [] if bytes(message.a) == b"null" else wire.decode(message.a, list[wire.Level], what="a book")
    return BookDelta(
        symbol=symbol,
        bids=_levels(message.b),
        asks=_levels(asks),
        time=moment_needed(message.t),
        reset=message.r,
    )


def _levels(levels: Sequence[wire.Level] | None) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(price=_price(level.p), size=needed(level.s, what="a size")) for level in levels or ())
