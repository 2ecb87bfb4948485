"""The venue's own client, unmodified but for its addresses, against our simulator over TCP."""

# The client types every answer as one of three things, told apart by how it was made.
# pyright: reportCallIssue=false, reportArgumentType=false, reportAttributeAccessIssue=false, reportIndexIssue=false

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.client import HTTPConnection
from typing import Any

import pytest

pytest.importorskip("pybit", reason="pybit is not installed")

import pybit._websocket_trading as trading_module
from pybit import unified_trading
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading

pytestmark = pytest.mark.judge
LINEAR, SPOT = "linear", "spot"


class Sim:
    """One simulator process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "floorbroker_sim", "bybit", "--rate", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line: dict[str, Any] = json.loads(self.process.stdout.readline())
        credentials = self.line["credentials"]
        self.keys = {"api_key": credentials["BROKER_API_KEY"], "api_secret": credentials["BROKER_SECRET_KEY"]}

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

    def http(self, **changes: Any) -> HTTP:
        session = HTTP(**{"testnet": False, **self.keys, **changes})
        session.endpoint = self.line["rest"]
        return session

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
def sim(server: Sim, monkeypatch: pytest.MonkeyPatch) -> Sim:
    """Prices set by hand; frames take 20 ms, since the client writes down what it waits for after it has asked."""
    server.control("/reset", {})
    server.price("BTC/USDT", "60000", "60000.1", "60000")
    server.price("BTC/USDT:USDT", "60010", "60010.1", "60010")
    server.control("/faults", {"faults": [{"where": "stream", "what": "delay", "args": {"seconds": 0.02}}]})
    monkeypatch.setattr(unified_trading, "PUBLIC_WSS", server.line["data_ws"] + "/v5/public/{CHANNEL_TYPE}")
    monkeypatch.setattr(unified_trading, "PRIVATE_WSS", server.line["ws"] + "/v5/private")
    monkeypatch.setattr(trading_module, "TRADE_WSS", server.line["ws"] + "/v5/trade")
    return server


@pytest.fixture
def client(sim: Sim) -> HTTP:
    return sim.http()


def until(condition: Callable[[], bool]) -> None:
    """Wait for a stream thread of the client, ten seconds at most."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within ten seconds")


def refused(call: Callable[[], object]) -> int:
    with pytest.raises(InvalidRequestError) as caught:
        call()
    return caught.value.status_code


def order(category: str = LINEAR, **changes: Any) -> dict[str, Any]:
    """A limit buy that rests, changed by `changes`; None drops a member."""
    base: dict[str, Any] = {
        "category": category, "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "59000",
        "timeInForce": "GTC",
    }  # fmt: skip
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def one(answer: Any) -> Any:
    (item,) = answer["result"]["list"]
    return item


def closed(client: HTTP, placed: Any, category: str = LINEAR) -> Any:
    return one(client.get_order_history(category=category, orderId=placed["result"]["orderId"]))


def coins(client: HTTP) -> dict[str, Decimal]:
    (account,) = client.get_wallet_balance(accountType="UNIFIED")["result"]["list"]
    return {coin["coin"]: Decimal(coin["walletBalance"]) for coin in account["coin"]}


# --- Account and market ----------------------------------------------------------------------------------------------


def test_the_account_has_money_and_the_key_may_trade(client: HTTP) -> None:
    assert coins(client)["USDT"] == Decimal(100_000)
    assert client.get_account_info()["result"]["unifiedMarginStatus"] == 5
    key = client.get_api_key_information()["result"]
    assert (key["readOnly"], key["uta"], key["permissions"]["Wallet"]) == (0, 1, [])
    assert one(client.get_fee_rates(category=SPOT, symbol="BTCUSDT"))["takerFeeRate"] == "0.001"
    assert one(client.get_fee_rates(category=LINEAR, symbol="BTCUSDT"))["takerFeeRate"] == "0.00055"
    rows = client.get_coin_info()["result"]["rows"]
    assert {row["coin"] for row in rows} == set(coins(client))
    spare = client.get_coin_balance(accountType="UNIFIED", coin="BTC")["result"]["balance"]
    assert spare["walletBalance"] == "1"
    assert len(client.get_coins_balance(accountType="FUND")["result"]["balance"]) == len(rows)


