"""Accounts, positions and market hours.  Documents: upstox.com/developer/api-documentation (user, portfolio, market)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.info import BROKER
from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.brokers.upstox.mapping.values import from_ms, needed, number
from floorbroker.domain.errors import ApiError, InvalidRequest
from floorbroker.domain.records import Account, Balance, MarginRequirement, MarketHours, Position, RiskMetrics
from floorbroker.domain.values import ZERO, total_of

CURRENCY = "INR"
EXCHANGES: Mapping[str, str] = MappingProxyType(
    {"XNSE": "NSE", "NSE": "NSE", "XBOM": "BSE", "BSE": "BSE", "equity": "NSE"}
)


def account_from(profile: wire.Profile, funds: wire.Funds, equity: Decimal, *, is_intraday: bool) -> Account:
    """The account, in rupees.  Its cash is what of it is free: what orders and positions tie up is not."""
    trade = funds.available_to_trade
    cash = trade.cash_available_to_trade
    is_active = profile.is_active is not False
    return Account(
        account=profile.user_id,
        currency=CURRENCY,
        cash=needed(cash.total, what="the cash available"),
        equity=equity,
        buying_power=max(needed(trade.total, what="the margin available"), ZERO),
        can_trade=is_active,
        can_short=is_intraday,
        initial_margin=(number(cash.margin_used.total, what="the margin used") if cash.margin_used else None) or ZERO,
        blocked_reason=None if is_active else "the venue says that the account is not active",
    )


def equity_of(funds: wire.Funds, day: Iterable[wire.Position], holdings: Iterable[wire.Holding]) -> Decimal:
    """Cash of this morning, what came and went since, holdings, and what the day's trades made of them, at last prices.

    What is free to trade is no measure of it: an order that waits ties money up, and a position on margin less than it is worth.
    """
    cash = funds.available_to_trade.cash_available_to_trade.cash
    gone = (cash.withdrawn_today, cash.unpaid_charges)
    parts = [
        needed(cash.opening_balance, what="the opening balance"),
        number(cash.added_today, what="what was added") or ZERO,
        *(-abs(number(one, what="what was taken") or ZERO) for one in gone),
    ]
    for item in (*holdings, *day):
        last = number(item.last_price, what="a price") or number(item.average_price, what="a price") or ZERO
        parts.append(needed(item.quantity, what="a quantity") * last)
        if isinstance(item, wire.Position):
            parts.append(number(item.day_sell_value, what="the value of sales") or ZERO)
            parts.append(-(number(item.day_buy_value, what="the value of purchases") or ZERO))
    return total_of(parts)


def balance_from(funds: wire.Funds) -> Balance:
    """Rupees."""
    available = needed(funds.available_to_trade.cash_available_to_trade.total, what="the cash available")
    return Balance(currency=CURRENCY, total=available, available=max(available, ZERO))


def positions_from(
    day: Iterable[wire.Position], holdings: Iterable[wire.Holding], symbols: Symbols
) -> tuple[Position, ...]:
    """What is held of each symbol: shares of earlier days, and what today's trades made of them, of every product.

    Shares that are sold today stay among the holdings until they are settled, and stand in the positions below zero.
    """
    qty: dict[str, Decimal] = {}
    cost: dict[str, Decimal] = {}
    last: dict[str, Decimal] = {}
    for item in (*holdings, *day):
        name = symbols.named(
            item.instrument_token, exchange=item.exchange, trading=item.trading_symbol or item.tradingsymbol
        )
        units = needed(item.quantity, what="a quantity")
        entry = number(item.average_price, what="a price") or ZERO
        qty[name] = qty.get(name, ZERO) + units
        cost[name] = cost.get(name, ZERO) + units * entry
        last[name] = number(item.last_price, what="a price") or last.get(name, ZERO)
    return tuple(_position(name, units, cost[name], last[name]) for name, units in qty.items() if units)


def _position(symbol: str, units: Decimal, cost: Decimal, last: Decimal) -> Position:
    average = cost / units
    return Position(
        symbol=symbol,
        qty=units,
        avg_px=average if average > 0 else None,
        market_px=last or None,
        market_value=units * last if last else None,
        unrealized_pl=units * last - cost if last and average > 0 else None,
    )


def margin_from(margins: wire.Margins, charges: wire.Charges) -> MarginRequirement:
    """What the venue says an order binds and costs, in rupees."""
    required = margins.final_margin if margins.final_margin is not None else margins.required_margin
    bound = needed(required, what="the margin")
    return MarginRequirement(
        currency=CURRENCY,
        initial=bound,
        buying_power_effect=bound,
        fees=number(charges.total, what="the charges") or ZERO,
        source="venue",
    )


def risk_from(account: Account, positions: Sequence[Position], open_orders: int) -> RiskMetrics:
    """Exposure at last prices, or entry prices where none is told."""
    values = [p.qty * (p.market_px or p.avg_px or ZERO) for p in positions]
    gross, net, equity = total_of(map(abs, values)), total_of(values), account.equity
    return RiskMetrics(
        currency=CURRENCY,
        equity=equity,
        gross_exposure=gross,
        net_exposure=net,
        leverage=gross / equity if equity > 0 else ZERO,
        concentration=max(map(abs, values), default=ZERO) / equity if equity > 0 else ZERO,
        open_orders=open_orders,
    )


def exchange_of(market: str) -> str:
    """`NSE` or `BSE`.  Raises `InvalidRequest` for markets that Upstox does not reach here."""
    found = EXCHANGES.get(market)
    if found is None:
        raise InvalidRequest(f"{market[:20]!r} is no market of Upstox; it has XNSE and XBOM")
    return found


def hours_from(market: str, day: date, timings: Sequence[wire.Timing], *, now: datetime) -> MarketHours:
    """The hours of an exchange: one that is not among the day's timings is closed."""
    exchange = exchange_of(market)
    listed = next((timing for timing in timings if timing.exchange == exchange), None)
    if listed is None:
        return MarketHours(market=market, day=day, is_open_day=False)
    opens, closes = from_ms(listed.start_time), from_ms(listed.end_time)
    if opens >= closes:
        raise ApiError("the timings end before they begin", broker=BROKER)
    return MarketHours(
        market=market, day=day, is_open_day=True, open=opens, close=closes, is_open_now=opens <= now < closes
    )
