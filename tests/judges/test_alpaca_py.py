"""The venue's own client, unmodified, against our simulator over TCP."""

# The client types every answer as a model or a plain dict, and its timeframes as properties of a class.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOperatorIssue=false
# pyright: reportIndexIssue=false, reportOptionalMemberAccess=false, reportOptionalSubscript=false
# pyright: reportOptionalIterable=false, reportCallIssue=false

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any

import pytest

pytest.importorskip("alpaca", reason="alpaca-py is not installed")

from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.historical.option import OptionHistoricalDataClient
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestOrderbookRequest,
    CryptoQuoteRequest,
    CryptoSnapshotRequest,
    CryptoTradesRequest,
    OptionBarsRequest,
    OptionChainRequest,
    OptionLatestQuoteRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import (
    AssetClass,
    ContractType,
    OrderClass,
    OrderSide,
    OrderStatus,
    QueryOrderStatus,
    TimeInForce,
)
from alpaca.trading.requests import (
    ClosePositionRequest,
    CreateWatchlistRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOptionContractsRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    OptionLegRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)
from alpaca.trading.stream import TradingStream

pytestmark = [
    pytest.mark.judge,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # the client's own
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),  # its stream threads at stop
]
BUY, SELL, DAY, GTC = OrderSide.BUY, OrderSide.SELL, TimeInForce.DAY, TimeInForce.GTC


class Sim:
    """One simulator process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "floorbroker_sim", "alpaca", "--rate", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.keys = (self.line["credentials"]["BROKER_API_KEY"], self.line["credentials"]["BROKER_SECRET_KEY"])

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        door = HTTPConnection(self.line["control"].removeprefix("http://"), timeout=10)
        try:
            door.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
            text = door.getresponse().read()
        finally:
            door.close()
        return json.loads(text) if text else None

    def price(self, symbol: str, bid: str, ask: str, last: str | None = None) -> None:
        self.control("/price", {"symbol": symbol, "bid": bid, "ask": ask} | ({"last": last} if last else {}))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Sim]:
    sim = Sim()
    yield sim
    sim.close()


@pytest.fixture
def sim(server: Sim) -> Sim:
    server.control("/reset", {})
    server.price("AAPL", "149.99", "150.01", "150")
    server.price("MSFT", "399.99", "400.01", "400")
    return server


@pytest.fixture
def client(sim: Sim) -> TradingClient:
    return TradingClient(*sim.keys, paper=True, url_override=sim.line["rest"])


def until(condition: Callable[[], bool]) -> None:
    """Wait for a stream thread of the client, ten seconds at most."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within ten seconds")


def refused(call: Callable[[], object]) -> tuple[int | None, int, str]:
    with pytest.raises(APIError) as caught:
        call()
    return caught.value.status_code, caught.value.code, caught.value.message


# --- Account, clock, calendar, assets -------------------------------------------------------------------------------


def test_account_clock_calendar_and_assets_parse(client: TradingClient) -> None:
    account = client.get_account()
    assert (account.cash, account.equity, account.buying_power) == ("100000", "100000", "200000")
    clock = client.get_clock()
    assert clock.is_open
    assert clock.next_open > clock.timestamp
    days = client.get_calendar(GetCalendarRequest(start="2025-07-01", end="2025-07-07"))
    assert [str(day.date) for day in days] == ["2025-07-01", "2025-07-02", "2025-07-03", "2025-07-07"]
    assert (days[2].open.hour, days[2].open.minute, days[2].close.hour) == (9, 30, 13)
    assert client.get_asset("AAPL").fractionable
    coins = client.get_all_assets(GetAssetsRequest(asset_class=AssetClass.CRYPTO))
    assert "BTC/USD" in {asset.symbol for asset in coins}
    assert client.get_asset("BTC%2FUSD").min_order_size is not None
    assert client.get_asset(str(client.get_asset("AAPL").id)).symbol == "AAPL"


