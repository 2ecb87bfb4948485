"""The whole adapter over fakes of its transports."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping.terms import Terms
from floorbroker.brokers.binance.rest.calls import ORDERS_MAX
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    Conflict,
    ConnectionFailed,
    DuplicateOrderId,
    FloorbrokerError,
    InsufficientFunds,
    InvalidRequest,
    NotSupported,
    OrderNotFound,
    OrderRejected,
    Outcome,
    SymbolNotFound,
    Timeout,
)
from floorbroker.domain.orders import OrderChanges, StopLoss
from floorbroker.domain.records import BookDelta, DataKind, LinkState, Quote
from floorbroker.domain.values import (
    Environment,
    ExecType,
    OrderClass,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    Side,
)
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.brokers.binance.fakes import (
    CL_ORD_ID,
    HEX,
    MARKET_PRICES,
    NEXT,
    NOW,
    NOW_MS,
    VENUE_ID,
    Ear,
    FakeConnect,
    FakeSocket,
    FakeTransport,
    approved,
    broker,
    form,
    limit_order,
    ok,
    parsed,
    payload,
    ref,
    refusal,
    reply,
    venue,
)

pytestmark = pytest.mark.asyncio


# -- submit -------------------------------------------------------------------------------------------------------------


async def test_a_submit_is_one_post_with_our_id() -> None:
    commands = FakeTransport(ok("placed_limit"))
    (report,) = await broker(commands=commands).submit_order(approved())
    (request,) = commands.requests
    assert (request.method, request.origin, request.path) == ("POST", "https://testnet.binance.vision", "/api/v3/order")
    assert (request.lane, request.decided_at, request.order, request.endpoint) == (
        Lane.NEW, 1.0, CL_ORD_ID, "orders.submit",
    )  # fmt: skip
    assert form(request)["newClientOrderId"] == CL_ORD_ID
    assert (report.order_id, report.ord_status, report.asked_at) == (VENUE_ID, OrdStatus.NEW, NOW)


async def test_an_order_that_filled_at_once_tells_its_fills() -> None:
    reports = await broker(commands=FakeTransport(ok("placed_market"))).submit_order(approved())
    assert [report.exec_type for report in reports] == [ExecType.ORDER_STATUS, ExecType.TRADE, ExecType.TRADE]


async def test_a_bracket_is_one_post_of_a_list_and_its_head_is_told_first() -> None:
    group = limit_order(
        order_class=OrderClass.BRACKET,
        take_profit=Price(Decimal(70000)),
        stop_loss=StopLoss(stop_px=Price(Decimal(60000))),
    )
    commands = FakeTransport(ok("list_otoco"))
    reports = await broker(commands=commands).submit_order(approved(group))
    assert (commands.requests[0].path, commands.requests[0].weight) == ("/api/v3/orderList/otoco", 3)
    assert [report.cl_ord_id for report in reports] == [CL_ORD_ID, f"{HEX}-a", f"{HEX}-b"]
    assert [report.parent_order_id for report in reports] == [None, "BTCUSDT:20", "BTCUSDT:20"]


async def test_the_head_of_an_oco_is_its_profit_exit_wherever_the_venue_writes_it() -> None:
    group = limit_order(
        order_class=OrderClass.OCO, side=Side.SELL, price=Price(Decimal(70000)),
        stop_loss=StopLoss(stop_px=Price(Decimal(60000)), price=Price(Decimal(59900))),
    )  # fmt: skip
    head, stop = await broker(commands=FakeTransport(ok("list_oco"))).submit_order(approved(group))
    assert (head.cl_ord_id, head.order_type, head.parent_order_id) == (CL_ORD_ID, OrderType.LIMIT, None)
    assert (stop.order_type, stop.parent_order_id, stop.order_class) == (
        OrderType.STOP_LIMIT, "BTCUSDT:11", OrderClass.OCO,
    )  # fmt: skip


@pytest.mark.parametrize(
    "response",
    [
        reply(parsed("placed_limit") | {"clientOrderId": "somebody-else"}),
        reply(parsed("placed_limit") | {"clientOrderId": None}),
        reply(parsed("placed_limit") | {"orderId": -1}),
        reply({"orderId": 28}),
        reply(status=200, raw=b"<html>ok</html>"),
        reply(status=200, raw=b""),
        reply(status=204),
        reply(status=302),
        reply(status=500, raw=b"null"),
        reply(parsed("placed_limit") | {"origQty": "NaN"}),
    ],
    ids=["other", "null id", "no number", "half", "page", "empty", "204", "302", "500", "monster"],
)
async def test_an_answer_that_is_not_about_our_order_leaves_it_unknown(response: Response) -> None:
    with pytest.raises(ApiError) as caught:
        await broker(commands=FakeTransport(response)).submit_order(approved())
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_list_without_our_order_leaves_it_unknown() -> None:
    body = parsed("list_oco")
    body["orderReports"][1]["clientOrderId"] = "other"
    group = limit_order(order_class=OrderClass.OCO, side=Side.SELL, price=Price(Decimal(70000)),
                        stop_loss=StopLoss(stop_px=Price(Decimal(60000))))  # fmt: skip
    with pytest.raises(ApiError) as caught:
        await broker(commands=FakeTransport(reply(body))).submit_order(approved(group))
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_refusal_and_a_duplicate_are_told_apart() -> None:
    commands = FakeTransport(
        refusal(-2010, "Order would trigger immediately."), refusal(-2010, "Duplicate order sent.")
    )
    trader = broker(commands=commands)
    with pytest.raises(OrderRejected):
        await trader.submit_order(approved())
    with pytest.raises(DuplicateOrderId) as caught:
        await trader.submit_order(approved())
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_time_out_of_the_transport_passes_through() -> None:
    with pytest.raises(Timeout) as caught:
        await broker(commands=FakeTransport(Timeout("no reply"))).submit_order(approved())
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_what_a_filter_would_refuse_is_not_sent() -> None:
    commands = FakeTransport()
    trader = broker(commands=commands)
    with pytest.raises(InvalidRequest) as caught:
        await trader.submit_order(approved(limit_order(price=Price(Decimal("64000.001")))))
    assert [field.pointer for field in caught.value.fields] == ["/limit_price"]
    await trader.get_market_data("BTC/USDT")
    with pytest.raises(InvalidRequest, match="between"):
        await trader.submit_order(approved(limit_order(price=Price(Decimal(90000)))))
    assert commands.requests == []


async def test_a_symbol_nobody_trades_is_not_sent() -> None:
    commands = FakeTransport()
    for symbol in ("XYZ/USDT", "AAPL"):
        with pytest.raises(SymbolNotFound) as caught:
            await broker(commands=commands).submit_order(approved(limit_order(symbol=symbol)))
        assert caught.value.outcome is Outcome.NOT_SENT
    assert commands.requests == []


async def test_rules_that_cannot_be_had_leave_the_order_not_sent() -> None:
    with pytest.raises(Timeout) as caught:
        await broker(reads=venue(exchangeInfo=Timeout("no answer"))).submit_order(approved())
    assert caught.value.outcome is Outcome.NOT_SENT


async def test_several_orders_fail_and_succeed_each_for_itself() -> None:
    commands = FakeTransport(ok("placed_limit"), ConnectionFailed("refused"))
    first, second = await broker(commands=commands).submit_orders([approved(), approved()])
    assert isinstance(first, tuple)
    assert isinstance(second, ConnectionFailed)


# -- cancel -------------------------------------------------------------------------------------------------------------


async def test_a_cancel_answers_how_the_order_ended() -> None:
    commands = FakeTransport(ok("cancelled"))
    (report,) = await broker(commands=commands).cancel_order(ref())
    (request,) = commands.requests
    assert (request.method, request.path, request.lane) == ("DELETE", "/api/v3/order", Lane.CANCEL)
    assert dict(request.query) == {"symbol": "BTCUSDT", "orderId": "28"}
    assert (report.cl_ord_id, report.ord_status, report.cum_qty) == (CL_ORD_ID, OrdStatus.CANCELED, Decimal("0.01"))


async def test_a_cancel_without_a_venue_id_goes_by_ours_and_needs_no_question() -> None:
    reads, commands = FakeTransport(), FakeTransport(ok("cancelled"))
    await broker(reads=reads, commands=commands).cancel_order(ref(order_id=None))
    assert dict(commands.requests[0].query) == {"symbol": "BTCUSDT", "origClientOrderId": CL_ORD_ID}
    assert reads.requests == []


async def test_a_cancelled_leg_takes_its_list_with_it() -> None:
    body = parsed("list_otoco")
    for order in body["orderReports"]:
        order |= {"status": "CANCELED", "origClientOrderId": order["clientOrderId"], "clientOrderId": "Xk3f"}
    leg = ref(order_id=OrderId(f"BTCUSDT:{body['orderReports'][1]['orderId']}"))
    reports = await broker(commands=FakeTransport(reply(body))).cancel_order(leg)
    assert [report.cl_ord_id for report in reports] == [CL_ORD_ID, f"{HEX}-a", f"{HEX}-b"]
    assert {report.ord_status for report in reports} == {OrdStatus.CANCELED}


async def test_legs_that_are_cancelled_without_their_head_are_known_by_their_list() -> None:
    body = parsed("list_otoco")
    body["orderReports"] = [order for order in body["orderReports"] if order["orderId"] != 20]
    for order in body["orderReports"]:
        order |= {"status": "CANCELED", "origClientOrderId": order["clientOrderId"], "clientOrderId": "Xk3f"}
    reports = await broker(commands=FakeTransport(reply(body))).cancel_order(ref(order_id=OrderId("BTCUSDT:21")))
    assert {report.parent_order_id for report in reports} == {"BTCUSDT:20"}


OTHERS = [{"orderId": 27}, {"symbol": "ETHUSDT"}]


@pytest.mark.parametrize(
    ("other", "named"),
    [(OTHERS[0], VENUE_ID), (OTHERS[1], VENUE_ID), (OTHERS[1], None), ({"origClientOrderId": NEXT}, None)],
)
async def test_an_answer_to_a_cancel_that_is_about_another_order_proves_nothing(
    other: dict[str, Any], named: OrderId | None
) -> None:
    commands = FakeTransport(reply(parsed("cancelled") | other))
    with pytest.raises(ApiError, match="another order") as caught:
        await broker(commands=commands).cancel_order(ref(order_id=named))
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_mass_cancel_answered_with_another_symbol_proves_nothing() -> None:
    commands = FakeTransport(reply([parsed("cancelled") | {"symbol": "ETHUSDT"}]))
    (report,) = await broker(reads=venue(openOrders=working(("BTCUSDT", 28))), commands=commands).cancel_all()
    assert (report.exec_type, report.order_id) == (ExecType.PENDING_CANCEL, VENUE_ID)


@pytest.mark.parametrize("other", OTHERS)
async def test_an_answer_to_a_query_that_is_about_another_order_is_none(other: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="another order"):
        await broker(reads=venue(order=reply(parsed("order") | other))).get_order_status(ref())
    with pytest.raises(ApiError, match="another order") as caught:
        await changed(CHEAPER, ok("replaced"), **other)
    assert caught.value.outcome is Outcome.NOT_SENT


async def test_an_answer_to_an_amendment_that_is_about_another_order_proves_nothing() -> None:
    body = parsed("amended")
    body["amendedOrder"]["orderId"] = 27
    with pytest.raises(ApiError, match="another order") as caught:
        await changed(SMALLER, reply(body))
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_refused_cancel_is_told_in_the_venues_words() -> None:
    with pytest.raises(OrderNotFound) as caught:
        await broker(commands=FakeTransport(refusal(-2011, "Unknown order sent."))).cancel_order(ref())
    assert caught.value.venue_text == "Unknown order sent."


def working(*pairs: tuple[str, int]) -> Response:
    return reply([parsed("order") | {"symbol": symbol, "orderId": number} for symbol, number in pairs])


async def test_a_mass_cancel_goes_symbol_by_symbol() -> None:
    listed = parsed("list_oco")
    for order in listed["orderReports"]:
        order |= {"status": "CANCELED", "symbol": "ETHBTC"}
    answers: dict[str, Response] = {"BTCUSDT": reply([parsed("cancelled")]), "ETHBTC": reply([listed])}

    def answer(request: Request) -> Response:
        return answers[dict(request.query)["symbol"]]

    commands = FakeTransport(by_path={"/api/v3/openOrders": answer})
    reads = venue(openOrders=working(("BTCUSDT", 28), ("BTCUSDT", 29), ("ETHBTC", 10)))
    reports = await broker(reads=reads, commands=commands).cancel_all()
    assert [dict(request.query)["symbol"] for request in commands.requests] == ["BTCUSDT", "ETHBTC"]
    assert {request.lane for request in [*commands.requests, *reads.asked("/api/v3/openOrders")]} == {Lane.CANCEL}
    assert [report.order_id for report in reports] == ["BTCUSDT:28", "ETHBTC:10", "ETHBTC:11"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refusal(-2015, "Invalid API-key"), ExecType.CANCEL_REJECTED),
        (Timeout("no reply"), ExecType.PENDING_CANCEL),
        (reply(status=503), ExecType.PENDING_CANCEL),
    ],
)
async def test_a_symbol_whose_mass_cancel_fails_tells_each_order(
    answer: Response | Exception, expected: ExecType
) -> None:
    commands = FakeTransport(by_path={"/api/v3/openOrders": answer})
    (report,) = await broker(reads=venue(openOrders=working(("BTCUSDT", 28))), commands=commands).cancel_all()
    assert (report.exec_type, report.order_id, report.ord_status) == (expected, VENUE_ID, None)


async def test_a_mass_cancel_of_nothing_says_nothing() -> None:
    assert await broker().cancel_all() == ()
    commands = FakeTransport(by_path={"/api/v3/openOrders": refusal(-2011, "Unknown order sent.")})
    assert await broker(reads=venue(openOrders=working(("BTCUSDT", 28))), commands=commands).cancel_all() == ()


# -- modify -------------------------------------------------------------------------------------------------------------

STANDING = parsed("order") | {"status": "NEW", "executedQty": "0.0", "cummulativeQuoteQty": "0.0"}
SMALLER = OrderChanges(order_qty=Quantity(Decimal("0.015")))
CHEAPER = OrderChanges(price=Price(Decimal(63000)))


async def changed(changes: OrderChanges, answer: Response | Exception, **standing: Any) -> tuple[FakeTransport, Any]:
    commands = FakeTransport(answer)
    trader = broker(reads=venue(order=reply(STANDING | standing)), commands=commands)
    return commands, await trader.modify_order(ref(), changes, cl_ord_id=NEXT, decided_at=2.0)


async def test_a_smaller_quantity_is_an_amendment_also_of_a_partly_filled_order() -> None:
    commands, (report,) = await changed(SMALLER, ok("amended"), status="PARTIALLY_FILLED", executedQty="0.01")
    (request,) = commands.requests
    assert (request.method, request.path) == ("PUT", "/api/v3/order/amend/keepPriority")
    assert form(request) == {"symbol": "BTCUSDT", "orderId": "28", "newQty": "0.015", "newClientOrderId": NEXT}
    assert (report.order_id, report.replaces, report.cl_ord_id) == (VENUE_ID, VENUE_ID, NEXT)


async def test_another_price_is_a_cancel_and_a_new_order_in_one_request() -> None:
    commands, (new, old) = await changed(CHEAPER, ok("replaced"))
    (request,) = commands.requests
    assert (request.method, request.path, request.endpoint) == (
        "POST", "/api/v3/order/cancelReplace", "orders.replace",
    )  # fmt: skip
    sent = form(request)
    assert (sent["price"], sent["quantity"], sent["type"]) == ("63000", "0.02", "LIMIT")
    assert (sent["cancelOrderId"], sent["cancelRestrictions"], sent["cancelReplaceMode"]) == (
        "28", "ONLY_NEW", "STOP_ON_FAILURE",
    )  # fmt: skip
    assert (new.order_id, new.cl_ord_id, new.replaces) == ("BTCUSDT:29", NEXT, VENUE_ID)
    assert (old.order_id, old.replaced_by, old.exec_type) == (VENUE_ID, "BTCUSDT:29", ExecType.REPLACED)


async def test_an_untouched_order_of_ours_is_changed_without_a_question() -> None:
    commands = FakeTransport(ok("placed_limit"), ok("replaced"))
    trader = broker(commands=commands)
    await trader.submit_order(approved())
    (new, _) = await trader.modify_order(ref(), CHEAPER, cl_ord_id=NEXT, decided_at=2.0)
    assert (new.order_id, form(commands.requests[1])["quantity"]) == ("BTCUSDT:29", "0.02")


@pytest.mark.parametrize("happened", ["event_trade", "event_cancelled", "event_amended"])
async def test_an_order_that_something_happened_to_is_looked_at_before_it_is_changed(happened: str) -> None:
    event = parsed("event_new" if happened == "event_amended" else happened)
    if happened == "event_amended":
        event["event"] |= {"x": "REPLACED", "C": CL_ORD_ID, "c": "somebody-elses", "q": "0.015"}
    clock, connect = ManualClock(NOW), FakeConnect(confirming)
    commands = FakeTransport(ok("placed_limit"), ok("replaced"))
    reads = venue(order=reply(STANDING | {"origQty": "0.015"}))
    trader = broker(reads=reads, commands=commands, connect=connect, clock=clock)
    await trader.subscribe_order_events(Ear())
    await clock.advance(0.1)
    await trader.submit_order(approved())
    connect.sockets[0].push(event)
    await clock.advance(0.1)
    await trader.modify_order(ref(), CHEAPER, cl_ord_id=NEXT, decided_at=2.0)
    assert len(reads.asked("/api/v3/order")) == 1
    assert form(commands.requests[1])["quantity"] == "0.015"
    await trader.disconnect()


async def test_i8_a_list_older_than_an_amendment_brings_no_old_terms_back() -> None:
    commands = FakeTransport(ok("placed_limit"), ok("amended"), ok("replaced"))
    reads = venue(order=reply(STANDING | {"origQty": "0.015", "clientOrderId": NEXT}), openOrders=reply([STANDING]))
    trader = broker(reads=reads, commands=commands)
    await trader.submit_order(approved())
    await trader.modify_order(ref(), SMALLER, cl_ord_id=NEXT, decided_at=2.0)
    await trader.get_open_orders()  # asked before the amendment, read after it
    await trader.modify_order(ref(), CHEAPER, cl_ord_id=NEXT, decided_at=2.0)
    assert len(reads.asked("/api/v3/order")) == 1
    assert form(commands.requests[2])["quantity"] == "0.015"


async def test_an_amendment_that_was_not_answered_has_the_order_looked_at() -> None:
    commands = FakeTransport(ok("placed_limit"), Timeout("no reply"), ok("replaced"))
    reads = venue(order=reply(STANDING | {"origQty": "0.015"}))
    trader = broker(reads=reads, commands=commands)
    await trader.submit_order(approved())
    with pytest.raises(Timeout):
        await trader.modify_order(ref(), SMALLER, cl_ord_id=NEXT, decided_at=2.0)
    await trader.modify_order(ref(), CHEAPER, cl_ord_id=NEXT, decided_at=2.0)
    assert form(commands.requests[2])["quantity"] == "0.015"


async def test_a_list_that_shows_other_terms_has_the_order_looked_at() -> None:
    commands = FakeTransport(ok("placed_limit"), ok("replaced"))
    smaller = STANDING | {"origQty": "0.015"}
    reads = venue(order=reply(smaller), openOrders=reply([smaller]))
    trader = broker(reads=reads, commands=commands)
    await trader.submit_order(approved())
    await trader.get_open_orders()
    await trader.modify_order(ref(), CHEAPER, cl_ord_id=NEXT, decided_at=2.0)
    assert form(commands.requests[1])["quantity"] == "0.015"


async def test_an_order_that_something_happened_to_before_its_placement_was_answered_is_not_kept() -> None:
    placed = wire.decode(payload("placed_limit"), wire.Order, what="an order")
    terms = Terms()
    terms.forget(VENUE_ID)
    terms.learn(placed)
    assert terms.find(VENUE_ID) is None


async def test_a_half_done_replace_says_that_the_old_order_is_gone() -> None:
    with pytest.raises(InsufficientFunds) as caught:
        await changed(CHEAPER, reply(parsed("replace_half_done"), status=409))
    assert caught.value.outcome is Outcome.REFUSED
    assert "the old order is cancelled" in caught.value.detail


async def test_a_replace_of_which_nothing_was_done_is_refused() -> None:
    with pytest.raises(OrderNotFound) as caught:
        await changed(CHEAPER, reply(parsed("replace_not_done"), status=400))
    assert caught.value.outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("standing", "kind"),
    [
        ({"status": "FILLED"}, Conflict),
        ({"status": "PARTIALLY_FILLED", "executedQty": "0.01"}, NotSupported),
        ({"orderListId": 7}, NotSupported),
        ({"type": "TOMORROW"}, ApiError),
        ({"executedQty": "NaN"}, ApiError),
    ],
)
async def test_a_replace_that_could_go_wrong_is_not_sent(
    standing: dict[str, Any], kind: type[FloorbrokerError]
) -> None:
    with pytest.raises(kind) as caught:
        await changed(CHEAPER, ok("replaced"), **standing)
    assert caught.value.outcome is Outcome.NOT_SENT


async def test_a_failed_look_leaves_the_change_not_sent() -> None:
    commands = FakeTransport()
    trader = broker(reads=venue(order=Timeout("no reply")), commands=commands)
    with pytest.raises(Timeout) as caught:
        await trader.modify_order(ref(), CHEAPER, cl_ord_id=NEXT, decided_at=2.0)
    assert (caught.value.outcome, commands.requests) == (Outcome.NOT_SENT, [])


async def test_a_change_that_a_filter_would_refuse_is_not_sent() -> None:
    with pytest.raises(InvalidRequest):
        await changed(OrderChanges(price=Price(Decimal("63000.001"))), ok("replaced"))


# -- reading orders -----------------------------------------------------------------------------------------------------


async def test_an_order_is_asked_for_by_its_venue_number_when_known() -> None:
    reads = venue(order=ok("order"))
    (report,) = await broker(reads=reads).get_order_status(ref())
    assert dict(reads.requests[0].query) == {"symbol": "BTCUSDT", "orderId": "28"}
    assert (report.asked_at, report.ord_status) == (NOW, OrdStatus.PARTIALLY_FILLED)


async def test_without_a_number_it_is_asked_for_by_our_id() -> None:
    reads = venue(order=ok("order"))
    await broker(reads=reads).get_order_status(ref(order_id=None))
    assert dict(reads.requests[0].query) == {"symbol": "BTCUSDT", "origClientOrderId": CL_ORD_ID}
    other = venue(order=reply(parsed("order") | {"clientOrderId": "x"}))
    with pytest.raises(ApiError, match="another order"):
        await broker(reads=other).get_order_status(ref(order_id=None))


@pytest.mark.parametrize(
    "member",
    [
        {"orderId": 2**63},
        {"orderId": 10**400},
        {"strategyId": 2**64},
        {"trailingDelta": 10**7},
        {"updateTime": -(2**64)},
    ],
)
async def test_i24_a_number_beyond_all_bounds_is_an_unreadable_reply(member: dict[str, int]) -> None:
    trader = broker(reads=venue(order=reply(parsed("order") | member), openOrders=reply([parsed("order") | member])))
    with pytest.raises(ApiError, match="not readable"):
        await trader.get_order_status(ref(order_id=None))
    with pytest.raises(ApiError, match="not readable"):
        await trader.get_open_orders()


async def test_an_order_that_goes_by_another_id_of_ours_was_amended() -> None:
    amended = reply(parsed("order") | {"clientOrderId": NEXT, "origQty": "0.015"})
    (report,) = await broker(reads=venue(order=amended)).get_order_status(ref())
    assert (report.cl_ord_id, report.replaces, report.order_qty) == (NEXT, VENUE_ID, Decimal("0.015"))
    renamed = reply(parsed("order") | {"clientOrderId": "somebody-elses"})
    (report,) = await broker(reads=venue(order=renamed)).get_order_status(ref())
    assert report.replaces is None


async def test_not_found_is_believed_only_in_the_documented_words() -> None:
    with pytest.raises(OrderNotFound):
        await broker(reads=venue(order=refusal(-2013, "Order does not exist."))).get_order_status(ref())
    for other in (reply(status=404, raw=b"<html>"), refusal(-2011, "Unknown order sent.")):
        with pytest.raises(ApiError):
            await broker(reads=venue(order=other)).get_order_status(ref())


async def test_a_read_that_was_turned_away_for_its_time_is_asked_again_by_a_better_clock() -> None:
    turns = [refusal(-1021, "Timestamp for this request is outside of the recvWindow."), ok("order")]
    reads = venue(order=lambda _: turns.pop(0))
    await broker(reads=reads).get_order_status(ref())
    assert [request.path for request in reads.requests] == [
        "/api/v3/order", *["/api/v3/time"] * 3, "/api/v3/order",
    ]  # fmt: skip


async def test_a_leg_whose_head_nobody_met_has_its_list_asked_for_once() -> None:
    leg = parsed("list_otoco")["orderReports"][1] | {"time": NOW_MS}
    reads = venue(openOrders=reply([leg]), orderList=ok("list_query"))
    trader = broker(reads=reads)
    for _ in range(2):
        fetched = await trader.get_open_orders()
        assert [report.parent_order_id for report in fetched.items] == ["BTCUSDT:20"]
    (asked,) = reads.asked("/api/v3/orderList")
    assert dict(asked.query) == {"orderListId": "7"}


async def test_history_is_asked_of_every_symbol_we_have_to_do_with() -> None:
    reads = venue(openOrders=working(("ETHBTC", 10)), allOrders=_of_symbol)
    trader = broker(reads=reads)
    await trader.connect()
    fetched = await trader.get_order_history(NOW - timedelta(days=1))
    asked = [dict(request.query)["symbol"] for request in reads.asked("/api/v3/allOrders")]
    assert asked == ["BTCUSDT", "ETHBTC"]  # between coins that are held, and of an open order
    assert {report.order_id for report in fetched.items} == {"BTCUSDT:28", "ETHBTC:28", "ETHBTC:10"}


async def test_dear_questions_are_asked_no_more_often_than_they_must_be() -> None:
    clock = ManualClock(NOW)
    reads = venue(openOrders=working(("ETHBTC", 10)), allOrders=_of_symbol)
    trader = broker(reads=reads, clock=clock)
    await trader.connect()
    listed = await trader.get_open_orders()
    await clock.advance(1.0)
    history = await trader.get_order_history(NOW - timedelta(days=1))
    await trader.get_fills(NOW - timedelta(days=1))
    assert len(reads.asked("/api/v3/openOrders")) == 1
    assert history.asked_at == listed.asked_at  # what was open is told as of then
    await clock.advance(10.0)
    await trader.get_order_history(NOW - timedelta(days=1))
    assert len(reads.asked("/api/v3/openOrders")) == 2
    asked = [dict(request.query)["symbol"] for request in reads.asked("/api/v3/allOrders")]
    assert asked == ["BTCUSDT", "ETHBTC", "BTCUSDT", "ETHBTC"]  # met by now, each of them
    await clock.advance(300.0)
    reads.requests.clear()
    await trader.get_fills(NOW - timedelta(days=1))
    assert len(reads.asked("/api/v3/myTrades")) == 2


async def test_markets_between_held_coins_are_asked_now_and_then() -> None:
    clock = ManualClock(NOW)
    reads = venue()
    trader = broker(reads=reads, clock=clock)
    await trader.connect()
    for wait_s, expected in ((0.0, 1), (10.0, 1), (200.0, 1), (100.0, 2)):
        await clock.advance(wait_s)
        await trader.get_fills(NOW - timedelta(days=1))
        assert len(reads.asked("/api/v3/myTrades")) == expected


def _of_symbol(request: Request) -> Response:
    return reply([parsed("order") | {"symbol": dict(request.query)["symbol"]}])


async def test_orders_from_before_are_left_out_unless_they_changed_since() -> None:
    old = parsed("order") | {"orderId": 1, "time": NOW_MS - 9e7, "updateTime": NOW_MS - 9e7}
    closed = parsed("order") | {"orderId": 2, "time": NOW_MS - 9e7, "status": "FILLED"}
    rows = [{k: int(v) if isinstance(v, float) else v for k, v in row.items()} for row in (old, closed)]
    trader = broker(reads=venue(allOrders=reply(rows)))
    await trader.connect()
    fetched = await trader.get_order_history(NOW - timedelta(days=1))
    assert [report.order_id for report in fetched.items] == ["BTCUSDT:2"]


class Ledger:
    """A venue with many orders and trades of one symbol, which it lists as documented; one a minute."""

    def __init__(self, count: int, row: Callable[[int, int], dict[str, Any]], *, key: str, cursor: str) -> None:
        self.rows = [row(number, NOW_MS - (count - number) * 60_000) for number in range(1, count + 1)]
        self.key, self.cursor = key, cursor
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: Request) -> Response:
        query = dict(request.query)
        if query["symbol"] != "BTCUSDT":
            return reply([])
        self.asked.append(query)
        most, found = int(query["limit"]), self.rows
        if self.cursor in query:
            found = [row for row in found if row[self.key] >= int(query[self.cursor])]
        elif "startTime" in query:
            until = int(query.get("endTime", NOW_MS * 2))
            found = [row for row in found if int(query["startTime"]) <= row["time"] <= until]
        else:
            return reply(found[-most:])
        return reply(found[:most])


def order_row(number: int, at: int) -> dict[str, Any]:
    return parsed("order") | {"orderId": number, "time": at, "updateTime": at, "status": "FILLED"}


def trade_row(number: int, at: int) -> dict[str, Any]:
    return parsed("trades")[0] | {"id": number, "time": at}


@pytest.mark.parametrize(("count", "days"), [(3, 1), (999, 2), (1000, 2), (2500, 1), (2500, 2), (4321, 5)])
async def test_orders_are_listed_to_the_last_page(count: int, days: int) -> None:
    ledger = Ledger(count, order_row, key="orderId", cursor="orderId")
    trader = broker(reads=venue(allOrders=ledger))
    await trader.connect()
    since = NOW - timedelta(days=days)
    fetched = await trader.get_order_history(since)
    expected = [row["orderId"] for row in ledger.rows if row["time"] >= since.timestamp() * 1000]
    assert sorted(int(str(report.order_id).rpartition(":")[2]) for report in fetched.items) == expected
    for query in ledger.asked:
        if "startTime" in query:
            assert int(query["endTime"]) - int(query["startTime"]) <= 86_400_000


@pytest.mark.parametrize(("count", "days"), [(3, 1), (1000, 2), (2500, 1), (4321, 5)])
async def test_fills_are_listed_to_the_last_page(count: int, days: int) -> None:
    ledger = Ledger(count, trade_row, key="id", cursor="fromId")
    trader = broker(reads=venue(myTrades=ledger))
    await trader.connect()
    since = NOW - timedelta(days=days)
    fetched = await trader.get_fills(since)
    expected = [f"BTCUSDT:{row['id']}" for row in ledger.rows if row["time"] >= since.timestamp() * 1000]
    assert [report.exec_id for report in fetched.items] == expected
    assert {report.exec_type for report in fetched.items} <= {ExecType.TRADE}


@pytest.mark.parametrize("path", ["allOrders", "myTrades"])
async def test_a_list_that_is_empty_by_time_and_full_without_is_an_error_and_no_list(path: str) -> None:
    row, key, cursor = (order_row, "orderId", "orderId") if path == "allOrders" else (trade_row, "id", "fromId")
    ledger = Ledger(1000, row, key=key, cursor=cursor)

    def forgetful(request: Request) -> Response:
        return reply([]) if "startTime" in dict(request.query) else ledger(request)

    trader = broker(reads=venue(**{path: forgetful}))
    since = NOW - timedelta(days=2)
    with pytest.raises(ApiError, match="a thousand that are younger"):
        await (trader.get_order_history(since) if path == "allOrders" else trader.get_fills(since))


async def test_a_symbol_that_the_venue_took_off_its_list_hides_no_other() -> None:
    def gone(request: Request) -> Response:
        is_gone = dict(request.query)["symbol"] == "BTCUSDT"
        return refusal(-1121, "Invalid symbol.") if is_gone else _of_symbol(request)

    trader = broker(reads=venue(openOrders=working(("ETHBTC", 10)), allOrders=gone))
    await trader.connect()
    fetched = await trader.get_order_history(NOW - timedelta(days=1))
    assert {report.order_id for report in fetched.items} == {"ETHBTC:28", "ETHBTC:10"}


async def test_a_list_whose_cursor_does_not_move_is_an_error_and_no_list() -> None:
    rows = [order_row(number, NOW_MS - 1000) for number in range(1, ORDERS_MAX + 1)]
    trader = broker(reads=venue(allOrders=reply(rows)))
    await trader.connect()
    with pytest.raises(ApiError, match="repeats"):
        await trader.get_order_history(NOW - timedelta(days=1))


async def test_a_list_that_fails_on_the_way_is_no_list() -> None:
    trader = broker(reads=venue(myTrades=reply(status=503)))
    await trader.connect()
    with pytest.raises(ApiError):
        await trader.get_fills(NOW - timedelta(days=1))


# -- account ------------------------------------------------------------------------------------------------------------


async def test_the_account_its_balances_and_its_positions() -> None:
    reads = venue()
    trader = broker(reads=reads)
    account = await trader.get_account_info()
    assert (account.account, account.equity, account.buying_power) == ("354937868", Decimal(106_000), Decimal(9000))
    assert [balance.currency for balance in (await trader.get_balances()).items] == ["BTC", "USDT", "DUST"]
    (position,) = (await trader.get_positions()).items
    assert (position.symbol, position.qty) == ("BTC/USDT", Decimal("1.5"))
    asked = json.loads(dict(reads.asked("/api/v3/ticker/price")[0].query)["symbols"])
    assert set(asked) <= {"BTCUSDT", "ETHBTC", "ETHUSDT", "BNBUSDT"}
    risk = await trader.get_risk_metrics()
    assert (risk.gross_exposure, risk.open_orders) == (Decimal(96000), 0)


async def test_a_price_that_cannot_be_had_hides_no_money() -> None:
    everything = json.loads(MARKET_PRICES.body)

    def prices(request: Request) -> Response:
        return refusal(-1121, "Invalid symbol.") if request.query else reply(everything)

    trader = broker(reads=venue(**{"ticker/price": prices}))
    assert (await trader.get_account_info()).equity == Decimal(106_000)
    (position,) = (await trader.get_positions()).items
    assert position.market_px == Decimal(64000)
    trader = broker(reads=venue(**{"ticker/price": reply(status=503)}))
    (position,) = (await trader.get_positions()).items
    assert (position.qty, position.market_px) == (Decimal("1.5"), None)


async def test_the_rights_of_a_live_key_are_asked_for() -> None:
    reads = venue()
    reads.by_path["/sapi/v1/account/apiRestrictions"] = ok("key_rights")
    rights = await broker(reads=reads, environment=Environment.LIVE).get_key_permissions()
    assert (rights.trade, rights.withdraw) == (True, False)
    reads.by_path["/sapi/v1/account/apiRestrictions"] = reply(parsed("key_rights") | {"enableWithdrawals": True})
    assert (await broker(reads=reads, environment=Environment.LIVE).get_key_permissions()).withdraw is True
    reads.by_path["/sapi/v1/account/apiRestrictions"] = reply(status=404)
    assert (await broker(reads=reads, environment=Environment.SIM).get_key_permissions()).withdraw is None
    reads.by_path["/sapi/v1/account/apiRestrictions"] = reply(status=503)
    with pytest.raises(ApiError):
        await broker(reads=reads, environment=Environment.LIVE).get_key_permissions()


async def test_the_test_network_has_no_money_to_move() -> None:
    reads = venue()
    assert (await broker(reads=reads).get_key_permissions()).withdraw is False
    assert reads.asked("/sapi/v1/account/apiRestrictions") == []


# -- market data --------------------------------------------------------------------------------------------------------


async def test_instruments_come_from_one_list_that_is_kept_for_an_hour() -> None:
    clock, reads = ManualClock(NOW), venue()
    trader = broker(reads=reads, clock=clock)
    assert (await trader.get_instrument("BTC/USDT")).venue_id == "BTCUSDT"
    await trader.get_instrument("ETH/BTC")
    with pytest.raises(SymbolNotFound):
        await trader.get_instrument("XYZ/USDT")
    assert len(reads.asked("/api/v3/exchangeInfo")) == 1
    await clock.advance(61.0)
    with pytest.raises(SymbolNotFound):
        await trader.get_instrument("XYZ/USDT")  # it may be new: the list is asked for again, once a minute at most
    assert len(reads.asked("/api/v3/exchangeInfo")) == 2
    await clock.advance(3600.0)
    await trader.get_instrument("BTC/USDT")
    assert len(reads.asked("/api/v3/exchangeInfo")) == 3


async def test_while_the_list_of_symbols_cannot_be_renewed_the_old_one_serves_on() -> None:
    clock, reads = ManualClock(NOW), venue()
    trader = broker(reads=reads, clock=clock)
    before = await trader.get_instrument("BTC/USDT")
    reads.by_path["/api/v3/exchangeInfo"] = reply(status=503)
    await clock.advance(3700.0)
    assert (await trader.get_instrument("BTC/USDT")).as_of == before.as_of
    await trader.get_instrument("BTC/USDT")
    assert len(reads.asked("/api/v3/exchangeInfo")) == 2
    reads.by_path["/api/v3/exchangeInfo"] = ok("exchange_info")
    await clock.advance(61.0)
    assert (await trader.get_instrument("BTC/USDT")).as_of == clock.now()


async def test_quotes_hours_and_bars() -> None:
    reads = venue(klines=ok("klines"))
    trader = broker(reads=reads)
    quote = await trader.get_market_data("BTC/USDT")
    assert (quote.bid, quote.ask, quote.bid_size, quote.time) == (
        Decimal(64000), Decimal(64001), Decimal("0.5"), NOW,
    )  # fmt: skip
    assert (await trader.get_snapshot("BTC/USDT")).last == Decimal(64000)
    bars = await trader.get_bars("BTC/USDT", span_s=60, start=NOW - timedelta(minutes=2), end=NOW)
    assert [(bar.open, bar.close, bar.volume) for bar in bars] == [
        (Decimal("64000.1"), Decimal(64005), Decimal("12.5")), (Decimal(64005), Decimal(64010), Decimal("7.25")),
    ]  # fmt: skip
    (asked,) = reads.asked("/api/v3/klines")
    assert dict(asked.query)["interval"] == "1m"
    hours = await trader.get_market_hours("24/7", date(2026, 3, 2))
    assert (hours.is_open_day, hours.is_open_now) == (True, True)
    with pytest.raises(InvalidRequest):
        await trader.get_market_hours("XNYS", date(2026, 3, 2))
    with pytest.raises(NotSupported):
        await trader.get_bars("BTC/USDT", span_s=7, start=NOW, end=NOW)


async def test_bars_are_fetched_page_by_page() -> None:
    start = NOW - timedelta(minutes=2500)

    def klines(request: Request) -> Response:
        query = dict(request.query)
        first = max(int(query["startTime"]), int(start.timestamp() * 1000))
        rows = [
            [at, "1", "1", "1", "1", "1", at + 59_999, "1", 1, "1", "1", "0"]
            for at in range(first, int(query["endTime"]), 60_000)
        ]
        return reply(rows[: int(query["limit"])])

    trader = broker(reads=venue(klines=klines))
    assert len(await trader.get_bars("BTC/USDT", span_s=60, start=start, end=NOW, limit=5000)) == 2500
    assert len(await trader.get_bars("BTC/USDT", span_s=60, start=start, end=NOW, limit=1700)) == 1700


# -- before an order ----------------------------------------------------------------------------------------------------


async def test_a_wish_is_looked_at_by_the_filters_and_then_by_the_venue() -> None:
    path = {"/api/v3/order/test": reply({})}
    reads = FakeTransport(by_path=venue().by_path | path)
    trader = broker(reads=reads)
    assert await trader.validate_order(limit_order()) == ()
    (request,) = reads.asked("/api/v3/order/test")
    assert (request.method, form(request)["quantity"]) == ("POST", "0.02")
    assert "newClientOrderId" not in form(request)
    assert [one.code for one in await trader.validate_order(limit_order(price=Price(Decimal(90000))))] == [
        "out_of_range"
    ]
    assert [one.code for one in await trader.validate_order(limit_order(symbol="XYZ/USDT"))] == ["not_found"]
    assert len(reads.asked("/api/v3/order/test")) == 1


async def test_no_more_orders_than_the_venue_lets_work_in_a_symbol() -> None:
    stops = reply([parsed("order") | {"orderId": number, "type": "STOP_LOSS_LIMIT"} for number in range(5)])
    trader = broker(reads=venue(**{"openOrders": stops, "order/test": reply({})}))
    stop = limit_order(order_type=OrderType.STOP_LIMIT, stop_px=Price(Decimal(63000)))
    assert [one.code for one in await trader.validate_order(stop)] == ["too_many"]
    assert await trader.validate_order(limit_order()) == ()


async def test_what_the_venue_objects_to_is_told_in_its_words() -> None:
    path = {"/api/v3/order/test": refusal(-2010, "Account has insufficient balance for requested action.")}
    trader = broker(reads=FakeTransport(by_path=venue().by_path | path))
    (objection,) = await trader.validate_order(limit_order())
    assert (objection.code, objection.detail) == (
        "insufficient_funds", "Account has insufficient balance for requested action.",
    )  # fmt: skip


@pytest.mark.parametrize("answer", [reply(status=503), refusal(-2015, "Invalid API-key")])
async def test_a_test_call_that_says_nothing_about_the_order_is_no_objection(answer: Response) -> None:
    trader = broker(reads=FakeTransport(by_path=venue().by_path | {"/api/v3/order/test": answer}))
    with pytest.raises((ApiError, AuthenticationFailed)):
        await trader.validate_order(limit_order())


async def test_an_order_costs_its_whole_value_and_the_fee() -> None:
    reads = FakeTransport(by_path=venue().by_path | {"/api/v3/account/commission": ok("commission")})
    margin = await broker(reads=reads).get_margin_requirements(limit_order(order_type=OrderType.MARKET, price=None))
    assert (margin.initial, margin.fees) == (Decimal("1280.02"), Decimal("1.408022"))


# -- connection ---------------------------------------------------------------------------------------------------------


async def test_a_connection_measures_the_clock_and_proves_the_key() -> None:
    limits: list[Any] = []
    reads = venue(time=reply({"serverTime": NOW_MS + 2500}))
    trader = broker(reads=reads)
    trader._on_limits = limits.append  # noqa: SLF001 - handed in by `build`, which has a test of its own
    await trader.connect()
    status = trader.get_connection_status()
    assert (status.state, status.clock_offset_s) == (LinkState.CONNECTED, pytest.approx(2.5))
    assert trader.is_connected()
    await trader.disconnect()
    assert not trader.is_connected()


@pytest.mark.parametrize(
    ("path", "answer", "kind"),
    [
        ("account", refusal(-2015, "Invalid API-key, IP, or permissions for action."), AuthenticationFailed),
        ("time", ConnectionFailed("refused"), ConnectionFailed),
        ("exchangeInfo", reply(status=503), ApiError),
    ],
)
async def test_a_connection_that_fails_says_why(path: str, answer: Any, kind: type[FloorbrokerError]) -> None:
    trader = broker(reads=venue(**{path: answer}))
    with pytest.raises(kind):
        await trader.connect()
    assert trader.get_connection_status().state is LinkState.OFFLINE


async def test_a_self_check_tries_everything_and_an_order_that_is_not_placed() -> None:
    reads = venue()
    reads.by_path["/api/v3/order/test"] = reply({})
    checked = await broker(reads=reads).self_check()
    assert checked.ok
    assert [check.name for check in checked.checks] == [
        "connectivity", "clock", "credentials", "environment", "permissions", "order entry",
    ]  # fmt: skip
    assert form(reads.asked("/api/v3/order/test")[0])["symbol"] == "BTCUSDT"


@pytest.mark.parametrize(
    ("path", "answer", "failed"),
    [
        ("time", ConnectionFailed("refused"), "connectivity"),
        ("time", reply({"serverTime": NOW_MS + 5000}), "clock"),
        ("account", refusal(-2014, "API-key format invalid."), "credentials"),
        ("account", reply(parsed("account") | {"canTrade": False}), "permissions"),
        ("order/test", refusal(-2010, "This action is disabled on this account."), "order entry"),
    ],
)
async def test_a_self_check_names_what_does_not_hold(path: str, answer: Any, failed: str) -> None:
    reads = venue(**{"order/test": reply({})} | {path: answer})
    checked = await broker(reads=reads).self_check()
    assert [check.name for check in checked.checks if not check.ok] == [failed]


async def test_a_live_key_that_may_withdraw_fails_its_check() -> None:
    reads = venue(**{"order/test": reply({})})
    reads.by_path["/sapi/v1/account/apiRestrictions"] = reply(parsed("key_rights") | {"enableWithdrawals": True})
    checked = await broker(reads=reads, environment=Environment.LIVE).self_check()
    assert [check.name for check in checked.checks if not check.ok] == ["permissions"]


# -- streams ------------------------------------------------------------------------------------------------------------


def confirming(socket: FakeSocket) -> None:
    socket.push(parsed("subscribed"))


async def test_order_events_reach_the_handler() -> None:
    clock, connect, ear = ManualClock(NOW), FakeConnect(confirming), Ear()
    trader = broker(connect=connect, clock=clock)
    subscription = await trader.subscribe_order_events(ear)
    await clock.advance(0.1)
    (socket,) = connect.sockets
    assert socket.target.url == "wss://ws-api.testnet.binance.vision/ws-api/v3?returnRateLimits=false"
    assert ear.streams == [(True, "up")]
    socket.push(parsed("event_trade"))
    await clock.advance(0.1)
    assert [report.exec_id for report in ear.reports] == ["BTCUSDT:56"]
    socket.end()
    await clock.advance(2.0)
    assert [up for up, _ in ear.streams] == [True, False, True]
    await subscription.close()
    assert connect.sockets[-1].closed


async def test_denied_credentials_degrade_the_connection() -> None:
    def denying(socket: FakeSocket) -> None:
        socket.push({"id": "subscribe", "status": 401, "error": {"code": -2015, "msg": "Invalid API-key"}})

    clock = ManualClock(NOW)
    trader = broker(connect=FakeConnect(denying), clock=clock)
    await trader.connect()
    await trader.subscribe_order_events(Ear())
    await clock.advance(0.1)
    assert not trader.is_connected()
    assert trader.get_connection_status().state is LinkState.DEGRADED
    await trader.disconnect()


async def test_one_market_connection_serves_many_and_brings_the_whole_book() -> None:
    clock, connect = ManualClock(NOW), FakeConnect()
    reads = venue(depth=ok("depth"))
    trader = broker(connect=connect, clock=clock, reads=reads)
    first: list[Any] = []
    second: list[Any] = []
    await trader.subscribe_market_data(["BTC/USDT"], frozenset({DataKind.BOOK}), first.append)
    await trader.subscribe_market_data(
        ["BTC/USDT", "ETH/BTC"], frozenset({DataKind.QUOTES, DataKind.BOOK}), second.append
    )
    await clock.advance(1.1)
    (socket,) = connect.sockets
    assert socket.target.url == "wss://stream.testnet.binance.vision/stream"
    assert sorted(name for word in socket.sent for name in word["params"]) == [
        "btcusdt@bookTicker", "btcusdt@depth@100ms", "ethbtc@bookTicker", "ethbtc@depth@100ms",
    ]  # fmt: skip
    socket.push(parsed("stream_depth"))
    socket.push(parsed("stream_quote"))
    await clock.advance(0.1)
    delta, whole = first
    assert (delta.sequence, delta.reset, whole.sequence, whole.reset) == (160, False, 160, True)
    assert [type(event) for event in second] == [BookDelta, Quote, BookDelta]
    assert dict(reads.asked("/api/v3/depth")[0].query) == {"symbol": "BTCUSDT", "limit": "1000"}
    reads.by_path["/api/v3/depth"] = reply(parsed("depth") | {"lastUpdateId": 170})
    await trader.resync_book("BTC/USDT")
    await clock.advance(0.1)
    assert (first[-1].sequence, first[-1].reset) == (170, True)
    await trader.disconnect()
    assert socket.closed


async def test_a_symbol_nobody_trades_is_not_subscribed_to() -> None:
    with pytest.raises(SymbolNotFound):
        await broker().subscribe_market_data(["XYZ/USDT"], frozenset({DataKind.QUOTES}), lambda event: None)
