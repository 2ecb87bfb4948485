"""`/v8/finance/chart/SYMBOL`: prices in today's shares, with dividends and splits beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from floorbroker.domain.actions import Dividend
from floorbroker.matching import XNYS
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.archive import Archive, midnight, new_york_day
from floorbroker_sim.history import Candle, aggregated
from floorbroker_sim.http import Reply, json_reply
from floorbroker_sim.yahoo import errors, info
from floorbroker_sim.yahoo.mapping import adjusted_closes, columns, inside, moment, opening, plain, seconds, split_event

_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)
_LATEST = 4_102_444_800
_EARLIEST = -2_208_988_800
_ADJUSTED = frozenset(info.LONGER)


class _Wrong(ValueError):
    """A parameter that cannot be; the text is for the client."""


def get_chart(archive: Archive, query: Mapping[str, str], name: str) -> Reply:
    """One symbol; an unknown one is not found."""
    symbol = inside(name)
    if symbol not in archive.market.instruments:
        return errors.not_found()
    interval = query.get("interval", "1d")
    if interval not in info.MINUTES and interval not in info.LONGER:
        return errors.unprocessable(f"Invalid input - interval={interval[:16]} is not supported")
    try:
        start, end = _range(archive, query)
    except _Wrong as wrong:
        return errors.unprocessable(str(wrong))
    candles = _candles(archive, symbol, interval, start, end)
    meta = _meta(archive, symbol, name.upper(), interval, query)
    result: dict[str, object] = {"meta": _with_periods(meta, candles) if interval in info.MINUTES else meta}
    if candles:
        result["timestamp"] = [seconds(_stamp(archive, symbol, one, interval)) for one in candles]
    if events := _events(archive, symbol, start, end, query):
        result["events"] = events
    result["indicators"] = _indicators(archive, symbol, candles, interval)
    return json_reply({"chart": {"result": [result], "error": None}}, exact_numbers=True)


def _range(archive: Archive, query: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Both ends included here; on the wire the end is not."""
    now = archive.clock.now()
    if "range" in query:
        if query["range"] not in info.RANGES:
            raise _Wrong(f"Invalid input - range={query['range'][:16]} is not supported")
        return now - info.RANGES[query["range"]] * _DAY, now
    start, end = (_seconds(query, word) for word in ("period1", "period2"))
    if start > end:
        raise _Wrong(f"Invalid input - start date cannot be after end date. startDate = {start}, endDate = {end}")
    return moment(start), moment(end) - _SECOND


def _seconds(query: Mapping[str, str], word: str) -> int:
    text = query.get(word, "")
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise _Wrong(f"Invalid input - {word} is missing or no number")
    return min(max(int(text), _EARLIEST), _LATEST)


def _candles(archive: Archive, symbol: str, interval: str, start: datetime, end: datetime) -> list[Candle]:
    if interval in info.MINUTES:
        minutes = archive.minutes(symbol, start, end, adjusted=True)
        return list(aggregated(minutes, _window(info.MINUTES[interval])))
    first = start if "/" in symbol else midnight(new_york_day(start))
    days = archive.flaws.spoil(archive.days(symbol, first, end, adjusted=True))
    bucket = _bucket(interval)
    return days if bucket is None else list(aggregated(iter(days), bucket))


def _window(minutes: int) -> Callable[[datetime], datetime]:
    span = timedelta(minutes=minutes)

    def begin(at: datetime) -> datetime:
        session = XNYS.session(new_york_day(at))
        base = session.open if session is not None and at >= session.open else midnight(new_york_day(at))
        return base + (at - base) // span * span

    return begin


