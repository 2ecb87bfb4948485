"""Positions of contracts: list, leverage, mode, exits, and what closing brought.  https://bybit-exchange.github.io/docs/v5/position"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.values import is_multiple, text_of
from floorbroker_sim.bybit import errors, info, wire
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.mapping import WORD, ms_text, qty_text, rounded
from floorbroker_sim.bybit.rest import checks, money, orders, reading, stops
from floorbroker_sim.bybit.rest.holdings import HEDGE, ONE_WAY, Position
from floorbroker_sim.bybit.rest.reading import Query
from floorbroker_sim.bybit.rest.records import ClosedPnl, Exit
from floorbroker_sim.bybit.rest.state import State


def list_positions(state: State, query: Query) -> dict[str, object]:
    """One symbol with its flat positions, or all that are open in a settle coin."""
    category = reading.category(query)
    if category == info.SPOT:
        raise errors.parameter("params error: Illegal category")
    if symbol := query.get("symbol"):
        found = state.holdings.all_of(reading.product(category, symbol))
    elif coin := query.get("settleCoin"):
        found = [position for position in state.holdings.open() if position.product.quote == coin]
    elif category == info.LINEAR:
        raise errors.parameter("Missing some parameters that must be filled in, symbol or settleCoin")
    else:
        found = []
    found = [position for position in found if position.product.category == category]
    items, cursor = reading.page(
        found,
        query,
        default=info.POSITIONS_DEFAULT,
        most=info.POSITIONS_MAX,
        key=lambda p: f"{p.product.symbol},{p.idx}",
    )
    shown = [money.position_object(state, position) for position in items]
    return {"category": category, "list": shown, "nextPageCursor": cursor}


def _contract(category: str, symbol: str) -> Product:
    if category == info.SPOT:
        raise errors.parameter("params error: Illegal category")
    return reading.product(category, symbol)


def set_leverage(state: State, wish: wire.SetLeverage) -> dict[str, object]:
    product = _contract(wish.category, wish.symbol)
    buy, sell = reading.amount(wish.buy_leverage, "buyLeverage"), reading.amount(wish.sell_leverage, "sellLeverage")
    if buy is None or buy != sell:
        raise errors.parameter("buy leverage not equal sell leverage")
    if not 1 <= buy <= product.max_leverage or not is_multiple(buy, Decimal("0.01")):
        raise errors.Refused(
            110013, f"cannot set leverage gt maxLeverage {text_of(product.max_leverage)} by risk limit"
        )
    if buy == state.holdings.leverage(product):
        raise errors.Refused(110043, "leverage not modified")
    before = state.holdings.leverage(product)
    state.holdings.set_leverage(product, buy)
    if money.available(state) < 0:
        state.holdings.set_leverage(product, before)
        raise errors.too_poor(product.category)
    _tell(state, state.holdings.all_of(product))
    return {}


def switch_mode(state: State, wish: wire.SwitchMode) -> dict[str, object]:
    """One-way or hedge, for a contract or for all of a coin, while nothing is open there."""
    if wish.mode not in {ONE_WAY, HEDGE} or not (wish.symbol or wish.coin):
        raise errors.parameter("params error: mode with a symbol or a coin is needed")
    if wish.symbol:
        chosen = [_contract(wish.category, wish.symbol)]
    else:
        category = reading.known_category(wish.category)
        chosen = [p for p in info.PRODUCTS if p.category == category != info.SPOT and p.quote == wish.coin]
    if not chosen or all(state.holdings.mode(product) == wish.mode for product in chosen):
        raise errors.Refused(110025, "Position mode is not modified")
    for product in chosen:
        if any(position.size for position in state.holdings.all_of(product)):
            raise errors.Refused(110024, "There is a position, the mode cannot be switched")
        if state.open_on(product):
            raise errors.Refused(110028, "There are open orders, the mode cannot be switched")
    for product in chosen:
        state.holdings.set_mode(product, wish.mode)
    return {}


def _tell(state: State, positions: list[Position]) -> None:
    state.begin()
    for position in positions:
        state.moved(position)
    state.end()


# --- Exits -----------------------------------------------------------------------------------------------------------


def trading_stop(state: State, wish: wire.TradingStop) -> dict[str, object]:
    """Exits and trails of an open position."""
    product = _contract(wish.category, wish.symbol)
    idx = wish.position_idx or 0
    if idx not in state.holdings.indexes(product):
        raise errors.parameter("position idx not match position mode")
    position = state.holdings.at(product, idx)
    if position.side is None:
        raise errors.parameter("can not set tp/sl/ts for zero position")
    if (wish.tpsl_mode or "Full") not in {"Full", "Partial"}:
        raise errors.parameter("params error: tpslMode invalid")
    state.begin()
    try:
        changed = _partial(state, position, wish) if wish.tpsl_mode == "Partial" else _whole(state, position, wish)
        changed = _trail(state, position, wish) or changed
        state.moved(position)
    finally:
        state.end()
    if not changed:
        raise errors.Refused(34040, "not modified")
    return {}


def _legs(state: State, position: Position, wish: wire.TradingStop) -> tuple[Exit | None, Exit | None]:
    assert position.side is not None
    profit, loss = checks.legs(position.product, wish)
    checks.check_sides(position.side, state.mark(position.product), profit, loss)
    return profit, loss


def _whole(state: State, position: Position, wish: wire.TradingStop) -> bool:
    profit, loss = _legs(state, position, wish)
    if any(leg is not None and leg.limit is not None for leg in (profit, loss)):
        raise errors.parameter("params error: limit exits need tpslMode Partial")
    changed = False
    for kind, text, leg, now in (
        ("TakeProfit", wish.take_profit, profit, position.stop.take_profit),
        ("StopLoss", wish.stop_loss, loss, position.stop.stop_loss),
    ):
        if text and (None if leg is None else leg.price) != now:
            stops.set_whole(state, position, kind, leg)
            changed = True
    return changed


def _partial(state: State, position: Position, wish: wire.TradingStop) -> bool:
    profit, loss = _legs(state, position, wish)
    wanted = (
        ("PartialTakeProfit", profit, reading.amount(wish.tp_size, "tpSize")),
        ("PartialStopLoss", loss, reading.amount(wish.sl_size, "slSize")),
    )
    sizes = [size for _, leg, size in wanted if leg is not None]
    if len(sizes) == 2 and sizes[0] != sizes[1]:
        raise errors.parameter("params error: tpSize and slSize differ")
    for size in sizes:
        if size is None or not size or size > abs(position.size) or not is_multiple(size, position.product.step):
            raise errors.parameter("params error: tpSize or slSize invalid")
    made = [stops.add_partial(state, position, kind, leg, size) for kind, leg, size in wanted if leg and size]
    stops.pair(made)
    return bool(made)


def _trail(state: State, position: Position, wish: wire.TradingStop) -> bool:
    distance = reading.amount(wish.trailing_stop, "trailingStop")
    if distance is None:
        return False
    active = reading.amount(wish.active_price, "activePrice") or None
    for value in (distance, active or Decimal(0)):
        if not is_multiple(value, position.product.tick):
            raise errors.price_off_tick(position.product.category)
    if (distance or None, active) == (position.stop.trailing, position.stop.active):
        return False
    stops.set_trail(state, position, distance or None, active)
    return True


# --- What closing brought --------------------------------------------------------------------------------------------


def closed_pnl(state: State, query: Query) -> dict[str, object]:
    category = reading.category(query)
    start, end = orders.window(state, query)
    found = [
        closed
        for closed in reversed(state.closed)
        if category == info.LINEAR
        and start <= closed.executed.at <= end
        and query.get("symbol", "") in {"", closed.executed.order.symbol}
    ]
    items, cursor = reading.page(
        found, query, default=info.EXECUTIONS_DEFAULT, most=info.EXECUTIONS_MAX, key=lambda closed: str(closed.number)
    )
    return {"category": category, "list": [_closed_object(closed) for closed in items], "nextPageCursor": cursor}


def _closed_object(closed: ClosedPnl) -> dict[str, str]:
    executed, order = closed.executed, closed.executed.order
    return {
        "symbol": order.symbol, "orderType": order.order_type, "leverage": text_of(closed.leverage),
        "updatedTime": ms_text(executed.at), "side": WORD[order.side], "orderId": order.id,
        "closedPnl": rounded(closed.pnl, 8), "openFee": rounded(closed.open_fee, 8), "closeFee": rounded(closed.close_fee, 8),
        "avgEntryPrice": rounded(closed.entry_value / executed.closed, 8), "qty": qty_text(order.product, executed.qty),
        "cumEntryValue": rounded(closed.entry_value, 8), "createdTime": ms_text(executed.at),
        "orderPrice": text_of(order.price or Decimal(0)), "closedSize": qty_text(order.product, executed.closed),
        "avgExitPrice": text_of(executed.price), "execType": "Trade", "fillCount": "1",
        "cumExitValue": rounded(closed.exit_value, 8),
    }  # fmt: skip
