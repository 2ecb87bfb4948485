"""The whole adapter over fakes of its transports."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from floorbroker.brokers.bybit import Options, PositionStops, hosts_for, options_from, origins_for
from floorbroker.brokers.bybit.limits import limits_for
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConfigInvalid,
    ConnectionFailed,
    DuplicateOrderId,
    FloorbrokerError,
    InsufficientFunds,
    NotSupported,
    OrderNotFound,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SymbolNotFound,
    Timeout,
)
from floorbroker.domain.ids import uuid7
from floorbroker.domain.orders import OrderChanges, OrderRef
from floorbroker.domain.records import DataKind, LinkState, Quote
from floorbroker.domain.values import (
    ClOrdId,
    Environment,
    ExecType,
    IntentId,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    from_epoch,
)
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.brokers.bybit.fakes import (
    CL_ORD_ID,
    INTENT,
    NOW,
    OTHER_ID,
    PAIR,
    PERP,
    SPOT_ID,
    VENUE_ID,
    FakeConnect,
    FakeSocket,
    FakeTransport,
    Listener,
    account_paths,
    approved,
    broker,
    instruments,
    limit_order,
    listed,
    no,
    ok,
    parsed,
    ref,
    reply,
    server_time,
)

pytestmark = pytest.mark.asyncio

RECEIVED = ok({"orderId": VENUE_ID, "orderLinkId": CL_ORD_ID})


# -- submit -------------------------------------------------------------------------------------------------------------


async def test_a_submit_is_one_post_and_its_answer_means_received() -> None:
    commands = FakeTransport(RECEIVED)
    (report,) = await broker(commands=commands).submit_order(approved())
    (request,) = commands.requests
    assert (request.method, request.origin, request.path) == (
        "POST",
        "https://api-testnet.bybit.com",
        "/v5/order/create",
    )
    assert (request.lane, request.decided_at, request.order) == (Lane.NEW, 1.0, CL_ORD_ID)
    assert (report.order_id, report.cl_ord_id) == (VENUE_ID, CL_ORD_ID)
    assert (report.exec_type, report.ord_status) == (ExecType.PENDING_NEW, OrdStatus.PENDING_NEW)


@pytest.mark.parametrize(
    "response",
    [
        ok({"orderId": VENUE_ID, "orderLinkId": OTHER_ID}),
        ok({"orderId": "", "orderLinkId": CL_ORD_ID}),
        ok({}),
        ok([]),
        reply(raw=b"<html>ok</html>"),
        reply(raw=b""),
        reply(status=302, raw=b""),
        reply(status=500, raw=b"null"),
        no(10016, "Internal server error"),
        no(123_456, "new words"),
    ],
    ids=["other", "no id", "empty", "a list", "page", "nothing", "302", "500", "10016", "unlisted"],
)
async def test_an_answer_that_is_not_about_our_order_leaves_it_unknown(response: Response) -> None:
    with pytest.raises(ApiError) as caught:
        await broker(commands=FakeTransport(response)).submit_order(approved())
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_time_out_of_ours_and_one_of_the_venues_own_leave_it_unknown() -> None:
    for answer in (Timeout("no reply"), no(10000, "Server Timeout"), no(170007, "Timeout waiting for response")):
        with pytest.raises(Timeout) as caught:
            await broker(commands=FakeTransport(answer)).submit_order(approved())
        assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_refusal_and_a_duplicate_are_told_apart() -> None:
    venue = broker(commands=FakeTransport(no(110007, "ab not enough for new order"), no(110072), no(170141)))
    with pytest.raises(InsufficientFunds):
        await venue.submit_order(approved())
    for _ in range(2):
        with pytest.raises(DuplicateOrderId) as caught:
            await venue.submit_order(approved())
        assert caught.value.outcome is Outcome.UNKNOWN


async def test_what_has_no_words_is_not_sent() -> None:
    commands = FakeTransport()
    with pytest.raises(NotSupported) as caught:
        await broker(commands=commands).submit_order(
            approved(limit_order(symbol=PAIR, display_qty=Quantity(Decimal(1))))
        )
    assert (caught.value.outcome, commands.requests) == (Outcome.NOT_SENT, [])


async def test_a_refused_time_stamp_is_a_refusal_and_the_clock_is_measured_anew() -> None:
    reads = FakeTransport(by_path={"/v5/market/time": server_time("2.5")})
    venue = broker(reads=reads, commands=FakeTransport(no(10002, "invalid request, please check your timestamp")))
    with pytest.raises(OrderRejected) as caught:
        await venue.submit_order(approved())
    assert caught.value.outcome is Outcome.REFUSED
    assert venue.get_connection_status().clock_offset_s == 2.5


async def test_when_the_clock_cannot_be_measured_the_refusal_is_told_all_the_same() -> None:
    venue = broker(reads=FakeTransport(Timeout("no reply")), commands=FakeTransport(no(10002)))
    with pytest.raises(OrderRejected):
        await venue.submit_order(approved())


# -- batches ------------------------------------------------------------------------------------------------------------


def ids(count: int) -> list[ClOrdId]:
    return [ClOrdId(f"0195570e-6a80-7abc-8def-{number:012}") for number in range(count)]


def batched(request: Request) -> Response:
    """Every second order fails; the batch succeeds."""
    items = json.loads(request.body)["request"]
    fared = [{"code": 0, "msg": "OK"} if n % 2 == 0 else {"code": 110007, "msg": "no money"} for n in range(len(items))]
    rows = [
        {"orderId": f"v{n}" if n % 2 == 0 else "", "orderLinkId": item["orderLinkId"]} for n, item in enumerate(items)
    ]
    return ok({"list": rows}, ext={"list": fared})


async def test_orders_of_one_category_go_together_and_each_has_its_own_answer() -> None:
    commands = FakeTransport(by_path={"/v5/order/create-batch": batched})
    orders = [approved(cl_ord_id=name) for name in ids(3)]
    first, second, third = await broker(commands=commands).submit_orders(orders)
    (request,) = commands.requests
    assert (request.endpoint, request.weight) == ("batches.submit", 3)
    assert isinstance(first, tuple)
    assert first[0].order_id == "v0"
    assert isinstance(second, InsufficientFunds)
    assert second.outcome is Outcome.REFUSED
    assert isinstance(third, tuple)


@pytest.mark.parametrize(
    ("allowed", "linear", "spot"),
    [("10", [3, 10, 10], [2, 10]), ("100", [3, 20], [2, 10]), ("4", [3, 4, 4, 4, 4, 4], [4, 4, 4])],
)
async def test_batches_are_as_large_as_the_category_and_a_second_take(
    allowed: str, linear: list[int], spot: list[int]
) -> None:
    commands = FakeTransport(by_path={"/v5/order/create-batch": batched})
    orders = [approved(cl_ord_id=name) for name in ids(23)]
    orders += [approved(limit_order(symbol=PAIR), cl_ord_id=name) for name in ids(40)[25:37]]
    answers = await broker(commands=commands, options=Options(order_requests_s=allowed)).submit_orders(orders)
    sizes = sorted((body["category"], len(body["request"])) for body in commands.bodies)
    assert sizes == [*(("linear", size) for size in linear), *(("spot", size) for size in spot)]
    assert len(answers) == 35
    assert next(answer[0].cl_ord_id for answer in answers if isinstance(answer, tuple)) == ids(1)[0]
    capacity = next(budget.capacity for budget in limits_for(int(allowed)).budgets if budget.name == "batch")
    assert all(request.weight <= capacity for request in commands.requests)


async def test_one_order_that_has_no_words_does_not_hold_up_the_others() -> None:
    commands = FakeTransport(by_path={"/v5/order/create-batch": batched})
    odd = [approved(limit_order(symbol="AAPL")), approved(limit_order(extended_hours=True)), approved()]
    share, extended, plain = await broker(commands=commands).submit_orders(odd)
    assert isinstance(share, SymbolNotFound)
    assert isinstance(extended, NotSupported)
    assert isinstance(plain, tuple)


@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [
        (ok({"list": []}, ext={"list": []}), ApiError, Outcome.UNKNOWN),
        (ok({"list": [{"orderId": "v"}]}, ext={"list": [{"code": 0}]}), ApiError, Outcome.UNKNOWN),
        (no(10006), RateLimitExceeded, Outcome.REFUSED),
        (Timeout("no reply"), Timeout, Outcome.UNKNOWN),
        (ConnectionFailed("refused"), ConnectionFailed, Outcome.NOT_SENT),
    ],
)
async def test_a_batch_whose_answer_does_not_tell_of_each_leaves_all_of_them_alike(
    answer: Any, kind: type[FloorbrokerError], outcome: Outcome
) -> None:
    orders = [approved(cl_ord_id=name) for name in ids(2)]
    for told in await broker(commands=FakeTransport(answer)).submit_orders(orders):
        assert isinstance(told, kind)
        assert (type(told), told.outcome) == (kind, outcome)


async def test_an_answer_about_another_order_in_a_batch_leaves_that_one_unknown() -> None:
    rows = [{"orderId": "a", "orderLinkId": ids(2)[0]}, {"orderId": "b", "orderLinkId": "other"}]
    answer = ok({"list": rows}, ext={"list": [{"code": 0, "msg": "OK"}] * 2})
    orders = [approved(cl_ord_id=name) for name in ids(2)]
    first, second = await broker(commands=FakeTransport(answer)).submit_orders(orders)
    assert isinstance(first, tuple)
    assert isinstance(second, ApiError)
    assert second.outcome is Outcome.UNKNOWN


async def test_a_refusal_in_a_batch_that_names_another_order_refuses_none() -> None:
    first, second, third = ids(3)
    orders = [approved(cl_ord_id=name) for name in (first, second, third)]
    refused = ok({"list": [{"orderLinkId": first}, {"orderLinkId": ""}]}, ext={"list": [{"code": 110007}] * 2})
    for told in await broker(commands=FakeTransport(refused)).submit_orders(orders[:2]):
        assert isinstance(told, InsufficientFunds)
    rows = [{"orderId": "b", "orderLinkId": second}, {"orderLinkId": first}, {"orderLinkId": ""}]
    crossed = ok({"list": rows}, ext={"list": [{"code": 0}, {"code": 110007}, {"code": 110007}]})
    for told in await broker(commands=FakeTransport(crossed)).submit_orders(orders):
        assert isinstance(told, ApiError)
        assert told.outcome is Outcome.UNKNOWN


async def test_a_single_order_is_no_batch() -> None:
    commands = FakeTransport(RECEIVED, no(110007))
    venue = broker(commands=commands)
    (told,) = await venue.submit_orders([approved()])
    assert isinstance(told, tuple)
    (refused,) = await venue.submit_orders([approved()])
    assert isinstance(refused, InsufficientFunds)
    assert {request.path for request in commands.requests} == {"/v5/order/create"}


async def test_demo_trading_takes_spot_orders_one_by_one() -> None:
    def created(request: Request) -> Response:
        return ok({"orderId": "v", "orderLinkId": json.loads(request.body)["orderLinkId"]})

    commands = FakeTransport(by_path={"/v5/order/create": created})
    orders = [approved(limit_order(symbol=PAIR), cl_ord_id=name) for name in ids(3)]
    answers = await broker(commands=commands, options=Options(practice="demo")).submit_orders(orders)
    assert [answer[0].cl_ord_id for answer in answers if isinstance(answer, tuple)] == ids(3)


# -- cancel -------------------------------------------------------------------------------------------------------------


async def test_a_cancel_asks_once_and_says_nothing_more() -> None:
    commands = FakeTransport(RECEIVED)
    assert await broker(commands=commands).cancel_order(ref()) == ()
    (request,) = commands.requests
    assert (request.path, request.lane, request.order) == ("/v5/order/cancel", Lane.CANCEL, CL_ORD_ID)
    assert commands.bodies == [{"category": "linear", "symbol": "BTCUSDT", "orderId": VENUE_ID}]


async def test_a_cancel_without_a_venue_id_names_ours() -> None:
    commands = FakeTransport(RECEIVED)
    await broker(commands=commands).cancel_order(ref(order_id=None))
    assert commands.bodies[0]["orderLinkId"] == CL_ORD_ID


@pytest.mark.parametrize("kind", [OrderType.STOP_LIMIT, OrderType.LIMIT])
async def test_a_spot_order_sent_from_here_is_cancelled_as_what_it_is(kind: OrderType) -> None:
    stop = Price(Decimal(65000)) if kind is OrderType.STOP_LIMIT else None
    commands = FakeTransport(ok({"orderId": SPOT_ID, "orderLinkId": CL_ORD_ID}), ok({"orderId": SPOT_ID}))
    venue = broker(commands=commands)
    await venue.submit_order(approved(limit_order(symbol=PAIR, order_type=kind, stop_px=stop)))
    await venue.cancel_order(ref(symbol=PAIR, order_id=SPOT_ID))
    assert commands.bodies[1].get("orderFilter") == ("StopOrder" if stop else None)


async def test_a_spot_order_nobody_heard_of_is_looked_for_first_and_cancelled_even_when_that_fails() -> None:
    conditional = listed(parsed("order_spot") | {"stopOrderType": "Stop"})
    for answer, expected in ((conditional, "StopOrder"), (Timeout("no reply"), None)):
        commands = FakeTransport(ok({"orderId": SPOT_ID, "orderLinkId": CL_ORD_ID}))
        venue = broker(reads=FakeTransport(answer), commands=commands)
        await venue.cancel_order(ref(symbol=PAIR, order_id=SPOT_ID))
        assert commands.bodies[0].get("orderFilter") == expected


async def test_a_refused_cancel_is_told_in_the_venues_words() -> None:
    with pytest.raises(OrderNotFound) as caught:
        await broker(commands=FakeTransport(no(110001, "order not exists or too late to cancel"))).cancel_order(ref())
    assert caught.value.venue_text == "110001 order not exists or too late to cancel"


async def test_cancels_that_came_too_often_are_asked_again_one_after_another() -> None:
    clock = ManualClock(NOW)
    asked_s: list[float] = []

    def counted(request: Request) -> Response:
        """Ten in any second, as the venue counts."""
        now_s = clock.monotonic()
        passed = len([at for at in asked_s if at > now_s - 1.0]) < 10
        if passed:
            asked_s.append(now_s)
        return ok({"orderId": json.loads(request.body)["orderId"]}) if passed else no(10006, "Too many visits!")

    commands = FakeTransport(by_path={"/v5/order/cancel": counted})
    venue = broker(commands=commands, clock=clock)
    cancels = [asyncio.create_task(venue.cancel_order(ref(order_id=OrderId(f"v{n}")))) for n in range(35)]
    for _ in range(80):
        await clock.advance(0.05)
    assert [cancel.result() for cancel in cancels] == [()] * 35
    assert len(asked_s) == 35
    assert len(commands.requests) < 70


async def test_a_cancel_is_not_asked_again_for_ever_nor_when_another_word_was_said() -> None:
    clock = ManualClock(NOW)
    commands = FakeTransport(by_path={"/v5/order/cancel": no(10006, "Too many visits!")})
    cancel = asyncio.create_task(broker(commands=commands, clock=clock).cancel_order(ref()))
    for _ in range(30):
        await clock.advance(1.0)
    assert isinstance(cancel.exception(), RateLimitExceeded)
    assert 10 < len(commands.requests) <= 21
    banned = reply(status=403, raw=b"access too frequent")
    for answer in (banned, no(10016), no(110001), Timeout("no reply"), RateLimitExceeded("our own budget")):
        once = FakeTransport(answer)
        with pytest.raises(FloorbrokerError):
            await broker(commands=once).cancel_order(ref())
        assert len(once.requests) == 1


async def test_a_mass_cancel_asks_for_every_kind_of_order() -> None:
    commands = FakeTransport(
        by_path={"/v5/order/cancel-all": lambda request: ok({"list": [{"orderId": _named(request)}]})}
    )
    reports = await broker(commands=commands).cancel_all()
    spot = {"spot Order", "spot StopOrder", "spot tpslOrder", "spot OcoOrder", "spot BidirectionalTpslOrder"}
    assert {report.order_id for report in reports} == {*spot, "USDT", "USDC"}
    assert {report.exec_type for report in reports} == {ExecType.PENDING_CANCEL}


def _named(request: Request) -> str:
    body = json.loads(request.body)
    return body.get("settleCoin") or f"spot {body['orderFilter']}"


async def test_a_mass_cancel_that_fails_for_one_kind_was_asked_for_the_others() -> None:
    def answer(request: Request) -> Response:
        return no(10005, "no permission") if b"spot" in request.body else ok({"list": []})

    commands = FakeTransport(by_path={"/v5/order/cancel-all": answer})
    with pytest.raises(AuthenticationFailed):
        await broker(commands=commands).cancel_all()
    assert len(commands.requests) == 7


# -- amend --------------------------------------------------------------------------------------------------------------

CHANGES = OrderChanges(order_qty=Quantity(Decimal("0.02")))


async def test_an_amend_is_asked_and_its_answer_means_received() -> None:
    commands = FakeTransport(RECEIVED)
    (asked,) = await broker(commands=commands).modify_order(ref(), CHANGES, cl_ord_id=OTHER_ID, decided_at=2.0)
    assert commands.bodies == [{"category": "linear", "symbol": "BTCUSDT", "orderId": VENUE_ID, "qty": "0.02"}]
    assert (asked.exec_type, asked.ord_status) == (ExecType.PENDING_REPLACE, OrdStatus.PENDING_REPLACE)
    assert (asked.order_id, asked.cl_ord_id, asked.order_qty) == (VENUE_ID, CL_ORD_ID, None)
    (request,) = commands.requests
    assert (request.lane, request.decided_at, request.order) == (Lane.NEW, 2.0, OTHER_ID)


@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [
        (no(110064, "The qty to be modified is less than the filled"), OrderRejected, Outcome.REFUSED),
        (no(170313), OrderRejected, Outcome.REFUSED),
        (no(170310), Timeout, Outcome.UNKNOWN),
        (ok({"orderId": "other", "orderLinkId": CL_ORD_ID}), ApiError, Outcome.UNKNOWN),
    ],
)
async def test_what_else_an_amend_is_answered(answer: Response, kind: type[FloorbrokerError], outcome: Outcome) -> None:
    with pytest.raises(kind) as caught:
        await broker(commands=FakeTransport(answer)).modify_order(ref(), CHANGES, cl_ord_id=OTHER_ID, decided_at=2.0)
    assert caught.value.outcome is outcome


# -- orders and executions ----------------------------------------------------------------------------------------------


async def test_an_order_is_looked_for_among_the_living_and_in_the_history() -> None:
    reads = FakeTransport(listed(), listed(parsed("order_linear") | {"orderStatus": "Cancelled"}))
    (report,) = await broker(reads=reads).get_order_status(ref())
    assert report.ord_status is OrdStatus.CANCELED
    assert [request.path for request in reads.requests] == ["/v5/order/realtime", "/v5/order/history"]
    assert dict(reads.requests[0].query)["orderId"] == VENUE_ID


async def test_an_order_in_neither_list_is_not_found_and_half_an_answer_says_nothing() -> None:
    with pytest.raises(OrderNotFound):
        await broker(reads=FakeTransport(listed(), listed())).get_order_status(made(timedelta(hours=1)))
    for answers in ((listed(), no(10016)), (no(110001),), (reply(status=404, raw=b"<html>"),)):
        with pytest.raises(ApiError):
            await broker(reads=FakeTransport(*answers)).get_order_status(ref(order_id=None))


def made(ago: timedelta) -> OrderRef:
    """An order of ours, named by our id, which tells when it was made."""
    name = str(uuid7(at=NOW - ago, tag=6, random=Random(1)))
    return OrderRef(intent_id=IntentId(name), cl_ord_id=ClOrdId(name), symbol=PERP)


def asked_back(requests: list[Request]) -> tuple[timedelta, int]:
    """How far the history was asked back without a gap, and in how many windows; each is of 7 days at most."""
    week, reached = timedelta(days=7), NOW - timedelta(days=7)  # what the question without times covers
    assert [name for name, _ in requests[1].query if name.endswith("Time")] == []
    for request in requests[2:]:
        query = dict(request.query)
        start, end = (from_epoch(ms=int(query[name])) for name in ("startTime", "endTime"))
        assert start < reached <= end <= start + week
        reached = start
    return NOW - reached, len(requests) - 2


@pytest.mark.parametrize(("ago", "windows"), [(timedelta(days=6), 0), (timedelta(days=8), 1), (timedelta(days=60), 8)])
async def test_the_history_is_asked_back_to_when_an_order_was_made(ago: timedelta, windows: int) -> None:
    reads = FakeTransport(by_path={"/v5/order/realtime": listed(), "/v5/order/history": listed()})
    with pytest.raises(OrderNotFound):
        await broker(reads=reads).get_order_status(made(ago))
    reached, asked = asked_back(reads.requests)
    assert reached >= ago
    assert asked == windows


async def test_an_order_that_ended_long_ago_is_found_in_the_week_in_which_it_was_made() -> None:
    order = made(timedelta(days=30))
    row = parsed("order_linear") | {"orderStatus": "Filled", "orderLinkId": order.cl_ord_id}
    reads = FakeTransport(listed(), listed(), listed(), listed(), listed(row))
    (report,) = await broker(reads=reads).get_order_status(order)
    assert report.ord_status is OrdStatus.FILLED


async def test_half_a_history_says_nothing() -> None:
    reads = FakeTransport(listed(), listed(), listed(), no(10016))
    with pytest.raises(ApiError):
        await broker(reads=reads).get_order_status(made(timedelta(days=30)))


async def test_an_order_from_elsewhere_is_looked_for_as_far_back_as_the_history_reaches() -> None:
    reads = FakeTransport(by_path={"/v5/order/realtime": listed(), "/v5/order/history": listed()})
    order = OrderRef(intent_id=INTENT, cl_ord_id=ClOrdId("by-hand"), symbol=PERP, order_id=VENUE_ID)
    with pytest.raises(OrderNotFound):
        await broker(reads=reads).get_order_status(order)
    reached, _ = asked_back(reads.requests)
    assert timedelta(days=728) < reached < timedelta(days=730)


async def test_a_cancel_waits_for_one_question_at_most() -> None:
    reads, commands = FakeTransport(listed()), FakeTransport(ok({"orderId": SPOT_ID}))
    await broker(reads=reads, commands=commands).cancel_order(ref(symbol=PAIR, order_id=SPOT_ID))
    assert len(reads.requests) == len(commands.requests) == 1


async def test_another_orders_answer_is_not_taken_for_ours() -> None:
    with pytest.raises(ApiError):
        await broker(reads=FakeTransport(listed(parsed("order_linear")))).get_order_status(ref(order_id=OrderId("x")))


class Lists:
    """A venue with many rows in each list, told page by page; `rows` makes one for a part and a number."""

    def __init__(self, count: int, row: dict[str, Any], key: str) -> None:
        self.count, self.row, self.key = count, row, key
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: Request) -> Response:
        query = dict(request.query)
        self.asked.append(query)
        part = f"{query['category']} {query.get('settleCoin', '')}"
        start, size = int(query.get("cursor", "page:0").partition(":")[2]), int(query["limit"])
        rows = [self.row | {self.key: f"{part} {n}"} for n in range(start, min(start + size, self.count))]
        return listed(*rows, cursor=f"page%3A{start + size}" if start + size < self.count else "")


async def test_open_orders_are_listed_to_the_last_page_of_each_part() -> None:
    lists = Lists(120, parsed("order_linear"), "orderId")
    fetched = await broker(reads=FakeTransport(by_path={"/v5/order/realtime": lists})).get_open_orders()
    assert len({report.order_id for report in fetched.items}) == 3 * 120
    assert {(asked["category"], asked.get("settleCoin")) for asked in lists.asked} == {
        ("spot", None),
        ("linear", "USDT"),
        ("linear", "USDC"),
    }
    assert [asked.get("cursor") for asked in lists.asked[:3]] == [None, "page:50", "page:100"]
    assert fetched.asked_at == NOW


async def test_a_list_whose_cursor_does_not_move_is_an_error_and_no_list() -> None:
    page = listed(parsed("order_linear"), cursor="page%3A1")
    with pytest.raises(ApiError, match="repeats"):
        await broker(reads=FakeTransport(page, page, page)).get_open_orders()


async def test_a_failed_page_is_an_error_and_no_list() -> None:
    page = listed(parsed("order_linear"), cursor="page%3A1")
    with pytest.raises(ApiError):
        await broker(reads=FakeTransport(page, no(10016))).get_open_orders()


async def test_the_history_is_what_the_venue_keeps_and_all_that_is_open() -> None:
    past = Lists(1, parsed("order_linear") | {"orderStatus": "Filled", "cumExecQty": "0.010"}, "orderId")
    living = Lists(2, parsed("order_linear"), "orderId")
    reads = FakeTransport(by_path={"/v5/order/history": past, "/v5/order/realtime": living})
    fetched = await broker(reads=reads).get_order_history(NOW - timedelta(days=1))
    told = sorted((str(report.order_id), report.ord_status) for report in fetched.items)
    assert told[:2] == [("linear USDC 0", OrdStatus.FILLED), ("linear USDC 1", OrdStatus.NEW)]
    assert len(told) == 6


async def test_a_long_past_is_asked_for_in_weeks() -> None:
    lists = Lists(0, {}, "execId")
    await broker(reads=FakeTransport(by_path={"/v5/execution/list": lists})).get_fills(NOW - timedelta(days=20))
    spans = [(int(asked["startTime"]), int(asked["endTime"])) for asked in lists.asked if asked["category"] == "spot"]
    assert len(spans) == 3
    week_ms = 7 * 86_400_000
    assert all(0 < end - start < week_ms for start, end in spans)
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    assert spans[0][0] <= int((NOW - timedelta(days=20)).timestamp() * 1000)


async def test_fills_are_told_once_each_and_funding_is_none() -> None:
    lists = Lists(150, parsed("execution_linear"), "execId")
    venue = broker(reads=FakeTransport(by_path={"/v5/execution/list": lists}))
    fetched = await venue.get_fills(NOW - timedelta(hours=1))
    assert len(fetched.items) == len({report.exec_id for report in fetched.items}) == 450
    funding = Lists(3, parsed("execution_linear") | {"execType": "Funding"}, "execId")
    assert (await broker(reads=FakeTransport(by_path={"/v5/execution/list": funding})).get_fills(NOW)).items == ()


async def test_a_read_is_repeated_when_it_was_one_too_many_or_at_the_wrong_time() -> None:
    busy = FakeTransport(no(10006), no(10006), listed(parsed("order_linear")))
    assert len(await broker(reads=busy).get_order_status(ref())) == 1
    late = FakeTransport(
        no(10002), server_time("1"), server_time("1"), server_time("1"), listed(parsed("order_linear"))
    )
    venue = broker(reads=late)
    assert len(await venue.get_order_status(ref())) == 1
    assert venue.get_connection_status().clock_offset_s == 1.0
    with pytest.raises(RateLimitExceeded):
        await broker(reads=FakeTransport(no(10006), no(10006), no(10006))).get_order_status(ref())


# -- connection ---------------------------------------------------------------------------------------------------------


async def test_connecting_measures_the_clock_and_proves_the_key() -> None:
    venue = broker(reads=FakeTransport(by_path=account_paths() | {"/v5/market/time": server_time("0.4")}))
    await venue.connect()
    status = venue.get_connection_status()
    assert (venue.is_connected(), status.state, status.clock_offset_s) == (True, LinkState.CONNECTED, 0.4)
    await venue.disconnect()
    assert not venue.is_connected()


@pytest.mark.parametrize(
    "told", [{"timeSecond": "1772463850", "timeNano": "9" * 30}, {"timeSecond": "soon"}, {"timeSecond": "9" * 20}, {}]
)
async def test_a_time_that_is_none_connects_nothing(told: dict[str, str]) -> None:
    with pytest.raises(ApiError):
        await broker(reads=FakeTransport(ok(told))).connect()


async def test_the_second_alone_will_do() -> None:
    whole = ok({"timeSecond": str(int(NOW.timestamp()) + 1), "timeNano": ""})
    venue = broker(reads=FakeTransport(by_path=account_paths() | {"/v5/market/time": whole}))
    await venue.connect()
    assert venue.get_connection_status().clock_offset_s == 1.0


async def test_a_wrong_key_is_told_and_nothing_is_connected() -> None:
    venue = broker(
        reads=FakeTransport(by_path=account_paths() | {"/v5/user/query-api": no(10003, "API key is invalid.")})
    )
    with pytest.raises(AuthenticationFailed):
        await venue.connect()
    assert venue.get_connection_status().state is LinkState.OFFLINE


async def test_a_self_check_tells_what_holds_and_what_does_not() -> None:
    check = await broker(reads=FakeTransport(by_path=account_paths())).self_check()
    assert check.ok
    assert [line.name for line in check.checks] == [
        "connectivity",
        "clock",
        "credentials",
        "environment",
        "permissions",
    ]
    powerful = parsed("key") | {"permissions": parsed("key")["permissions"] | {"Wallet": ["Withdraw"]}}
    paths = account_paths() | {"/v5/user/query-api": ok(powerful), "/v5/market/time": server_time("7")}
    failed = {
        line.name for line in (await broker(reads=FakeTransport(by_path=paths)).self_check()).checks if not line.ok
    }
    assert failed == {"clock", "permissions"}
    denied = account_paths() | {"/v5/account/wallet-balance": no(10003)}
    assert (await broker(reads=FakeTransport(by_path=denied)).self_check()).checks[-1].name == "credentials"
    assert not (await broker(reads=FakeTransport(ConnectionFailed("refused"))).self_check()).ok


async def test_permissions_are_told_with_the_account() -> None:
    reads = FakeTransport(by_path=account_paths())
    venue = broker(reads=reads)
    assert (await venue.get_key_permissions()).trade is True
    await venue.get_account_info()
    asked = len(reads.requests)
    assert (await venue.get_key_permissions()).withdraw is False
    assert len(reads.requests) == asked


# -- account ------------------------------------------------------------------------------------------------------------


async def test_positions_are_coins_and_net_perpetuals() -> None:
    def positions(request: Request) -> Response:
        return ok(parsed("positions")) if dict(request.query)["settleCoin"] == "USDT" else listed()

    venue = broker(reads=FakeTransport(by_path=account_paths() | {"/v5/position/list": positions}))
    held = {position.symbol: position.qty for position in (await venue.get_positions()).items}
    assert held == {PAIR: Decimal("0.1"), PERP: Decimal("-0.3"), "ETH/USDT:USDT": Decimal("1.5")}
    assert len(await venue.get_position_sides()) == 4
    assert len((await venue.get_balances()).items) == 4


async def test_a_wallet_that_is_none_of_a_unified_account_is_an_error() -> None:
    with pytest.raises(ApiError):
        await broker(reads=FakeTransport(listed())).get_balances()


async def test_exposure_counts_what_is_open() -> None:
    venue = broker(
        reads=FakeTransport(by_path=account_paths() | {"/v5/order/realtime": listed(parsed("order_linear"))})
    )
    risk = await venue.get_risk_metrics()
    assert (risk.currency, risk.open_orders) == ("USDT", 3)


# -- perpetuals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [ok(), no(110043, "leverage not modified"), no(34040, "not modified")])
async def test_a_setter_succeeds_also_when_all_is_as_wanted(answer: Response) -> None:
    commands = FakeTransport(answer)
    await broker(commands=commands).set_leverage(PERP, Decimal("12.50"))
    assert commands.bodies == [
        {"category": "linear", "symbol": "BTCUSDT", "buyLeverage": "12.5", "sellLeverage": "12.5"}
    ]


async def test_a_setter_tells_what_the_venue_refuses() -> None:
    with pytest.raises(OrderRejected):
        await broker(commands=FakeTransport(no(10001, "leverage invalid"))).set_leverage(PERP, Decimal(500))
    with pytest.raises(NotSupported):
        await broker(commands=FakeTransport()).set_leverage(PAIR, Decimal(5))


async def test_position_mode_and_stops() -> None:
    commands = FakeTransport(ok(), no(110025), ok())
    venue = broker(commands=commands)
    await venue.set_position_mode(hedge=True, coin="USDT")
    await venue.set_position_mode(hedge=False, symbol=PERP)
    await venue.set_trading_stop(PERP, PositionStops(stop_loss=Price(Decimal(60000))))
    assert commands.bodies == [
        {"category": "linear", "mode": 3, "coin": "USDT"},
        {"category": "linear", "mode": 0, "symbol": "BTCUSDT"},
        {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 0, "stopLoss": "60000"},
    ]


async def test_the_leverage_of_a_profile_is_set_once_before_the_first_order_of_a_perpetual() -> None:
    commands = FakeTransport(by_path={"/v5/position/set-leverage": no(110043), "/v5/order/create": RECEIVED})
    venue = broker(commands=commands, options=Options(leverage="5"))
    for symbol in (PERP, PERP, PAIR):
        await venue.submit_order(approved(limit_order(symbol=symbol)))
    assert [request.path for request in commands.requests] == [
        "/v5/position/set-leverage",
        "/v5/order/create",
        "/v5/order/create",
        "/v5/order/create",
    ]


async def test_without_its_leverage_an_order_is_not_sent() -> None:
    commands = FakeTransport(Timeout("no reply"))
    with pytest.raises(Timeout) as caught:
        await broker(commands=commands, options=Options(leverage="5")).submit_order(approved())
    assert caught.value.outcome is Outcome.NOT_SENT


async def test_orders_take_the_trade_socket_and_all_else_goes_over_rest() -> None:
    entry, rest = FakeTransport(RECEIVED, RECEIVED, RECEIVED), FakeTransport(ok(), *[ok({"list": []})] * 7)
    venue = broker(entry=entry, commands=rest)
    await venue.submit_order(approved())
    await venue.modify_order(ref(), CHANGES, cl_ord_id=OTHER_ID, decided_at=2.0)
    await venue.cancel_order(ref())
    await venue.set_leverage(PERP, Decimal(3))
    await venue.cancel_all()
    assert [request.path for request in entry.requests] == ["/v5/order/create", "/v5/order/amend", "/v5/order/cancel"]
    assert len(rest.requests) == 8


async def test_a_cancel_that_the_trade_socket_did_not_take_goes_over_rest() -> None:
    lost = ConnectionFailed("the order socket closed before the command was written")
    entry, rest = FakeTransport(lost, Timeout("no reply in time")), FakeTransport(RECEIVED)
    venue = broker(entry=entry, commands=rest)
    assert await venue.cancel_order(ref()) == ()
    assert [request.path for request in rest.requests] == ["/v5/order/cancel"]
    with pytest.raises(Timeout):
        await venue.cancel_order(ref())
    assert len(rest.requests) == 1


# -- markets ------------------------------------------------------------------------------------------------------------


async def test_rules_are_kept_for_an_hour() -> None:
    clock = ManualClock(NOW)
    reads = FakeTransport(by_path={"/v5/market/instruments-info": instruments})
    venue = broker(reads=reads, clock=clock)
    for _ in range(2):
        assert (await venue.get_instrument(PERP)).lot == Decimal("0.001")
    assert (await venue.get_instrument(PAIR)).lot == Decimal("0.000001")
    assert len(reads.requests) == 2
    await clock.advance(3600.0)
    await venue.get_instrument(PERP)
    assert len(reads.requests) == 3


@pytest.mark.parametrize("answer", [listed(), no(10001, "params error: symbol invalid")])
async def test_a_symbol_the_venue_does_not_know_is_named(answer: Response) -> None:
    with pytest.raises(SymbolNotFound, match="NOPE/USDT"):
        await broker(reads=FakeTransport(answer)).get_instrument("NOPE/USDT")


async def test_a_quote_and_its_bars() -> None:
    reads = FakeTransport(
        by_path={"/v5/market/tickers": listed(parsed("ticker_linear")), "/v5/market/kline": ok(parsed("klines"))}
    )
    venue = broker(reads=reads)
    quote = await venue.get_market_data(PERP)
    assert (quote.bid, quote.ask, quote.last) == (Decimal("64000.4"), Decimal("64000.5"), Decimal("64000.5"))
    start = NOW.replace(minute=4, second=0)
    series = await venue.get_bars(PERP, span_s=60, start=start, end=start + timedelta(minutes=5), limit=1)
    assert [bar.start for bar in series] == [start]


async def test_validation_asks_for_the_rules_and_nothing_is_sent() -> None:
    commands = FakeTransport()
    venue = broker(reads=FakeTransport(by_path={"/v5/market/instruments-info": instruments}), commands=commands)
    assert await venue.validate_order(limit_order()) == ()
    broken = await venue.validate_order(limit_order(order_qty=Quantity(Decimal("0.0105"))))
    assert [(error.pointer, error.code) for error in broken] == [("/quantity", "off_lot")]
    (missing,) = await venue.validate_order(limit_order(symbol="NOPE/USDT"))
    assert (missing.pointer, missing.code) == ("/symbol", "not_found")
    assert commands.requests == []


async def test_margin_goes_by_the_accounts_own_fees_and_the_profiles_leverage() -> None:
    reads = FakeTransport(
        by_path={
            "/v5/market/instruments-info": instruments,
            "/v5/market/tickers": listed(parsed("ticker_linear")),
            "/v5/account/fee-rate": listed({"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}),
        }
    )
    needed = await broker(reads=reads, options=Options(leverage="10")).get_margin_requirements(
        limit_order(order_qty=Quantity(Decimal(1)), price=Price(Decimal(60000)))
    )
    assert (needed.initial, needed.fees, needed.currency) == (6000, 33, "USDT")


# -- streams ------------------------------------------------------------------------------------------------------------


def welcoming(socket: FakeSocket) -> None:
    """A venue that says yes to everything."""
    if socket.target.url.endswith("/v5/private"):
        socket.push({"success": True, "ret_msg": "", "op": "auth", "conn_id": "x"})
        socket.push({"success": True, "ret_msg": "", "op": "subscribe", "conn_id": "x"})


async def until(condition: Any) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come to that")


async def test_order_events_come_from_the_private_stream() -> None:
    connect = FakeConnect(welcoming)
    venue = broker(reads=FakeTransport(by_path=account_paths()), connect=connect)
    listener = Listener()
    subscription = await venue.subscribe_order_events(listener)
    await until(lambda: listener.streams == [(True, "up")])
    (socket,) = connect.sockets
    assert socket.target.url == "wss://stream-testnet.bybit.com/v5/private"
    assert [message["op"] for message in socket.sent] == ["auth", "subscribe"]
    socket.push({"topic": "order", "data": [parsed("order_linear") | {"category": "linear"}]})
    await until(lambda: listener.reports)
    assert listener.reports[0].order_id == VENUE_ID
    assert venue.get_connection_status().stream_up
    await subscription.close()


async def test_market_data_of_both_categories_over_a_socket_each() -> None:
    connect = FakeConnect()
    venue = broker(connect=connect, reads=FakeTransport(by_path={"/v5/market/instruments-info": instruments}))
    heard: list[Any] = []
    subscription = await venue.subscribe_market_data([PERP, PAIR], frozenset({DataKind.QUOTES}), heard.append)
    await until(lambda: len(connect.sockets) == 2 and all(socket.sent for socket in connect.sockets))
    by_line = {socket.target.url.rpartition("/")[2]: socket for socket in connect.sockets}
    assert by_line["linear"].sent[0]["args"] == ["tickers.BTCUSDT"]
    assert by_line["spot"].sent[0]["args"] == ["orderbook.1.BTCUSDT"]
    by_line["linear"].push(parsed("public_ticker"))
    await until(lambda: heard)
    assert isinstance(heard[0], Quote)
    await subscription.close()
    assert all(socket.closed for socket in connect.sockets)


async def test_a_book_is_resynced_on_its_own_connection() -> None:
    connect = FakeConnect()
    venue = broker(connect=connect, reads=FakeTransport(by_path={"/v5/market/instruments-info": instruments}))
    subscription = await venue.subscribe_market_data([PERP], frozenset({DataKind.BOOK}), lambda _: None)
    await until(lambda: connect.sockets and connect.sockets[0].sent)
    await venue.resync_book(PERP)
    assert [message["op"] for message in connect.sockets[0].sent] == ["subscribe", "unsubscribe", "subscribe"]
    await subscription.close()


# -- profiles -----------------------------------------------------------------------------------------------------------


async def test_each_world_has_its_own_hosts() -> None:
    live, testnet = origins_for(Environment.LIVE), origins_for(Environment.PAPER)
    demo = origins_for(Environment.PAPER, practice="demo")
    assert (live.rest, testnet.rest, demo.rest) == (
        "https://api.bybit.com",
        "https://api-testnet.bybit.com",
        "https://api-demo.bybit.com",
    )
    assert (demo.private, demo.public, demo.trade) == ("wss://stream-demo.bybit.com", "wss://stream.bybit.com", None)
    assert hosts_for(Environment.SIM) == {}
    assert set(hosts_for(Environment.LIVE).values()) == {Environment.LIVE}
    assert "api.bybit.com" not in hosts_for(Environment.PAPER, practice="demo")


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        (Environment.LIVE, "https://api-testnet.bybit.com"),
        (Environment.PAPER, "https://api.bybit.com"),
        (Environment.SIM, None),
        (Environment.SIM, "https://api.bybit.com"),
        (Environment.SIM, "ftp://127.0.0.1"),
    ],
)
async def test_an_origin_of_another_environment_is_refused(environment: Environment, url: str | None) -> None:
    with pytest.raises(ConfigInvalid):
        origins_for(environment, url)


@pytest.mark.parametrize(
    "options",
    [
        {"leverage": "many"},
        {"recv_window_ms": "5001"},
        {"recv_window_ms": "0.5"},
        {"position_mode": "both"},
        {"unheard": "of"},
        {"practice": "demo", "order_entry": "websocket"},
    ],
)
async def test_options_that_are_none_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(ConfigInvalid):
        options_from(options)


async def test_options_are_typed() -> None:
    assert options_from({"position_mode": "hedge"}).is_hedged
    assert options_from({}) == Options()
