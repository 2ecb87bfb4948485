"""`ibapi`, the broker's own client, unmodified, against our simulator over TCP."""

# The client is untyped, and its wrapper is told everything through methods of fixed names.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportIncompatibleMethodOverride=false, reportUntypedBaseClass=false, reportAttributeAccessIssue=false

# ruff: noqa: N802, N803 - the names of the client

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

pytest.importorskip("ibapi", reason="ibapi is not installed")

from ibapi.client import EClient
from ibapi.contract import ComboLeg, Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.wrapper import EWrapper

pytestmark = [pytest.mark.judge, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


CLIENT_IDS = itertools.count(1)  # the client's reader holds a closed socket for up to a second


class Desk(EWrapper, EClient):
    """Keeps what it is told, by the name of the method that told it."""

    def __init__(self) -> None:
        EWrapper.__init__(self)
        EClient.__init__(self, self)
        self.told: dict[str, list[tuple[Any, ...]]] = {}

    def _keep(self, name: str, *values: Any) -> None:
        self.told.setdefault(name, []).append(values)

    def all(self, name: str) -> list[tuple[Any, ...]]:
        return list(self.told.get(name, []))

    def nextValidId(self, orderId: int) -> None:
        self._keep("nextValidId", orderId)

    def managedAccounts(self, accountsList: str) -> None:
        self._keep("managedAccounts", accountsList)

    def error(self, reqId: int, errorCode: int, errorString: str) -> None:
        self._keep("error", reqId, errorCode, errorString)

    def contractDetails(self, reqId: int, contractDetails: Any) -> None:
        self._keep("contractDetails", reqId, contractDetails)

    def contractDetailsEnd(self, reqId: int) -> None:
        self._keep("contractDetailsEnd", reqId)

    def openOrder(self, orderId: int, contract: Any, order: Any, orderState: Any) -> None:
        self._keep("openOrder", orderId, contract, order, orderState)

    def openOrderEnd(self) -> None:
        self._keep("openOrderEnd")

    def orderStatus(self, orderId: int, status: str, filled: float, remaining: float, *more: Any) -> None:
        self._keep("orderStatus", orderId, status, filled, remaining, *more)

    def execDetails(self, reqId: int, contract: Any, execution: Any) -> None:
        self._keep("execDetails", reqId, contract, execution)

    def execDetailsEnd(self, reqId: int) -> None:
        self._keep("execDetailsEnd", reqId)

    def commissionReport(self, commissionReport: Any) -> None:
        self._keep("commissionReport", commissionReport)

    def completedOrder(self, contract: Any, order: Any, orderState: Any) -> None:
        self._keep("completedOrder", contract, order, orderState)

    def completedOrdersEnd(self) -> None:
        self._keep("completedOrdersEnd")

    def position(self, account: str, contract: Any, position: float, avgCost: float) -> None:
        self._keep("position", contract, position, avgCost)

    def positionEnd(self) -> None:
        self._keep("positionEnd")

    def updateAccountValue(self, key: str, val: str, currency: str, accountName: str) -> None:
        self._keep("updateAccountValue", key, val, currency)

    def accountDownloadEnd(self, accountName: str) -> None:
        self._keep("accountDownloadEnd", accountName)

    def accountSummary(self, reqId: int, account: str, tag: str, value: str, currency: str) -> None:
        self._keep("accountSummary", tag, value)

    def accountSummaryEnd(self, reqId: int) -> None:
        self._keep("accountSummaryEnd", reqId)

    def symbolSamples(self, reqId: int, contractDescriptions: Any) -> None:
        self._keep("symbolSamples", contractDescriptions)

    def securityDefinitionOptionParameter(self, reqId: int, exchange: str, *more: Any) -> None:
        self._keep("chain", exchange, *more)

    def securityDefinitionOptionParameterEnd(self, reqId: int) -> None:
        self._keep("chainEnd", reqId)

    def tickPrice(self, reqId: int, tickType: int, price: float, attrib: Any) -> None:
        self._keep("tickPrice", tickType, price)

    def tickSnapshotEnd(self, reqId: int) -> None:
        self._keep("tickSnapshotEnd", reqId)

    def historicalData(self, reqId: int, bar: Any) -> None:
        self._keep("historicalData", bar)

    def historicalDataEnd(self, reqId: int, start: str, end: str) -> None:
        self._keep("historicalDataEnd", reqId)

    def pnl(self, reqId: int, dailyPnL: float, unrealizedPnL: float, realizedPnL: float) -> None:
        self._keep("pnl", dailyPnL, unrealizedPnL, realizedPnL)


class Sim:
    """One simulator process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "floorbroker_sim", "ibkr", "--rate", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line: dict[str, Any] = json.loads(self.process.stdout.readline())

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        door = HTTPConnection(self.line["control"].removeprefix("http://"), timeout=10)
        try:
            door.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
            text = door.getresponse().read()
        finally:
            door.close()
        return json.loads(text) if text else None

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
    server.control("/price", {"symbol": "AAPL", "bid": "150.00", "ask": "150.02", "last": "150.00"})
    return server


@pytest.fixture
def desk(sim: Sim) -> Iterator[Desk]:
    client = Desk()
    client.connect("127.0.0.1", sim.line["port"], next(CLIENT_IDS))
    thread = threading.Thread(target=client.run, daemon=True)
    thread.start()
    until(lambda: client.all("nextValidId") and client.all("managedAccounts"))
    yield client
    client.disconnect()
    thread.join(timeout=10)


def until(condition: Callable[[], object]) -> None:
    """Wait for the client's thread, ten seconds at most."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def share(symbol: str = "AAPL") -> Contract:
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = symbol, "STK", "SMART", "USD"
    return contract


def order(kind: str, action: str, qty: float, **words: Any) -> Order:
    wish = Order()
    wish.orderType, wish.action, wish.totalQuantity = kind, action, qty
    for name, value in words.items():
        setattr(wish, name, value)
    return wish


def statuses(desk: Desk, number: int) -> list[str]:
    return [values[1] for values in desk.all("orderStatus") if values[0] == number]


def codes(desk: Desk) -> set[int]:
    return {values[1] for values in desk.all("error")}


def test_a_connection_speaks_157_and_says_that_the_farms_are_there(desk: Desk, sim: Sim) -> None:
    assert desk.serverVersion() == 157
    assert desk.all("managedAccounts") == [(sim.line["credentials"]["BROKER_ACCOUNT_NUMBER"],)]
    until(lambda: {2104, 2106, 2158} <= codes(desk))


def test_a_market_order_runs_through_its_words(desk: Desk) -> None:
    desk.placeOrder(1, share(), order("MKT", "BUY", 10, orderRef="m-1"))
    until(lambda: desk.all("commissionReport"))
    assert statuses(desk, 1) == ["PreSubmitted", "Submitted", "Filled"]
    (_, contract, execution) = desk.all("execDetails")[0]
    assert (contract.conId, execution.price, execution.orderRef, execution.side) == (265598, 150.02, "m-1", "BOT")
    report = desk.all("commissionReport")[0][0]
    assert (report.execId, report.commission, report.currency) == (execution.execId, 0.05, "USD")
    shown = desk.all("openOrder")[-1]
    assert (shown[2].totalQuantity, shown[3].status) == (10, "Filled")


def test_a_limit_is_changed_filled_in_parts_and_cancelled(desk: Desk, sim: Sim) -> None:
    desk.placeOrder(1, share(), order("LMT", "BUY", 10, lmtPrice=140))
    until(lambda: "Submitted" in statuses(desk, 1))
    desk.placeOrder(1, share(), order("LMT", "BUY", 12, lmtPrice=141))
    until(lambda: desk.all("openOrder")[-1][2].lmtPrice == 141)
    perm = str(desk.all("openOrder")[-1][2].permId)
    sim.control("/fill", {"order": perm, "qty": "5", "price": "141"})
    until(lambda: desk.all("orderStatus")[-1][1:4] == ("Submitted", 5, 7))
    desk.cancelOrder(1)
    until(lambda: 202 in codes(desk))
    assert statuses(desk, 1)[-2:] == ["PendingCancel", "Cancelled"]
    desk.reqCompletedOrders(False)
    until(lambda: desk.all("completedOrdersEnd"))
    (_, done, state) = desk.all("completedOrder")[0]
    assert (done.filledQuantity, state.status) == (5, "Cancelled")


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        (order("STP", "SELL", 1, auxPrice=140), "PreSubmitted"),
        (order("STP LMT", "SELL", 1, auxPrice=140, lmtPrice=139), "PreSubmitted"),
        (order("TRAIL", "SELL", 1, trailingPercent=2), "PreSubmitted"),
        (order("TRAIL LIMIT", "SELL", 1, auxPrice=2, lmtPriceOffset=1), "PreSubmitted"),
        (order("MIT", "BUY", 1, auxPrice=140), "PreSubmitted"),
        (order("LIT", "BUY", 1, auxPrice=140, lmtPrice=141), "PreSubmitted"),
        (order("LOC", "BUY", 1, lmtPrice=140), "Cancelled"),
        (order("LMT", "BUY", 1, lmtPrice=140, tif="FOK"), "Cancelled"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.orderType,
)
def test_every_order_type_stands_where_it_should(desk: Desk, wish: Order, status: str) -> None:
    desk.placeOrder(1, share(), wish)
    until(lambda: status in statuses(desk, 1))


def test_a_bracket_goes_out_with_its_last_order(desk: Desk, sim: Sim) -> None:
    desk.placeOrder(1, share(), order("MKT", "BUY", 10, transmit=False))
    desk.placeOrder(2, share(), order("LMT", "SELL", 10, lmtPrice=160, parentId=1, transmit=False))
    desk.placeOrder(3, share(), order("STP", "SELL", 10, auxPrice=140, parentId=1, transmit=True))
    until(lambda: "Filled" in statuses(desk, 1) and "Submitted" in statuses(desk, 2))
    sim.control("/price", {"symbol": "AAPL", "bid": "160.00", "ask": "160.02", "last": "160.00"})
    until(lambda: "Filled" in statuses(desk, 2) and "Cancelled" in statuses(desk, 3))


def test_a_combination_fills_leg_by_leg(desk: Desk, sim: Sim) -> None:
    desk.reqSecDefOptParams(1, "AAPL", "", "STK", 265598)
    until(lambda: desk.all("chainEnd"))
    expiry = sorted(desk.all("chain")[0][4])[1]
    wanted = share()
    wanted.secType, wanted.lastTradeDateOrContractMonth, wanted.right = "OPT", expiry, "P"
    desk.reqContractDetails(2, wanted)
    until(lambda: desk.all("contractDetailsEnd"))
    found = {d.contract.strike: d.contract.conId for _, d in desk.all("contractDetails")}
    for strike, bid, ask in ((145.0, "2.00", "2.05"), (150.0, "4.00", "4.05")):
        symbol = next(d.contract.localSymbol for _, d in desk.all("contractDetails") if d.contract.strike == strike)
        sim.control("/price", {"symbol": symbol, "bid": bid, "ask": ask, "last": bid})
    bag, legs = share(), []
    bag.secType = "BAG"
    for strike, action in ((150.0, "BUY"), (145.0, "SELL")):
        leg = ComboLeg()
        leg.conId, leg.ratio, leg.action, leg.exchange = found[strike], 1, action, "SMART"
        legs.append(leg)
    bag.comboLegs = legs
    desk.placeOrder(1, bag, order("LMT", "BUY", 1, lmtPrice=5))
    until(lambda: "Filled" in statuses(desk, 1))
    assert sorted(c.secType for _, c, _ in desk.all("execDetails")) == ["BAG", "OPT", "OPT"]


def test_what_if_answers_with_margins_and_places_nothing(desk: Desk, sim: Sim) -> None:
    desk.placeOrder(1, share(), order("LMT", "BUY", 100, lmtPrice=150, whatIf=True))
    until(lambda: desk.all("openOrder"))
    state = desk.all("openOrder")[0][3]
    assert (state.initMarginChange, state.commission, state.commissionCurrency) == ("7500.5", 0.5, "USD")
    assert sim.control("/orders") == []


def test_mistakes_have_their_codes(desk: Desk) -> None:
    desk.placeOrder(1, share("NOSUCH"), order("MKT", "BUY", 1))
    desk.placeOrder(2, share(), order("LMT", "BUY", 1, lmtPrice=140.001))
    desk.placeOrder(3, share(), order("MKT", "BUY", 100_000))
    desk.cancelOrder(99)
    until(lambda: {200, 110, 201, 10147} <= codes(desk))
    assert statuses(desk, 3)[-1:] == ["Inactive"]


def test_lists_after_a_trade(desk: Desk) -> None:
    desk.placeOrder(1, share(), order("MKT", "BUY", 10))
    desk.placeOrder(2, share(), order("LMT", "BUY", 1, lmtPrice=140))
    until(lambda: "Submitted" in statuses(desk, 2))
    desk.reqPositions()
    desk.reqAllOpenOrders()
    desk.reqExecutions(5, ExecutionFilter())
    desk.reqAccountUpdates(True, "")
    desk.reqAccountSummary(6, "All", "NetLiquidation,BuyingPower")
    desk.reqPnL(7, "", "")
    names = ("positionEnd", "openOrderEnd", "execDetailsEnd", "accountDownloadEnd", "accountSummaryEnd", "pnl")
    until(lambda: all(desk.all(name) for name in names))
    assert desk.all("position")[0][1:] == (10, 150.02)
    assert [values[0] for values in desk.all("execDetails") if values[0] == 5] == [5]
    assert {tag for tag, _ in desk.all("accountSummary")} == {"NetLiquidation", "BuyingPower"}
    assert {key: value for key, value, _ in desk.all("updateAccountValue")}["StockMarketValue"] == "1500.10"


def test_prices_and_bars(desk: Desk) -> None:
    desk.reqMktData(1, share(), "", True, False, [])
    desk.reqHistoricalData(2, share(), "", "5 D", "1 hour", "TRADES", 1, 1, False, [])
    desk.reqMatchingSymbols(3, "apple")
    until(lambda: desk.all("tickSnapshotEnd") and desk.all("historicalDataEnd") and desk.all("symbolSamples"))
    assert {(1, 150.0), (2, 150.02)} <= set(desk.all("tickPrice"))
    assert all(bar.low <= bar.close <= bar.high for (bar,) in desk.all("historicalData"))
