"""The venue's memory as its messages: symbols, orders, lists, trades."""

from __future__ import annotations

from decimal import Decimal

from msgspec import UNSET, UnsetType

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderType, Price, Quantity, Side, TimeInForce
from floorbroker_sim.binance import wire
from floorbroker_sim.binance.rest.records import Execution, OrderList, Record
from floorbroker_sim.binance.wire import Instant, number

SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
_TIFS = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}


def outside(symbol: str) -> str:
    """`BTC/USDT` as the venue spells it: `BTCUSDT`."""
    return symbol.replace("/", "")


def assets_of(symbol: str) -> tuple[str, str]:
    """Base and quote of a canonical symbol."""
    base, _, quote = symbol.partition("/")
    return base, quote


def matched(record: Record) -> NewOrder:
    """What the matching engine works: the part that is still wanted, as a market or limit order."""
    ticket = record.ticket
    by_quote = ticket.quote_qty > 0
    return NewOrder(
        symbol=ticket.symbol,
        side=ticket.side,
        order_type=OrderType.MARKET if ticket.is_market else OrderType.LIMIT,
        order_qty=None if by_quote else Quantity(record.leaves),
        notional=ticket.quote_qty - record.spent if by_quote else None,
        price=None if ticket.is_market else Price(ticket.price),
        tif=TimeInForce.IOC if ticket.is_market else _TIFS[ticket.tif],
    )


def order_view(record: Record) -> wire.OrderView:
    """The order as queries show it."""
    ticket = record.ticket
    return wire.OrderView(
        symbol=outside(record.symbol), order_id=record.id, order_list_id=record.list_id,
        client_order_id=record.client_id, price=number(ticket.price), orig_qty=number(shown_qty(record)),
        executed_qty=number(record.executed), cummulative_quote_qty=number(record.spent), status=record.status,
        time_in_force=ticket.tif, type=ticket.type, side=SIDES[record.side], stop_price=number(ticket.stop_price),
        iceberg_qty=number(ticket.iceberg_qty), time=Instant(record.created_at), update_time=Instant(record.updated_at),
        is_working=record.working_at is not None, working_time=_working_time(record),
        orig_quote_order_qty=number(ticket.quote_qty), self_trade_prevention_mode=ticket.prevention,
        trailing_delta=_given(ticket.delta), trailing_time=_trailing_time(record),
        strategy_id=_given(ticket.strategy_id), strategy_type=_given(ticket.strategy_type),
        prevented_match_id=_given(record.prevented_id),
        prevented_quantity=number(record.prevented) if record.prevented_id is not None else UNSET,
        expiry_reason=record.expiry or UNSET,
    )  # fmt: skip


def shown_qty(record: Record) -> Decimal:
    """The quantity of an order by quote quantity is what it got."""
    return record.executed if record.ticket.quote_qty else record.qty


def placed(record: Record, response: str) -> wire.OrderAnswer:
    """The answer to a placement, as long as it was asked for."""
    if response == "ACK":
        return _ack(record)
    answer = _result(record)
    answer.working_time = _working_time(record)
    if response == "FULL":
        answer.fills = [fill_view(fill) for fill in record.fills]
    return answer


def canceled(record: Record, *, cancel_id: str) -> wire.OrderAnswer:
    """The answer to a cancel: it has an id of its own, and names the order's beside it."""
    answer = _result(record)
    answer.orig_client_order_id, answer.client_order_id = record.client_id, cancel_id
    return answer


def _ack(record: Record) -> wire.OrderAnswer:
    return wire.OrderAnswer(
        symbol=outside(record.symbol), order_id=record.id, order_list_id=record.list_id,
        client_order_id=record.client_id, transact_time=Instant(record.updated_at),
    )  # fmt: skip


