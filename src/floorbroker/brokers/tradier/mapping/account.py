"""Accounts, positions, instruments and market hours.  Documents: documentation.tradier.com/brokerage-api/{accounts,markets}."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.mapping.values import (
    BROKER,
    CONTRACT,
    at_new_york,
    day_of,
    from_wire_symbol,
    needed,
    number,
)
from floorbroker.domain.errors import ApiError, InvalidRequest, SymbolNotFound
from floorbroker.domain.instrument import Instrument, OptionContract, TickRule
from floorbroker.domain.options import Ending, OptionEvent
from floorbroker.domain.records import Account, Balance, MarketHours, Position, RiskMetrics
from floorbroker.domain.values import ZERO, AssetClass

_CENT = Decimal("0.01")
# Sub-penny rule: two decimals from a dollar on, four below.
SHARE_TICKS = (TickRule(from_price=ZERO, tick=Decimal("0.0001")), TickRule(from_price=Decimal(1), tick=_CENT))
_MARKETS = frozenset({"XNYS", "XNAS", "ARCX", "US", "equity", "option"})
_MULTIPLIERS = {"cash": Decimal(1), "margin": Decimal(2), "pdt": Decimal(4)}


def account_from(told: wire.Balances, holder: wire.Holder | None) -> Account:
    """The account.  Its number does not tell sandbox from production, so no environment is claimed.

    Raises `ApiError` for an account type that the documents do not know.
    """
    if told.account_type not in _MULTIPLIERS:
        raise ApiError(f"the account has the unknown type {told.account_type[:20]}", broker=BROKER)
    is_active = holder is not None and holder.status == "active"
    multiplier = _MULTIPLIERS[told.account_type]
    return Account(
        account=told.account_number,
        currency="USD",
        cash=needed(told.total_cash, what="the cash"),
        equity=needed(told.total_equity, what="the equity"),
        buying_power=_buying_power(told),
        can_trade=is_active,
        can_short=multiplier > 1,
        option_level=holder.option_level or 0 if holder is not None else 0,
        option_buying_power=_option_buying_power(told),
        multiplier=multiplier,
        initial_margin=number(told.current_requirement),
        blocked_reason=None if is_active else f"the account is {holder.status[:40] if holder else 'none of the token'}",
    )


def _buying_power(told: wire.Balances) -> Decimal:
    if told.account_type == "cash":
        return needed(None if told.cash is None else told.cash.cash_available, what="the cash available")
    member = told.margin if told.account_type == "margin" else told.pdt
    return needed(None if member is None else member.stock_buying_power, what="the buying power")


def _option_buying_power(told: wire.Balances) -> Decimal | None:
    """What options may cost: credit does not buy them.  None where the venue tells no figure of its own."""
    member = told.pdt if told.account_type == "pdt" else told.margin
    return number(member.option_buying_power, what="the option buying power") if member is not None else None


def balance_from(told: wire.Balances) -> Balance:
    """Cash, and what of it is cleared."""
    cash = needed(told.total_cash, what="the cash")
    free = number(told.cash.cash_available) if told.cash is not None else None
    if free is None:
        free = cash - (number(told.uncleared_funds) or ZERO)
    return Balance(currency="USD", total=cash, available=max(min(cash, free), ZERO))


def position_from(position: wire.Position) -> Position:
    """Signed; the average entry price is the cost of one share, or of one contract by its multiplier."""
    qty = needed(position.quantity, what="a quantity")
    cost = number(position.cost_basis, what="a cost")
    symbol = from_wire_symbol(position.symbol)
    each = CONTRACT if OptionContract.parse(symbol) is not None else Decimal(1)
    return Position(symbol=symbol, qty=qty, avg_px=None if cost is None or not qty else abs(cost) / (abs(qty) * each))


# Words of `option_type`; one that is not here says that contracts ended, and not how.
_ENDINGS = {"expiration": Ending.EXPIRED, "exercise": Ending.EXERCISED, "assignment": Ending.ASSIGNED}


def option_events_from(events: Iterable[wire.HistoryEvent]) -> tuple[OptionEvent, ...]:
    """How options ended.  Events that name no contract of ours to recognise are left out."""
    found: list[OptionEvent] = []
    for event in events:
        detail = event.option
        contract = OptionContract.parse(detail.description.strip()) if detail is not None else None
        if detail is None or contract is None:
            continue
        ending = _ENDINGS.get(detail.option_type.strip().lower(), Ending.UNTOLD)
        qty = number(detail.quantity, what="a quantity") or ZERO
        found.append(OptionEvent(symbol=contract.symbol, ending=ending, qty=qty, day=day_of(event.date[:10])))
    return tuple(found)


# -- instruments --------------------------------------------------------------------------------------------------------


def instrument_from(quote: wire.Quote, *, as_of: datetime) -> Instrument:
    """A share, a fund or an option; raises `SymbolNotFound` for what is quoted and not traded (indices, mutual funds)."""
    symbol = from_wire_symbol(quote.symbol)
    match quote.type:
        case "stock" | "etf":
            return Instrument(
                symbol=symbol,
                asset_class=AssetClass.EQUITY,
                currency="USD",
                name=(quote.description or "")[:200],
                ticks=SHARE_TICKS,
                shortable=True,
                marginable=True,
                as_of=as_of,
            )
        case "option":
            size = number(quote.contract_size, what="the contract size")
            return Instrument(
                symbol=symbol,
                asset_class=AssetClass.OPTION,
                currency="USD",
                name=(quote.description or "")[:200],
                ticks=(TickRule(from_price=ZERO, tick=_CENT),),
                multiplier=size if size is not None and size > 0 else CONTRACT,
                as_of=as_of,
            )
        case "index" | "mutual_fund":
            raise SymbolNotFound(f"{symbol} is a {quote.type}, which cannot be traded here", broker=BROKER)
        case _:
            raise ApiError(f"{symbol[:32]} has the unknown type {quote.type[:20]}", broker=BROKER)


# -- hours --------------------------------------------------------------------------------------------------------------


def check_market(market: str) -> None:
    """Raises `InvalidRequest` for markets that Tradier does not reach."""
    if market not in _MARKETS:
        raise InvalidRequest(f"{market[:20]!r} is no market of Tradier; it has XNYS, XNAS and ARCX")


def hours_from(market: str, day: date, days: Sequence[wire.CalendarDay], *, open_now: bool | None) -> MarketHours:
    """The hours of `day`.  Raises `ApiError` when the calendar does not list it, or in words we do not know."""
    listed = next((item for item in days if item.date == day.isoformat()), None)
    if listed is None or listed.status not in ("open", "closed"):
        raise ApiError("the calendar does not say whether the day is open", broker=BROKER)
    if listed.status == "closed" or listed.open is None:
        return MarketHours(market=market, day=day, is_open_day=False, is_open_now=open_now)
    return MarketHours(
        market=market,
        day=day,
        is_open_day=True,
        open=at_new_york(day, listed.open.start),
        close=at_new_york(day, listed.open.end),
        extended_open=at_new_york(day, listed.premarket.start) if listed.premarket else None,
        extended_close=at_new_york(day, listed.postmarket.end) if listed.postmarket else None,
        is_open_now=open_now,
    )


def is_open(clock: wire.Clock) -> bool:
    """Whether the core session runs; raises `ApiError` for a state that is not in the document."""
    if clock.state not in ("premarket", "open", "postmarket", "closed"):
        raise ApiError(f"the clock has the unknown state {clock.state[:20]}", broker=BROKER)
    return clock.state == "open"


def risk_from(account: Account, positions: Sequence[tuple[Position, Decimal]], open_orders: int) -> RiskMetrics:
    """Exposure at entry prices, each position with its multiplier: the venue tells no market value."""
    values = [position.qty * (position.avg_px or ZERO) * multiplier for position, multiplier in positions]
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
