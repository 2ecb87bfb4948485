"""What can be traded, and the rules for it.  Document: bybit-exchange.github.io/docs/v5/market/instrument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.info import BROKER
from floorbroker.brokers.bybit.mapping.symbols import LINEAR, Symbols
from floorbroker.brokers.bybit.mapping.values import above_zero, needed, number, word
from floorbroker.domain.errors import ApiError, InvalidRequest, SymbolNotFound
from floorbroker.domain.instrument import Instrument, TickRule
from floorbroker.domain.records import MarketHours
from floorbroker.domain.values import ZERO, AssetClass

ALWAYS = "24/7"
_MARKETS = frozenset({ALWAYS, "24x7", "crypto", "spot", "linear", "perpetual"})
_TRADING = "Trading"
_PERPETUAL = "LinearPerpetual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """An instrument, and what only this venue has: bounds of prices and leverage, and a bound of its own for market orders."""

    instrument: Instrument
    min_px: Decimal | None = None
    max_px: Decimal | None = None
    max_market_qty: Decimal | None = None
    quote_step: Decimal | None = None
    max_leverage: Decimal | None = None


def rules_from(found: wire.Instrument, category: str, symbols: Symbols, *, as_of: datetime) -> Rules:
    """Raises `SymbolNotFound` for contracts that are no linear perpetuals, `ApiError` for steps that are none."""
    if category != LINEAR:
        return _pair(found, symbols, as_of)
    if found.contract_type != _PERPETUAL:
        raise SymbolNotFound(f"{word(found.symbol)} is no linear perpetual", broker=BROKER)
    return _perpetual(found, symbols, as_of)


def _pair(found: wire.Instrument, symbols: Symbols, as_of: datetime) -> Rules:
    lot = found.lot_size_filter
    instrument = Instrument(
        symbol=symbols.from_wire("spot", found.symbol),
        asset_class=AssetClass.CRYPTO,
        currency=found.quote_coin,
        venue_id=found.symbol,
        name=f"{word(found.base_coin)} / {word(found.quote_coin)}",
        ticks=_ticks(found),
        lot=_step(lot.base_precision, what="the quantity step"),
        min_qty=ZERO,  # the venue's own smallest quantity is deprecated: the smallest amount counts
        max_qty=above_zero(lot.max_limit_order_qty) or above_zero(lot.max_order_qty),
        min_notional=number(lot.min_order_amt, what="the smallest amount") or ZERO,
        calendar=ALWAYS,
        tradable=found.status == _TRADING,
        as_of=as_of,
    )
    return Rules(
        instrument=instrument,
        max_market_qty=above_zero(lot.max_market_order_qty),
        quote_step=above_zero(lot.quote_precision),
    )


def _perpetual(found: wire.Instrument, symbols: Symbols, as_of: datetime) -> Rules:
    lot, prices = found.lot_size_filter, found.price_filter
    instrument = Instrument(
        symbol=symbols.from_wire(LINEAR, found.symbol),
        asset_class=AssetClass.PERPETUAL,
        currency=found.settle_coin or found.quote_coin,
        venue_id=found.symbol,
        name=f"{word(found.base_coin)} perpetual, settled in {word(found.settle_coin or found.quote_coin)}",
        ticks=_ticks(found),
        lot=_step(lot.qty_step, what="the quantity step"),
        min_qty=number(lot.min_order_qty, what="the smallest order") or ZERO,
        max_qty=above_zero(lot.max_order_qty),
        min_notional=number(lot.min_notional_value, what="the smallest value") or ZERO,
        multiplier=Decimal(1),
        calendar=ALWAYS,
        tradable=found.status == _TRADING,
        shortable=True,
        marginable=True,
        as_of=as_of,
    )
    leverage = found.leverage_filter
    return Rules(
        instrument=instrument,
        min_px=above_zero(prices.min_price),
        max_px=above_zero(prices.max_price),
        max_market_qty=above_zero(lot.max_mkt_order_qty),
        max_leverage=None if leverage is None else above_zero(leverage.max_leverage),
    )


def _ticks(found: wire.Instrument) -> tuple[TickRule, ...]:
    return (TickRule(from_price=ZERO, tick=_step(found.price_filter.tick_size, what="the price step")),)


def _step(value: str | None, *, what: str) -> Decimal:
    step = needed(value, what=what)
    if step <= 0:
        raise ApiError(f"{what} in the reply is not above zero", broker=BROKER)
    return step


def hours_of(market: str, day: date) -> MarketHours:
    """Spot and perpetuals trade round the clock, in UTC days.  Raises `InvalidRequest` for markets that are elsewhere."""
    if market not in _MARKETS:
        raise InvalidRequest(f"{market[:20]!r} is no market of Bybit; it has spot and linear, both 24/7")
    start = datetime.combine(day, time(), tzinfo=UTC)
    end = start + timedelta(days=1)
    return MarketHours(market=market, day=day, is_open_day=True, open=start, close=end, is_open_now=True)
