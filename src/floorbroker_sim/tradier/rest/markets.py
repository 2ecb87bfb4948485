"""Quotes, chains as quotes, and the search for symbols.

https://documentation.tradier.com/brokerage-api/markets/get-quotes and its neighbours
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, AssetClass
from floorbroker.matching import XNYS
from floorbroker_sim.history import Candle, day_start
from floorbroker_sim.http import Request
from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.errors import Refused
from floorbroker_sim.tradier.mapping import inside, millis, outside
from floorbroker_sim.tradier.rest import chains
from floorbroker_sim.tradier.rest.hours import phase
from floorbroker_sim.tradier.rest.reading import day, flag, names, needed, params_of
from floorbroker_sim.tradier.rest.rendering import Body, Listed

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

_CENT = Decimal("0.01")
_MAX_SYMBOLS = 2000


def get_quotes(state: State, request: Request) -> Body:
    """By GET, or by POST for long lists; what nobody listed stands beside the quotes."""
    params = params_of(request)
    wanted, greeks = names(params, "symbols"), flag(params, "greeks")
    if not wanted:
        raise Refused(400, "symbols is required")
    found: list[dict[str, object]] = []
    unmatched: list[str] = []
    for name in wanted[:_MAX_SYMBOLS]:
        quote = quote_object(state, name, greeks=greeks)
        found += [quote] if quote is not None else []
        unmatched += [name] if quote is None else []
    beside = {"unmatched_symbols": Listed(name="symbol", items=unmatched)} if unmatched else None
    return {"quotes": Listed(name="quote", items=found, beside=beside)}


def quote_object(state: State, name: str, *, greeks: bool) -> dict[str, object] | None:
    """The quote of a share or a contract; None for what is not listed here."""
    try:
        instrument = state.market.instrument(inside(name))
    except KeyError:
        return None
    quote = state.refresh(instrument.symbol)
    contract = OptionContract.parse(instrument.symbol)
    answer = _common(instrument)
    answer |= _prices(state, instrument) | _touch(quote, is_option=contract is not None)
    if contract is None:
        return answer | {"root_symbols": instrument.symbol}
    return answer | chains.details(state, contract, greeks=greeks)


def _common(instrument: Instrument) -> dict[str, object]:
    is_option = instrument.asset_class is AssetClass.OPTION
    return {
        "symbol": outside(instrument.symbol), "description": instrument.name or instrument.symbol,
        "exch": "Z" if is_option else exchange_of(instrument), "type": type_of(instrument),
    }  # fmt: skip


def exchange_of(instrument: Instrument) -> str:
    """One letter: Q for Nasdaq, N for New York, P for Arca."""
    return "P" if instrument.symbol in info.ARCA else "N" if instrument.symbol in info.NYSE else "Q"


def type_of(instrument: Instrument) -> str:
    if instrument.asset_class is AssetClass.OPTION:
        return "option"
    return "etf" if instrument.symbol in info.FUNDS else "stock"


def _prices(state: State, instrument: Instrument) -> dict[str, object]:
    """The day so far; its prices are null before the opening."""
    symbol, trade = instrument.symbol, state.market.last_trade(instrument.symbol)
    is_option = instrument.asset_class is AssetClass.OPTION
    today = None if is_option or phase(state) == "premarket" else day_of(state, symbol)
    last = trade.price if trade is not None else None
    close_at = XNYS.current_or_next(state.clock.now()).open
    before = state.market.close_before(symbol, close_at) or last or ZERO
    change = None if last is None else last - before
    percent = None if change is None or not before else round(change / before * 100, 2)
    year = [last or before] if is_option else [before * Decimal("1.25"), before * Decimal("0.75")]
    return {
        "last": last, "change": change, "volume": 0 if today is None else int(today.volume),
        "open": today and today.open, "high": today and today.high, "low": today and today.low,
        "close": last if phase(state) in {"postmarket", "closed"} else None, "change_percentage": percent,
        "average_volume": 0 if is_option else 1_000_000, "last_volume": 0 if trade is None else int(trade.size),
        "trade_date": 0 if trade is None else millis(trade.time), "prevclose": before,
        "week_52_high": max(year).quantize(_CENT), "week_52_low": min(year).quantize(_CENT),
    }  # fmt: skip


def day_of(state: State, symbol: str) -> Candle | None:
    """The bar of the day so far."""
    now = state.clock.now()
    return next(iter(state.history.days(symbol, day_start(now, is_coin=False), now)), None)


def _touch(quote: Quote | None, *, is_option: bool) -> dict[str, object]:
    """The top of the book; a side without a price is zero.  Sizes are contracts, or hundreds of shares."""
    if quote is None:
        numbers = ("bid", "bidsize", "bid_date", "ask", "asksize", "ask_date")
        return {**dict.fromkeys(numbers, 0), "bidexch": None, "askexch": None}
    size = 1 if is_option else 100
    venue, at = ("C" if is_option else "Q"), millis(quote.time)
    return {
        "bid": quote.bid or 0, "bidsize": int(quote.bid_size / size), "bidexch": venue, "bid_date": at,
        "ask": quote.ask or 0, "asksize": int(quote.ask_size / size), "askexch": venue, "ask_date": at,
    }  # fmt: skip


def get_chain(state: State, request: Request) -> Body:
    """All contracts of one expiration, as quotes."""
    params = params_of(request)
    symbol, expiration, greeks = needed(params, "symbol").upper(), day(params, "expiration"), flag(params, "greeks")
    if expiration is None:
        raise Refused(400, "expiration is required")
    contracts = chains.contracts_of(state, symbol, expiration)
    found = [quote_object(state, contract.symbol, greeks=greeks) for contract in contracts]
    return {"options": Listed(name="option", items=found)}


def _security(instrument: Instrument) -> dict[str, object]:
    return {
        "symbol": instrument.symbol, "exchange": exchange_of(instrument), "type": type_of(instrument),
        "description": instrument.name or instrument.symbol,
    }  # fmt: skip


def _shares(state: State) -> list[Instrument]:
    return [one for one in state.market.instruments.values() if one.asset_class is AssetClass.EQUITY]


def get_easy_to_borrow(state: State, _request: Request) -> Body:
    found = [_security(one) for one in _shares(state) if one.shortable]
    return {"securities": Listed(name="security", items=found)}


def get_search(state: State, request: Request) -> Body:
    """By name or symbol, the words anywhere."""
    params = params_of(request)
    flag(params, "indexes")
    wanted = needed(params, "q").upper()
    found = [_security(one) for one in _shares(state) if wanted in one.symbol or wanted in one.name.upper()]
    return {"securities": Listed(name="security", items=found)}


def get_symbol_lookup(state: State, request: Request) -> Body:
    """By the beginning of the symbol, of some exchanges and types."""
    params = params_of(request)
    wanted, exchanges, types = needed(params, "q").upper(), names(params, "exchanges"), names(params, "types")
    found = [
        _security(one)
        for one in _shares(state)
        if one.symbol.startswith(wanted)
        and (not exchanges or exchange_of(one) in exchanges)
        and (not types or type_of(one) in types)
    ]
    return {"securities": Listed(name="security", items=found)}
