"""Aggregates: ranges with pages, the whole market of a day, the day before, open and close."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice

from floorbroker.domain.values import ZERO
from floorbroker.matching import XNYS
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.archive import midnight, new_york_day
from floorbroker_sim.history import Candle, aggregated
from floorbroker_sim.http import Request
from floorbroker_sim.polygon import info
from floorbroker_sim.polygon.errors import bad_request, not_found
from floorbroker_sim.polygon.mapping import bar, inside, millis, plain
from floorbroker_sim.polygon.rest import params
from floorbroker_sim.polygon.rest.state import State

Body = dict[str, object] | list[object]
_DAY = timedelta(days=1)
_SHORT = frozenset({"minute", "hour"})
_MS = timedelta(milliseconds=1)


def get_range(state: State, request: Request, *path: str) -> Body:
    """Pages are cut between results; `limit` counts the minutes or days they are made of."""
    ticker, multiplier, timespan, start, end = path
    query = params.cursor_of(request)
    if timespan not in info.TIMESPANS:
        raise bad_request(f"the parameter 'timespan' is invalid, use one of {', '.join(info.TIMESPANS)}")
    if not multiplier.isascii() or not multiplier.isdigit() or not 1 <= int(multiplier) <= 10_000:
        raise bad_request("the parameter 'multiplier' is invalid")
    low, high = params.bound(query.get("from", start), "from", is_end=False), params.bound(end, "to", is_end=True)
    if low > high and "from" not in query:
        raise bad_request("the parameter 'to' cannot be before 'from'")
    adjusted = params.flag(query, "adjusted", default=True)
    is_desc = params.is_descending(query, "sort", default="asc")
    limit = params.limit_of(query, info.AGGS_LIMIT, info.AGGS_MOST)
    state.check_entitled(low, high)
    bucket = bucket_of(int(multiplier), timespan)
    base = _base(state, ticker, timespan, low, high, adjusted=adjusted)
    results, used, rest = _page(base, bucket, limit, is_desc=is_desc)
    body = _body(state, ticker, adjusted=adjusted, results=[bar(one) for one in results], used=used)
    if rest is not None:
        where = request.path if not is_desc else request.path.rpartition("/")[0] + f"/{millis(rest)}"
        body["next_url"] = params.next_url(where, query if is_desc else {**query, "from": str(millis(rest))})
    return body


def _base(
    state: State, ticker: str, timespan: str, low: datetime, high: datetime, *, adjusted: bool
) -> Iterator[Candle]:
    if state.listed(ticker) is None or timespan == "second":
        return iter(())
    symbol = inside(ticker)
    if timespan in _SHORT:
        return state.archive.minutes(symbol, low, high, adjusted=adjusted)
    days = state.archive.days(symbol, low, high, adjusted=adjusted)
    return iter(state.archive.flaws.spoil(days) if timespan == "day" else days)


def bucket_of(multiplier: int, timespan: str) -> Callable[[datetime], datetime]:
    """Where the window of a moment begins, in New York: days at midnight, weeks on Sunday, longer ones on the first."""
    if timespan in _SHORT:
        span = timedelta(minutes=multiplier * (1 if timespan == "minute" else 60))
        return lambda at: midnight(new_york_day(at)) + (at - midnight(new_york_day(at))) // span * span
    if timespan == "day" and multiplier == 1:
        return _itself
    if timespan in {"day", "week"}:
        days = multiplier * (1 if timespan == "day" else 7)
        first = datetime(1970, 1, 4, tzinfo=UTC).date()  # a Sunday
        return lambda at: midnight(first + _DAY * ((new_york_day(at) - first).days // days * days))
    months = multiplier * {"month": 1, "quarter": 3, "year": 12}.get(timespan, 1)

    def of_months(at: datetime) -> datetime:
        local = at.astimezone(NEW_YORK)
        number = (local.year * 12 + local.month - 1) // months * months
        return midnight(local.date().replace(year=number // 12, month=number % 12 + 1, day=1))

    return of_months


def _itself(at: datetime) -> datetime:
    """A day is its own window."""
    return at


def _merged(candles: list[Candle], bucket: Callable[[datetime], datetime]) -> list[Candle]:
    """Days stay as they are told, a day that is told twice too."""
    return candles if bucket is _itself else list(aggregated(iter(candles), bucket))


def _page(
    base: Iterator[Candle], bucket: Callable[[datetime], datetime], limit: int, *, is_desc: bool
) -> tuple[list[Candle], int, datetime | None]:
    """Results of at most `limit` base candles, how many went in, and where the next page goes on (None: nowhere)."""
    candles = list(base) if is_desc else list(islice(base, limit + 1))
    if len(candles) <= limit:
        whole = _merged(candles, bucket)
        return (whole[::-1] if is_desc else whole), len(candles), None
    groups = [list(group) for _, group in groupby(candles, key=lambda one: bucket(one.start))]
    if is_desc:
        return _last_page(groups, bucket, limit)
    kept = groups[:-1] or groups
    used = [one for group in kept for one in group]
    after = candles[len(used)].start if len(used) < len(candles) else candles[-1].start + _MS
    return _merged(used, bucket), len(used), after


def _last_page(
    groups: list[list[Candle]], bucket: Callable[[datetime], datetime], limit: int
) -> tuple[list[Candle], int, datetime | None]:
    kept: list[list[Candle]] = []
    while groups and (not kept or sum(map(len, kept)) + len(groups[-1]) <= limit):
        kept.append(groups.pop())
    used = [one for group in reversed(kept) for one in group]
    rest = used[0].start - _MS if groups else None
    return _merged(used, bucket)[::-1], len(used), rest


def _body(
    state: State, ticker: str, *, adjusted: bool, results: list[dict[str, object]], used: int
) -> dict[str, object]:
    """Without results the member is absent."""
    body: dict[str, object] = {
        "ticker": ticker, "queryCount": used, "resultsCount": len(results), "adjusted": adjusted,
    }  # fmt: skip
    if results:
        body["results"] = results
    return body | {"status": state.status, "request_id": state.request_id(), "count": len(results)}


def get_grouped(state: State, request: Request, day_text: str) -> Body:
    """Every share of a day; `t` is the end of the session."""
    return _grouped(state, request, day_text, coins=False)


def get_grouped_coins(state: State, request: Request, day_text: str) -> Body:
    return _grouped(state, request, day_text, coins=True)


def _grouped(state: State, request: Request, day_text: str, *, coins: bool) -> Body:
    day = params.day_of(day_text, "date")
    adjusted = params.flag(request.query, "adjusted", default=True)
    params.flag(request.query, "include_otc", default=False)
    start = datetime.combine(day, datetime.min.time(), UTC) if coins else midnight(day)
    state.check_entitled(start, start)
    session = XNYS.session(day)
    end = start + _DAY - _MS if coins or session is None else session.close
    results: list[dict[str, object]] = []
    for symbol in state.symbols(coins=coins):
        for candle in state.archive.days(symbol, start, start + _DAY - _MS, adjusted=adjusted):
            ticker = f"X:{symbol.replace('/', '')}" if coins else symbol
            results.append({"T": ticker, **bar(candle, end)})
    body = _body(state, "", adjusted=adjusted, results=results, used=len(results))
    del body["ticker"]
    return body


def get_previous(state: State, request: Request, ticker: str) -> Body:
    """The last day that is over."""
    adjusted = params.flag(request.query, "adjusted", default=True)
    candle = last_day(state, ticker, adjusted=adjusted)
    results = [] if candle is None else [{"T": ticker, **bar(candle)}]
    return _body(state, ticker, adjusted=adjusted, results=results, used=len(results))


def last_day(state: State, ticker: str, *, adjusted: bool = True, before: datetime | None = None) -> Candle | None:
    """The day before the one that runs, looked for two weeks back."""
    if state.listed(ticker) is None:
        return None
    today = before or midnight(new_york_day(state.now()))
    found = state.archive.days(inside(ticker), today - 14 * _DAY, today - _MS, adjusted=adjusted)
    return found[-1] if found else None


def get_open_close(state: State, request: Request, ticker: str, day_text: str) -> Body:
    """One day as a flat object; a day without data is not found."""
    day = params.day_of(day_text, "date")
    adjusted = params.flag(request.query, "adjusted", default=True)
    state.check_entitled(midnight(day), midnight(day))
    if state.listed(ticker) is None:
        raise not_found()
    found = state.archive.days(inside(ticker), midnight(day), midnight(day + _DAY) - _MS, adjusted=adjusted)
    if not found:
        raise not_found()
    candle = found[0]
    return {
        "status": state.status, "from": day.isoformat(), "symbol": ticker, "open": plain(candle.open),
        "high": plain(candle.high), "low": plain(candle.low), "close": plain(candle.close),
        "volume": plain(candle.volume), "afterHours": plain(candle.close), "preMarket": plain(candle.open or ZERO),
    }  # fmt: skip
