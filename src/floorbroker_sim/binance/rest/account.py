"""The account: balances, commission rates, limits, permissions, own trades.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from floorbroker.domain.values import ZERO
from floorbroker_sim.binance import errors, wire
from floorbroker_sim.binance.auth import Key
from floorbroker_sim.binance.mapping import outside, own_trade
from floorbroker_sim.binance.rest.checks import filters_of
from floorbroker_sim.binance.rest.desk import Desk
from floorbroker_sim.binance.rest.reading import Params
from floorbroker_sim.binance.wire import Instant, number

T = TypeVar("T")
_DAY = timedelta(hours=24)
_MOST = 1000


def account(desk: Desk, params: Params) -> dict[str, object]:
    """`GET /api/v3/account`, `account.status`."""
    state = desk.state
    rate, held = state.settings.commission, state.locked()
    lean = params.flag("omitZeroBalances")
    points = int(rate * 10_000)
    return {
        "makerCommission": points, "takerCommission": points, "buyerCommission": 0, "sellerCommission": 0,
        "commissionRates": {"maker": number(rate), "taker": number(rate), "buyer": number(ZERO), "seller": number(ZERO)},
        "canTrade": True, "canWithdraw": True, "canDeposit": True, "brokered": False,
        "requireSelfTradePrevention": False, "preventSor": False, "updateTime": Instant(state.updated_at),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": number(total - held.get(asset, ZERO)), "locked": number(held.get(asset, ZERO))}
            for asset, total in state.balances.totals.items()
            if total or not lean
        ],
        "permissions": ["SPOT"], "uid": state.uid,
    }  # fmt: skip


def rates_of(desk: Desk) -> dict[str, Any]:
    """The commission rates of every symbol; there is no discount and no tax."""
    rate = number(desk.state.settings.commission)
    none = {"maker": number(ZERO), "taker": number(ZERO), "buyer": number(ZERO), "seller": number(ZERO)}
    return {
        "standardCommission": none | {"maker": rate, "taker": rate},
        "specialCommission": none,
        "taxCommission": none,
        "discount": {
            "enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": "0.75000000",
        },
    }  # fmt: skip


def commission(desk: Desk, params: Params) -> dict[str, object]:
    """`GET /api/v3/account/commission`, `account.commission`."""
    symbol = desk.state.canonical(params.symbol())
    return {"symbol": outside(symbol), **rates_of(desk)}


def order_limits(desk: Desk, _params: Params) -> list[dict[str, object]]:
    """`GET /api/v3/rateLimit/order`, `account.rateLimits.orders`."""
    return desk.state.meter.order_limits()


def my_filters(desk: Desk, params: Params) -> dict[str, object]:
    """`GET /api/v3/myFilters`, `myFilters`."""
    symbol = desk.state.canonical(params.symbol())
    return {"exchangeFilters": [], "symbolFilters": filters_of(desk.state.instrument(symbol)), "assetFilters": []}


def my_trades(desk: Desk, params: Params) -> list[wire.OwnTrade]:
    """`GET /api/v3/myTrades`, `myTrades`."""
    symbol = desk.state.canonical(params.symbol())
    order_id, from_id = params.integer("orderId"), params.integer("fromId")
    start, end = span(params, whole=_DAY)
    if from_id is not None and (start is not None or end is not None):
        raise errors.bad_combination()
    found = [fill for fill in desk.state.trades if fill.symbol == symbol and order_id in {None, fill.order_id}]
    if from_id is not None:
        found = [fill for fill in found if fill.trade_id >= from_id]
    found = [fill for fill in found if within(fill.at, start, end)]
    oldest_first = from_id is not None or start is not None
    return [own_trade(fill) for fill in page(found, params, oldest_first=oldest_first)]


def span(params: Params, *, whole: timedelta | None = None) -> tuple[datetime | None, datetime | None]:
    """Start and end of a question.  Raises `Refused` when they lie further apart than `whole`."""
    start, end = params.moment("startTime"), params.moment("endTime")
    if start is not None and end is not None:
        if end < start:
            raise errors.not_valid("endTime")
        if whole is not None and end - start > whole:
            raise errors.bad(-1127, "More than 24 hours between startTime and endTime.")
    return start, end


def within(at: datetime, start: datetime | None, end: datetime | None) -> bool:
    """Whether a moment, told in whole milliseconds, lies in a span."""
    told = at.replace(microsecond=at.microsecond // 1000 * 1000)
    return (start is None or told >= start) and (end is None or told <= end)


def page(found: list[T], params: Params, *, oldest_first: bool) -> list[T]:
    """The first or the last lines, in order of time either way."""
    most = params.limit(default=500, most=_MOST)
    return found[:most] if oldest_first else found[-most:]


def prevented_matches(desk: Desk, params: Params) -> list[dict[str, object]]:
    """`GET /api/v3/myPreventedMatches`, `myPreventedMatches`."""
    symbol = desk.state.canonical(params.symbol())
    match_id, order_id = params.integer("preventedMatchId"), params.integer("orderId")
    first = params.integer("fromPreventedMatchId")
    if match_id is None and order_id is None:
        raise errors.missing_both("preventedMatchId", "orderId")
    found = [
        match
        for match in desk.state.prevented
        if match.symbol == symbol
        and match_id in {None, match.id}
        and (order_id is None or order_id in {match.taker, match.maker})
        and (first is None or match.id >= first)
    ]
    lines: list[dict[str, object]] = []
    for match in page(found, params, oldest_first=True):
        line: dict[str, object] = {
            "symbol": outside(symbol), "preventedMatchId": match.id, "takerOrderId": match.taker, "makerSymbol": outside(symbol),
            "makerOrderId": match.maker, "tradeGroupId": -1, "selfTradePreventionMode": match.mode,
            "price": number(match.price),
        }  # fmt: skip
        if match.taker_qty is not None:
            line["takerPreventedQuantity"] = number(match.taker_qty)
        if match.maker_qty is not None:
            line["makerPreventedQuantity"] = number(match.maker_qty)
        lines.append(line | {"transactTime": Instant(match.at)})
    return lines


def allocations(desk: Desk, params: Params) -> list[object]:
    """`GET /api/v3/myAllocations`, `myAllocations`: they come of smart order routing, which no symbol here has."""
    desk.state.canonical(params.symbol())
    return []


# --- Wallet ------------------------------------------------------------------------------------------------------------


def restrictions(desk: Desk, key: Key) -> dict[str, object]:
    """`GET /sapi/v1/account/apiRestrictions`: what the key may do."""
    return {
        "ipRestrict": False, "createTime": Instant(desk.state.opened_at), "enableReading": True,
        "enableWithdrawals": key.may_withdraw, "enableInternalTransfer": False, "enableMargin": False,
        "enableFutures": False, "permitsUniversalTransfer": False, "enableVanillaOptions": False,
        "enableFixApiTrade": False, "enableFixReadOnly": False, "enableSpotAndMarginTrading": key.may_trade,
        "enablePortfolioMarginTrading": False,
    }  # fmt: skip


def system_status(_desk: Desk, _params: Params) -> dict[str, object]:
    """`GET /sapi/v1/system/status`."""
    return {"status": 0, "msg": "normal"}


def trade_fee(desk: Desk, params: Params) -> list[dict[str, object]]:
    """`GET /sapi/v1/asset/tradeFee`."""
    rate = number(desk.state.settings.commission)
    asked: Iterable[str] = (
        [outside(desk.state.canonical(params.symbol()))] if params.has("symbol") else desk.state.symbols
    )
    return [{"symbol": symbol, "makerCommission": rate, "takerCommission": rate} for symbol in asked]