def test_configurations_history_and_watchlists(client: TradingClient) -> None:
    settings = client.get_account_configurations()
    settings.no_shorting = True
    assert client.set_account_configurations(settings).no_shorting
    history = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1W", timeframe="1D"))
    assert history.equity[-1] == 100000
    made = client.create_watchlist(CreateWatchlistRequest(name="tech", symbols=["AAPL"]))
    added = client.add_asset_to_watchlist_by_id(str(made.id), "MSFT")
    assert [asset.symbol for asset in added.assets] == ["AAPL", "MSFT"]
    client.delete_watchlist_by_id(str(made.id))
    assert client.get_watchlists() == []


# --- Orders ----------------------------------------------------------------------------------------------------------


def test_a_market_order_fills_and_is_found_by_both_ids(client: TradingClient) -> None:
    wish = MarketOrderRequest(symbol="AAPL", qty=3, side=BUY, time_in_force=DAY, client_order_id="mine-1")
    placed = client.submit_order(wish)
    assert placed.status is OrderStatus.PENDING_NEW
    found = client.get_order_by_id(placed.id)
    assert (found.status, found.filled_qty, found.filled_avg_price) == (OrderStatus.FILLED, "3", "150.01")
    assert client.get_order_by_client_id("mine-1").id == placed.id
    (position,) = client.get_all_positions()
    assert (position.symbol, position.qty, position.avg_entry_price, position.current_price) == (
        "AAPL",
        "3",
        "150.01",
        "150",
    )
    assert client.get_account().cash == "99549.97"


def test_limit_stop_stop_limit_and_trailing_orders_follow_the_market(sim: Sim, client: TradingClient) -> None:
    client.submit_order(MarketOrderRequest(symbol="AAPL", qty=30, side=BUY, time_in_force=DAY))
    limit = client.submit_order(LimitOrderRequest(symbol="MSFT", qty=1, side=BUY, time_in_force=GTC, limit_price=390.5))
    stop = client.submit_order(StopOrderRequest(symbol="AAPL", qty=10, side=SELL, time_in_force=GTC, stop_price=148))
    both = StopLimitOrderRequest(symbol="AAPL", qty=10, side=SELL, time_in_force=GTC, stop_price=147, limit_price=146.5)
    stop_limit = client.submit_order(both)
    trail = client.submit_order(
        TrailingStopOrderRequest(symbol="AAPL", qty=10, side=SELL, time_in_force=GTC, trail_percent=2)
    )

    def status(order: Any) -> Any:
        return client.get_order_by_id(order.id).status

    assert {status(order) for order in (limit, stop, stop_limit, trail)} == {OrderStatus.NEW}
    sim.price("AAPL", "159.99", "160.01", "160")
    followed = client.get_order_by_id(trail.id)
    assert (followed.hwm, followed.stop_price) == ("160", "156.8")
    sim.price("AAPL", "156.49", "156.51", "156.5")
    assert status(trail) is OrderStatus.FILLED
    sim.price("AAPL", "147.89", "147.91", "147.9")
    assert (status(stop), status(stop_limit)) == (OrderStatus.FILLED, OrderStatus.NEW)
    sim.price("AAPL", "146.89", "146.91", "146.9")
    sim.price("MSFT", "390.40", "390.50", "390.45")
    assert (status(stop_limit), status(limit)) == (OrderStatus.FILLED, OrderStatus.FILLED)


def test_notional_and_fractional_orders(client: TradingClient) -> None:
    by_money = client.submit_order(MarketOrderRequest(symbol="AAPL", notional=25.5, side=BUY, time_in_force=DAY))
    assert (by_money.notional, by_money.qty) == ("25.5", None)
    bought = client.get_order_by_id(by_money.id)
    assert bought.status is OrderStatus.FILLED
    assert bought.filled_qty == "0.169988667"
    client.submit_order(MarketOrderRequest(symbol="AAPL", qty=0.25, side=BUY, time_in_force=DAY))
    assert client.get_open_position("AAPL").qty == "0.419988667"


