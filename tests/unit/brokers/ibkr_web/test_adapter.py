"""What the broker asks, in which order, and what it makes of the answers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.domain.bars import Bar
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    InvalidRequest,
    NotSupported,
    OrderNotFound,
    OrderRejected,
    Outcome,
    SymbolNotFound,
)
from floorbroker.domain.orders import OrderChanges, StopLoss
from floorbroker.domain.records import DataKind, ExecutionReport
from floorbroker.domain.values import (
    AssetClass,
    ClOrdId,
    ExecType,
    Money,
    OrderClass,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    Side,
    TimeInForce,
)
from tests.unit.brokers.ibkr_web.fakes import (
    CL_ORD_ID,
    NOW,
    PLACED,
    VENUE_ID,
    FakeConnect,
    Gateway,
    approved,
    broker,
    limit_order,
    payload,
    ref,
    reply,
    turn,
)
from tests.unit.brokers.ibkr_web.fakes import OPEN as STANDS

pytestmark = pytest.mark.asyncio
PLACE = "/iserver/account/DU123456/orders"
PUT = "AAPL  260320P00150000"
LIVE = "/iserver/account/orders"
D = Decimal
HOUR = timedelta(hours=1)


async def connected(gateway: Gateway, **more: Any) -> Any:
    venue = broker(gateway, **more)
    await venue.connect()
    return venue


async def sent(order: Any) -> list[dict[str, Any]]:
    gateway = Gateway()
    lines = [{"order_id": str(number), "order_status": "PreSubmitted"} for number in (10, 11, 12)]
    group = 1 + (order.take_profit is not None) + (order.stop_loss is not None)
    gateway.set(PLACE, lines[:group])
    venue = await connected(gateway)
    await venue.submit_order(approved(order))
    await venue.disconnect()
    (body,) = gateway.bodies(PLACE)
    return body["orders"]


# -- orders ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({"order_type": OrderType.MARKET, "price": None}, {"orderType": "MKT"}),
        ({"order_type": OrderType.STOP, "price": None, "stop_px": D(140)}, {"orderType": "STP", "price": 140}),
        (
            {"order_type": OrderType.STOP_LIMIT, "price": D(139), "stop_px": D(140)},
            {"orderType": "STOP_LIMIT", "price": 139, "auxPrice": 140},
        ),
        (
            {"order_type": OrderType.TRAILING_STOP, "price": None, "trail_amount": D("1.5")},
            {"orderType": "TRAIL", "trailingAmt": 1.5, "trailingType": "amt"},
        ),
        (
            {"order_type": OrderType.TRAILING_STOP, "price": None, "trail_percent": D(2)},
            {"orderType": "TRAIL", "trailingAmt": 2, "trailingType": "%"},
        ),
        ({"side": Side.SELL, "tif": TimeInForce.GTC}, {"side": "SELL", "tif": "GTC"}),
        ({"extended_hours": True}, {"outsideRTH": True}),
    ],
)
async def test_each_type_has_its_own_members(terms: dict[str, Any], told: dict[str, Any]) -> None:
    (ticket,) = await sent(limit_order(**terms))
    assert {name: ticket[name] for name in told} == told


@pytest.mark.parametrize(
    "terms",
    [
        {"order_type": OrderType.MARKET_IF_TOUCHED},
        {"tif": TimeInForce.FOK},
        {"order_class": OrderClass.OCO},
        {"order_class": OrderClass.MULTILEG},
        {"post_only": True},
        {"order_qty": None, "notional": D(100)},
        *(
            {"tif": tif, "order_class": OrderClass.OTO, "stop_loss": StopLoss(stop_px=Price(D(100)))}
            for tif in (TimeInForce.IOC, TimeInForce.OPG)
        ),  # the exit would be over with the entry, or before it
    ],
)
async def test_what_the_venue_has_no_words_for_is_not_sent(terms: dict[str, Any]) -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    with pytest.raises(NotSupported):
        await venue.submit_order(approved(limit_order(**terms)))
    assert gateway.bodies(PLACE) == []
    await venue.disconnect()


async def test_a_bracket_is_one_request_whose_children_name_the_parent_and_have_no_id_of_ours() -> None:
    order = limit_order(
        order_class=OrderClass.BRACKET,
        tif=TimeInForce.GTC,
        take_profit=Price(D(190)),
        stop_loss=StopLoss(stop_px=Price(D(140)), price=Price(D("139.5"))),
    )
    head, profit, loss = await sent(order)
    assert head["cOID"] == CL_ORD_ID
    for child in (profit, loss):
        assert child["parentId"] == CL_ORD_ID
        assert "cOID" not in child
        assert (child["side"], child["tif"], child["quantity"]) == ("SELL", "GTC", 3)
    assert (profit["orderType"], profit["price"]) == ("LMT", 190)
    assert (loss["orderType"], loss["price"], loss["auxPrice"]) == ("STOP_LIMIT", 139.5, 140)


async def test_the_reply_to_a_bracket_tells_whose_children_they_are() -> None:
    gateway = Gateway()
    gateway.set(PLACE, [{"order_id": str(number), "order_status": "PreSubmitted"} for number in (10, 11, 12)])
    venue = await connected(gateway)
    order = limit_order(
        order_class=OrderClass.BRACKET, take_profit=Price(D(190)), stop_loss=StopLoss(stop_px=Price(D(140)))
    )
    reports: list[ExecutionReport] = list(await venue.submit_order(approved(order)))
    assert [(one.order_id, one.cl_ord_id, one.parent_order_id, one.side) for one in reports] == [
        ("10", CL_ORD_ID, None, Side.BUY),
        ("11", None, "10", Side.SELL),
        ("12", None, "10", Side.SELL),
    ]
    await venue.disconnect()


async def test_a_long_put_is_searched_for_in_the_order_the_venue_wants() -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    order = limit_order(symbol=PUT, order_qty=Quantity(D(1)), price=Price(D("2.15")))
    (report,) = await venue.submit_order(approved(order))
    assert report.symbol == PUT
    (body,) = gateway.bodies(PLACE)
    assert (body["orders"][0]["conid"], body["orders"][0]["side"]) == (685302909, "BUY")
    assert gateway.paths("secdef") == [
        "GET /iserver/secdef/search",
        "GET /iserver/secdef/strikes",
        "GET /iserver/secdef/info",
    ]
    info = next(one for one in gateway.requests if one.path.endswith("secdef/info"))
    assert dict(info.query) == {
        "conid": "265598", "sectype": "OPT", "month": "MAR26", "exchange": "SMART", "strike": "150", "right": "P",
    }  # fmt: skip
    await venue.disconnect()


@pytest.mark.parametrize("symbol", ["AAPL  260320P00151000", "AAPL  260619P00150000", "MSFT  260320P00150000"])
async def test_an_option_that_is_not_listed_is_not_found(symbol: str) -> None:
    venue = await connected(Gateway())
    with pytest.raises(SymbolNotFound):
        await venue.get_instrument(symbol)
    await venue.disconnect()


async def test_a_change_repeats_the_whole_ticket_under_the_same_id() -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    await venue.submit_order(approved())
    gateway.set(f"/iserver/account/DU123456/order/{VENUE_ID}", PLACED)
    changes = OrderChanges(order_qty=Quantity(D(5)), price=Price(D(151)))
    (report,) = await venue.modify_order(ref(), changes, cl_ord_id=ClOrdId("c"), decided_at=0.0)
    assert (report.exec_type, report.cl_ord_id, report.order_id) == (ExecType.PENDING_REPLACE, CL_ORD_ID, VENUE_ID)
    (body,) = gateway.bodies(f"/order/{VENUE_ID}")
    assert body == {
        "acctId": "DU123456", "conid": 265598, "cOID": CL_ORD_ID, "orderType": "LMT", "side": "BUY", "tif": "DAY",
        "quantity": 5, "price": 151,
    }  # fmt: skip
    with pytest.raises(InvalidRequest, match="no stop"):
        await venue.modify_order(ref(), OrderChanges(stop_px=Price(D(1))), cl_ord_id=ClOrdId("c"), decided_at=0.0)
    await venue.disconnect()


async def test_a_change_of_an_order_of_another_life_begins_with_what_the_venue_tells_of_it() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    venue = await connected(gateway, clock=clock)
    place = f"/iserver/account/DU123456/order/{VENUE_ID}"
    gateway.set(place, PLACED)
    changes = OrderChanges(price=Price(D(151)))
    await venue.modify_order(ref(), changes, cl_ord_id=ClOrdId("c"), decided_at=0.0)
    (body,) = gateway.bodies(f"/order/{VENUE_ID}")
    assert body == {
        "acctId": "DU123456", "conid": 265598, "cOID": CL_ORD_ID, "orderType": "LMT", "side": "BUY", "tif": "DAY",
        "quantity": 3, "price": 151,
    }  # fmt: skip
    gateway.set(f"/iserver/account/order/status/{VENUE_ID}", {**payload("order_status"), "order_type": "MIDPRICE"})
    other = await connected(gateway)
    with pytest.raises(NotSupported, match="cancel and place anew") as caught:
        await other.modify_order(ref(), changes, cl_ord_id=ClOrdId("c"), decided_at=0.0)
    assert caught.value.outcome is Outcome.NOT_SENT
    await venue.disconnect()
    await other.disconnect()


async def test_a_cancel_names_the_order_and_says_nothing_more() -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    assert await venue.cancel_order(ref()) == ()
    gateway.set(f"/iserver/account/DU123456/order/{VENUE_ID}", {"error": f"OrderID {VENUE_ID} doesn't exist"})
    with pytest.raises(OrderNotFound):
        await venue.cancel_order(ref())
    gateway.set(f"/iserver/account/DU123456/order/{VENUE_ID}", {})
    with pytest.raises(ApiError) as caught:
        await venue.cancel_order(ref())
    assert caught.value.outcome is Outcome.UNKNOWN
    await venue.disconnect()


async def test_a_cancel_by_our_id_alone_is_looked_up_in_the_list() -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    await venue.cancel_order(ref(order_id=None))
    assert gateway.paths("/order/") == [f"DELETE /iserver/account/DU123456/order/{VENUE_ID}"]
    await venue.disconnect()


# -- lists ----------------------------------------------------------------------------------------------------------------


async def test_the_first_list_of_a_session_is_empty_and_the_second_counts() -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    fetched = await venue.get_open_orders()
    (report,) = fetched.items
    assert (report.order_id, report.cl_ord_id, report.symbol, report.side) == (VENUE_ID, CL_ORD_ID, "AAPL", Side.BUY)
    assert report.ord_status is OrdStatus.PARTIALLY_FILLED
    assert (report.order_qty, report.cum_qty, report.avg_px, report.price) == (3, 1, D("150.40"), D("150.50"))
    assert report.tif is TimeInForce.DAY
    assert gateway.paths("/account/orders") == [f"GET {LIVE}"] * 2
    await venue.disconnect()


async def test_a_list_that_comes_full_the_first_time_is_asked_for_once_more_all_the_same() -> None:
    gateway = Gateway()
    gateway.set(LIVE, {"orders": [], "snapshot": True}, payload("live_orders"))
    venue = await connected(gateway)
    history = await venue.get_order_history(NOW - HOUR)
    assert [one.order_id for one in history.items] == [VENUE_ID, "987654300"]
    assert history.items[1].ord_status is OrdStatus.FILLED
    await venue.disconnect()


async def test_a_new_session_forgets_the_feed_of_orders() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    venue = await connected(gateway, clock=clock)
    await venue.get_open_orders()
    gateway.set("/tickle", {"session": "another", "iserver": {"authStatus": STANDS}})
    gateway.set(LIVE, {"orders": [], "snapshot": True}, payload("live_orders"))
    await clock.advance(10)
    assert len((await venue.get_open_orders()).items) == 1
    await venue.disconnect()


async def test_a_list_that_is_not_ready_is_no_list() -> None:
    gateway = Gateway()
    gateway.set(LIVE, {"orders": [], "snapshot": False})
    venue = await connected(gateway)
    with pytest.raises(ApiError, match="not ready"):
        await venue.get_open_orders()
    await venue.disconnect()


async def test_two_questions_within_a_second_share_a_list_and_its_time() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    venue = await connected(gateway, clock=clock)
    first = await venue.get_open_orders()
    await clock.advance(0.5)
    second = await venue.get_order_history(NOW)
    assert first.asked_at == second.asked_at == NOW
    await clock.advance(1)
    assert (await venue.get_open_orders()).asked_at > NOW
    await venue.disconnect()


async def test_an_inactive_order_is_held_unless_its_description_proves_that_it_was_refused() -> None:
    gateway = Gateway()
    row = {**payload("live_orders")["orders"][0], "status": "Inactive", "filledQuantity": 0}
    gateway.set(LIVE, {"orders": [], "snapshot": True}, {"orders": [row], "snapshot": True})
    status = {
        **payload("order_status"),
        "order_status": "Inactive",
        "order_status_description": "Order rejected - no trading permissions",
    }
    gateway.set(f"/iserver/account/order/status/{VENUE_ID}", status)
    venue = await connected(gateway)
    (report,) = (await venue.get_order_history(NOW)).items
    assert (report.ord_status, report.text) == (OrdStatus.REJECTED, "Order rejected - no trading permissions")
    await venue.disconnect()

    for text in ("", "Order Inactive", "Shares are being located"):
        gateway.set(LIVE, {"orders": [], "snapshot": True}, {"orders": [row], "snapshot": True})
        gateway.set(f"/iserver/account/order/status/{VENUE_ID}", {**status, "order_status_description": text})
        venue = await connected(gateway)
        (report,) = (await venue.get_order_history(NOW)).items
        assert report.ord_status is OrdStatus.HELD
        await venue.disconnect()


async def test_one_order_is_asked_for_by_its_id_and_else_in_the_list() -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    (report,) = await venue.get_order_status(ref())
    assert (report.ord_status, report.cum_qty, report.price) == (OrdStatus.PARTIALLY_FILLED, 1, D("150.50"))
    assert gateway.paths("/account/orders") == []
    gateway.set(f"/iserver/account/order/status/{VENUE_ID}", reply({"error": "Service Unavailable"}, status=503))
    (listed,) = await venue.get_order_status(ref())
    assert listed.order_id == VENUE_ID
    (by_name,) = await venue.get_order_status(ref(order_id=None))
    assert by_name.order_id == VENUE_ID
    await venue.disconnect()


async def test_an_order_that_is_in_no_list_proves_nothing() -> None:
    gateway = Gateway()
    gateway.set(f"/iserver/account/order/status/{VENUE_ID}", reply({"error": "Service Unavailable"}, status=503))
    gateway.set(LIVE, {"orders": [], "snapshot": True})
    venue = await connected(gateway)
    assert await venue.get_order_status(ref()) == ()
    assert await venue.get_order_status(ref(order_id=None)) == ()
    await venue.disconnect()


async def test_executions_find_their_order_and_corrections_their_execution() -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    fill, correction = (await venue.get_fills(NOW - HOUR)).items
    assert (fill.exec_type, fill.exec_id, fill.exec_version) == (ExecType.TRADE, "0000e0d5.6576fd38.01", 1)
    assert (fill.order_id, fill.cl_ord_id, fill.last_qty, fill.last_px) == (VENUE_ID, CL_ORD_ID, 1, D("150.40"))
    assert fill.fee == Money(D("1.01"), "USD")
    assert (correction.exec_type, correction.exec_ref_id, correction.exec_version) == (
        ExecType.TRADE_CORRECT, "0000e0d5.6576fd38.01", 2,
    )  # fmt: skip
    assert correction.last_px == D("150.39")
    assert dict(next(one for one in gateway.requests if one.path.endswith("/trades")).query)["days"] == "2"
    (late,) = (await venue.get_fills(NOW + HOUR)).items  # a correction is news whenever its execution was
    assert late.exec_version == 2
    await venue.get_fills(NOW - timedelta(days=30))
    assert dict(gateway.requests[-1].query)["days"] == "7"
    await venue.disconnect()


async def test_an_execution_of_a_child_that_names_the_parent_alone_is_not_the_parents() -> None:
    gateway = Gateway()
    gateway.set(PLACE, [{"order_id": number, "order_status": "PreSubmitted"} for number in (VENUE_ID, "11", "12")])
    venue = await connected(gateway)
    exits = {"take_profit": Price(D(190)), "stop_loss": StopLoss(stop_px=Price(D(140)))}
    await venue.submit_order(approved(limit_order(order_class=OrderClass.BRACKET, **exits)))
    sold = {**payload("trades")[0], "side": "S", "execution_id": "a.b.01"}
    gateway.set("/iserver/account/trades", [sold])
    (report,) = (await venue.get_fills(NOW - HOUR)).items
    assert report.unrecognised
    assert report.cl_ord_id is None
    gateway.set("/iserver/account/trades", [{**sold, "order_id": 12}])
    (report,) = (await venue.get_fills(NOW - HOUR)).items
    assert (report.order_id, report.cl_ord_id, report.unrecognised) == ("12", None, None)
    await venue.disconnect()


# -- account --------------------------------------------------------------------------------------------------------------


async def test_the_account_its_balances_and_positions() -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    account = await venue.get_account_info()
    assert (account.account, account.currency, account.environment_hint) == ("DU123456", "USD", "paper")
    assert (account.equity, account.cash, account.buying_power) == (D("101901.0"), D("100000.0"), D("400000.0"))
    balances = (await venue.get_balances()).items
    assert [(one.currency, one.total) for one in balances] == [("EUR", D("920.5")), ("USD", D("99000.0"))]
    share, option = (await venue.get_positions()).items
    assert (share.symbol, share.qty, share.avg_px, share.market_value) == ("AAPL", 10, D("185.0"), D("1901.0"))
    assert (option.symbol, option.qty, option.avg_px) == (PUT, -2, D("2.1"))
    metrics = await venue.get_risk_metrics()
    assert (metrics.gross_exposure, metrics.net_exposure, metrics.open_orders) == (D("2201.0"), D("1601.0"), 1)
    permissions = await venue.get_key_permissions()
    assert permissions.withdraw is False
    await venue.disconnect()


async def test_a_page_of_positions_that_comes_twice_is_no_list() -> None:
    gateway = Gateway()
    gateway.set("/portfolio/DU123456/positions/1", payload("positions"))
    venue = await connected(gateway)
    with pytest.raises(ApiError, match="repeats a page"):
        await venue.get_positions()
    await venue.disconnect()


async def test_a_preview_is_the_venues_own_and_places_nothing() -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    margin = await venue.get_margin_requirements(limit_order())
    assert (margin.initial, margin.fees, margin.currency, margin.source) == (D("1652.25"), D(1), "USD", "venue")
    assert gateway.bodies(PLACE) == []
    gateway.set(f"{PLACE}/whatif", {**payload("preview"), "error": "not enough money"})
    with pytest.raises(OrderRejected) as caught:
        await venue.get_margin_requirements(limit_order())
    assert caught.value.venue_text == "not enough money"
    await venue.disconnect()


# -- instruments and markets ----------------------------------------------------------------------------------------------


async def test_an_instrument_has_the_venues_ticks_and_fractions() -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    share = await venue.get_instrument("AAPL")
    assert (share.asset_class, share.venue_id, share.fraction) == (AssetClass.EQUITY, "265598", D("0.0001"))
    assert [(rule.from_price, rule.tick) for rule in share.ticks] == [(0, D("0.0001")), (1, D("0.01"))]
    option = await venue.get_instrument(PUT)
    assert (option.asset_class, option.multiplier, option.fraction) == (AssetClass.OPTION, 100, None)
    asked = len(gateway.requests)
    assert await venue.get_instrument("AAPL") is share
    assert len(gateway.requests) == asked
    for unknown in ("NOSUCH", "BTC/USD", "ÄPFEL"):
        with pytest.raises(SymbolNotFound):
            await venue.get_instrument(unknown)
    (wrong,) = await venue.validate_order(limit_order(price=Price(D("150.505"))))
    assert (wrong.pointer, wrong.code) == ("/limit_price", "off_tick")
    await venue.disconnect()


async def test_two_companies_of_one_name_are_ambiguous() -> None:
    gateway = Gateway()
    stocks = payload("stocks")
    stocks["AAPL"].append(
        {"name": "B", "assetClass": "STK", "contracts": [{"conid": 2, "exchange": "NYSE", "isUS": True}]}
    )
    gateway.set("/trsrv/stocks", stocks)
    venue = await connected(gateway)
    with pytest.raises(SymbolNotFound, match="ambiguous"):
        await venue.get_instrument("AAPL")
    await venue.disconnect()


async def test_a_quote_comes_with_the_second_snapshot() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    venue = await connected(gateway, clock=clock)
    asking = asyncio.ensure_future(venue.get_market_data("AAPL"))
    await turn()
    await clock.advance(0.3)
    quote = await asking
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size) == (D("168.41"), D("168.43"), D(1300), D(600))
    assert quote.last == D("168.42")
    await venue.disconnect()


async def test_bars_are_cut_to_what_was_asked() -> None:
    venue = await connected(Gateway())
    start = NOW.replace(hour=14, minute=40, second=0)
    series = await venue.get_bars("AAPL", span_s=60, start=start, end=NOW)
    bars: list[Bar] = list(series)
    assert [bar.close for bar in bars] == [D("174.7"), D("174.2")]
    assert bars[0].start == start
    assert bars[0].volume == D("472117.45")
    with pytest.raises(NotSupported):
        await venue.get_bars("AAPL", span_s=61, start=start, end=NOW)
    await venue.disconnect()


async def test_quotes_stream_changed_fields_over_known_ones() -> None:
    gateway, clock, connect = Gateway(), ManualClock(NOW), FakeConnect()
    venue = await connected(gateway, clock=clock, connect=connect)
    heard: list[Any] = []
    subscription = await venue.subscribe_market_data(["AAPL"], frozenset({DataKind.QUOTES}), heard.append)
    await turn()
    (socket,) = connect.sockets
    socket.push({"topic": "sts", "args": STANDS})
    await turn()
    assert socket.sent == ['smd+265598+{"fields":["31","84","85","86","88","6509"]}']
    socket.push(
        {
            "topic": "smd+265598",
            "conid": 265598,
            "_updated": 1772463850123,
            "6509": "RpB",
            "84": "168.41",
            "86": "168.43",
            "88": "5",
        }
    )
    socket.push({"topic": "smd+265598", "conid": 265598, "_updated": 1772463851123, "84": "168.42"})
    socket.push({"topic": "smd+1", "conid": 1, "84": "9"})
    await turn()
    assert [(one.bid, one.ask, one.bid_size) for one in heard] == [
        (D("168.41"), D("168.43"), 5),
        (D("168.42"), D("168.43"), 5),
    ]
    with pytest.raises(NotSupported):
        await venue.subscribe_market_data(["AAPL"], frozenset({DataKind.TRADES}), heard.append)
    await subscription.close()
    await venue.disconnect()
