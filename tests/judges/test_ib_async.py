"""`ib_async`, unmodified, against our simulator over TCP."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
import pytest_asyncio

pytest.importorskip("ib_async", reason="ib_async is not installed")

from ib_async import (
    IB,
    ComboLeg,
    Contract,
    Forex,
    LimitOrder,
    MarketOrder,
    Option,
    Order,
    StartupFetchNONE,
    Stock,
    StopLimitOrder,
    StopOrder,
    Trade,
)

pytestmark = [pytest.mark.judge, pytest.mark.asyncio]

ERRORS: dict[IB, list[tuple[int, int]]] = {}  # request and code of everything a client was told


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
            reply = door.getresponse()
            text = reply.read()
        finally:
            door.close()
        assert reply.status < 300, text
        return json.loads(text) if text else None

    def price(self, symbol: str, bid: str, ask: str) -> None:
        self.control("/price", {"symbol": symbol, "bid": bid, "ask": ask, "last": bid})

    def fill(self, trade: Trade, qty: str, price: str) -> None:
        self.control("/fill", {"order": str(trade.order.permId), "qty": qty, "price": price})

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
    server.price("AAPL", "150.00", "150.02")
    server.price("SIRI", "0.85", "0.86")
    return server


@pytest_asyncio.fixture
async def ib(sim: Sim) -> AsyncIterator[IB]:
    desk = await connected(sim, 7)
    errors = ERRORS[desk] = []
    desk.errorEvent += lambda request, code, text, contract: errors.append((request, code))
    yield desk
    desk.disconnect()
    await until(lambda: not desk.isConnected())
    del ERRORS[desk]


async def connected(sim: Sim, client_id: int) -> IB:
    desk = IB()
    await desk.connectAsync("127.0.0.1", sim.line["port"], clientId=client_id, timeout=10)
    return desk


async def until(condition: Callable[[], object]) -> None:
    """Wait for the client's loop, ten seconds at most."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


async def apple(ib: IB) -> Contract:
    (contract,) = await ib.qualifyContractsAsync(Stock("AAPL", "SMART", "USD"))
    assert isinstance(contract, Contract)
    return contract


async def standing(trade: Trade, status: str) -> None:
    await until(lambda: trade.orderStatus.status == status)


def codes(ib: IB) -> set[int]:
    return {code for _, code in ERRORS[ib]}


# --- Connection and account ------------------------------------------------------------------------------------------


async def test_a_connection_brings_the_account_and_speaks_178(ib: IB, sim: Sim) -> None:
    assert ib.client.serverVersion() == 178
    assert ib.managedAccounts() == [sim.line["credentials"]["BROKER_ACCOUNT_NUMBER"]]
    assert next(v.value for v in ib.accountValues() if v.tag == "NetLiquidation") == "100000.00"
    assert ib.positions() == []


async def test_the_summary_has_the_tags_that_were_asked_for(ib: IB) -> None:
    rows = {row.tag: row.value for row in await ib.accountSummaryAsync()}
    assert rows["TotalCashValue"] == "100000.00"
    assert rows["BuyingPower"] == "200000.00"


async def test_a_client_id_in_use_is_turned_away(ib: IB, sim: Sim) -> None:
    second = IB()
    seen: list[int] = []
    second.errorEvent += lambda request, code, text, contract: seen.append(code)
    with pytest.raises((TimeoutError, ConnectionError)):
        await second.connectAsync("127.0.0.1", sim.line["port"], clientId=7, timeout=1)
    assert 326 in seen
    assert ib.isConnected()


@pytest.mark.parametrize("version", [157, 163, 164, 166, 170, 176, 177, 178])
async def test_every_server_version_carries_a_whole_order(sim: Sim, version: int) -> None:
    desk = IB()
    desk.client.MaxClientVersion = version
    await desk.connectAsync("127.0.0.1", sim.line["port"], clientId=9, timeout=10)
    assert desk.client.serverVersion() == version
    trade = desk.placeOrder(await apple(desk), LimitOrder("BUY", 3, 100, orderRef=f"at {version}"))
    await standing(trade, "Submitted")
    shown = (await desk.reqAllOpenOrdersAsync())[0]
    assert (shown.order.orderRef, shown.order.lmtPrice, shown.order.totalQuantity) == (f"at {version}", 100, 3)
    desk.cancelOrder(trade.order)
    await standing(trade, "Cancelled")
    (done,) = await desk.reqCompletedOrdersAsync(apiOnly=False)
    assert (done.order.orderRef, done.orderStatus.status) == (f"at {version}", "Cancelled")
    desk.disconnect()


