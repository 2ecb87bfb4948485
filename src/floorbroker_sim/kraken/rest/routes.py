"""Every method of the REST API, who answers it, and which permission of a key it needs.

https://docs.kraken.com/exchange/guides/rest/api-keys
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from floorbroker_sim.kraken import auth
from floorbroker_sim.kraken.rest import account, cancels, changes, entry, public
from floorbroker_sim.kraken.rest.reading import Params
from floorbroker_sim.kraken.rest.state import State

Answer = Callable[[State, Params], object]

PUBLIC: Mapping[str, Answer] = {
    "Time": public.time,
    "SystemStatus": public.system_status,
    "Assets": public.assets,
    "AssetPairs": public.asset_pairs,
    "Ticker": public.ticker,
    "OHLC": public.ohlc,
    "Depth": public.depth,
    "Trades": public.trades,
    "Spread": public.spread,
}
PRIVATE: Mapping[str, Answer] = {
    "Balance": account.balance,
    "BalanceEx": account.balance_ex,
    "TradeBalance": account.trade_balance,
    "OpenOrders": account.open_orders,
    "ClosedOrders": account.closed_orders,
    "QueryOrders": account.query_orders,
    "OrderAmends": account.order_amends,
    "TradesHistory": account.trades_history,
    "QueryTrades": account.query_trades,
    "OpenPositions": account.open_positions,
    "Ledgers": account.ledgers,
    "QueryLedgers": account.query_ledgers,
    "TradeVolume": account.trade_volume,
    "AddOrder": entry.add_order,
    "AddOrderBatch": entry.add_batch,
    "AmendOrder": changes.amend_order,
    "EditOrder": changes.edit_order,
    "CancelOrder": cancels.cancel_order,
    "CancelOrderBatch": cancels.cancel_batch,
    "CancelAll": cancels.cancel_all,
    "CancelAllOrdersAfter": cancels.dead_man,
    "GetWebSocketsToken": account.socket_token,
}

_FUNDS, _ORDERS = frozenset({auth.QUERY_FUNDS}), frozenset({auth.QUERY_OPEN, auth.QUERY_CLOSED})
_MODIFY, _CANCEL = frozenset({auth.MODIFY}), frozenset({auth.CANCEL})
_LEDGERS = frozenset({auth.QUERY_LEDGERS})

# One of these is enough; a method without a line needs none.
NEEDS: Mapping[str, frozenset[str]] = {
    "Balance": _FUNDS, "BalanceEx": _FUNDS, "TradeBalance": _FUNDS, "TradeVolume": _FUNDS,
    "OpenOrders": frozenset({auth.QUERY_OPEN}), "ClosedOrders": frozenset({auth.QUERY_CLOSED}), "QueryOrders": _ORDERS,
    "OrderAmends": _ORDERS, "TradesHistory": _ORDERS, "QueryTrades": _ORDERS,
    "OpenPositions": frozenset({auth.QUERY_OPEN}), "Ledgers": _LEDGERS, "QueryLedgers": _LEDGERS, "AddOrder": _MODIFY,
    "AddOrderBatch": _MODIFY, "AmendOrder": _MODIFY | _CANCEL, "EditOrder": _MODIFY, "CancelOrder": _CANCEL,
    "CancelOrderBatch": _CANCEL, "CancelAll": _CANCEL, "CancelAllOrdersAfter": _CANCEL,
    "GetWebSocketsToken": frozenset({auth.SOCKETS}),
}  # fmt: skip
# And this one as well.
NEEDS_TOO: Mapping[str, str] = {"EditOrder": auth.CANCEL}
