"""What the prices of a symbol come to in the currency of one account: multiplier and rate of exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.instrument import Instrument, quote_of, usual_multiplier
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import WIDE

_ONE = Decimal(1)


def asked_about(wish: NewOrder) -> str:
    """The symbol whose rules and price a wish is measured by: a multi-leg order's first leg."""
    return wish.legs[0].symbol if wish.legs else wish.symbol


@dataclass(frozen=True, slots=True)
class Scales:
    """Implements `risk.situation.Scale`.  Looked up each time it is needed, so it is never older than what it is made of: the
    rules of instruments that were read, the account as it is known, or was before a start, and the rates of the desk.

    Where an instrument has not been read yet its spelling tells the currency of a pair; shares and options are in the one their
    venue trades in (`priced_in`), or else in the account's.
    """

    instruments: Mapping[str, tuple[datetime, Instrument]]
    own: Callable[[], str]  # the account's currency; empty while nobody ever told
    between: Callable[[str, str], Decimal | None]
    priced_in: str = ""

    def __call__(self, symbol: str) -> Decimal | None:
        """What price times units is multiplied with to be an amount of the account; None when nobody said what its currency is
        worth there.
        """
        multiplier, currency = self._rules(symbol)
        rate = self._into_account(currency)
        return multiplier if rate is _ONE else None if rate is None else WIDE.multiply(multiplier, rate)

    def multiplier(self, symbol: str) -> Decimal:
        """What one unit is about; of an instrument nobody has asked for since the start, what is usual."""
        return self._rules(symbol)[0]

    def currency(self, symbol: str) -> str:
        """What its prices are in; empty for the account's own."""
        return self._rules(symbol)[1]

    def rate(self, symbol: str) -> Decimal | None:
        """What one unit of its currency is in the account's; None when nobody said."""
        return self._into_account(self._rules(symbol)[1])

    def _rules(self, symbol: str) -> tuple[Decimal, str]:
        held = self.instruments.get(symbol)
        if held is None:
            return usual_multiplier(symbol), quote_of(symbol) or self.priced_in
        return held[1].multiplier, held[1].currency

    def _into_account(self, currency: str) -> Decimal | None:
        own = self.own()
        return _ONE if not own or not currency or currency == own else self.between(currency, own)
