"""Wishes to trade as the venue's orders, and changes of them.  Documents: twsapi-ref (Order), twsapi-doc (order types, brackets,
OCA groups, combos).

Of a group every member but the last waits in the program (`transmit` 0) and leaves with it; members carry our reference with a
suffix (`mapping/families.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.mapping.families import LOSS, PROFIT
from floorbroker.brokers.ibkr.mapping.values import ACTIONS, AT_THE_CLOSE, ORDER_TYPES, TIFS, TYPES
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg, StopLoss
from floorbroker.domain.values import ClOrdId, OrderClass, OrderType, TimeInForce

SMART = "SMART"
CANCEL_THE_REST = 1  # with block: of a group, one at a time is at an exchange
_ZONE_NAME, _ZONE = "US/Eastern", ZoneInfo("America/New_York")
_BY_PARENT = frozenset({OrderClass.BRACKET, OrderClass.OTO})
_GROUPS = _BY_PARENT | {OrderClass.OCO}
WAITING = frozenset({TimeInForce.DAY, TimeInForce.GTC})  # what an order with exits has: theirs is the same


def members(order: NewOrder, cl_ord_id: ClOrdId, account: str) -> tuple[wire.Order, ...]:
    """The order, and behind it those of its group, without their numbers.

    Raises an `OwnRefusal` (NOT_SENT) for what this venue has no words for.
    """
    _assert_spoken(order)
    head = _priced(_bare(order, cl_ord_id, account), order)
    if order.order_class in _BY_PARENT:
        exits = [made for made in (_profit(order, head), _loss(order.stop_loss, head)) if made is not None]
        return _transmitted((head, *exits))
    if order.order_class is OrderClass.OCO:
        return _one_of_two(order, head)
    return (head,)


def numbered(
    orders: Sequence[wire.Order], contract: wire.Contract, first_id: int, *, by_parent: bool
) -> tuple[wire.Placed, ...]:
    """With numbers in a row from the first; children name their parent's."""
    return tuple(
        wire.Placed(
            order_id=first_id + index,
            contract=contract,
            order=msgspec.structs.replace(order, parent_id=first_id) if by_parent and index else order,
        )
        for index, order in enumerate(orders)
    )


def combo(order: NewOrder, legs: Sequence[tuple[OrderLeg, wire.Contract]]) -> wire.Contract:
    """A combo of listed options by the numbers of its legs' contracts."""
    return wire.Contract(
        symbol=legs[0][1].symbol if legs else order.symbol,
        sec_type="BAG",
        exchange=SMART,
        currency=legs[0][1].currency if legs else "USD",
        legs=tuple(
            wire.Leg(con_id=contract.con_id, ratio=int(leg.ratio_qty), action=ACTIONS[leg.side], exchange=SMART)
            for leg, contract in legs
        ),
    )


def _assert_spoken(order: NewOrder) -> None:
    if order.order_type not in TYPES:
        raise NotSupported(f"IBKR has no order type {order.order_type.value}")
    if order.tif not in TIFS or (order.tif is TimeInForce.CLS and order.order_type not in AT_THE_CLOSE):
        raise NotSupported(f"IBKR has no {order.order_type.value} orders that are {order.tif.value}")
    if order.post_only or order.display_qty is not None or order.reduce_only:
        raise NotSupported("IBKR has neither post-only and reduce-only orders nor icebergs here")
    if order.order_qty is None or order.notional is not None:
        raise NotSupported("IBKR orders are sized by quantity: the socket takes no amounts of money")
    if order.order_class in _GROUPS and order.tif not in WAITING:
        raise NotSupported(
            f"IBKR takes {order.order_class.value} orders for the day or gtc: exits are over with their entry"
        )
    if order.order_class is OrderClass.MULTILEG and order.order_type not in (OrderType.MARKET, OrderType.LIMIT):
        raise NotSupported("IBKR takes combos as market and limit orders")


def _bare(order: NewOrder, cl_ord_id: ClOrdId, account: str) -> wire.Order:
    if order.order_qty is None:
        raise InvalidRequest("a quantity is given")
    is_close = order.tif is TimeInForce.CLS
    return wire.Order(
        action=ACTIONS[order.side],
        total_quantity=order.order_qty,
        order_type=AT_THE_CLOSE[order.order_type] if is_close else TYPES[order.order_type],
        tif=TIFS[order.tif],
        good_till_date=good_till(order.expire_at) if order.tif is TimeInForce.GTD else "",
        account=account,
        order_ref=cl_ord_id,
        outside_rth=order.extended_hours,
    )


def good_till(moment: datetime | None) -> str:
    """`20260116 16:00:00 US/Eastern`."""
    if moment is None:
        raise InvalidRequest("an order that is good till a date has one")
    return f"{moment.astimezone(_ZONE):%Y%m%d %H:%M:%S} {_ZONE_NAME}"


def _priced(bare: wire.Order, order: NewOrder) -> wire.Order:
    """The limit, and beside it the stop's trigger or the trail."""
    with_ = msgspec.structs.replace
    match order.order_type:
        case OrderType.LIMIT:
            return with_(bare, lmt_price=_given(order.price, "a limit"))
        case OrderType.STOP | OrderType.MARKET_IF_TOUCHED:
            return with_(bare, aux_price=_given(order.stop_px, "a trigger"))
        case OrderType.STOP_LIMIT | OrderType.LIMIT_IF_TOUCHED:
            return with_(bare, lmt_price=_given(order.price, "a limit"), aux_price=_given(order.stop_px, "a trigger"))
        case OrderType.TRAILING_STOP:
            if (order.trail_amount is None) == (order.trail_percent is None):
                raise InvalidRequest("a trailing stop has an amount or a percentage")
            return with_(
                bare,
                aux_price=order.trail_amount,
                trailing_percent=order.trail_percent,
                trail_stop_price=order.stop_px,
            )
        case _:
            return bare


