"""Orders: made, listed, replaced, canceled, and given other words.  https://developer.oanda.com/rest-live-v20/order-ep/"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.errors import Refused, rejected
from floorbroker_sim.oanda.mapping import order_object
from floorbroker_sim.oanda.rest import checks, triggers, work
from floorbroker_sim.oanda.rest.answers import Answer, ended, extended
from floorbroker_sim.oanda.rest.execution import Outcome, execute
from floorbroker_sim.oanda.rest.reading import Call, Fields, object_in
from floorbroker_sim.oanda.rest.records import Order
from floorbroker_sim.oanda.rest.wishes import extensions, order_wish

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State


def post_order(state: State, call: Call) -> Answer:
    """Create an order; one that can fill at once does, and one that cannot wait is canceled in the same answer."""
    wish, flaws = order_wish(_order_in(call))
    with state.log.batch(call.request_id) as ids:
        code = checks.refusal(state, wish, flaws)
        if code is not None:
            entry = work.reject(state, wish, code=code, reason="CLIENT_ORDER")
            raise _no(state, {"orderRejectTransaction": entry}, code, ids)
        name_trade(state, wish)
        made = work.make(state, wish, reason="CLIENT_ORDER")
        done = begin(state, state.orders[made.id])
        body: dict[str, object] = {"orderCreateTransaction": made, **_told(done)}
        return Answer(ended(state, body, ids), status=201, headers=_location(state, call, made.id))


def _order_in(call: Call) -> Fields:
    found = object_in(call.fields(), "order")
    if found is None:
        raise Refused(400, "Missing required parameter 'order'")
    return found


def name_trade(state: State, wish: wire.Wish) -> None:
    """Both names of the trade a dependent order belongs to."""
    if wish.type in info.DEPENDENT:
        trade = checks.trade_of(state, wish)
        assert not isinstance(trade, str)
        wish.trade_id, wish.client_trade_id = trade.id, trade.client_id
        touch = state.touch(trade.instrument)
        if wish.type in {"STOP_LOSS", "GUARANTEED_STOP_LOSS"} and touch is not None:
            wish.price = checks.level_of(wish, touch.bid if trade.is_long else touch.ask, long=trade.is_long)


def begin(state: State, order: Order) -> Outcome:
    """What becomes of a new order at once."""
    if order.kind == "MARKET" or triggers.is_ready(state, order):
        return execute(state, order)
    if order.wish.time_in_force in info.IMMEDIATE:
        is_open = state.is_tradeable(state.instrument_of(order))
        return Outcome(cancel=work.cancel(state, order, "TIME_IN_FORCE_EXPIRED" if is_open else "MARKET_HALTED"))
    return Outcome()


def _told(done: Outcome, *, cancel: str = "orderCancelTransaction") -> dict[str, object]:
    found = {"orderFillTransaction": done.fill, cancel: done.cancel, "orderReissueTransaction": done.reissue}
    return {name: entry for name, entry in found.items() if entry is not None}


def _location(state: State, call: Call, order_id: str) -> dict[str, str]:
    return {"Location": f"{call.base}/v3/accounts/{state.keys.account}/orders/{order_id}"}


def _no(state: State, members: dict[str, object], code: str, ids: list[str], *, gone: bool = False) -> Refused:
    return rejected(code, ended(state, members, ids), status=404 if gone or code in checks.MISSING else 400)


# --- Reading ----------------------------------------------------------------------------------------------------------


def list_orders(state: State, call: Call) -> Answer:
    """The newest first; pending ones unless `state` says otherwise."""
    wanted = call.choice("state", info.ORDER_STATES, default="PENDING")
    count = call.number("count", default=info.ORDERS_PAGE, high=info.ORDERS_MAX)
    ids, instrument, before = set(call.names("ids")), call.text("instrument"), call.transaction("beforeID")
    found = [
        order
        for order in reversed(state.orders.values())
        if (wanted in {"ALL", order.state} or (ids and call.text("state") is None))
        and (not ids or order.id in ids)
        and (instrument is None or state.instrument_of(order) == instrument)
        and (before is None or int(order.id) < before)
    ]
    headers: dict[str, str] = {}
    if len(found) > count:
        following = urlencode({**call.query, "beforeID": found[count - 1].id})
        headers["Link"] = f'<{call.base}{call.path}?{following}>; rel="next"'
    return Answer(ended(state, {"orders": [order_object(order) for order in found[:count]]}), headers=headers)


def pending_orders(state: State, _call: Call) -> Answer:
    """All that wait, the newest first."""
    return Answer(ended(state, {"orders": [order_object(order) for order in reversed(state.pending.values())]}))


def get_order(state: State, _call: Call, name: str) -> Answer:
    order = state.find_order(name)
    if order is None:
        raise Refused(404, "The order ID specified does not exist", code="NO_SUCH_ORDER", members=ended(state, {}))
    return Answer(ended(state, {"order": order_object(order)}))


# --- Changing ---------------------------------------------------------------------------------------------------------


def replace_order(state: State, call: Call, name: str) -> Answer:
    """Cancel an order and create another in its place, in one step; a refused successor leaves the old one as it was."""
    wish, flaws = order_wish(_order_in(call))
    with state.log.batch(call.request_id) as ids:
        order = _pending(state, name)
        if order is None:
            raise _gone(state, name, ids)
        code = checks.refusal(state, wish, flaws, replacing=order.id)
        if code is None and wish.type != order.kind:
            code = "REPLACING_ORDER_INVALID"
        if code is None and order.is_dependent:
            name_trade(state, wish)
            code = None if wish.trade_id == order.wish.trade_id else "REPLACING_TRADE_ID_INVALID"
        if code is not None:
            entry = work.reject(state, wish, code=code, reason="REPLACEMENT", replaces=order.id)
            raise _no(state, {"orderRejectTransaction": entry}, code, ids)
        successor = str(int(state.log.next_id) + 1)
        ending = work.cancel(state, order, "CLIENT_REQUEST_REPLACED", replaced_by=successor)
        made = work.make(state, wish, reason="REPLACEMENT", replaces=order, cancelling_id=ending.id)
        done = begin(state, state.orders[made.id])
        body: dict[str, object] = {
            "orderCancelTransaction": ending,
            "orderCreateTransaction": made,
            **_told(done, cancel="replacingOrderCancelTransaction"),
        }
        return Answer(ended(state, body, ids), status=201, headers=_location(state, call, made.id))


def _pending(state: State, name: str) -> Order | None:
    order = state.find_order(name)
    return order if order is not None and order.id in state.pending else None


def _gone(state: State, name: str, ids: list[str]) -> Refused:
    return _unable(state, name, "ORDER_DOESNT_EXIST", ids)


def _unable(state: State, name: str, code: str, ids: list[str]) -> Refused:
    client, number = (name[1:], "") if name.startswith("@") else (None, name)
    known = state.find_order(name)
    entry = state.log.write(
        wire.Cancel, type="ORDER_CANCEL_REJECT", order_id=known.id if known is not None else number,
        client_order_id=known.client_id if known is not None else client, reject_reason=code,
    )  # fmt: skip
    return _no(state, {"orderCancelRejectTransaction": entry}, code, ids, gone=True)


def cancel_order(state: State, call: Call, name: str) -> Answer:
    """End a pending order.  One that is over or never was is refused, and that is a transaction too."""
    with state.log.batch(call.request_id) as ids:
        if state.hands.rejects:
            raise _unable(state, name, state.hands.rejects.popleft(), ids)
        order = _pending(state, name)
        if order is None:
            raise _gone(state, name, ids)
        return Answer(ended(state, {"orderCancelTransaction": work.cancel(state, order, "CLIENT_REQUEST")}, ids))


def order_words(state: State, call: Call, name: str) -> Answer:
    """Other client extensions for an order, and for the trade it may open."""
    fields = call.fields()
    mine, trades = (extensions(object_in(fields, one)) for one in ("clientExtensions", "tradeClientExtensions"))
    with state.log.batch(call.request_id) as ids:
        order = _pending(state, name)
        code = _bad_words(state, order, mine, trades)
        about = {"client_extensions_modify": mine, "trade_client_extensions_modify": trades}
        named = {"order_id": order.id if order is not None else name, "client_order_id": order and order.client_id}
        kind = "ORDER_CLIENT_EXTENSIONS_MODIFY"
        if order is None or code is not None:
            entry = state.log.write(
                wire.Extensions, type=f"{kind}_REJECT", reject_reason=code, **about, **named
            )  # fmt: skip
            raise _no(state, {"orderClientExtensionsModifyRejectTransaction": entry}, code or "", ids)
        entry = state.log.write(wire.Extensions, type=kind, **about, **named)
        order.wish.client_extensions = extended(order.wish.client_extensions, mine)
        order.wish.trade_client_extensions = extended(order.wish.trade_client_extensions, trades)
        return Answer(ended(state, {"orderClientExtensionsModifyTransaction": entry}, ids))


def _bad_words(
    state: State, order: Order | None, mine: wire.ClientExtensions | None, trades: wire.ClientExtensions | None
) -> str | None:
    if order is None:
        return "ORDER_DOESNT_EXIST"
    if state.hands.rejects:
        return state.hands.rejects.popleft()
    if mine is None and trades is None:
        return "CLIENT_EXTENSIONS_DATA_MISSING"
    if trades is not None and order.is_dependent:
        return "TRADE_ON_FILL_CLIENT_EXTENSIONS_NOT_SUPPORTED"
    if (
        mine is not None
        and mine.id is not None
        and mine.id in {o.client_id for o in state.pending.values() if o is not order}
    ):
        return "CLIENT_ORDER_ID_ALREADY_EXISTS"
    return next(iter([*checks.words(mine, "CLIENT_ORDER"), *checks.words(trades, "CLIENT_TRADE")]), None)
