"""An order and the questions about it: one send, whose outcome says what is known."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.domain.errors import (
    ApiError,
    ConnectionFailed,
    DuplicateOrderId,
    FloorbrokerError,
    InsufficientFunds,
    KillSwitchOn,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SessionExpired,
    Timeout,
)
from floorbroker.domain.orders import StopLoss
from floorbroker.domain.values import OrderClass, OrdStatus, Price
from floorbroker.transport.types import Lane, Request
from tests.unit.brokers.ibkr_web.fakes import (
    CL_ORD_ID,
    OPEN,
    PLACED,
    VENUE_ID,
    Gateway,
    approved,
    broker,
    limit_order,
    question,
    ref,
    reply,
)

pytestmark = pytest.mark.asyncio
PLACE = "/iserver/account/DU123456/orders"
REPLY = "/iserver/reply/07a13a5a"


async def refused(gateway: Gateway) -> FloorbrokerError:
    venue = broker(gateway)
    await venue.connect()
    with pytest.raises(FloorbrokerError) as caught:
        await venue.submit_order(approved())
    await venue.disconnect()
    return caught.value


async def test_an_order_is_one_ticket_with_our_id_and_exact_numbers() -> None:
    gateway = Gateway()
    venue = broker(gateway)
    await venue.connect()
    (report,) = await venue.submit_order(approved())
    assert (report.order_id, report.cl_ord_id, report.ord_status) == (VENUE_ID, CL_ORD_ID, OrdStatus.HELD)
    (body,) = gateway.bodies(PLACE)
    assert body == {
        "orders": [
            {
                "acctId": "DU123456",
                "orderType": "LMT",
                "side": "BUY",
                "tif": "DAY",
                "quantity": 3,
                "conid": 265598,
                "cOID": CL_ORD_ID,
                "price": 150.5,
            }
        ]
    }
    assert b'"price":150.5' in next(one.body for one in gateway.requests if one.endpoint == "orders.submit")
    await venue.disconnect()


async def test_questions_of_the_list_get_a_yes_each_and_only_then_there_is_an_order() -> None:
    gateway = Gateway()
    gateway.set(PLACE, question("o10331"))
    gateway.set(REPLY, question("o10151", reply_id="2b"))
    gateway.set("/iserver/reply/2b", PLACED)
    venue = broker(gateway)
    await venue.connect()
    (report,) = await venue.submit_order(approved())
    assert report.order_id == VENUE_ID
    assert gateway.paths("reply") == [f"POST {REPLY}", "POST /iserver/reply/2b"]
    assert gateway.bodies(REPLY) == [{"confirmed": True}]
    yes = next(one for one in gateway.requests if one.endpoint == "orders.reply")
    assert (yes.lane, yes.order, yes.decided_at) == (Lane.NEW, CL_ORD_ID, 0.0)  # the same intent, as old as it is
    await venue.disconnect()


@pytest.mark.parametrize("ids", [("o163",), ("o10331", "o163")])
async def test_any_other_question_gets_a_no_and_the_order_is_refused_with_the_venues_words(
    ids: tuple[str, ...],
) -> None:
    gateway = Gateway()
    gateway.set(PLACE, question(*ids))
    gateway.set(REPLY, {"error": "Order not confirmed"})
    error = await refused(gateway)
    assert isinstance(error, OrderRejected)
    assert error.outcome is Outcome.REFUSED
    assert error.venue_text == "Are you sure?"
    assert all(name in error.detail for name in ids)
    assert gateway.bodies(REPLY) == [{"confirmed": False}]


async def test_the_profile_says_which_questions_get_a_yes() -> None:
    gateway = Gateway()
    gateway.set(PLACE, question("o163"))
    gateway.set(REPLY, PLACED)
    venue = broker(gateway, confirm="o163")
    await venue.connect()
    assert (await venue.submit_order(approved()))[0].order_id == VENUE_ID
    gateway.set(PLACE, question("o10331"))
    gateway.set(REPLY, {"error": "Order not confirmed"})
    with pytest.raises(OrderRejected, match="o10331"):
        await venue.submit_order(approved())
    await venue.disconnect()


async def test_a_no_that_is_lost_changes_nothing() -> None:
    gateway = Gateway()
    gateway.set(PLACE, question("o163"))
    gateway.set(REPLY, Timeout("no answer"))
    assert (await refused(gateway)).outcome is Outcome.REFUSED


async def test_questions_without_end_end_with_a_no() -> None:
    gateway = Gateway()
    gateway.set(PLACE, question("o10331"))
    gateway.set(REPLY, question("o10331"))
    assert (await refused(gateway)).outcome is Outcome.REFUSED
    assert gateway.bodies(REPLY) == [{"confirmed": True}] * 20 + [{"confirmed": False}]


LOST: list[Any] = [
    Timeout("no answer"),
    ConnectionFailed("cut", outcome=Outcome.UNKNOWN),
    reply({"error": "Service Unavailable", "statusCode": 503}, status=503),
    reply(b"<html>gateway</html>", status=502),
    reply(b"not json"),
    reply({}),
    reply([]),
    reply([{"order_id": "1", "order_status": "Submitted"}, {"order_id": "2", "order_status": "Submitted"}]),
    reply([{"order_id": "one", "order_status": "Submitted"}]),
    reply([{"order_id": "1", "order_status": "Submitted", "local_order_id": "another"}]),
    reply([{"order_id": "1", "order_status": "Submitted", "error": "Order rejected"}]),
    reply([{"order_id": "1", "order_status": "Submitted"}, {"error": "Order rejected"}]),
    reply([{"id": "07a13a5a", "message": ["?"], "messageIds": ["o10331"]}, {"error": "Order rejected"}]),
    reply([{"order_id": "1", "id": "07a13a5a", "message": ["?"], "messageIds": ["o10331"]}]),
    reply({"error": "The market is a strange place"}),
    reply({"id": "9" * 65}),
    reply({"id": "07a13a5a"}),
    reply([{"id": "07a13a5a", "message": ["Are you sure?"], "messageIds": []}]),
    reply([{"id": "07a13a5a", "message": [], "messageIds": ["o10331"]}]),
    reply([{"id": "../orders", "message": ["Are you sure?"], "messageIds": ["o10331"]}]),
    reply({"error": "Order rejected: no response of the exchange, try again"}),
    reply({"error": "reply id not found: '07a13a5a'"}),
    reply({"error": ""}),
    reply({"error": "timeout"}),
]


@pytest.mark.parametrize("answer", LOST, ids=range(len(LOST)))
@pytest.mark.parametrize("step", [PLACE, REPLY])
async def test_an_answer_that_is_lost_or_no_answer_leaves_the_order_unknown_at_either_step(
    step: str, answer: Any
) -> None:
    gateway = Gateway()
    gateway.set(PLACE, question("o10331"))
    gateway.set(REPLY, PLACED)
    gateway.set(step, answer)
    assert (await refused(gateway)).outcome is Outcome.UNKNOWN
    assert len(gateway.paths("reply")) == (step == REPLY)  # and nothing is said twice


async def test_a_yes_that_provably_never_left_leaves_no_order() -> None:
    gateway = Gateway()
    gateway.set(PLACE, question("o10331"))
    gateway.set(REPLY, KillSwitchOn("the switch was tripped"))
    error = await refused(gateway)
    assert (type(error), error.outcome) == (OrderRejected, Outcome.REFUSED)
    assert "the switch was tripped" in error.detail


REFUSED: list[tuple[Any, type[FloorbrokerError], Outcome]] = [
    (reply({"error": "We cannot accept an order at the limit price you selected"}), OrderRejected, Outcome.REFUSED),
    (
        reply({"error": "Order couldn't be submitted: Local order ID=x is already registered."}),
        DuplicateOrderId,
        Outcome.UNKNOWN,
    ),
    (reply({"error": "Local order ID=x was seen"}), DuplicateOrderId, Outcome.UNKNOWN),
    (reply({"error": "The local order ID of an order cannot be changed"}), OrderRejected, Outcome.REFUSED),
    (reply({"error": "No trading permissions"}), OrderRejected, Outcome.REFUSED),
    (reply({"error": "EQUITY WITH LOAN VALUE MUST EXCEED THE INITIAL MARGIN"}), InsufficientFunds, Outcome.REFUSED),
    (reply([{"error": "Order rejected"}, {"error": "something new"}]), ApiError, Outcome.UNKNOWN),
    (reply({"error": "Bad Request: no bridge", "statusCode": 400}, status=400), SessionExpired, Outcome.REFUSED),
    (
        reply({"error": "Bad Request: Please query /accounts first", "statusCode": 400}, status=400),
        SessionExpired,
        Outcome.REFUSED,
    ),
    (reply({"error": "slow down", "statusCode": 429}, status=429), RateLimitExceeded, Outcome.REFUSED),
    (reply({"error": "something new", "statusCode": 400}, status=400), ApiError, Outcome.UNKNOWN),
    (
        reply({"orderId": 1, "reqId": "22170", "text": "cap the price?", "options": ["Yes"], "prompt": True}),
        OrderRejected,
        Outcome.REFUSED,
    ),
]


@pytest.mark.parametrize(("answer", "kind", "outcome"), REFUSED)
async def test_refusals_are_told_by_their_words(answer: Any, kind: type[FloorbrokerError], outcome: Outcome) -> None:
    gateway = Gateway()
    gateway.set(PLACE, answer)
    error = await refused(gateway)
    assert (type(error), error.outcome) == (kind, outcome)


async def test_another_order_waits_until_the_question_of_the_first_is_answered_and_a_cancel_does_not() -> None:
    gate = asyncio.Event()
    gateway = Gateway()
    gateway.set(PLACE, question("o10331"), [{"order_id": "2", "order_status": "Submitted"}])
    gateway.set(REPLY, PLACED)
    send = gateway.send

    async def slow(request: Request) -> Any:
        answer = await send(request)
        if request.path.endswith(REPLY):
            await gate.wait()
        return answer

    gateway.send = slow  # the yes is on its way for as long as the gate is shut
    venue = broker(gateway)
    await venue.connect()
    first, second = (asyncio.ensure_future(venue.submit_order(approved())) for _ in range(2))
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(gateway.bodies(PLACE)) == 1
    await venue.cancel_order(ref())
    assert gateway.paths("/order/") == [f"DELETE /iserver/account/DU123456/order/{VENUE_ID}"]
    gate.set()
    assert (await first)[0].order_id == VENUE_ID
    assert (await second)[0].order_id == "2"
    await venue.disconnect()


async def test_without_a_session_nothing_is_sent() -> None:
    gateway = Gateway()
    venue = broker(gateway)
    with pytest.raises(SessionExpired) as caught:
        await venue.submit_order(approved())
    assert caught.value.outcome is Outcome.NOT_SENT
    assert gateway.requests == []
    assert gateway.session == OPEN


# -- a group, asked about ticket by ticket ----------------------------------------------------------------------------------

GROUP = [{"order_id": number, "order_status": "PreSubmitted"} for number in (VENUE_ID, "11", "12")]


async def grouped(gateway: Gateway) -> Any:
    venue = broker(gateway)
    await venue.connect()
    order = limit_order(
        order_class=OrderClass.BRACKET,
        take_profit=Price(Decimal(190)),
        stop_loss=StopLoss(stop_px=Price(Decimal(140))),
    )
    try:
        return await venue.submit_order(approved(order))
    finally:
        await venue.disconnect()


def asked(*questions: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"id": f"q{n}", "message": ["Sure?"] * len(ids), "isSuppressed": False, "messageIds": list(ids)}
        for n, ids in enumerate(questions)
    ]


async def test_each_question_of_a_group_gets_a_yes_of_its_own_with_all_its_messages() -> None:
    gateway = Gateway()
    gateway.set(PLACE, asked(("o10331", "o10152"), ("o10331",)))
    gateway.set("/iserver/reply/q0", GROUP[:1])
    gateway.set("/iserver/reply/q1", GROUP[1:])
    head, *children = await grouped(gateway)
    assert (head.order_id, [one.parent_order_id for one in children]) == (VENUE_ID, [VENUE_ID] * 2)
    assert gateway.paths("reply") == ["POST /iserver/reply/q0", "POST /iserver/reply/q1"]


async def test_no_question_gets_a_yes_when_one_of_the_group_does_not() -> None:
    gateway = Gateway()
    gateway.set(PLACE, asked(("o10331",), ("o10331", "o163")))
    for path in ("/iserver/reply/q0", "/iserver/reply/q1"):
        gateway.set(path, {"error": "Order not confirmed"})
    with pytest.raises(OrderRejected, match="o163") as caught:
        await grouped(gateway)
    assert caught.value.outcome is Outcome.REFUSED
    assert [gateway.bodies(path) for path in ("q0", "q1")] == [[{"confirmed": False}]] * 2


@pytest.mark.parametrize(
    "rest",
    [
        {"error": "Order rejected"},
        KillSwitchOn("the switch was tripped"),
        [{"id": "q9", "message": ["?"], "messageIds": ["o163"]}],
        GROUP[1:2],
        GROUP[:2],
    ],
)
async def test_a_group_that_is_placed_in_part_is_neither_placed_nor_refused(rest: Any) -> None:
    gateway = Gateway()
    gateway.set(PLACE, [GROUP[0], *asked(("o10331",))])
    gateway.set("/iserver/reply/q0", rest)
    gateway.set("/iserver/reply/q9", {"error": "Order not confirmed"})
    with pytest.raises(FloorbrokerError) as caught:
        await grouped(gateway)
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_the_head_of_a_group_is_who_has_our_id_wherever_it_stands() -> None:
    gateway = Gateway()
    gateway.set(PLACE, [GROUP[1], {**GROUP[0], "local_order_id": CL_ORD_ID}, GROUP[2]])
    head, *_ = await grouped(gateway)
    assert (head.order_id, head.cl_ord_id) == (VENUE_ID, CL_ORD_ID)
