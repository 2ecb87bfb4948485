"""Every operation: its REST path, its WebSocket method, who may call it, what it weighs, which parameters it reads.

https://developers.binance.com/docs/binance-spot-api-docs
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from floorbroker_sim.binance.rest import account, entry, lists, orders, public
from floorbroker_sim.binance.rest.desk import Desk
from floorbroker_sim.binance.rest.reading import Params

Handler = Callable[[Desk, Params], Any]
Weight = int | Callable[[Params], int]

_NONE: frozenset[str] = frozenset()
SIGNED = frozenset({"timestamp", "recvWindow", "signature"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked for.  `socket` lists its WebSocket methods; `places` how many orders it places."""

    handler: Handler
    rest: tuple[tuple[str, str], ...] = ()
    socket: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    weight: Weight = 1
    signed: bool = False
    is_command: bool = False
    is_trade: bool = False  # asks for a key that may trade
    is_free: bool = True  # a command that succeeds weighs nothing
    places: bool = False

    def weighs(self, params: Params) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def _leg(prefix: str, *, qty: bool = False, side: bool = False) -> list[str]:
    members = [
        "Type", "ClientOrderId", "IcebergQty", "Price", "StopPrice", "TrailingDelta", "TimeInForce", "StrategyId",
        "StrategyType", "PegPriceType", "PegOffsetType", "PegOffsetValue",
    ]  # fmt: skip
    members += ["Quantity"] if qty else []
    return [prefix + member for member in members + (["Side"] if side else [])]


_ORDER = (
    "symbol", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "newClientOrderId", "strategyId",
    "strategyType", "stopPrice", "trailingDelta", "icebergQty", "newOrderRespType", "selfTradePreventionMode",
    "pegPriceType", "pegOffsetType", "pegOffsetValue",
)  # fmt: skip
_LIST = ("symbol", "listClientOrderId", "newOrderRespType", "selfTradePreventionMode")
_CANCEL_REPLACE = (
    *_ORDER, "cancelReplaceMode", "cancelNewClientOrderId", "cancelOrigClientOrderId", "cancelOrderId",
    "cancelRestrictions", "orderRateLimitExceededMode",
)  # fmt: skip
_OLD_OCO = (
    *_LIST, "side", "quantity", "limitClientOrderId", "price", "limitStrategyId", "limitStrategyType", "limitIcebergQty",
    "trailingDelta", "stopClientOrderId", "stopPrice", "stopStrategyId", "stopStrategyType", "stopLimitPrice",
    "stopIcebergQty", "stopLimitTimeInForce",
)  # fmt: skip
_SPAN = ("startTime", "endTime", "limit")


def _by_symbols(one: int, many: int, everything: int) -> Weight:
    def weigh(params: Params) -> int:
        return one if params.has("symbol") else many if params.has("symbols") else everything

    return weigh


def _per_symbol(params: Params) -> int:
    """Four for each symbol, two hundred at most."""
    return min(200, 4 * (params.values.get("symbols", "").count(",") + 1))


def _test_weight(params: Params) -> int:
    return 20 if params.values.get("computeCommissionRates", "").lower() == "true" else 1


def _depth_weight(params: Params) -> int:
    limit = params.values.get("limit", "100")
    count = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 9 else 100
    return 5 if count <= 100 else 25 if count <= 500 else 50 if count <= 1000 else 250


def _op(
    handler: Handler, rest: str, socket: str, names: Iterable[str] = (), *, weight: Weight = 1, **flags: bool
) -> Operation:
    """`rest` and `socket` list their spellings with commas."""
    known = frozenset(names) | (SIGNED if flags.get("signed") else _NONE)
    paths = tuple((line.split()[0], line.split()[1]) for line in rest.split(",") if line)
    return Operation(
        handler=handler, rest=paths, socket=tuple(name for name in socket.split(",") if name), names=known, weight=weight,
        **flags,
    )  # fmt: skip


_SEEN = {"signed": True}
_SENT = {"signed": True, "is_trade": True, "is_command": True}
_TRIED = {"signed": True, "is_trade": True}
_PLACED = {"signed": True, "is_trade": True, "is_command": True, "places": True}
_V3 = "/api/v3"

