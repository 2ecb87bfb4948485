"""The account's cash in every currency it trades in: what a pair costs is paid in its quote, and may be owed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from floorbroker.brokers.paper.info import CURRENCY
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.values import ZERO
from floorbroker.matching import Fill, Ledger, LedgerPosition

_DOLLARS = frozenset({CURRENCY, "USDT", "USDC"})  # coins that stand for dollars are paid and counted as such
MarkOf = Callable[[str], Decimal | None]


class Tills:
    """A ledger for each currency; only the account's own begins with money.

    `instrument` tells what a symbol is priced in, `mark` what one is worth: None where nobody knows.
    """

    def __init__(self, *, cash: Decimal, instrument: Callable[[str], Instrument], mark: MarkOf) -> None:
        self._instrument, self._mark = instrument, mark
        self._ledgers = {CURRENCY: self._opened(CURRENCY, cash)}

    def _opened(self, currency: str, cash: Decimal) -> Ledger:
        return Ledger(currency=currency, cash=cash, multiplier=lambda symbol: self._instrument(symbol).multiplier)

    def __iter__(self) -> Iterator[Ledger]:
        return iter(self._ledgers.values())

    def of(self, symbol: str) -> Ledger:
        """The one that a symbol is paid from."""
        currency = self._instrument(symbol).currency
        if currency in _DOLLARS:
            currency = CURRENCY
        if currency not in self._ledgers:
            self._ledgers[currency] = self._opened(currency, ZERO)
        return self._ledgers[currency]

    def apply(self, fill: Fill) -> None:
        """Book one execution; the sum of a multi-leg order is skipped, its legs carry the money."""
        if not fill.is_summary:
            self.of(fill.symbol).apply(fill)

    def undo(self, fill: Fill) -> None:
        """Take an execution back.  Raises `KeyError` when it is not booked."""
        if not fill.is_summary:
            self.of(fill.symbol).undo(fill)

    def qty(self, symbol: str) -> Decimal:
        """Signed units held."""
        return self.of(symbol).qty(symbol)

    def position(self, symbol: str) -> LedgerPosition:
        return self.of(symbol).position(symbol)

    def positions(self) -> list[LedgerPosition]:
        """Every position that is not flat, by symbol."""
        return sorted((held for ledger in self for held in ledger.positions()), key=lambda held: held.symbol)

    def rate(self, currency: str) -> Decimal | None:
        """What one unit is worth in the account's own currency, by the pair of both; None while that has no price here."""
        if currency in _DOLLARS:
            return Decimal(1)
        if told := self._mark(f"{currency}/{CURRENCY}"):
            return told
        inverse = self._mark(f"{CURRENCY}/{currency}")
        return 1 / inverse if inverse else None

    def in_own(self, amount: Decimal, currency: str) -> Decimal:
        """An amount in the account's own currency; what nobody can turn is nothing, and `is_whole` says so."""
        return amount if currency in _DOLLARS or not amount else amount * (self.rate(currency) or ZERO)

    @property
    def is_whole(self) -> bool:
        """Whether everything that is held or owed can be told in the account's own currency."""
        return all(self.rate(ledger.currency) is not None for ledger in self if ledger.cash or ledger.positions())

    @property
    def cash(self) -> Decimal:
        return sum((self.in_own(ledger.cash, ledger.currency) for ledger in self), ZERO)

    @property
    def equity(self) -> Decimal:
        return sum((self.in_own(ledger.equity(self._mark), ledger.currency) for ledger in self), ZERO)