# --- Contracts -------------------------------------------------------------------------------------------------------


async def test_a_share_is_described(ib: IB) -> None:
    (details,) = await ib.reqContractDetailsAsync(Stock("AAPL", "SMART", "USD"))
    assert details.contract is not None
    assert (details.contract.conId, details.contract.primaryExchange) == (265598, "NASDAQ")
    assert details.timeZoneId == "US/Eastern"
    assert details.longName.startswith("APPLE")


async def test_a_share_nobody_lists_is_code_200(ib: IB) -> None:
    assert await ib.reqContractDetailsAsync(Stock("NOSUCH", "SMART", "USD")) == []
    assert 200 in codes(ib)


async def test_a_search_finds_by_name(ib: IB) -> None:
    found = await ib.reqMatchingSymbolsAsync("micro")
    assert found is not None
    assert "MSFT" in {d.contract.symbol for d in found if d.contract is not None}


async def test_a_chain_lists_contracts_that_can_be_qualified(ib: IB) -> None:
    share = await apple(ib)
    chains = await ib.reqSecDefOptParamsAsync("AAPL", "", "STK", share.conId)
    smart = next(chain for chain in chains if chain.exchange == "SMART")
    (put,) = await ib.qualifyContractsAsync(Option("AAPL", min(smart.expirations), min(smart.strikes), "P", "SMART"))
    assert isinstance(put, Contract)
    assert put.multiplier == "100"
    assert put.localSymbol.startswith("AAPL  ")


# --- Orders ----------------------------------------------------------------------------------------------------------


async def test_a_market_order_fills_with_its_commission(ib: IB) -> None:
    trade = ib.placeOrder(await apple(ib), MarketOrder("BUY", 100, orderRef="m-1"))
    await standing(trade, "Filled")
    await until(lambda: trade.fills and trade.fills[0].commissionReport.commission)
    (fill,) = trade.fills
    assert (fill.execution.price, fill.execution.shares, fill.execution.orderRef) == (150.02, 100, "m-1")
    assert (fill.commissionReport.commission, fill.commissionReport.currency) == (0.5, "USD")
    assert [entry.status for entry in trade.log][-4:] == ["PreSubmitted", "Submitted", "Submitted", "Filled"]
    await until(ib.positions)
    assert ib.positions()[0].position == 100


async def test_profit_comes_with_the_closing_commission(ib: IB, sim: Sim) -> None:
    share = await apple(ib)
    await standing(ib.placeOrder(share, MarketOrder("BUY", 100)), "Filled")
    sim.price("AAPL", "151.02", "151.04")
    trade = ib.placeOrder(share, MarketOrder("SELL", 100))
    await standing(trade, "Filled")
    await until(lambda: trade.fills[0].commissionReport.realizedPNL)
    assert trade.fills[0].commissionReport.realizedPNL == pytest.approx(100 - 0.5)


async def test_a_limit_fills_in_parts(ib: IB, sim: Sim) -> None:
    trade = ib.placeOrder(await apple(ib), LimitOrder("BUY", 10, 140))
    await standing(trade, "Submitted")
    sim.fill(trade, "4", "140")
    await until(lambda: trade.orderStatus.filled == 4)
    assert (trade.orderStatus.status, trade.orderStatus.remaining) == ("Submitted", 6)
    sim.fill(trade, "6", "139")
    await standing(trade, "Filled")
    assert trade.orderStatus.avgFillPrice == pytest.approx(139.4)


async def test_the_same_number_again_changes_the_order(ib: IB, sim: Sim) -> None:
    share = await apple(ib)
    trade = ib.placeOrder(share, LimitOrder("BUY", 10, 140))
    await standing(trade, "Submitted")
    perm = trade.order.permId
    trade.order.lmtPrice, trade.order.totalQuantity = 141, 12
    ib.placeOrder(share, trade.order)
    await until(lambda: sim.control("/orders")[0]["limit"] == "141")
    (line,) = sim.control("/orders")
    assert (line["quantity"], line["status"], line["order"]) == ("12", "new", str(perm))


