"""When a stop or a touched order is elected, and how a trailing stop follows the market."""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import TOUCHED, Price, Side, round_step
from floorbroker.matching.orders import MatchOrder


def is_elected(order: MatchOrder, reference: Price) -> bool:
    """A buy stop is elected at its price or above, a sell stop at its price or below; touched orders the other way round."""
    if order.stop_px is None:
        return False
    waits_below = (order.side is Side.BUY) == (order.order.order_type in TOUCHED)
    return reference <= order.stop_px if waits_below else reference >= order.stop_px


def is_better_mark(order: MatchOrder, reference: Price) -> bool:
    """Whether `reference` is a new high (sell) or low (buy) for a trailing stop."""
    if order.hwm is None:
        return True
    return reference < order.hwm if order.side is Side.BUY else reference > order.hwm


def trailing_stop(terms: NewOrder, hwm: Price, instrument: Instrument) -> Price:
    """The stop price that belongs to a high-water mark, on the nearest price step.  A percent is of the mark."""
    distance = terms.trail_amount if terms.trail_amount is not None else hwm * (terms.trail_percent or Decimal(0)) / 100
    raw = hwm + terms.side.sign * distance
    return Price(round_step(raw, instrument.tick_at(raw)))
