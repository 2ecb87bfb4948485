"""Orders that exist: questions, cancels, cancel-replace, amendments.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from floorbroker_sim.binance import errors, info, wire
from floorbroker_sim.binance.errors import Refused
from floorbroker_sim.binance.mapping import amended, canceled, list_view, order_view, outside, placed
from floorbroker_sim.binance.rest import entry, groups
from floorbroker_sim.binance.rest.account import page, span, within
from floorbroker_sim.binance.rest.desk import Desk
from floorbroker_sim.binance.rest.reading import Params
from floorbroker_sim.binance.rest.records import OrderList, Record
from floorbroker_sim.binance.wire import Instant, number

_DAY = timedelta(hours=24)
_RESTRICTIONS = ("ONLY_NEW", "ONLY_PARTIALLY_FILLED")
_RESTRICTED = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}


# --- Questions ---------------------------------------------------------------------------------------------------------


def _found(
    desk: Desk, params: Params, symbol: str, *, by_id: str = "orderId", by_client: str = "origClientOrderId"
) -> Record | None:
    """The order of a request.  Raises `Refused` when neither id was sent."""
    order_id, client_id = params.integer(by_id), params.optional(by_client)
    if order_id is None and client_id is None:
        raise errors.missing_both(by_client, by_id)
    return desk.state.find(symbol, order_id=order_id, client_id=client_id)


def get_order(desk: Desk, params: Params) -> wire.OrderView:
    """`GET /api/v3/order`, `order.status`."""
    symbol = entry.symbol_of(desk, params)
    record = _found(desk, params, symbol)
    if record is None:
        raise errors.no_such_order()
    return order_view(record)


def open_orders(desk: Desk, params: Params) -> list[wire.OrderView]:
    """`GET /api/v3/openOrders`, `openOrders.status`: of one symbol, or of all."""
    symbol = entry.symbol_of(desk, params) if params.has("symbol") else None
    for waited in sorted({record.symbol for record in desk.state.open.values()}) if symbol is None else ():
        desk.look(waited)
    return [order_view(r) for r in desk.state.open.values() if symbol in {None, r.symbol}]


def all_orders(desk: Desk, params: Params) -> list[wire.OrderView]:
    """`GET /api/v3/allOrders`, `allOrders`."""
    symbol = entry.symbol_of(desk, params)
    first = params.integer("orderId")
    start, end = span(params, whole=_DAY)
    found = [r for r in desk.state.orders.values() if r.symbol == symbol and (first is None or r.id >= first)]
    if first is None:
        found = [r for r in found if within(r.created_at, start, end)]
    return [order_view(r) for r in page(found, params, oldest_first=first is not None or start is not None)]


def amendments(desk: Desk, params: Params) -> list[dict[str, object]]:
    """`GET /api/v3/order/amendments`, `order.amendments`."""
    symbol, order_id = desk.state.canonical(params.symbol()), params.integer("orderId")
    if order_id is None:
        raise errors.missing("orderId")
    first = params.integer("fromExecutionId") or 0
    found = [
        a for a in desk.state.amendments if a.symbol == symbol and a.order_id == order_id and a.execution_id >= first
    ]
    return [
        {"symbol": outside(a.symbol), "orderId": a.order_id, "executionId": a.execution_id,
         "origClientOrderId": a.before_id, "newClientOrderId": a.after_id, "origQty": number(a.before),
         "newQty": number(a.after), "time": Instant(a.at)}
        for a in page(found, params, oldest_first=True)
    ]  # fmt: skip


# --- Cancel ------------------------------------------------------------------------------------------------------------


def cancel_order(desk: Desk, params: Params) -> object:
    """`DELETE /api/v3/order`, `order.cancel`; an order of a list takes the list with it."""
    symbol = entry.symbol_of(desk, params)
    restriction = params.choice("cancelRestrictions", _RESTRICTIONS)
    cancel_id = params.client_id("newClientOrderId") or desk.state.client_id()
    record = _cancelable(_found(desk, params, symbol), restriction)
    return _cancel(desk, record, cancel_id)


def _cancelable(record: Record | None, restriction: str | None) -> Record:
    if record is None or not record.is_open:
        raise errors.cancel_rejected()
    if restriction is not None and record.status != _RESTRICTED[restriction]:
        raise errors.cancel_rejected("Order was not canceled due to cancel restrictions.")
    return record


def _cancel(desk: Desk, record: Record, cancel_id: str) -> object:
    family = desk.cancel(record, cancel_id=cancel_id)
    if record.list_id in desk.state.lists:
        return closed_list(desk, desk.state.lists[record.list_id], family, cancel_id)
    return canceled(record, cancel_id=cancel_id)


def closed_list(desk: Desk, orders: OrderList, family: list[Record], cancel_id: str) -> wire.ListView:
    """The answer to the cancel of a list."""
    answer = list_view(orders, desk.state.members(orders))
    answer.order_reports = [canceled(member, cancel_id=cancel_id) for member in family]
    return answer


def cancel_all(desk: Desk, params: Params) -> list[object]:
    """`DELETE /api/v3/openOrders`, `openOrders.cancelAll`: every order of a symbol; lists come as lists."""
    symbol = entry.symbol_of(desk, params)
    mine = [record for record in desk.state.open.values() if record.symbol == symbol]
    if not mine:
        raise errors.cancel_rejected()
    return [_cancel(desk, record, desk.state.client_id()) for record in mine if record.is_open]


# --- Cancel and replace --------------------------------------------------------------------------------------------------


def cancel_replace(desk: Desk, params: Params) -> object:
    """`POST /api/v3/order/cancelReplace`, `order.cancelReplace`."""
    symbol = entry.symbol_of(desk, params)
    mode = params.choice("cancelReplaceMode", ("STOP_ON_FAILURE", "ALLOW_FAILURE"))
    if mode is None:
        raise errors.missing("cancelReplaceMode")
    over_limit = params.choice("orderRateLimitExceededMode", ("DO_NOTHING", "CANCEL_ONLY")) or "DO_NOTHING"
    restriction = params.choice("cancelRestrictions", _RESTRICTIONS)
    cancel_id = params.client_id("cancelNewClientOrderId") or desk.state.client_id()
    old = _found(desk, params, symbol, by_id="cancelOrderId", by_client="cancelOrigClientOrderId")
    ticket = entry.read_ticket(desk, params, symbol=symbol)
    too_many = _too_many_orders(desk)
    if too_many is not None and over_limit == "DO_NOTHING":
        raise too_many
    first = _attempt(lambda: _cancel(desk, _cancelable(old, restriction), cancel_id))
    second: object = None
    if isinstance(first, Refused) and mode == "STOP_ON_FAILURE":
        desk.state.meter.count_orders(1)  # an order that was not attempted counts as well
    else:
        second = too_many or _attempt(lambda: placed(entry.enter(desk, ticket, tells=True), ticket.response))
    return _both_halves(first, second, is_late=too_many is not None and mode == "STOP_ON_FAILURE")


def _attempt(half: Callable[[], object]) -> object:
    """The answer of one half, or what refused it."""
    try:
        return half()
    except Refused as refused:
        return refused


def _too_many_orders(desk: Desk) -> Refused | None:
    try:
        desk.state.meter.check_orders(1)
    except Refused as refused:
        return refused
    return None


def _both_halves(first: object, second: object, *, is_late: bool) -> dict[str, object]:
    halves: dict[str, object] = {
        "cancelResult": _result(first), "newOrderResult": _result(second), "cancelResponse": _half(first),
        "newOrderResponse": _half(second),
    }  # fmt: skip
    failed = [isinstance(first, Refused), second is None or isinstance(second, Refused)]
    if not any(failed):
        return halves
    status = 429 if is_late else 400 if all(failed) else 409
    if all(failed):
        raise Refused(status, errors.NOT_REPLACED, "Order cancel-replace failed.", data=halves)
    raise Refused(status, errors.HALF_REPLACED, "Order cancel-replace partially failed.", data=halves)


def _result(half: object) -> str:
    if half is None:
        return "NOT_ATTEMPTED"
    return "FAILURE" if isinstance(half, Refused) else "SUCCESS"


def _half(half: object) -> object:
    return half.body if isinstance(half, Refused) else half


# --- Amend -------------------------------------------------------------------------------------------------------------


def amend(desk: Desk, params: Params) -> dict[str, object]:
    """`PUT /api/v3/order/amend/keepPriority`, `order.amend.keepPriority`."""
    symbol = entry.symbol_of(desk, params)
    qty = params.positive("newQty")
    if qty is None:
        raise errors.missing("newQty")
    client_id = params.client_id("newClientOrderId")
    record = _found(desk, params, symbol)
    if record is None or not record.is_open:
        raise errors.amend_rejected(errors.UNKNOWN_ORDER)
    _check_amend(desk, record, qty, client_id)
    before_id = record.client_id
    if qty <= record.executed:
        return _amended_away(desk, record, before_id)
    execution_id = desk.amend(record, qty, client_id=client_id or desk.state.client_id())
    groups.on_amend(desk, record, renamed=record.client_id != before_id)
    return _amend_answer(desk, record, before_id, execution_id)


def _check_amend(desk: Desk, record: Record, wanted: Decimal, client_id: str | None) -> None:
    instrument = desk.state.instrument(record.symbol)
    if record.ticket.quote_qty or wanted > record.qty:
        raise errors.amend_rejected("Order amend (quantity increase) is not supported.")
    if wanted == record.qty:
        raise errors.amend_rejected("The requested action would change no state; rejecting.")
    if not instrument.is_on_lot(wanted) or wanted < instrument.min_qty:
        raise errors.filtered("LOT_SIZE")
    if record.amendments >= info.MAX_AMENDS:
        raise errors.amend_rejected("Filter failure: MAX_NUM_ORDER_AMENDS")
    known = desk.state.open_by_client(record.symbol, client_id) if client_id else None
    if known is not None and known is not record:
        raise errors.amend_rejected(errors.DUPLICATE)


def _amend_answer(desk: Desk, record: Record, before_id: str, execution_id: int) -> dict[str, object]:
    answer: dict[str, object] = {
        "transactTime": Instant(record.updated_at), "executionId": execution_id,
        "amendedOrder": amended(record, before_id=before_id),
    }  # fmt: skip
    orders = desk.state.lists.get(record.list_id)
    if orders is not None:
        shown = list_view(orders, desk.state.members(orders))
        answer["listStatus"] = {
            "orderListId": shown.order_list_id, "contingencyType": shown.contingency_type,
            "listOrderStatus": shown.list_order_status, "listClientOrderId": shown.list_client_order_id,
            "symbol": shown.symbol, "orders": shown.orders,
        }  # fmt: skip
    return answer


def _amended_away(desk: Desk, record: Record, before_id: str) -> dict[str, object]:
    """Less than what is filled: nothing is left to do, and the order expires."""
    desk.expire(record, "EXCHANGE_CANCELED")
    return _amend_answer(desk, record, before_id, desk.state.next_execution())