OPERATIONS: tuple[Operation, ...] = (
    _op(public.ping, f"GET {_V3}/ping", "ping"),
    _op(public.server_time, f"GET {_V3}/time", "time"),
    _op(public.exchange_info, f"GET {_V3}/exchangeInfo", "exchangeInfo",
        ("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"), weight=20),
    _op(public.execution_rules, f"GET {_V3}/executionRules", "executionRules", ("symbol", "symbols", "symbolStatus"),
        weight=_by_symbols(2, 2, 40)),
    _op(public.reference_price, f"GET {_V3}/referencePrice,GET {_V3}/referencePrice/calculation",
        "referencePrice,referencePrice.calculation", ("symbol", "symbolStatus"), weight=2),
    _op(public.depth, f"GET {_V3}/depth", "depth", ("symbol", "limit", "symbolStatus"), weight=_depth_weight),
    _op(public.trades, f"GET {_V3}/trades", "trades.recent", ("symbol", "limit"), weight=25),
    _op(public.historical_trades, f"GET {_V3}/historicalTrades", "trades.historical", ("symbol", "limit", "fromId"),
        weight=25),
    _op(public.block_trades, f"GET {_V3}/historicalBlockTrades", "blockTrades.historical", ("symbol", "limit", "fromId"),
        weight=25),
    _op(public.agg_trades, f"GET {_V3}/aggTrades", "trades.aggregate", ("symbol", "fromId", *_SPAN), weight=4),
    _op(public.klines, f"GET {_V3}/klines,GET {_V3}/uiKlines", "klines,uiKlines", ("symbol", "interval", "timeZone", *_SPAN),
        weight=2),
    _op(public.average, f"GET {_V3}/avgPrice", "avgPrice", ("symbol",), weight=2),
    _op(public.day_ticker, f"GET {_V3}/ticker/24hr", "ticker.24hr", ("symbol", "symbols", "type", "symbolStatus"),
        weight=_by_symbols(2, 2, 80)),
    _op(public.trading_day, f"GET {_V3}/ticker/tradingDay", "ticker.tradingDay",
        ("symbol", "symbols", "type", "timeZone", "symbolStatus"), weight=_per_symbol),
    _op(public.price_ticker, f"GET {_V3}/ticker/price", "ticker.price", ("symbol", "symbols", "symbolStatus"),
        weight=_by_symbols(2, 4, 4)),
    _op(public.book_ticker, f"GET {_V3}/ticker/bookTicker", "ticker.book", ("symbol", "symbols", "symbolStatus"),
        weight=_by_symbols(2, 4, 4)),
    _op(public.window_ticker, f"GET {_V3}/ticker", "ticker",
        ("symbol", "symbols", "windowSize", "type", "symbolStatus"), weight=_per_symbol),
    _op(entry.place, f"POST {_V3}/order", "order.place", _ORDER, **_PLACED),
    _op(entry.test, f"POST {_V3}/order/test", "order.test", (*_ORDER, "computeCommissionRates"),
        weight=_test_weight, **_TRIED),
    _op(orders.get_order, f"GET {_V3}/order", "order.status", ("symbol", "orderId", "origClientOrderId"), weight=4, **_SEEN),
    _op(orders.cancel_order, f"DELETE {_V3}/order", "order.cancel",
        ("symbol", "orderId", "origClientOrderId", "newClientOrderId", "cancelRestrictions"), **_SENT),
    _op(orders.cancel_all, f"DELETE {_V3}/openOrders", "openOrders.cancelAll", ("symbol",), **_SENT),
    _op(orders.open_orders, f"GET {_V3}/openOrders", "openOrders.status", ("symbol",), weight=_by_symbols(6, 6, 80), **_SEEN),
    _op(orders.all_orders, f"GET {_V3}/allOrders", "allOrders", ("symbol", "orderId", *_SPAN), weight=20, **_SEEN),
    _op(orders.cancel_replace, f"POST {_V3}/order/cancelReplace", "order.cancelReplace", _CANCEL_REPLACE, **_PLACED),
    _op(orders.amend, f"PUT {_V3}/order/amend/keepPriority", "order.amend.keepPriority",
        ("symbol", "orderId", "origClientOrderId", "newClientOrderId", "newQty"), weight=4, is_free=False, **_SENT),
    _op(orders.amendments, f"GET {_V3}/order/amendments", "order.amendments",
        ("symbol", "orderId", "fromExecutionId", "limit"), weight=4, **_SEEN),
    _op(lists.place_old_oco, f"POST {_V3}/order/oco", "orderList.place", _OLD_OCO, **_PLACED),
    _op(lists.place_oco, f"POST {_V3}/orderList/oco", "orderList.place.oco",
        (*_LIST, "side", "quantity", *_leg("above"), *_leg("below")), **_PLACED),
    _op(lists.place_oto, f"POST {_V3}/orderList/oto", "orderList.place.oto",
        (*_LIST, *_leg("working", qty=True, side=True), *_leg("pending", qty=True, side=True)), **_PLACED),
    _op(lists.place_otoco, f"POST {_V3}/orderList/otoco", "orderList.place.otoco",
        (*_LIST, *_leg("working", qty=True, side=True), "pendingSide", "pendingQuantity", *_leg("pendingAbove"),
         *_leg("pendingBelow")), **_PLACED),
    _op(lists.cancel_list, f"DELETE {_V3}/orderList", "orderList.cancel",
        ("symbol", "orderListId", "listClientOrderId", "newClientOrderId"), **_SENT),
    _op(lists.get_list, f"GET {_V3}/orderList", "orderList.status", ("orderListId", "origClientOrderId"), weight=4, **_SEEN),
    _op(lists.all_lists, f"GET {_V3}/allOrderList", "allOrderLists", ("fromId", *_SPAN), weight=20, **_SEEN),
    _op(lists.open_lists, f"GET {_V3}/openOrderList", "openOrderLists.status", (), weight=6, **_SEEN),
    _op(account.account, f"GET {_V3}/account", "account.status", ("omitZeroBalances",), weight=20, **_SEEN),
    _op(account.my_trades, f"GET {_V3}/myTrades", "myTrades", ("symbol", "orderId", "fromId", *_SPAN),
        weight=lambda params: 5 if params.has("orderId") else 20, **_SEEN),
    _op(account.order_limits, f"GET {_V3}/rateLimit/order", "account.rateLimits.orders", (), weight=40, **_SEEN),
    _op(account.prevented_matches, f"GET {_V3}/myPreventedMatches", "myPreventedMatches",
        ("symbol", "preventedMatchId", "orderId", "fromPreventedMatchId", "limit"),
        weight=lambda params: 20 if params.has("orderId") else 2, **_SEEN),
    _op(account.allocations, f"GET {_V3}/myAllocations", "myAllocations",
        ("symbol", "fromAllocationId", "orderId", *_SPAN), weight=20, **_SEEN),
    _op(account.commission, f"GET {_V3}/account/commission", "account.commission", ("symbol",), weight=20, **_SEEN),
    _op(account.my_filters, f"GET {_V3}/myFilters", "myFilters", ("symbol",), weight=40, **_SEEN),
    _op(account.system_status, "GET /sapi/v1/system/status", ""),
    _op(account.trade_fee, "GET /sapi/v1/asset/tradeFee", "", ("symbol",), **_SEEN),
)  # fmt: skip

# The client's own id of an order or list, for the request log.
CLIENT_IDS = (
    "newClientOrderId",
    "listClientOrderId",
    "workingClientOrderId",
    "aboveClientOrderId",
    "limitClientOrderId",
)
RESTRICTIONS = "/sapi/v1/account/apiRestrictions"  # answered by key, not by account

BY_PATH = {spelling: operation for operation in OPERATIONS for spelling in operation.rest}
BY_METHOD = {name: operation for operation in OPERATIONS for name in operation.socket}
PATHS = frozenset(path for _, path in BY_PATH)
