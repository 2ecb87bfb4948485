"""Every path of REST, and who answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from floorbroker_sim.bybit import auth, errors, info
from floorbroker_sim.bybit.errors import envelope
from floorbroker_sim.bybit.limits import Counter
from floorbroker_sim.bybit.mapping import ms
from floorbroker_sim.bybit.rest import account, assets, commands, market, orders, positions, reading
from floorbroker_sim.bybit.rest.reading import Query
from floorbroker_sim.bybit.rest.state import State
from floorbroker_sim.http import Reply, Request, json_reply

Read = Callable[[State, Query], dict[str, object]]
_JSON = "application/json; charset=utf-8"


def _klines(state: State, query: Query) -> dict[str, object]:
    product, rows = market.kline_list(state, query, state.bars)
    return {"category": product.category, "symbol": product.symbol, "list": rows}


def _price_klines(state: State, query: Query) -> dict[str, object]:
    """Bars of a price that is not traded: without volume and turnover."""
    product, rows = market.kline_list(state, query, state.bars)
    if product.category == info.SPOT:
        raise errors.parameter("params error: Illegal category")
    return {"category": product.category, "symbol": product.symbol, "list": [row[:5] for row in rows]}


def _index_klines(state: State, query: Query) -> dict[str, object]:
    """The index is the pair's price."""
    product = reading.product(query.get("category") or info.LINEAR, query.get("symbol", ""))
    _, rows = market.kline_list(state, {**query, "category": info.SPOT}, state.bars)
    return {"category": product.category, "symbol": product.symbol, "list": [row[:5] for row in rows]}


PUBLIC: Mapping[str, Read] = {
    "/v5/market/time": market.server_time,
    "/v5/market/instruments-info": market.instruments,
    "/v5/market/tickers": market.tickers,
    "/v5/market/orderbook": market.orderbook,
    "/v5/market/kline": _klines,
    "/v5/market/mark-price-kline": _price_klines,
    "/v5/market/index-price-kline": _index_klines,
    "/v5/market/recent-trade": market.recent_trades,
    "/v5/market/funding/history": market.funding_history,
    "/v5/market/risk-limit": market.risk_limit,
    "/v5/market/price-limit": market.price_limit,
}
SIGNED: Mapping[str, Read] = {
    "/v5/order/realtime": orders.realtime,
    "/v5/order/history": orders.history,
    "/v5/order/spot-borrow-check": orders.borrow_check,
    "/v5/execution/list": orders.executions,
    "/v5/position/list": positions.list_positions,
    "/v5/position/closed-pnl": positions.closed_pnl,
    "/v5/account/wallet-balance": account.wallet_balance,
    "/v5/account/info": account.account_info,
    "/v5/account/fee-rate": account.fee_rate,
    "/v5/account/transaction-log": account.transaction_log,
    "/v5/user/query-api": account.query_api,
    "/v5/asset/coin/query-info": assets.coin_info,
    "/v5/asset/transfer/query-account-coins-balance": assets.all_balances,
    "/v5/asset/transfer/query-account-coin-balance": assets.one_balance,
}


def answer(state: State, counter: Counter, request: Request) -> Reply:
    """One request from the door to the envelope."""
    if counter.is_flood():
        return errors.flooded()
    path = request.path.rstrip("/")
    if path in PUBLIC or path in SIGNED:
        return _read(state, counter, request, path)
    if path in commands.PATHS:
        return _command(state, counter, request, path)
    return errors.plain(404, "path not found")


def _read(state: State, counter: Counter, request: Request, path: str) -> Reply:
    if request.method != "GET":
        return errors.plain(400, "bad method")
    if request.body:
        return errors.plain(403, "a GET request has no body")
    if path in PUBLIC:
        return _told(state, PUBLIC[path], request.query, {})
    if (reply := _stranger(state, request)) is not None:
        return reply
    passed, headers = counter.take(path, request.query.get("category", ""))
    if not passed:
        return errors.refusal(errors.too_many(), at=state.clock.now(), headers=headers)
    return _told(state, SIGNED[path], request.query, headers)


def _told(state: State, read: Read, query: Query, headers: Mapping[str, str]) -> Reply:
    try:
        result = read(state, query)
    except errors.Refused as refused:
        return errors.refusal(refused, at=state.clock.now(), headers=headers)
    body = json_reply(envelope(result, at=state.clock.now())).body
    return Reply(status=200, body=body, headers=headers, content_type=_JSON)


def _stranger(state: State, request: Request) -> Reply | None:
    """Who does not say who he is, is turned away without JSON; who says it wrongly, with a code."""
    if not all(request.headers.get(name) for name in ("x-bapi-api-key", "x-bapi-timestamp", "x-bapi-sign")):
        return errors.plain(401)
    now = state.clock.now()
    try:
        auth.check_request(request, state.keys, now_ms=ms(now))
    except errors.Refused as refused:
        return errors.refusal(refused, at=now)
    return None


def _command(state: State, counter: Counter, request: Request, path: str) -> Reply:
    if request.method != "POST":
        return errors.plain(400, "bad method")
    if (reply := _stranger(state, request)) is not None:
        return reply
    if state.keys.read_only:
        return errors.refusal(errors.no_permission(), at=state.clock.now())
    done = commands.run(state, counter, path, request.body)
    told = envelope(done.result, at=state.clock.now(), code=done.code, message=done.message, extra=done.extra)
    return Reply(status=200, body=json_reply(told).body, headers=done.headers, content_type=_JSON)
