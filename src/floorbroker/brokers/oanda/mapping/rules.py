"""What OANDA would refuse, told before anything is sent, and what an order would tie up: the venue has no preview.

Pointers name members as our own order body spells them.  Document: developer.oanda.com/rest-live-v20/order-df.
"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.orders import ALLOWED, TYPES, check
from floorbroker.brokers.oanda.mapping.units import pip_of, pips
from floorbroker.brokers.oanda.mapping.values import number
from floorbroker.domain.errors import FieldError, InvalidRequest, NotSupported
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import MarginRequirement
from floorbroker.domain.values import WIDE, ZERO, text_of


def broken_rules(order: NewOrder, instrument: Instrument, told: wire.Instrument) -> tuple[FieldError, ...]:
    """Every documented rule the order breaks, `told` being the venue's own words; an empty answer is no promise."""
    found = [*_words(order), *_size(order, instrument), *_prices(order, instrument), *_distance(order, told)]
    if found:
        return tuple(found)
    try:
        check(order)
    except (InvalidRequest, NotSupported) as refusal:
        return (_no("/order_class", "not_supported", refusal.detail),)
    return ()


def _no(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


def _words(order: NewOrder) -> list[FieldError]:
    if order.order_type not in TYPES:
        return [_no("/type", "not_supported", ", ".join(kind.value for kind in TYPES))]
    if order.tif not in ALLOWED[order.order_type]:
        allowed = ", ".join(sorted(tif.value for tif in ALLOWED[order.order_type]))
        return [_no("/time_in_force", "not_supported", allowed)]
    return []


def _size(order: NewOrder, instrument: Instrument) -> list[FieldError]:
    if order.notional is not None or order.order_qty is None:
        return [_no("/notional", "not_supported", "OANDA takes units, not amounts of money")]
    if not instrument.is_on_lot(order.order_qty):
        return [_no("/quantity", "off_lot", f"a multiple of {text_of(instrument.lot)}")]
    if order.order_qty < instrument.min_qty:
        return [_no("/quantity", "too_small", f"at least {text_of(instrument.min_qty)}")]
    if instrument.max_qty is not None and order.order_qty > instrument.max_qty:
        return [_no("/quantity", "too_large", f"at most {text_of(instrument.max_qty)}")]
    return []


def _prices(order: NewOrder, instrument: Instrument) -> list[FieldError]:
    found: list[FieldError] = []
    for pointer, price in (
        ("/limit_price", order.price),
        ("/stop_price", order.stop_px),
        ("/trail_price", order.trail_amount),
        ("/take_profit/limit_price", order.take_profit),
        ("/stop_loss/stop_price", order.stop_loss.stop_px if order.stop_loss else None),
    ):
        if price is not None and not instrument.is_on_tick(price):
            found.append(_no(pointer, "off_tick", f"a multiple of {text_of(instrument.tick_at(price))}"))
    return found


def _distance(order: NewOrder, told: wire.Instrument) -> list[FieldError]:
    """How far a trailing stop may stand off, told in pips."""
    trail, pip = order.trail_amount, pip_of(told)
    least = number(told.minimum_trailing_stop_distance, what="a distance")
    most = number(told.maximum_trailing_stop_distance, what="a distance")
    if trail is None:
        return []
    if least is not None and trail < least:
        return [_no("/trail_price", "too_near", f"at least {text_of(least)} ({text_of(pips(least, pip))} pips)")]
    if most is not None and trail > most:
        return [_no("/trail_price", "too_far", f"at most {text_of(most)} ({text_of(pips(most, pip))} pips)")]
    return []


def margin_for(
    order: NewOrder, instrument: Instrument, *, reference: Decimal | None, rate: Decimal
) -> MarginRequirement:
    """Units at a price, in the account's currency, at the margin rate of the instrument or of the account.

    Raises `NotSupported` where nobody names a price.
    """
    at = order.price or order.stop_px or reference
    if at is None:
        raise NotSupported(f"{order.symbol} has no price to compute a margin from")
    value = WIDE.multiply(WIDE.multiply(order.order_qty or ZERO, at), instrument.multiplier)
    return MarginRequirement(
        currency=instrument.currency, initial=WIDE.multiply(value, rate), buying_power_effect=value
    )