def _given(price: Decimal | None, what: str) -> Decimal:
    if price is None:
        raise InvalidRequest(f"an order of this type has {what}")
    return price


def _profit(order: NewOrder, head: wire.Order) -> wire.Order | None:
    if order.take_profit is None:
        return None
    return _exit(head, PROFIT, "LMT", limit=order.take_profit)


def _loss(exit_: StopLoss | None, head: wire.Order) -> wire.Order | None:
    if exit_ is None:
        return None
    if exit_.price is None:
        return _exit(head, LOSS, "STP", stop=exit_.stop_px)
    return _exit(head, LOSS, "STP LMT", limit=exit_.price, stop=exit_.stop_px)


def _exit(
    head: wire.Order, suffix: str, kind: str, *, limit: Decimal | None = None, stop: Decimal | None = None
) -> wire.Order:
    return wire.Order(
        action="SELL" if head.action == "BUY" else "BUY",
        total_quantity=head.total_quantity,
        order_type=kind,
        lmt_price=limit,
        aux_price=stop,
        tif=head.tif,
        good_till_date=head.good_till_date,
        account=head.account,
        order_ref=f"{head.order_ref}/{suffix}",
        outside_rth=head.outside_rth,
    )


def _transmitted(orders: tuple[wire.Order, ...]) -> tuple[wire.Order, ...]:
    """The last one takes the others with it."""
    *waiting, last = orders
    return (*(msgspec.structs.replace(order, transmit=False) for order in waiting), last)


def _one_of_two(order: NewOrder, head: wire.Order) -> tuple[wire.Order, ...]:
    """Two exits of one position: the take-profit has our reference, and one cancels the other."""
    if order.stop_loss is None:
        raise InvalidRequest("an oco order has a stop loss")
    stop = _loss(order.stop_loss, head)
    assert stop is not None
    stop = msgspec.structs.replace(stop, action=head.action)
    group, with_ = f"oca {head.order_ref}", msgspec.structs.replace
    return tuple(with_(each, oca_group=group, oca_type=CANCEL_THE_REST) for each in (head, stop))


# -- changes ----------------------------------------------------------------------------------------------------------------

_TRAIL, _LIMIT = frozenset({"TRAIL"}), frozenset({"LMT", "STP LMT", "LIT", "LOC"})
_STOP = frozenset({"STP", "STP LMT", "MIT", "LIT"})


def changed(shown: wire.OpenOrder, changes: OrderChanges) -> wire.Order:
    """The order as the venue shows it, with what a replace asks for: whatever else it has become there stays as it is.

    Raises `InvalidRequest` when nothing changes or the type lacks such a price, `NotSupported` for orders of types not ours.
    """
    if changes == OrderChanges():
        raise InvalidRequest("a replace changes at least one member")
    before = shown.order
    if before.order_type not in ORDER_TYPES:
        raise NotSupported(f"IBKR orders of type {before.order_type[:20]} are changed in the program alone")
    told: dict[str, object] = {**_changed_prices(before, changes)}
    if changes.order_qty is not None:
        told["total_quantity"] = changes.order_qty
    if changes.tif is not None:
        if changes.tif not in TIFS or changes.tif in (TimeInForce.GTD, TimeInForce.CLS):
            raise NotSupported(f"IBKR orders are not changed to {changes.tif.value}")
        told["tif"] = TIFS[changes.tif]
    return msgspec.structs.replace(_own_terms(before), **told)


def _own_terms(shown: wire.Order) -> wire.Order:
    """What an order of this desk consists of.  The venue fills in more, which it does not want back."""
    kind = shown.order_type
    is_percent = kind == "TRAIL" and bool(shown.trailing_percent)
    return wire.Order(
        action=shown.action,
        total_quantity=shown.total_quantity,
        order_type=kind,
        lmt_price=shown.lmt_price if kind in _LIMIT else None,
        aux_price=shown.aux_price if kind in _STOP or (kind == "TRAIL" and not is_percent) else None,
        trailing_percent=shown.trailing_percent if is_percent else None,
        trail_stop_price=shown.trail_stop_price if kind == "TRAIL" else None,
        tif=shown.tif,
        good_till_date=shown.good_till_date,
        oca_group=shown.oca_group,
        oca_type=shown.oca_type,
        account=shown.account,
        order_ref=shown.order_ref,
        parent_id=shown.parent_id,
        outside_rth=shown.outside_rth,
    )


def _changed_prices(before: wire.Order, changes: OrderChanges) -> dict[str, Decimal]:
    """The members that hold the new prices.  Raises `InvalidRequest` for a price that the order's type does not have."""
    trail = "trailing_percent" if before.trailing_percent else "aux_price"
    told: dict[str, Decimal] = {}
    for value, kinds, member, what in (
        (changes.trail, _TRAIL, trail, "trail"),
        (changes.price, _LIMIT, "lmt_price", "limit"),
        (changes.stop_px, _STOP, "aux_price", "stop"),
    ):
        if value is None:
            continue
        if before.order_type not in kinds:
            raise InvalidRequest(f"the order has no {what}")
        told[member] = value
    return told