async def test_a_change_of_a_filled_order_is_code_104(ib: IB) -> None:
    share = await apple(ib)
    trade = ib.placeOrder(share, MarketOrder("BUY", 1))
    await standing(trade, "Filled")
    ib.client.placeOrder(trade.order.orderId, share, trade.order)
    await until(lambda: 104 in codes(ib))


async def test_a_cancel_is_asked_for_and_then_done(ib: IB) -> None:
    trade = ib.placeOrder(await apple(ib), LimitOrder("BUY", 10, 140))
    await standing(trade, "Submitted")
    ib.cancelOrder(trade.order)
    await standing(trade, "Cancelled")
    await until(lambda: (trade.order.orderId, 202) in ERRORS[ib])


async def test_cancels_of_what_is_not_there_have_their_codes(ib: IB) -> None:
    trade = ib.placeOrder(await apple(ib), MarketOrder("BUY", 1))
    await standing(trade, "Filled")
    ib.client.cancelOrder(trade.order.orderId)
    ib.client.cancelOrder(9_000)
    await until(lambda: {10148, 10147} <= codes(ib))


async def test_a_global_cancel_ends_everything(ib: IB) -> None:
    share = await apple(ib)
    trades = [ib.placeOrder(share, LimitOrder("BUY", 1, price)) for price in (140, 141)]
    for trade in trades:
        await standing(trade, "Submitted")
    ib.reqGlobalCancel()
    for trade in trades:
        await standing(trade, "Cancelled")


