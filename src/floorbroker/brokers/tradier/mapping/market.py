"""Market data in.  Documents: documentation.tradier.com/brokerage-api/markets; .../streaming."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.mapping.values import (
    BROKER,
    NEW_YORK,
    day_of,
    from_ms,
    from_seconds,
    from_wire_symbol,
    needed,
    number,
)
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.options import SHARES, ListedOption, OptionContract, in_order
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import ZERO, Price, from_epoch, round_step

_ROUND_LOT = Decimal(100)  # sizes of shares are told in hundreds
_DECIMALS_MAX = 9
_DIGITS_MAX = 17
_DAY_S, _WEEK_S = 86_400, 604_800
_BASES = {900: "15min", 300: "5min", 60: "1min"}


def interval(span_s: int) -> tuple[str, int]:
    """The venue's interval and its seconds: `daily`, `weekly`, or the largest of 15, 5 and 1 minutes that divides the span.

    Raises `NotSupported` for spans that cannot be made of these.
    """
    if span_s in (_DAY_S, _WEEK_S):
        return ("daily" if span_s == _DAY_S else "weekly"), span_s
    for base_s, name in _BASES.items():
        if 0 < span_s < _DAY_S and span_s % base_s == 0 and _DAY_S % span_s == 0:
            return name, base_s
    raise NotSupported(f"Tradier has no bars of {span_s} s: minutes that divide a day, a day, a week")


def day_bars(symbol: str, days: Iterable[wire.Day]) -> list[Bar]:
    """Days and weeks; each starts at midnight in New York.  Those without prices are left out."""
    found: list[Bar] = []
    for day in days:
        start = datetime.combine(day_of(day.date), time(), tzinfo=NEW_YORK).astimezone(UTC)
        if (bar := _bar(symbol, start, day)) is not None:
            found.append(bar)
    return found


def sale_bars(symbol: str, sales: Iterable[wire.Sale]) -> list[Bar]:
    """Intervals of `timesales`."""
    made = (_bar(symbol, from_seconds(sale.timestamp), sale) for sale in sales)
    return [bar for bar in made if bar is not None]


def _bar(symbol: str, start: datetime, told: wire.Day | wire.Sale) -> Bar | None:
    if told.open is None or told.high is None or told.low is None or told.close is None:
        return None
    return Bar(
        symbol=symbol,
        start=start,
        open=_price(told.open),
        high=_price(told.high),
        low=_price(told.low),
        close=_price(told.close),
        volume=number(told.volume, what="a volume") or ZERO,
    )


def gathered(bars: Sequence[Bar], span_s: int) -> list[Bar]:
    """Longer bars made of shorter ones, cut at whole spans of UTC."""
    found: dict[int, Bar] = {}
    for bar in sorted(bars, key=lambda one: one.start):
        at = int(bar.start.timestamp()) // span_s * span_s
        before = found.get(at)
        found[at] = Bar(
            symbol=bar.symbol,
            start=from_epoch(s=at),
            open=bar.open if before is None else before.open,
            high=bar.high if before is None else max(before.high, bar.high),
            low=bar.low if before is None else min(before.low, bar.low),
            close=bar.close,
            volume=bar.volume + (ZERO if before is None else before.volume),
        )
    return list(found.values())


def series_from(symbol: str, bars: Sequence[Bar], *, span_s: int) -> BarSeries:
    """Bars in order of start, each start once.  Raises `ApiError` for numbers beyond 64 bits."""
    ordered = sorted({bar.start: bar for bar in bars}.values(), key=lambda bar: bar.start)
    prices = [value for bar in ordered for value in (bar.open, bar.high, bar.low, bar.close)]
    sizes = [bar.volume for bar in ordered]
    series = BarSeries(symbol, span_s=span_s, price_decimals=_decimals(prices), size_decimals=_decimals(sizes))
    _check_size(prices, series.price_decimals)
    _check_size(sizes, series.size_decimals)
    for bar in ordered:
        series.append(_rounded(bar, series))
    return series


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


# -- quotes and trades --------------------------------------------------------------------------------------------------


def quote_from(quote: wire.Quote, *, now: datetime) -> Quote:
    """Best bid and ask; the time is the later of the two, or ours where the venue gives none."""
    symbol = from_wire_symbol(quote.symbol)
    times = [moment for ms in (quote.bid_date, quote.ask_date) if (moment := from_ms(ms)) is not None]
    last = _side_price(quote.last)
    return Quote(
        symbol=symbol,
        bid=_side_price(quote.bid),
        ask=_side_price(quote.ask),
        bid_size=_size(symbol, quote.bidsize),
        ask_size=_size(symbol, quote.asksize),
        last=last,
        time=max(times, default=now),
        source="tradier",
    )


def _size(symbol: str, size: Decimal | None) -> Decimal:
    told = number(size, what="a size") or ZERO
    return told if OptionContract.parse(symbol) is not None else told * _ROUND_LOT


def stream_event(message: wire.MarketMessage, at: datetime) -> Quote | Trade | None:
    """A message of the stream as a market event; None for kinds that are no event of ours (summary, timesale)."""
    symbol = from_wire_symbol(message.symbol)
    if message.type == "quote":
        times = [moment for ms in (message.biddate, message.askdate) if (moment := from_ms(ms)) is not None]
        return Quote(
            symbol=symbol,
            bid=_side_price(message.bid),
            ask=_side_price(message.ask),
            bid_size=_size(symbol, message.bidsz),
            ask_size=_size(symbol, message.asksz),
            time=max(times, default=at),
            source="tradier stream",
        )
    if message.type == "trade":
        price, size = needed(message.price, what="a price"), needed(message.size, what="a size")
        return Trade(symbol=symbol, price=Price(price), size=size, time=from_ms(message.date) or at)
    return None


def _price(value: Decimal) -> Price:
    return Price(needed(value, what="a price"))


def _side_price(value: Decimal | None) -> Price | None:
    price = number(value, what="a price")
    return None if price is None or price <= 0 else Price(price)


# -- options ------------------------------------------------------------------------------------------------------------


def listed_from(quotes: Iterable[wire.Quote], underlying: str) -> tuple[ListedOption, ...]:
    """The contracts of a chain, by strike and right.  Raises `ApiError` for a symbol that is no option's."""
    return in_order(_listed(quote, underlying) for quote in quotes)


