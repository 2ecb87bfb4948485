"""Accounts, positions, instruments and hours.

Documents: developer.oanda.com/rest-live-v20/account-df, position-df, primitives-df.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.info import INFO, MARKET
from floorbroker.brokers.oanda.mapping.units import step
from floorbroker.brokers.oanda.mapping.values import from_wire_symbol, needed, number
from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.instrument import Instrument, TickRule, asset_class_of
from floorbroker.domain.records import Account, Balance, MarketHours, Position, RiskMetrics
from floorbroker.domain.values import WIDE, ZERO, AssetClass
from floorbroker.matching.calendar import FX_WEEK

_MARKETS = frozenset({MARKET, "fx", "forex"})
_ONE = Decimal(1)


def account_from(account: wire.Account) -> Account:
    """The account: its cash is the balance, what it may still buy is its free margin at its own rate."""
    free = max(needed(account.margin_available, what="the free margin"), ZERO)
    rate = number(account.margin_rate, what="the margin rate") or _ONE
    used = number(account.margin_used, what="the margin used")
    return Account(
        account=account.id,
        currency=account.currency,
        cash=needed(account.balance, what="the balance"),
        equity=needed(account.nav, what="the net asset value"),
        buying_power=WIDE.divide(free, rate) if 0 < rate <= 1 else free,
        can_short=True,
        multiplier=WIDE.divide(_ONE, rate) if 0 < rate <= 1 else _ONE,
        initial_margin=used,
        maintenance_margin=None if used is None else WIDE.divide(used, Decimal(2)),  # half gone closes everything out
    )


def balance_from(account: wire.Account) -> Balance:
    free = needed(account.margin_available, what="the free margin")
    return Balance(currency=account.currency, total=needed(account.balance, what="the balance"), available=free)


def position_from(position: wire.Position) -> Position:
    """Both sides as one signed quantity; a hedged one has an average price on each side and none of its own."""
    long = needed(position.long.units, what="the units of a position")
    short = needed(position.short.units, what="the units of a position")
    only = position.long if not short else position.short if not long else None
    return Position(
        symbol=from_wire_symbol(position.instrument),
        qty=long + short,
        avg_px=None if only is None else number(only.average_price, what="a price"),
        unrealized_pl=number(position.unrealized_pl, what="a profit"),
    )


def is_held(position: wire.Position) -> bool:
    """Whether it has units on a side; instruments that were traded once are listed too."""
    return position.long.units != 0 or position.short.units != 0


def is_traded_here(instrument: wire.Instrument) -> bool:
    """Currencies and metals; indices and other contracts are told apart by no symbol of ours."""
    return asset_class_of(from_wire_symbol(instrument.name)) in INFO.asset_classes


def instrument_from(
    told: wire.Instrument, *, account: wire.Account, factor: Decimal, tradeable: bool, as_of: datetime
) -> Instrument:
    """The rules of one pair.  `factor` is what one unit of its quote currency is in that of the account.

    So price times units times `multiplier` is an amount in the account's currency, as limits want it.
    """
    most = number(told.maximum_order_units, what="the largest order")
    return Instrument(
        symbol=from_wire_symbol(told.name),
        asset_class=AssetClass.FX,
        currency=account.currency,
        venue_id=told.name,
        name=told.display_name,
        ticks=(TickRule(from_price=ZERO, tick=step(told.display_precision, what="the price")),),
        lot=step(told.trade_units_precision, what="the quantity"),
        min_qty=needed(told.minimum_trade_size, what="the smallest order"),
        max_qty=most or None,
        multiplier=factor,
        calendar=MARKET,
        tradable=tradeable,
        shortable=True,
        marginable=True,
        as_of=as_of,
    )


def hours_of(market: str, day: date, *, open_now: bool | None) -> MarketHours:
    """A trading day of currencies: from 17:00 in New York on the eve to 17:00, Monday to Friday.

    Raises `InvalidRequest` for markets that OANDA does not reach.
    """
    if market not in _MARKETS:
        raise InvalidRequest(f"{market[:20]!r} is no market of OANDA; it has one, {MARKET}")
    session = FX_WEEK.session(day)
    if session is None:
        return MarketHours(market=market, day=day, is_open_day=False, is_open_now=open_now)
    return MarketHours(
        market=market, day=day, is_open_day=True, open=session.open, close=session.close, is_open_now=open_now
    )


def risk_from(account: wire.Account, values: Sequence[Decimal], open_orders: int) -> RiskMetrics:
    """Exposure from signed values in the account's currency."""
    equity = needed(account.nav, what="the net asset value")
    gross = sum((abs(value) for value in values), ZERO)
    largest = max((abs(value) for value in values), default=ZERO)
    return RiskMetrics(
        currency=account.currency,
        equity=equity,
        gross_exposure=gross,
        net_exposure=sum(values, ZERO),
        leverage=gross / equity if equity > 0 else ZERO,
        concentration=largest / equity if equity > 0 else ZERO,
        open_orders=open_orders,
    )