@pytest.mark.parametrize(
    ("order", "status"),
    [
        (StopOrder("SELL", 1, 140), "PreSubmitted"),
        (StopLimitOrder("SELL", 1, 139, 140), "PreSubmitted"),
        (Order(action="SELL", orderType="TRAIL", totalQuantity=1, auxPrice=2), "PreSubmitted"),
        (Order(action="SELL", orderType="TRAIL", totalQuantity=1, trailingPercent=2), "PreSubmitted"),
        (Order(action="SELL", orderType="TRAIL LIMIT", totalQuantity=1, auxPrice=2, lmtPriceOffset=1), "PreSubmitted"),
        (Order(action="BUY", orderType="MIT", totalQuantity=1, auxPrice=140), "PreSubmitted"),
        (Order(action="BUY", orderType="LIT", totalQuantity=1, auxPrice=140, lmtPrice=141), "PreSubmitted"),
        (Order(action="BUY", orderType="MIDPRICE", totalQuantity=1, lmtPrice=0), "Submitted"),
        (Order(action="BUY", orderType="MOC", totalQuantity=1), "Filled"),
        (LimitOrder("BUY", 1, 140, tif="IOC"), "Cancelled"),
        (LimitOrder("BUY", 1, 140, tif="GTC"), "Submitted"),
        (LimitOrder("BUY", 1, 140, tif="GTD", goodTillDate="20991231 16:00:00 US/Eastern"), "Submitted"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.orderType} {value.tif}",
)
async def test_every_order_type_stands_where_it_should(ib: IB, order: Order, status: str) -> None:
    trade = ib.placeOrder(await apple(ib), order)
    await standing(trade, status)


async def test_a_trailing_limit_follows_and_becomes_a_limit(ib: IB, sim: Sim) -> None:
    order = Order(action="SELL", orderType="TRAIL LIMIT", totalQuantity=1, auxPrice=2, lmtPriceOffset=1)
    trade = ib.placeOrder(await apple(ib), order)
    await standing(trade, "PreSubmitted")
    sim.price("AAPL", "160.00", "160.02")
    sim.price("AAPL", "157.50", "157.52")
    await standing(trade, "Filled")
    assert trade.fills[0].execution.price == 157.5


async def test_a_bracket_is_sent_with_its_last_order(ib: IB, sim: Sim) -> None:
    share = await apple(ib)
    bracket = ib.bracketOrder("BUY", 10, 140, 160, 130)
    trades = [ib.placeOrder(share, order) for order in bracket]
    await standing(trades[0], "Submitted")
    for child in trades[1:]:
        await standing(child, "PreSubmitted")
        assert child.orderStatus.whyHeld == "child"
    sim.price("AAPL", "139.98", "140.00")
    await standing(trades[0], "Filled")
    await standing(trades[1], "Submitted")
    sim.price("AAPL", "160.00", "160.02")
    await standing(trades[1], "Filled")
    await standing(trades[2], "Cancelled")


async def test_a_child_without_its_parent_is_code_10006(ib: IB) -> None:
    ib.placeOrder(await apple(ib), LimitOrder("SELL", 1, 160, parentId=4_000))
    await until(lambda: 10006 in codes(ib))


async def test_one_cancels_all(ib: IB, sim: Sim) -> None:
    share = await apple(ib)
    orders = ib.oneCancelsAll([LimitOrder("BUY", 10, 140), LimitOrder("BUY", 10, 141)], "g", 1)
    trades = [ib.placeOrder(share, order) for order in orders]
    for trade in trades:
        await standing(trade, "Submitted")
    sim.fill(trades[0], "1", "140")
    await standing(trades[1], "Cancelled")


async def test_a_group_that_reduces_takes_the_same_share(ib: IB, sim: Sim) -> None:
    share = await apple(ib)
    orders = ib.oneCancelsAll([LimitOrder("BUY", 10, 140), LimitOrder("BUY", 20, 141)], "r", 3)
    trades = [ib.placeOrder(share, order) for order in orders]
    for trade in trades:
        await standing(trade, "Submitted")
    sim.fill(trades[0], "5", "140")
    await until(lambda: trades[1].order.totalQuantity == 10)
    assert trades[1].orderStatus.status == "Submitted"


# --- Options, combinations, currencies -------------------------------------------------------------------------------


async def puts(ib: IB, sim: Sim) -> list[Contract]:
    share = await apple(ib)
    chain = (await ib.reqSecDefOptParamsAsync("AAPL", "", "STK", share.conId))[0]
    expiry = sorted(chain.expirations)[1]
    wanted = [Option("AAPL", expiry, strike, "P", "SMART") for strike in (145, 150)]
    found = [c for c in await ib.qualifyContractsAsync(*wanted) if isinstance(c, Contract)]
    for contract, bid, ask in zip(found, ("2.00", "4.00"), ("2.05", "4.05"), strict=True):
        sim.price(contract.localSymbol, bid, ask)
    return found


async def test_a_long_put_is_bought_and_sold(ib: IB, sim: Sim) -> None:
    _, put = await puts(ib, sim)
    bought = ib.placeOrder(put, MarketOrder("BUY", 1))
    await standing(bought, "Filled")
    await until(ib.positions)
    assert ib.positions()[0].avgCost == pytest.approx(bought.fills[0].execution.price * 100)
    await standing(ib.placeOrder(put, MarketOrder("SELL", 1)), "Filled")


async def test_a_combination_trades_through_its_legs(ib: IB, sim: Sim) -> None:
    low, high = await puts(ib, sim)
    legs = [ComboLeg(low.conId, 1, "SELL", "SMART"), ComboLeg(high.conId, 1, "BUY", "SMART")]
    spread = Contract(secType="BAG", symbol="AAPL", currency="USD", exchange="SMART", comboLegs=legs)
    trade = ib.placeOrder(spread, LimitOrder("BUY", 2, 0.01))
    await standing(trade, "Submitted")
    trade.order.lmtPrice = 5
    ib.placeOrder(spread, trade.order)
    await standing(trade, "Filled")
    await until(lambda: len(trade.fills) == 3)
    assert sorted(f.contract.secType for f in trade.fills) == ["BAG", "OPT", "OPT"]
    assert {p.position for p in ib.positions()} == {2, -2}
    assert len({f.execution.permId for f in trade.fills}) == 1


async def test_a_small_currency_order_comes_with_a_warning(ib: IB) -> None:
    (pair,) = await ib.qualifyContractsAsync(Forex("EURUSD"))
    assert isinstance(pair, Contract)
    trade = ib.placeOrder(pair, MarketOrder("BUY", 1_000))
    await standing(trade, "Filled")
    assert 399 in codes(ib)


# --- What-if and refusals --------------------------------------------------------------------------------------------


async def test_what_if_places_nothing(ib: IB, sim: Sim) -> None:
    state = await ib.whatIfOrderAsync(await apple(ib), LimitOrder("BUY", 100, 150))
    assert (state.initMarginChange, state.commission) == ("7500.5", 0.5)
    assert sim.control("/orders") == []


async def test_too_little_money_is_code_201_and_inactive(ib: IB, sim: Sim) -> None:
    trade = ib.placeOrder(await apple(ib), MarketOrder("BUY", 100_000))
    await until(lambda: 201 in codes(ib))
    await standing(trade, "Inactive")
    assert sim.control("/fills") == []


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (LimitOrder("BUY", 1, 140.001), 110),
        (LimitOrder("BUY", 1, 900), 109),
        (LimitOrder("BUY", 0, 140), 434),
        (LimitOrder("BUY", 0.5, 140), 10243),
        (LimitOrder("BUY", 1, 140, account="DU1"), 321),
        (LimitOrder("BUY", 1, 140, tif="SOON"), 321),
        (Order(action="BUY", orderType="MOC", totalQuantity=1, tif="GTC"), 111),
        (Order(action="BUY", orderType="PEG MID", totalQuantity=1), 387),
        (LimitOrder("HOLD", 1, 140), 321),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else f"{value.orderType} {value.tif}",
)
async def test_an_order_with_a_mistake_is_told_so_and_never_there(ib: IB, sim: Sim, order: Order, code: int) -> None:
    ib.placeOrder(await apple(ib), order)
    await until(lambda: code in codes(ib))
    assert sim.control("/orders") == []