def _bucket(interval: str) -> Callable[[datetime], datetime] | None:
    """Weeks begin on Monday, months on their first."""
    if interval == "1wk":
        return lambda at: midnight(new_york_day(at) - _DAY * new_york_day(at).weekday())
    if interval == "5d":
        return lambda at: midnight(new_york_day(at) - _DAY * (new_york_day(at).toordinal() % 5))
    if interval in {"1mo", "3mo"}:
        months = 1 if interval == "1mo" else 3

        def begin(at: datetime) -> datetime:
            day = new_york_day(at)
            return midnight(day.replace(month=(day.month - 1) // months * months + 1, day=1))

        return begin
    return None


def _stamp(archive: Archive, symbol: str, candle: Candle, interval: str) -> datetime:
    if interval != "1d" or "/" in symbol or archive.flaws.zone == "utc":
        return candle.start
    return opening(candle.start)


def _indicators(archive: Archive, symbol: str, candles: list[Candle], interval: str) -> dict[str, object]:
    bars: dict[str, object] = {**columns(candles)} if candles else {}
    found: dict[str, object] = {"quote": [bars]}
    if interval in _ADJUSTED:
        closes = _adjusted(archive, symbol, candles, _bucket(interval) or (lambda at: at)) if candles else []
        found["adjclose"] = [{"adjclose": closes}]
    return found


def _adjusted(
    archive: Archive, symbol: str, candles: list[Candle], bucket: Callable[[datetime], datetime]
) -> list[object]:
    """Every later dividend counts, those behind the range too; a longer bar has the value of its last day."""
    first = min(one.start for one in candles) - _DAY
    days = archive.days(symbol, first, archive.clock.now(), adjusted=True)
    values = adjusted_closes(days, _in_shares(archive, symbol))
    last = {new_york_day(bucket(day.start)): value for day, value in zip(days, values, strict=True)}
    return [last.get(new_york_day(one.start), plain(one.close)) for one in candles]


def _in_shares(archive: Archive, symbol: str) -> list[Dividend]:
    """Dividends in the money of today's shares."""
    found: list[Dividend] = []
    for one in archive.dividends(symbol):
        ratio = archive.split_ratio(symbol, one.day)
        found.append(replace(one, amount=one.amount * ratio.denominator / ratio.numerator))
    return found


def _events(
    archive: Archive, symbol: str, start: datetime, end: datetime, query: Mapping[str, str]
) -> dict[str, object]:
    """What was asked for and happened in the range, by the second of the opening."""
    wanted = query.get("events", "").lower()
    found: dict[str, object] = {}
    if "div" in wanted:
        dividends = [one for one in _in_shares(archive, symbol) if _falls(one.day, start, end)]
        rows = {_at(one.day): {"amount": plain(round(one.amount, 6))} for one in dividends}
        found |= {"dividends": {str(at): {**row, "date": at} for at, row in rows.items()}} if rows else {}
    if "split" in wanted:
        splits = [one for one in archive.splits(symbol) if _falls(one.day, start, end)]
        rows = {_at(one.day): split_event(one) for one in splits}
        found |= {"splits": {str(at): {**row, "date": at} for at, row in rows.items()}} if rows else {}
    return found


def _at(day: date) -> int:
    return seconds(opening(midnight(day)))


def _falls(day: date, start: datetime, end: datetime) -> bool:
    return seconds(start) <= _at(day) <= seconds(end)


def _meta(archive: Archive, symbol: str, name: str, interval: str, query: Mapping[str, str]) -> dict[str, object]:
    is_coin = "/" in symbol
    trade = archive.market.last_trade(symbol)
    now = archive.clock.now()
    zone = UTC if is_coin else NEW_YORK
    local = now.astimezone(zone)
    offset = local.utcoffset() or timedelta()
    short = "UTC" if is_coin else local.tzname() or "EST"
    return {
        "currency": "USD", "symbol": name, "exchangeName": "CCC" if is_coin else "NMS",
        "fullExchangeName": "CCC" if is_coin else "NasdaqGS",
        "instrumentType": "CRYPTOCURRENCY" if is_coin else "ETF" if symbol in info.FUNDS else "EQUITY",
        "firstTradeDate": seconds(datetime(1998, 1, 2, 14, 30, tzinfo=UTC)), "regularMarketTime": seconds(now),
        "hasPrePostMarketData": not is_coin, "gmtoffset": int(offset.total_seconds()), "timezone": short,
        "exchangeTimezoneName": "UTC" if is_coin else info.ZONE,
        "regularMarketPrice": plain(trade.price) if trade is not None else None, "priceHint": 2,
        "currentTradingPeriod": _periods(now, offset, short), "dataGranularity": interval,
        "range": query.get("range", ""), "validRanges": list(info.RANGES),
    }  # fmt: skip


def _periods(now: datetime, offset: timedelta, zone: str) -> dict[str, object]:
    """The hours of the session that runs or comes next."""
    session = XNYS.current_or_next(now)
    hours = {
        "pre": (session.pre, session.open),
        "regular": (session.open, session.close),
        "post": (session.close, session.post),
    }
    seconds_off = int(offset.total_seconds())
    return {
        word: {
            "timezone": zone, "start": seconds(begin or session.open), "end": seconds(end or session.close),
            "gmtoffset": seconds_off,
        }
        for word, (begin, end) in hours.items()
    }  # fmt: skip


def _with_periods(meta: dict[str, object], candles: list[Candle]) -> dict[str, object]:
    """Charts of minutes carry the hours of every day they hold."""
    days = sorted({new_york_day(one.start) for one in candles})
    periods: list[object] = []
    for day in days:
        session = XNYS.session(day)
        begin, end = (session.open, session.close) if session is not None else (midnight(day), midnight(day + _DAY))
        offset = midnight(day).astimezone(NEW_YORK).utcoffset() or timedelta()
        periods.append(
            [
                {
                    "timezone": "EST",
                    "start": seconds(begin),
                    "end": seconds(end),
                    "gmtoffset": int(offset.total_seconds()),
                }
            ]
        )
    return {**meta, "tradingPeriods": periods}
