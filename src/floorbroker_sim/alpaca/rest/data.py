"""Market data: history with paging, and the latest.  https://docs.alpaca.markets/reference/stockbars and its neighbours."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from floorbroker.domain.instrument import OptionContract
from floorbroker_sim.alpaca import info, wire
from floorbroker_sim.alpaca.errors import Refused
from floorbroker_sim.alpaca.mapping import inside, outside
from floorbroker_sim.alpaca.rest import quoting
from floorbroker_sim.alpaca.rest.assets import listed
from floorbroker_sim.alpaca.rest.quoting import Kind
from floorbroker_sim.alpaca.rest.reading import Query, amount, choice, day, moment, names, number
from floorbroker_sim.alpaca.rest.state import State
from floorbroker_sim.alpaca.rest.timeframe import TimeFrame
from floorbroker_sim.http import Reply, Request, json_reply

_COIN = re.compile(r"^[A-Z]+x?/[A-Z]+$")
_LOCATIONS = frozenset({"us", "us-1", "us-2", "eu-1", "bs-1"})
_LAST_MINUTE = TimeFrame(1, "Min")
_DAILY = TimeFrame(1, "Day")

Row = tuple[datetime, object]
Source = Callable[[str, datetime, datetime], Iterator[Row]]


def _bad(message: str) -> Refused:
    return Refused(400, None, message)


# --- Which symbols ---------------------------------------------------------------------------------------------------


def symbols_of(query: Query, kind: Kind) -> list[str]:
    """Canonical symbols of a request, sorted as the venue pages them."""
    wanted = names(query, "symbols")
    if not wanted:
        raise _bad("symbols parameter is required")
    return sorted({_canonical(name, kind) for name in wanted})


def _canonical(name: str, kind: Kind) -> str:
    if kind is Kind.COIN:
        if not _COIN.match(name):
            raise _bad(f"invalid symbol: {name} does not match {_COIN.pattern}")
        return name
    canonical = inside(name)
    if kind is Kind.OPTION and OptionContract.parse(canonical) is None:
        raise _bad(f"invalid symbol: {name}")
    if kind is Kind.STOCK and not re.fullmatch(r"[A-Z][A-Z0-9.]{0,9}", canonical):
        raise _bad(f"invalid symbol: {name}")
    return canonical


def known(state: State, symbol: str, kind: Kind) -> bool:
    """Whether the market has prices for a symbol of this kind."""
    try:
        instrument = state.market.instrument(symbol)
    except KeyError:
        return False
    return quoting.kind_of(instrument) is kind


# --- History ---------------------------------------------------------------------------------------------------------


def history(kind: Kind, what: str) -> Callable[[State, Request], Reply]:
    """The handler of `?symbols=`; one page over all symbols, symbol by symbol."""

    def handler(state: State, request: Request, *location: str) -> Reply:
        _check_location(location)
        symbols = symbols_of(request.query, kind)
        rows, token = _page(state, request.query, symbols, kind, what)
        return json_reply({what: rows, "next_page_token": token}, exact_numbers=True)

    return handler


def history_of_one(what: str) -> Callable[[State, Request, str], Reply]:
    """The handler of `/{symbol}/…` for stocks."""

    def handler(state: State, request: Request, name: str) -> Reply:
        symbol = _canonical(name, Kind.STOCK)
        rows, token = _page(state, request.query, [symbol], Kind.STOCK, what)
        answer = {what: rows.get(outside(symbol), []), "symbol": outside(symbol), "next_page_token": token}
        return json_reply(answer, exact_numbers=True)

    return handler


def _check_location(location: tuple[str, ...]) -> None:
    if location and location[0] not in _LOCATIONS:
        raise _bad(f"invalid location: {location[0]}")


def _limit(query: Query) -> int:
    text = query.get("limit") or str(info.DATA_DEFAULT)
    if not text.isascii() or not text.isdigit() or not int(text[:9]) > 0:
        raise _bad(f"invalid limit: {text}")
    if int(text[:9]) > info.DATA_MAX:
        raise _bad(f"invalid limit: larger than the allowed maximum of {info.DATA_MAX}")
    return int(text)


def _range(state: State, query: Query) -> tuple[datetime, datetime]:
    """Never past the venue's now; without a start, from the beginning of the day."""
    now = state.clock.now()
    start = moment(query, "start") or now.replace(hour=0, minute=0, second=0, microsecond=0)
    end = moment(query, "end") or now
    if query.get("end") and len(query["end"]) == 10:
        end += timedelta(days=1, microseconds=-1)
    if end < start:
        raise _bad("end should not be before start")
    return start, min(end, now)


