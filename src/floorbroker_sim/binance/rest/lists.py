"""Order lists: OCO, OTO and OTOCO, their cancel and their history.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from floorbroker.domain.values import ZERO, Side
from floorbroker_sim.binance import errors, info, wire
from floorbroker_sim.binance.mapping import list_view, placed
from floorbroker_sim.binance.rest import entry, groups, intake
from floorbroker_sim.binance.rest.account import page, span, within
from floorbroker_sim.binance.rest.desk import Desk
from floorbroker_sim.binance.rest.orders import closed_list
from floorbroker_sim.binance.rest.reading import Params
from floorbroker_sim.binance.rest.records import OrderList, Record, Ticket

_DAY = timedelta(hours=24)
_LEGS = tuple(kind for kind in info.ORDER_TYPES if kind not in {"LIMIT", "MARKET"})
_LIMITS = info.TAKE_PROFITS | {"LIMIT_MAKER"}


def place_oco(desk: Desk, params: Params) -> wire.ListView:
    """`POST /api/v3/orderList/oco`, `orderList.place.oco`."""
    symbol = entry.symbol_of(desk, params)
    above, below = read_pair(desk, params, symbol, side="side", qty="quantity", prefix="")
    _check_pair_prices(desk, above, below)
    return _place_pair(desk, params, symbol, above, below)


def place_old_oco(desk: Desk, params: Params) -> wire.ListView:
    """`POST /api/v3/order/oco`, `orderList.place`: the older words for the same."""
    is_sale = (params.choice("side", info.SIDES) or params.text("side")) == "SELL"
    limit, stop = ("above", "below") if is_sale else ("below", "above")
    with_limit = params.has("stopLimitPrice")
    words = {
        "price": f"{limit}Price", "limitClientOrderId": f"{limit}ClientOrderId", "limitIcebergQty": f"{limit}IcebergQty",
        "limitStrategyId": f"{limit}StrategyId", "limitStrategyType": f"{limit}StrategyType",
        "stopPrice": f"{stop}StopPrice", "trailingDelta": f"{stop}TrailingDelta", "stopLimitPrice": f"{stop}Price",
        "stopClientOrderId": f"{stop}ClientOrderId", "stopLimitTimeInForce": f"{stop}TimeInForce",
        "stopIcebergQty": f"{stop}IcebergQty", "stopStrategyId": f"{stop}StrategyId",
        "stopStrategyType": f"{stop}StrategyType",
    }  # fmt: skip
    for name in ("price", "stopPrice", *(("stopLimitTimeInForce",) if with_limit else ())):
        params.text(name)
    values = {words.get(name, name): value for name, value in params.values.items()}
    values |= {f"{limit}Type": "LIMIT_MAKER", f"{stop}Type": "STOP_LOSS_LIMIT" if with_limit else "STOP_LOSS"}
    return place_oco(desk, Params(values))


def read_pair(desk: Desk, params: Params, symbol: str, *, side: str, qty: str, prefix: str) -> tuple[Ticket, Ticket]:
    """The two tickets of a pair.  Raises `Refused` where their kinds do not fit."""
    word = params.choice(side, info.SIDES, kind="side") or params.text(side)
    units = params.positive(qty) or Decimal(params.text(qty))
    names = ("above", "below") if not prefix else (f"{prefix}Above", f"{prefix}Below")
    for name in names:
        if (params.choice(f"{name}Type", info.ORDER_TYPES, kind="type") or params.text(f"{name}Type")) not in _LEGS:
            raise errors.bad(-1158, "Order type not supported in OCO.")
    above, below = (entry.read_ticket(desk, params, symbol=symbol, prefix=name, side=word, qty=units) for name in names)
    _check_kinds(above, below)
    return above, below


def _check_kinds(above: Ticket, below: Ticket) -> None:
    if above.type in _LIMITS and below.type in _LIMITS:
        if "LIMIT_MAKER" in {above.type} & {below.type}:
            raise errors.bad(-1168, "At least one OCO order must be contingent.")
        raise errors.bad(-1158, "Order type not supported in OCO.")
    if above.type not in _LIMITS and below.type not in _LIMITS:
        raise errors.bad(-1158, "Order type not supported in OCO.")
    is_buy = above.side is Side.BUY
    wrong = above if is_buy else below
    if wrong.type == "LIMIT_MAKER":
        code, words = (-1165, "A limit order in a buy OCO must be below.") if is_buy else (
            -1166, "A limit order in a sell OCO must be above.")  # fmt: skip
        raise errors.bad(code, words)
    if wrong.type in info.TAKE_PROFITS:
        code, words = (-1198, "A take profit order in a buy OCO must be below.") if is_buy else (
            -1199, "A take profit order in a sell OCO must be above.")  # fmt: skip
        raise errors.bad(code, words)


def _mark_of(ticket: Ticket) -> Decimal:
    """The price that places a leg above or below the market; zero for one that only trails."""
    return ticket.price if ticket.type == "LIMIT_MAKER" else ticket.stop_price


def _check_pair_prices(desk: Desk, above: Ticket, below: Ticket) -> None:
    last = desk.state.last_price(above.symbol) or ZERO
    high, low = _mark_of(above), _mark_of(below)
    if (high and high <= last) or (low and low >= last):
        raise errors.rejected(errors.BAD_PRICES)


def _place_pair(desk: Desk, params: Params, symbol: str, above: Ticket, below: Ticket) -> wire.ListView:
    orders = _new_list(desk, params, symbol, "OCO", count=2)
    # The venue shows the waiting leg before the limit one.
    tickets = sorted((above, below), key=lambda ticket: ticket.type in _LIMITS)
    records = [entry.new_record(desk, ticket, list_id=orders.id) for ticket in tickets]
    orders.pair = tuple(record.id for record in records)
    for record in records:
        intake.check(desk, record)
    _remember(desk, orders, records)
    for record in records:
        if record.is_open:
            desk.start(record)
    return _answer(desk, orders, [placed(record, record.ticket.response) for record in records])


def place_oto(desk: Desk, params: Params) -> wire.ListView:
    """`POST /api/v3/orderList/oto`, `orderList.place.oto`."""
    symbol = entry.symbol_of(desk, params)
    working = _read_working(desk, params, symbol)
    pending = entry.read_ticket(desk, params, symbol=symbol, prefix="pending")
    return _place_phases(desk, params, symbol, working, [pending])


def place_otoco(desk: Desk, params: Params) -> wire.ListView:
    """`POST /api/v3/orderList/otoco`, `orderList.place.otoco`."""
    symbol = entry.symbol_of(desk, params)
    working = _read_working(desk, params, symbol)
    above, below = read_pair(desk, params, symbol, side="pendingSide", qty="pendingQuantity", prefix="pending")
    if _mark_of(above) and _mark_of(below) and _mark_of(above) <= _mark_of(below):
        raise errors.rejected(errors.BAD_PRICES)
    return _place_phases(desk, params, symbol, working, [above, below])


def _read_working(desk: Desk, params: Params, symbol: str) -> Ticket:
    ticket = entry.read_ticket(desk, params, symbol=symbol, prefix="working")
    if ticket.type not in {"LIMIT", "LIMIT_MAKER"}:
        raise errors.bad(-1116, "Invalid orderType.")
    return ticket


def _place_phases(desk: Desk, params: Params, symbol: str, working: Ticket, pending: list[Ticket]) -> wire.ListView:
    orders = _new_list(desk, params, symbol, "OTO", count=1 + len(pending))
    first = entry.new_record(desk, working, list_id=orders.id)
    rest = [entry.new_record(desk, ticket, list_id=orders.id, is_pending=True) for ticket in pending]
    orders.working, orders.pending = first.id, tuple(record.id for record in rest)
    orders.pair = orders.pending if len(pending) == 2 else ()
    intake.check(desk, first)
    for record in rest:
        if record.ticket.client_id and desk.state.open_by_client(symbol, record.ticket.client_id):
            raise errors.rejected(errors.DUPLICATE)
    _remember(desk, orders, [first, *rest])
    # Even when the working order is filled at once, the answer shows what waits for it as waiting.
    reports = [placed(record, record.ticket.response) for record in rest]
    desk.start(first)
    return _answer(desk, orders, [placed(first, first.ticket.response), *reports])


def _new_list(desk: Desk, params: Params, symbol: str, contingency: str, *, count: int) -> OrderList:
    client_id = params.client_id("listClientOrderId")
    if client_id is not None and any(known.client_id == client_id for known in desk.state.open_lists()):
        raise errors.rejected(errors.DUPLICATE)
    if sum(1 for known in desk.state.open_lists() if known.symbol == symbol) >= info.MAX_LISTS:
        raise errors.filtered("MAX_NUM_ORDER_LISTS")
    desk.state.meter.check_orders(count)
    return OrderList(
        id=desk.state.next_list(), symbol=symbol, client_id=client_id or desk.state.client_id(), contingency=contingency,
        at=desk.state.clock.stamp(),
    )  # fmt: skip


def _remember(desk: Desk, orders: OrderList, records: list[Record]) -> None:
    orders.orders = [record.id for record in records]
    desk.state.meter.count_orders(len(records))
    desk.state.lists[orders.id] = orders
    for record in records:
        desk.admit(record)
    groups.begun(desk, orders)


def _answer(desk: Desk, orders: OrderList, reports: list[wire.OrderAnswer]) -> wire.ListView:
    """The answer to a placement says that the list begins, whatever came of it since."""
    answer = list_view(orders, desk.state.members(orders))
    answer.list_status_type, answer.list_order_status = "EXEC_STARTED", "EXECUTING"
    answer.order_reports = reports
    return answer


# --- Lists that exist --------------------------------------------------------------------------------------------------


def _named(desk: Desk, list_id: int | None, client_id: str | None) -> OrderList | None:
    found = [
        orders
        for orders in desk.state.lists.values()
        if list_id in {None, orders.id} and client_id in {None, orders.client_id}
    ]
    return next((orders for orders in found if orders.is_open), found[-1] if found else None)


def cancel_list(desk: Desk, params: Params) -> wire.ListView:
    """`DELETE /api/v3/orderList`, `orderList.cancel`."""
    symbol = entry.symbol_of(desk, params)
    list_id, client_id = params.integer("orderListId"), params.optional("listClientOrderId")
    if list_id is None and client_id is None:
        raise errors.missing_both("orderListId", "listClientOrderId")
    cancel_id = params.client_id("newClientOrderId") or desk.state.client_id()
    orders = _named(desk, list_id, client_id)
    if orders is None or not orders.is_open or orders.symbol != symbol:
        raise errors.cancel_rejected()
    member = next(member for member in desk.state.members(orders) if member.is_open)
    family = desk.cancel(member, cancel_id=cancel_id)
    return closed_list(desk, orders, family, cancel_id)


def get_list(desk: Desk, params: Params) -> wire.ListView:
    """`GET /api/v3/orderList`, `orderList.status`."""
    list_id, client_id = params.integer("orderListId"), params.optional("origClientOrderId")
    if list_id is None and client_id is None:
        raise errors.missing_both("origClientOrderId", "orderListId")
    orders = _named(desk, list_id, client_id)
    if orders is None:
        raise errors.bad(-2018, "Order list does not exist.")
    return list_view(orders, desk.state.members(orders))


def all_lists(desk: Desk, params: Params) -> list[wire.ListView]:
    """`GET /api/v3/allOrderList`, `allOrderLists`."""
    first = params.integer("fromId")
    start, end = span(params, whole=_DAY)
    if first is not None and (start is not None or end is not None):
        raise errors.bad_combination()
    found = [o for o in desk.state.lists.values() if (first is None or o.id >= first) and within(o.at, start, end)]
    kept = page(found, params, oldest_first=first is not None or start is not None)
    return [list_view(orders, desk.state.members(orders)) for orders in kept]


def open_lists(desk: Desk, _params: Params) -> list[wire.ListView]:
    """`GET /api/v3/openOrderList`, `openOrderLists.status`."""
    return [list_view(orders, desk.state.members(orders)) for orders in desk.state.open_lists()]
