"""The filters of a symbol: what an order must be like before the matching engine sees it.

https://developers.binance.com/docs/binance-spot-api-docs/filters
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.values import ZERO, Side, is_multiple
from floorbroker_sim.binance import errors, info
from floorbroker_sim.binance.rest.records import Record, Ticket
from floorbroker_sim.binance.rest.state import State
from floorbroker_sim.binance.wire import number

MAX_PRICE = Decimal(1_000_000)


def check_filters(state: State, ticket: Ticket) -> None:
    """Raises `Refused`, naming the first filter the order fails."""
    instrument = state.instrument(ticket.symbol)
    for price in (ticket.price, ticket.stop_price):
        if price and not (instrument.is_on_tick(price) and instrument.tick_at(price) <= price <= MAX_PRICE):
            raise errors.filtered("PRICE_FILTER")
    reference = state.reference(ticket.symbol, state.clock.now())
    if ticket.price and reference is not None:
        _check_percent(ticket, reference)
    _check_size(ticket, instrument)
    _check_notional(ticket, instrument, reference)
    _check_delta(ticket)
    _check_counts(state, ticket)


def _check_percent(ticket: Ticket, reference: Decimal) -> None:
    if not reference * info.PERCENT_DOWN <= ticket.price <= reference * info.PERCENT_UP:
        raise errors.filtered("PERCENT_PRICE_BY_SIDE")


def _check_size(ticket: Ticket, instrument: Instrument) -> None:
    most = instrument.max_qty or ZERO
    for qty in (ticket.qty, ticket.iceberg_qty):
        if qty and not (is_multiple(qty, instrument.lot) and instrument.min_qty <= qty <= most):
            raise errors.filtered("LOT_SIZE")
    if ticket.is_market and ticket.qty > market_max(instrument):
        raise errors.filtered("MARKET_LOT_SIZE")
    if not ticket.iceberg_qty:
        return
    if ticket.iceberg_qty > ticket.qty:
        raise errors.rejected("IcebergQty exceeds QTY.")
    if (ticket.qty / ticket.iceberg_qty).to_integral_value(ROUND_CEILING) > info.MAX_ICEBERG_PARTS:
        raise errors.filtered("ICEBERG_PARTS")


def market_max(instrument: Instrument) -> Decimal:
    """The largest market order: a tenth of the largest limit order."""
    return (instrument.max_qty or ZERO) / 10


def _check_notional(ticket: Ticket, instrument: Instrument, reference: Decimal | None) -> None:
    price = ticket.price or ticket.stop_price or reference or ZERO
    worth = ticket.quote_qty or ticket.qty * price
    if ticket.price and not worth:
        raise errors.rejected("Price * QTY is zero or less.")
    if worth < instrument.min_notional or (not ticket.is_market and worth > info.MAX_NOTIONAL):
        raise errors.filtered("NOTIONAL")


def _check_delta(ticket: Ticket) -> None:
    if ticket.delta is not None and not info.MIN_DELTA <= ticket.delta <= info.MAX_DELTA:
        raise errors.filtered("TRAILING_DELTA")


def _check_counts(state: State, ticket: Ticket) -> None:
    """How many orders of a kind may be open on one symbol."""
    kinds: list[tuple[str, int, bool, Callable[[Record], bool]]] = [
        ("MAX_NUM_ORDERS", info.MAX_ORDERS, True, lambda _: True),
        ("MAX_NUM_ALGO_ORDERS", info.MAX_ALGO_ORDERS, ticket.is_contingent, lambda r: r.ticket.is_contingent),
        ("MAX_NUM_ICEBERG_ORDERS", info.MAX_ICEBERGS, ticket.iceberg_qty > 0, lambda r: r.ticket.iceberg_qty > 0),
    ]
    for name, most, applies, is_such in kinds:
        if not applies:
            continue
        found = sum(1 for r in state.open.values() if r.symbol == ticket.symbol and is_such(r))
        if found >= most:
            raise errors.filtered(name)


def filters_of(instrument: Instrument) -> list[dict[str, object]]:
    """The filters of a symbol as `exchangeInfo` shows them."""
    tick, lot, most = instrument.ticks[0].tick, instrument.lot, instrument.max_qty or ZERO
    up, down = text(info.PERCENT_UP), text(info.PERCENT_DOWN)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": number(tick), "maxPrice": number(MAX_PRICE), "tickSize": number(tick)},
        {"filterType": "LOT_SIZE", "minQty": number(instrument.min_qty), "maxQty": number(most), "stepSize": number(lot)},
        {"filterType": "ICEBERG_PARTS", "limit": info.MAX_ICEBERG_PARTS},
        {"filterType": "MARKET_LOT_SIZE", "minQty": number(ZERO), "maxQty": number(market_max(instrument)),
         "stepSize": number(ZERO)},
        {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": info.MIN_DELTA, "maxTrailingAboveDelta": info.MAX_DELTA,
         "minTrailingBelowDelta": info.MIN_DELTA, "maxTrailingBelowDelta": info.MAX_DELTA},
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": up, "bidMultiplierDown": down,
         "askMultiplierUp": up, "askMultiplierDown": down, "avgPriceMins": info.AVERAGE_MINUTES},
        {"filterType": "NOTIONAL", "minNotional": number(instrument.min_notional), "applyMinToMarket": True,
         "maxNotional": number(info.MAX_NOTIONAL), "applyMaxToMarket": False, "avgPriceMins": info.AVERAGE_MINUTES},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": info.MAX_ORDERS},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": info.MAX_LISTS},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": info.MAX_ALGO_ORDERS},
        {"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": info.MAX_ICEBERGS},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": info.MAX_AMENDS},
    ]  # fmt: skip


def text(value: Decimal) -> str:
    return f"{value.normalize():f}"


def side_of(word: str) -> Side:
    return Side.BUY if word == "BUY" else Side.SELL
