"""Market reads: nobody needs a key for them.  https://bybit-exchange.github.io/docs/v5/market"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from itertools import islice

from floorbroker.domain.values import text_of
from floorbroker_sim.bybit import errors, info
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.mapping import ms, ms_text, price_text, qty_text, rounded
from floorbroker_sim.bybit.rest import klines, money, reading
from floorbroker_sim.bybit.rest.klines import Klines
from floorbroker_sim.bybit.rest.reading import Query
from floorbroker_sim.bybit.rest.state import State

_LAUNCH = "1585526400000"
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FUNDING = timedelta(hours=info.FUNDING_HOURS)


def server_time(state: State, _query: Query) -> dict[str, object]:
    now = state.clock.now()
    micros = (now - _EPOCH) // timedelta(microseconds=1)
    return {"timeSecond": str(micros // 1_000_000), "timeNano": str(micros * 1000)}


# --- Instruments -----------------------------------------------------------------------------------------------------


def instruments(_state: State, query: Query) -> dict[str, object]:
    """Spot comes in one page; what is not traded yet is asked for by status, and there is none."""
    category = reading.category(query)
    symbol, base = query.get("symbol", ""), query.get("baseCoin", "")
    found = [p for p in info.PRODUCTS if p.category == category and symbol in {"", p.symbol} and base in {"", p.base}]
    if query.get("status", "Trading") not in {"", "Trading"}:
        found = []
    if category == info.SPOT:
        return {"category": category, "list": [_spot(product) for product in found], "nextPageCursor": ""}
    items, cursor = reading.page(found, query, default=500, most=1000, key=lambda product: product.symbol)
    return {"category": category, "list": [_linear(product) for product in items], "nextPageCursor": cursor}


def _band(product: Product) -> dict[str, str]:
    return {"priceLimitRatioX": text_of(product.band_x), "priceLimitRatioY": text_of(product.band_y)}


def _spot(product: Product) -> dict[str, object]:
    return {
        "symbolId": product.number, "symbol": product.symbol, "baseCoin": product.base, "quoteCoin": product.quote,
        "innovation": "0", "status": "Trading", "marginTrading": "utaOnly", "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": text_of(product.step), "quotePrecision": "0.0000001", "minOrderQty": text_of(product.min_qty),
            "maxOrderQty": text_of(product.max_qty), "minOrderAmt": text_of(product.min_amount),
            "maxOrderAmt": text_of(product.max_amount), "maxLimitOrderQty": text_of(product.max_qty),
            "maxMarketOrderQty": text_of(product.max_market_qty), "postOnlyMaxLimitOrderSize": text_of(product.max_qty),
        },
        "priceFilter": {"tickSize": text_of(product.tick)}, "riskParameters": _band(product), "symbolType": "",
    }  # fmt: skip


def _linear(product: Product) -> dict[str, object]:
    decimals = str(max(0, -int(product.tick.as_tuple().exponent)))
    return {
        "symbol": product.symbol, "symbolId": product.number, "contractType": "LinearPerpetual", "status": "Trading",
        "baseCoin": product.base, "quoteCoin": product.quote, "launchTime": _LAUNCH, "deliveryTime": "0",
        "deliveryFeeRate": "", "priceScale": decimals,
        "leverageFilter": {
            "minLeverage": "1", "maxLeverage": f"{product.max_leverage:.2f}", "leverageStep": "0.01",
        },
        "priceFilter": {
            "minPrice": text_of(product.tick), "maxPrice": text_of(product.max_price), "tickSize": text_of(product.tick),
        },
        "lotSizeFilter": {
            "maxOrderQty": qty_text(product, product.max_qty), "minOrderQty": qty_text(product, product.min_qty),
            "qtyStep": text_of(product.step), "postOnlyMaxOrderQty": qty_text(product, product.max_qty),
            "maxMktOrderQty": qty_text(product, product.max_market_qty), "minNotionalValue": text_of(product.min_amount),
        },
        "unifiedMarginTrade": True, "fundingInterval": info.FUNDING_HOURS * 60, "settleCoin": product.quote,
        "copyTrading": "none", "upperFundingRate": "0.00375", "lowerFundingRate": "-0.00375", "isPreListing": False,
        "preListingInfo": None, "riskParameters": _band(product), "displayName": "", "symbolType": "",
    }  # fmt: skip


def risk_limit(_state: State, query: Query) -> dict[str, object]:
    category, symbol = reading.category(query), query.get("symbol", "")
    found = [p for p in info.PRODUCTS if p.category == category == info.LINEAR and symbol in {"", p.symbol}]
    return {
        "category": category,
        "list": [
            {
                "id": 1, "symbol": p.symbol, "riskLimitValue": text_of(info.RISK_LIMIT),
                "maintenanceMargin": text_of(info.MAINTENANCE), "initialMargin": rounded(1 / p.max_leverage, 4),
                "isLowestRisk": 1, "maxLeverage": f"{p.max_leverage:.2f}", "mmDeduction": "",
            }
            for p in found
        ],
        "nextPageCursor": "",
    }  # fmt: skip


def price_limit(state: State, query: Query) -> dict[str, object]:
    product = reading.product(query.get("category", info.LINEAR), query.get("symbol", ""))
    low, high = money.band(state, product)
    now = ms_text(state.clock.now())
    return {
        "symbol": product.symbol, "buyLmt": price_text(product, high), "sellLmt": price_text(product, low), "ts": now
    }  # fmt: skip


# --- Prices ----------------------------------------------------------------------------------------------------------


def orderbook(state: State, query: Query) -> dict[str, object]:
    """`u` is that of the stream with 1000 levels."""
    product = reading.product(query.get("category", ""), query.get("symbol", ""))
    depth = reading.whole(query, "limit", default=1 if product.category == info.SPOT else 25, most=1000)
    feed = state.books.feed(product, max(info.DEPTHS))
    now = ms(state.clock.now())
    if feed is None:
        return {"s": product.symbol, "b": [], "a": [], "ts": now, "u": 0, "seq": 0, "cts": now}
    book = feed.snapshot(state.clock.now())
    return {
        "s": product.symbol, "b": book.bids[:depth], "a": book.asks[:depth], "ts": now, "u": book.update, "seq": book.seq,
        "cts": now,
    }  # fmt: skip


def ticker(state: State, product: Product) -> dict[str, str]:
    """The members of one product's ticker."""
    quote, now = state.market.quote(product.canonical), state.clock.now()
    last = state.last(product) or Decimal(0)
    day_ago = state.market.price_at(product.canonical, now - _DAY) or last
    moments = [now - _DAY * n / 8 for n in range(9)]
    prices = [state.market.price_at(product.canonical, moment) or last for moment in moments] + [last]
    volume = (Decimal(200_000_000) / (last or Decimal(1)) / product.step).to_integral_value() * product.step
    bid, ask = (None, None) if quote is None else (quote.bid, quote.ask)
    shown = {
        "symbol": product.symbol, "bid1Price": "" if bid is None else price_text(product, bid),
        "bid1Size": "" if quote is None else qty_text(product, quote.bid_size),
        "ask1Price": "" if ask is None else price_text(product, ask),
        "ask1Size": "" if quote is None else qty_text(product, quote.ask_size), "lastPrice": price_text(product, last),
        "prevPrice24h": price_text(product, day_ago),
        "price24hPcnt": rounded(last / day_ago - 1, 4) if day_ago else "0", "highPrice24h": price_text(product, max(prices)),
        "lowPrice24h": price_text(product, min(prices)), "turnover24h": rounded(volume * last, 4),
        "volume24h": qty_text(product, volume),
    }  # fmt: skip
    if product.category == info.SPOT:
        return shown | {"usdIndexPrice": rounded(state.index(product), 6)}
    return shown | _contract(state, product, now)


