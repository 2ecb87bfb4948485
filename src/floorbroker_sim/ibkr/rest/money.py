"""Money: commissions, margins, and what an account is worth.  Reg T, in the base currency.

A share ties up half its value at entry; a long option is paid in full and lends nothing; written options are margined by the
worst outcome of all options of one share and expiry, or, where that has no floor, by a fifth of the share's value.
https://www.interactivebrokers.com/en/trading/margin-requirements.php
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.values import ZERO, Price, Quantity, Side, round_step
from floorbroker_sim.ibkr import info

_CENT4 = Decimal("0.0001")
HUNDRED = Decimal(100)


class Commissions:
    """What an execution costs: by share, by contract, or by the value of a currency trade.  Minimums are left out."""

    def fee(self, *, symbol: str, side: Side, qty: Quantity, price: Price, maker: bool) -> Decimal:
        del side, maker
        if OptionContract.parse(symbol) is not None:
            return qty * info.PER_CONTRACT
        if "/" in symbol:
            return round_step(qty * price * info.FX_RATE, _CENT4, ROUND_HALF_EVEN)
        return round_step(min(qty * info.PER_SHARE, qty * price / HUNDRED), _CENT4, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An account: `cash`, signed values of shares and currencies (`stock`) and of options, and the margins they need."""

    cash: Decimal
    stock: Decimal
    options: Decimal
    gross: Decimal
    initial: Decimal
    maintenance: Decimal

    @property
    def worth(self) -> Decimal:
        return self.cash + self.stock + self.options

    @property
    def equity(self) -> Decimal:
        """Equity with loan value: options lend nothing."""
        return self.cash + self.stock

    @property
    def available(self) -> Decimal:
        return self.equity - self.initial

    @property
    def buying_power(self) -> Decimal:
        return max(self.available / info.INITIAL, ZERO)


def standing(cash: Decimal, held: Mapping[str, Decimal], mark: Callable[[str], Decimal]) -> Standing:
    """From signed positions (units by canonical symbol) and what a unit is worth."""
    stock = options = gross = initial = maintenance = ZERO
    groups: dict[tuple[str, str], list[tuple[Decimal, OptionContract]]] = {}
    for symbol, qty in held.items():
        contract = OptionContract.parse(symbol)
        value = qty * mark(symbol) * (HUNDRED if contract is not None else 1)
        gross += abs(value)
        if contract is not None:
            options += value
            groups.setdefault((contract.root, str(contract.expiry)), []).append((qty, contract))
            continue
        stock += value
        rate = _RATES["/" in symbol]
        initial, maintenance = initial + abs(value) * rate[0], maintenance + abs(value) * rate[1]
    written = sum((_written(group, mark) for group in groups.values()), ZERO)
    return Standing(
        cash=cash,
        stock=stock,
        options=options,
        gross=gross,
        initial=initial + written,
        maintenance=maintenance + written,
    )


_FX_RATE = Decimal("0.025")
_RATES = {False: (info.INITIAL, info.MAINTENANCE), True: (_FX_RATE, _FX_RATE)}


def _written(group: Iterable[tuple[Decimal, OptionContract]], mark: Callable[[str], Decimal]) -> Decimal:
    """What the written options of one share and expiry tie up."""
    legs = list(group)
    if all(qty > 0 for qty, _ in legs):
        return ZERO
    points = [ZERO, *(contract.strike for _, contract in legs)]
    worst = max(-sum((qty * _inner(contract, spot) for qty, contract in legs), ZERO) for spot in points) * HUNDRED
    calls = sum((qty for qty, contract in legs if contract.right == "C"), ZERO)
    naked = sum((_naked(qty, contract, mark) for qty, contract in legs if qty < 0), ZERO)
    return naked if calls < 0 else min(max(worst, ZERO), naked)


def _naked(qty: Decimal, contract: OptionContract, mark: Callable[[str], Decimal]) -> Decimal:
    spot, premium = mark(contract.root), mark(contract.symbol)
    out = max(ZERO, contract.strike - spot if contract.right == "C" else spot - contract.strike)
    return -qty * HUNDRED * (premium + max(info.NAKED * spot - out, info.NAKED_LEAST * spot))


def _inner(contract: OptionContract, spot: Decimal) -> Decimal:
    difference = spot - contract.strike if contract.right == "C" else contract.strike - spot
    return max(difference, ZERO)
