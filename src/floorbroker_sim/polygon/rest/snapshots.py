"""Snapshots: the day so far, the day before, the last trade and quote of one ticker, of some or of all."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from floorbroker.domain.records import Quote, Trade
from floorbroker.matching import XNYS
from floorbroker_sim.archive import midnight, new_york_day
from floorbroker_sim.history import Candle
from floorbroker_sim.http import Request
from floorbroker_sim.polygon import info
from floorbroker_sim.polygon.errors import bad_request, not_found
from floorbroker_sim.polygon.mapping import bar, inside, millis, nanos, outside, plain
from floorbroker_sim.polygon.rest import params
from floorbroker_sim.polygon.rest.aggs import last_day
from floorbroker_sim.polygon.rest.state import State

_MINUTE = timedelta(minutes=1)
_ZERO = Decimal(0)
_EMPTY: dict[str, object] = {"o": 0, "h": 0, "l": 0, "c": 0, "v": 0, "vw": 0}
_MOVERS = 20
_PERCENT = Decimal("0.0001")


def get_stock(state: State, _request: Request, ticker: str) -> dict[str, object]:
    return _single(state, ticker, coins=False)


def get_coin(state: State, _request: Request, ticker: str) -> dict[str, object]:
    return _single(state, ticker, coins=True)


def _single(state: State, ticker: str, *, coins: bool) -> dict[str, object]:
    listed = state.listed(ticker)
    if listed is None or ("/" in listed.symbol) is not coins:
        raise not_found("NotFound")
    return {"request_id": state.request_id(), "status": state.status, "ticker": snapshot(state, listed.symbol)}


def list_stocks(state: State, request: Request) -> dict[str, object]:
    return _several(state, request, coins=False)


def list_coins(state: State, request: Request) -> dict[str, object]:
    return _several(state, request, coins=True)


def _several(state: State, request: Request, *, coins: bool) -> dict[str, object]:
    """All of them, unless `tickers` names some; unknown ones are left out."""
    text = request.query.get("tickers", "")
    wanted = {inside(one) for one in text.split(",")} if text else None
    found = [one for one in state.symbols(coins=coins) if wanted is None or one in wanted]
    shown = [snapshot(state, one) for one in found]
    return {"status": state.status, "request_id": state.request_id(), "count": len(shown), "tickers": shown}


def list_movers(state: State, _request: Request, direction: str) -> dict[str, object]:
    """The twenty that moved most."""
    if direction not in {"gainers", "losers"}:
        raise not_found("NotFound")
    shown = [snapshot(state, one) for one in state.symbols()]
    shown.sort(key=lambda one: Decimal(str(one["todaysChangePerc"])), reverse=direction == "gainers")
    return {"status": state.status, "request_id": state.request_id(), "tickers": shown[:_MOVERS]}


def snapshot(state: State, symbol: str) -> dict[str, object]:
    """One ticker; a day without a trade is zeros."""
    trade, quote = state.archive.market.last_trade(symbol), state.archive.market.quote(symbol)
    today, before = _today(state, symbol), last_day(state, outside(symbol))
    last = trade.price if trade is not None else _ZERO
    base = before.close if before is not None else _ZERO
    change = last - base if last and base else _ZERO
    body: dict[str, object] = {
        "ticker": outside(symbol), "todaysChange": plain(change),
        "todaysChangePerc": plain((change / base * 100).quantize(_PERCENT)) if base else 0,
        "updated": nanos(trade.time if trade is not None else state.now()),
        "day": _day(today), "prevDay": _day(before), "min": _minute(state, symbol, today),
    }  # fmt: skip
    if trade is not None:
        body["lastTrade"] = _last_trade(trade)
    if quote is not None:
        body["lastQuote"] = _last_quote(quote)
    return body


def _today(state: State, symbol: str) -> Candle | None:
    start = midnight(new_york_day(state.now()))
    return next(iter(state.archive.days(symbol, start, state.now(), adjusted=True)), None)


def _day(candle: Candle | None) -> dict[str, object]:
    if candle is None:
        return dict(_EMPTY)
    shown = bar(candle)
    return {name: shown[name] for name in _EMPTY}


def _minute(state: State, symbol: str, today: Candle | None) -> dict[str, object]:
    now = state.now()
    found = list(state.archive.minutes(symbol, now - 2 * _MINUTE, now, adjusted=True))
    if not found:
        return {**_EMPTY, "av": 0, "t": millis(now), "n": 0}
    return {**bar(found[-1]), "av": plain(today.volume) if today is not None else 0}


def _last_trade(trade: Trade) -> dict[str, object]:
    return {
        "c": None, "i": trade.trade_id or "", "p": plain(trade.price), "s": plain(trade.size), "t": nanos(trade.time),
        "x": 12,
    }  # fmt: skip


def _last_quote(quote: Quote) -> dict[str, object]:
    return {
        "P": plain(quote.ask or _ZERO), "S": plain(quote.ask_size), "p": plain(quote.bid or _ZERO),
        "s": plain(quote.bid_size), "t": nanos(quote.time),
    }  # fmt: skip


def list_unified(state: State, request: Request) -> dict[str, object]:
    """`/v3/snapshot`: an unknown ticker is an error inside its item, and the reply stays 200."""
    limit = params.limit_of(request.query, info.SNAPSHOT_LIMIT, info.SNAPSHOT_MOST)
    wanted = params.names(request.query, "ticker")
    if wanted is not None and len(wanted) > info.SNAPSHOT_MOST:
        raise bad_request(f"the parameter 'ticker.any_of' names more than {info.SNAPSHOT_MOST}")
    tickers = wanted if wanted is not None else [outside(one) for one in state.symbols()]
    results = [_unified(state, one) for one in tickers[:limit]]
    return {"request_id": state.request_id(), "status": state.status, "results": results}


def _unified(state: State, ticker: str) -> dict[str, object]:
    listed = state.listed(ticker)
    if listed is None:
        return {"error": "NOT_FOUND", "message": "Ticker not found.", "ticker": ticker}
    short: dict[str, Any] = snapshot(state, listed.symbol)
    day, before = short["day"], short["prevDay"]
    is_open = "/" in listed.symbol or XNYS.is_open(state.now())
    body: dict[str, object] = {
        "ticker": ticker, "type": "crypto" if "/" in listed.symbol else "stocks", "name": listed.name,
        "market_status": "open" if is_open else "closed",
        "session": {
            "change": short["todaysChange"], "change_percent": short["todaysChangePerc"], "close": day["c"],
            "high": day["h"], "low": day["l"], "open": day["o"], "previous_close": before["c"], "volume": day["v"],
        },
    }  # fmt: skip
    if "lastQuote" in short:
        quote = short["lastQuote"]
        body["last_quote"] = {
            "ask": quote["P"], "ask_size": quote["S"], "bid": quote["p"], "bid_size": quote["s"],
            "last_updated": quote["t"], "timeframe": "REAL-TIME",
        }  # fmt: skip
    if "lastTrade" in short:
        trade = short["lastTrade"]
        body["last_trade"] = {
            "conditions": [], "exchange": 12, "id": trade["i"], "price": trade["p"], "size": trade["s"],
            "sip_timestamp": trade["t"], "timeframe": "REAL-TIME",
        }  # fmt: skip
    return body