def test_a_bracket_protects_its_entry(sim: Sim, client: TradingClient) -> None:
    entry = client.submit_order(
        LimitOrderRequest(
            symbol="AAPL",
            qty=10,
            side=BUY,
            time_in_force=GTC,
            limit_price=149,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=160),
            stop_loss=StopLossRequest(stop_price=140, limit_price=139),
        )
    )
    assert entry.order_class is OrderClass.BRACKET
    assert [leg.status for leg in entry.legs] == [OrderStatus.HELD, OrderStatus.HELD]
    sim.price("AAPL", "148.98", "149.00")
    assert client.get_order_by_id(entry.id).status is OrderStatus.FILLED
    error = refused(lambda: client.submit_order(MarketOrderRequest(symbol="AAPL", qty=5, side=SELL, time_in_force=DAY)))
    assert error == (403, 40310000, "insufficient qty available for order (requested: 5, available: 0)")
    sim.price("AAPL", "160.00", "160.02")
    nested = client.get_order_by_id(entry.id, GetOrderByIdRequest(nested=True))
    assert {leg.order_type.value: leg.status.value for leg in nested.legs} == {
        "limit": "filled",
        "stop_limit": "canceled",
    }
    assert client.get_all_positions() == []


def test_oco_and_oto_orders(sim: Sim, client: TradingClient) -> None:
    client.submit_order(MarketOrderRequest(symbol="AAPL", qty=5, side=BUY, time_in_force=DAY))
    pair = client.submit_order(
        LimitOrderRequest(
            symbol="AAPL",
            qty=5,
            side=SELL,
            time_in_force=GTC,
            order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=170),
            stop_loss=StopLossRequest(stop_price=140),
        )
    )
    assert (pair.limit_price, pair.legs[0].stop_price) == ("170", "140")
    sim.price("AAPL", "139.98", "140.00", "139.99")
    assert client.get_order_by_id(pair.id).status is OrderStatus.CANCELED
    assert client.get_order_by_id(pair.legs[0].id).status is OrderStatus.FILLED
    one = client.submit_order(
        MarketOrderRequest(
            symbol="MSFT",
            qty=1,
            side=BUY,
            time_in_force=DAY,
            order_class=OrderClass.OTO,
            stop_loss=StopLossRequest(stop_price=380),
        )
    )
    assert client.get_order_by_id(one.legs[0].id).status is OrderStatus.NEW


def test_options_alone_and_as_a_spread(client: TradingClient) -> None:
    wanted = GetOptionContractsRequest(underlying_symbols=["AAPL"], type=ContractType.CALL, limit=100)
    contracts = client.get_option_contracts(wanted).option_contracts
    low, high = sorted(contracts, key=lambda contract: contract.strike_price)[4:6]
    assert client.get_option_contract(low.symbol).underlying_symbol == "AAPL"
    single = client.submit_order(MarketOrderRequest(symbol=low.symbol, qty=1, side=BUY, time_in_force=DAY))
    filled = client.get_order_by_id(single.id)
    assert (filled.status, filled.asset_class) == (OrderStatus.FILLED, AssetClass.US_OPTION)
    spread = client.submit_order(
        MarketOrderRequest(
            qty=2,
            time_in_force=DAY,
            order_class=OrderClass.MLEG,
            legs=[
                OptionLegRequest(symbol=low.symbol, ratio_qty=1, side=BUY),
                OptionLegRequest(symbol=high.symbol, ratio_qty=1, side=SELL),
            ],
        )
    )
    assert (spread.order_class, spread.symbol, len(spread.legs)) == (OrderClass.MLEG, None, 2)
    assert client.get_order_by_id(spread.id).status is OrderStatus.FILLED
    held = {position.symbol: position.qty for position in client.get_all_positions()}
    assert held == {low.symbol: "3", high.symbol: "-2"}