def test_instruments_come_with_their_rules(client: HTTP) -> None:
    spot = client.get_instruments_info(category=SPOT)["result"]["list"]
    assert [item["symbol"] for item in spot] == ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT"]
    assert spot[0]["lotSizeFilter"]["basePrecision"] == "0.000001"
    first = client.get_instruments_info(category=LINEAR, limit=3)["result"]
    rest = client.get_instruments_info(category=LINEAR, limit=3, cursor=first["nextPageCursor"])["result"]
    assert [i["symbol"] for i in (*first["list"], *rest["list"])] == ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"]
    assert rest["nextPageCursor"] == ""
    assert first["list"][0]["priceFilter"]["tickSize"] == "0.1"
    assert client.get_instruments_info(category="option", baseCoin="BTC")["result"]["list"] == []
    assert one(client.get_risk_limit(category=LINEAR, symbol="BTCUSDT"))["maxLeverage"] == "100.00"


def test_market_data_has_the_price_that_was_set(client: HTTP) -> None:
    shown = one(client.get_tickers(category=LINEAR, symbol="BTCUSDT"))
    assert (shown["bid1Price"], shown["ask1Price"], shown["lastPrice"]) == ("60010.0", "60010.1", "60010.0")
    assert shown["indexPrice"] == "60000.0"
    book = client.get_orderbook(category=SPOT, symbol="BTCUSDT", limit=200)["result"]
    assert (book["b"][0][0], book["a"][0][0]) == ("60000.0", "60000.1")
    assert (len(book["b"]), len(book["a"])) == (200, 200)
    bids = [Decimal(price) for price, _ in book["b"]]
    assert bids == sorted(set(bids), reverse=True)
    bars = client.get_kline(category=LINEAR, symbol="ETHUSDT", interval=15, limit=5)["result"]["list"]
    starts = [int(bar[0]) for bar in bars]
    assert starts == sorted(starts, reverse=True)
    assert all(Decimal(bar[3]) <= Decimal(bar[1]) <= Decimal(bar[2]) for bar in bars)
    trades = client.get_public_trade_history(category=SPOT, symbol="ETHUSDT", limit=10)["result"]["list"]
    assert len({trade["execId"] for trade in trades}) == 10
    rates = client.get_funding_rate_history(category=LINEAR, symbol="BTCUSDT", limit=3)["result"]["list"]
    assert int(rates[0]["fundingRateTimestamp"]) - int(rates[1]["fundingRateTimestamp"]) == 8 * 3_600_000
    limits = client.get_price_limit(category=LINEAR, symbol="BTCUSDT")["result"]
    assert Decimal(limits["sellLmt"]) < 60010 < Decimal(limits["buyLmt"])
    assert abs(int(client.get_server_time()["time"]) - time.time() * 1000) < 5000


# --- Spot orders -----------------------------------------------------------------------------------------------------


def test_a_market_buy_of_a_pair_spends_quote_and_pays_in_coins(client: HTTP) -> None:
    placed = client.place_order(**order(SPOT, orderType="Market", qty="3000", price=None))
    done = closed(client, placed, SPOT)
    assert (done["orderStatus"], done["cumExecQty"], done["marketUnit"]) == ("Filled", "0.049999", "quoteCoin")
    (fill,) = client.get_executions(category=SPOT, orderId=done["orderId"])["result"]["list"]
    assert (fill["feeCurrency"], fill["execFee"], fill["isMaker"]) == ("BTC", "0.000049999", False)
    after = coins(client)
    assert after["BTC"] == Decimal("1.049999") - Decimal("0.000049999")
    assert after["USDT"] == 100_000 - Decimal(done["cumExecValue"])


def test_a_market_sell_counts_coins_and_pays_in_quote(client: HTTP) -> None:
    sold = client.place_order(**order(SPOT, side="Sell", orderType="Market", qty="0.5", price=None))
    assert closed(client, sold, SPOT)["avgPrice"] == "60000"
    assert coins(client)["USDT"] == 100_000 + 30_000 - 30
    in_coins = client.place_order(
        **order(SPOT, orderType="Market", qty="0.25", price=None, marketUnit="baseCoin")
    )  # fmt: skip
    assert closed(client, in_coins, SPOT)["cumExecQty"] == "0.250000"


