"""A cancelReplace in doubt: that the old order is cancelled is told when the fate of the new one is known, and not before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.binance import BinanceBroker
from floorbroker.brokers.binance.mapping.families import REPLACES
from floorbroker.brokers.binance.mapping.successors import Successors
from floorbroker.brokers.binance.mapping.values import millis
from floorbroker.brokers.binance.rest.fates import HORIZON_S
from floorbroker.domain import facts as f
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError, ConnectionFailed, FloorbrokerError, Outcome, Timeout
from floorbroker.domain.fold import fold
from floorbroker.domain.orders import OrderChanges, OrderState
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ExecType, IntentId, OrderId, OrdStatus, Price, ProfileName
from floorbroker.oms.translate import facts_of
from floorbroker.transport.types import Request, Response
from tests.unit.brokers.binance.fakes import (
    CL_ORD_ID,
    INTENT,
    NEXT,
    NOW,
    VENUE_ID,
    Ear,
    FakeConnect,
    FakeSocket,
    FakeTransport,
    broker,
    form,
    limit_order,
    parsed,
    ref,
    refusal,
    reply,
    venue,
)

pytestmark = pytest.mark.asyncio

CHEAPER = OrderChanges(price=Price(Decimal(63000)))
NEW_ID = OrderId("BTCUSDT:29")
UNTOUCHED = parsed("order") | {"status": "NEW", "executedQty": "0.0", "cummulativeQuoteQty": "0.0"}
NOT_FOUND = refusal(-2013, "Order does not exist.")


class Books:
    """What the venue has: the old order, and the new one when it came."""

    def __init__(self) -> None:
        self.old: dict[str, Any] = UNTOUCHED
        self.new: dict[str, Any] | None = None
        self.is_visible_by_id = True

    def cancel(self, at: datetime) -> None:
        self.old = UNTOUCHED | {"status": "CANCELED", "updateTime": millis(at)}

    def place(self, at: datetime, **changes: Any) -> None:
        marks = {"strategyId": 28, "strategyType": REPLACES, "time": millis(at), "updateTime": millis(at)}
        self.new = UNTOUCHED | {"orderId": 29, "clientOrderId": NEXT, "price": "63000.00"} | marks | changes

    def order(self, request: Request) -> Response:
        asked = form(request)
        if asked.get("origClientOrderId") == NEXT or asked.get("orderId") == "29":
            return reply(self.new) if self.new is not None and self.is_visible_by_id else NOT_FOUND
        return reply(self.old)

    def listed(self, _: Request) -> Response:
        return reply([self.old, *([self.new] if self.new is not None else [])])

    def working(self, _: Request) -> Response:
        return reply([one for one in (self.old, self.new) if one is not None and one["status"] == "NEW"])


class Desk:
    """An adapter before `Books`; `moment` is what the clock shows."""

    def __init__(self, *, born: datetime = NOW - timedelta(hours=1)) -> None:
        self.books = Books()
        self.clock = ManualClock(born)
        self.connect = FakeConnect(confirming)
        self.commands = FakeTransport()
        self.reads = venue(
            order=self.books.order, allOrders=self.books.listed, openOrders=self.books.working, time=self._time
        )
        self.trader: BinanceBroker = broker(
            reads=self.reads, commands=self.commands, connect=self.connect, clock=self.clock
        )

    def _time(self, _: Request) -> Response:
        return reply({"serverTime": millis(self.clock.now())})

    async def replace(self, answer: Response | Exception, kind: type[FloorbrokerError] = FloorbrokerError) -> Outcome:
        self.commands.answers.append(answer)
        with pytest.raises(kind) as caught:
            await self.trader.modify_order(ref(), CHEAPER, cl_ord_id=NEXT, decided_at=2.0)
        return caught.value.outcome

    async def ask(self) -> tuple[ExecutionReport, ...]:
        return await self.trader.get_order_status(ref())


def confirming(socket: FakeSocket) -> None:
    socket.push(parsed("subscribed"))


async def in_doubt() -> Desk:
    """An hour after its birth it asked for a replace, and no answer came; the venue cancelled the old order."""
    desk = Desk()
    await desk.clock.advance(3600)
    assert await desk.replace(Timeout("no reply")) is Outcome.UNKNOWN
    desk.books.cancel(desk.clock.now())
    return desk


def folded(*reports: ExecutionReport) -> Any:
    """The order as the desk has it: it works, and a replace was asked for."""
    prepared = f.Prepared(
        source=f.Source.OWN, at=NOW, cl_ord_id=CL_ORD_ID, profile=ProfileName("coins"), order=limit_order()
    )
    asked = f.ReplaceAsked(source=f.Source.OWN, at=NOW, replace_id=IntentId(NEXT), cl_ord_id=NEXT, changes=CHEAPER)
    works = f.Working(source=f.Source.STREAM, at=NOW, order_id=VENUE_ID)
    told = [
        fact
        for report in reports
        for fact in facts_of(report, replace_id=IntentId(NEXT) if report.cl_ord_id == NEXT else None)
    ]
    return fold(INTENT, [prepared, works, asked, *told])


async def test_the_new_order_is_asked_for_by_its_id_and_told_with_the_old_one() -> None:
    desk = await in_doubt()
    desk.books.place(desk.clock.now())
    new, old = await desk.ask()
    assert (new.order_id, new.cl_ord_id, new.replaces, new.ord_status) == (NEW_ID, NEXT, VENUE_ID, OrdStatus.NEW)
    assert (old.exec_type, old.replaced_by) == (ExecType.REPLACED, NEW_ID)
    order = folded(old, new)
    assert (order.state, order.order_id, order.pending_replace) == (OrderState.WORKING, NEW_ID, False)
    assert order.leaves_qty == limit_order().order_qty


async def test_i5_while_nobody_knows_of_the_new_order_no_source_closes_the_old_one() -> None:
    desk = await in_doubt()
    with pytest.raises(ApiError, match="incomplete"):
        await desk.ask()
    listed = (await desk.trader.get_order_history(NOW - timedelta(hours=2))).items
    assert [(one.order_id, one.ord_status) for one in listed] == [(VENUE_ID, OrdStatus.PENDING_REPLACE)]
    working = (await desk.trader.get_open_orders()).items
    order = folded(*listed, *working)
    assert (order.state, order.pending_replace, order.is_open) == (OrderState.WORKING, True, True)


async def test_three_negatives_over_ten_seconds_after_the_horizon_say_that_it_never_came() -> None:
    desk = await in_doubt()
    for wait_s in (0.0, HORIZON_S - 1, 2.0, 3.0, 3.0):  # two before the horizon, three after it within six seconds
        await desk.clock.advance(wait_s)
        with pytest.raises(ApiError, match="incomplete"):
            await desk.ask()
    await desk.clock.advance(5.0)
    (old,) = await desk.ask()
    assert old.ord_status is OrdStatus.CANCELED
    assert folded(old).state is OrderState.CANCELLED


async def test_a_new_order_that_has_no_such_id_any_more_is_found_by_its_mark() -> None:
    desk = await in_doubt()
    desk.books.place(desk.clock.now(), clientOrderId="a-person-amended-it")
    desk.books.is_visible_by_id = False
    new, old = await desk.ask()
    assert (new.order_id, new.replaces, old.replaced_by) == (NEW_ID, VENUE_ID, NEW_ID)


async def test_a_failed_question_proves_nothing() -> None:
    desk = await in_doubt()
    await desk.clock.advance(60.0)
    desk.reads.by_path["/api/v3/allOrders"] = Timeout("no reply")
    for _ in range(5):
        await desk.clock.advance(10.0)
        with pytest.raises(Timeout):
            await desk.ask()
    desk.reads.by_path["/api/v3/allOrders"] = desk.books.listed
    with pytest.raises(ApiError, match="incomplete"):  # the first that counts
        await desk.ask()


async def test_a_list_that_has_both_tells_the_link() -> None:
    desk = await in_doubt()
    desk.books.place(desk.clock.now())
    old, new = (await desk.trader.get_order_history(NOW - timedelta(hours=2))).items
    assert (old.order_id, old.replaced_by, new.replaces) == (VENUE_ID, NEW_ID, VENUE_ID)


async def test_once_the_open_orders_told_the_new_one_the_old_one_is_replaced() -> None:
    desk = await in_doubt()
    desk.books.place(desk.clock.now())
    await desk.trader.get_open_orders()
    (old,) = await desk.ask()
    assert (old.exec_type, old.replaced_by) == (ExecType.REPLACED, NEW_ID)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (reply(parsed("replace_half_done"), status=409), OrdStatus.CANCELED),  # the new one was refused
        (
            reply(parsed("replace_not_done"), status=400),
            OrdStatus.CANCELED,
        ),  # nothing was done: something else cancelled
        (ConnectionFailed("refused"), OrdStatus.CANCELED),  # it never left
    ],
)
async def test_where_the_answer_says_that_no_new_order_came_the_old_one_is_cancelled_at_once(
    answer: Response | Exception, status: OrdStatus
) -> None:
    desk = Desk()
    await desk.clock.advance(3600)
    if isinstance(answer, ConnectionFailed):
        answer.outcome = Outcome.NOT_SENT
    assert await desk.replace(answer) is not Outcome.UNKNOWN
    desk.books.cancel(desk.clock.now())
    (old,) = await desk.ask()
    assert old.ord_status is status


async def test_a_half_whose_error_proves_nothing_is_in_doubt() -> None:
    desk = Desk()
    await desk.clock.advance(3600)
    body = parsed("replace_half_done")
    body["data"]["newOrderResponse"] = {"code": -1001, "msg": "Internal error."}
    assert await desk.replace(reply(body, status=409)) is Outcome.UNKNOWN
    desk.books.cancel(desk.clock.now())
    with pytest.raises(ApiError, match="incomplete"):
        await desk.ask()


async def test_a_cancel_of_ours_that_ended_the_old_order_ends_the_doubt() -> None:
    desk = await in_doubt()
    ended = UNTOUCHED | {"status": "CANCELED", "origClientOrderId": CL_ORD_ID, "clientOrderId": "a-cancel"}
    desk.commands.answers.append(reply(ended))
    (told,) = await desk.trader.cancel_order(ref())
    assert told.ord_status is OrdStatus.CANCELED
    (old,) = await desk.ask()
    assert old.ord_status is OrdStatus.CANCELED


async def test_an_order_that_works_after_the_horizon_was_not_replaced() -> None:
    desk = Desk()
    await desk.clock.advance(3600)
    await desk.replace(Timeout("no reply"))
    await desk.clock.advance(HORIZON_S + 1)
    (old,) = await desk.ask()
    assert old.ord_status is OrdStatus.NEW
    desk.books.cancel(desk.clock.now())  # by a person
    (old,) = await desk.ask()
    assert old.ord_status is OrdStatus.CANCELED


# -- another life -------------------------------------------------------------------------------------------------------


async def test_after_a_restart_the_new_order_is_found_by_the_number_of_the_old_one() -> None:
    desk = Desk(born=NOW)
    desk.books.cancel(NOW - timedelta(seconds=1))
    desk.books.place(NOW - timedelta(seconds=1))
    new, old = await desk.ask()
    assert (new.order_id, new.replaces, old.replaced_by) == (NEW_ID, VENUE_ID, NEW_ID)


async def test_after_a_restart_an_order_that_was_cancelled_right_then_has_no_closing_word_yet() -> None:
    desk = Desk(born=NOW)
    desk.books.cancel(NOW - timedelta(seconds=1))
    (listed,) = (await desk.trader.get_order_history(NOW - timedelta(hours=1))).items
    assert listed.ord_status is OrdStatus.PENDING_REPLACE
    with pytest.raises(ApiError, match="incomplete"):
        await desk.ask()
    await desk.clock.advance(HORIZON_S)
    (old,) = await desk.ask()
    (listed,) = (await desk.trader.get_order_history(NOW - timedelta(hours=1))).items
    assert (old.ord_status, listed.ord_status) == (OrdStatus.CANCELED, OrdStatus.CANCELED)


async def test_an_order_cancelled_long_before_is_looked_after_once_and_told() -> None:
    desk = Desk(born=NOW)
    desk.books.cancel(NOW - timedelta(hours=1))
    (old,) = await desk.ask()
    assert (old.ord_status, len(desk.reads.asked("/api/v3/allOrders"))) == (OrdStatus.CANCELED, 1)


async def test_after_a_restart_the_stream_tells_what_was_asked() -> None:
    desk = Desk(born=NOW)
    ear = Ear()
    await desk.trader.subscribe_order_events(ear)
    await desk.clock.advance(60.0)
    desk.books.cancel(desk.clock.now())
    cancel = parsed("event_cancelled")
    cancel["event"] |= {"c": f"{NEXT.replace('-', '')}-x", "C": CL_ORD_ID}
    desk.connect.sockets[-1].push(cancel)
    await desk.clock.advance(4.0)
    assert [one.ord_status for one in ear.reports] == [OrdStatus.PENDING_REPLACE]
    with pytest.raises(ApiError, match="incomplete"):
        await desk.ask()
    desk.books.place(desk.clock.now())
    new, _ = await desk.ask()
    assert dict(desk.reads.asked("/api/v3/order")[-1].query)["origClientOrderId"] == NEXT
    assert new.replaces == VENUE_ID
    await desk.trader.disconnect()


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floorbroker.brokers.binance.mapping.successors._KEPT_MAX", 3)
    kept: Callable[[int], OrderId] = lambda number: OrderId(f"BTCUSDT:{number}")  # noqa: E731
    successors = Successors()
    for number in range(5):
        successors.ask(kept(number), NEXT, now_s=1.0)
    assert [successors.doubt(kept(number)) is None for number in range(5)] == [True, True, False, False, False]