def test_replace_gives_a_new_order_and_cancels_work(client: TradingClient) -> None:
    rest = LimitOrderRequest(symbol="AAPL", qty=2, side=BUY, time_in_force=GTC, limit_price=140.25)
    old = client.submit_order(rest)
    fresh = client.replace_order_by_id(old.id, ReplaceOrderRequest(qty=3, limit_price=141))
    assert (fresh.replaces, fresh.qty, fresh.limit_price) == (old.id, "3", "141")
    assert fresh.client_order_id != old.client_order_id
    before = client.get_order_by_id(old.id)
    assert (before.status, before.replaced_by) == (OrderStatus.REPLACED, fresh.id)
    client.cancel_order_by_id(fresh.id)
    assert client.get_order_by_id(fresh.id).status is OrderStatus.CANCELED
    resting = [client.submit_order(rest).id for _ in range(3)]
    canceled = client.cancel_orders()
    assert sorted(str(line.id) for line in canceled) == sorted(str(order_id) for order_id in resting)
    assert {line.status for line in canceled} == {200}
    assert client.get_orders() == []


def test_positions_close_one_by_quantity_and_all(client: TradingClient) -> None:
    for symbol in ("AAPL", "MSFT"):
        client.submit_order(MarketOrderRequest(symbol=symbol, qty=4, side=BUY, time_in_force=DAY))
    closing = client.close_position("AAPL", ClosePositionRequest(qty="1"))
    assert (closing.side, closing.qty) == (SELL, "1")
    client.close_position("AAPL", ClosePositionRequest(percentage="50"))
    assert client.get_open_position("AAPL").qty == "1.5"
    lines = client.close_all_positions(cancel_orders=True)
    assert {(line.symbol, line.status) for line in lines} == {("AAPL", 200), ("MSFT", 200)}
    assert client.get_all_positions() == []
    assert refused(lambda: client.get_open_position("AAPL")) == (404, 40410000, "position does not exist")


def test_activities_page_backwards(client: TradingClient) -> None:
    for qty in (1, 2, 3):
        client.submit_order(MarketOrderRequest(symbol="AAPL", qty=qty, side=BUY, time_in_force=DAY))
    first = client.get("/account/activities/FILL", {"page_size": 2})
    rest = client.get("/account/activities", {"page_token": first[-1]["id"], "activity_types": "FILL"})
    assert [line["qty"] for line in (*first, *rest)] == ["3", "2", "1"]
    assert first[0]["type"] == "fill"
    assert first[0]["order_status"] == "filled"
    oldest = client.get("/account/activities", {"direction": "asc", "page_size": 1})
    assert oldest[0]["qty"] == "1"


def test_lists_filter_and_page(client: TradingClient) -> None:
    made = [
        client.submit_order(LimitOrderRequest(symbol=symbol, qty=1, side=BUY, time_in_force=GTC, limit_price=100 + n))
        for n, symbol in enumerate(("AAPL", "MSFT", "AAPL", "MSFT", "AAPL"))
    ]
    client.cancel_order_by_id(made[0].id)

    def listed(**filters: Any) -> Any:
        return [order.id for order in client.get_orders(GetOrdersRequest(**filters))]

    ids = [order.id for order in made]
    assert listed() == ids[:0:-1]
    assert listed(status=QueryOrderStatus.CLOSED) == [ids[0]]
    assert listed(status=QueryOrderStatus.ALL, direction="asc", limit=2) == ids[:2]
    assert listed(status=QueryOrderStatus.ALL, symbols=["MSFT"]) == [ids[3], ids[1]]
    assert listed(status=QueryOrderStatus.ALL, after=made[2].submitted_at, direction="asc") == ids[3:]
    assert listed(status=QueryOrderStatus.ALL, until=made[2].submitted_at, direction="asc") == ids[:2]
    assert listed(status=QueryOrderStatus.ALL, side=SELL) == []


