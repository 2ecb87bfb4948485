"""Option contracts and chains, the search for instruments, and the files they are published in.

https://upstox.com/developer/api-documentation/instruments, get-option-contracts and get-pc-option-chain
"""

from __future__ import annotations

import gzip
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from floorbroker.domain.values import ZERO
from floorbroker_sim.http import Reply
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.info import PAISE
from floorbroker_sim.upstox.mapping import epoch_ms
from floorbroker_sim.upstox.rest import greeks
from floorbroker_sim.upstox.rest.answers import Call, ok
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.reading import day_of, is_key, number_in

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

FILES = ("complete", "NSE", "BSE", "MCX", "MTF", "suspended-instrument")
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


def file_row(listed: Listed) -> dict[str, object]:
    """One instrument as the files have it; price steps in paise, expiry in milliseconds."""
    row: dict[str, object] = {
        "segment": listed.segment, "name": listed.name, "exchange": listed.segment.partition("_")[0],
        "instrument_type": listed.kind, "instrument_key": listed.key, "exchange_token": listed.token,
        "trading_symbol": listed.trading_symbol,
    }  # fmt: skip
    if listed.kind == "INDEX":
        return row
    row |= {
        "lot_size": listed.lot, "freeze_quantity": _number(listed.freeze), "tick_size": listed.tick * PAISE,
        "qty_multiplier": _number(1),
    }  # fmt: skip
    if listed.is_option:
        return row | {
            "weekly": listed.weekly, "expiry": _expiry_ms(listed), "asset_symbol": listed.root, "minimum_lot": listed.lot,
            "underlying_symbol": listed.root, "underlying_key": listed.underlying_key,
            "underlying_type": "INDEX" if "INDEX" in listed.underlying_key else "EQUITY", "strike_price": listed.strike,
        }  # fmt: skip
    return row | {
        "isin": listed.isin, "short_name": listed.trading_symbol, "security_type": "NORMAL", "mtf_enabled": True,
        "mtf_bracket": _number(30),
    }  # fmt: skip


def _number(value: int) -> object:
    return ZERO + value


def _expiry_ms(listed: Listed) -> int:
    assert listed.ends_at is not None
    return epoch_ms(listed.ends_at)


def get_file(state: State, _call: Call, name: str) -> Reply:
    """`complete.json.gz`, one exchange, or one of the special lists."""
    kind = name.removesuffix(".json.gz")
    if kind == name or kind not in FILES:
        raise Refused("UDAPI100060")
    listed = [one for one in state.listings.alive(state.clock.now()) if _belongs(one, kind)]
    return Reply(status=200, body=_packed(tuple(listed)), content_type="application/gzip")


@lru_cache(maxsize=32)
def _packed(listed: tuple[Listed, ...]) -> bytes:
    """The file of these, which every desk that starts asks for."""
    return gzip.compress(b"[%b]" % b",".join(map(_encoded, listed)), compresslevel=1, mtime=0)


@lru_cache(maxsize=1 << 14)
def _encoded(listed: Listed) -> bytes:
    return _ENCODE(file_row(listed))


def _belongs(listed: Listed, kind: str) -> bool:
    if kind == "MTF":
        return listed.segment == "NSE_EQ"
    return kind == "complete" or listed.segment.startswith(f"{kind}_")


def search(state: State, call: Call) -> Reply:
    """Instruments by a part of their name."""
    query = call.query
    text = query.get("query", "").strip().upper()
    if not text:
        raise Refused("UDAPI100036", path="query")
    page = number_in(query, "page_number", low=1, high=10_000, code="UDAPI1106", default=1)
    size = number_in(query, "records", low=1, high=30, code="UDAPI1107", default=10)
    segments = {part for part in query.get("segments", "").upper().split(",") if part and part != "ALL"}
    exchanges = {part for part in query.get("exchanges", "").upper().split(",") if part and part != "ALL"}
    found = [
        one
        for one in state.listings.alive(state.clock.now())
        if text in f"{one.trading_symbol} {one.name} {one.isin}".upper()
        and (not exchanges or one.segment.partition("_")[0] in exchanges)
        and (not segments or one.segment in segments or one.segment.partition("_")[2] in segments)
    ]
    rows = [file_row(one) for one in found[(page - 1) * size : page * size]]
    pages = -(-len(found) // size)
    meta = {"page": {"page_number": page, "total_pages": pages, "records": len(rows), "total_records": len(found)}}
    return ok(rows, meta_data=meta)


# --- Options -----------------------------------------------------------------------------------------------------------


def _options(state: State, call: Call, *, needs_day: bool) -> list[Listed]:
    key, text = call.query.get("instrument_key", ""), call.query.get("expiry_date", "")
    if not is_key(key):
        raise Refused("UDAPI1011" if key else "UDAPI1009", path="instrument_key", value=key)
    if key not in state.listings.by_key:
        raise Refused("UDAPI100011", path="instrument_key", value=key)
    if needs_day and not text:
        raise Refused("UDAPI1088", path="expiry_date", value=text)
    day: date | None = day_of(text, code="UDAPI1088", path="expiry_date") if text else None
    alive = state.listings.alive(state.clock.now())
    return [one for one in alive if one.is_option and one.underlying_key == key and day in {None, one.expiry}]


def get_contracts(state: State, call: Call) -> Reply:
    return ok([_contract(one) for one in _options(state, call, needs_day=False)])


def _contract(listed: Listed) -> dict[str, object]:
    assert listed.expiry is not None
    row = file_row(listed)
    del row["asset_symbol"]
    return row | {"expiry": listed.expiry.isoformat(), "qty_multiplier": 1}


def get_chain(state: State, call: Call) -> Reply:
    """One row for each strike."""
    strikes: dict[object, dict[str, Listed]] = {}
    for one in _options(state, call, needs_day=True):
        strikes.setdefault(one.strike, {})[one.kind] = one
    return ok([_row(state, pair["CE"], pair["PE"]) for pair in strikes.values()])


def _row(state: State, call: Listed, put: Listed) -> dict[str, object]:
    assert call.expiry is not None
    quote = state.market.quote(call.underlying)
    return {
        "expiry": call.expiry.isoformat(), "pcr": ZERO, "strike_price": call.strike, "underlying_key": call.underlying_key,
        "underlying_spot_price": None if quote is None else quote.last, "call_options": _side(state, call),
        "put_options": _side(state, put),
    }  # fmt: skip


def _side(state: State, listed: Listed) -> dict[str, object]:
    now, found = state.clock.now(), greeks.of(state, listed)
    quote = state.market.quote(listed.symbol)
    bid, ask = (ZERO, ZERO) if quote is None else (quote.bid or ZERO, quote.ask or ZERO)
    sizes = (ZERO, ZERO) if quote is None else (quote.bid_size, quote.ask_size)
    data = {
        "ltp": state.last(listed), "volume": 0, "oi": ZERO, "close_price": state.past.previous_close(listed, now),
        "bid_price": bid, "bid_qty": int(sizes[0]), "ask_price": ask, "ask_qty": int(sizes[1]), "prev_oi": ZERO,
    }  # fmt: skip
    analytics = {
        "vega": found.vega, "theta": found.theta, "gamma": found.gamma, "delta": found.delta, "iv": found.iv, "pop": found.pop
    }  # fmt: skip
    return {"instrument_key": listed.key, "market_data": data, "option_greeks": analytics}


def get_plus(_state: State, _call: Call, *_: str) -> Reply:
    """Contracts that have expired are for subscribers of another plan."""
    raise Refused("UDAPI1149")