def test_a_resting_spot_order_holds_money_until_it_is_canceled(client: HTTP) -> None:
    placed = client.place_order(**order(SPOT, orderLinkId="rest-1"))
    assert placed["result"]["orderId"].isdigit()
    (account,) = client.get_wallet_balance(accountType="UNIFIED", coin="USDT")["result"]["list"]
    assert account["coin"][0]["locked"] == "590"
    client.amend_order(category=SPOT, symbol="BTCUSDT", orderLinkId="rest-1", price="58000", qty="0.02")
    shown = one(client.get_open_orders(category=SPOT, symbol="BTCUSDT"))
    assert (shown["price"], shown["qty"], shown["orderStatus"]) == ("58000", "0.020000", "New")
    client.cancel_order(category=SPOT, symbol="BTCUSDT", orderLinkId="rest-1")
    done = closed(client, placed, SPOT)
    assert (done["orderStatus"], done["cancelType"]) == ("Cancelled", "CancelByUser")
    (account,) = client.get_wallet_balance(accountType="UNIFIED", coin="USDT")["result"]["list"]
    assert account["coin"][0]["locked"] == "0"


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"timeInForce": "PostOnly", "price": "60000.1"}, "Cancelled", "EC_PostOnlyWillTakeLiquidity"),
        ({"timeInForce": "FOK"}, "Cancelled", "EC_NoEnoughQtyToFill"),
        ({"timeInForce": "IOC"}, "Cancelled", "EC_NoImmediateQtyToFill"),
        ({"timeInForce": "IOC", "price": "60000.1"}, "Filled", "EC_NoError"),
        ({"timeInForce": "FOK", "price": "60000.1"}, "Filled", "EC_NoError"),
    ],
)
def test_times_in_force_of_pairs(client: HTTP, changes: dict[str, Any], status: str, reason: str) -> None:
    done = closed(client, client.place_order(**order(SPOT, **changes)), SPOT)
    assert (done["orderStatus"], done["rejectReason"]) == (status, reason)


def test_conditional_orders_of_pairs(client: HTTP, sim: Sim) -> None:
    stop = order(SPOT, side="Sell", orderType="Market", price=None, triggerPrice="59500", orderFilter="tpslOrder")
    placed = client.place_order(**stop)
    later = client.place_order(**order(SPOT, price="60600", triggerPrice="60500", orderFilter="StopOrder"))
    waiting = client.get_open_orders(category=SPOT, symbol="BTCUSDT", orderFilter="tpslOrder")
    assert (one(waiting)["orderStatus"], one(waiting)["triggerPrice"]) == ("Untriggered", "59500")
    client.cancel_order(
        category=SPOT, symbol="BTCUSDT", orderId=later["result"]["orderId"], orderFilter="StopOrder"
    )  # fmt: skip
    assert closed(client, later, SPOT)["orderStatus"] == "Deactivated"
    sim.price("BTC/USDT", "59499", "59499.1", "59499")
    assert closed(client, placed, SPOT)["orderStatus"] == "Filled"


def test_exits_of_a_spot_entry_end_each_other(client: HTTP, sim: Sim) -> None:
    entry = order(SPOT, price="60000.1", takeProfit="61000", stopLoss="59000", qty="0.1")
    client.place_order(**entry)
    pair = client.get_open_orders(category=SPOT, symbol="BTCUSDT", orderFilter="tpslOrder")["result"]["list"]
    assert sorted(exit_["triggerPrice"] for exit_ in pair) == ["59000", "61000"]
    assert {exit_["qty"] for exit_ in pair} == {"0.099900"}
    sim.price("BTC/USDT", "61000", "61000.1", "61000")
    assert client.get_open_orders(category=SPOT)["result"]["list"] == []
    ended = {line["triggerPrice"]: line for line in client.get_order_history(category=SPOT)["result"]["list"]}
    assert (ended["61000"]["orderStatus"], ended["59000"]["orderStatus"]) == ("Filled", "Deactivated")
    assert ended["59000"]["cancelType"] == "CancelByOCOSlCanceledByTpTriggered"


# --- Contracts -------------------------------------------------------------------------------------------------------


def test_a_long_and_its_end(client: HTTP, sim: Sim) -> None:
    client.place_order(**order(orderType="Market", price=None, qty="0.1"))
    held = one(client.get_positions(category=LINEAR, symbol="BTCUSDT"))
    assert (held["side"], held["size"], held["avgPrice"]) == ("Buy", "0.100", "60010.1")
    sim.price("BTC/USDT:USDT", "60110", "60110.1", "60110")
    assert one(client.get_positions(category=LINEAR, settleCoin="USDT"))["unrealisedPnl"] == "9.99"
    client.place_order(**order(side="Sell", orderType="Market", price=None, qty="0.1", reduceOnly=True))
    flat = one(client.get_positions(category=LINEAR, symbol="BTCUSDT"))
    assert (flat["side"], flat["size"]) == ("", "0.000")
    result = one(client.get_closed_pnl(category=LINEAR))
    fees = Decimal("0.00055") * (Decimal("6001.01") + Decimal(6011))
    assert Decimal(result["closedPnl"]) == Decimal("9.99") - fees
    assert coins(client)["USDT"] == 100_000 + Decimal("9.99") - fees
    lines = client.get_transaction_log(category=LINEAR, currency="USDT")["result"]["list"]
    assert sum(Decimal(line["change"]) for line in lines) == Decimal("9.99") - fees