def _listed(quote: wire.Quote, underlying: str) -> ListedOption:
    contract = OptionContract.parse(quote.symbol)
    if contract is None:
        raise ApiError("the chain has a symbol that is no option's", broker=BROKER)
    size = number(quote.contract_size, what="a contract size")
    times = [moment for ms in (quote.bid_date, quote.ask_date) if (moment := from_ms(ms)) is not None]
    return ListedOption(
        contract=contract,
        underlying=underlying,
        multiplier=size if size is not None and size > 0 else SHARES,
        bid=_side_price(quote.bid),
        ask=_side_price(quote.ask),
        bid_size=number(quote.bidsize, what="a size"),
        ask_size=number(quote.asksize, what="a size"),
        last=_side_price(quote.last),
        open_interest=number(quote.open_interest, what="an open interest"),
        time=max(times, default=None),
    )


def expirations_from(dates: Iterable[str]) -> list[date]:
    """The days on which options of one underlying expire, in order."""
    return sorted({day_of(text) for text in dates})


def strikes_from(strikes: Iterable[Decimal]) -> list[Decimal]:
    """Strikes of one expiration, in order."""
    return sorted({needed(strike, what="a strike") for strike in strikes})


def wall_text(moment: datetime) -> str:
    """`2026-03-02 09:30`, New York time, as `timesales` wants it."""
    return moment.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M")


def day_text(moment: datetime) -> str:
    """The day in New York."""
    return moment.astimezone(NEW_YORK).date().isoformat()


def starts_within(bars: Iterable[Bar], start: datetime, end: datetime) -> list[Bar]:
    """Bars that begin in [start, end)."""
    return [bar for bar in bars if start <= bar.start < end + timedelta(microseconds=1)]
