"""The frames of our TWS codec against those that `ib_async` sends, byte for byte, and its decoder against ours."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from decimal import Decimal
from itertools import product
from typing import Any, cast
from zoneinfo import ZoneInfo

import ib_async
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ib_async.client import Client
from ib_async.decoder import Decoder

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import requests
from floorbroker.brokers.ibkr.codec.answers import decode
from floorbroker.brokers.ibkr.codec.framing import hello
from floorbroker.brokers.ibkr.codec.place import place_order

VERSIONS = (157, 176, 178)
D = Decimal
CORPUS_MIN = 200

# -- our records as theirs ----------------------------------------------------------------------------------------------------

_SPELLED = {
    "con_id": "conId", "last_trade": "lastTradeDateOrContractMonth", "rule_80a": "rule80A", "leg_prices": "orderComboLegs",
    "smart_routing": "smartComboRoutingParams", "misc_options": "orderMiscOptions", "legs": "comboLegs",
    "legs_described": "comboLegsDescrip",
}  # fmt: skip


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return _SPELLED.get(name) or first + "".join(part.capitalize() for part in rest)


def theirs(value: object, *, exact: bool) -> Any:
    """A value of ours as `ib_async` wants it: a decimal stays one, or becomes the float with the same digits."""
    if isinstance(value, Decimal):
        return value if exact else float(value)
    return value


def tags(pairs: wire.Pairs) -> list[ib_async.TagValue]:
    return [ib_async.TagValue(tag, text) for tag, text in pairs]


def their_contract(contract: wire.Contract, *, exact: bool = False) -> ib_async.Contract:
    made = ib_async.Contract()
    for name in wire.Contract.__struct_fields__:
        if name != "legs":
            setattr(made, camel(name), theirs(getattr(contract, name), exact=exact))
    made.comboLegs = [
        ib_async.ComboLeg(**{camel(name): getattr(leg, name) for name in wire.Leg.__struct_fields__})
        for leg in contract.legs
    ]
    return made


def their_order(order: wire.Order, *, exact: bool = False) -> ib_async.Order:
    made = ib_async.Order()
    for name in wire.Order.__struct_fields__:
        value = getattr(order, name)
        if name in ("smart_routing", "algo_params", "misc_options"):
            value = tags(value)
        elif name == "leg_prices":
            value = [ib_async.OrderComboLeg(price=theirs(one, exact=exact)) for one in value]
        if value is not None:
            setattr(made, camel(name), theirs(value, exact=exact))
    return made


# -- the corpus ---------------------------------------------------------------------------------------------------------------

CONTRACTS = {
    "stock": wire.Contract(symbol="AAPL", sec_type="STK", exchange="SMART", primary_exchange="NASDAQ", currency="USD"),
    "stock by id": wire.Contract(con_id=265598, exchange="SMART"),
    "etf": wire.Contract(con_id=756733, symbol="SPY", sec_type="STK", exchange="SMART", currency="USD"),
    "put": wire.Contract(
        symbol="AAPL", sec_type="OPT", last_trade="20260320", strike=D("150.0"), right="P", multiplier="100",
        exchange="SMART", currency="USD", trading_class="AAPL", local_symbol="AAPL  260320P00150000",
    ),
    "fx": wire.Contract(symbol="EUR", sec_type="CASH", exchange="IDEALPRO", currency="USD", local_symbol="EUR.USD"),
    "future": wire.Contract(symbol="ES", sec_type="FUT", last_trade="202603", exchange="CME", currency="USD"),
    "by isin": wire.Contract(
        sec_type="STK", exchange="SMART", currency="USD", sec_id_type="ISIN", sec_id="US0378331005"
    ),
    "spread": wire.Contract(
        symbol="AAPL", sec_type="BAG", exchange="SMART", currency="USD",
        legs=(
            wire.Leg(con_id=685302909, ratio=1, action="BUY", exchange="SMART"),
            wire.Leg(con_id=685302910, ratio=2, action="SELL", exchange="SMART", open_close=1, exempt_code=0),
        ),
    ),
}  # fmt: skip

_BUY: dict[str, Any] = {"action": "BUY", "total_quantity": D("10.0"), "account": "DU123456", "tif": "DAY"}


def order(order_type: str, **terms: Any) -> wire.Order:
    return wire.Order(**{**_BUY, "order_type": order_type, **terms})


ORDERS = {
    "market": order("MKT"),
    "limit": order("LMT", lmt_price=D("189.5"), order_ref="0192f0c1", tif="GTC"),
    "limit to the cent": order("LMT", lmt_price=D("0.07"), action="SELL"),
    "stop": order("STP", aux_price=D("175.25"), action="SELL", trigger_method=2),
    "stop limit": order("STP LMT", lmt_price=D("174.0"), aux_price=D("175.0"), outside_rth=True),
    "trail": order("TRAIL", aux_price=D("1.5"), trail_stop_price=D("180.0"), action="SELL"),
    "trail percent": order("TRAIL", trailing_percent=D("2.5"), action="SELL"),
    "trail limit": order("TRAIL LIMIT", aux_price=D("1.0"), trail_stop_price=D("180.5"), lmt_price_offset=D("0.1")),
    "touched": order("MIT", aux_price=D("170.0")),
    "touched limit": order("LIT", aux_price=D("170.0"), lmt_price=D("170.1")),
    "close": order("MOC"),
    "limit close": order("LOC", lmt_price=D("188.0")),
    "open": order("LMT", tif="OPG", lmt_price=D("188.0")),
    "mid price": order("MIDPRICE", lmt_price=D("190.0")),
    "relative": order("REL", aux_price=D("0.01"), percent_offset=D("0.02")),
    "ioc": order("LMT", tif="IOC", lmt_price=D("188.0"), all_or_none=True, min_qty=5),
    "fok": order("LMT", tif="FOK", lmt_price=D("188.0"), hidden=True),
    "gtd": order("LMT", tif="GTD", good_till_date="20260116 16:00:00 US/Eastern", lmt_price=D("1.0"), display_size=2),
    "later": order("MKT", good_after_time="20260116 10:00:00 US/Eastern"),
    "parent": order("LMT", lmt_price=D("180.0"), transmit=False),
    "child": order("LMT", lmt_price=D("190.0"), action="SELL", parent_id=7, transmit=False),
    "last child": order("STP", aux_price=D("175.0"), action="SELL", parent_id=7, oca_group="b-1", oca_type=1),
    "one cancels all": order("LMT", lmt_price=D("180.0"), oca_group="o-1", oca_type=3),
    "what if": order("LMT", lmt_price=D("180.0"), what_if=True),
    "cash": order("MKT", total_quantity=D("0.0"), cash_qty=D("250.0")),
    "combo": order(
        "LMT", lmt_price=D("-1.2"), smart_routing=(("NonGuaranteed", "1"),), leg_prices=(D("2.1"), None)
    ),
    "algo": order("LMT", lmt_price=D("180.0"), algo_strategy="Adaptive", algo_params=(("adaptivePriority", "Normal"),)),
    "hedged": order("LMT", lmt_price=D("180.0"), hedge_type="D", hedge_param="1"),
    "short": order("LMT", lmt_price=D("180.0"), action="SSHORT", short_sale_slot=2, designated_location="XY"),
    "rest": order(
        "LMT", lmt_price=D("180.0"), randomize_size=True, solicited=True, ext_operator="me", duration=60, post_to_ats=30,
        auto_cancel_parent=True, use_price_mgmt_algo=True, override_percentage_constraints=True, discretionary_amt=D("0.5"),
        model_code="m", clearing_account="c", clearing_intent="IB", not_held=True, opt_out_smart_routing=True,
        advanced_error_override="8229", misc_options=(("a", "b"),), algo_id="i", settling_firm="f", rule_80a="I",
        sweep_to_fill=True, block_order=True, manual_order_time="20260116 10:00:00", origin=1, open_close="C",
    ),
}  # fmt: skip

Their = Callable[[Client], None]
Our = Callable[[int], bytes]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Call = tuple[str, Their, Our]


def order_calls() -> list[Call]:
    """Every kind of order in every kind of contract, with numbers as floats and as decimals in turn."""
    calls: list[Call] = []
    for at, ((what, contract), (how, one)) in enumerate(product(CONTRACTS.items(), ORDERS.items())):
        calls.append(
            (
                f"{what}: {how}",
                lambda client, c=contract, o=one, n=at: client.placeOrder(
                    n, their_contract(c, exact=n % 2 == 0), their_order(o, exact=n % 2 == 0)
                ),
                lambda version, c=contract, o=one, n=at: place_order(n, c, o, version=version),
            )
        )
    return calls


FILTER = wire.ExecutionFilter(client_id=7, account="DU123456", time="20260105-00:00:00", symbol="AAPL", side="BUY")


def request_calls() -> list[Call]:
    calls: list[Call] = [
        ("start", lambda c: c.startApi(), lambda _: requests.start_api(7)),
        ("ids", lambda c: c.reqIds(1), lambda _: requests.next_ids()),
        ("time", lambda c: c.reqCurrentTime(), lambda _: requests.current_time()),
        ("accounts", lambda c: c.reqManagedAccts(), lambda _: requests.managed_accounts()),
        ("cancel", lambda c: c.cancelOrder(12), lambda v: requests.cancel_order(12, version=v)),
        ("cancel timed", lambda c: c.cancelOrder(12, "t"), lambda v: requests.cancel_order(12, version=v, manual_time="t")),
        ("global cancel", lambda c: c.reqGlobalCancel(), lambda _: requests.global_cancel()),
        ("open orders", lambda c: c.reqOpenOrders(), lambda _: requests.open_orders()),
        ("all open orders", lambda c: c.reqAllOpenOrders(), lambda _: requests.all_open_orders()),
        ("bind", lambda c: c.reqAutoOpenOrders(True), lambda _: requests.auto_open_orders(bind=True)),
        ("completed", lambda c: c.reqCompletedOrders(False), lambda _: requests.completed_orders(api_only=False)),
        ("completed api", lambda c: c.reqCompletedOrders(True), lambda _: requests.completed_orders(api_only=True)),
        ("executions", lambda c: c.reqExecutions(3, ib_async.ExecutionFilter()),
         lambda _: requests.executions(3, wire.ExecutionFilter())),
        ("some executions",
         lambda c: c.reqExecutions(
             4, ib_async.ExecutionFilter(7, "DU123456", "20260105-00:00:00", "AAPL", side="BUY")),
         lambda _: requests.executions(4, FILTER)),
        ("updates", lambda c: c.reqAccountUpdates(True, "DU1"), lambda _: requests.account_updates("DU1", subscribe=True)),
        ("no updates", lambda c: c.reqAccountUpdates(False, "DU1"),
         lambda _: requests.account_updates("DU1", subscribe=False)),
        ("positions", lambda c: c.reqPositions(), lambda _: requests.positions()),
        ("no positions", lambda c: c.cancelPositions(), lambda _: requests.cancel_positions()),
        ("summary", lambda c: c.reqAccountSummary(5, "All", "NetLiquidation,BuyingPower"),
         lambda _: requests.account_summary(5, tags="NetLiquidation,BuyingPower")),
        ("no summary", lambda c: c.cancelAccountSummary(5), lambda _: requests.cancel_account_summary(5)),
        ("positions of", lambda c: c.reqPositionsMulti(6, "DU1", ""), lambda _: requests.positions_multi(6, "DU1")),
        ("no positions of", lambda c: c.cancelPositionsMulti(6), lambda _: requests.cancel_positions_multi(6)),
        ("updates of", lambda c: c.reqAccountUpdatesMulti(6, "DU1", "", False),
         lambda _: requests.account_updates_multi(6, "DU1")),
        ("no updates of", lambda c: c.cancelAccountUpdatesMulti(6), lambda _: requests.cancel_account_updates_multi(6)),
        ("pnl", lambda c: c.reqPnL(6, "DU1", ""), lambda _: requests.pnl(6, "DU1")),
        ("no pnl", lambda c: c.cancelPnL(6), lambda _: requests.cancel_pnl(6)),
        ("pnl of one", lambda c: c.reqPnLSingle(6, "DU1", "", 265598), lambda _: requests.pnl_single(6, "DU1", 265598)),
        ("no pnl of one", lambda c: c.cancelPnLSingle(6), lambda _: requests.cancel_pnl_single(6)),
        ("samples", lambda c: c.reqMatchingSymbols(8, "appl"), lambda _: requests.matching_symbols(8, "appl")),
        ("options", lambda c: c.reqSecDefOptParams(8, "AAPL", "", "STK", 265598),
         lambda _: requests.option_params(8, symbol="AAPL", sec_type="STK", con_id=265598)),
        ("rule", lambda c: c.reqMarketRule(26), lambda _: requests.market_rule(26)),
        ("no data", lambda c: c.cancelMktData(9), lambda _: requests.cancel_market_data(9)),
        ("no history", lambda c: c.cancelHistoricalData(9), lambda _: requests.cancel_history(9)),
        ("no bars", lambda c: c.cancelRealTimeBars(9), lambda _: requests.cancel_live_bars(9)),
        ("no ticks", lambda c: c.cancelTickByTickData(9), lambda _: requests.cancel_tick_by_tick(9)),
    ]  # fmt: skip
    calls += [
        (f"data type {kind}", lambda c, k=kind: c.reqMarketDataType(k), lambda _, k=kind: requests.market_data_type(k))
        for kind in (1, 2, 3, 4)
    ]
    for what, contract in CONTRACTS.items():
        calls += contract_calls(what, contract)
    return calls


def contract_calls(what: str, contract: wire.Contract) -> list[Call]:
    there = their_contract(contract)
    return [
        (f"{what} details", lambda c: c.reqContractDetails(9, there),
         lambda v: requests.contract_details(9, contract, version=v)),
        (f"{what} ticks", lambda c: c.reqMktData(9, there, "233", False, False, []),
         lambda _: requests.market_data(9, contract, generic_ticks="233")),
        (f"{what} snapshot", lambda c: c.reqMktData(9, there, "", True, False, [ib_async.TagValue("a", "b")]),
         lambda _: requests.market_data(9, contract, snapshot=True, options=(("a", "b"),))),
        (f"{what} history",
         lambda c: c.reqHistoricalData(9, there, "", "1 D", "1 min", "TRADES", True, 2, False, []),
         lambda _: requests.history(
             9, contract, end="", duration="1 D", bar_size="1 min", what="TRADES", regular_hours=True)),
        (f"{what} kept history",
         lambda c: c.reqHistoricalData(9, there, "", "1 D", "1 min", "BID", False, 1, True, []),
         lambda _: requests.history(
             9, contract, end="", duration="1 D", bar_size="1 min", what="BID", regular_hours=False,
             epoch_dates=False, keep_up=True)),
        (f"{what} bars", lambda c: c.reqRealTimeBars(9, there, 5, "TRADES", False, []),
         lambda _: requests.live_bars(9, contract, what="TRADES", regular_hours=False)),
        (f"{what} tick by tick", lambda c: c.reqTickByTickData(9, there, "BidAsk", 0, True),
         lambda _: requests.tick_by_tick(9, contract, kind="BidAsk", ignore_size=True)),
    ]  # fmt: skip


CALLS = [*order_calls(), *request_calls()]


class Heard:
    """A wrapper of `ib_async` that keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.ib = self
        self.TimezoneTWS = "UTC"
        self.defaultTimezone = ZoneInfo("UTC")

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name in ("priceSizeTick_", "tcpDataArrived", "tcpDataProcessed"):
            raise AttributeError(name)
        return lambda *args: self.calls.append((name, args))


