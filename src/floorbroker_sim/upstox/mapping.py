"""Between the venue's spelling and the matching engine's: terms, times, and how orders, trades and updates are shown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderType, Price, Quantity, Side, TimeInForce, round_step
from floorbroker_sim.upstox.info import IST
from floorbroker_sim.upstox.rest.records import Execution, Gtt, Order, Rule, Terms

_TYPES = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "SL": OrderType.STOP_LIMIT,
    "SL-M": OrderType.STOP,
}
_ELECTED = {OrderType.STOP_LIMIT: OrderType.LIMIT, OrderType.STOP: OrderType.MARKET}
_PROTECTED = {OrderType.MARKET: OrderType.LIMIT, OrderType.STOP: OrderType.STOP_LIMIT}
_HUNDRED = Decimal(100)

# Ours on the control door -> a word that is missing is the same in both.
PUBLIC_STATUS = {
    "put order req received": "pending_new", "validation pending": "pending_new", "open pending": "pending_new",
    "after market order req received": "pending_new", "open": "new", "trigger pending": "new", "complete": "filled",
    "cancelled": "canceled", "cancelled after market order": "canceled",
}  # fmt: skip


def side_of(terms: Terms) -> Side:
    return Side.BUY if terms.sign > 0 else Side.SELL


def engine_terms(order: Order, *, protection: Decimal, reference: Decimal | None) -> NewOrder:
    """What the engine works: the open rest.  `protection` (percent of `reference`) bounds what a market order pays."""
    terms, kind = order.terms, _TYPES[order.terms.order_type]
    if order.elected:
        kind = _ELECTED.get(kind, kind)
    price = terms.price if kind in {OrderType.LIMIT, OrderType.STOP_LIMIT} else None
    basis = terms.trigger if kind is OrderType.STOP else reference
    if price is None and protection and basis:
        price = protected(basis, terms.sign, protection, order.listed.tick)
        kind = _PROTECTED[kind]
    return NewOrder(
        symbol=order.listed.symbol, side=side_of(terms), order_type=kind,
        order_qty=Quantity(Decimal(terms.quantity - order.filled)), price=None if price is None else Price(price),
        stop_px=Price(terms.trigger) if kind in {OrderType.STOP, OrderType.STOP_LIMIT} else None,
        tif=TimeInForce.IOC if terms.validity == "IOC" else TimeInForce.DAY,
    )  # fmt: skip


def protected(basis: Decimal, sign: int, percent: Decimal, tick: Decimal) -> Decimal:
    """The worst price that `percent` away from `basis` allows, on the price step, never below one."""
    return max(tick, round_step(basis * (1 + sign * percent / _HUNDRED), tick))


# --- Times -------------------------------------------------------------------------------------------------------------


def clock_text(at: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS` in India, without a zone."""
    return f"{at.astimezone(IST):%Y-%m-%d %H:%M:%S}"


def iso_text(at: datetime, *, millis: bool = False) -> str:
    """ISO 8601 with +05:30."""
    return at.astimezone(IST).isoformat(timespec="milliseconds" if millis else "seconds")


def epoch_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


# --- Orders and trades -------------------------------------------------------------------------------------------------


def history_row(order: Order) -> dict[str, object]:
    """One state of an order."""
    terms, listed = order.terms, order.listed
    return {
        "exchange": listed.exchange, "price": terms.price, "product": terms.product, "quantity": terms.quantity,
        "status": order.status, "tag": terms.tag, "validity": terms.validity, "average_price": order.average,
        "disclosed_quantity": terms.disclosed, "exchange_order_id": order.exchange_id or None,
        "exchange_timestamp": None if order.exchange_at is None else clock_text(order.exchange_at),
        "instrument_token": listed.key, "is_amo": order.is_amo, "status_message": order.message or None,
        "order_id": order.id, "order_request_id": str(order.requests), "order_type": terms.order_type,
        "parent_order_id": None, "tradingsymbol": listed.book_symbol, "trading_symbol": listed.book_symbol,
        "order_timestamp": clock_text(order.updated), "filled_quantity": order.filled,
        "transaction_type": terms.side, "trigger_price": terms.trigger, "placed_by": order.placed_by, "variety": variety(order),
    }  # fmt: skip


def variety(order: Order) -> str:
    return "AMO" if order.is_amo else "SIMPLE"


def order_object(order: Order) -> dict[str, object]:
    """An order as the book shows it: its own time is that of its placing."""
    return history_row(order) | {
        "order_timestamp": clock_text(order.created),
        "guid": None, "pending_quantity": order.pending, "status_message_raw": order.message or None,
        "order_ref_id": order.ref_id,
    }  # fmt: skip


def trade_object(one: Execution) -> dict[str, object]:
    order, listed = one.order, one.order.listed
    return {
        "exchange": listed.exchange, "product": order.terms.product, "tradingsymbol": listed.book_symbol,
        "trading_symbol": listed.book_symbol, "instrument_token": listed.key, "order_type": order.terms.order_type,
        "transaction_type": order.terms.side, "quantity": one.quantity, "exchange_order_id": order.exchange_id,
        "order_id": order.id, "exchange_timestamp": clock_text(one.at), "average_price": one.price,
        "trade_id": one.trade_id, "order_ref_id": order.ref_id, "order_timestamp": clock_text(order.created),
    }  # fmt: skip


def order_update(order: Order) -> dict[str, object]:
    """The same order as the portfolio stream tells it: empty texts where the book has nothing."""
    row = order_object(order)
    row |= {"exchange_order_id": order.exchange_id, "status_message": order.message}
    return {
        "update_type": "order", "user_id": order.placed_by, "userId": order.placed_by, "instrument_key": order.listed.key, **row
    }  # fmt: skip


# --- GTT orders --------------------------------------------------------------------------------------------------------


def gtt_object(gtt: Gtt) -> dict[str, object]:
    return {
        "type": gtt.type, "exchange": gtt.listed.segment, "quantity": gtt.quantity, "product": gtt.product,
        "rules": [_rule_object(gtt, rule) for rule in gtt.rules], "trading_symbol": gtt.listed.trading_symbol,
        "instrument_token": gtt.listed.key, "gtt_order_id": gtt.id, "expires_at": _micros(gtt.expires),
        "created_at": _micros(gtt.created),
    }  # fmt: skip


def _rule_object(gtt: Gtt, rule: Rule) -> dict[str, object]:
    return {
        "strategy": rule.strategy, "status": rule.status, "trigger_type": rule.trigger_type,
        "trigger_price": rule.trigger_price, "transaction_type": rule_side(gtt, rule), "order_id": rule.order_id,
        "message": rule.message, "trailing_gap": rule.trailing_gap,
    }  # fmt: skip


def rule_side(gtt: Gtt, rule: Rule) -> str:
    """The exits trade the other side."""
    if rule.strategy == "ENTRY":
        return gtt.side
    return "SELL" if gtt.side == "BUY" else "BUY"


def _micros(at: datetime) -> int:
    return epoch_ms(at) * 1000


def gtt_update(gtt: Gtt) -> dict[str, object]:
    return {"update_type": "gtt_order", **gtt_object(gtt)}
