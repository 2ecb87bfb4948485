"""Every check of an order that can be made before the engine sees it, each raising the venue's refusal.

https://docs.kraken.com/exchange/guides/general/errors
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.values import is_multiple
from floorbroker_sim.kraken import errors, info
from floorbroker_sim.kraken.errors import Refused, invalid
from floorbroker_sim.kraken.info import Pair
from floorbroker_sim.kraken.rest.records import LIMITED, TRAILING, TRIGGERED, Close, Level, Record, Unit, Wish
from floorbroker_sim.kraken.rest.state import State

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", re.IGNORECASE)
_STP = frozenset({"cancel-newest", "cancel-oldest", "cancel-both"})
_CLOSES = TRIGGERED | {"limit"}


def mode(state: State, wish: Wish) -> None:
    """What the venue takes in its present mode."""
    system = state.settings.system
    passes = system == "online" or (system == "post_only" and wish.post) or (system == "limit_only" and wish.price)
    if not passes:
        raise Refused(errors.MODES[system])


def kind(wish: Wish) -> None:
    """Type, time in force and flags agree."""
    if wish.ordertype == "settle-position":
        raise Refused(errors.UNKNOWN_POSITION)
    if wish.leverage:
        raise Refused(errors.NO_MARGIN)
    if wish.reduce_only:
        raise Refused(errors.NOTHING_TO_REDUCE)
    if wish.stp not in _STP:
        raise invalid("stptype")
    if wish.post and (wish.ordertype not in LIMITED or wish.ordertype in TRIGGERED or wish.tif == "IOC"):
        raise invalid("post")
    if wish.tif == "GTD" and wish.expire is None:
        raise invalid("expiretm")
    if wish.trigger == "index" and not wish.pair.has_index:
        raise invalid("Index unavailable")
    if (wish.display is not None) != (wish.ordertype == "iceberg"):
        raise invalid("displayvol")
    if wish.close is not None:
        _close(wish.close, wish.pair)


def _close(close: Close, pair: Pair) -> None:
    if close.ordertype not in _CLOSES:
        raise invalid("close[ordertype]")
    if close.price is None or (close.price2 is None) == (close.ordertype in TRIGGERED & LIMITED):
        raise invalid("close[price]")
    for level in (close.price, close.price2):
        on_grid(level, pair)


def client_id(state: State, wish: Wish) -> None:
    """A UUID with or without dashes, or up to 18 printable characters; taken once among open orders."""
    name = wish.cl_ord_id
    if name is None:
        return
    is_free = len(name) <= info.CLIENT_ID_MAX and name.isascii() and name.isprintable()
    if wish.userref is not None or not (is_free or _UUID.fullmatch(name)):
        raise invalid("cl_ord_id")
    if state.open_by_client_id(name) is not None:
        raise invalid("cl_ord_id")


def amounts(wish: Wish) -> None:
    """Quantities are there, positive, on their step and not below the minimum."""
    amount = wish.cash if wish.cash is not None else wish.qty
    if amount is None or amount <= 0 or not is_multiple(amount, wish.pair.lot):
        raise invalid("volume")
    if wish.qty is not None:
        quantity(wish.qty, wish.pair)
    if wish.display is not None:
        shown(wish.display, wish.qty or Decimal(0), wish.pair)


def quantity(qty: Decimal, pair: Pair) -> None:
    if qty <= 0 or not is_multiple(qty, pair.lot):
        raise invalid("volume")
    if qty < pair.order_min:
        raise Refused(errors.ORDER_MIN)


def shown(display: Decimal, of: Decimal, pair: Pair) -> None:
    """An iceberg shows at least a fifteenth of itself."""
    if not 0 < display <= of or display * info.DISPLAY_SHARE < of or not is_multiple(display, pair.lot):
        raise invalid("displayvol")


def prices(wish: Wish) -> None:
    """The prices a type needs are there and on the grid, and no others."""
    if wish.ordertype == "market":
        return
    if wish.price is None:
        raise invalid("price")
    if (wish.price2 is None) == (wish.ordertype in TRIGGERED & LIMITED):
        raise invalid("price2")
    if wish.ordertype in TRAILING:
        if not wish.price.is_offset or wish.price.value == 0:
            raise invalid("price")
        return
    on_grid(wish.price, wish.pair)
    on_grid(wish.price2, wish.pair)


def on_grid(level: Level | None, pair: Pair) -> None:
    """A price in full is positive and a multiple of the tick; an offset is rounded later."""
    if level is None or level.unit is not Unit.STATIC:
        return
    price(level.value, pair)


def price(value: Decimal, pair: Pair) -> None:
    if value <= 0:
        raise Refused(errors.INVALID_PRICE)
    if not is_multiple(value, pair.tick):
        raise Refused(errors.TICK_SIZE)


def dates(wish: Wish, now: datetime) -> None:
    """An order ends after it begins, and not in the past."""
    if wish.expire is not None and (wish.expire <= now or (wish.start is not None and wish.expire <= wish.start)):
        raise invalid("expiretm")


def resolved(probe: Record, *, ask: Decimal) -> None:
    """Prices that offsets came to are positive, and the order is worth the minimum."""
    wish = probe.wish
    for value in (probe.limit, probe.trigger_px):
        if value is not None and value <= 0:
            raise Refused(errors.INVALID_PRICE)
    at = probe.limit or probe.trigger_px or ask
    if wish.cash is not None and ask and wish.cash / ask < wish.pair.order_min:
        raise Refused(errors.ORDER_MIN)
    cost = wish.cash if wish.cash is not None else (wish.qty or Decimal(0)) * at
    if at and cost < wish.pair.cost_min:
        raise Refused(errors.COST_MIN)
