"""Trades and quotes, newest first unless asked otherwise, and the last of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from floorbroker.domain.records import Quote, Trade
from floorbroker_sim.archive import midnight, new_york_day
from floorbroker_sim.http import Request
from floorbroker_sim.polygon import info
from floorbroker_sim.polygon.errors import bad_request, not_found
from floorbroker_sim.polygon.mapping import inside, millis, nanos, plain
from floorbroker_sim.polygon.rest import params
from floorbroker_sim.polygon.rest.state import State

Reader = Callable[[str, datetime, datetime], Iterator[Any]]
_DAY, _US = timedelta(days=1), timedelta(microseconds=1)
_LOOK_BACK = 14  # days without a tick after which the newest are given up


def list_trades(state: State, request: Request, ticker: str) -> dict[str, object]:
    return _listed(state, request, ticker, state.archive.trades, trade_object)


def list_quotes(state: State, request: Request, ticker: str) -> dict[str, object]:
    return _listed(state, request, ticker, state.archive.quotes, quote_object)


def _listed(
    state: State, request: Request, ticker: str, reader: Reader, shown: Callable[[Any], dict[str, object]]
) -> dict[str, object]:
    query = params.cursor_of(request)
    limit = params.limit_of(query, info.TICKS_LIMIT, info.TICKS_MOST)
    is_desc = params.is_descending(query, "order", default="desc")
    if query.get("sort", "timestamp") != "timestamp":
        raise bad_request("the parameter 'sort' is invalid, use timestamp")
    low, high = params.stamp_range(query, state.archive.market.first_moment - 10_000 * _DAY, state.now())
    state.check_entitled(max(low, high - _DAY), high)
    found: list[Any] = []
    if state.listed(ticker) is not None:
        found = list(islice(_ticks(reader, inside(ticker), low, high, is_desc=is_desc), limit + 1))
    body: dict[str, object] = {
        "results": [shown(one) for one in found[:limit]], "status": state.status, "request_id": state.request_id(),
    }  # fmt: skip
    if len(found) > limit:
        edge = found[limit - 1].time
        more = {"timestamp.lt" if is_desc else "timestamp.gt": params.nanos_text(edge)}
        body["next_url"] = params.next_url(request.path, {**query, **more})
    return body


def _ticks(reader: Reader, symbol: str, low: datetime, high: datetime, *, is_desc: bool) -> Iterator[Any]:
    """Day by day, so that the newest cost no look at the oldest."""
    day = new_york_day(high if is_desc else low)
    step, silent = (-_DAY if is_desc else _DAY), 0
    while silent < _LOOK_BACK and midnight(day) <= high and midnight(day + _DAY) > low:
        begin, end = max(low, midnight(day)), min(high, midnight(day + _DAY) - _US)
        found = list(reader(symbol, begin, end))
        silent = 0 if found else silent + 1
        yield from (reversed(found) if is_desc else found)
        day += step


def trade_object(trade: Trade) -> dict[str, object]:
    at = nanos(trade.time)
    return {
        "conditions": [], "exchange": 12, "id": trade.trade_id or str(at // 1_000_000), "participant_timestamp": at,
        "price": plain(trade.price), "sequence_number": at // 1_000_000_000, "sip_timestamp": at,
        "size": plain(trade.size), "tape": 3,
    }  # fmt: skip


def quote_object(quote: Quote) -> dict[str, object]:
    """A side without a price is left out."""
    at = nanos(quote.time)
    body: dict[str, object] = {
        "participant_timestamp": at, "sequence_number": at // 1_000_000_000, "sip_timestamp": at, "tape": 3,
    }  # fmt: skip
    for side, price, size in (("ask", quote.ask, quote.ask_size), ("bid", quote.bid, quote.bid_size)):
        if price is not None:
            body |= {f"{side}_exchange": 12, f"{side}_price": plain(price), f"{side}_size": plain(size)}
    return body


def get_last_trade(state: State, _request: Request, ticker: str) -> dict[str, object]:
    trade = state.archive.market.last_trade(inside(ticker)) if state.listed(ticker) else None
    if trade is None:
        raise not_found()
    at = nanos(trade.time)
    results: dict[str, object] = {
        "T": ticker, "c": [], "i": trade.trade_id or str(at // 1_000_000), "p": plain(trade.price),
        "s": plain(trade.size), "x": 12, "z": 3, "q": at // 1_000_000_000, "t": at, "y": at,
    }  # fmt: skip
    return {"results": results, "status": state.status, "request_id": state.request_id()}


def get_last_quote(state: State, _request: Request, ticker: str) -> dict[str, object]:
    """Capital letters are the ask, small ones the bid."""
    quote = state.archive.market.quote(inside(ticker)) if state.listed(ticker) else None
    if quote is None:
        raise not_found()
    at = nanos(quote.time)
    results: dict[str, object] = {"T": ticker, "t": at, "y": at, "q": at // 1_000_000_000, "z": 3}
    if quote.ask is not None:
        results |= {"P": plain(quote.ask), "S": plain(quote.ask_size), "X": 12}
    if quote.bid is not None:
        results |= {"p": plain(quote.bid), "s": plain(quote.bid_size), "x": 12}
    return {"results": results, "status": state.status, "request_id": state.request_id()}


def get_last_coin(state: State, _request: Request, base: str, quote: str) -> dict[str, object]:
    """The last trade of a coin, in milliseconds."""
    symbol = f"{base.upper()}/{quote.upper()}"
    listed = symbol in state.archive.market.instruments
    trade = state.archive.market.last_trade(symbol) if listed else None
    if trade is None:
        raise not_found()
    last = {
        "conditions": [2], "exchange": 2, "price": plain(trade.price), "size": plain(trade.size),
        "timestamp": millis(trade.time),
    }  # fmt: skip
    return {"last": last, "request_id": state.request_id(), "status": "success", "symbol": symbol.replace("/", "-")}