# --- Refusals --------------------------------------------------------------------------------------------------------


def limit_order(**changes: Any) -> LimitOrderRequest:
    fields: dict[str, Any] = {"symbol": "AAPL", "qty": 1, "side": BUY, "time_in_force": GTC, "limit_price": 100}
    return LimitOrderRequest(**fields | changes)


def test_wrong_keys_are_unauthorized(sim: Sim) -> None:
    stranger = TradingClient("PKNOBODY", "nothing", paper=True, url_override=sim.line["rest"])
    with pytest.raises(APIError) as caught:
        stranger.get_account()
    assert caught.value.status_code == 401
    assert json.loads(str(caught.value)) == {"message": "unauthorized."}


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"symbol": "NOPE"}, 422, 42210000, 'asset "NOPE" not found'),
        ({"qty": 1e6}, 403, 40310000, "insufficient buying power"),
        ({"limit_price": 100.125}, 422, 42210000, "invalid limit_price 100.125. sub-penny increment"),
        ({"qty": 0}, 422, 40010001, "qty must be > 0"),
        ({"qty": 0.5}, 422, 42210000, "fractional orders must be DAY orders"),
        ({"symbol": "BTC/USD", "time_in_force": DAY}, 422, 42210000, "invalid crypto time_in_force"),
        ({"extended_hours": True, "time_in_force": TimeInForce.IOC}, 422, 42210000, "extended hours order must be"),
        ({"client_order_id": "x" * 129}, 422, 40010001, "client_order_id must be no more than 128 characters"),
        ({"side": SELL, "qty": 0.5, "time_in_force": DAY}, 422, 42210000, "fractional orders cannot be sold short"),
        (
            {"symbol": "BTC/USD", "side": SELL},
            403,
            40310000,
            "insufficient balance for BTC (requested: 1, available: 0)",
        ),
    ],
)
def test_orders_are_refused_in_the_venue_s_own_words(
    client: TradingClient, changes: dict[str, Any], status: int, code: int, message: str
) -> None:
    found = refused(lambda: client.submit_order(limit_order(**changes)))
    assert found[:2] == (status, code)
    assert found[2].startswith(message)


def test_a_client_id_is_unique_also_among_finished_orders(client: TradingClient) -> None:
    once = client.submit_order(limit_order(client_order_id="once"))
    client.cancel_order_by_id(once.id)
    again = refused(lambda: client.submit_order(limit_order(client_order_id="once")))
    assert again == (422, 40010001, "client_order_id must be unique")


def test_a_finished_order_is_not_cancelable_and_an_unknown_one_not_found(client: TradingClient) -> None:
    done = client.submit_order(MarketOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY))
    too_late = refused(lambda: client.cancel_order_by_id(done.id))
    assert too_late == (422, 42210000, 'order is already in "filled" state')
    replaced = refused(lambda: client.replace_order_by_id(done.id, ReplaceOrderRequest(qty=2)))
    assert replaced == (422, 42210000, "unable to replace order, order is not open")
    nobody = "00000000-0000-4000-8000-000000000000"
    assert refused(lambda: client.cancel_order_by_id(nobody)) == (404, 40410000, f"order not found for {nobody}")


def test_an_order_against_the_own_book_is_a_wash_trade(client: TradingClient) -> None:
    client.submit_order(MarketOrderRequest(symbol="AAPL", qty=5, side=BUY, time_in_force=DAY))
    client.submit_order(limit_order(side=SELL, qty=5, limit_price=151))
    found = refused(lambda: client.submit_order(limit_order(limit_price=151)))
    assert found == (403, 40310000, "potential wash trade detected. use complex orders")


# --- Streams ---------------------------------------------------------------------------------------------------------


