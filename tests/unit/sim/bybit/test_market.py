"""Prices, books, bars, instruments and the account's own reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.rest import klines
from floorbroker_sim.bybit.venue import create_venue
from tests.unit.sim.bybit.conftest import MONDAY, PAIR, Asker

D = Decimal


def refused(ask: Asker, path: str, **query: str) -> int:
    return json.loads(ask.raw("GET", path, query=query).body)["retCode"]


def levels(side: list[list[str]]) -> list[tuple[Decimal, Decimal]]:
    return [(D(price), D(size)) for price, size in side]


@pytest.mark.parametrize("product", info.PRODUCTS, ids=lambda product: product.canonical)
@pytest.mark.parametrize("depth", [1, 25, 1000])
def test_books_are_sorted_apart_and_on_their_steps(
    new_venue: Callable[..., Asker], product: info.Product, depth: int
) -> None:
    ask = new_venue(seed=3)
    book = ask.get("/v5/market/orderbook", category=product.category, symbol=product.symbol, limit=str(depth))
    bids, asks = levels(book["b"]), levels(book["a"])
    assert len(bids) <= depth
    assert min(len(bids), len(asks)) >= min(depth, 500)
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert len({price for price, _ in bids}) == len(bids)
    assert bids[0][0] < asks[0][0]
    assert all(price % product.tick == 0 and size % product.step == 0 and size > 0 for price, size in bids + asks)
    shown = ask.get("/v5/market/tickers", category=product.category, symbol=product.symbol)["list"][0]
    assert (D(shown["bid1Price"]), D(shown["ask1Price"])) == (bids[0][0], asks[0][0])


def test_books_come_from_seed_and_time_alone(new_venue: Callable[..., Asker]) -> None:
    def book(ask: Asker) -> Any:
        found = ask.get("/v5/market/orderbook", category="linear", symbol="SOLUSDT", limit="50")
        return found["b"], found["a"]

    first, same, other = new_venue(seed=1), new_venue(seed=1), new_venue(seed=2)
    before = book(first)
    assert before == book(same) != book(other)
    first.later(30)
    assert book(first) == book(same) != before


def test_a_moving_book_changes_level_by_level(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue()
    ask.price("60000", "60000.1", symbol=PAIR)

    def book() -> dict[str, str]:
        return dict(ask.get("/v5/market/orderbook", category="spot", symbol="BTCUSDT", limit="200")["b"])

    before = book()
    ask.later(1)
    after = book()
    changed = sum(1 for price in before if after.get(price) != before[price])
    assert 0 < changed < 150


def test_contracts_follow_their_pair(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(seed=5)
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"):
        shown = ask.get("/v5/market/tickers", category="linear", symbol=symbol)["list"][0]
        mark, index = D(shown["markPrice"]), D(shown["indexPrice"])
        assert abs(mark / index - 1) < D("0.002")


def test_a_price_set_by_hand_holds(ask: Asker) -> None:
    ask.door("POST", "/clock", {"advance_s": 3600})
    shown = ask.get("/v5/market/tickers", category="spot", symbol="BTCUSDT")["list"][0]
    assert (shown["bid1Price"], shown["ask1Price"], shown["lastPrice"]) == ("60000.0", "60000.1", "60000.0")


def test_an_odd_price_set_by_hand_is_the_exact_top(ask: Asker) -> None:
    ask.price("0.00012345", "0.00022345", symbol=PAIR)
    book = ask.get("/v5/market/orderbook", category="spot", symbol="BTCUSDT", limit="5")
    assert (book["b"][0][0], book["a"][0][0]) == ("0.00012345", "0.00022345")


def test_instruments_of_other_categories_are_none(ask: Asker) -> None:
    for category in ("inverse", "option"):
        assert ask.get("/v5/market/instruments-info", category=category)["list"] == []
    assert ask.get("/v5/market/instruments-info", category="linear", status="PreLaunch")["list"] == []
    assert refused(ask, "/v5/market/instruments-info", category="spread") == 10001
    assert refused(ask, "/v5/market/instruments-info", category="linear", cursor="after%3ANOPE") == 10001
    assert refused(ask, "/v5/market/instruments-info", category="linear", limit="1001") == 10001


def test_rules_are_spelled_as_documented(ask: Asker) -> None:
    linear = ask.get("/v5/market/instruments-info", category="linear", symbol="BTCUSDT")["list"][0]
    assert set(linear) >= {
        "symbol", "contractType", "status", "baseCoin", "quoteCoin", "launchTime", "deliveryTime", "priceScale",
        "leverageFilter", "priceFilter", "lotSizeFilter", "unifiedMarginTrade", "fundingInterval", "settleCoin",
        "upperFundingRate", "isPreListing", "preListingInfo", "riskParameters", "symbolType",
    }  # fmt: skip
    assert linear["lotSizeFilter"]["minNotionalValue"] == "5"
    spot = ask.get("/v5/market/instruments-info", category="spot", symbol="DOGEUSDT")["list"][0]
    assert set(spot["lotSizeFilter"]) == {
        "basePrecision", "quotePrecision", "minOrderQty", "maxOrderQty", "minOrderAmt", "maxOrderAmt", "maxLimitOrderQty",
        "maxMarketOrderQty", "postOnlyMaxLimitOrderSize",
    }  # fmt: skip


# --- Bars ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", [*info.INTERVALS, "M"])
def test_bars_join_and_come_latest_first(ask: Asker, interval: str) -> None:
    bars = ask.get("/v5/market/kline", category="spot", symbol="ETHUSDT", interval=interval, limit="6")["list"]
    assert len(bars) == 6
    starts = [datetime.fromtimestamp(int(bar[0]) / 1000, UTC) for bar in bars]
    assert [klines.end_of(interval, start) for start in starts[1:]] == starts[:-1]
    for later, earlier in pairwise(bars):
        assert later[1] == earlier[4]
        assert D(earlier[3]) <= min(D(earlier[1]), D(earlier[4])) <= D(earlier[2])


def test_bars_go_forward_from_a_start_alone(ask: Asker) -> None:
    start = int((ask.clock.now() - timedelta(hours=2)).timestamp() * 1000)
    bars = ask.get("/v5/market/kline", symbol="BTCUSDT", interval="5", start=str(start), limit="3")["list"]
    assert [int(bar[0]) for bar in bars] == [start + 600_000, start + 300_000, start]


def test_bars_of_prices_that_are_not_traded_have_no_volume(ask: Asker) -> None:
    query = {"category": "linear", "symbol": "ETHUSDT", "interval": "60", "limit": "2"}
    for path in ("/v5/market/mark-price-kline", "/v5/market/index-price-kline"):
        assert [len(bar) for bar in ask.get(path, **query)["list"]] == [5, 5]
    assert refused(ask, "/v5/market/kline", category="linear", symbol="ETHUSDT", interval="7") == 10001


# --- The account -----------------------------------------------------------------------------------------------------


def test_the_wallet_shows_all_coins_or_those_asked_for(ask: Asker) -> None:
    (account,) = ask.get("/v5/account/wallet-balance", accountType="UNIFIED")["list"]
    assert [coin["coin"] for coin in account["coin"]] == list(info.START_BALANCES)
    assert D(account["totalEquity"]) == sum(D(coin["usdValue"]) for coin in account["coin"])
    two = ask.get("/v5/account/wallet-balance", accountType="UNIFIED", coin="BTC,ETH")["list"][0]["coin"]
    assert [coin["coin"] for coin in two] == ["BTC", "ETH"]
    assert refused(ask, "/v5/account/wallet-balance", accountType="CONTRACT") == 10001


def test_a_spot_trade_is_two_lines_of_the_log(ask: Asker) -> None:
    ask.market("spot", qty="6000.01")
    quote, base = ask.get("/v5/account/transaction-log")["list"]
    assert (base["currency"], base["change"], base["fee"], base["cashFlow"]) == ("BTC", "0.0999", "0.0001", "0.1")
    assert (quote["currency"], quote["change"], quote["cashBalance"]) == ("USDT", "-6000.01", "93999.99")
    assert ask.get("/v5/account/transaction-log", currency="BTC")["list"] == [base]
    assert ask.get("/v5/account/transaction-log", category="linear")["list"] == []
    assert ask.get("/v5/account/transaction-log", type="SETTLEMENT")["list"] == []


def test_what_may_be_spent_is_told(ask: Asker) -> None:
    found = ask.get("/v5/order/spot-borrow-check", category="spot", symbol="BTCUSDT", side="Sell")
    assert (found["borrowCoin"], found["maxTradeQty"]) == ("BTC", "1")
    assert refused(ask, "/v5/order/spot-borrow-check", category="linear", symbol="BTCUSDT", side="Buy") == 10001


def test_margin_modes(ask: Asker) -> None:
    assert ask.post("/v5/account/set-margin-mode", setMarginMode="REGULAR_MARGIN") == {"reasons": []}
    assert ask.post("/v5/account/set-margin-mode", setMarginMode="PORTFOLIO_MARGIN")["reasons"]
    assert ask.refused("/v5/account/set-margin-mode", setMarginMode="NONE")[0] == 10001


# --- Time ------------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_market_runs_on_the_clock_it_was_given() -> None:
    """A minute of two venues of one seed, without a moment of real time: the same frames, the same fills."""
    heard: list[list[Any]] = []
    for start in (MONDAY, MONDAY):
        own = ManualClock(start)
        ask = Asker(create_venue(clock=own, seed=11, rate=0), own)
        wire = ask.wire("/v5/public/linear")
        wire.send(
            op="subscribe", args=["orderbook.50.ETHUSDT", "tickers.ETHUSDT", "publicTrade.ETHUSDT", "kline.1.ETHUSDT"]
        )
        last = D(ask.get("/v5/market/tickers", category="linear", symbol="ETHUSDT")["list"][0]["lastPrice"])
        ask.order(symbol="ETHUSDT", qty="0.1", price=str(last - 1))
        running = asyncio.ensure_future(ask.venue.run())
        await own.advance(60)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        heard.append([*wire.heard(), *ask.door("GET", "/orders")[1]])
    assert heard[0] == heard[1]
    kinds = {frame["topic"].partition(".")[0] for frame in heard[0] if "topic" in frame}
    assert kinds == {"orderbook", "tickers", "publicTrade", "kline"}
    assert len(heard[0]) > 300


# --- Recorded days ---------------------------------------------------------------------------------------------------


def test_recorded_days_are_played_for_the_pairs_they_hold(new_venue: Callable[..., Asker], recorded_data: Path) -> None:
    ask = new_venue(data=recorded_data)
    assert ask.get("/v5/market/tickers", category="spot")["list"] == []
    assert ask.door("POST", "/clock", {"now": "2018-04-04T12:00:30Z"})[0] == 200
    spot = {line["symbol"]: line for line in ask.get("/v5/market/tickers", category="spot")["list"]}
    assert set(spot) == {"BTCUSDT", "ETHUSDT"}
    bid, offer = D(spot["BTCUSDT"]["bid1Price"]), D(spot["BTCUSDT"]["ask1Price"])
    assert bid < offer < bid * D("1.01")
    order_id = ask.market("spot", qty="100")
    assert D(ask.shown(order_id, "spot")["avgPrice"]) == offer
    bars = ask.get("/v5/market/kline", category="spot", symbol="BTCUSDT", interval="60", limit="3")["list"]
    assert len(bars) == 3
    assert bars[0][4] == spot["BTCUSDT"]["lastPrice"]
    resting = ask.order("spot", price=str(bid - 40), qty="0.01")
    ask.door("POST", "/clock", {"now": "2018-04-05T12:00:00Z"})
    assert ask.shown(resting, "spot")["orderStatus"] == "Filled"