def _result(record: Record) -> wire.OrderAnswer:
    ticket, answer = record.ticket, _ack(record)
    answer.price, answer.orig_qty = number(ticket.price), number(shown_qty(record))
    answer.executed_qty, answer.cummulative_quote_qty = number(record.executed), number(record.spent)
    answer.orig_quote_order_qty, answer.status = number(ticket.quote_qty), record.status
    answer.time_in_force, answer.type, answer.side = ticket.tif, ticket.type, SIDES[record.side]
    answer.self_trade_prevention_mode = ticket.prevention
    if ticket.stop_price or ticket.is_contingent:
        answer.stop_price = number(ticket.stop_price)
    if ticket.iceberg_qty:
        answer.iceberg_qty = number(ticket.iceberg_qty)
    answer.trailing_delta, answer.trailing_time = _given(ticket.delta), _trailing_time(record)
    answer.strategy_id, answer.strategy_type = _given(ticket.strategy_id), _given(ticket.strategy_type)
    if record.prevented_id is not None:
        answer.prevented_match_id, answer.prevented_quantity = record.prevented_id, number(record.prevented)
    answer.expiry_reason = record.expiry or UNSET
    return answer


def _given(value: int | None) -> int | UnsetType:
    return UNSET if value is None else value


def _working_time(record: Record) -> Instant | int:
    return -1 if record.working_at is None else Instant(record.working_at)


def _trailing_time(record: Record) -> Instant | int | UnsetType:
    if record.ticket.delta is None:
        return UNSET
    return -1 if record.trailing_at is None else Instant(record.trailing_at)


def fill_view(fill: Execution) -> wire.FillView:
    return wire.FillView(
        price=number(fill.price), qty=number(fill.qty), commission=number(fill.commission),
        commission_asset=fill.commission_asset, trade_id=fill.trade_id,
    )  # fmt: skip


def own_trade(fill: Execution) -> wire.OwnTrade:
    """One line of `myTrades`."""
    return wire.OwnTrade(
        symbol=outside(fill.symbol), id=fill.trade_id, order_id=fill.order_id, order_list_id=fill.list_id,
        price=number(fill.price), qty=number(fill.qty), quote_qty=number(fill.quote_qty),
        commission=number(fill.commission), commission_asset=fill.commission_asset, time=Instant(fill.at),
        is_buyer=fill.side is Side.BUY, is_maker=fill.maker,
    )  # fmt: skip


def amended(record: Record, *, before_id: str) -> wire.AmendedOrder:
    """The order after an amendment."""
    ticket = record.ticket
    answer = wire.AmendedOrder(
        symbol=outside(record.symbol), order_id=record.id, order_list_id=record.list_id, orig_client_order_id=before_id,
        client_order_id=record.client_id, price=number(ticket.price), qty=number(record.qty),
        executed_qty=number(record.executed), prevented_qty=number(record.prevented),
        quote_order_qty=number(ticket.quote_qty), cumulative_quote_qty=number(record.spent), status=record.status,
        time_in_force=ticket.tif, type=ticket.type, side=SIDES[record.side],
        self_trade_prevention_mode=ticket.prevention, trailing_delta=_given(ticket.delta),
        strategy_id=_given(ticket.strategy_id), strategy_type=_given(ticket.strategy_type),
    )  # fmt: skip
    if record.working_at is not None:
        answer.working_time = Instant(record.working_at)
    if ticket.is_contingent:
        answer.stop_price = number(ticket.stop_price)
    if ticket.iceberg_qty:
        answer.iceberg_qty = number(ticket.iceberg_qty)
    return answer


def list_view(orders: OrderList, members: list[Record]) -> wire.ListView:
    """An order list as queries and answers show it."""
    return wire.ListView(
        order_list_id=orders.id, contingency_type=orders.contingency, list_status_type=orders.status_type,
        list_order_status=orders.order_status, list_client_order_id=orders.client_id,
        transaction_time=Instant(orders.at), symbol=outside(orders.symbol),
        orders=[
            wire.ListedOrder(symbol=outside(member.symbol), order_id=member.id, client_order_id=member.client_id)
            for member in members
        ],
    )  # fmt: skip