def captured(version: int) -> tuple[Client, list[bytes]]:
    """Their client, connected to nothing, and what it sends."""
    client, sent = Client(cast("Any", Heard())), list[bytes]()
    client.MaxRequests = 0
    client.clientId = 7
    client.connState = Client.CONNECTED
    client._serverVersion = version  # noqa: SLF001 - the handshake sets it
    cast("Any", client.conn).sendMsg = sent.append
    return client, sent


def test_the_corpus_is_as_large_as_was_promised() -> None:
    assert len(CALLS) >= CORPUS_MIN
    assert len({name for name, _, _ in CALLS}) == len(CALLS)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_frame_is_the_one_that_ib_async_sends(version: int) -> None:
    async def compared() -> list[str]:
        client, sent = captured(version)
        wrong: list[str] = []
        for name, there, here in CALLS:
            sent.clear()
            there(client)
            if sent != [here(version)]:
                wrong.append(name)
        return wrong

    assert not asyncio.run(compared())


def test_the_first_bytes_are_those_of_ib_async() -> None:
    async def prefixed() -> bytes:
        return captured(178)[0]._prefix(b"v157..178")  # noqa: SLF001 - what its connect sends

    assert hello() == b"API\0" + asyncio.run(prefixed())


# -- what the server says -----------------------------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9, allow_subnormal=False)
    .map(lambda number: Decimal(repr(round(number, 6)))),
).map(lambda number: format(number, "f"))  # fmt: skip
UNSET = st.sampled_from(["", "1.7976931348623157E308"])
MAYBE = st.one_of(NUMBERS, UNSET)
WHOLE = st.integers(min_value=0, max_value=2**31 - 2).map(str)
MAYBE_WHOLE = st.one_of(WHOLE, st.just(""))
FLAG = st.sampled_from(["0", "1", ""])
TEXT = st.text(alphabet="ABCabc 0189./:-_äß", max_size=12)
VERSION = st.sampled_from([157, 159, 160, 162, 163, 164, 166, 169, 170, 176, 177, 178])


