"""Every path of the API, and who answers it.  A path below an account is answered for that account alone."""

from __future__ import annotations

from collections.abc import Callable

from floorbroker_sim.oanda.rest import account, candles, changes, orders, positions, pricing, trades, transactions
from floorbroker_sim.oanda.rest.answers import Answer

_A = "/v3/accounts/{accountID}"
ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", "/v3/accounts", account.list_accounts),
    ("GET", _A, account.get_account),
    ("GET", f"{_A}/summary", account.get_summary),
    ("GET", f"{_A}/instruments", account.get_instruments),
    ("PATCH", f"{_A}/configuration", account.configure),
    ("GET", f"{_A}/changes", changes.get_changes),
    ("POST", f"{_A}/orders", orders.post_order),
    ("GET", f"{_A}/orders", orders.list_orders),
    ("GET", f"{_A}/pendingOrders", orders.pending_orders),
    ("GET", f"{_A}/orders/{{orderSpecifier}}", orders.get_order),
    ("PUT", f"{_A}/orders/{{orderSpecifier}}", orders.replace_order),
    ("PUT", f"{_A}/orders/{{orderSpecifier}}/cancel", orders.cancel_order),
    ("PUT", f"{_A}/orders/{{orderSpecifier}}/clientExtensions", orders.order_words),
    ("GET", f"{_A}/trades", trades.list_trades),
    ("GET", f"{_A}/openTrades", trades.open_trades),
    ("GET", f"{_A}/trades/{{tradeSpecifier}}", trades.get_trade),
    ("PUT", f"{_A}/trades/{{tradeSpecifier}}/close", trades.close_trade),
    ("PUT", f"{_A}/trades/{{tradeSpecifier}}/clientExtensions", trades.trade_words),
    ("PUT", f"{_A}/trades/{{tradeSpecifier}}/orders", trades.trade_orders),
    ("GET", f"{_A}/positions", positions.list_positions),
    ("GET", f"{_A}/openPositions", positions.open_positions),
    ("GET", f"{_A}/positions/{{instrument}}", positions.get_position),
    ("PUT", f"{_A}/positions/{{instrument}}/close", positions.close_position),
    ("GET", f"{_A}/transactions", transactions.list_pages),
    ("GET", f"{_A}/transactions/idrange", transactions.id_range),
    ("GET", f"{_A}/transactions/sinceid", transactions.since_id),
    ("GET", f"{_A}/transactions/{{transactionID}}", transactions.get_transaction),
    ("GET", f"{_A}/pricing", pricing.get_pricing),
    ("GET", f"{_A}/candles/latest", candles.latest),
    ("GET", f"{_A}/instruments/{{instrument}}/candles", candles.get_candles),
    ("GET", "/v3/instruments/{instrument}/candles", candles.get_candles),
    ("GET", "/v3/instruments/{instrument}/orderBook", pricing.order_book),
    ("GET", "/v3/instruments/{instrument}/positionBook", pricing.position_book),
]