def test_one_order_turns_a_long_into_a_short(client: HTTP) -> None:
    client.place_order(**order(orderType="Market", price=None, qty="0.1"))
    client.place_order(**order(side="Sell", orderType="Market", price=None, qty="0.3"))
    held = one(client.get_positions(category=LINEAR, symbol="BTCUSDT"))
    assert (held["side"], held["size"], held["avgPrice"]) == ("Sell", "0.200", "60010")
    fills = client.get_executions(category=LINEAR, symbol="BTCUSDT")["result"]["list"]
    assert [(fill["execQty"], fill["closedSize"]) for fill in fills] == [("0.300", "0.100"), ("0.100", "0.000")]


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"timeInForce": "PostOnly", "price": "60010.1"}, "Cancelled", "EC_PostOnlyWillTakeLiquidity"),
        ({"timeInForce": "FOK"}, "Cancelled", "EC_NoEnoughQtyToFill"),
        ({"timeInForce": "IOC"}, "Cancelled", "EC_NoImmediateQtyToFill"),
        ({"price": "62000"}, "Rejected", "EC_ReachRiskPriceLimit"),
        ({"price": "60010.1"}, "Filled", "EC_NoError"),
    ],
)
def test_times_in_force_and_bands_of_contracts(client: HTTP, changes: dict[str, Any], status: str, reason: str) -> None:
    placed = client.place_order(**order(**changes))
    done = closed(client, placed)
    assert (done["orderStatus"], done["rejectReason"]) == (status, reason)
    assert one(client.get_open_orders(category=LINEAR, symbol="BTCUSDT", openOnly=1))["orderId"] == done["orderId"]


def test_conditional_orders_of_contracts(client: HTTP, sim: Sim) -> None:
    rise = order(orderType="Market", price=None, triggerPrice="60200", triggerDirection=1, triggerBy="LastPrice")
    placed = client.place_order(**rise)
    fall = client.place_order(**order(price="59500", triggerPrice="59600", triggerDirection=2, triggerBy="IndexPrice"))
    assert refused(lambda: client.place_order(**rise | {"triggerPrice": "60000"})) == 110092
    client.amend_order(category=LINEAR, symbol="BTCUSDT", orderId=placed["result"]["orderId"], triggerPrice="60100")
    sim.price("BTC/USDT:USDT", "60100", "60100.1", "60100")
    done = closed(client, placed)
    assert (done["orderStatus"], done["triggerPrice"], done["stopOrderType"]) == ("Filled", "60100", "Stop")
    sim.price("BTC/USDT", "59600", "59600.1", "59600")
    shown = one(client.get_open_orders(category=LINEAR, symbol="BTCUSDT"))
    assert (shown["orderId"], shown["orderStatus"]) == (fall["result"]["orderId"], "New")


