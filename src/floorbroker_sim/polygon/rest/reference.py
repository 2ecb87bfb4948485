"""What is listed, splits and dividends, exchanges, and whether markets are open."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from floorbroker.domain.instrument import Instrument
from floorbroker.matching import XNYS
from floorbroker.matching.calendar import NEW_YORK, early_closes, holidays
from floorbroker_sim.http import Request
from floorbroker_sim.polygon import info
from floorbroker_sim.polygon.errors import bad_request, not_found
from floorbroker_sim.polygon.mapping import outside, plain
from floorbroker_sim.polygon.rest import params
from floorbroker_sim.polygon.rest.state import State

Row = dict[str, object]
_DAY = timedelta(days=1)


def list_tickers(state: State, request: Request) -> Row:
    """By symbol, market, type and words of the name."""
    query = params.cursor_of(request)
    limit = params.limit_of(query, info.TICKERS_LIMIT, info.TICKERS_MOST)
    is_desc = params.is_descending(query, "order", default="asc")
    market, words = query.get("market"), query.get("search", "").upper()
    wanted = params.names(query, "ticker")
    found = [
        row
        for one in state.archive.market.instruments.values()
        if (row := ticker_object(one))
        and (market is None or row["market"] == market)
        and (wanted is None or row["ticker"] in wanted)
        and (query.get("type") in {None, "", row.get("type")})
        and (words in str(row["ticker"]).upper() or words in one.name.upper())
    ]
    found.sort(key=lambda row: str(row["ticker"]), reverse=is_desc)
    return _page(state, request, query, found, limit)


def ticker_object(one: Instrument) -> Row:
    """As the list shows it."""
    is_coin = "/" in one.symbol
    row: Row = {"ticker": outside(one.symbol), "name": one.name or one.symbol, "active": True}
    if is_coin:
        base, _, quote = one.symbol.partition("/")
        return row | {
            "market": "crypto", "locale": "global", "currency_symbol": quote, "currency_name": quote.lower(),
            "base_currency_symbol": base, "base_currency_name": base.lower(),
        }  # fmt: skip
    return row | {
        "market": "stocks", "locale": "us", "primary_exchange": _exchange(one.symbol), "currency_name": "usd",
        "type": "ETF" if one.symbol in info.FUNDS else "CS",
    }  # fmt: skip


def _exchange(symbol: str) -> str:
    return "ARCX" if symbol in info.ARCA else "XNYS" if symbol in info.NYSE else "XNAS"


def get_ticker(state: State, _request: Request, ticker: str) -> Row:
    listed = state.listed(ticker)
    if listed is None:
        raise not_found("Ticker not found.")
    return {"results": ticker_object(listed), "status": "OK", "request_id": state.request_id()}


def list_types(state: State, _request: Request) -> Row:
    results = [
        {"code": code, "description": text, "asset_class": "stocks", "locale": "us"} for code, text in info.TICKER_TYPES
    ]
    return {"results": results, "count": len(results), "status": "OK", "request_id": state.request_id()}


def list_exchanges(state: State, _request: Request) -> Row:
    results = [
        {
            "id": number, "type": kind, "asset_class": "stocks", "locale": "us", "name": name, "mic": mic,
            "operating_mic": mic, "participant_id": mic[-1],
        }
        for number, mic, name, kind in info.EXCHANGES
    ]  # fmt: skip
    return {"results": results, "count": len(results), "status": "OK", "request_id": state.request_id()}


def list_splits(state: State, request: Request) -> Row:
    """Newest first, as the service sorts them where nothing is asked."""

    def rows(symbol: str) -> Iterable[tuple[date, Row]]:
        for one in state.archive.splits(symbol):
            row: Row = {
                "execution_date": one.day.isoformat(), "split_from": plain(one.shares_from),
                "split_to": plain(one.shares_to), "ticker": symbol,
            }  # fmt: skip
            yield one.day, row

    return _actions(state, request, "execution_date", rows)


def list_dividends(state: State, request: Request) -> Row:
    def rows(symbol: str) -> Iterable[tuple[date, Row]]:
        for one in state.archive.dividends(symbol):
            row: Row = {
                "cash_amount": plain(one.amount), "currency": one.currency, "dividend_type": "CD", "frequency": 4,
                "ex_dividend_date": one.day.isoformat(), "ticker": symbol,
                "declaration_date": (one.day - 14 * _DAY).isoformat(), "record_date": (one.day + _DAY).isoformat(),
                "pay_date": (one.day + 14 * _DAY).isoformat(),
            }  # fmt: skip
            yield one.day, row

    return _actions(state, request, "ex_dividend_date", rows)


def _actions(state: State, request: Request, day: str, rows: Callable[[str], Iterable[tuple[date, Row]]]) -> Row:
    query = params.cursor_of(request)
    limit = params.limit_of(query, info.ACTIONS_LIMIT, info.ACTIONS_MOST)
    is_desc = params.is_descending(query, "order", default="desc")
    if query.get("sort", day) not in {day, "ticker"}:
        raise bad_request(f"the parameter 'sort' is invalid, use {day} or ticker")
    wanted = params.names(query, "ticker")
    symbols = [one for one in state.symbols() if wanted is None or one in wanted]
    found = [
        (at, row) for symbol in symbols for at, row in rows(symbol) if params.matches_day(query, day, at)
    ]  # fmt: skip
    by_ticker = query.get("sort") == "ticker"
    found.sort(key=lambda one: (str(one[1]["ticker"]) if by_ticker else "", one[0]), reverse=is_desc)
    return _page(state, request, query, [row for _, row in found], limit)


def _page(state: State, request: Request, query: dict[str, str], found: list[Row], limit: int) -> Row:
    offset = query.get("offset", "0")
    first = int(offset) if offset.isascii() and offset.isdigit() and len(offset) < 10 else 0
    results = found[first : first + limit]
    body: Row = {"results": results, "status": "OK", "request_id": state.request_id()}
    if "/reference/tickers" in request.path:
        body["count"] = len(results)
    if first + limit < len(found):
        body["next_url"] = params.next_url(request.path, {**query, "offset": str(first + limit)})
    return body


def get_status(state: State, _request: Request) -> Row:
    """Whether markets are open, by their calendars."""
    now = state.now()
    regular, extended = XNYS.is_open(now), XNYS.is_open(now, extended=True)
    word = "open" if regular else "extended-hours" if extended else "closed"
    is_early = extended and not regular and now.astimezone(NEW_YORK).hour < 12
    return {
        "market": word, "earlyHours": is_early, "afterHours": extended and not regular and not is_early,
        "serverTime": now.astimezone(NEW_YORK).isoformat(timespec="seconds"),
        "exchanges": {"nyse": word, "nasdaq": word, "otc": word},
        "currencies": {"fx": "open", "crypto": "open"},
    }  # fmt: skip


def list_upcoming(state: State, _request: Request) -> list[object]:
    """A bare array: days of this year and the next on which shares do not trade, or stop early."""
    today = state.now().astimezone(NEW_YORK).date()
    found: list[object] = []
    for year in (today.year, today.year + 1):
        days = [(day, "closed") for day in holidays(year)] + [(day, "early-close") for day in early_closes(year)]
        for day, status in sorted(days):
            if day >= today:
                found += [
                    {"exchange": exchange, "name": "Holiday", "date": day.isoformat(), "status": status, **_hours(day)}
                    for exchange in ("NYSE", "NASDAQ")
                ]
    return found


def _hours(day: date) -> Row:
    session = XNYS.session(day)
    if session is None:
        return {}
    return {"open": session.open.isoformat(), "close": session.close.isoformat()}
