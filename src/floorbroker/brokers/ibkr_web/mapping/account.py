"""Accounts, balances, positions, exposure, and what a preview says.

Documents: IB REST API 2.20.0, portfolioSummary, ledger and orderPreview.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.info import INFO
from floorbroker.brokers.ibkr_web.mapping.contracts import Known
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, amount, conid_of, needed, number
from floorbroker.domain.errors import ApiError, OrderRejected
from floorbroker.domain.records import Account, Balance, KeyPermissions, MarginRequirement, Position, RiskMetrics
from floorbroker.domain.values import ZERO, Environment

Summary = Mapping[str, wire.SummaryItem | None]
Ledger = Mapping[str, wire.LedgerLine | None]
BASE = "BASE"


def account_from(account: str, summary: Summary, *, is_paper: bool | None) -> Account:
    """The account in its base currency.  Raises `ApiError` when money is missing."""
    equity, currency = _money(summary, "netliquidation")
    cash, _ = _money(summary, "totalcashvalue")
    power, _ = _money(summary, "buyingpower")
    return Account(
        account=account,
        currency=currency,
        cash=cash,
        equity=equity,
        buying_power=power,
        environment_hint=environment_of(account, is_paper=is_paper).value,
        can_trade=_text(summary, "accountready") != "false",
        can_short=True,
        initial_margin=_maybe(summary, "initmarginreq"),
        maintenance_margin=_maybe(summary, "maintmarginreq"),
        blocked_reason="the account is not ready" if _text(summary, "accountready") == "false" else None,
    )


def environment_of(account: str, *, is_paper: bool | None) -> Environment:
    """What the session says, and what the number says where the session does not.  Raises `ApiError` when the two differ."""
    by_number = INFO.account_sign.of(account) or Environment.LIVE
    if is_paper is None:
        return by_number
    told = Environment.PAPER if is_paper else Environment.LIVE
    if told is not by_number:
        raise ApiError(f"the session says {told.value}, and the account's number says {by_number.value}", broker=BROKER)
    return told


def _money(summary: Summary, key: str) -> tuple[Decimal, str]:
    item = summary.get(key)
    if item is None or item.isNull:
        raise ApiError(f"the account's summary lacks {key}", broker=BROKER)
    return needed(item.amount, what=key), (item.currency or "USD")[:8]


def _maybe(summary: Summary, key: str) -> Decimal | None:
    item = summary.get(key)
    return None if item is None or item.isNull else number(item.amount, what=key)


def _text(summary: Summary, key: str) -> str:
    item = summary.get(key)
    return (item.value or "").lower() if item is not None else ""


def permissions() -> KeyPermissions:
    """There is no key: who may reach the gateway may trade, and nothing here moves money out."""
    return KeyPermissions(
        read=True, trade=True, withdraw=False, detail="the Web API has no call that moves money out of an account"
    )


def balances_from(ledger: Ledger) -> tuple[Balance, ...]:
    """Cash of each currency; the line of all of them together is left out."""
    lines = [(currency, line) for currency, line in sorted(ledger.items()) if line is not None and currency != BASE]
    cash = [(currency[:8], needed(line.cashbalance, what="cash")) for currency, line in lines]
    return tuple(Balance(currency=currency, total=total, available=total) for currency, total in cash)


def positions_from(rows: Sequence[wire.Position], known: Known) -> tuple[Position, ...]:
    """Held contracts; what we do not trade goes by its number, so that it is neither lost nor taken for what we do trade."""
    return tuple(_position(row, known) for row in rows if needed(row.position, what="a quantity") != 0)


def _position(row: wire.Position, known: Known) -> Position:
    symbol = known.symbol(conid_of(row.conid))
    return Position(
        symbol=symbol or f"conid {conid_of(row.conid)}",
        qty=needed(row.position, what="a quantity"),
        avg_px=number(row.avgPrice, what="a price"),
        market_px=number(row.mktPrice, what="a price"),
        market_value=number(row.mktValue, what="a value"),
        unrealized_pl=number(row.unrealizedPnl, what="a profit"),
    )


def margin_from(preview: wire.Preview, *, currency: str) -> MarginRequirement:
    """What the venue says an order would tie up.  Raises `OrderRejected` when it says that it would turn it down."""
    if preview.error:
        raise OrderRejected("the preview: refused by the venue", broker=BROKER, venue_text=preview.error[:500])
    initial = amount(preview.initial.change if preview.initial else None, what="a margin")
    if initial is None:
        raise ApiError("the preview tells no margin", broker=BROKER)
    fees = amount(preview.amount.commission if preview.amount else None, what="a commission")
    value = amount(preview.amount.amount if preview.amount else None, what="an amount")
    return MarginRequirement(
        currency=(value[1] if value else None) or currency,
        initial=initial[0],
        buying_power_effect=max(initial[0], ZERO),
        fees=fees[0] if fees else ZERO,
        source="venue",
    )


def risk_from(account: Account, positions: Sequence[Position], open_orders: int) -> RiskMetrics:
    """Exposure from market values; a position without one counts at its entry price."""
    values = [
        each.market_value if each.market_value is not None else each.qty * (each.market_px or each.avg_px or ZERO)
        for each in positions
    ]
    gross, net, equity = sum((abs(v) for v in values), ZERO), sum(values, ZERO), account.equity
    return RiskMetrics(
        currency=account.currency,
        equity=equity,
        gross_exposure=gross,
        net_exposure=net,
        leverage=gross / equity if equity > 0 else ZERO,
        concentration=max((abs(v) for v in values), default=ZERO) / equity if equity > 0 else ZERO,
        open_orders=open_orders,
    )