async def test_an_order_number_used_up_is_code_103(ib: IB) -> None:
    share = await apple(ib)
    await standing(ib.placeOrder(share, LimitOrder("BUY", 1, 140, orderId=50)), "Submitted")
    ib.placeOrder(share, LimitOrder("BUY", 1, 140, orderId=49))
    await until(lambda: (49, 103) in ERRORS[ib])


async def test_a_short_sale_waits_for_its_shares(ib: IB, sim: Sim) -> None:
    (share,) = await ib.qualifyContractsAsync(Stock("SIRI", "SMART", "USD"))
    assert isinstance(share, Contract)
    trade = ib.placeOrder(share, MarketOrder("SELL", 10))
    await until(lambda: 404 in codes(ib))
    await standing(trade, "PreSubmitted")
    sim.control("/locate", {"order": str(trade.order.permId)})
    await standing(trade, "Filled")


# --- Executions, corrections, resync ---------------------------------------------------------------------------------


async def test_a_correction_is_the_same_execution_with_a_higher_last_part(ib: IB, sim: Sim) -> None:
    trade = ib.placeOrder(await apple(ib), MarketOrder("BUY", 10))
    await standing(trade, "Filled")
    first = trade.fills[0].execution.execId
    sim.control("/corrections", {"exec": first, "qty": "10", "price": "149"})
    await until(lambda: len(trade.fills) == 2)
    second = trade.fills[1].execution
    assert (second.execId, second.price) == (f"{first.rpartition('.')[0]}.02", 149)


async def test_another_client_sees_orders_and_executions_of_the_first(ib: IB, sim: Sim) -> None:
    share = await apple(ib)
    await standing(ib.placeOrder(share, MarketOrder("BUY", 10)), "Filled")
    await standing(ib.placeOrder(share, LimitOrder("BUY", 1, 140)), "Submitted")
    other = await connected(sim, 8)
    assert [t.order.clientId for t in await other.reqAllOpenOrdersAsync()] == [7]
    assert await other.reqOpenOrdersAsync() == []
    (fill,) = await other.reqExecutionsAsync()
    assert fill.execution.clientId == 7
    other.disconnect()


async def test_fills_while_the_link_is_lost_are_found_by_asking(ib: IB, sim: Sim) -> None:
    trade = ib.placeOrder(await apple(ib), LimitOrder("BUY", 10, 140))
    await standing(trade, "Submitted")
    sim.control("/link", {"up": False})
    await until(lambda: 1100 in codes(ib))
    sim.fill(trade, "10", "140")
    sim.control("/link", {"up": True})
    await until(lambda: 1102 in codes(ib))
    assert trade.fills == []
    (fill,) = await ib.reqExecutionsAsync()
    assert fill.execution.permId == trade.order.permId
    assert await ib.reqOpenOrdersAsync() == []


async def test_an_order_sent_while_the_link_is_lost_waits_for_it(ib: IB, sim: Sim) -> None:
    share = await apple(ib)
    sim.control("/link", {"up": False})
    await until(lambda: 1100 in codes(ib))
    trade = ib.placeOrder(share, MarketOrder("BUY", 10))
    await until(lambda: sim.control("/orders"))
    assert sim.control("/fills") == []
    sim.control("/link", {"up": True, "data_lost": True})
    await standing(trade, "Filled")
    assert 1101 in codes(ib)