def test_exits_of_an_entry_and_of_a_position(client: HTTP, sim: Sim) -> None:
    client.place_order(**order(orderType="Market", price=None, qty="0.1", takeProfit="61000", stopLoss="59000"))
    held = one(client.get_positions(category=LINEAR, symbol="BTCUSDT"))
    assert (held["takeProfit"], held["stopLoss"]) == ("61000", "59000")
    move = {"category": LINEAR, "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 0}
    client.set_trading_stop(**move, stopLoss="59500", takeProfit="0")
    assert refused(lambda: client.set_trading_stop(**move, stopLoss="59500")) == 34040
    waiting = one(client.get_open_orders(category=LINEAR, symbol="BTCUSDT"))
    assert (waiting["stopOrderType"], waiting["orderStatus"], waiting["reduceOnly"]) == (
        "StopLoss",
        "Untriggered",
        True,
    )
    sim.price("BTC/USDT:USDT", "59400", "59400.1", "59400")
    assert one(client.get_positions(category=LINEAR, symbol="BTCUSDT"))["size"] == "0.000"
    assert client.get_open_orders(category=LINEAR, symbol="BTCUSDT")["result"]["list"] == []


def test_a_trailing_stop_follows_and_partial_exits_pair(client: HTTP, sim: Sim) -> None:
    client.place_order(**order(orderType="Market", price=None, qty="0.2"))
    stop = {"category": LINEAR, "symbol": "BTCUSDT", "positionIdx": 0}
    client.set_trading_stop(
        **stop, tpslMode="Partial", takeProfit="60500", stopLoss="59000", tpSize="0.1", slSize="0.1"
    )
    kinds = {o["stopOrderType"] for o in client.get_open_orders(category=LINEAR, symbol="BTCUSDT")["result"]["list"]}
    assert kinds == {"PartialTakeProfit", "PartialStopLoss"}
    sim.price("BTC/USDT:USDT", "60500", "60500.1", "60500")
    assert one(client.get_positions(category=LINEAR, symbol="BTCUSDT"))["size"] == "0.100"
    client.set_trading_stop(**stop, tpslMode="Full", trailingStop="200")
    sim.price("BTC/USDT:USDT", "60800", "60800.1", "60800")
    sim.price("BTC/USDT:USDT", "60601", "60601.1", "60601")
    assert one(client.get_positions(category=LINEAR, symbol="BTCUSDT"))["size"] == "0.100"
    sim.price("BTC/USDT:USDT", "60600", "60600.1", "60600")
    assert one(client.get_positions(category=LINEAR, symbol="BTCUSDT"))["size"] == "0.000"


def test_hedge_mode_holds_both_sides(client: HTTP) -> None:
    client.switch_position_mode(category=LINEAR, symbol="BTCUSDT", mode=3)
    assert refused(lambda: client.switch_position_mode(category=LINEAR, symbol="BTCUSDT", mode=3)) == 110025
    assert refused(lambda: client.place_order(**order())) == 10001
    client.place_order(**order(orderType="Market", price=None, qty="0.1", positionIdx=1))
    client.place_order(**order(side="Sell", orderType="Market", price=None, qty="0.2", positionIdx=2))
    held = client.get_positions(category=LINEAR, symbol="BTCUSDT")["result"]["list"]
    assert [(p["positionIdx"], p["side"], p["size"]) for p in held] == [(1, "Buy", "0.100"), (2, "Sell", "0.200")]
    client.place_order(
        **order(orderType="Market", price=None, qty="0", positionIdx=2, reduceOnly=True, closeOnTrigger=True)
    )
    held = client.get_positions(category=LINEAR, symbol="BTCUSDT")["result"]["list"]
    assert [p["size"] for p in held] == ["0.100", "0.000"]


def test_leverage_decides_what_an_order_ties_up(client: HTTP) -> None:
    assert refused(lambda: client.place_order(**order(price="60000", qty="20"))) == 110007
    client.set_leverage(category=LINEAR, symbol="BTCUSDT", buyLeverage="50", sellLeverage="50")
    assert refused(
        lambda: client.set_leverage(category=LINEAR, symbol="BTCUSDT", buyLeverage="50", sellLeverage="50")
    ) == 110043  # fmt: skip
    client.place_order(**order(price="60000", qty="20"))
    (account,) = client.get_wallet_balance(accountType="UNIFIED")["result"]["list"]
    assert account["totalInitialMargin"] == "24000"


def test_cancels_amends_and_batches(client: HTTP) -> None:
    resting = [
        {
            name: value
            for name, value in order(price=str(59_000 + n), orderLinkId=f"b-{n}").items()
            if name != "category"
        }
        for n in range(3)
    ]
    bad = dict(resting[0], qty="0.0001", orderLinkId="b-bad")
    made = client.place_batch_order(category=LINEAR, request=[*resting, bad])
    assert [line["orderLinkId"] for line in made["result"]["list"]] == ["b-0", "b-1", "b-2", "b-bad"]
    assert [line["code"] for line in made["retExtInfo"]["list"]] == [0, 0, 0, 10001]
    changed = client.amend_batch_order(
        category=LINEAR, request=[{"symbol": "BTCUSDT", "orderLinkId": f"b-{n}", "qty": "0.02"} for n in (0, 9)]
    )
    assert [line["code"] for line in changed["retExtInfo"]["list"]] == [0, 110001]
    gone = client.cancel_batch_order(category=LINEAR, request=[{"symbol": "BTCUSDT", "orderLinkId": "b-0"}])
    assert gone["result"]["list"][0]["orderLinkId"] == "b-0"
    canceled = client.cancel_all_orders(category=LINEAR, settleCoin="USDT")["result"]
    assert (len(canceled["list"]), canceled["success"]) == (2, "1")
    assert client.get_open_orders(category=LINEAR, settleCoin="USDT")["result"]["list"] == []


def test_histories_page_backwards(client: HTTP) -> None:
    for number in range(5):
        client.place_order(**order(orderType="Market", price=None, orderLinkId=f"p-{number}"))
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = client.get_order_history(category=LINEAR, limit=2, cursor=cursor or None)["result"]
        seen += [line["orderLinkId"] for line in page["list"]]
        cursor = page["nextPageCursor"]
    assert (seen, cursor) == (["p-4", "p-3", "p-2", "p-1", "p-0"], "")
    first = client.get_executions(category=LINEAR, limit=3)["result"]
    rest = client.get_executions(category=LINEAR, limit=3, cursor=first["nextPageCursor"])["result"]
    assert len({fill["execId"] for fill in (*first["list"], *rest["list"])}) == 5
    pages = client.get_transaction_log(limit=3)["result"]
    assert pages["nextPageCursor"]


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "NOPEUSDT"}, 10001),
        ({"qty": "0.0015"}, 10001),
        ({"price": "59000.05"}, 10001),
        ({"qty": "0.001", "price": "100"}, 110094),
        ({"price": "3000000"}, 110003),
        ({"side": "Sell", "reduceOnly": True}, 110017),
        ({"orderLinkId": "x" * 37}, 10001),
        ({"positionIdx": 1}, 10001),
        ({"category": SPOT, "symbol": "NOPEUSDT"}, 170121),
        ({"category": SPOT, "qty": "2"}, 170131),
        ({"category": SPOT, "side": "Sell", "qty": "2", "price": "61000"}, 170131),
        ({"category": SPOT, "qty": "0.0000005"}, 170137),
        ({"category": SPOT, "price": "59000.05"}, 170134),
        ({"category": SPOT, "qty": "0.00001"}, 170136),
        ({"category": SPOT, "qty": "0.00002"}, 170140),
        ({"category": SPOT, "price": "66000"}, 170193),
        ({"category": SPOT, "side": "Sell", "price": "50000"}, 170194),
    ],
)
def test_orders_are_refused_with_the_venue_s_codes(client: HTTP, changes: dict[str, Any], code: int) -> None:
    assert refused(lambda: client.place_order(**order(**changes))) == code