def _page(
    state: State, query: Query, symbols: list[str], kind: Kind, what: str
) -> tuple[dict[str, list[object]], str | None]:
    limit, (start, end) = _limit(query), _range(state, query)
    newest_first = choice(query, "sort", ("asc", "desc"), default="asc") == "desc"
    source = _source(state, query, kind, what)
    first, resume = _read_token(query.get("page_token"), symbols)
    answer: dict[str, list[object]] = {}
    left = limit
    for index, symbol in enumerate(symbols[first:]):
        if not known(state, symbol, kind):
            continue
        low, high = start, end
        if index == 0 and resume is not None:
            low, high = (start, resume) if newest_first else (resume, end)
        found = _rows(source, symbol, low, high, left + 1, newest_first=newest_first)
        if found[:left]:
            answer[outside(symbol)] = [row for _, row in found[:left]]
        if len(found) > left:
            return answer, _token(symbol, found[left][0])
        left -= len(found)
    return answer, None


def _rows(source: Source, symbol: str, start: datetime, end: datetime, count: int, *, newest_first: bool) -> list[Row]:
    rows = source(symbol, start, end)
    if not newest_first:
        return list(islice(rows, count))
    return sorted(rows, key=lambda row: row[0], reverse=True)[:count]


def _source(state: State, query: Query, kind: Kind, what: str) -> Source:
    past = state.history
    if what == "bars":
        frame = TimeFrame.parse(query.get("timeframe", ""))
        return lambda s, low, high: ((c.start, quoting.bar(c)) for c in frame.bars(past, s, low, high))
    if what == "quotes":
        return lambda s, low, high: ((q.time, quoting.quote(q, kind)) for q in past.quotes(s, low, high))
    return lambda s, low, high: ((t.time, quoting.trade(t, kind)) for t in past.trades(s, low, high))


def _token(symbol: str, at: datetime) -> str:
    """Where the next page begins."""
    return base64.urlsafe_b64encode(f"{outside(symbol)}|{at.isoformat()}".encode()).decode()


def _read_token(token: str | None, symbols: list[str]) -> tuple[int, datetime | None]:
    if not token:
        return 0, None
    try:
        name, _, text = base64.urlsafe_b64decode(token.encode()).decode().rpartition("|")
        return symbols.index(inside(name)), datetime.fromisoformat(text).astimezone(UTC)
    except (binascii.Error, ValueError, OverflowError) as error:
        raise _bad("invalid page_token") from error


# --- The latest ------------------------------------------------------------------------------------------------------


def latest(kind: Kind, what: str) -> Callable[[State, Request], Reply]:
    """The last bar, quote, trade or order book of each symbol."""

    def handler(state: State, request: Request, *location: str) -> Reply:
        _check_location(location)
        symbols = [s for s in symbols_of(request.query, kind) if known(state, s, kind)]
        found = {outside(s): item for s in symbols if (item := _last(state, s, kind, what)) is not None}
        return json_reply({what: found}, exact_numbers=True)

    return handler


def latest_of_one(what: str) -> Callable[[State, Request, str], Reply]:
    """`/{symbol}/quotes/latest` and its kin."""

    def handler(state: State, _request: Request, name: str) -> Reply:
        symbol = _known_stock(state, name)
        answer = {"symbol": outside(symbol), what.removesuffix("s"): _last(state, symbol, Kind.STOCK, what)}
        return json_reply(answer, exact_numbers=True)

    return handler


def _known_stock(state: State, name: str) -> str:
    symbol = _canonical(name, Kind.STOCK)
    if not known(state, symbol, Kind.STOCK):
        raise Refused(404, 40410000, f"no data found for {name}")
    return symbol


def _last(state: State, symbol: str, kind: Kind, what: str) -> object | None:
    now = state.clock.now()
    if what == "bars":
        return _last_bar(state, symbol, _LAST_MINUTE, now - timedelta(days=5))
    best = state.market.quote(symbol)
    if best is None:
        return None
    if what == "quotes":
        return quoting.quote(best, kind)
    if what == "orderbooks":
        return quoting.book(best)
    done = state.market.last_trade(symbol)
    return None if done is None else quoting.trade(done, kind)


