"""Units and pips: the arithmetic of this venue, in one place.

Units are signed there (above zero buys) and quantities never here.  A pip is ten to the `pipLocation`, the smallest step of a
price ten to minus the `displayPrecision`, that of units ten to minus the `tradeUnitsPrecision`.  What is gained or lost in the
quote currency is worth, in that of the account, the venue's factor times as much: one factor for gains, another for losses.
Documents: developer.oanda.com/rest-live-v20/primitives-df (Instrument), pricing-df (QuoteHomeConversionFactors).
"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.values import BROKER, needed
from floorbroker.domain.errors import ApiError
from floorbroker.domain.values import WIDE, Quantity, Side, text_of

_PLACES_MAX = 12
_TEN = Decimal(10)


def signed(side: Side, qty: Quantity) -> str:
    """Units as they are sent."""
    return text_of(qty * side.sign)


def side_of(units: Decimal) -> Side:
    return Side.BUY if units > 0 else Side.SELL


def step(places: int, *, what: str) -> Decimal:
    """Ten to minus `places`.  Raises `ApiError` for a number of places that no instrument has."""
    if not -_PLACES_MAX <= places <= _PLACES_MAX:
        raise ApiError(f"{what} of an instrument has {places} places", broker=BROKER)
    return Decimal(1).scaleb(-places)


def pip_of(instrument: wire.Instrument) -> Decimal:
    """0.0001 for EUR/USD, 0.01 for USD/JPY (quote units)."""
    return step(-instrument.pip_location, what="the pip")


def pips(distance: Decimal, pip: Decimal) -> Decimal:
    """A distance of prices in pips; `pip` is above zero."""
    return WIDE.divide(distance, pip)


def home_factor(factors: wire.Factors | None) -> Decimal:
    """What one unit of the quote currency is in the account's: the dearer of the two factors, so that nothing looks smaller."""
    if factors is None:
        raise ApiError("the price tells no conversion into the currency of the account", broker=BROKER)
    found = max(needed(value, what="a conversion") for value in (factors.positive_units, factors.negative_units))
    if found <= 0:
        raise ApiError("a conversion in the reply is not above zero", broker=BROKER)
    return found