def test_what_is_gone_is_not_found_and_names_are_used_once(client: HTTP) -> None:
    for category, missing, again in ((LINEAR, 110001, 110072), (SPOT, 170213, 170141)):
        client.place_order(**order(category, orderLinkId="once"))
        assert refused(lambda category=category: client.place_order(**order(category, orderLinkId="once"))) == again
        client.cancel_order(category=category, symbol="BTCUSDT", orderLinkId="once")
        gone = {"category": category, "symbol": "BTCUSDT", "orderLinkId": "once"}
        assert refused(lambda gone=gone: client.cancel_order(**gone)) == missing
        assert refused(lambda gone=gone: client.amend_order(**gone, qty="0.02")) == missing


def test_wrong_keys_signs_and_times_are_told(sim: Sim) -> None:
    assert refused(sim.http(api_key="nobody").get_account_info) == 10003
    assert refused(sim.http(api_secret="nothing").get_account_info) == 10004
    slow = sim.http(recv_window=-60_000, retry_codes={1}, max_retries=1)
    assert refused(slow.get_account_info) == 10001


def test_a_flood_is_turned_away_without_json(sim: Sim) -> None:
    sim.control("/faults", {"faults": [{"where": "request", "what": "ban"}]})
    with pytest.raises(FailedRequestError) as caught:
        sim.http().get_account_info()
    assert caught.value.status_code == 403


# --- Streams ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def private(sim: Sim) -> Iterator[tuple[WebSocket, dict[str, list[Any]]]]:
    socket = WebSocket(testnet=False, channel_type="private", **sim.keys)
    heard: dict[str, list[Any]] = {"order": [], "execution": [], "position": [], "wallet": []}
    for topic, subscribe in (
        ("order", socket.order_stream), ("execution", socket.execution_stream),
        ("position", socket.position_stream), ("wallet", socket.wallet_stream),
    ):  # fmt: skip
        subscribe(lambda message, topic=topic: heard[topic].extend(message["data"]))
    yield socket, heard
    socket.exit()


