"""A feed from a folder of recorded data: bars by the day, hour or minute, with what its factors tell of splits and dividends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum

from floorbroker.backtest.actions import Happening
from floorbroker.backtest.feed import Feed, cut, within
from floorbroker.backtest.instruments import InstrumentOf, calendar_of, usual
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass
from floorbroker.matching.calendar import NEW_YORK, Calendar
from floorbroker.strategy.bars import Columns
from floorbroker.tape import NotRecorded, QuoteSeries, Tape, actions_of

_DAY = timedelta(days=1)
_OF_UTC = frozenset({AssetClass.CRYPTO, AssetClass.FX})


class Span(Enum):
    """How long a bar lasts."""

    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"


def recorded_feed(
    tape: Tape,
    symbols: Sequence[str],
    span: Span = Span.DAY,
    *,
    since: date | None = None,
    until: date | None = None,
    quotes: bool = False,
    sessions: bool = True,
    instrument: InstrumentOf = usual,
) -> tuple[Feed, list[Happening]]:
    """Bars of the days from `since` to `until` (as they are recorded, both inclusive), and the corporate actions of the symbols.

    With `sessions` only core sessions count, and a daily bar lasts from its open to its close.  `quotes` adds minute quotes.
    Raises `InvalidRequest` that names what is not recorded.
    """
    feed, actions = Feed(), list[Happening]()
    for symbol in symbols:
        try:
            columns = _columns(tape, symbol, span, since, until)
            if quotes:
                feed.quotes += [tape.quotes(symbol, day) for day in _days(tape, symbol, since, until, "quote")]
        except NotRecorded as error:
            raise _missing(symbol, str(error)) from error
        columns = cut(columns, _midnight(symbol, since), _midnight(symbol, until + _DAY if until else None))
        feed.bars[symbol] = within(columns, calendar_of(symbol, instrument)) if sessions else columns
        actions += _actions(tape, symbol, calendar_of(symbol, instrument))
    if sessions:
        feed.quotes = [_quotes_within(series, instrument) for series in feed.quotes]
    return feed, actions


def _columns(tape: Tape, symbol: str, span: Span, since: date | None, until: date | None) -> Columns:
    if span is Span.MINUTE:
        days = _days(tape, symbol, since, until, "trade")
        if not days:
            raise NotRecorded("no minutes of these days are recorded")
        return Columns.of(_joined([tape.minutes(symbol, day) for day in days]))
    return Columns.of(tape.daily(symbol) if span is Span.DAY else tape.hourly(symbol))


def _days(tape: Tape, symbol: str, since: date | None, until: date | None, kind: str) -> list[date]:
    days = [day for day in tape.days(symbol) if (since is None or day >= since) and (until is None or day <= until)]
    return [day for day in days if tape.has(symbol, day, kind)]


def _joined(parts: Sequence[BarSeries]) -> BarSeries:
    """Days of one symbol as one series."""
    first = parts[0]
    columns = [column[:] for column in first.columns]
    for part in parts[1:]:
        for column, more in zip(columns, part.columns, strict=True):
            column.extend(more)
    return BarSeries.from_columns(
        first.symbol,
        columns,
        span_s=first.span_s,
        price_decimals=first.price_decimals,
        size_decimals=first.size_decimals,
    )


def _actions(tape: Tape, symbol: str, calendar: Calendar) -> list[Happening]:
    try:
        factors = tape.factors(symbol)
    except NotRecorded:
        return []  # nobody recorded any: the bars are taken as they are
    return [*actions_of(symbol, factors, next_day=lambda day: _next_session(day, calendar))]


def _next_session(day: date, calendar: Calendar) -> date:
    following = day + _DAY
    while calendar.session(following) is None:
        following += _DAY
    return following


def _quotes_within(series: QuoteSeries, instrument: InstrumentOf) -> QuoteSeries:
    """The quotes that stood while the core session ran, at its close included."""
    calendar = calendar_of(series.symbol, instrument)
    span = timedelta(seconds=series.span_s)
    return series.where(lambda start: calendar.is_open(start) or calendar.is_open(start + span))


def _midnight(symbol: str, day: date | None) -> datetime | None:
    """As the days of a recording begin: of coins and currencies in UTC, of all else in New York."""
    zone = UTC if asset_class_of(symbol) in _OF_UTC else NEW_YORK
    return None if day is None else datetime.combine(day, time(), zone)


def _missing(symbol: str, why: str) -> InvalidRequest:
    detail = f"{symbol}: {why}"
    return InvalidRequest(detail, fields=(FieldError(pointer="/symbols", code="not_found", detail=detail),))
