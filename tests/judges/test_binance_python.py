"""`python-binance`, unmodified, against our simulator over TCP: REST, WebSocket API, market streams and user data."""

# The client types nothing: every answer is a plain dict or list.
# pyright: reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalSubscript=false

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("binance", reason="python-binance is not installed")

from binance import AsyncClient, BinanceSocketManager
from binance.client import Client
from binance.exceptions import BinanceAPIException
from binance.ws.reconnecting_websocket import ReconnectingWebsocket

from tests.judges.binance_process import Sim

pytestmark = [
    pytest.mark.judge,
    # The client opens its loop by `asyncio.get_event_loop` and uses the legacy client of `websockets`.
    pytest.mark.filterwarnings("ignore:There is no current event loop:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:websockets.WebSocketClientProtocol is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:remove loop argument:DeprecationWarning"),
]
BTC = "BTCUSDT"


@pytest.fixture(scope="module")
def server() -> Iterator[Sim]:
    sim = Sim()
    yield sim
    sim.close()


@pytest.fixture
def sim(server: Sim) -> Sim:
    return server.fresh()


class LocalClient(Client):
    """The client pointed at the simulator by the one knob it has."""


class LocalAsync(AsyncClient):
    """The same for its asynchronous half."""


class LocalStreams(BinanceSocketManager):
    """The same for its streams."""


@pytest.fixture
def client(sim: Sim) -> Iterator[Client]:
    LocalClient.API_URL = f"{sim.rest}/api"
    LocalClient.MARGIN_API_URL = f"{sim.rest}/sapi"
    made = LocalClient(sim.key, sim.secret)
    yield made
    made.session.close()
    made.loop.close()  # the client opens one, used or not, and leaves it
    asyncio.set_event_loop(None)


@asynccontextmanager
async def connected(sim: Sim) -> AsyncIterator[tuple[AsyncClient, BinanceSocketManager]]:
    LocalAsync.API_URL, LocalAsync.WS_API_URL = f"{sim.rest}/api", f"{sim.ws}/ws-api/v3"
    LocalStreams.STREAM_URL = f"{sim.ws}/"
    ReconnectingWebsocket.TIMEOUT = 1  # how long its reader waits before it looks whether it shall end
    made = await LocalAsync.create(sim.key, sim.secret)
    try:
        yield made, LocalStreams(made)
    finally:
        await made.close_connection()


def refused(call: Callable[[], object]) -> tuple[int, int, str]:
    with pytest.raises(BinanceAPIException) as caught:
        call()
    return caught.value.status_code, caught.value.code, caught.value.message


def limit(client: Client, **fields: Any) -> Any:
    wish = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "50000"}
    return client.create_order(**(wish | fields))


# --- The market ------------------------------------------------------------------------------------------------------