async def test_a_restart_closes_the_connection_and_orders_live_on(ib: IB, sim: Sim) -> None:
    trade = ib.placeOrder(await apple(ib), LimitOrder("BUY", 10, 140, orderRef="survivor"))
    await standing(trade, "Submitted")
    sim.control("/restart", {"in_s": "0", "for_s": "0"})
    await until(lambda: not ib.isConnected())
    again = await connected(sim, 7)
    assert [t.order.orderRef for t in again.openTrades()] == ["survivor"]
    assert again.client.getReqId() > trade.order.orderId
    again.disconnect()


# --- Market data -----------------------------------------------------------------------------------------------------


async def test_ticks_follow_the_price(ib: IB, sim: Sim) -> None:
    ticker = ib.reqMktData(await apple(ib))
    await until(lambda: (ticker.bid, ticker.ask, ticker.last) == (150.0, 150.02, 150.0))
    assert ticker.marketDataType == 1
    sim.price("AAPL", "151.00", "151.02")
    await until(lambda: ticker.bid == 151)
    assert ticker.close > 0


async def test_delayed_prices_where_nobody_paid_for_live_ones(ib: IB, sim: Sim) -> None:
    share = await apple(ib)
    sim.control("/entitlement", {"live": False})
    ib.reqMktData(share)
    await until(lambda: 354 in codes(ib))
    ib.reqMarketDataType(3)
    (ticker,) = await ib.reqTickersAsync(share)
    assert 10167 in codes(ib)
    assert ticker.marketDataType == 3
    assert ticker.bid == 150


async def test_bars_and_ticks_of_the_past(ib: IB) -> None:
    share = await apple(ib)
    daily = await ib.reqHistoricalDataAsync(share, "", "10 D", "1 day", "TRADES", useRTH=True)
    assert 4 <= len(daily) <= 8
    hourly = await ib.reqHistoricalDataAsync(share, "", "5 D", "1 hour", "MIDPOINT", useRTH=True, formatDate=2)
    assert all(bar.low <= bar.open <= bar.high for bar in hourly)
    ticks = await ib.reqHistoricalTicksAsync(share, "20260302 15:00:00 US/Eastern", "", 5, "BID_ASK", useRth=True)
    assert len(ticks) == 5


async def test_a_bar_size_that_is_none_is_code_321(ib: IB) -> None:
    share = await apple(ib)
    bars = await ib.reqHistoricalDataAsync(share, "", "1 D", "7 mins", "TRADES", useRTH=True, timeout=0.5)
    assert not bars
    assert 321 in codes(ib)


async def test_tick_by_tick_and_bars_in_real_time(ib: IB, sim: Sim) -> None:
    share = await apple(ib)
    ticker = ib.reqTickByTickData(share, "BidAsk")
    live = ib.reqRealTimeBars(share, 5, "TRADES", useRTH=False)
    await until(lambda: any(entry["path"] == "/reqRealTimeBars" for entry in sim.control("/requests")))
    sim.price("AAPL", "152.00", "152.02")
    await until(lambda: ticker.tickByTicks or ticker.bid == 152)
    await until(lambda: live)
    assert live[0].close == 152


async def test_profit_is_told_for_the_account_and_a_position(ib: IB, sim: Sim) -> None:
    share = await apple(ib)
    await standing(ib.placeOrder(share, MarketOrder("BUY", 100)), "Filled")
    pnl = ib.reqPnL(ib.managedAccounts()[0])
    single = ib.reqPnLSingle(ib.managedAccounts()[0], "", share.conId)
    sim.price("AAPL", "160.01", "160.03")
    await until(lambda: pnl.unrealizedPnL == 1000)
    await until(lambda: single.value == 16002)


async def test_a_client_that_asks_for_nothing_at_the_start_is_served(sim: Sim) -> None:
    desk = IB()
    await desk.connectAsync("127.0.0.1", sim.line["port"], clientId=11, timeout=10, fetchFields=StartupFetchNONE)
    assert (await desk.reqCurrentTimeAsync()).tzinfo is not None
    desk.disconnect()