def run_stream(stream: Any) -> threading.Thread:
    thread = threading.Thread(target=stream.run, daemon=True)
    thread.start()
    return thread


def test_trading_stream_tells_every_event_of_an_order_s_life(sim: Sim, client: TradingClient) -> None:
    seen: list[Any] = []

    async def remember(update: Any) -> None:
        seen.append(update)

    stream = TradingStream(*sim.keys, paper=True, url_override=sim.line["ws"] + "/stream")
    stream.subscribe_trade_updates(remember)
    thread = run_stream(stream)

    def connected() -> Any:
        return any(line["path"] == "/stream" for line in sim.control("/requests"))

    until(connected)
    until(lambda: bool(seen) or bool(client.submit_order(limit_order(limit_price=90)) and time.sleep(0.05)))
    client.cancel_orders()
    until(lambda: seen[-1].event == "canceled")
    seen.clear()
    old = client.submit_order(limit_order(qty=4))
    fresh = client.replace_order_by_id(old.id, ReplaceOrderRequest(limit_price=101))
    sim.control("/fill", {"order": str(fresh.id), "qty": "1", "price": "101"})
    client.cancel_order_by_id(fresh.id)
    done = client.submit_order(MarketOrderRequest(symbol="AAPL", qty=2, side=BUY, time_in_force=DAY))
    until(lambda: bool(seen) and seen[-1].order.id == done.id and seen[-1].event == "fill")

    def events(order: Any) -> Any:
        return [str(getattr(u.event, "value", u.event)) for u in seen if u.order.id == order.id]

    assert events(old) == ["pending_new", "new", "pending_replace", "replaced"]
    assert events(fresh) == ["pending_new", "new", "partial_fill", "pending_cancel", "canceled"]
    assert events(done) == ["pending_new", "new", "fill"]
    partial = next(update for update in seen if update.event == "partial_fill")
    assert (partial.price, partial.qty, partial.position_qty) == (101.0, 1.0, 1.0)
    assert len({update.execution_id for update in seen}) == len(seen)
    stream.stop()
    thread.join(timeout=10)


def test_stock_and_crypto_streams_carry_prices(sim: Sim) -> None:
    seen: list[Any] = []

    async def remember(item: Any) -> None:
        seen.append(item)

    stocks = StockDataStream(*sim.keys, url_override=sim.line["data_ws"] + "/v2/iex")
    stocks.subscribe_trades(remember, "AAPL")
    stocks.subscribe_quotes(remember, "AAPL")
    coins = CryptoDataStream(*sim.keys, url_override=sim.line["data_ws"] + "/v1beta3/crypto/us")
    coins.subscribe_quotes(remember, "BTC/USD")
    coins.subscribe_orderbooks(remember, "BTC/USD")
    threads = [run_stream(stream) for stream in (stocks, coins)]
    until(lambda: any(type(item).__name__ == "Orderbook" for item in seen))
    until(lambda: sim.price("AAPL", "151", "151.02", "151.01") or any(i.symbol == "AAPL" for i in seen))
    sim.price("AAPL", "152", "152.02", "152.01")

    def quote() -> Any:
        return any(type(i).__name__ == "Quote" and i.symbol == "AAPL" and i.bid_price == 152 for i in seen)

    def trade() -> Any:
        return any(type(i).__name__ == "Trade" and i.symbol == "AAPL" and i.price == 152.01 for i in seen)

    until(lambda: quote() and trade() and any(i.symbol == "BTC/USD" and type(i).__name__ == "Quote" for i in seen))
    for stream in (stocks, coins):
        stream.stop()
    for thread in threads:
        thread.join(timeout=10)


# --- History ---------------------------------------------------------------------------------------------------------