def their_reading(fields: list[str], version: int) -> list[tuple[str, tuple[Any, ...]]]:
    wrapper = Heard()
    Decoder(cast("Any", wrapper), version).handlers[int(fields[0])](list(fields))
    return wrapper.calls


def ours(fields: list[str], version: int) -> Any:
    return decode("".join(f"{field}\0" for field in fields).encode(), version=version)


def same(here: Decimal | int | None, there: float | Decimal) -> bool:
    """As text: the digits we keep make the float they have; what is not set here is unset there."""
    if here is None:
        return there in (ib_async.util.UNSET_DOUBLE, ib_async.util.UNSET_INTEGER, 0)
    return repr(float(here)) == repr(float(there))


@st.composite
def contract_texts(draw: st.DrawFn) -> list[str]:
    return [
        draw(WHOLE), draw(TEXT), draw(TEXT), draw(TEXT), draw(st.one_of(NUMBERS, st.just("0.0"))), draw(TEXT), draw(TEXT),
        draw(TEXT), draw(TEXT), draw(TEXT), draw(TEXT),
    ]  # fmt: skip


def assert_contract(here: wire.Contract, there: ib_async.Contract, *, exchange: str = "exchange") -> None:
    assert same(here.con_id, there.conId)
    assert same(here.strike, there.strike)
    for name in ("symbol", "sec_type", "last_trade", "right", "multiplier", exchange, "currency", "local_symbol"):
        assert getattr(here, name) == getattr(there, camel(name))
    assert here.trading_class == there.tradingClass


