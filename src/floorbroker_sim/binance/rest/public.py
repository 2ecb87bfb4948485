"""Market data that needs no key: times, rules, books, trades, klines, tickers.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.domain.values import ZERO
from floorbroker_sim.binance import errors, info, wire
from floorbroker_sim.binance.mapping import assets_of, outside
from floorbroker_sim.binance.rest import candles, entry
from floorbroker_sim.binance.rest.account import span
from floorbroker_sim.binance.rest.book import Levels
from floorbroker_sim.binance.rest.candles import Bar, bar
from floorbroker_sim.binance.rest.checks import filters_of
from floorbroker_sim.binance.rest.desk import Desk
from floorbroker_sim.binance.rest.reading import Params
from floorbroker_sim.binance.rest.tape import Print
from floorbroker_sim.binance.wire import Instant, number

_DAY = timedelta(days=1)
_MS = timedelta(milliseconds=1)
_DAY_SAMPLES = 48
_WINDOWS = {"m": (timedelta(minutes=1), 59), "h": (timedelta(hours=1), 23), "d": (_DAY, 7)}
_STATUSES = ("TRADING", "HALT", "BREAK")


def ping(_desk: Desk, _params: Params) -> dict[str, object]:
    return {}


def server_time(desk: Desk, _params: Params) -> dict[str, object]:
    return {"serverTime": Instant(desk.state.clock.now())}


# --- Rules -------------------------------------------------------------------------------------------------------------


def exchange_info(desk: Desk, params: Params) -> dict[str, object]:
    """`GET /api/v3/exchangeInfo`, `exchangeInfo`."""
    state = desk.state
    named = params.has("symbol") or params.has("symbols")
    if named and (params.has("permissions") or params.has("symbolStatus")):
        raise errors.bad_combination()
    status = params.choice("symbolStatus", _STATUSES)
    chosen = _symbols(desk, params) or list(state.symbols.values())
    if (status not in {None, "TRADING"}) or not _is_spot(params):
        chosen = []
    sets = params.flag("showPermissionSets", default=True)
    return {
        "timezone": "UTC", "serverTime": Instant(state.clock.now()), "rateLimits": state.meter.rules(),
        "exchangeFilters": [], "symbols": [symbol_rules(desk, symbol, sets=sets) for symbol in chosen],
    }  # fmt: skip


def _is_spot(params: Params) -> bool:
    wanted = params.optional("permissions")
    if wanted is None:
        return True
    return "SPOT" in (params.names("permissions") or []) if wanted.startswith("[") else wanted == "SPOT"


def _symbols(desk: Desk, params: Params) -> list[str] | None:
    """Canonical symbols that a request names by either parameter; None when it names none."""
    if params.has("symbol") and params.has("symbols"):
        raise errors.bad_combination()
    if params.has("symbol"):
        return [desk.state.canonical(params.symbol())]
    names = params.names("symbols")
    return None if names is None else [desk.state.canonical(name) for name in names]


def symbol_rules(desk: Desk, symbol: str, *, sets: bool) -> dict[str, object]:
    """One symbol of `exchangeInfo`."""
    base, quote = assets_of(symbol)
    return {
        "symbol": outside(symbol), "status": "TRADING", "baseAsset": base, "baseAssetPrecision": 8, "quoteAsset": quote,
        "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
        "orderTypes": list(info.ORDER_TYPES), "icebergAllowed": True, "ocoAllowed": True, "otoAllowed": True,
        "opoAllowed": False, "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": True,
        "cancelReplaceAllowed": True, "amendAllowed": True, "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False,
        "filters": filters_of(desk.state.instrument(symbol)), "permissions": [],
        "permissionSets": [["SPOT"]] if sets else [],
        "defaultSelfTradePreventionMode": info.DEFAULT_PREVENTION,
        "allowedSelfTradePreventionModes": list(info.PREVENTIONS),
    }  # fmt: skip


def execution_rules(desk: Desk, params: Params) -> dict[str, object]:
    """`GET /api/v3/executionRules`: no symbol here has a price range beside its filters."""
    if sum(params.has(name) for name in ("symbol", "symbols", "symbolStatus")) > 1:
        raise errors.bad_combination()
    params.choice("symbolStatus", _STATUSES)
    chosen = _symbols(desk, params) or list(desk.state.symbols.values())
    return {"symbolRules": [{"symbol": outside(symbol), "rules": []} for symbol in chosen]}


def reference_price(desk: Desk, params: Params) -> dict[str, object]:
    """`GET /api/v3/referencePrice`, and its calculation: none was ever set."""
    desk.state.canonical(params.symbol())
    raise errors.bad(-2043, "This symbol doesn't have a reference price.")


# --- Book and trades ---------------------------------------------------------------------------------------------------


def levels(side: Levels) -> list[list[str]]:
    """Levels as pairs of text."""
    return [[number(price), number(size)] for price, size in side]


def depth(desk: Desk, params: Params) -> dict[str, object]:
    """`GET /api/v3/depth`, `depth`: under the number of the last update that the streams told of."""
    symbol = entry.symbol_of(desk, params)
    params.choice("symbolStatus", _STATUSES)
    book = desk.state.book(symbol)
    bids, asks = book.top(params.limit(default=100, most=5000))
    return {"lastUpdateId": book.update_id, "bids": levels(bids), "asks": levels(asks)}


def public_trade(made: Print) -> wire.PublicTrade:
    return wire.PublicTrade(
        id=made.id, price=number(made.price), qty=number(made.qty), quote_qty=number(made.qty * made.price),
        time=Instant(made.at), is_buyer_maker=made.buyer_is_maker,
    )  # fmt: skip


def trades(desk: Desk, params: Params) -> list[wire.PublicTrade]:
    """`GET /api/v3/trades`, `trades.recent`."""
    symbol = entry.symbol_of(desk, params)
    return [public_trade(made) for made in desk.state.tape(symbol).newest(params.limit(default=500, most=1000))]


def historical_trades(desk: Desk, params: Params) -> list[wire.PublicTrade]:
    """`GET /api/v3/historicalTrades`, `trades.historical`."""
    symbol = entry.symbol_of(desk, params)
    first, most = params.integer("fromId"), params.limit(default=500, most=1000)
    tape = desk.state.tape(symbol)
    return [public_trade(made) for made in (tape.newest(most) if first is None else tape.from_id(first, most))]


def aggregated(made: Print) -> dict[str, object]:
    """An aggregate of one trade: here every taker meets one maker."""
    return {
        "a": made.id, "p": number(made.price), "q": number(made.qty), "f": made.id, "l": made.id, "T": Instant(made.at),
        "m": made.buyer_is_maker, "M": True,
    }  # fmt: skip


def agg_trades(desk: Desk, params: Params) -> list[dict[str, object]]:
    """`GET /api/v3/aggTrades`, `trades.aggregate`."""
    symbol = entry.symbol_of(desk, params)
    first, most = params.integer("fromId"), params.limit(default=500, most=1000)
    start, end = span(params)
    tape = desk.state.tape(symbol)
    if first is not None:
        if start is not None or end is not None:
            raise errors.bad_combination()
        return [aggregated(made) for made in tape.from_id(first, most)]
    return [aggregated(made) for made in tape.between(start, end, most)]


def block_trades(desk: Desk, params: Params) -> list[object]:
    """`GET /api/v3/historicalBlockTrades`: there are none."""
    desk.state.canonical(params.symbol())
    return []


def klines(desk: Desk, params: Params) -> list[list[object]]:
    """`GET /api/v3/klines` and `uiKlines`."""
    symbol = entry.symbol_of(desk, params)
    word = params.choice("interval", tuple(info.INTERVALS)) or params.text("interval")
    start, end = span(params)
    found = candles.bars(
        desk.state, symbol, info.INTERVALS[word], start=start, end=end, limit=params.limit(default=500, most=1000),
        zone=candles.zone_of(params.optional("timeZone")),
    )  # fmt: skip
    return [candles.kline(made) for made in found]


# --- Tickers -----------------------------------------------------------------------------------------------------------


def average(desk: Desk, params: Params) -> dict[str, object]:
    """`GET /api/v3/avgPrice`, `avgPrice`."""
    symbol = entry.symbol_of(desk, params)
    now = desk.state.clock.now()
    price = desk.state.reference(symbol, now) or ZERO
    newest = desk.state.tape(symbol).newest(1)
    return {
        "mins": info.AVERAGE_MINUTES, "price": number(price), "closeTime": Instant(newest[-1].at if newest else now),
    }  # fmt: skip


def _many(desk: Desk, params: Params, line: Callable[[str], dict[str, object]]) -> object:
    """One object for `symbol`, a list for `symbols` and for all."""
    chosen = _symbols(desk, params)
    if chosen is None:
        chosen = list(desk.state.symbols.values())
    for symbol in chosen:
        desk.look(symbol)
    lines = [line(symbol) for symbol in chosen]
    return lines[0] if params.has("symbol") else lines


def price_ticker(desk: Desk, params: Params) -> object:
    """`GET /api/v3/ticker/price`, `ticker.price`."""
    params.choice("symbolStatus", _STATUSES)

    def line(symbol: str) -> dict[str, object]:
        return {"symbol": outside(symbol), "price": number(desk.state.last_price(symbol) or ZERO)}

    return _many(desk, params, line)


def top_of_book(desk: Desk, symbol: str) -> dict[str, str]:
    """The best bid and ask with their sizes."""
    bids, asks = desk.state.book(symbol).top(1)
    bid, ask = (side[0] if side else (ZERO, ZERO) for side in (bids, asks))
    return {
        "bidPrice": number(bid[0]), "bidQty": number(bid[1]), "askPrice": number(ask[0]), "askQty": number(ask[1]),
    }  # fmt: skip


def book_ticker(desk: Desk, params: Params) -> object:
    """`GET /api/v3/ticker/bookTicker`, `ticker.book`."""
    params.choice("symbolStatus", _STATUSES)

    def line(symbol: str) -> dict[str, object]:
        return {"symbol": outside(symbol), **top_of_book(desk, symbol)}

    return _many(desk, params, line)


def rolling(desk: Desk, symbol: str, start: datetime) -> Bar:
    """What a symbol did from a moment until now."""
    now = desk.state.clock.now()
    found = bar(desk.state, symbol, start, now + _MS, samples=_DAY_SAMPLES)
    if found is None:
        raise errors.bad(-2016, "No trading window could be found for the symbol. Try ticker/24hrs instead.")
    return found


def _statistics(symbol: str, made: Bar, *, mini: bool) -> dict[str, object]:
    change = made.close - made.open
    whole: dict[str, object] = {} if mini else {
        "priceChange": number(change), "priceChangePercent": percent(change, made.open),
        "weightedAvgPrice": number(made.mean),
    }  # fmt: skip
    return {"symbol": outside(symbol)} | whole | {
        "openPrice": number(made.open), "highPrice": number(made.high), "lowPrice": number(made.low),
        "lastPrice": number(made.close), "volume": number(made.volume), "quoteVolume": number(made.quote_volume),
        "openTime": Instant(made.start), "closeTime": Instant(made.end - _MS), "firstId": made.first_id,
        "lastId": made.last_id, "count": made.count,
    }  # fmt: skip


def percent(change: Decimal, of: Decimal) -> str:
    return f"{change * 100 / of:.3f}" if of else "0.000"


def _is_mini(params: Params) -> bool:
    return params.choice("type", ("FULL", "MINI"), kind="tickerType") == "MINI"


def day_ticker(desk: Desk, params: Params) -> object:
    """`GET /api/v3/ticker/24hr`, `ticker.24hr`."""
    params.choice("symbolStatus", _STATUSES)
    mini = _is_mini(params)

    def line(symbol: str) -> dict[str, object]:
        made = rolling(desk, symbol, desk.state.clock.now() - _DAY)
        found = _statistics(symbol, made, mini=mini)
        if mini:
            return found
        newest = desk.state.tape(symbol).newest(1)
        return found | top_of_book(desk, symbol) | {
            "prevClosePrice": number(made.open), "lastQty": number(newest[-1].qty if newest else ZERO),
        }  # fmt: skip

    return _many(desk, params, line)


def trading_day(desk: Desk, params: Params) -> object:
    """`GET /api/v3/ticker/tradingDay`, `ticker.tradingDay`."""
    params.choice("symbolStatus", _STATUSES)
    mini, zone = _is_mini(params), candles.zone_of(params.optional("timeZone"))
    _needs_symbols(params)

    def line(symbol: str) -> dict[str, object]:
        day = info.INTERVALS["1d"]
        start = candles.opening(desk.state.clock.now(), day, zone)
        made = bar(desk.state, symbol, start, start + _DAY, samples=day.samples)
        return {} if made is None else _statistics(symbol, made, mini=mini)

    return _many(desk, params, line)


def window_ticker(desk: Desk, params: Params) -> object:
    """`GET /api/v3/ticker`, `ticker`: a window of minutes, hours or days, begun on a whole minute."""
    params.choice("symbolStatus", _STATUSES)
    mini, size = _is_mini(params), params.optional("windowSize") or "1d"
    _needs_symbols(params)
    unit, most = _WINDOWS.get(size[-1], (_DAY, 0))
    if not size[:-1].isascii() or not size[:-1].isdigit() or not 1 <= int(size[:-1][:4]) <= most:
        raise errors.not_valid("windowSize")
    start = (desk.state.clock.now() - unit * int(size[:-1])).replace(second=0, microsecond=0)

    def line(symbol: str) -> dict[str, object]:
        return _statistics(symbol, rolling(desk, symbol, start), mini=mini)

    return _many(desk, params, line)


def _needs_symbols(params: Params) -> None:
    if not params.has("symbol") and not params.has("symbols"):
        raise errors.missing_both("symbol", "symbols")
