"""What befalls a share besides trading: splits and cash dividends, as the market announced them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from floorbroker.domain.frozen import frozen


@frozen
class Split:
    """From `day` on (the first day at the new price) `shares_from` old shares are `shares_to` new ones."""

    symbol: str
    day: date
    shares_from: Decimal
    shares_to: Decimal

    @property
    def ratio(self) -> Fraction:
        """New shares for one old share, exact: 4 for four to one, 1/10 for a reverse split."""
        return Fraction(self.shares_to) / Fraction(self.shares_from)


@frozen
class Dividend:
    """Whoever holds a share at the close before `day` (the ex-date) is paid `amount`, in the money of that day's shares.

    So a dividend on the day of a split is for each old share.
    """

    symbol: str
    day: date
    amount: Decimal
    currency: str = "USD"


CorporateAction = Split | Dividend
