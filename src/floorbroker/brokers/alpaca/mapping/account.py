"""Accounts, positions, instruments and market hours.  Documents: Trading API 2.0.1, the schemas of these names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.info import INFO
from floorbroker.brokers.alpaca.mapping.values import ASSET_CLASS, BROKER, from_wire_symbol, needed, number
from floorbroker.domain.errors import ApiError, InvalidRequest, SymbolNotFound
from floorbroker.domain.instrument import Instrument, TickRule
from floorbroker.domain.records import Account, Balance, KeyPermissions, MarketHours, Position, RiskMetrics
from floorbroker.domain.values import ZERO, AssetClass, Environment

NEW_YORK = ZoneInfo("America/New_York")
_FRACTION = Decimal("0.000000001")
_CENT = Decimal("0.01")
# Sub-penny rule: two decimals from a dollar on, four below (docs: orders-at-alpaca#sub-penny-increments-for-limit-orders).
SHARE_TICKS = (
    TickRule(from_price=ZERO, tick=Decimal("0.0001")),
    TickRule(from_price=Decimal(1), tick=_CENT),
)
ALWAYS = "24/7"
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):?([0-5][0-9])")
_NEW_YORK_MARKETS = frozenset({"XNYS", "XNAS", "ARCX", "US", "us_equity", "us_option", "equity", "option"})
_CRYPTO_MARKETS = frozenset({"crypto", ALWAYS})


def account_from(account: wire.Account) -> Account:
    """The account; its number tells paper (`PA...`) from live."""
    blocked = _blocked_reason(account)
    return Account(
        account=account.account_number,
        currency=account.currency,
        cash=needed(account.cash, what="cash"),
        equity=needed(account.equity, what="equity"),
        buying_power=needed(account.buying_power, what="buying power"),
        environment_hint="paper" if _is_paper(account) else "live",
        can_trade=blocked is None,
        can_short=account.shorting_enabled,
        option_level=account.options_trading_level or 0,
        option_buying_power=number(account.options_buying_power, what="the buying power for options"),
        multiplier=number(account.multiplier, what="the multiplier") or Decimal(1),
        initial_margin=number(account.initial_margin),
        maintenance_margin=number(account.maintenance_margin),
        blocked_reason=blocked,
    )


def _is_paper(account: wire.Account) -> bool:
    return INFO.account_sign.of(account.account_number) is Environment.PAPER


def permissions_from(account: wire.Account) -> KeyPermissions:
    """What a key may do, as far as Alpaca tells.

    It has no call for the rights of a key.  Bank transfers are out of its reach, but a live key can ask for a withdrawal of
    coins to an address that was approved a day before (Trading API 2.0.1, POST /v2/wallets/transfers), unless transfers of
    the account are blocked.  Paper money goes nowhere.
    """
    if _is_paper(account):
        return KeyPermissions(
            read=True, trade=True, withdraw=False, detail="there is no money to move in a paper account"
        )
    if account.transfers_blocked:
        return KeyPermissions(read=True, withdraw=False, detail="transfers of this account are blocked")
    return KeyPermissions(
        read=True,
        detail="Alpaca does not tell what a key may do; a live key can ask for withdrawals to approved addresses",
    )


def _blocked_reason(account: wire.Account) -> str | None:
    may_trade = account.status == "ACTIVE" or (account.status == "PAPER_ONLY" and _is_paper(account))
    for is_blocked, reason in (
        (account.account_blocked, "the account is blocked"),
        (account.trading_blocked, "trading is blocked"),
        (account.trade_suspended_by_user, "trading is suspended in the account's own settings"),
        (not may_trade, f"the account is {account.status[:40]}"),
    ):
        if is_blocked:
            return reason
    return None


def balance_from(account: wire.Account) -> Balance:
    """Cash; what is available for new orders without margin."""
    cash = needed(account.cash, what="cash")
    free = number(account.non_marginable_buying_power, what="buying power")
    return Balance(currency=account.currency, total=cash, available=cash if free is None else min(cash, free))


def position_from(position: wire.Position) -> Position:
    """Signed by `side`, whatever the sign the venue writes."""
    if position.side not in ("long", "short", None):
        raise ApiError(f"a position has the unknown side {position.side[:20]}", broker=BROKER)
    qty = needed(position.qty, what="a quantity")
    free = number(position.qty_available, what="a quantity")
    is_short = position.side == "short"
    return Position(
        symbol=from_wire_symbol(position.symbol, position.asset_class),
        qty=-abs(qty) if is_short else qty,
        qty_available=-abs(free) if is_short and free is not None else free,
        avg_px=number(position.avg_entry_price),
        market_px=number(position.current_price),
        market_value=number(position.market_value),
        unrealized_pl=number(position.unrealized_pl),
    )


# -- instruments --------------------------------------------------------------------------------------------------------


def instrument_from(asset: wire.Asset, *, as_of: datetime) -> Instrument:
    """A share or a coin; raises `SymbolNotFound` for asset classes we do not trade."""
    kind = ASSET_CLASS.get(asset.asset_class)
    if kind is AssetClass.EQUITY:
        return _share(asset, as_of)
    if kind is AssetClass.CRYPTO:
        return _coin(asset, as_of)
    raise SymbolNotFound(f"{asset.symbol[:32]} is no share and no coin", broker=BROKER)


def _share(asset: wire.Asset, as_of: datetime) -> Instrument:
    easy = asset.borrow_status == "easy_to_borrow" if asset.borrow_status else asset.easy_to_borrow is not False
    return Instrument(
        symbol=asset.symbol,
        asset_class=AssetClass.EQUITY,
        currency="USD",
        venue_id=asset.id,
        name=asset.name or "",
        ticks=SHARE_TICKS,
        fraction=_FRACTION if asset.fractionable else None,
        tradable=asset.tradable,
        shortable=asset.shortable and easy,
        marginable=asset.marginable,
        as_of=as_of,
    )


def _coin(asset: wire.Asset, as_of: datetime) -> Instrument:
    symbol = from_wire_symbol(asset.symbol, "crypto")
    tick = _step(asset.price_increment, what="the price increment")
    return Instrument(
        symbol=symbol,
        asset_class=AssetClass.CRYPTO,
        currency=symbol.partition("/")[2] or "USD",
        venue_id=asset.id,
        name=asset.name or "",
        ticks=(TickRule(from_price=ZERO, tick=tick),),
        lot=_step(asset.min_trade_increment, what="the quantity increment"),
        min_qty=number(asset.min_order_size, what="the smallest order") or ZERO,
        calendar=ALWAYS,
        tradable=asset.tradable,
        as_of=as_of,
    )


def _step(value: Decimal | None, *, what: str) -> Decimal:
    """A positive step; the finest quantity the venue knows where it gives none."""
    step = number(value, what=what)
    return step if step is not None and step > 0 else _FRACTION


def option_from(contract: wire.OptionContract, *, as_of: datetime) -> Instrument:
    """A listed option: whole contracts, prices in cents."""
    return Instrument(
        symbol=from_wire_symbol(contract.symbol, "us_option"),
        asset_class=AssetClass.OPTION,
        currency="USD",
        venue_id=contract.id,
        name=contract.name or "",
        ticks=(TickRule(from_price=ZERO, tick=_CENT),),
        multiplier=number(contract.multiplier, what="the multiplier") or Decimal(100),
        tradable=contract.tradable,
        as_of=as_of,
    )


# -- hours --------------------------------------------------------------------------------------------------------------


def calendar_of(market: str) -> str:
    """`XNYS` or `24/7`; raises `InvalidRequest` for markets that Alpaca does not reach."""
    if market in _NEW_YORK_MARKETS:
        return "XNYS"
    if market in _CRYPTO_MARKETS:
        return ALWAYS
    raise InvalidRequest(f"{market[:20]!r} is no market of Alpaca; it has XNYS, XNAS, ARCX and 24/7 (crypto)")


def hours_from(market: str, day: date, days: Sequence[wire.CalendarDay], *, open_now: bool | None) -> MarketHours:
    """The hours of `day`: a day the calendar does not list is a closed one."""
    listed = next((item for item in days if item.date == day.isoformat()), None)
    if listed is None:
        return MarketHours(market=market, day=day, is_open_day=False, is_open_now=open_now)
    return MarketHours(
        market=market,
        day=day,
        is_open_day=True,
        open=_at(day, listed.open),
        close=_at(day, listed.close),
        extended_open=_at(day, listed.session_open) if listed.session_open else None,
        extended_close=_at(day, listed.session_close) if listed.session_close else None,
        is_open_now=open_now,
    )


def round_the_clock(market: str, day: date) -> MarketHours:
    """A market that never closes, in UTC days."""
    start = datetime.combine(day, time(), tzinfo=UTC)
    end = start + timedelta(days=1)
    return MarketHours(market=market, day=day, is_open_day=True, open=start, close=end, is_open_now=True)


def _at(day: date, clock: str) -> datetime:
    """`09:30` or `0400`, New York time, in UTC."""
    found = _CLOCK.fullmatch(clock)
    if found is None:
        raise ApiError("the calendar has a time that is not readable", broker=BROKER)
    hour, minute = int(found[1]), int(found[2])
    return datetime.combine(day, time(hour, minute), tzinfo=NEW_YORK).astimezone(UTC)


# -- exposure -----------------------------------------------------------------------------------------------------------


def risk_from(account: Account, positions: Sequence[Position], open_orders: int) -> RiskMetrics:
    """Exposure from market values; a position without one counts at its entry price."""
    values = [_value(position) for position in positions]
    gross, net = sum((abs(v) for v in values), ZERO), sum(values, ZERO)
    equity = account.equity
    return RiskMetrics(
        currency=account.currency,
        equity=equity,
        gross_exposure=gross,
        net_exposure=net,
        leverage=gross / equity if equity > 0 else ZERO,
        concentration=max((abs(v) for v in values), default=ZERO) / equity if equity > 0 else ZERO,
        open_orders=open_orders,
    )


def _value(position: Position) -> Decimal:
    if position.market_value is not None:
        return position.market_value
    return position.qty * (position.market_px or position.avg_px or ZERO)
