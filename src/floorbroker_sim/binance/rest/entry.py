"""Order entry: from parameters to a ticket, from a ticket to an order, and the answer.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/trading-endpoints
"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.values import ZERO
from floorbroker_sim.binance import errors, info, wire
from floorbroker_sim.binance.errors import Refused
from floorbroker_sim.binance.mapping import placed
from floorbroker_sim.binance.rest import account, intake
from floorbroker_sim.binance.rest.checks import check_filters, side_of
from floorbroker_sim.binance.rest.desk import Desk
from floorbroker_sim.binance.rest.reading import Params, prefixed
from floorbroker_sim.binance.rest.records import Record, Ticket

_PEGS = ("pegPriceType", "pegOffsetType", "pegOffsetValue")
# Which parameters a type does not take; the others it needs or may have.
_NOT_FOR = {
    "price": frozenset({"MARKET", "STOP_LOSS", "TAKE_PROFIT"}),
    "timeInForce": frozenset({"MARKET", "STOP_LOSS", "TAKE_PROFIT", "LIMIT_MAKER"}),
    "stopPrice": frozenset({"LIMIT", "MARKET", "LIMIT_MAKER"}),
    "trailingDelta": frozenset({"LIMIT", "MARKET", "LIMIT_MAKER"}),
    "icebergQty": frozenset({"MARKET", "STOP_LOSS", "TAKE_PROFIT"}),
    "quoteOrderQty": frozenset(info.ORDER_TYPES) - {"MARKET"},
}


def read_ticket(
    desk: Desk, params: Params, *, symbol: str, prefix: str = "", side: str | None = None, qty: Decimal | None = None
) -> Ticket:
    """The ticket of an order, or of one leg of a list whose parameters carry a prefix.  Raises `Refused`."""
    name = prefixed(prefix)
    side = side or params.choice(name("side"), info.SIDES, kind="side") or _mandatory(name("side"))
    kind = params.choice(name("type"), info.ORDER_TYPES, kind="type") or _mandatory(name("type"))
    _check_members(params, kind, prefix)
    stop_price, delta = params.positive(name("stopPrice")), params.integer(name("trailingDelta"))
    if kind in info.CONTINGENT and stop_price is None and delta is None:
        raise errors.missing_both(name("stopPrice"), name("trailingDelta"))
    strategy_type = params.integer(name("strategyType"))
    if strategy_type is not None and strategy_type < info.MIN_STRATEGY_TYPE:
        raise errors.bad(-1134, "`strategyType` was less than 1000000.")
    qty, quote_qty = _quantities(params, kind, prefix, qty)
    ticket = Ticket(
        symbol=symbol, side=side_of(side), type=kind, tif=_tif(params, kind, prefix), qty=qty, quote_qty=quote_qty,
        price=_price(params, kind, name("price")), stop_price=stop_price or ZERO, delta=delta,
        iceberg_qty=params.amount(name("icebergQty")) or ZERO,
        client_id=params.client_id(name("newClientOrderId" if not prefix else "clientOrderId")),
        strategy_id=params.integer(name("strategyId")), strategy_type=strategy_type,
        prevention=_prevention(params), response=_response(params, kind, is_list=bool(prefix)),
    )  # fmt: skip
    if ticket.iceberg_qty and ticket.tif != "GTC":
        raise errors.bad(-1014, "Unsupported order combination.")
    check_filters(desk.state, ticket)
    return ticket


def _mandatory(name: str) -> str:
    raise errors.missing(name)


def _check_members(params: Params, kind: str, prefix: str) -> None:
    name = prefixed(prefix)
    for peg in _PEGS:
        if params.has(name(peg)):
            raise errors.rejected("Pegged orders are not supported for this symbol.")
    for member, kinds in _NOT_FOR.items():
        if kind in kinds and params.has(name(member)):
            raise errors.not_required(name(member))


def _quantities(params: Params, kind: str, prefix: str, qty: Decimal | None) -> tuple[Decimal, Decimal]:
    """Base and quote quantity; exactly one is above zero."""
    if qty is not None:
        return qty, ZERO
    member = prefixed(prefix)("quantity")
    qty, quote_qty = params.positive(member), params.positive("quoteOrderQty") if not prefix else None
    if qty is not None and quote_qty is not None:
        raise errors.not_required("quoteOrderQty")
    if qty is None and quote_qty is None:
        if kind == "MARKET" and not prefix:
            raise errors.missing_both("quantity", "quoteOrderQty")
        raise errors.missing(member)
    return qty or ZERO, quote_qty or ZERO


def _price(params: Params, kind: str, name: str) -> Decimal:
    if kind not in info.PRICED:
        return ZERO
    return params.positive(name) or Decimal(_mandatory(name))


def _tif(params: Params, kind: str, prefix: str) -> str:
    name = prefixed(prefix)("timeInForce")
    if kind not in info.TIMED:
        return "GTC"
    return params.choice(name, info.TIFS, kind="timeInForce") or _mandatory(name)


def _prevention(params: Params) -> str:
    mode = params.optional("selfTradePreventionMode") or info.DEFAULT_PREVENTION
    if mode not in info.PREVENTIONS:
        raise errors.bad(-1013, "This symbol does not allow the specified self-trade prevention mode.")
    return mode


def _response(params: Params, kind: str, *, is_list: bool) -> str:
    """How long the answer is."""
    usual = "RESULT" if is_list else "FULL" if kind in {"MARKET", "LIMIT"} else "ACK"
    return params.choice("newOrderRespType", info.RESPONSES) or usual


def new_record(desk: Desk, ticket: Ticket, *, list_id: int = -1, is_pending: bool = False) -> Record:
    """An order that is not yet remembered."""
    at = desk.state.clock.stamp()
    return Record(
        id=desk.state.next_order(), ticket=ticket, client_id=ticket.client_id or desk.state.client_id(), qty=ticket.qty,
        created_at=at, updated_at=at, list_id=list_id, status="PENDING_NEW" if is_pending else "NEW",
    )  # fmt: skip


def symbol_of(desk: Desk, params: Params) -> str:
    """The canonical symbol of a request, looked at now.  Raises `Refused`."""
    symbol = desk.state.canonical(params.symbol())
    desk.look(symbol)
    return symbol


def place(desk: Desk, params: Params) -> wire.OrderAnswer:
    """`POST /api/v3/order`, `order.place`."""
    symbol = symbol_of(desk, params)
    ticket = read_ticket(desk, params, symbol=symbol)
    desk.state.meter.check_orders(1)
    return placed(enter(desk, ticket), ticket.response)


def enter(desk: Desk, ticket: Ticket, *, tells: bool = False) -> Record:
    """A ticket becomes an order.  Raises `Refused`; with `tells` a report says so as well, as on a replacement."""
    record = new_record(desk, ticket)
    try:
        intake.check(desk, record)
    except Refused as refused:
        if tells:
            desk.tell_rejected(record, refused.text)
        raise
    desk.state.meter.count_orders(1)
    desk.admit(record)
    desk.start(record)
    return record


def test(desk: Desk, params: Params) -> object:
    """`POST /api/v3/order/test`, `order.test`: everything but the matching engine."""
    symbol = symbol_of(desk, params)
    read_ticket(desk, params, symbol=symbol)
    if not params.flag("computeCommissionRates"):
        return {}
    rates = account.rates_of(desk)
    return {
        "standardCommissionForOrder": {name: rates["standardCommission"][name] for name in ("maker", "taker")},
        "specialCommissionForOrder": {name: rates["specialCommission"][name] for name in ("maker", "taker")},
        "taxCommissionForOrder": {name: rates["taxCommission"][name] for name in ("maker", "taker")},
        "discount": rates["discount"],
    }