def _last_bar(state: State, symbol: str, frame: TimeFrame, since: datetime) -> wire.Bar | None:
    now = state.clock.now()
    near = now - timedelta(hours=1) if frame.unit == "Min" else since
    for start in (near, since):
        bars = list(frame.bars(state.history, symbol, start, now - timedelta(minutes=1)))
        if bars:
            return quoting.bar(bars[-1])
    return None


# --- Snapshots -------------------------------------------------------------------------------------------------------


def snapshots(kind: Kind) -> Callable[[State, Request], Reply]:
    """Stocks answer at the top level, coins and options under `snapshots`."""

    def handler(state: State, request: Request, *location: str) -> Reply:
        _check_location(location)
        symbols = [s for s in symbols_of(request.query, kind) if known(state, s, kind)]
        found = {outside(s): _snapshot(state, s, kind) for s in symbols}
        if kind is Kind.STOCK:
            return json_reply(found, exact_numbers=True)
        wrapped: dict[str, object] = {"snapshots": found}
        return json_reply(wrapped | ({"next_page_token": None} if kind is Kind.OPTION else {}), exact_numbers=True)

    return handler


def snapshot_of_one(state: State, _request: Request, name: str) -> Reply:
    symbol = _known_stock(state, name)
    return json_reply({"symbol": outside(symbol)} | _snapshot(state, symbol, Kind.STOCK), exact_numbers=True)


def _snapshot(state: State, symbol: str, kind: Kind) -> dict[str, object]:
    """Options come with their greeks, shares and coins with their bars."""
    found: dict[str, object | None] = {
        "latestTrade": _last(state, symbol, kind, "trades"),
        "latestQuote": _last(state, symbol, kind, "quotes"),
    }
    if kind is Kind.OPTION:
        found |= quoting.greeks(state.market, symbol, state.clock.now())
    else:
        found |= _snapshot_bars(state, symbol, kind)
    return {name: value for name, value in found.items() if value is not None}


def _snapshot_bars(state: State, symbol: str, kind: Kind) -> dict[str, object | None]:
    now = state.clock.now()
    days = list(_DAILY.bars(state.history, symbol, now - timedelta(days=6), now))
    return {
        "minuteBar": _last(state, symbol, kind, "bars"),
        "dailyBar": quoting.bar(days[-1]) if days else None,
        "prevDailyBar": quoting.bar(days[-2]) if len(days) > 1 else None,
    }


def option_chain(state: State, request: Request, root: str) -> Reply:
    """Snapshots of the contracts on one share."""
    query = request.query
    kind, low, high = query.get("type"), amount(query, "strike_price_gte"), amount(query, "strike_price_lte")
    exact, first, last = (day(query, f"expiration_date{end}") for end in ("", "_gte", "_lte"))
    found = [
        c
        for c in listed(state, root.upper())
        if (not kind or c.right == kind[0].upper())
        and (low is None or c.strike >= low)
        and (high is None or c.strike <= high)
        and (exact is None or c.expiry == exact)
        and (first is None or c.expiry >= first)
        and (last is None or c.expiry <= last)
    ]
    found.sort(key=lambda contract: contract.symbol)
    limit = number(query, "limit", default=100, low=1, high=1000)
    start = number(query, "page_token", default=0, low=0, high=10**6)
    page = {outside(c.symbol): _snapshot(state, c.symbol, Kind.OPTION) for c in found[start : start + limit]}
    following = str(start + limit) if start + limit < len(found) else None
    return json_reply({"snapshots": page, "next_page_token": following}, exact_numbers=True)


# --- Meta ------------------------------------------------------------------------------------------------------------


def exchanges(_state: State, _request: Request) -> Reply:
    return json_reply(info.STOCK_EXCHANGES)


def conditions(_state: State, _request: Request, kind: str) -> Reply:
    if kind not in {"trade", "quote"}:
        raise _bad(f"invalid ticktype: {kind}")
    return json_reply(info.TRADE_CONDITIONS if kind == "trade" else info.QUOTE_CONDITIONS)


def no_news(_state: State, _request: Request) -> Reply:
    """This market makes no headlines."""
    return json_reply({"news": [], "next_page_token": None})
