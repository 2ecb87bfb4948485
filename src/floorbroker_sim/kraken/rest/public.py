"""Market data for everybody.  https://docs.kraken.com/api/docs/rest-api/get-server-time and its neighbours"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice

from floorbroker.domain.records import Trade
from floorbroker.domain.values import ZERO, Side, from_epoch
from floorbroker_sim.kraken import errors, info
from floorbroker_sim.kraken.errors import Refused, invalid
from floorbroker_sim.kraken.info import Pair
from floorbroker_sim.kraken.mapping import asset_of, epoch, fixed, nanoseconds, pair_of, price_text, qty_text
from floorbroker_sim.kraken.rest import candles
from floorbroker_sim.kraken.rest.ladder import Level
from floorbroker_sim.kraken.rest.reading import Params
from floorbroker_sim.kraken.rest.state import State

_GRID = timedelta(seconds=5)  # how often the seeded past has a trade
_INFO = {
    "leverage": ("leverage_buy", "leverage_sell"),
    "fees": ("fees", "fees_maker", "fee_volume_currency"),
    "margin": ("margin_call", "margin_stop"),
}


def find_pair(state: State, name: str) -> Pair:
    pair = pair_of(name)
    if pair is None or pair.symbol not in state.pairs:
        raise Refused(errors.UNKNOWN_PAIR)
    return pair


def _pairs(state: State, params: Params) -> dict[str, Pair]:
    """The pairs asked for, all without a name, keyed as answers are: by the venue's id, or by a name with a slash."""
    names = params.names("pair")
    if not names:
        return {pair.id: pair for pair in state.pairs.values()}
    found = [(name, find_pair(state, name)) for name in names]
    return {name if "/" in name else pair.id: pair for name, pair in found}


def time(state: State, _params: Params) -> object:
    now = state.clock.now()
    return {"unixtime": int(now.timestamp()), "rfc1123": f"{now:%a, %d %b %y %H:%M:%S} +0000"}


def system_status(state: State, _params: Params) -> object:
    return {"status": state.settings.system, "timestamp": f"{state.clock.now():%Y-%m-%dT%H:%M:%SZ}"}


def assets(_state: State, params: Params) -> object:
    names = params.names("asset")
    chosen = [asset_of(name) for name in names] if names else list(info.ASSETS.values())
    if None in chosen:
        raise Refused(errors.UNKNOWN_ASSET)
    return {a.id: _asset(a) for a in chosen if a is not None}


def _asset(asset: info.Asset) -> dict[str, object]:
    answer: dict[str, object] = {
        "aclass": "currency", "altname": asset.altname, "decimals": asset.decimals, "display_decimals": asset.display,
        "status": "enabled",
    }  # fmt: skip
    if asset.collateral is not None:
        answer["collateral_value"] = Decimal(asset.collateral)
    return answer


def asset_pairs(state: State, params: Params) -> object:
    what = params.text("info") or "info"
    if what != "info" and what not in _INFO:
        raise invalid("info")
    answer = {name: _pair(pair) for name, pair in _pairs(state, params).items()}
    if what == "info":
        return answer
    return {name: {member: pair[member] for member in _INFO[what]} for name, pair in answer.items()}


def _pair(pair: Pair) -> dict[str, object]:
    base, quote = info.ASSETS[pair.base], info.ASSETS[pair.quote]
    return {
        "altname": pair.altname, "wsname": pair.wsname, "aclass_base": "currency", "base": base.id,
        "aclass_quote": "currency", "quote": quote.id, "lot": "unit", "cost_decimals": pair.cost_decimals,
        "pair_decimals": pair.price_decimals, "lot_decimals": pair.lot_decimals, "lot_multiplier": 1,
        "leverage_buy": [], "leverage_sell": [], "fees": [], "fees_maker": [], "fee_volume_currency": "ZUSD",
        "margin_call": 80, "margin_stop": 40, "ordermin": f"{pair.order_min:f}", "costmin": f"{pair.cost_min:f}",
        "tick_size": f"{pair.tick:f}", "status": "online", "execution_venue": "international",
        "long_position_limit": pair.long_limit, "short_position_limit": pair.short_limit,
    }  # fmt: skip


def ticker(state: State, params: Params) -> object:
    return {pair.id: _ticker(state, pair) for pair in _pairs(state, params).values()}