@given(data=st.data(), version=VERSION)
@settings(max_examples=60, deadline=None)
def test_an_execution_is_read_to_equal_values(data: st.DataObject, version: int) -> None:
    d = data.draw
    fields = ["11", d(WHOLE), d(WHOLE), *d(contract_texts()), "0000e0d5.65.01.01", "20260105 10:31:22", d(TEXT), d(TEXT),
              d(st.sampled_from(["BOT", "SLD"])), d(NUMBERS), d(NUMBERS), d(WHOLE), d(WHOLE), d(WHOLE), d(NUMBERS), d(NUMBERS),
              d(TEXT), d(TEXT), d(MAYBE), d(TEXT), d(WHOLE)]  # fmt: skip
    fields += [d(st.sampled_from(["0", "1"]))] if version >= 178 else []
    [(name, (req_id, contract, execution))] = their_reading(fields, version)
    here = ours(fields, version)
    assert (name, req_id) == ("execDetails", here.req_id)
    assert_contract(here.contract, contract)
    for field, there in {
        "shares": "shares", "price": "price", "cum_qty": "cumQty", "avg_price": "avgPrice", "order_id": "orderId",
        "perm_id": "permId", "client_id": "clientId", "last_liquidity": "lastLiquidity", "liquidation": "liquidation",
    }.items():  # fmt: skip
        assert same(getattr(here, field), getattr(execution, there)), field
    assert (here.exec_id, here.side, here.order_ref) == (execution.execId, execution.side, execution.orderRef)
    assert (here.account, here.exchange, here.model_code) == (
        execution.acctNumber, execution.exchange, execution.modelCode,
    )  # fmt: skip
    assert here.pending_price_revision == execution.pendingPriceRevision


