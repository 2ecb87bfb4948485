"""v20 and oandapyV20, unmodified but for their addresses, against our simulator over TCP."""

# Neither says what its answers are.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # v20 compares a length by `is`, oandapyV20 has escapes that are none
    pytest.importorskip("v20", reason="v20 is not installed")
    for part in ("contrib.requests", "endpoints.accounts"):
        pytest.importorskip(f"oandapyV20.{part}", reason="oandapyV20 is not installed")

import oandapyV20
import v20
from oandapyV20.contrib import requests as wishes
from oandapyV20.endpoints import accounts, instruments, orders, positions, pricing, trades, transactions
from oandapyV20.exceptions import StreamTerminated, V20Error
from oandapyV20.oandapyV20 import TRADING_ENVIRONMENTS

pytestmark = pytest.mark.judge
PAIR = "EUR_USD"


class Sim:
    """One simulator process, and both clients on it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "floorbroker_sim", "oanda", "--rate", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line: dict[str, Any] = json.loads(self.process.stdout.readline())
        credentials = self.line["credentials"]
        self.account, self.token = credentials["BROKER_ACCOUNT_NUMBER"], credentials["BROKER_API_KEY"]
        TRADING_ENVIRONMENTS["practice"] = {"api": self.line["rest"], "stream": self.line["rest"]}
        self.api = oandapyV20.API(self.token, environment="practice", request_params={"timeout": 10})
        self.v20 = v20.Context(
            "127.0.0.1", self.line["port"], ssl=False, token=self.token, poll_timeout=10, stream_timeout=10,
            decimal_number_as_float=False,
        )  # fmt: skip

    def ask(self, request: Any) -> Any:
        """One request of oandapyV20."""
        return self.api.request(request)

    def order(self, wish: Any) -> Any:
        return self.ask(orders.OrderCreate(self.account, data=wish.data if hasattr(wish, "data") else wish))

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        door = HTTPConnection(self.line["control"].removeprefix("http://"), timeout=10)
        try:
            door.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
            text = door.getresponse().read()
        finally:
            door.close()
        return json.loads(text) if text else None

    def price(self, bid: str, ask: str) -> None:
        self.control("/price", {"symbol": "EUR/USD", "bid": bid, "ask": ask})

    def close(self) -> None:
        self.api.close()
        self.v20._session.close()  # noqa: SLF001 - it has no other way to be closed
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
    """As on the first day, with a price set by hand."""
    server.control("/reset", {})
    server.price("1.10000", "1.10010")
    return server


# --- oandapyV20 -------------------------------------------------------------------------------------------------------


def test_opy_reads_the_account_and_its_instruments(sim: Sim) -> None:
    assert [one["id"] for one in sim.ask(accounts.AccountList())["accounts"]] == [sim.account]
    assert sim.ask(accounts.AccountDetails(sim.account))["account"]["balance"] == "100000.0000"
    assert sim.ask(accounts.AccountSummary(sim.account))["account"]["openTradeCount"] == 0
    listed = sim.ask(accounts.AccountInstruments(sim.account, params={"instruments": PAIR}))["instruments"]
    assert [(one["name"], one["displayPrecision"]) for one in listed] == [(PAIR, 5)]
    sim.ask(accounts.AccountConfiguration(sim.account, data={"alias": "mine", "marginRate": "0.05"}))
    changed = sim.ask(accounts.AccountChanges(sim.account, params={"sinceTransactionID": 2}))
    assert [one["type"] for one in changed["changes"]["transactions"]] == ["CLIENT_CONFIGURE"]


@pytest.mark.parametrize(
    ("wish", "state"),
    [
        (wishes.MarketOrderRequest(instrument=PAIR, units=100), "FILLED"),
        (wishes.LimitOrderRequest(instrument=PAIR, units=100, price=1.05), "PENDING"),
        (wishes.LimitOrderRequest(instrument=PAIR, units=-100, price=1.05), "FILLED"),
        (wishes.StopOrderRequest(instrument=PAIR, units=100, price=1.15), "PENDING"),
        (wishes.MITOrderRequest(instrument=PAIR, units=100, price=1.05), "PENDING"),
    ],
)
def test_opy_places_each_kind_of_entry(sim: Sim, wish: Any, state: str) -> None:
    made = sim.order(wish)["orderCreateTransaction"]
    assert sim.ask(orders.OrderDetails(sim.account, orderID=made["id"]))["order"]["state"] == state


def test_opy_places_orders_of_a_trade_and_moves_them(sim: Sim) -> None:
    stop = wishes.StopLossDetails(price=1.05).data
    fill = sim.order(wishes.MarketOrderRequest(instrument=PAIR, units=100, stopLossOnFill=stop))["orderFillTransaction"]
    trade = fill["tradeOpened"]["tradeID"]
    sim.order(wishes.TakeProfitOrderRequest(tradeID=trade, price=1.2))
    sim.order(wishes.TrailingStopLossOrderRequest(tradeID=trade, distance=0.02))
    with pytest.raises(V20Error, match="STOP_LOSS_ORDER_ALREADY_EXISTS"):
        sim.order(wishes.StopLossOrderRequest(tradeID=trade, price=1.06))
    sim.ask(trades.TradeCRCDO(sim.account, tradeID=trade, data={"stopLoss": {"price": "1.07000"}, "takeProfit": None}))
    shown = sim.ask(trades.TradeDetails(sim.account, tradeID=trade))["trade"]
    assert shown["stopLossOrder"]["price"] == "1.07000"
    assert shown["trailingStopLossOrder"]["trailingStopValue"] == "1.08000"
    assert "takeProfitOrder" not in shown
    words = {"clientExtensions": {"id": "t", "tag": "x"}}
    sim.ask(trades.TradeClientExtensions(sim.account, tradeID=trade, data=words))
    assert sim.ask(trades.TradeDetails(sim.account, tradeID="@t"))["trade"]["id"] == trade


def test_opy_replaces_and_cancels(sim: Sim) -> None:
    limit = wishes.LimitOrderRequest(instrument=PAIR, units=100, price=1.05, clientExtensions={"id": "mine"})
    first = sim.order(limit)["orderCreateTransaction"]["id"]
    moved = wishes.LimitOrderRequest(instrument=PAIR, units=60, price=1.06, clientExtensions={"id": "mine"})
    answer = sim.ask(orders.OrderReplace(sim.account, orderID=first, data=moved.data))
    second = answer["orderCreateTransaction"]["id"]
    assert answer["orderCancelTransaction"]["replacedByOrderID"] == second
    sim.ask(orders.OrderClientExtensions(sim.account, orderID=second, data={"clientExtensions": {"tag": "y"}}))
    assert [one["id"] for one in sim.ask(orders.OrdersPending(sim.account))["orders"]] == [second]
    assert sim.ask(orders.OrderCancel(sim.account, orderID="@mine"))["orderCancelTransaction"]["orderID"] == second
    assert sim.ask(orders.OrderList(sim.account))["orders"] == []
    with pytest.raises(V20Error, match="ORDER_DOESNT_EXIST") as gone:
        sim.ask(orders.OrderCancel(sim.account, orderID=second))
    assert gone.value.code == 404


def test_opy_closes_by_trade_and_by_position(sim: Sim) -> None:
    fill = sim.order(wishes.MarketOrderRequest(instrument=PAIR, units=100))["orderFillTransaction"]
    trade = fill["tradeOpened"]["tradeID"]
    closed = sim.ask(trades.TradeClose(sim.account, tradeID=trade, data={"units": "40"}))
    assert closed["orderFillTransaction"]["tradeReduced"]["units"] == "-40"
    assert [one["currentUnits"] for one in sim.ask(trades.OpenTrades(sim.account))["trades"]] == ["60"]
    closing = wishes.PositionCloseRequest(longUnits=60)
    answer = sim.ask(positions.PositionClose(sim.account, instrument=PAIR, data=closing.data))
    assert answer["longOrderFillTransaction"]["pl"] == "-0.0060"
    assert sim.ask(positions.OpenPositions(sim.account))["positions"] == []
    assert sim.ask(positions.PositionDetails(sim.account, PAIR))["position"]["pl"] == "-0.0100"
    with pytest.raises(V20Error, match="CLOSEOUT_POSITION_DOESNT_EXIST"):
        sim.ask(positions.PositionClose(sim.account, instrument=PAIR, data=closing.data))


def test_opy_reads_histories_in_pages(sim: Sim) -> None:
    for _ in range(4):
        sim.order(wishes.MarketOrderRequest(instrument=PAIR, units=1))
    answer = sim.ask(transactions.TransactionList(sim.account, params={"pageSize": 4}))
    ids: list[str] = []
    for page in answer["pages"]:
        assert page.startswith(sim.line["rest"])
        ends = dict(part.split("=") for part in page.partition("?")[2].split("&"))
        found = sim.ask(transactions.TransactionIDRange(sim.account, params={"from": ends["from"], "to": ends["to"]}))
        ids += [one["id"] for one in found["transactions"]]
    assert ids == [str(n) for n in range(1, 11)]
    assert len(sim.ask(transactions.TransactionsSinceID(sim.account, params={"id": 6}))["transactions"]) == 4
    assert (
        sim.ask(transactions.TransactionDetails(sim.account, transactionID=3))["transaction"]["type"] == "MARKET_ORDER"
    )
    candles = sim.ask(instruments.InstrumentsCandles(PAIR, params={"count": 5, "granularity": "M1", "price": "MBA"}))
    assert len(candles["candles"]) == 5
    prices = sim.ask(pricing.PricingInfo(sim.account, params={"instruments": PAIR}))["prices"]
    assert prices[0]["asks"][0]["price"] == "1.10010"
    assert sim.ask(instruments.InstrumentsOrderBook(PAIR, params={}))["orderBook"]["instrument"] == PAIR


def test_opy_hears_prices_and_transactions(sim: Sim) -> None:
    prices = pricing.PricingStream(sim.account, params={"instruments": PAIR})
    told = sim.ask(prices)
    assert next(told)["bids"][0]["price"] == "1.10000"
    sim.price("1.20000", "1.20010")
    assert next(one for one in told if one["type"] == "PRICE")["bids"][0]["price"] == "1.20000"
    with pytest.raises(StreamTerminated):
        prices.terminate("enough")
    listening = transactions.TransactionsStream(sim.account)
    heard = sim.ask(listening)
    sim.control("/clock", {"advance_s": 5})  # nothing is sent before something happens
    first = _after_connecting(sim, heard)
    assert first["type"] == "MARKET_ORDER"
    assert next(one for one in heard if one["type"] == "ORDER_FILL")["units"] == "1"
    with pytest.raises(StreamTerminated):
        listening.terminate("enough")


def _after_connecting(sim: Sim, heard: Iterator[Any]) -> Any:
    """The generator connects with its first question, which a heartbeat answers at last; then something is done."""
    beat = next(heard)
    assert beat["type"] == "HEARTBEAT"
    sim.order(wishes.MarketOrderRequest(instrument=PAIR, units=1))
    return next(one for one in heard if one["type"] != "HEARTBEAT")


def test_opy_is_told_what_is_wrong(sim: Sim) -> None:
    for wish, code in (
        ({"order": {"type": "MARKET", "instrument": PAIR, "units": "0"}}, "UNITS_INVALID"),
        (
            {"order": {"type": "LIMIT", "instrument": PAIR, "units": "1", "price": "1.000001"}},
            "PRICE_PRECISION_EXCEEDED",
        ),
        ({"order": {"type": "MARKET", "instrument": "XXX_USD", "units": "1"}}, "INSTRUMENT_UNKNOWN"),
    ):
        with pytest.raises(V20Error, match=code) as refused:
            sim.order(wish)
        assert refused.value.code == 400
    with pytest.raises(V20Error, match="Insufficient authorization"):
        oandapyV20.API("nobody", environment="practice").request(accounts.AccountList())


# --- v20 --------------------------------------------------------------------------------------------------------------


def test_v20_reads_account_prices_and_candles(sim: Sim) -> None:
    assert sim.v20.account.list().get("accounts", 200)[0].id == sim.account
    assert sim.v20.account.summary(sim.account).get("account", 200).balance == "100000.0000"
    assert sim.v20.account.get(sim.account).get("account", 200).trades == []
    assert len(sim.v20.account.instruments(sim.account).get("instruments", 200)) > 5
    (price,) = sim.v20.pricing.get(sim.account, instruments=PAIR).get("prices", 200)
    assert (price.bids[0].price, price.quoteHomeConversionFactors.positiveUnits) == ("1.10000", "1")
    candles = sim.v20.instrument.candles(PAIR, granularity="H4", count=3, price="BA", smooth=False)
    assert len(candles.get("candles", 200)) == 3


def test_v20_places_every_kind_replaces_cancels_and_closes(sim: Sim) -> None:
    order, account = sim.v20.order, sim.account
    fill = order.market(account, instrument=PAIR, units=100).get("orderFillTransaction", 201)
    trade = fill.tradeOpened.tradeID
    limit = order.limit(account, instrument=PAIR, units=10, price="1.05000").get("orderCreateTransaction", 201)
    for made in (
        order.stop(account, instrument=PAIR, units=10, price="1.20000"),
        order.market_if_touched(account, instrument=PAIR, units=10, price="1.05000"),
        order.take_profit(account, tradeID=trade, price="1.30000"),
        order.stop_loss(account, tradeID=trade, price="1.00000"),
        order.trailing_stop_loss(account, tradeID=trade, distance="0.05000"),
    ):
        assert made.get("orderCreateTransaction", 201).reason == "CLIENT_ORDER"
    replaced = order.limit_replace(account, limit.id, instrument=PAIR, units=20, price="1.06000")
    assert replaced.get("orderCancelTransaction", 201).reason == "CLIENT_REQUEST_REPLACED"
    second = replaced.get("orderCreateTransaction").id
    assert order.cancel(account, second).get("orderCancelTransaction", 200).orderID == second
    gone = order.cancel(account, second)
    assert gone.get("orderCancelRejectTransaction", 404).rejectReason == "ORDER_DOESNT_EXIST"
    assert len(order.list_pending(account).get("orders", 200)) == 5
    dependent = sim.v20.trade.set_dependent_orders(account, trade, takeProfit={"price": "1.40000"})
    assert dependent.get("takeProfitOrderTransaction", 200).price == "1.40000"
    reduced = sim.v20.trade.close(account, trade, units="40").get("orderFillTransaction", 200)
    assert reduced.tradeReduced.units == "-40"
    closed = sim.v20.position.close(account, PAIR, longUnits="ALL").get("longOrderFillTransaction", 200)
    assert closed.tradesClosed[0].tradeID == trade
    refused = order.market(account, instrument=PAIR, units="0")
    assert refused.get("orderRejectTransaction", 400).rejectReason == "UNITS_INVALID"
    assert (refused.get("errorCode"), refused.get("errorMessage")) == (
        "UNITS_INVALID",
        "Order units specified are invalid",
    )


def test_v20_follows_changes_and_the_log(sim: Sim) -> None:
    sim.v20.order.market(sim.account, instrument=PAIR, units=100)
    changes = sim.v20.account.changes(sim.account, sinceTransactionID=2)
    assert [trade.currentUnits for trade in changes.get("changes", 200).tradesOpened] == ["100"]
    assert changes.get("state").positions[0].netUnrealizedPL == "-0.0100"
    assert len(sim.v20.transaction.list(sim.account).get("pages", 200)) == 1
    assert [one.type for one in sim.v20.transaction.since(sim.account, id=3).get("transactions", 200)] == ["ORDER_FILL"]
    found = sim.v20.transaction.range(sim.account, fromID=1, toID=2).get("transactions", 200)
    assert [one.type for one in found] == ["CREATE", "TRANSFER_FUNDS"]
    assert sim.v20.transaction.get(sim.account, "4").get("transaction", 200).units == "100"


def test_v20_hears_prices_and_transactions(sim: Sim) -> None:
    prices = sim.v20.pricing.stream(sim.account, instruments=PAIR, snapshot=True)
    told = prices.parts()
    kind, price = next(told)
    assert (kind, price.bids[0].price) == ("pricing.ClientPrice", "1.10000")
    sim.price("1.20000", "1.20010")
    assert next(one for kind, one in told if kind == "pricing.ClientPrice").asks[0].price == "1.20010"
    heard = sim.v20.transaction.stream(sim.account).parts()
    sim.v20.order.market(sim.account, instrument=PAIR, units=1)
    found = [next(one for kind, one in heard if kind != "transaction.TransactionHeartbeat") for _ in range(2)]
    assert [one.type for one in found] == ["MARKET_ORDER", "ORDER_FILL"]
