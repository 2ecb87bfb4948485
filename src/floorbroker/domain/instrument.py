"""What can be traded, and the rules a venue sets for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from floorbroker.domain.values import AssetClass, is_multiple

_OCC_LENGTH = 21
_OCC_ROOT = 6
_STRIKE_SCALE = Decimal(1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRule:
    """At prices of `from_price` and above, prices are multiples of `tick` (both in quote units)."""

    from_price: Decimal
    tick: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionContract:
    """One listed option, read from or written to OCC form (`AAPL  260320P00150000`)."""

    root: str
    expiry: date
    right: str  # "C" or "P"
    strike: Decimal

    @classmethod
    def parse(cls, symbol: str) -> OptionContract | None:
        """The contract behind a padded or unpadded OCC symbol; None when it is not one."""
        text = symbol if len(symbol) == _OCC_LENGTH else symbol[:-15].ljust(_OCC_ROOT) + symbol[-15:]
        root, tail = text[:_OCC_ROOT].strip(), text[_OCC_ROOT:]
        if len(text) != _OCC_LENGTH or not text.isascii() or not root.isalnum():
            return None  # other alphabets have digits as well, and `²` is one to `isdigit`
        if tail[6] not in "CP" or not (tail[:6] + tail[7:]).isdigit():
            return None
        try:
            expiry = date(2000 + int(tail[:2]), int(tail[2:4]), int(tail[4:6]))
        except ValueError:
            return None
        return cls(root=root, expiry=expiry, right=tail[6], strike=Decimal(tail[7:]) / _STRIKE_SCALE)

    @property
    def symbol(self) -> str:
        """The padded OCC form, our inside spelling."""
        strike = int(self.strike * _STRIKE_SCALE)
        return f"{self.root.ljust(_OCC_ROOT)}{self.expiry:%y%m%d}{self.right}{strike:08d}"


def asset_class_of(symbol: str) -> AssetClass:
    """The asset class a symbol's spelling implies: OCC form, `BASE/QUOTE:SETTLE`, `BASE/QUOTE`, or a plain share."""
    if OptionContract.parse(symbol) is not None:
        return AssetClass.OPTION
    if ":" in symbol:
        return AssetClass.PERPETUAL
    if "/" in symbol:
        return AssetClass.FX if _is_fx(symbol) else AssetClass.CRYPTO
    return AssetClass.EQUITY


_FIAT = frozenset(
    "USD EUR GBP JPY CHF AUD CAD NZD SEK NOK DKK SGD HKD INR MXN ZAR PLN CZK HUF TRY CNH".split()  # noqa: SIM905 - a line
)


def _is_fx(symbol: str) -> bool:
    base, _, quote = symbol.partition("/")
    return base in _FIAT and quote in _FIAT
