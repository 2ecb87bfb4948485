"""What is known of the accounts that a portfolio lies in: money, fees, lots, and what they hold already."""

from __future__ import annotations

import tomllib
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import msgspec

from floorbroker.domain.errors import ConfigInvalid

ZERO, ONE = Decimal(0), Decimal(1)
_BPS = Decimal(10_000)


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account; everything in the money of the portfolio.

    `buying_power` is what may be spent, as the venue says.  A fee is `fee_bps` of the value and `fee_per_unit`, at least
    `fee_least`.  Quantities are multiples of `lot`, or of what `lots` says of a symbol; `least_value` is the smallest order.
    Without `symbols` everything can be bought there.
    """

    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    fee_bps: Decimal = ZERO
    fee_per_unit: Decimal = ZERO
    fee_least: Decimal = ZERO
    lot: Decimal = ONE
    lots: dict[str, Decimal] = {}
    least_value: Decimal = ZERO
    symbols: list[str] | None = None
    positions: dict[str, Decimal] = {}

    def lot_of(self, symbol: str) -> Decimal:
        return self.lots.get(symbol, self.lot)

    def whole_lots(self, symbol: str, quantity: Decimal) -> Decimal:
        """A quantity rounded down to lots."""
        lot = self.lot_of(symbol)
        return (quantity / lot).to_integral_value(rounding=ROUND_DOWN) * lot

    def fee(self, quantity: Decimal, price: Decimal) -> Decimal:
        """What an order costs; nothing for nothing."""
        if not quantity:
            return ZERO
        return max(self.fee_least, quantity * price * self.fee_bps / _BPS + quantity * self.fee_per_unit)

    def lists(self, symbol: str) -> bool:
        return self.symbols is None or symbol in self.symbols


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    accounts: dict[str, Account]


def read_accounts(path: Path) -> dict[str, Account]:
    """A TOML file with a table for each account; numbers are text.  Raises `ConfigInvalid`, naming what is wrong."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), type=_File).accounts
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigInvalid(f"{path}: {error}") from error
    for name, account in found.items():
        check_account(name, account)
    return found


def check_account(name: str, account: Account) -> None:
    """Raises `ConfigInvalid` for numbers that cannot be."""
    positive = {"lot": account.lot, **{f"lots.{symbol}": lot for symbol, lot in account.lots.items()}}
    for member, value in positive.items():
        if not value.is_finite() or value <= 0:
            raise ConfigInvalid(f"accounts.{name}.{member}: a positive number is needed")
    for member in ("cash", "equity", "buying_power", "fee_bps", "fee_per_unit", "fee_least", "least_value"):
        if not getattr(account, member).is_finite():
            raise ConfigInvalid(f"accounts.{name}.{member}: a number is needed")
