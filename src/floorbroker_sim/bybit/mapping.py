"""Between the venue's spelling and the matching engine's: instruments, orders, and the objects that tell of them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from floorbroker.domain.instrument import Instrument, TickRule
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import (
    WIDE,
    ZERO,
    AssetClass,
    OrderType,
    Price,
    Quantity,
    Side,
    TimeInForce,
    is_multiple,
    text_of,
)
from floorbroker_sim.bybit import info, wire
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.rest.records import Executed, Exit, Record

SIDE = {"Buy": Side.BUY, "Sell": Side.SELL}
WORD = {Side.BUY: "Buy", Side.SELL: "Sell"}
_TIF = {"GTC": TimeInForce.GTC, "PostOnly": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}

# What the control door calls the venue's states.
PUBLIC_STATUS = {
    "New": "new", "PartiallyFilled": "partially_filled", "Untriggered": "held", "Triggered": "new", "Filled": "filled",
    "PartiallyFilledCanceled": "canceled", "Cancelled": "canceled", "Deactivated": "canceled", "Rejected": "rejected",
}  # fmt: skip


def instrument(product: Product) -> Instrument:
    """The engine's view of a product."""
    is_spot = product.category == info.SPOT
    return Instrument(
        symbol=product.canonical, asset_class=AssetClass.CRYPTO if is_spot else AssetClass.PERPETUAL,
        currency=product.quote, venue_id=product.symbol, name=product.symbol,
        ticks=(TickRule(from_price=ZERO, tick=product.tick),), lot=product.step, fraction=product.step,
        min_qty=product.min_qty, max_qty=product.max_qty, min_notional=product.min_amount, calendar="24x7",
        shortable=not is_spot, marginable=not is_spot,
    )  # fmt: skip


def product_named(canonical: str) -> Product | None:
    return info.BY_CANONICAL.get(canonical)


def new_order(record: Record, *, qty: Decimal) -> NewOrder:
    """What the engine is asked to work: `qty` in the unit of the record.  A market order is an IOC limit at its worst price."""
    is_market = record.order_type == "Market"
    limit = record.worst if is_market else record.price
    return NewOrder(
        symbol=record.canonical,
        side=record.side,
        order_type=OrderType.LIMIT if limit else OrderType.MARKET,
        order_qty=None if record.in_quote else Quantity(qty),
        notional=qty if record.in_quote else None,
        price=Price(limit) if limit else None,
        tif=TimeInForce.IOC if is_market else _TIF[record.tif],
    )


def ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.astimezone(UTC).timestamp() * 1000)


def ms_text(moment: datetime) -> str:
    return str(ms(moment))


def at_step(value: Decimal, step: Decimal) -> str:
    """As many decimals as the step has: `64000.10`, `0.500`; a value between two steps is told as it is."""
    return format(value.quantize(step, context=WIDE), "f") if is_multiple(value, step) else text_of(value)


def price_text(product: Product, price: Decimal) -> str:
    return at_step(price, product.tick)


def qty_text(product: Product, qty: Decimal) -> str:
    return at_step(qty, product.step)


def rounded(value: Decimal, digits: int = 10) -> str:
    """A computed amount, to so many decimals."""
    return text_of(value.quantize(Decimal(1).scaleb(-digits), context=WIDE))


# --- Orders ----------------------------------------------------------------------------------------------------------


def _exit_price(leg: Exit | None) -> str:
    return "" if leg is None else text_of(leg.price)


def _exit_limit(leg: Exit | None) -> str:
    return "" if leg is None or leg.limit is None else text_of(leg.limit)


def _exit_by(leg: Exit | None) -> str:
    return "" if leg is None else leg.by


def shown_qty(record: Record, qty: Decimal) -> str:
    """Base units to the step; quote units as they are."""
    return text_of(qty) if record.in_quote else qty_text(record.product, qty)


def average(record: Record) -> Decimal | None:
    """Average price of the fills."""
    return record.cum_value / record.cum_qty if record.cum_qty else None


