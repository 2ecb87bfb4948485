"""What instruments cost now: full quotes, last prices, OHLC, greeks.  Answers are filed under `SEGMENT:SYMBOL`.

https://upstox.com/developer/api-documentation/get-full-market-quote and v3/get-market-quote-ltp
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.history import Candle
from floorbroker_sim.http import Reply
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.mapping import epoch_ms, iso_text
from floorbroker_sim.upstox.rest import greeks
from floorbroker_sim.upstox.rest.answers import Call, ok, shown
from floorbroker_sim.upstox.rest.depth import ladder
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.reading import is_key, names_in

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

_SPANS = {"1d": timedelta(days=1), "I1": timedelta(minutes=1), "I30": timedelta(minutes=30)}


def asked(state: State, call: Call, *, most: int = info.MAX_KEYS) -> list[Listed]:
    """The instruments of a query, unknown ones left out; the parameter has two names."""
    keys = names_in(call.query, "instrument_key", "symbol")
    if not keys:
        raise Refused("UDAPI1009", path="instrument_key")
    if len(keys) > most:
        raise Refused("UDAPI100043", value=len(keys))
    for key in keys:
        if not is_key(key):
            raise Refused("UDAPI1011", path="instrument_key", value=key)
    found = [state.listings.by_key[key] for key in keys if key in state.listings.by_key]
    if not found:
        raise Refused("UDAPI1087", path="instrument_key", value=keys[0])
    return [one for one in found if state.last(one)]


def get_full(state: State, call: Call) -> Reply:
    return ok({one.quote_name: full(state, one) for one in asked(state, call)})


def get_full_v3(state: State, call: Call) -> Reply:
    return ok({one.quote_name: _full_v3(state, one) for one in asked(state, call)})


def full(state: State, listed: Listed) -> dict[str, object]:
    """Everything that is known about an instrument now."""
    now, last = state.clock.now(), state.last(listed)
    day, close = state.past.today(listed, now), state.past.previous_close(listed, now)
    low, high = state.past.circuit(listed, now)
    buys, sells = ladder(state, listed)
    return {
        "ohlc": _ohlc(day), "depth": {"buy": [one.shown() for one in buys], "sell": [one.shown() for one in sells]},
        "timestamp": iso_text(now, millis=True), "instrument_token": listed.key, "symbol": listed.trading_symbol,
        "last_price": last, "volume": int(day.volume), "average_price": shown(day.mean), "oi": ZERO,
        "net_change": shown(last - close), "total_buy_quantity": sum(one.quantity for one in buys),
        "total_sell_quantity": sum(one.quantity for one in sells), "lower_circuit_limit": low, "upper_circuit_limit": high,
        "last_trade_time": str(epoch_ms(now)), "oi_day_high": ZERO, "oi_day_low": ZERO,
    }  # fmt: skip


def _full_v3(state: State, listed: Listed) -> dict[str, object]:
    now = state.clock.now()
    low, high = state.past.year(listed, now)
    return full(state, listed) | {
        "ohlc": _ohlc_v3(state.past.today(listed, now)), "prev_close_price": state.past.previous_close(listed, now),
        "year_low": low, "year_high": high, "previous_oi": ZERO,
    }  # fmt: skip


def _ohlc(day: Candle) -> dict[str, object]:
    return {"open": day.open, "high": day.high, "low": day.low, "close": day.close}


def _ohlc_v3(day: Candle) -> dict[str, object]:
    return _ohlc(day) | {"volume": int(day.volume), "ts": epoch_ms(day.start)}


def get_ltp(state: State, call: Call) -> Reply:
    return ok({one.quote_name: _ltp(state, one) for one in asked(state, call)})


def _ltp(state: State, listed: Listed) -> dict[str, object]:
    return {"last_price": state.last(listed), "instrument_token": listed.key}


def get_ltp_v3(state: State, call: Call) -> Reply:
    return ok({one.quote_name: _ltp_v3(state, one) for one in asked(state, call)})


def _ltp_v3(state: State, listed: Listed) -> dict[str, object]:
    now = state.clock.now()
    trade = state.market.last_trade(listed.symbol)
    return _ltp(state, listed) | {
        "ltq": 0 if trade is None else int(trade.size), "volume": int(state.past.today(listed, now).volume),
        "cp": state.past.previous_close(listed, now),
    }  # fmt: skip


def get_ohlc(state: State, call: Call) -> Reply:
    _span(call)
    now = state.clock.now()
    return ok(
        {one.quote_name: _ltp(state, one) | {"ohlc": _ohlc(state.past.today(one, now))} for one in asked(state, call)}
    )


def get_ohlc_v3(state: State, call: Call) -> Reply:
    """The bar that runs, and the one before it."""
    span = _span(call)
    return ok({one.quote_name: _two_bars(state, one, span) for one in asked(state, call)})


def _two_bars(state: State, listed: Listed, span: timedelta) -> dict[str, object]:
    now = state.clock.now()
    if span == _SPANS["1d"]:
        bars = list(state.past.history.days(listed.symbol, now - timedelta(days=12), now - timedelta(days=1)))[-1:]
    else:
        bars = list(state.past.history.minutes(listed.symbol, now - 2 * span, now - span))[-1:]
    return _ltp(state, listed) | {
        "prev_ohlc": _ohlc_v3(bars[0]) if bars else None, "live_ohlc": _ohlc_v3(state.past.today(listed, now))
    }  # fmt: skip


def _span(call: Call) -> timedelta:
    interval = call.query.get("interval", "")
    if not interval:
        raise Refused("UDAPI1027", path="interval")
    if interval not in _SPANS:
        raise Refused("UDAPI1028", path="interval", value=interval)
    return _SPANS[interval]


def get_greeks(state: State, call: Call) -> Reply:
    found = asked(state, call, most=info.MAX_GREEK_KEYS)
    return ok({one.quote_name: _greek(state, one) for one in found if one.is_option})


def _greek(state: State, listed: Listed) -> dict[str, object]:
    found = greeks.of(state, listed)
    return _ltp_v3(state, listed) | {
        "iv": found.iv, "vega": found.vega, "gamma": found.gamma, "theta": found.theta, "delta": found.delta, "oi": ZERO
    }  # fmt: skip