START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def test_stock_history_pages_over_symbols(sim: Sim) -> None:
    data = StockHistoricalDataClient(*sim.keys, url_override=sim.line["rest"])
    span = {"start": START, "end": START + timedelta(hours=1)}
    minutes = data.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols=["AAPL", "MSFT"], timeframe=TimeFrame.Minute, adjustment=Adjustment.RAW, **span
        )
    )
    assert len(minutes["AAPL"]) == len(minutes["MSFT"]) == 61
    hours = data.get_stock_bars(
        StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame(15, TimeFrameUnit.Minute), **span)
    )["AAPL"]
    assert (hours[0].open, hours[0].close) == (minutes["AAPL"][0].open, minutes["AAPL"][14].close)
    assert hours[0].high == max(bar.high for bar in minutes["AAPL"][:15])
    days = data.get_stock_bars(
        StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame.Day, start=START, end=START + timedelta(days=7))
    )["AAPL"]
    assert [bar.timestamp.hour for bar in days] == [5, 5, 5, 5, 4]  # New York's midnight, clocks go forward on Sunday
    token, pages, rows = None, 0, 0
    while pages == 0 or token:
        page = data.get(
            "/stocks/trades",
            {"symbols": "AAPL,MSFT", "start": "2026-03-02T14:30:00Z", "end": "2026-03-02T14:35:00Z", "limit": 50}
            | ({"page_token": token} if token else {}),
        )
        token, pages, rows = page["next_page_token"], pages + 1, rows + sum(map(len, page["trades"].values()))
    whole = data.get_stock_trades(
        StockTradesRequest(symbol_or_symbols=["AAPL", "MSFT"], start=START, end=START + timedelta(minutes=5))
    )
    assert pages == 3
    assert rows == len(whole["AAPL"]) + len(whole["MSFT"]) == 122
    quotes = data.get_stock_quotes(StockQuotesRequest(symbol_or_symbols="AAPL", limit=7, **span))["AAPL"]
    assert len(quotes) == 7
    assert all(quote.bid_price < quote.ask_price for quote in quotes)


def test_latest_prices_and_snapshots(sim: Sim) -> None:
    data = StockHistoricalDataClient(*sim.keys, url_override=sim.line["rest"])
    assert data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))["AAPL"].ask_price == 150.01
    assert data.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))["AAPL"].price == 150
    assert data.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))["AAPL"].symbol == "AAPL"
    assert (
        data.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols="AAPL"))["AAPL"].previous_daily_bar is not None
    )


def test_crypto_and_option_data(sim: Sim) -> None:
    coins = CryptoHistoricalDataClient(url_override=sim.line["rest"])
    span = {"start": START, "end": START + timedelta(minutes=30)}
    bars = coins.get_crypto_bars(CryptoBarsRequest(symbol_or_symbols="BTC/USD", timeframe=TimeFrame.Minute, **span))
    assert len(bars["BTC/USD"]) == 31
    assert coins.get_crypto_quotes(CryptoQuoteRequest(symbol_or_symbols="BTC/USD", limit=3, **span))["BTC/USD"]
    assert coins.get_crypto_trades(CryptoTradesRequest(symbol_or_symbols="BTC/USD", limit=3, **span))["BTC/USD"]
    book = coins.get_crypto_latest_orderbook(CryptoLatestOrderbookRequest(symbol_or_symbols="BTC/USD"))["BTC/USD"]
    assert book.bids[0].price < book.asks[0].price
    assert "BTC/USD" in coins.get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols="BTC/USD"))
    options = OptionHistoricalDataClient(*sim.keys, url_override=sim.line["rest"])
    chain = options.get_option_chain(OptionChainRequest(underlying_symbol="AAPL"))
    symbol = min(chain)
    assert chain[symbol].greeks is not None
    assert options.get_option_latest_quote(OptionLatestQuoteRequest(symbol_or_symbols=symbol))[symbol].ask_price > 0
    assert options.get_option_bars(
        OptionBarsRequest(symbol_or_symbols=symbol, timeframe=TimeFrame.Minute, limit=5, **span)
    )[symbol]
