"""What the account has and did: balances, orders, trades, ledgers, fees, and the key that asks.

https://docs.kraken.com/api/docs/rest-api/get-account-balance and its neighbours
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from floorbroker.domain.values import ZERO, from_epoch
from floorbroker_sim.kraken import errors, info
from floorbroker_sim.kraken.errors import Refused, invalid
from floorbroker_sim.kraken.mapping import (
    amend_info,
    amount_text,
    asset_of,
    fixed,
    ledger_info,
    order_info,
    trade_info,
)
from floorbroker_sim.kraken.rest.public import find_pair
from floorbroker_sim.kraken.rest.reading import Params
from floorbroker_sim.kraken.rest.records import LedgerLine, Record, Trade
from floorbroker_sim.kraken.rest.state import State

_TRADE_TYPES = frozenset({"all", "any position", "closed position", "closing position", "no position"})
_LEDGER_TYPES = frozenset(
    {
        "all", "trade", "deposit", "withdrawal", "transfer", "margin", "adjustment", "rollover", "credit", "settled",
        "staking", "dividend", "sale", "nft_rebate", "conversion", "allocation", "deallocation", "earn",
    }
)  # fmt: skip


class _Timed(Protocol):
    @property
    def at(self) -> datetime: ...


T = TypeVar("T", bound=_Timed)


# --- Balances --------------------------------------------------------------------------------------------------------


def balance(state: State, _params: Params) -> object:
    return {a.id: amount_text(a, state.wallet.balances[a.name]) for a in info.ASSETS.values()}


def balance_ex(state: State, _params: Params) -> object:
    return {
        a.id: {
            "balance": amount_text(a, state.wallet.balances[a.name]),
            "hold_trade": amount_text(a, state.wallet.held(a.name)),
            "credit": amount_text(a, ZERO),
            "credit_used": amount_text(a, ZERO),
        }
        for a in info.ASSETS.values()
    }


def trade_balance(state: State, params: Params) -> object:
    """Everything in one asset; nothing is borrowed, so equity is the trade balance and all margin is free."""
    asset = asset_of(params.text("asset") or "ZUSD")
    if asset is None:
        raise Refused(errors.UNKNOWN_ASSET)
    unit = worth(state, asset.name) or Decimal(1)
    total = sum((held * (worth(state, name) or ZERO) for name, held in state.wallet.balances.items()), ZERO) / unit
    text, nothing = fixed(total, 4), fixed(ZERO, 4)
    return {
        "eb": text, "tb": text, "m": nothing, "uv": nothing, "n": nothing, "c": nothing, "v": nothing, "e": text,
        "mf": text, "mfo": text,
    }  # fmt: skip


def worth(state: State, name: str) -> Decimal | None:
    """US dollars for one unit; euros by way of the two bitcoin markets."""
    if name == "USD":
        return Decimal(1)
    if name == "EUR":
        dollars, euros = state.last_price("BTC/USD"), state.last_price("BTC/EUR")
        return None if dollars is None or not euros else dollars / euros
    return state.last_price(f"{name}/USD")


# --- Orders ----------------------------------------------------------------------------------------------------------


def open_orders(state: State, params: Params) -> object:
    found = _chosen(state.open.values(), params)
    trades = params.flag("trades")
    return {"open": {r.id: order_info(r, trades=trades) for r in reversed(found)}}


def _chosen(records: object, params: Params) -> list[Record]:
    """Orders of a user reference or a client id, where one is named."""
    userref = params.whole("userref", low=-(1 << 31), high=(1 << 31) - 1)
    client = params.text("cl_ord_id")
    rows: list[Record] = list(records)  # type: ignore[call-overload]
    return [
        r
        for r in rows
        if (userref is None or r.wish.userref == userref) and (client is None or r.wish.cl_ord_id == client)
    ]


def closed_orders(state: State, params: Params) -> object:
    """Newest first, fifty a page; `start` is exclusive, `end` inclusive, each a time or the id of an order."""
    by = params.choice("closetime", frozenset({"open", "close", "both"}), "both")
    closed = [r for r in _chosen(state.orders.values(), params) if not r.is_open]
    start, end = _bound(state, params, "start"), _bound(state, params, "end")
    found = [r for r in closed if _within(r, start, end, by)]
    found.sort(key=lambda r: (r.closed_at or r.opened_at, r.number), reverse=True)
    trades = params.flag("trades")
    answer: dict[str, object] = {"closed": {r.id: order_info(r, trades=trades) for r in _page(found, params)}}
    return answer if params.flag("without_count") else {**answer, "count": len(found)}


def _within(record: Record, start: datetime | None, end: datetime | None, by: str) -> bool:
    """For `both`, an order counts that was opened or closed in the range."""
    moments = [record.opened_at] if by in {"open", "both"} else []
    if by in {"close", "both"} and record.closed_at is not None:
        moments.append(record.closed_at)
    return any((start is None or at > start) and (end is None or at <= end) for at in moments)


def _bound(state: State, params: Params, name: str) -> datetime | None:
    text = params.text(name)
    if text is None:
        return None
    for known in (state.orders.get(text), state.trades.get(text), state.wallet.lines.get(text)):
        if known is not None:
            return known.opened_at if isinstance(known, Record) else known.at
    value = params.amount(name)
    if value is None or not 0 <= value < 8 * 10**9:
        raise invalid(name)
    return from_epoch(s=value)


def _page(found: Sequence[Record], params: Params) -> Sequence[Record]:
    start = params.whole("ofs", high=1 << 31) or 0
    return found[start : start + info.PAGE]


def query_orders(state: State, params: Params) -> object:
    names = params.names("txid")
    if not 1 <= len(names) <= info.QUERY_ORDERS_MAX:
        raise invalid("txid")
    userref = params.whole("userref", low=-(1 << 31), high=(1 << 31) - 1)
    found = [_known(state, name) for name in names]
    trades = params.flag("trades")
    return {r.id: order_info(r, trades=trades) for r in found if userref is None or r.wish.userref == userref}


def _known(state: State, name: str) -> Record:
    record = state.orders.get(name)
    if record is None:
        raise Refused(errors.UNKNOWN_ORDER)
    return record


def order_amends(state: State, params: Params) -> object:
    record = _known(state, params.need("order_id"))
    return {"count": len(record.history), "amends": [amend_info(step, record.pair) for step in record.history]}


# --- Trades and ledgers ----------------------------------------------------------------------------------------------


def trades_history(state: State, params: Params) -> object:
    kind = params.choice("type", _TRADE_TYPES, "all")
    found = _in_range(state, list(state.trades.values()), params) if kind in {"all", "no position"} else []
    ledgers = params.flag("ledgers")
    start = params.whole("ofs", high=1 << 31) or 0
    page = found[start : start + info.PAGE]
    answer: dict[str, object] = {"trades": {t.id: trade_info(t, ledgers=ledgers) for t in page}}
    return answer if params.flag("without_count") else {**answer, "count": len(found)}


def _in_range(state: State, rows: list[T], params: Params) -> list[T]:
    """After `start` up to `end`, newest first."""
    start, end = _bound(state, params, "start"), _bound(state, params, "end")
    return [r for r in reversed(rows) if (start is None or r.at > start) and (end is None or r.at <= end)]


def query_trades(state: State, params: Params) -> object:
    names = params.names("txid")
    if not 1 <= len(names) <= info.QUERY_TRADES_MAX:
        raise invalid("txid")
    found = [state.trades.get(name) for name in names]
    if None in found:
        raise Refused("EQuery:Unknown trade")
    return {t.id: trade_info(t, ledgers=params.flag("ledgers")) for t in found if t is not None}


def open_positions(_state: State, params: Params) -> object:
    """Spot holds no margin positions."""
    return [] if params.text("consolidation") else {}


def ledgers(state: State, params: Params) -> object:
    names = [name for name in params.names("asset") if name != "all"]
    assets = [asset_of(name) for name in names]
    if None in assets:
        raise Refused(errors.UNKNOWN_ASSET)
    kind = params.choice("type", _LEDGER_TYPES, "all")
    rows = [
        line
        for line in state.wallet.lines.values()
        if (not assets or line.asset in assets) and kind in {"all", line.type}
    ]
    found = _in_range(state, rows, params)
    start = params.whole("ofs", high=1 << 31) or 0
    page: list[LedgerLine] = found[start : start + info.PAGE]
    answer: dict[str, object] = {"ledger": {line.id: ledger_info(line) for line in page}}
    return answer if params.flag("without_count") else {**answer, "count": len(found)}


def query_ledgers(state: State, params: Params) -> object:
    names = params.names("id")
    if not 1 <= len(names) <= info.QUERY_TRADES_MAX:
        raise invalid("id")
    found = [state.wallet.lines.get(name) for name in names]
    if None in found:
        raise Refused("EQuery:Unknown ledger")
    return {line.id: ledger_info(line) for line in found if line is not None}


# --- Fees, tokens, keys ----------------------------------------------------------------------------------------------


def trade_volume(state: State, params: Params) -> object:
    """Thirty days are never over here: everything traded counts."""
    volume = sum((_in_dollars(state, trade) for trade in state.trades.values()), ZERO)
    answer: dict[str, object] = {"currency": "ZUSD", "volume": fixed(volume, 4)}
    pairs = [find_pair(state, name) for name in params.names("pair")]
    if pairs:
        answer["fees"] = {pair.id: _fee_row(state.settings.taker_bps) for pair in pairs}
        answer["fees_maker"] = {pair.id: _fee_row(state.settings.maker_bps) for pair in pairs}
    return answer


def _in_dollars(state: State, trade: Trade) -> Decimal:
    return trade.cost * (worth(state, trade.pair.quote) or ZERO)


def _fee_row(bps: Decimal) -> dict[str, str | None]:
    fee = fixed(bps / 100, 4)
    return {"fee": fee, "minfee": "0.0000", "maxfee": fee, "nextfee": None, "nextvolume": None, "tiervolume": "0.0000"}


def socket_token(state: State, _params: Params) -> object:
    return {"token": state.tokens.issue(state.clock.now()), "expires": info.TOKEN_S}
