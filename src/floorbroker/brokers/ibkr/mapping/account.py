"""Accounts, balances, positions, exposure, and what a preview says.

Documents: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc (account values, positions), twsapi-ref (OrderState).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec.fields import decimal_in
from floorbroker.brokers.ibkr.codec.framing import BadFrame
from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.brokers.ibkr.info import INFO
from floorbroker.brokers.ibkr.mapping.reports import symbol_for
from floorbroker.domain.errors import ApiError
from floorbroker.domain.records import Account, Balance, KeyPermissions, MarginRequirement, Position, RiskMetrics
from floorbroker.domain.values import ZERO, Environment

BASE = "BASE"
_CASH_KEYS = ("CashBalance", "TotalCashBalance")
Values = Sequence[wire.AccountValue]


def environment_of(account: str) -> Environment:
    """What the account's number says."""
    return INFO.account_sign.of(account) or Environment.LIVE


def account_from(account: str, values: Values) -> Account:
    """The account in its base currency.  Raises `ApiError` when money is missing."""
    mine = [value for value in values if value.account in ("", account)]
    equity, currency = _money(mine, "NetLiquidation")
    is_ready = _text(mine, "AccountReady") != "false"
    return Account(
        account=account,
        currency=currency,
        cash=_money(mine, "TotalCashValue")[0],
        equity=equity,
        buying_power=_money(mine, "BuyingPower")[0],
        environment_hint=environment_of(account).value,
        can_trade=is_ready,
        can_short=True,
        option_level=4,  # the venue tells no level: it refuses what the account may not trade
        initial_margin=_maybe(mine, "InitMarginReq"),
        maintenance_margin=_maybe(mine, "MaintMarginReq"),
        blocked_reason=None if is_ready else "the account is not ready",
    )


def _money(values: Values, key: str) -> tuple[Decimal, str]:
    """A figure in the base currency: the line of a currency, not the one of all together under another name."""
    found = next((value for value in values if value.key == key and value.currency not in ("", BASE)), None)
    if found is None or (amount := _number(found.value)) is None:
        raise ApiError(f"the account's figures lack {key}", broker=BROKER)
    return amount, found.currency[:8]


def _maybe(values: Values, key: str) -> Decimal | None:
    found = next((value for value in values if value.key == key), None)
    return None if found is None else _number(found.value)


def _text(values: Values, key: str) -> str:
    return next((value.value.lower() for value in values if value.key == key), "")


def _number(text: str) -> Decimal | None:
    try:
        return decimal_in(text, "a figure")
    except BadFrame as error:
        raise ApiError("a figure of the account is no number", broker=BROKER) from error


def permissions() -> KeyPermissions:
    """There is no key: who may reach the program may trade, as far as its settings let the socket, and no money moves out."""
    return KeyPermissions(read=True, trade=None, withdraw=False, detail=INFO.withdrawals)


def balances_from(account: str, values: Values) -> tuple[Balance, ...]:
    """Cash of each currency; the line of all of them together is left out."""
    found: dict[str, Decimal] = {}
    for key in _CASH_KEYS:
        for value in values:
            if value.key == key and value.account in ("", account) and value.currency not in ("", BASE):
                amount = _number(value.value)
                if amount is not None:
                    found.setdefault(value.currency[:8], amount)
    return tuple(Balance(currency=name, total=total, available=total) for name, total in sorted(found.items()))


def positions_from(account: str, rows: Sequence[wire.Position]) -> tuple[Position, ...]:
    """What is held; the newest row of a contract counts.  The cost of an option is told for the contract, its price per share."""
    newest = {row.contract.con_id: row for row in rows if row.account == account}
    return tuple(_position(row) for row in newest.values() if row.position)


def _position(row: wire.Position) -> Position:
    cost = row.avg_cost
    return Position(
        symbol=symbol_for(row.contract),
        qty=row.position,
        avg_px=None if cost is None else cost / multiplier_of(row.contract),
    )


def multiplier_of(contract: wire.Contract) -> Decimal:
    """Units of what is underneath; one where none is told.  Raises `ApiError`."""
    try:
        told = decimal_in(contract.multiplier, "the multiplier")
    except BadFrame as error:
        raise ApiError("the multiplier of a contract is no number", broker=BROKER) from error
    return told or Decimal(1)


def margin_from(told: wire.OpenOrder, *, currency: str) -> MarginRequirement:
    """What the venue says an order would tie up.  Raises `ApiError` when it tells nothing."""
    initial = told.margin.init_change
    if initial is None:
        raise ApiError("the preview tells no margin", broker=BROKER)
    fees = told.commission if told.commission is not None else told.max_commission
    return MarginRequirement(
        currency=told.commission_currency or currency,
        initial=initial,
        buying_power_effect=max(initial, ZERO),
        fees=fees or ZERO,
        source="venue",
    )


def risk_from(account: Account, values: Values, rows: Sequence[wire.Position], open_orders: int) -> RiskMetrics:
    """Exposure: the gross one is the venue's own figure, the parts of it are counted at what was paid."""
    costs = [row.position * (row.avg_cost or ZERO) for row in rows if row.account == account.account]
    gross = _maybe(values, "GrossPositionValue")
    gross = sum((abs(cost) for cost in costs), ZERO) if gross is None else gross
    equity = account.equity
    return RiskMetrics(
        currency=account.currency,
        equity=equity,
        gross_exposure=gross,
        net_exposure=sum(costs, ZERO),
        leverage=gross / equity if equity > 0 else ZERO,
        concentration=max((abs(cost) for cost in costs), default=ZERO) / equity if equity > 0 else ZERO,
        open_orders=open_orders,
    )