def order_texts(draw: Draw, *, completed: bool, version: int) -> list[str]:  # noqa: PLR0915 - as long as the message
    """A whole openOrder (5) or completedOrder (101) behind its ids."""
    d = draw

    def several(count: int, kind: st.SearchStrategy[str] = MAYBE) -> list[str]:
        return [d(kind) for _ in range(count)]

    fields = [*d(contract_texts()), d(TEXT), d(NUMBERS), d(st.sampled_from(["LMT", "STP", "TRAIL", "PEG BENCH"]))]
    order_type = fields[-1]
    fields += [*several(2), d(TEXT), d(TEXT), d(TEXT), d(TEXT), d(WHOLE), d(TEXT)]
    fields += [d(WHOLE)] if completed else [d(WHOLE), d(WHOLE)]
    fields += [d(FLAG), d(FLAG), d(NUMBERS), d(TEXT)]
    fields += [] if completed else [d(TEXT)]
    fields += several(3 if version >= 177 else 4, TEXT)
    fields += [d(TEXT), d(TEXT), d(TEXT), d(MAYBE), d(TEXT), d(WHOLE), d(TEXT), d(WHOLE)]
    fields += several(5) if completed else [d(WHOLE), *several(5)]
    fields += [d(WHOLE), *([] if completed else [d(FLAG)]), d(FLAG), d(FLAG), d(MAYBE_WHOLE), d(WHOLE)]
    fields += [d(WHOLE)] if completed else [d(FLAG), d(FLAG), d(MAYBE), d(WHOLE), d(WHOLE)]
    delta = d(st.sampled_from(["", "MKT"]))
    fields += [d(MAYBE), d(MAYBE_WHOLE), delta, d(MAYBE)]
    if delta:
        fields += (
            [d(WHOLE), d(FLAG), d(WHOLE), d(TEXT)]
            if completed
            else [d(WHOLE), d(TEXT), d(TEXT), d(TEXT), d(TEXT), d(FLAG), d(WHOLE), d(TEXT)]
        )
    fields += [d(FLAG), d(MAYBE_WHOLE), *several(2), *([] if completed else [d(MAYBE), d(MAYBE_WHOLE)]), d(TEXT)]
    fields += rows(d, lambda: [d(WHOLE), d(WHOLE), d(TEXT), d(TEXT), d(WHOLE), d(WHOLE), d(TEXT), d(WHOLE)])
    fields += rows(d, lambda: [d(MAYBE)])
    fields += rows(d, lambda: [d(TEXT), d(TEXT)])
    increment = d(st.sampled_from(["", "0.0", "0.05"]))
    fields += [d(MAYBE_WHOLE), d(MAYBE_WHOLE), increment]
    if increment == "0.05":
        fields += [d(MAYBE), d(MAYBE_WHOLE), d(MAYBE), d(FLAG), d(MAYBE_WHOLE), d(MAYBE_WHOLE), d(FLAG)]
    hedge = d(st.sampled_from(["", "D"]))
    fields += [hedge, *([d(TEXT)] if hedge else [])]
    fields += [*([] if completed else [d(FLAG)]), d(TEXT), d(TEXT), d(FLAG)]
    neutral = d(st.sampled_from(["0", "1"]))
    fields += [neutral, *([d(WHOLE), d(NUMBERS), d(NUMBERS)] if neutral == "1" else [])]
    algo = d(st.sampled_from(["", "Adaptive"]))
    fields += [algo, *(rows(d, lambda: [d(TEXT), d(TEXT)]) if algo else [])]
    fields += [d(FLAG)] if completed else [d(FLAG), d(FLAG)]
    fields += [d(TEXT)] if completed else [d(TEXT), *several(12), d(TEXT), d(TEXT)]
    fields += [d(FLAG), d(FLAG)]
    fields += [d(WHOLE), d(FLAG), d(NUMBERS), d(NUMBERS), d(TEXT)] if order_type == "PEG BENCH" else []
    conditions = rows(d, lambda: condition(d))
    fields += [*conditions, *([d(FLAG), d(FLAG)] if conditions != ["0"] else [])]
    if completed:
        fields += [
            *several(3),
            d(FLAG),
            d(FLAG),
            d(TEXT),
            d(MAYBE),
            d(WHOLE),
            d(FLAG),
            d(TEXT),
            d(FLAG),
            d(FLAG),
            d(WHOLE),
        ]
        fields += [d(TEXT), d(TEXT)]
    else:
        fields += [
            d(TEXT),
            *several(6),
            d(WHOLE),
            d(TEXT),
            d(TEXT),
            d(TEXT),
            d(MAYBE),
            d(FLAG),
            d(FLAG),
            d(FLAG),
            d(FLAG),
        ]
        fields += [d(MAYBE_WHOLE)] if version >= 159 else []
        fields += [d(MAYBE_WHOLE)] if version >= 160 else []
        fields += [d(FLAG)] if version >= 162 else []
    fields += [d(MAYBE_WHOLE), d(MAYBE_WHOLE), *several(3)] if version >= 170 else []
    return fields