def _ticker(state: State, pair: Pair) -> dict[str, object]:
    quote, trade = state.market.quote(pair.symbol), state.market.last_trade(pair.symbol)
    today, day = candles.day_figures(state, pair.symbol)
    touch = [(quote.ask, quote.ask_size), (quote.bid, quote.bid_size)] if quote is not None else [(None, ZERO)] * 2
    ask, bid = ([price_text(pair, px), str(max(1, int(size))), f"{size:.3f}"] for px, size in touch)
    last = state.last_price(pair.symbol)
    return {
        "a": ask, "b": bid, "c": [price_text(pair, last), qty_text(pair, trade.size if trade is not None else ZERO)],
        "v": [qty_text(pair, today.volume), qty_text(pair, day.volume)],
        "p": [price_text(pair, today.mean), price_text(pair, day.mean)], "t": [today.count, day.count],
        "l": [price_text(pair, today.low), price_text(pair, day.low)],
        "h": [price_text(pair, today.high), price_text(pair, day.high)], "o": price_text(pair, today.open),
    }  # fmt: skip


def ohlc(state: State, params: Params) -> object:
    pair = find_pair(state, params.need("pair"))
    interval = params.whole("interval", low=1, high=info.INTERVALS_MIN[-1]) or 1
    if interval not in info.INTERVALS_MIN:
        raise invalid()
    since = params.whole("since", high=8 * 10**9)
    found = candles.rows(state, pair.symbol, interval, since=None if since is None else from_epoch(s=since))
    rows = [
        [
            int(c.start.timestamp()), price_text(pair, c.open), price_text(pair, c.high), price_text(pair, c.low),
            price_text(pair, c.close), price_text(pair, c.mean), qty_text(pair, c.volume), c.count,
        ]
        for c in found
    ]  # fmt: skip
    committed = found[-2:-1] or found[-1:]
    return {pair.id: rows, "last": int(committed[0].start.timestamp()) if committed else 0}


def depth(state: State, params: Params) -> object:
    pair = find_pair(state, params.need("pair"))
    count = params.whole("count", low=1, high=info.DEPTH_MAX) or info.DEPTH_DEFAULT
    at = state.clock.now()
    book = state.ladder.book(pair, state.market.quote(pair.symbol), at, count)

    def rows(levels: tuple[Level, ...]) -> list[object]:
        return [
            [fixed(level.price * pair.tick, pair.price_decimals), fixed(level.qty * pair.lot, 3), int(at.timestamp())]
            for level in levels
        ]

    return {pair.id: {"asks": rows(book.asks), "bids": rows(book.bids)}}


def trades(state: State, params: Params) -> object:
    """The newest first thousand, or those after `since` (nanoseconds, exclusive)."""
    pair = find_pair(state, params.need("pair"))
    count = params.whole("count", low=1, high=info.TRADES_MAX) or info.TRADES_MAX
    since = _since(params)
    now = state.clock.now()
    start = now - _GRID * count if since is None else max(since, state.opened_at - candles.LISTED)
    past = (t for t in state.history.trades(pair.symbol, start, now) if since is None or t.time > since)
    found = list(islice(past, count))
    rows = [_trade_row(pair, trade) for trade in found]
    last = nanoseconds(found[-1].time) if found else nanoseconds(since or now)
    return {pair.id: rows, "last": str(last)}


def trade_number(trade: Trade) -> int:
    """An id that grows with time: microseconds since 1970."""
    return nanoseconds(trade.time) // 1000


def _trade_row(pair: Pair, trade: Trade) -> list[object]:
    side = "s" if trade.aggressor is Side.SELL else "b"
    return [
        price_text(pair, trade.price), qty_text(pair, trade.size), epoch(trade.time), side, "l", "", trade_number(trade),
    ]  # fmt: skip


def _since(params: Params) -> datetime | None:
    """A time in seconds, or the nanoseconds that `last` said."""
    value = params.whole("since")
    if value is None or value == 0:
        return None if value is None else datetime(1970, 1, 1, tzinfo=UTC)
    return from_epoch(ns=value) if value > 10**11 else from_epoch(s=value)


def spread(state: State, params: Params) -> object:
    pair = find_pair(state, params.need("pair"))
    now = state.clock.now()
    since = _since(params)
    start = now - 200 * _GRID if since is None else max(since, now - 200 * _GRID)
    rows = [
        [int(q.time.timestamp()), price_text(pair, q.bid), price_text(pair, q.ask)]
        for q in state.history.quotes(pair.symbol, start, now)
    ]
    return {pair.id: rows, "last": int(now.timestamp())}
