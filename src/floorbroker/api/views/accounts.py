"""Accounts, balances, positions and exposure as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from floorbroker.api.views.options import OptionView, option_view
from floorbroker.api.views.shape import View, plain, text
from floorbroker.domain.records import Account, Balance
from floorbroker.domain.values import ProfileName, text_of, time_text
from floorbroker.gateway.curve import EquityCurve
from floorbroker.gateway.desk import ProfilePosition


class AccountView(View, frozen=True):
    """An account as its venue describes it; amounts in `currency`."""

    account: str
    currency: str
    cash: str
    equity: str
    buying_power: str
    environment_hint: str
    can_trade: bool
    can_short: bool
    option_level: int
    option_buying_power: str | None
    multiplier: str
    initial_margin: str | None
    maintenance_margin: str | None
    blocked_reason: str | None


class BalanceView(View, frozen=True):
    """One currency or coin of an account."""

    currency: str
    total: str
    available: str


class PositionView(View, frozen=True):
    """One position; `quantity` is signed, short is negative.  What the venue does not tell is null.

    `marked_by` says whose price values it: `venue`, or `desk` where the venue tells none.  Profit and value have the multiplier
    in them; prices are a share.  All are in `currency`, null while the account's is not known.
    """

    profile: str
    symbol: str
    quantity: str
    avg_px: str | None
    market_px: str | None
    market_value: str | None
    unrealized_pl: str | None
    realized_pl: str | None
    available: str | None
    marked_by: str | None = None
    option: OptionView | None = None
    currency: str | None = None


class WorthView(View, frozen=True):
    """What accounts were worth at a moment."""

    time: str
    equity: str


class EquityCurveView(View, frozen=True):
    """One point a minute since the desk started, a day and a half of them, oldest first.

    Of several profiles the sum, from when all of them are known; `currency` is null and there is no point where they have
    several currencies, or none is known.
    """

    profiles: tuple[str, ...]
    currency: str | None
    items: tuple[WorthView, ...]


def equity_curve_view(curve: EquityCurve, names: Sequence[ProfileName]) -> EquityCurveView:
    return EquityCurveView(
        profiles=tuple(names),
        currency=curve.currency_of(names),
        items=tuple(WorthView(time=time_text(p.at), equity=text_of(p.equity)) for p in curve.of(names)),
    )


def account_view(account: Account) -> AccountView:
    return AccountView(**{name: plain(getattr(account, name)) for name in AccountView.__struct_fields__})


def balance_view(balance: Balance) -> BalanceView:
    return BalanceView(currency=balance.currency, total=text_of(balance.total), available=text_of(balance.available))


def position_view(held: ProfilePosition) -> PositionView:
    position = held.position
    return PositionView(
        profile=held.profile,
        symbol=position.symbol,
        quantity=text_of(position.qty),
        avg_px=text(position.avg_px),
        market_px=text(position.market_px),
        market_value=text(position.market_value),
        unrealized_pl=text(position.unrealized_pl),
        realized_pl=text(held.realized_pl),
        available=text(position.qty_available),
        marked_by=held.marked_by or None,
        option=None if held.option is None else option_view(held.option),
        currency=held.currency or None,
    )