def rows(d: Draw, one: Callable[[], list[str]]) -> list[str]:
    count = d(st.integers(min_value=0, max_value=2))
    return [str(count), *(text for _ in range(count) for text in one())]


def condition(d: Draw) -> list[str]:
    kinds: dict[str, list[st.SearchStrategy[str]]] = {
        "1": [TEXT, FLAG, NUMBERS, WHOLE, TEXT, WHOLE],
        "3": [TEXT, FLAG, TEXT],
        "4": [TEXT, FLAG, WHOLE],
        "5": [TEXT, TEXT, TEXT, TEXT],
        "6": [TEXT, FLAG, WHOLE, WHOLE, TEXT],
        "7": [TEXT, FLAG, NUMBERS, WHOLE, TEXT],
    }
    kind = d(st.sampled_from(sorted(kinds)))
    return [kind, *(d(one) for one in kinds[kind])]


SAME_NUMBERS = (
    "total_quantity", "lmt_price", "aux_price", "oca_type", "origin", "trigger_method", "discretionary_amt",
    "short_sale_slot", "exempt_code", "display_size", "min_qty", "percent_offset", "trailing_percent", "lmt_price_offset",
    "cash_qty",
)  # fmt: skip
SAME_WORDS = (
    "action", "order_type", "tif", "oca_group", "account", "open_close", "order_ref", "good_after_time",
    "good_till_date", "model_code", "designated_location", "rule_80a", "settling_firm", "hedge_type", "hedge_param",
    "clearing_account", "clearing_intent", "algo_strategy", "outside_rth", "hidden", "all_or_none", "not_held",
    "sweep_to_fill", "solicited", "randomize_size", "randomize_price", "auto_cancel_parent",
)  # fmt: skip


def assert_order(here: wire.Order, there: ib_async.Order) -> None:
    for name in SAME_NUMBERS:
        assert same(getattr(here, name), getattr(there, camel(name))), name
    for name in SAME_WORDS:
        assert getattr(here, name) == getattr(there, camel(name)), name
    assert list(here.smart_routing) == [(tag.tag, tag.value) for tag in there.smartComboRoutingParams]
    assert list(here.algo_params) == [(tag.tag, tag.value) for tag in there.algoParams]
    assert len(here.leg_prices) == len(there.orderComboLegs)
    assert all(same(one, leg.price) for one, leg in zip(here.leg_prices, there.orderComboLegs, strict=True))