Private = tuple[WebSocket, dict[str, list[Any]]]


def test_a_contract_order_s_life_on_the_private_stream(client: HTTP, sim: Sim, private: Private) -> None:
    _, heard = private
    placed = client.place_order(**order(price="59990", qty="0.02", orderLinkId="life"))
    sim.control("/fill", {"order": "life", "qty": "0.005", "price": "59990"})
    sim.price("BTC/USDT:USDT", "59980", "59980.1", "59980")
    until(lambda: bool(heard["order"]) and heard["order"][-1]["orderStatus"] == "Filled")
    assert [line["orderStatus"] for line in heard["order"]] == ["New", "PartiallyFilled", "Filled"]
    assert {line["orderId"] for line in heard["order"]} == {placed["result"]["orderId"]}
    assert heard["order"][-1]["category"] == LINEAR
    until(lambda: len(heard["execution"]) == 2 and bool(heard["wallet"]))
    assert [fill["execQty"] for fill in heard["execution"]] == ["0.005", "0.015"]
    assert heard["execution"][1]["isMaker"] is True
    until(lambda: bool(heard["position"]) and heard["position"][-1]["size"] == "0.020")
    assert heard["position"][-1]["entryPrice"] == "59990"


def test_a_spot_order_s_life_on_the_private_stream(client: HTTP, private: Private) -> None:
    _, heard = private
    client.place_order(**order(SPOT, orderLinkId="gone"))
    client.cancel_order(category=SPOT, symbol="BTCUSDT", orderLinkId="gone")
    client.place_order(**order(SPOT, orderType="Market", price=None, qty="600"))
    client.place_order(**order(SPOT, timeInForce="PostOnly", price="60000.1"))
    until(lambda: len(heard["order"]) >= 4 and bool(heard["wallet"]))
    assert [line["orderStatus"] for line in heard["order"]] == ["New", "Cancelled", "Filled", "Cancelled"]
    assert heard["order"][-1]["rejectReason"] == "EC_PostOnlyWillTakeLiquidity"
    assert "createType" not in heard["order"][0]
    assert heard["position"] == []
    assert {coin["coin"] for wallet in heard["wallet"] for coin in wallet["coin"]} == {"BTC", "USDT"}


def test_a_cancel_that_crosses_a_fill_is_told_twice(client: HTTP, sim: Sim, private: Private) -> None:
    _, heard = private
    client.place_order(**order(orderLinkId="cross"))
    sim.control("/cross", {"order": "cross", "price": "59000"})
    client.cancel_order(category=LINEAR, symbol="BTCUSDT", orderLinkId="cross")
    until(lambda: len(heard["order"]) >= 3)
    told = [(line["orderStatus"], line["cancelType"], line["rejectReason"]) for line in heard["order"]]
    assert told == [
        ("New", "UNKNOWN", "EC_NoError"),
        ("Filled", "UNKNOWN", "EC_NoError"),
        ("Filled", "CancelByUser", "EC_OrigClOrdIDDoesNotExist"),
    ]


def test_fast_executions_are_told_by_category(client: HTTP, sim: Sim) -> None:
    socket = WebSocket(testnet=False, channel_type="private", **sim.keys)
    heard: list[Any] = []
    try:
        socket.fast_execution_stream(lambda message: heard.extend(message["data"]), "linear")
        client.place_order(**order(orderType="Market", price=None, orderLinkId="fast"))
        until(lambda: bool(heard))
        assert (heard[0]["orderLinkId"], heard[0]["execPrice"]) == ("fast", "60010.1")
    finally:
        socket.exit()


