"""What can be traded, and the rules a venue sets for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.options import SHARES, OptionContract
from floorbroker.domain.values import AssetClass, TimeInForce, is_multiple


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRule:
    """At prices of `from_price` and above, prices are multiples of `tick` (both in quote units)."""

    from_price: Decimal
    tick: Decimal


@frozen
class Instrument:
    """One tradable symbol at one venue.  Amounts are in `currency`, quantities in units of the instrument.

    `ticks` is sorted by `from_price`, first rule from zero.  `lot` is the quantity step for whole-lot orders and
    `min_qty_fraction` the step where the venue takes fractions (None: it does not).  `as_of` is when the venue said so.
    """

    symbol: str
    asset_class: AssetClass
    currency: str
    venue_id: str | None = None
    name: str = ""
    ticks: tuple[TickRule, ...] = (TickRule(from_price=Decimal(0), tick=Decimal("0.01")),)
    lot: Decimal = Decimal(1)
    min_qty: Decimal = Decimal(0)
    max_qty: Decimal | None = None
    min_notional: Decimal = Decimal(0)
    fraction: Decimal | None = None
    multiplier: Decimal = Decimal(1)
    calendar: str = "XNYS"
    tradable: bool = True
    shortable: bool = False
    marginable: bool = False
    as_of: datetime | None = None

    def tick_at(self, price: Decimal) -> Decimal:
        """The price step at `price`."""
        tick = self.ticks[0].tick
        for rule in self.ticks:
            if abs(price) >= rule.from_price:
                tick = rule.tick
        return tick

    def is_on_tick(self, price: Decimal) -> bool:
        """Whether the venue's price steps allow `price`."""
        return is_multiple(price, self.tick_at(price))

    def is_on_lot(self, qty: Decimal) -> bool:
        """Whether the venue's quantity steps allow `qty`, fractions included where it takes them."""
        return is_multiple(qty, self.fraction or self.lot)


INDIAN_OPTION = r"[A-Z0-9][A-Z0-9&-]{0,11}[0-9]{6}[CP][0-9]{1,6}(?:\.[0-9]{1,2})?\.(?:NFO|BFO)"
_INDIAN_OPTION = re.compile(INDIAN_OPTION)


def asset_class_of(symbol: str) -> AssetClass:
    """The asset class a symbol's spelling implies: OCC or Indian form, `BASE/QUOTE:SETTLE`, `BASE/QUOTE`, or a plain share.

    An Indian option is its underlying, the day of expiry, `C` or `P` and the strike in rupees, at an exchange for derivatives:
    `NIFTY260310C25000.NFO`.  Its quantities are units, in whole lots.
    """
    if OptionContract.parse(symbol) is not None or (
        symbol.endswith(("NFO", "BFO")) and _INDIAN_OPTION.fullmatch(symbol)
    ):
        return AssetClass.OPTION
    if ":" in symbol:
        return AssetClass.PERPETUAL
    if "/" in symbol:
        return AssetClass.FX if _is_fx(symbol) else AssetClass.CRYPTO
    return AssetClass.EQUITY


def usual_multiplier(symbol: str) -> Decimal:
    """What one unit of a symbol is about where its venue was not asked yet: a hundred shares for an option, else one."""
    return SHARES if OptionContract.parse(symbol) is not None else Decimal(1)


def usual_tif(symbol: str) -> TimeInForce:
    """How long an order stands where nobody says: for the day, but coins have none."""
    has_no_day = asset_class_of(symbol) in (AssetClass.CRYPTO, AssetClass.PERPETUAL)
    return TimeInForce.GTC if has_no_day else TimeInForce.DAY


def quote_of(symbol: str) -> str:
    """What the amounts of a pair are in, as its spelling tells: the coin that a perpetual settles in, else the quote.

    Empty for what is no pair.
    """
    if "/" not in symbol:
        return ""
    pair, _, settled = symbol.partition(":")
    return settled or pair.partition("/")[2]


_FIAT = frozenset(
    "USD EUR GBP JPY CHF AUD CAD NZD SEK NOK DKK SGD HKD INR MXN ZAR PLN CZK HUF TRY CNH THB".split()  # noqa: SIM905 - a line
)
_METALS = frozenset({"XAU", "XAG", "XPT", "XPD"})  # quoted and traded as currencies are


def _is_fx(symbol: str) -> bool:
    base, _, quote = symbol.partition("/")
    return base in _FIAT | _METALS and quote in _FIAT | _METALS


__all__ = [
    "INDIAN_OPTION",
    "Instrument",
    "OptionContract",
    "TickRule",
    "asset_class_of",
    "quote_of",
    "usual_multiplier",
]