def assert_legs(here: wire.Contract, there: ib_async.Contract) -> None:
    assert here.legs_described == there.comboLegsDescrip
    assert [tuple(getattr(leg, name) for name in wire.Leg.__struct_fields__) for leg in here.legs] == [
        tuple(getattr(leg, camel(name)) for name in wire.Leg.__struct_fields__) for leg in there.comboLegs
    ]


@given(data=st.data(), version=VERSION)
@settings(max_examples=60, deadline=None)
def test_an_open_order_is_read_to_equal_values(data: st.DataObject, version: int) -> None:
    fields = ["5", data.draw(WHOLE), *order_texts(data.draw, completed=False, version=version)]
    [(name, (order_id, contract, order_there, state))] = their_reading(fields, version)
    here = ours(fields, version)
    assert (name, order_id) == ("openOrder", here.order_id)
    assert_contract(here.contract, contract)
    assert_legs(here.contract, contract)
    assert_order(here.order, order_there)
    assert here.order.what_if == order_there.whatIf
    assert same(here.perm_id, order_there.permId)
    assert same(here.client_id, order_there.clientId)
    assert same(here.order.parent_id, order_there.parentId)
    assert here.status == state.status
    assert (here.commission_currency, here.warning_text) == (state.commissionCurrency, state.warningText)
    for ours_named, theirs_named in (("commission", "commission"), ("min_commission", "minCommission")):
        assert same(getattr(here, ours_named), getattr(state, theirs_named))
    for part, stem in (("init", "initMargin"), ("maint", "maintMargin"), ("equity", "equityWithLoan")):
        for when in ("before", "change", "after"):
            value, text = getattr(here.margin, f"{part}_{when}"), getattr(state, f"{stem}{when.capitalize()}")
            assert (value is None and text in ("", "1.7976931348623157E308")) or Decimal(text) == value


@given(data=st.data(), version=VERSION)
@settings(max_examples=60, deadline=None)
def test_a_completed_order_is_read_to_equal_values(data: st.DataObject, version: int) -> None:
    fields = ["101", *order_texts(data.draw, completed=True, version=version)]
    [(name, (contract, order_there, state))] = their_reading(fields, version)
    here = ours(fields, version)
    assert name == "completedOrder"
    assert_contract(here.contract, contract)
    assert_legs(here.contract, contract)
    assert_order(here.order, order_there)
    assert same(here.perm_id, order_there.permId)
    assert same(here.parent_perm_id, order_there.parentPermId)
    assert same(here.filled_quantity, order_there.filledQuantity)
    assert (here.status, here.completed_time) == (state.status, state.completedTime)
    assert here.completed_status == state.completedStatus


# name of the call, fields behind the message id, and the members of ours in the order of the call's arguments
Small = tuple[str, str, tuple[st.SearchStrategy[str], ...], tuple[str, ...]]
SMALL: tuple[Small, ...] = (
    ("2", "tickSize", (WHOLE, WHOLE, WHOLE, NUMBERS), ("req_id", "tick_type", "size")),
    (
        "3", "orderStatus",
        (WHOLE, TEXT, NUMBERS, NUMBERS, MAYBE, WHOLE, WHOLE, MAYBE, WHOLE, TEXT, MAYBE),
        ("order_id", "status", "filled", "remaining", "avg_fill_price", "perm_id", "parent_id", "last_fill_price",
         "client_id", "why_held", "mkt_cap_price"),
    ),
    ("6", "updateAccountValue", (WHOLE, TEXT, TEXT, TEXT, TEXT), ("key", "value", "currency", "account")),
    ("8", "updateAccountTime", (WHOLE, TEXT), ("time",)),
    ("9", "nextValidId", (WHOLE, WHOLE), ("order_id",)),
    ("45", "tickGeneric", (WHOLE, WHOLE, WHOLE, NUMBERS), ("req_id", "tick_type", "value")),
    ("46", "tickString", (WHOLE, WHOLE, WHOLE, TEXT), ("req_id", "tick_type", "value")),
    ("49", "currentTime", (WHOLE, WHOLE), ("epoch_s",)),
    (
        "50", "realtimeBar", (WHOLE, WHOLE, WHOLE, NUMBERS, NUMBERS, NUMBERS, NUMBERS, MAYBE, MAYBE, WHOLE),
        ("req_id", "epoch_s", "open", "high", "low", "close", "volume", "wap", "count"),
    ),
    ("52", "contractDetailsEnd", (WHOLE, WHOLE), ("req_id",)),
    ("53", "openOrderEnd", (WHOLE,), ()),
    ("54", "accountDownloadEnd", (WHOLE, TEXT), ("account",)),
    ("55", "execDetailsEnd", (WHOLE, WHOLE), ("req_id",)),
    ("57", "tickSnapshotEnd", (WHOLE, WHOLE), ("req_id",)),
    ("58", "marketDataType", (WHOLE, WHOLE, WHOLE), ("req_id", "kind")),
    ("62", "positionEnd", (WHOLE,), ()),
    ("63", "accountSummary", (WHOLE, WHOLE, TEXT, TEXT, TEXT, TEXT), ("req_id", "account", "tag", "value", "currency")),
    ("64", "accountSummaryEnd", (WHOLE, WHOLE), ("req_id",)),
    (
        "73", "accountUpdateMulti", (WHOLE, WHOLE, TEXT, TEXT, TEXT, TEXT, TEXT),
        ("req_id", "account", "model", "key", "value", "currency"),
    ),
    ("74", "accountUpdateMultiEnd", (WHOLE, WHOLE), ("req_id",)),
    ("76", "securityDefinitionOptionParameterEnd", (WHOLE,), ("req_id",)),
    ("81", "tickReqParams", (WHOLE, MAYBE, TEXT, WHOLE), ("req_id", "min_tick", "bbo_exchange", "snapshot_permissions")),
    ("94", "pnl", (WHOLE, MAYBE, MAYBE, MAYBE), ("req_id", "daily", "unrealized", "realized")),
    ("102", "completedOrdersEnd", (), ()),
)  # fmt: skip


