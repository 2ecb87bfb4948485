"""POST /v5/order/create: what is wrong is said at once; what becomes of the order is said on the stream.

https://bybit-exchange.github.io/docs/v5/order/create-order
"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.values import ZERO, Side
from floorbroker_sim.bybit import errors, info, wire
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.mapping import SIDE
from floorbroker_sim.bybit.rest import checks, reading
from floorbroker_sim.bybit.rest.records import Record
from floorbroker_sim.bybit.rest.state import State


def create(state: State, wish: wire.CreateOrder) -> dict[str, object]:
    """Take an order.  Raises `Refused`."""
    record = prepared(state, wish)
    state.begin()
    state.add(record)
    state.touch(record)
    if record.status == "Untriggered":
        state.announce(record)
    else:
        state.work(record)
    state.end()
    return {"orderId": record.id, "orderLinkId": record.link_id}


def prepared(state: State, wish: wire.CreateOrder) -> Record:
    """The order as it would be taken.  Raises `Refused`."""
    product = reading.product(wish.category, wish.symbol)
    if wish.side is None or wish.order_type is None:
        raise errors.parameter("params error: side and orderType are required")
    name = checks.link_id(state, product.category, wish.order_link_id)
    state.refresh(product)
    record = _record(state, product, wish, name)
    _check_size(state, record)
    if not record.is_spot and record.reduce_only:
        _reduce(state, record)
    checks.room(state, record)
    checks.funds(state, record)
    return record


def _record(state: State, product: Product, wish: wire.CreateOrder, name: str) -> Record:
    is_spot, is_market, side = product.category == info.SPOT, wish.order_type == "Market", SIDE[wish.side or "Buy"]
    tif = checks.tif(wish)
    idx = checks.position_idx(state, product, wish)
    limit = None if is_market else checks.price(product, wish.price)
    trigger = checks.trigger(state, product, wish)
    if is_spot and limit is not None and trigger is None:
        checks.spot_band(state, product, side, limit)
    unit = _market_unit(wish, is_spot=is_spot, is_market=is_market, side=side)
    profit, loss = checks.exits(product, wish, limit or state.mark(product))
    qty = reading.amount(wish.qty, "qty")
    if qty is None:
        raise errors.parameter("params error: qty invalid")
    at = state.clock.stamp()
    filtered = wish.order_filter or "Order"
    if filtered not in info.ORDER_FILTERS or (wish.smp_type or "None") not in info.SMP_TYPES:
        raise errors.parameter("params error: orderFilter or smpType invalid")
    has_exits = profit is not None or loss is not None
    record = Record(
        id=state.order_id(product.category), link_id=name, product=product, side=side, order_type=wish.order_type or "",
        qty=qty, price=limit, tif=tif, created_at=at, updated_at=at, number=len(state.orders) + 1,
        in_quote=unit == "quoteCoin", market_unit=unit,
        order_filter=filtered if is_spot else "StopOrder" if trigger is not None else "Order", position_idx=idx,
        reduce_only=not is_spot and (bool(wish.reduce_only or wish.close_on_trigger) or _closes(side, idx)),
        close_on_trigger=not is_spot and bool(wish.close_on_trigger), is_leverage=str(wish.is_leverage or 0) if is_spot else "",
        trigger=trigger, take_profit=profit, stop_loss=loss,
        tpsl_mode=(wish.tpsl_mode or "Full") if has_exits and not is_spot else "", smp_type=wish.smp_type or "None",
        stop_order_type=_stop_type(product, filtered) if trigger is not None else "",
        status="New" if trigger is None else "Untriggered", last_price=state.last(product),
    )  # fmt: skip
    if is_market:
        record.worst = state.protective(product, side, trigger)
        record.price = None if is_spot else record.worst
    return record


def _closes(side: Side, idx: int) -> bool:
    """In hedge mode a sell of the long side and a buy of the short side can only close."""
    return bool(idx) and (side is Side.SELL) is (idx == 1)


def _market_unit(wish: wire.CreateOrder, *, is_spot: bool, is_market: bool, side: Side) -> str:
    """What `qty` of a spot market order counts: quote units for buys and base units for sells, unless it says so."""
    if not is_spot or not is_market:
        return ""
    unit = wish.market_unit or ("quoteCoin" if side is Side.BUY else "baseCoin")
    if unit not in {"baseCoin", "quoteCoin"}:
        raise errors.parameter("params error: marketUnit invalid")
    return unit


def _stop_type(product: Product, filtered: str) -> str:
    return "tpslOrder" if product.category == info.SPOT and filtered == "tpslOrder" else "Stop"


def _check_size(state: State, record: Record) -> None:
    """Quantity and value.  Nothing at all closes the whole position, where the order says so."""
    product, is_market = record.product, record.order_type == "Market"
    if not record.qty and record.reduce_only and record.close_on_trigger:
        return
    if record.in_quote:
        checks.value(product, record.qty)
        return
    checks.qty(product, record.qty, is_market=is_market)
    worth = record.qty * (record.price or state.mark(product))
    if not record.reduce_only:
        checks.value(product, worth)


def _reduce(state: State, record: Record) -> None:
    """A closing order is for no more than there is to close."""
    if record.trigger is not None:
        return
    closable: Decimal = state.holdings.at(record.product, record.position_idx).closable(record.side)
    if closable == ZERO:
        raise errors.nothing_to_reduce()
    record.qty = min(record.qty, closable) if record.qty else closable