def _contract(state: State, product: Product, now: datetime) -> dict[str, str]:
    mark, index = state.mark(product), state.index(product)
    interest = (Decimal(500_000_000) / (mark or Decimal(1)) / product.step).to_integral_value() * product.step
    hour_ago = state.market.price_at(product.canonical, now - _HOUR) or mark
    return {
        "indexPrice": price_text(product, index), "markPrice": price_text(product, mark),
        "prevPrice1h": price_text(product, hour_ago), "openInterest": qty_text(product, interest),
        "openInterestValue": rounded(interest * mark, 4), "fundingRate": text_of(info.FUNDING_RATE),
        "nextFundingTime": ms_text(_EPOCH + ((now - _EPOCH) // _FUNDING + 1) * _FUNDING),
        "fundingIntervalHour": str(info.FUNDING_HOURS), "fundingCap": "0.00375", "basis": "", "basisRate": "",
        "basisRateYear": "", "deliveryTime": "0", "deliveryFeeRate": "", "predictedDeliveryPrice": "", "preOpenPrice": "",
        "preQty": "", "curPreListingPhase": "",
    }  # fmt: skip


def tickers(state: State, query: Query) -> dict[str, object]:
    category = reading.category(query)
    symbol, base = query.get("symbol", ""), query.get("baseCoin", "")
    found = [p for p in info.PRODUCTS if p.category == category and symbol in {"", p.symbol} and base in {"", p.base}]
    if symbol and not found:
        raise errors.symbol_invalid(category)
    return {
        "category": category,
        "list": [ticker(state, p) for p in found if state.market.quote(p.canonical) is not None],
    }


def recent_trades(state: State, query: Query) -> dict[str, object]:
    """Trades of the last seconds, latest first."""
    product = reading.product(query.get("category", ""), query.get("symbol", ""))
    is_spot = product.category == info.SPOT
    count = reading.whole(query, "limit", default=60 if is_spot else 500, most=60 if is_spot else 1000)
    now = state.clock.now().replace(microsecond=0)
    shown: list[dict[str, object]] = []
    for n in range(count):
        trade = state.market.source.last_trade(product.canonical, now - timedelta(seconds=n))
        if trade is None:
            break
        side = "Buy" if trade.aggressor is None or trade.aggressor.sign > 0 else "Sell"
        shown.append(
            {
                "execId": trade_id(product, trade.time), "symbol": product.symbol, "price": price_text(product, trade.price),
                "size": qty_text(product, trade.size), "side": side, "time": ms_text(trade.time), "isBlockTrade": False,
                "isRPITrade": False, "seq": str(ms(trade.time)),
            }
        )  # fmt: skip
    return {"category": product.category, "list": shown}


def trade_id(product: Product, at: datetime) -> str:
    """The same for the same trade whenever it is asked for."""
    number = blake2b(f"{product.canonical}:{at.isoformat()}".encode(), digest_size=8).digest()
    return str(int.from_bytes(number, "big")).zfill(20)


def funding_history(state: State, query: Query) -> dict[str, object]:
    """One rate every eight hours, latest first."""
    product = reading.product(query.get("category", ""), query.get("symbol", ""))
    if product.category == info.SPOT:
        raise errors.parameter("params error: Illegal category")
    limit = reading.whole(query, "limit", default=200, most=200)
    start, end = reading.moment(query, "startTime"), reading.moment(query, "endTime")
    if start is not None and end is None:
        raise errors.parameter("params error: endTime is required with startTime")
    last = min(end or state.clock.now(), state.clock.now())
    at = _EPOCH + (last - _EPOCH) // _FUNDING * _FUNDING
    shown: list[dict[str, str]] = []
    while len(shown) < limit and at >= (start or _EPOCH):
        shown.append(
            {"symbol": product.symbol, "fundingRate": text_of(info.FUNDING_RATE), "fundingRateTimestamp": ms_text(at)}
        )
        at -= _FUNDING
    return {"category": product.category, "list": shown}


# --- Bars ------------------------------------------------------------------------------------------------------------


def kline_list(state: State, query: Query, bars: Klines) -> tuple[Product, list[list[str]]]:
    """Bars, latest first: start, open, high, low, close, volume, turnover."""
    product = reading.product(query.get("category") or info.LINEAR, query.get("symbol", ""))
    interval = query.get("interval", "")
    if interval not in info.INTERVALS and interval != info.MONTH:
        raise errors.parameter("params error: interval invalid")
    limit = reading.whole(query, "limit", default=200, most=1000)
    now = state.clock.now()
    first, last = reading.moment(query, "start"), min(reading.moment(query, "end") or now, now)
    if first is not None and query.get("end", "") == "":
        last = min(last, _last_of(interval, first, limit))
    found: list[list[str]] = []
    for start in islice(klines.starts(interval, first or _EPOCH, last), 2 * limit):
        bar = bars.at(product, start, interval, now) if len(found) < limit else None
        if bar is None:
            continue  # nothing is known of that time
        prices = [price_text(product, price) for price in (bar.open, bar.high, bar.low, bar.close)]
        found.append([ms_text(bar.start), *prices, qty_text(product, bar.volume), rounded(bar.turnover, 8)])
    return product, found


def _last_of(interval: str, first: datetime, limit: int) -> datetime:
    """From a start alone the bars go forward."""
    span = timedelta(days=31) if interval == info.MONTH else timedelta(seconds=info.INTERVALS[interval])
    return first + span * (limit - 1)