@pytest.mark.parametrize("row", SMALL, ids=[row[1] for row in SMALL])
@given(data=st.data(), version=VERSION)
@settings(max_examples=10, deadline=None)
def test_a_small_message_is_read_to_equal_values(row: Small, data: st.DataObject, version: int) -> None:
    message_id, call, kinds, members = row
    fields = [message_id, *(data.draw(kind) for kind in kinds)]
    [(name, args)] = their_reading(fields, version)
    here = ours(fields, version)
    assert name == call
    assert len(args) == len(members)
    for member, there in zip(members, args, strict=True):
        value = getattr(here, member)
        assert value == there if isinstance(there, str) else same(value, there), member


@given(data=st.data(), version=VERSION)
@settings(max_examples=20, deadline=None)
def test_contract_details_are_read_to_equal_values(data: st.DataObject, version: int) -> None:
    d = data.draw
    head = [d(WHOLE), d(TEXT), d(TEXT), "20260116 16:00 US/Eastern", d(NUMBERS), d(TEXT), d(TEXT), d(TEXT), d(TEXT), d(TEXT),
            d(TEXT), d(WHOLE), d(NUMBERS)]  # fmt: skip
    word = st.text(alphabet="ABC abc;:-", max_size=12)
    body = [
        d(TEXT),
        d(TEXT),
        d(TEXT),
        d(st.integers(1, 100).map(str)),
        d(WHOLE),
        *(d(word) for _ in range(10)),
        d(WHOLE),
    ]
    tail = [*rows(d, lambda: [d(TEXT), d(TEXT)]), d(WHOLE), *(d(TEXT) for _ in range(5))]
    sizes = [d(NUMBERS)] * 3 if version >= 164 else [d(NUMBERS)] if version == 163 else []
    old = version < 164
    fields = ["10", *(["8"] if old else []), *head, *(["1"] if old else []), *body, *tail, *sizes]
    [(name, (req_id, there))] = their_reading(fields, version)
    here = ours(fields, version)
    assert (name, req_id) == ("contractDetails", here.req_id)
    assert_contract(here.contract, there.contract)
    assert same(here.min_tick, there.minTick)
    for member in (
        "market_name", "order_types", "valid_exchanges", "long_name", "contract_month", "industry", "category",
        "subcategory", "time_zone_id", "trading_hours", "liquid_hours", "under_symbol", "under_sec_type",
        "market_rule_ids", "stock_type", "last_trade_time", "price_magnifier", "under_con_id",
    ):  # fmt: skip
        assert getattr(here, member) == getattr(there, camel(member)), member
    assert here.real_expiration == there.realExpirationDate
    assert [(tag.tag, tag.value) for tag in there.secIdList] == list(here.sec_ids)
    assert same(here.min_size, there.minSize)
    assert same(here.size_increment, there.sizeIncrement)
    assert same(here.suggested_size_increment, there.suggestedSizeIncrement)


def test_a_frame_of_theirs_has_its_length_in_front() -> None:
    frame = requests.current_time()
    assert struct.unpack(">I", frame[:4]) == (len(frame) - 4,)
