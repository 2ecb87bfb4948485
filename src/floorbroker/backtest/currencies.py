"""What amounts in one currency are worth in the account's: by a rate that was given, or by a pair that is played beside.

A rate that is given counts all the time.  A pair counts from its first price on; nothing can be ordered in its currency before,
and what no rate is there for at all is refused before anything is played.  No amount is ever added to one of another currency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from floorbroker.backtest.instruments import InstrumentOf
from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.frozen import frozen
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass

DECIMALS = 8
_PAIRS = frozenset({AssetClass.FX, AssetClass.CRYPTO})
PriceOf = Callable[[str], Decimal | None]


@frozen
class Currencies:
    """`given` is what one unit of a currency is worth in `base`; `pairs` the symbol that tells it, and whether upside down."""

    base: str
    given: Mapping[str, Decimal]
    pairs: Mapping[str, tuple[str, bool]]

    def rate(self, currency: str, price: PriceOf) -> Decimal | None:
        """In `base`; None while the pair has no price yet, and of a currency that nothing played is in."""
        if currency == self.base:
            return Decimal(1)
        if currency in self.given:
            return self.given[currency]
        symbol, is_inverse = self.pairs.get(currency, ("", False))
        told = price(symbol) if symbol else None
        if not told:
            return None
        return 1 / told if is_inverse else told

    def told(self, price: PriceOf) -> dict[str, Decimal | None]:
        """Every rate that is used."""
        return {currency: self.rate(currency, price) for currency in sorted({*self.given, *self.pairs})}


def turned(amount: Decimal, rate: Decimal) -> Decimal:
    """An amount at a rate, to eight decimals (half even); as it is where nothing is converted."""
    return amount if rate == 1 else round(amount * rate, DECIMALS)


def currencies_of(
    symbols: Iterable[str], instrument: InstrumentOf, *, base: str = "", given: Mapping[str, Decimal] | None = None
) -> Currencies:
    """How everything that is played is turned into the account's currency.

    Without a `base` it is the one of all symbols; of several dollars, if they are among them, else the first symbol's.
    Raises `InvalidRequest` that names the currencies without a rate, and for a rate that is not positive.
    """
    played, rates = tuple(symbols), dict(given or {})
    used = dict.fromkeys(instrument(symbol).currency for symbol in played)
    into = base or ("USD" if "USD" in used else next(iter(used), "USD"))
    for currency, rate in rates.items():
        if rate <= 0 or currency == into:
            raise _refused(
                f"{currency}={rate}: a rate is positive, and of another currency than the account's ({into})"
            )
    pairs = {one: pair for one in used if one != into and (pair := _pair(one, into, played)) is not None}
    missing = [one for one in used if one != into and one not in rates and one not in pairs]
    if missing:
        ways = ", ".join(
            f"{one}=RATE (what one {one} is worth in {into}) or play {one}/{into} beside it" for one in missing
        )
        raise _refused(f"amounts in {', '.join(missing)} have no rate into {into}, the account's currency: give {ways}")
    return Currencies(
        base=into,
        given={one: rate for one, rate in rates.items() if one in used},
        pairs={one: pair for one, pair in pairs.items() if one not in rates},
    )


def _pair(currency: str, into: str, played: tuple[str, ...]) -> tuple[str, bool] | None:
    for symbol, is_inverse in ((f"{currency}/{into}", False), (f"{into}/{currency}", True)):
        if symbol in played and asset_class_of(symbol) in _PAIRS:
            return symbol, is_inverse
    return None


def _refused(detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer="/rates", code="not_valid", detail=detail),))