def order_members(record: Record) -> dict[str, Any]:
    """The members of `wire.Order`."""
    trigger, leaves = record.trigger, record.leaves
    price = record.price or ZERO
    fee = sum(record.fees.values(), ZERO)
    is_spot = record.is_spot
    mean = average(record)
    return {
        "order_id": record.id, "order_link_id": record.link_id, "parent_order_link_id": record.parent_link_id,
        "block_trade_id": "", "symbol": record.symbol, "price": text_of(price), "qty": shown_qty(record, record.qty),
        "side": WORD[record.side], "is_leverage": record.is_leverage, "position_idx": record.position_idx,
        "order_status": record.status, "create_type": msgspec.UNSET if is_spot else record.create_type,
        "cancel_type": record.cancel_type, "reject_reason": record.reject_reason,
        "avg_price": "" if mean is None else rounded(mean, 8), "leaves_qty": shown_qty(record, leaves),
        "leaves_value": text_of(leaves if record.in_quote else leaves * price),
        "cum_exec_qty": qty_text(record.product, record.cum_qty), "cum_exec_value": text_of(record.cum_value),
        "cum_exec_fee": text_of(fee), "time_in_force": record.tif, "order_type": record.order_type,
        "stop_order_type": record.stop_order_type, "order_iv": "", "market_unit": record.market_unit,
        "trigger_price": "" if trigger is None else text_of(trigger.price), "take_profit": _exit_price(record.take_profit),
        "stop_loss": _exit_price(record.stop_loss), "tpsl_mode": msgspec.UNSET if is_spot else record.tpsl_mode,
        "oco_trigger_by": "OcoTriggerByUnknown" if is_spot else msgspec.UNSET,
        "tp_limit_price": _exit_limit(record.take_profit), "sl_limit_price": _exit_limit(record.stop_loss),
        "tp_trigger_by": _exit_by(record.take_profit), "sl_trigger_by": _exit_by(record.stop_loss),
        "trigger_direction": 0 if trigger is None or is_spot else 1 if trigger.rising else 2,
        "trigger_by": "" if trigger is None else trigger.by,
        "last_price_on_created": "" if record.last_price is None else text_of(record.last_price),
        "base_price": text_of(record.last_price or ZERO) if is_spot else msgspec.UNSET,
        "reduce_only": record.reduce_only, "close_on_trigger": record.close_on_trigger, "place_type": "",
        "smp_type": record.smp_type, "smp_group": 0, "smp_order_id": "",
        "created_time": ms_text(record.created_at), "updated_time": ms_text(record.updated_at),
        "cum_fee_detail": {coin: text_of(fee) for coin, fee in record.fees.items()},
    }  # fmt: skip


def order_object(record: Record) -> wire.Order:
    return wire.Order(**order_members(record))


def order_update(record: Record) -> wire.OrderUpdate:
    return wire.OrderUpdate(
        **order_members(record),
        category=record.category,
        closed_pnl=text_of(record.closed_pnl),
        fee_currency=next(iter(record.fees), "" if record.is_spot else record.product.quote),
        rpi_taker_access=False,
        rpi_matched_qty="0",
    )


# --- Executions ------------------------------------------------------------------------------------------------------


def _execution_members(executed: Executed) -> dict[str, Any]:
    order = executed.order
    product = order.product
    return {
        "symbol": order.symbol, "order_type": order.order_type, "underlying_price": "", "order_link_id": order.link_id,
        "side": WORD[order.side], "index_price": "", "order_id": order.id, "stop_order_type": order.stop_order_type,
        "leaves_qty": shown_qty(order, executed.leaves), "exec_time": ms_text(executed.at), "fee_currency": executed.fee_coin,
        "is_maker": executed.is_maker, "exec_fee": text_of(executed.fee), "fee_rate": text_of(executed.fee_rate),
        "exec_id": executed.exec_id, "trade_iv": "", "block_trade_id": "", "mark_price": text_of(executed.mark),
        "exec_price": text_of(executed.price), "mark_iv": "", "order_qty": shown_qty(order, order.qty),
        "order_price": text_of(order.price or ZERO), "exec_value": text_of(executed.value), "exec_type": "Trade",
        "exec_qty": qty_text(product, executed.qty),
        "closed_size": "" if order.is_spot else qty_text(product, executed.closed), "seq": executed.seq,
    }  # fmt: skip


def execution_object(executed: Executed) -> wire.Execution:
    return wire.Execution(**_execution_members(executed))


def execution_update(executed: Executed) -> wire.ExecutionUpdate:
    order = executed.order
    return wire.ExecutionUpdate(
        **_execution_members(executed),
        category=order.category,
        is_leverage=order.is_leverage or "0",
        exec_pnl=text_of(executed.pnl),
        create_type=msgspec.UNSET if order.is_spot else order.create_type,
        market_unit=order.market_unit,
        extra_fees=[],
    )