def test_times_rules_and_books(client: Client) -> None:
    client.ping()
    assert abs(client.get_server_time()["serverTime"] / 1000 - time.time()) < 60
    rules = client.get_exchange_info()
    listed = {line["symbol"] for line in rules["symbols"]}
    assert {"BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "DOGEUSDT", "ETHBTC"} <= listed
    assert {line["rateLimitType"] for line in rules["rateLimits"]} == {"REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS"}
    filters = {line["filterType"]: line for line in client.get_symbol_info(BTC)["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
    book = client.get_order_book(symbol=BTC, limit=20)
    assert (book["bids"][0][0], book["asks"][0][0]) == ("59999.00000000", "60001.00000000")
    assert len(book["bids"]) == len(book["asks"]) == 20
    bids = [Decimal(price) for price, _ in book["bids"]]
    assert bids == sorted(bids, reverse=True)


def test_trades_klines_and_tickers(client: Client) -> None:
    recent = client.get_recent_trades(symbol=BTC, limit=5)
    assert [line["id"] for line in recent] == list(range(recent[0]["id"], recent[0]["id"] + 5))
    older = client.get_historical_trades(symbol=BTC, limit=3, fromId=recent[0]["id"] - 3)
    assert [line["id"] for line in older] == [recent[0]["id"] - 3 + n for n in range(3)]
    assert client.get_aggregate_trades(symbol=BTC, limit=3)[-1]["a"] == recent[-1]["id"]
    for interval in ("1s", "1m", "15m", "1h", "1d", "1w", "1M"):
        lines = client.get_klines(symbol=BTC, interval=interval, limit=4)
        assert len(lines) == 4, interval
        for line, following in pairwise(lines):
            assert line[6] == following[0] - 1
            assert Decimal(line[3]) <= Decimal(line[1]) <= Decimal(line[2])
    history = client.get_historical_klines(BTC, "1m", "30 minutes ago UTC")
    assert 29 <= len(history) <= 31
    assert client.get_ticker(symbol=BTC)["lastPrice"] == "60000.00000000"
    assert client.get_symbol_ticker(symbol=BTC) == {"symbol": BTC, "price": "60000.00000000"}
    assert client.get_orderbook_ticker(symbol=BTC)["bidPrice"] == "59999.00000000"
    assert len(client.get_orderbook_tickers()) == 7
    assert client.get_avg_price(symbol=BTC)["price"] == "60000.00000000"


# --- The account -----------------------------------------------------------------------------------------------------


def test_the_account_and_what_its_key_may_do(client: Client) -> None:
    account = client.get_account()
    assert (account["accountType"], account["canTrade"]) == ("SPOT", True)
    assert client.get_asset_balance(asset="USDT") == {
        "asset": "USDT",
        "free": "100000.00000000",
        "locked": "0.00000000",
    }
    assert Decimal(client.get_asset_balance(asset="BTC")["free"]) > 0
    assert client.get_account_api_permissions()["enableWithdrawals"] is False
    assert client.get_system_status() == {"status": 0, "msg": "normal"}
    assert client.get_trade_fee(symbol=BTC)[0]["takerCommission"] == "0.00100000"
    assert client.get_current_order_count()[0]["count"] == 0


# --- Orders ----------------------------------------------------------------------------------------------------------


def test_a_market_order_and_its_trade(client: Client) -> None:
    placed = client.order_market_buy(symbol=BTC, quantity="0.01")
    assert (placed["status"], placed["fills"][0]["price"]) == ("FILLED", "60001.00000000")
    (trade,) = client.get_my_trades(symbol=BTC)
    assert (trade["orderId"], trade["commissionAsset"], trade["isMaker"]) == (placed["orderId"], "BTC", False)
    spent = client.order_market_sell(symbol=BTC, quoteOrderQty="300")
    assert spent["executedQty"] == "0.00500000"


def test_a_limit_order_is_found_by_both_ids_and_canceled(client: Client) -> None:
    placed = limit(client, newClientOrderId="mine-1")
    assert placed["status"] == "NEW"
    assert client.get_order(symbol=BTC, orderId=placed["orderId"])["clientOrderId"] == "mine-1"
    assert client.get_order(symbol=BTC, origClientOrderId="mine-1")["orderId"] == placed["orderId"]
    assert [o["orderId"] for o in client.get_open_orders()] == [placed["orderId"]]
    assert client.get_asset_balance(asset="USDT")["locked"] == "500.00000000"
    gone = client.cancel_order(symbol=BTC, origClientOrderId="mine-1")
    assert (gone["origClientOrderId"], gone["status"]) == ("mine-1", "CANCELED")
    assert gone["clientOrderId"] != "mine-1"
    assert client.get_open_orders(symbol=BTC) == []


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("LIMIT_MAKER", {"price": "59000"}),
        ("STOP_LOSS", {"side": "SELL", "stopPrice": "58000"}),
        ("STOP_LOSS_LIMIT", {"side": "SELL", "stopPrice": "58000", "price": "57900", "timeInForce": "GTC"}),
        ("TAKE_PROFIT", {"side": "SELL", "stopPrice": "62000"}),
        ("TAKE_PROFIT_LIMIT", {"side": "SELL", "stopPrice": "62000", "price": "62100", "timeInForce": "GTC"}),
        ("STOP_LOSS", {"side": "SELL", "trailingDelta": 100}),
        ("LIMIT", {"price": "50000", "timeInForce": "GTC", "quantity": "1", "icebergQty": "0.1"}),
    ],
)
def test_every_type_that_rests(client: Client, kind: str, fields: dict[str, Any]) -> None:
    wish = {"symbol": BTC, "side": "BUY", "type": kind, "quantity": "0.01", "newOrderRespType": "RESULT"} | fields
    placed = client.create_order(**wish)
    assert (placed["status"], placed["type"]) == ("NEW", kind)
    assert client.get_order(symbol=BTC, orderId=placed["orderId"])["isWorking"] is (kind in {"LIMIT", "LIMIT_MAKER"})
    client.create_test_order(**wish)
    assert client.cancel_all_open_orders(symbol=BTC)[0]["orderId"] == placed["orderId"]


def test_immediate_orders_end_at_once(client: Client) -> None:
    assert limit(client, timeInForce="IOC")["status"] == "EXPIRED"
    assert limit(client, timeInForce="FOK")["status"] == "EXPIRED"
    assert limit(client, timeInForce="FOK", price="60001")["status"] == "FILLED"


def test_cancel_and_replace(client: Client) -> None:
    placed = limit(client)
    wish = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.02", "price": "51000"}
    both = client.cancel_replace_order(**wish, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=placed["orderId"])
    assert (both["cancelResult"], both["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert both["newOrderResponse"]["origQty"] == "0.02000000"
    stop = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": placed["orderId"]}
    assert refused(lambda: client.cancel_replace_order(**wish, **stop))[:2] == (400, -2022)
    allow = stop | {"cancelReplaceMode": "ALLOW_FAILURE"}
    assert refused(lambda: client.cancel_replace_order(**wish, **allow))[:2] == (409, -2021)


def test_an_oco_list_lives_and_ends(client: Client, sim: Sim) -> None:
    made = client.create_oco_order(
        symbol=BTC, side="SELL", quantity="0.01", aboveType="LIMIT_MAKER", abovePrice="62000",
        belowType="STOP_LOSS_LIMIT", belowStopPrice="58000", belowPrice="57900", belowTimeInForce="GTC",
    )  # fmt: skip
    assert (made["contingencyType"], made["listOrderStatus"], len(made["orderReports"])) == ("OCO", "EXECUTING", 2)
    assert [lst["orderListId"] for lst in client.get_open_oco_orders()] == [made["orderListId"]]
    sim.price("62001", "62003", "62002")
    ends = {o["type"]: o["status"] for o in client.get_all_orders(symbol=BTC)}
    assert ends == {"LIMIT_MAKER": "FILLED", "STOP_LOSS_LIMIT": "EXPIRED"}
    assert client.get_open_oco_orders() == []


def test_histories_come_in_pages(client: Client) -> None:
    for number in range(7):
        limit(client, timeInForce="IOC", price="60001", quantity="0.001", newClientOrderId=f"page-{number}")
    orders = client.get_all_orders(symbol=BTC, limit=3)
    assert [o["clientOrderId"] for o in orders] == ["page-4", "page-5", "page-6"]
    first = client.get_all_orders(symbol=BTC, limit=1, startTime=0)[0]["orderId"]
    seen: list[str] = []
    while page := client.get_all_orders(symbol=BTC, limit=2, orderId=first):
        seen += [o["clientOrderId"] for o in page]
        first = page[-1]["orderId"] + 1
    assert seen == [f"page-{n}" for n in range(7)]
    trades = client.get_my_trades(symbol=BTC, limit=4)
    later = client.get_my_trades(symbol=BTC, fromId=trades[1]["id"], limit=10)
    assert [t["id"] for t in later] == [t["id"] for t in trades[1:]]


def test_refusals_carry_code_and_text(client: Client) -> None:
    assert refused(lambda: limit(client, quantity="3")) == (
        400, -2010, "Account has insufficient balance for requested action.",
    )  # fmt: skip
    assert refused(lambda: limit(client, price="50000.001")) == (400, -1013, "Filter failure: PRICE_FILTER")
    assert refused(lambda: limit(client, symbol="NOPEUSDT")) == (400, -1121, "Invalid symbol.")
    assert refused(lambda: client.get_order(symbol=BTC, orderId=1)) == (400, -2013, "Order does not exist.")
    assert refused(lambda: client.cancel_order(symbol=BTC, orderId=1)) == (400, -2011, "Unknown order sent.")
    assert refused(lambda: client.cancel_all_open_orders(symbol=BTC))[1] == -2011
    stranger = LocalClient("A" * 64, "nothing")
    assert refused(stranger.get_account)[:2] == (401, -2015)
    thief = LocalClient(client.API_KEY, "wrong")
    assert refused(thief.get_account)[:2] == (400, -1022)
    for made in (stranger, thief):
        made.session.close()  # their loop is the first client's


# --- Sockets ---------------------------------------------------------------------------------------------------------


async def heard(stream: Any, count: int, what: Callable[[Any], bool] = lambda _: True) -> list[Any]:
    """The next messages of a stream that are so, within ten seconds."""
    found: list[Any] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            message = await stream.recv()
            if what(message):
                found.append(message)
    return found


@pytest.mark.asyncio
async def test_market_streams(sim: Sim) -> None:
    async with connected(sim) as (_, streams):
        async with streams.trade_socket("ETHUSDT") as trades:
            first, second = await heard(trades, 2)
            assert (first["e"], first["s"], second["t"]) == ("trade", "ETHUSDT", first["t"] + 1)
        async with streams.multiplex_socket(["ethusdt@bookTicker", "ethusdt@kline_1m", "ethusdt@miniTicker"]) as many:
            found = {message["stream"]: message["data"] for message in await heard(many, 12)}
            assert found["ethusdt@bookTicker"]["s"] == "ETHUSDT"
            assert found["ethusdt@kline_1m"]["k"]["i"] == "1m"
            assert found["ethusdt@miniTicker"]["e"] == "24hrMiniTicker"


@pytest.mark.asyncio
async def test_a_book_kept_from_diffs_is_the_books_own(sim: Sim) -> None:
    async with connected(sim) as (client, streams), streams.depth_socket("ETHUSDT", interval=100) as diffs:
        await heard(diffs, 1)
        whole = await client.get_order_book(symbol="ETHUSDT", limit=5000)
        bids, last = dict(whole["bids"]), whole["lastUpdateId"]
        changes = await heard(diffs, 8, lambda message: message["u"] > whole["lastUpdateId"])
        again = await client.get_order_book(symbol="ETHUSDT", limit=5000)
        while changes[-1]["u"] < again["lastUpdateId"]:
            changes += await heard(diffs, 1)
        for change in changes:
            if change["u"] <= again["lastUpdateId"]:
                assert change["U"] <= last + 1
                last = change["u"]
                bids.update(change["b"])
        assert last == again["lastUpdateId"]
        assert {price: size for price, size in bids.items() if Decimal(size)} == dict(again["bids"])


@pytest.mark.asyncio
async def test_user_data_tells_a_whole_order_life(sim: Sim) -> None:
    async with connected(sim) as (client, streams), streams.user_socket() as user:
        placed = await client.create_order(
            symbol=BTC, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.02", price="50000",
            newClientOrderId="life-1",
        )  # fmt: skip
        sim.control("/fill", {"order": "life-1", "qty": "0.005", "price": "50000"})
        await client.cancel_order(symbol=BTC, orderId=placed["orderId"], newClientOrderId="cancel-1")
        reports = await heard(user, 3, lambda event: event["e"] == "executionReport")
        assert [(r["x"], r["X"]) for r in reports] == [
            ("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("CANCELED", "CANCELED"),
        ]  # fmt: skip
        assert (reports[2]["c"], reports[2]["C"], reports[2]["z"]) == ("cancel-1", "life-1", "0.00500000")
        (money,) = await heard(user, 1, lambda event: event["e"] == "outboundAccountPosition")
        assert {line["a"] for line in money["B"]} == {"BTC", "USDT"}


@pytest.mark.asyncio
async def test_orders_over_the_websocket_api(sim: Sim) -> None:
    async with connected(sim) as (client, _):
        placed = await client.ws_order_limit_buy(symbol=BTC, quantity="0.01", price="50000", newClientOrderId="ws-1")
        assert placed["status"] == "NEW"
        seen = await client.ws_get_order(symbol=BTC, origClientOrderId="ws-1")
        assert seen["orderId"] == placed["orderId"]
        both = await client.ws_cancel_and_replace_order(
            symbol=BTC, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="51000",
            cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=placed["orderId"], newClientOrderId="ws-2",
        )  # fmt: skip
        assert both["newOrderResult"] == "SUCCESS"
        gone = await client.ws_cancel_order(symbol=BTC, origClientOrderId="ws-2")
        assert (gone["status"], gone["origClientOrderId"]) == ("CANCELED", "ws-2")
        assert (await client.ws_order_market_buy(symbol=BTC, quantity="0.01"))["status"] == "FILLED"
        assert len(await client.ws_get_my_trades(symbol=BTC)) == 1
        assert [o["status"] for o in await client.ws_get_all_orders(symbol=BTC)] == ["CANCELED", "CANCELED", "FILLED"]
        assert (await client.ws_get_account())["canTrade"] is True
        with pytest.raises(BinanceAPIException) as caught:
            await client.ws_order_limit_buy(symbol=BTC, quantity="3", price="50000")
        assert (caught.value.status_code, caught.value.code) == (400, -2010)


@pytest.mark.asyncio
async def test_lists_over_the_websocket_api(sim: Sim) -> None:
    async with connected(sim) as (client, _):
        made = await client.ws_create_otoco_order(
            symbol=BTC, workingType="LIMIT", workingSide="BUY", workingPrice="59000", workingQuantity="0.01",
            workingTimeInForce="GTC", pendingSide="SELL", pendingQuantity="0.01", pendingAboveType="LIMIT_MAKER",
            pendingAbovePrice="63000", pendingBelowType="STOP_LOSS", pendingBelowStopPrice="57000",
        )  # fmt: skip
        assert [r["status"] for r in made["orderReports"]] == ["NEW", "PENDING_NEW", "PENDING_NEW"]
        sim.price("58999", "59000", "59000")
        open_orders = await client.ws_get_open_orders(symbol=BTC)
        assert {o["type"]: o["status"] for o in open_orders} == {"LIMIT_MAKER": "NEW", "STOP_LOSS": "NEW"}
        gone = await client.ws_cancel_oco_order(symbol=BTC, orderListId=made["orderListId"])
        assert gone["listOrderStatus"] == "ALL_DONE"


@pytest.mark.asyncio
async def test_market_data_over_the_websocket_api(sim: Sim) -> None:
    async with connected(sim) as (client, _):
        assert (await client.ws_get_order_book(symbol=BTC, limit=5))["bids"][0][0] == "59999.00000000"
        assert len(await client.ws_get_klines(symbol=BTC, interval="1m", limit=3)) == 3
        assert (await client.ws_get_symbol_ticker(symbol=BTC))["price"] == "60000.00000000"
        assert "serverTime" in await client.ws_get_time()
        assert len((await client.ws_get_exchange_info())["symbols"]) == 7
