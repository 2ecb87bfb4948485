"""The unified account: balances, settings, fees, and the lines of its history.  https://bybit-exchange.github.io/docs/v5/account"""

from __future__ import annotations

from floorbroker.domain.values import text_of
from floorbroker_sim.bybit import errors, info, wire
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.mapping import WORD, ms_text
from floorbroker_sim.bybit.rest import money, orders, reading
from floorbroker_sim.bybit.rest.reading import Query
from floorbroker_sim.bybit.rest.records import LogLine
from floorbroker_sim.bybit.rest.state import State

UNIFIED = 5
_MARGIN_MODES = frozenset({"ISOLATED_MARGIN", "REGULAR_MARGIN", "PORTFOLIO_MARGIN"})


def wallet_balance(state: State, query: Query) -> dict[str, object]:
    if query.get("accountType") != "UNIFIED":
        raise errors.parameter("accountType only support UNIFIED.")
    asked = [coin for coin in query.get("coin", "").split(",") if coin]
    coins = [coin for coin in asked if coin in state.wallet.balances] if asked else list(state.wallet.balances)
    return {"list": [money.wallet_object(state, coins)]}


def account_info(state: State, _query: Query) -> dict[str, object]:
    return {
        "marginMode": state.margin_mode, "unifiedMarginStatus": UNIFIED, "dcpStatus": "OFF", "timeWindow": 10,
        "smpGroup": 0, "isMasterTrader": False, "spotHedgingStatus": "OFF", "updatedTime": ms_text(state.opened_at),
    }  # fmt: skip


def set_margin_mode(_state: State, wish: wire.SetMarginMode) -> dict[str, object]:
    """Regular margin is the only mode here; for another the venue gives its reasons."""
    if wish.set_margin_mode not in _MARGIN_MODES:
        raise errors.parameter("params error: setMarginMode invalid")
    if wish.set_margin_mode != "REGULAR_MARGIN":
        return {"reasons": [{"reasonCode": "3400000", "reasonMsg": "Only regular margin is supported."}]}
    return {"reasons": []}


def fee_rate(state: State, query: Query) -> dict[str, object]:
    category = reading.category(query)
    symbol, base = query.get("symbol", ""), query.get("baseCoin", "")
    found = [p for p in info.PRODUCTS if p.category == category and symbol in {"", p.symbol} and base in {"", p.base}]
    if symbol and not found:
        raise errors.symbol_invalid(category)
    return {"category": category, "list": [_fee(state, product) for product in found]}


def _fee(state: State, product: Product) -> dict[str, str]:
    maker, taker = state.rates(product.category)
    return {
        "symbol": product.symbol, "baseCoin": "", "takerFeeRate": text_of(taker), "makerFeeRate": text_of(maker)
    }  # fmt: skip


def transaction_log(state: State, query: Query) -> dict[str, object]:
    """Every change of a balance, latest first."""
    category = query.get("category", "")
    if category:
        reading.known_category(category)
    start, end = orders.window(state, query)
    currency, kind = query.get("currency", ""), query.get("type", "")
    base = query.get("baseCoin", "")
    found = [
        line
        for line in reversed(state.log)
        if start <= line.executed.at <= end
        and category in {"", line.executed.order.category}
        and currency in {"", line.coin}
        and base in {"", line.executed.order.product.base}
        and kind in {"", "TRADE"}
    ]
    items, cursor = reading.page(found, query, default=20, most=50, key=lambda line: line.id)
    return {"list": [_line(line) for line in items], "nextPageCursor": cursor}


def _line(line: LogLine) -> dict[str, str]:
    executed, order = line.executed, line.executed.order
    return {
        "id": line.id, "symbol": order.symbol, "side": WORD[order.side], "funding": "", "orderLinkId": order.link_id,
        "orderId": order.id, "fee": text_of(line.fee), "change": text_of(line.change), "cashFlow": text_of(line.cash_flow),
        "transactionTime": ms_text(executed.at), "type": "TRADE", "feeRate": text_of(executed.fee_rate), "bonusChange": "",
        "size": text_of(line.size), "qty": text_of(executed.qty), "cashBalance": text_of(line.balance), "currency": line.coin,
        "category": order.category, "tradePrice": text_of(executed.price), "tradeId": executed.exec_id, "extraFees": "",
        "transSubType": "",
    }  # fmt: skip


def query_api(state: State, _query: Query) -> dict[str, object]:
    """What the key may do.  https://bybit-exchange.github.io/docs/v5/user/apikey-info"""
    keys = state.keys
    trades = not keys.read_only
    permissions: dict[str, list[str]] = {
        "ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"],
        "Wallet": ["AccountTransfer", "Withdraw"] if keys.can_withdraw else [], "Options": ["OptionsTrade"],
        "Derivatives": ["DerivativesTrade"], "CopyTrading": [], "BlockTrade": [], "Exchange": [], "NFT": [], "Affiliate": [],
    }  # fmt: skip
    return {
        "id": "13770661", "note": "simulator", "apiKey": keys.key, "readOnly": 0 if trades else 1, "secret": "",
        "permissions": permissions, "ips": ["*"], "type": 1, "deadlineDay": 83,
        "expiredAt": f"{state.opened_at.replace(year=state.opened_at.year + 1, day=1):%Y-%m-%dT%H:%M:%SZ}",
        "createdAt": f"{state.opened_at:%Y-%m-%dT%H:%M:%SZ}", "unified": 0, "uta": 1, "userID": 24600000, "inviterID": 0,
        "vipLevel": "No VIP", "mktMakerLevel": "0", "affiliateID": 0, "rsaPublicKey": "", "isMaster": True,
        "parentUid": "0", "kycLevel": "LEVEL_DEFAULT", "kycRegion": "",
    }  # fmt: skip