@pytest.mark.parametrize("category", [SPOT, LINEAR])
def test_public_streams(sim: Sim, category: str) -> None:
    socket = WebSocket(testnet=False, channel_type=category)
    heard: dict[str, list[Any]] = {"book": [], "top": [], "ticker": [], "trade": [], "bar": []}
    try:
        # The client hands out one book that it keeps changing.
        socket.orderbook_stream(50, "ETHUSDT", lambda message: heard["book"].append(copy.deepcopy(message)))
        socket.orderbook_stream(1, "ETHUSDT", heard["top"].append)
        socket.ticker_stream("ETHUSDT", heard["ticker"].append)
        socket.trade_stream(["ETHUSDT", "SOLUSDT"], heard["trade"].append)
        socket.kline_stream(1, "ETHUSDT", heard["bar"].append)
        until(lambda: all(len(messages) >= 3 for messages in heard.values()))
    finally:
        socket.exit()
    updates = [message["data"]["u"] for message in heard["book"]]
    assert updates == list(range(updates[0], updates[0] + len(updates)))
    assert len(heard["book"][-1]["data"]["b"]) == 50
    assert Decimal(heard["top"][-1]["data"]["b"][0][0]) < Decimal(heard["top"][-1]["data"]["a"][0][0])
    assert ("markPrice" in heard["ticker"][-1]["data"]) is (category == LINEAR)
    assert {trade["S"] for message in heard["trade"] for trade in message["data"]} <= {"Buy", "Sell"}
    assert heard["bar"][0]["data"][0]["interval"] == "1"


def test_a_book_starts_again_on_demand(sim: Sim) -> None:
    socket = WebSocket(testnet=False, channel_type=LINEAR)
    heard: list[int] = []
    try:
        socket.orderbook_stream(50, "ETHUSDT", lambda message: heard.append(message["data"]["u"]))
        until(lambda: len(heard) >= 2)
        sim.control("/book", {"symbol": "ETH/USDT:USDT", "what": "reset"})
        until(lambda: heard[-1] in {2, 3, 4})
        assert 1 in heard
    finally:
        socket.exit()


# --- Orders over the socket ------------------------------------------------------------------------------------------


def test_orders_over_the_trade_socket(client: HTTP, sim: Sim) -> None:
    socket = WebSocketTrading(testnet=False, recv_window=5000, **sim.keys)
    done: list[Any] = []
    failed: list[Any] = []
    named = {"category": LINEAR, "symbol": "BTCUSDT"}
    try:
        socket.place_order(done.append, failed.append, **order(orderLinkId="ws-1"))
        until(lambda: len(done) == 1)
        assert done[0]["data"]["orderLinkId"] == "ws-1"
        assert done[0]["header"]["X-Bapi-Limit"]
        socket.amend_order(done.append, failed.append, **named, orderLinkId="ws-1", price="58000")
        until(lambda: len(done) == 2)
        assert one(client.get_open_orders(**named))["price"] == "58000"
        socket.cancel_order(done.append, failed.append, **named, orderLinkId="ws-1")
        until(lambda: len(done) == 3)
        socket.place_order(done.append, failed.append, **order(SPOT, qty="50"))
        until(lambda: len(failed) == 1)
        assert (failed[0]["retCode"], failed[0]["data"]) == (170131, {})
        batch = [order(category=None, orderLinkId=f"ws-b{n}") for n in range(2)]
        socket.place_batch_order(done.append, failed.append, category=LINEAR, request=batch)
        until(lambda: len(done) == 4)
        assert [line["code"] for line in done[3]["retExtInfo"]["list"]] == [0, 0]
        changes = [{"symbol": "BTCUSDT", "orderLinkId": f"ws-b{n}", "qty": "0.03"} for n in range(2)]
        socket.amend_batch_order(done.append, failed.append, category=LINEAR, request=changes)
        until(lambda: len(done) == 5)
        socket.cancel_batch_order(
            done.append, failed.append, category=LINEAR, request=[change | {"qty": None} for change in changes]
        )
        until(lambda: len(done) == 6)
        assert client.get_open_orders(**named)["result"]["list"] == []
    finally:
        socket.exit()


def test_an_answer_that_is_lost_leaves_its_order_behind(client: HTTP, sim: Sim) -> None:
    lost = {"where": "reply", "what": "drop", "match": {"method": "WS", "path": "/order.create"}, "when": {"nth": 1}}
    slow = {"where": "stream", "what": "delay", "args": {"seconds": 0.02}}
    sim.control("/faults", {"faults": [lost, slow]})
    socket = WebSocketTrading(testnet=False, recv_window=5000, **sim.keys)
    done: list[Any] = []
    try:
        socket.place_order(done.append, **order(orderLinkId="lost"))
        socket.place_order(done.append, **order(orderLinkId="heard"))
        until(lambda: len(done) == 1)
    finally:
        socket.exit()
    assert done[0]["data"]["orderLinkId"] == "heard"
    assert one(client.get_open_orders(category=LINEAR, orderLinkId="lost"))["orderStatus"] == "New"
    seen = [(entry["method"], entry["path"], entry["client"]) for entry in sim.control("/requests")]
    assert ("WS", "/order.create", "lost") in seen
