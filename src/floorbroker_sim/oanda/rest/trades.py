"""Trades: listed, closed, given other words, and their dependent orders.  https://developer.oanda.com/rest-live-v20/trade-ep/"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import is_multiple
from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.errors import Refused, rejected
from floorbroker_sim.oanda.mapping import trade_object
from floorbroker_sim.oanda.rest import checks, money, work
from floorbroker_sim.oanda.rest.answers import Answer, ended, extended
from floorbroker_sim.oanda.rest.execution import execute
from floorbroker_sim.oanda.rest.orders import begin, name_trade
from floorbroker_sim.oanda.rest.reading import Call, Fields, decimal_in, object_in
from floorbroker_sim.oanda.rest.records import Trade
from floorbroker_sim.oanda.rest.wishes import details, extensions

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State

_SPELLED = {
    "TAKE_PROFIT": "takeProfit",
    "STOP_LOSS": "stopLoss",
    "GUARANTEED_STOP_LOSS": "guaranteedStopLoss",
    "TRAILING_STOP_LOSS": "trailingStopLoss",
}


def shown(state: State, trade: Trade, *, whole: bool) -> wire.Trade:
    """A trade at the prices of now."""
    return trade_object(
        trade, unrealized=money.unrealized(state, trade), margin=money.margin(state, trade.instrument, trade.units),
        orders=state.orders if whole else None,
    )  # fmt: skip


def list_trades(state: State, call: Call) -> Answer:
    """The newest first; open ones unless `state` says otherwise."""
    wanted = call.choice("state", info.TRADE_STATES, default="OPEN")
    count = call.number("count", default=info.ORDERS_PAGE, high=info.ORDERS_MAX)
    ids, instrument, before = set(call.names("ids")), call.text("instrument"), call.transaction("beforeID")
    found = [
        trade
        for trade in reversed(state.trades.values())
        if (wanted in {"ALL", "OPEN" if trade.is_open else "CLOSED"} or (ids and call.text("state") is None))
        and (not ids or trade.id in ids)
        and (instrument is None or trade.instrument == instrument)
        and (before is None or int(trade.id) < before)
    ]
    return Answer(ended(state, {"trades": [shown(state, trade, whole=True) for trade in found[:count]]}))


def open_trades(state: State, _call: Call) -> Answer:
    found = reversed(state.open_trades.values())
    return Answer(ended(state, {"trades": [shown(state, trade, whole=True) for trade in found]}))


def get_trade(state: State, _call: Call, name: str) -> Answer:
    trade = state.find_trade(name)
    if trade is None:
        raise Refused(404, "The trade ID specified does not exist", code="NO_SUCH_TRADE", members=ended(state, {}))
    return Answer(ended(state, {"trade": shown(state, trade, whole=True)}))


def _open(state: State, name: str) -> Trade | None:
    trade = state.find_trade(name)
    return trade if trade is not None and trade.is_open else None


def close_trade(state: State, call: Call, name: str) -> Answer:
    """Close a trade with a market order, all of it or some units."""
    fields = call.fields(optional=True)
    every = fields.get("units", "ALL") == "ALL"
    units = None if every else decimal_in(fields, "units")
    with state.log.batch(call.request_id) as ids:
        trade = _open(state, name)
        code = _bad_close(state, trade, every=every, units=units)
        size = abs(trade.units) if trade is not None and units is None else units
        closing = wire.TradeClose(
            trade_id=trade.id if trade else name, client_trade_id=trade and trade.client_id,
            units="ALL" if every else f"{units:f}" if units is not None else "",
        )  # fmt: skip
        wish = wire.Wish(
            type="MARKET", instrument=trade and trade.instrument, units=size and (-size if trade and trade.is_long else size),
            time_in_force="FOK", position_fill="REDUCE_ONLY", trade_close=closing,
        )  # fmt: skip
        if code is not None:
            entry = work.reject(state, wish, code=code, reason="TRADE_CLOSE")
            status = 404 if code in checks.MISSING else 400
            raise rejected(code, ended(state, {"orderRejectTransaction": entry}, ids), status=status)
        made = work.make(state, wish, reason="TRADE_CLOSE")
        done = execute(state, state.orders[made.id])
        members = {
            "orderCreateTransaction": made, "orderFillTransaction": done.fill, "orderCancelTransaction": done.cancel
        }  # fmt: skip
        return Answer(ended(state, {k: v for k, v in members.items() if v is not None}, ids))


def _bad_close(state: State, trade: Trade | None, *, every: bool, units: Decimal | None) -> str | None:
    if state.hands.rejects:
        return state.hands.rejects.popleft()
    if trade is None:
        return "TRADE_DOESNT_EXIST"
    if every:
        return None
    if units is None:
        return "CLOSE_TRADE_PARTIAL_UNITS_MISSING"
    if not units > 0:
        return "UNITS_INVALID"
    if not is_multiple(units, info.INSTRUMENTS[trade.instrument].units_step):
        return "UNITS_PRECISION_EXCEEDED"
    return "CLOSE_TRADE_UNITS_EXCEED_TRADE_SIZE" if units > abs(trade.units) else None


def trade_words(state: State, call: Call, name: str) -> Answer:
    """Other client extensions for a trade."""
    words = extensions(object_in(call.fields(), "clientExtensions"))
    with state.log.batch(call.request_id) as ids:
        trade = _open(state, name)
        code = _bad_words(state, trade, words)
        named = {"trade_id": trade.id if trade else name, "client_trade_id": trade and trade.client_id}
        kind = "TRADE_CLIENT_EXTENSIONS_MODIFY"
        if trade is None or code is not None:
            entry = state.log.write(
                wire.Extensions, type=f"{kind}_REJECT", reject_reason=code, trade_client_extensions_modify=words, **named
            )  # fmt: skip
            members = ended(state, {"tradeClientExtensionsModifyRejectTransaction": entry}, ids)
            raise rejected(code or "", members, status=404 if trade is None else 400)
        entry = state.log.write(wire.Extensions, type=kind, trade_client_extensions_modify=words, **named)
        trade.client = extended(trade.client, words)
        return Answer(ended(state, {"tradeClientExtensionsModifyTransaction": entry}, ids))


def _bad_words(state: State, trade: Trade | None, words: wire.ClientExtensions | None) -> str | None:
    if trade is None:
        return "TRADE_DOESNT_EXIST"
    if state.hands.rejects:
        return state.hands.rejects.popleft()
    if words is None:
        return "CLIENT_EXTENSIONS_DATA_MISSING"
    if words.id is not None and words.id in {t.client_id for t in state.open_trades.values() if t is not trade}:
        return "CLIENT_TRADE_ID_ALREADY_EXISTS"
    return next(checks.words(words, "CLIENT_TRADE"), None)


# --- Dependent orders -------------------------------------------------------------------------------------------------


def trade_orders(state: State, call: Call, name: str) -> Answer:
    """Create, replace or (null) cancel the dependent orders of a trade; what is not named stays.  All of it, or nothing."""
    fields = call.fields()
    named = [kind for kind, spelled in _SPELLED.items() if spelled in fields]
    with state.log.batch(call.request_id) as ids:
        trade = _open(state, name)
        if trade is None:
            raise Refused(404, "The Trade specified does not exist", code="NO_SUCH_TRADE", members=ended(state, {}))
        wishes = [(kind, *_wish(fields, kind, trade)) for kind in named]
        for kind, wish, flaws in wishes:
            spelled = _SPELLED[kind]
            if wish is None:
                if kind not in trade.orders:
                    entry = state.log.write(
                        wire.Cancel, type="ORDER_CANCEL_REJECT", order_id="", reject_reason="ORDER_DOESNT_EXIST"
                    )
                    members = ended(state, {f"{spelled}OrderCancelRejectTransaction": entry}, ids)
                    raise rejected("ORDER_DOESNT_EXIST", members)
                continue
            code = checks.refusal(state, wish, flaws, replacing=trade.orders.get(kind))
            if code is not None:
                entry = work.reject(state, wish, code=code, reason="CLIENT_ORDER", replaces=trade.orders.get(kind))
                raise rejected(code, ended(state, {f"{spelled}OrderRejectTransaction": entry}, ids))
        body: dict[str, object] = {}
        for kind, wish, _ in wishes:
            if trade.is_open:  # the order before may have closed it at once
                body |= _set(state, trade, kind, wish)
        return Answer(ended(state, body, ids))


def _wish(fields: Fields, kind: str, trade: Trade) -> tuple[wire.Wish | None, list[str]]:
    spelled, flaws = _SPELLED[kind], list[str]()
    found = object_in(fields, spelled)
    if found is None:
        return None, flaws
    terms = details(found, flaws, stem="ORDER", at=f"{spelled}.")
    wish = wire.Wish(
        type=kind, trade_id=trade.id, client_trade_id=trade.client_id, price=terms.price, distance=terms.distance,
        time_in_force=terms.time_in_force, gtd_time=terms.gtd_time, guaranteed=terms.guaranteed,
        trigger_condition=terms.trigger_condition or "DEFAULT", client_extensions=terms.client_extensions,
    )  # fmt: skip
    return wish, [flaw.removeprefix("ORDER_") for flaw in flaws]


def _set(state: State, trade: Trade, kind: str, wish: wire.Wish | None) -> dict[str, object]:
    spelled, old = _SPELLED[kind], state.orders.get(trade.orders.get(kind, ""))
    body: dict[str, object] = {}
    if wish is None:
        assert old is not None
        return {f"{spelled}OrderCancelTransaction": work.cancel(state, old, "CLIENT_REQUEST")}
    ending = None
    if old is not None:
        successor = str(int(state.log.next_id) + 1)
        ending = work.cancel(state, old, "CLIENT_REQUEST_REPLACED", replaced_by=successor)
        body[f"{spelled}OrderCancelTransaction"] = ending
    name_trade(state, wish)
    made = work.make(
        state, wish, reason="REPLACEMENT" if old else "CLIENT_ORDER", replaces=old, cancelling_id=ending and ending.id
    )
    body[f"{spelled}OrderTransaction"] = made
    done = begin(state, state.orders[made.id])
    if done.fill is not None:
        body[f"{spelled}OrderFillTransaction"] = done.fill
    if done.cancel is not None:
        body[f"{spelled}OrderCreatedCancelTransaction"] = done.cancel
    return body
