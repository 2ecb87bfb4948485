"""Reads of orders and executions.  https://bybit-exchange.github.io/docs/v5/order/open-order"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from floorbroker.domain.values import ZERO
from floorbroker_sim.bybit import errors, info
from floorbroker_sim.bybit.mapping import execution_object, order_object
from floorbroker_sim.bybit.rest import money, reading
from floorbroker_sim.bybit.rest.reading import Query
from floorbroker_sim.bybit.rest.records import Executed, Record
from floorbroker_sim.bybit.rest.state import State

_WINDOW = timedelta(days=info.HISTORY_WINDOW_DAYS)
_EMPTY_KEPT = timedelta(hours=info.EMPTY_KEPT_HOURS)


def realtime(state: State, query: Query) -> dict[str, object]:
    """Open orders, or with `openOnly=1` those closed of late; newest first."""
    category = reading.category(query)
    named = any(query.get(name) for name in ("symbol", "baseCoin", "settleCoin", "orderId", "orderLinkId"))
    if category == info.LINEAR and not named:
        raise errors.parameter("Missing some parameters that must be filled in, symbol or settleCoin or baseCoin")
    if query.get("openOnly", "0") not in {"0", "1", "2", ""}:
        raise errors.parameter("params error: openOnly invalid")
    if query.get("openOnly", "0") in {"", "0"}:
        chosen = [record for record in state.open.values() if record.category == category]
    else:
        closed = [record for record in state.orders.values() if not record.is_open and record.category == category]
        chosen = sorted(closed, key=lambda record: record.updated_at)[-info.CLOSED_KEPT :]
    return _orders_page(chosen, query, category)


def history(state: State, query: Query) -> dict[str, object]:
    """Closed orders; those that ended without a fill are forgotten after a day."""
    category = reading.category(query)
    start, end = window(state, query)
    now = state.clock.now()
    chosen = [
        record
        for record in state.orders.values()
        if record.category == category
        and not record.is_open
        and start <= record.created_at <= end
        and (record.cum_qty or now - record.updated_at <= _EMPTY_KEPT)
        and query.get("orderStatus", "") in {"", record.status}
    ]
    return _orders_page(chosen, query, category)


def _orders_page(chosen: Iterable[Record], query: Query, category: str) -> dict[str, object]:
    found = sorted((r for r in chosen if _is_asked(r, query)), key=lambda record: record.number, reverse=True)
    items, cursor = reading.page(
        found, query, default=info.ORDERS_DEFAULT, most=info.ORDERS_MAX, key=lambda record: record.id
    )
    return {"category": category, "list": [order_object(record) for record in items], "nextPageCursor": cursor}


def _is_asked(record: Record, query: Query) -> bool:
    """Of several names the order's id goes before the client's, then the symbol, then the coins."""
    if order_id := query.get("orderId"):
        return record.id == order_id
    if link_id := query.get("orderLinkId"):
        return record.link_id == link_id
    if (wanted := query.get("orderFilter")) and record.order_filter != wanted:
        return False
    if symbol := query.get("symbol"):
        return record.symbol == symbol
    if base := query.get("baseCoin"):
        return record.product.base == base
    return query.get("settleCoin", "") in {"", record.product.quote}


def window(state: State, query: Query) -> tuple[datetime, datetime]:
    """What times are asked for: seven days at most, the last ones where nothing is said."""
    start, end = reading.moment(query, "startTime"), reading.moment(query, "endTime")
    now = state.clock.now() + timedelta(seconds=1)
    if start is None and end is None:
        return now - _WINDOW, now
    if start is None:
        assert end is not None
        return end - _WINDOW, end
    end = start + _WINDOW if end is None else end
    if not timedelta() <= end - start <= _WINDOW:
        raise errors.parameter("The time range between startTime and endTime cannot exceed 7 days")
    return start, end


def executions(state: State, query: Query) -> dict[str, object]:
    """What was executed, latest first."""
    category = reading.category(query)
    start, end = window(state, query)
    found = [
        e for e in state.executions if e.order.category == category and start <= e.at <= end and _is_meant(e, query)
    ]
    found.reverse()
    items, cursor = reading.page(
        found, query, default=info.EXECUTIONS_DEFAULT, most=info.EXECUTIONS_MAX, key=lambda executed: executed.exec_id
    )
    return {"category": category, "list": [execution_object(executed) for executed in items], "nextPageCursor": cursor}


def _is_meant(executed: Executed, query: Query) -> bool:
    if query.get("execType", "Trade") not in {"", "Trade"}:
        return False
    narrowed = {name: value for name, value in query.items() if name != "orderFilter"}
    return _is_asked(executed.order, narrowed)


def borrow_check(state: State, query: Query) -> dict[str, object]:
    """What a spot order may be for at most: nothing is ever borrowed."""
    product = reading.product(query.get("category", ""), query.get("symbol", ""))
    if product.category != info.SPOT or query.get("side") not in {"Buy", "Sell"}:
        raise errors.parameter("params error: spot with a side is needed")
    coin = product.quote if query["side"] == "Buy" else product.base
    free, price = max(money.spendable(state, coin), ZERO), state.mark(product)
    qty, amount = (free, free * price) if query["side"] == "Sell" else (free / price if price else ZERO, free)
    shown_qty, shown_amount = money.rounded(qty, 8), money.rounded(amount, 8)
    return {
        "symbol": product.symbol, "side": query["side"], "maxTradeQty": shown_qty, "maxTradeAmount": shown_amount,
        "spotMaxTradeQty": shown_qty, "spotMaxTradeAmount": shown_amount, "borrowCoin": coin,
    }  # fmt: skip
