"""GTT orders: shown as orders of the desk, canceled, and never placed."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from floorbroker.brokers.upstox import Options, wire
from floorbroker.brokers.upstox.mapping.gtt import gtt_reports
from floorbroker.brokers.upstox.mapping.orders import place_body
from floorbroker.brokers.upstox.mapping.reports import Heard
from floorbroker.brokers.upstox.stream.fills import Held
from floorbroker.brokers.upstox.stream.orders import OrderSession
from floorbroker.domain.errors import ApiError, NotSupported, OrderNotFound, OrderRejected, Outcome
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import OrderChanges, OrderRef
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ClOrdId, IntentId, OrderId, OrderType, OrdStatus, Price, Side, TimeInForce
from floorbroker.oms.candidates import may_be
from floorbroker.transport.actions import Emit, Reconnect
from tests.unit.brokers.upstox.fakes import (
    CL_ORD_ID,
    GTTS,
    KEY,
    NOW,
    RELIANCE,
    FakeTransport,
    broker_on,
    data,
    in_doubt,
    limit_order,
    listed,
    refused,
    reply,
    told,
)

NAME, EXITS = OrderId("GTT-C26030200000001"), OrderId("GTT-C26030200000001-exits")
REF = OrderRef(intent_id=IntentId("x"), cl_ord_id=ClOrdId(NAME), symbol=RELIANCE, order_id=NAME)
CANCELED = reply({"gtt_order_ids": [NAME]})
HEARD = Heard(source=Source.QUERY, at=NOW, asked_at=NOW)


def gtt(*words: str, placed: tuple[str | None, ...] = (None, None, None), **members: Any) -> dict[str, Any]:
    """The first of the payload, its rules standing as the `words` say: entry, target, stop-loss."""
    found = {**data("gtts")[0], **members}
    for rule, status, order_id in zip(found["rules"], words, placed, strict=False):
        rule["status"], rule["order_id"] = status, order_id
    return found


def reports(told_as: dict[str, Any]) -> dict[str, ExecutionReport]:
    found = msgspec.json.decode(json.dumps(told_as), type=wire.Gtt)
    return {report.order_id or "": report for report in gtt_reports(found, HEARD, listed())}


def test_an_entry_that_waits_is_one_order_and_tells_what_comes_after() -> None:
    (report,) = reports(data("gtts")[0]).values()
    assert (report.order_id, report.ord_status, report.cl_ord_id) == (NAME, OrdStatus.NEW, None)
    assert (report.symbol, report.side, report.order_qty) == (RELIANCE, Side.BUY, Decimal(30))
    assert (report.order_type, report.price, report.stop_px) == (
        OrderType.STOP_LIMIT,
        Decimal("1420.5"),
        Decimal("1420.5"),
    )
    assert report.tif is TimeInForce.GTC
    assert report.text == "a GTT order; then target 1480 and stoploss 1390, trailed by 2.5"
    assert report.made_at is not None
    assert report.made_at.isoformat() == "2026-03-02T04:30:10+00:00"


@pytest.mark.parametrize(
    ("side", "trigger", "order_type", "stop_px"),
    [
        ("BUY", "ABOVE", OrderType.STOP_LIMIT, Decimal("1420.5")),
        ("SELL", "BELOW", OrderType.STOP_LIMIT, Decimal("1420.5")),
        ("BUY", "BELOW", OrderType.LIMIT_IF_TOUCHED, Decimal("1420.5")),
        ("SELL", "ABOVE", OrderType.LIMIT_IF_TOUCHED, Decimal("1420.5")),
        ("SELL", "IMMEDIATE", OrderType.LIMIT, None),
    ],
)
def test_a_trigger_is_a_stop_or_a_touch(
    side: str, trigger: str, order_type: OrderType, stop_px: Decimal | None
) -> None:
    found = data("gtts")[1]
    found["rules"][0] |= {"transaction_type": side, "trigger_type": trigger, "trigger_price": 1420.5}
    (report,) = reports(found).values()
    assert (report.order_type, report.stop_px, report.price) == (order_type, stop_px, Decimal("1420.5"))
    assert report.tif is TimeInForce.DAY  # intraday


@pytest.mark.parametrize(
    ("words", "placed", "entry", "exits"),
    [
        (("SCHEDULED", "PENDING", "PENDING"), (None, None, None), OrdStatus.NEW, None),
        (("TRIGGERED", "PENDING", "PENDING"), (None, None, None), OrdStatus.NEW, None),
        (("TRIGGERED", "PENDING", "PENDING"), ("26030201", None, None), OrdStatus.CANCELED, OrdStatus.HELD),
        (("OPEN", "PENDING", "PENDING"), ("26030201", None, None), OrdStatus.CANCELED, OrdStatus.HELD),
        (("COMPLETED", "SCHEDULED", "SCHEDULED"), ("26030201", None, None), OrdStatus.CANCELED, OrdStatus.NEW),
        (("COMPLETED", "OPEN", "SCHEDULED"), ("26030201", "26030202", None), OrdStatus.CANCELED, OrdStatus.NEW),
        (("COMPLETED", "COMPLETED", "CANCELLED"), ("1", "2", None), OrdStatus.CANCELED, OrdStatus.CANCELED),
        (("FAILED", "CANCELLED", "CANCELLED"), (None, None, None), OrdStatus.REJECTED, OrdStatus.CANCELED),
        (("EXPIRED", "EXPIRED", "EXPIRED"), (None, None, None), OrdStatus.EXPIRED, OrdStatus.EXPIRED),
        (("CANCELLED", "CANCELLED", "CANCELLED"), (None, None, None), OrdStatus.CANCELED, OrdStatus.CANCELED),
    ],
)
def test_the_exits_are_an_order_of_their_own_once_the_entry_is_over(
    words: tuple[str, ...], placed: tuple[str | None, ...], entry: OrdStatus, exits: OrdStatus | None
) -> None:
    found = reports(gtt(*words, placed=placed))
    assert found[NAME].ord_status is entry
    assert (found[EXITS].ord_status if EXITS in found else None) is exits


def test_exits_stand_at_their_stop_and_an_order_that_was_placed_is_named() -> None:
    found = reports(gtt("COMPLETED", "SCHEDULED", "SCHEDULED", placed=("260302000000009", None, None)))
    assert found[NAME].text == (
        "a GTT order that has placed the order 260302000000009; then target 1480 and stoploss 1390, trailed by 2.5"
    )
    exits = found[EXITS]
    assert (exits.side, exits.order_type, exits.stop_px) == (Side.SELL, OrderType.STOP_LIMIT, Decimal(1390))
    assert exits.text == "target 1480 and stoploss 1390, trailed by 2.5 of a GTT order"


@pytest.mark.parametrize(
    "change",
    [{"status": "INACTIVE"}, {"strategy": "ENTRY", "trigger_type": "NEAR"}, {"transaction_type": "HOLD"}],
)
def test_a_word_nobody_knows_claims_nothing_and_waits(change: dict[str, str]) -> None:
    found = data("gtts")[1]
    found["rules"][0] |= change
    (report,) = reports(found).values()
    assert (report.ord_status, bool(report.unrecognised)) == (None, True)


@pytest.mark.parametrize(
    "odd",
    [
        gtt(gtt_order_id="260302000000001"),
        gtt(gtt_order_id="GTT-../../x"),
        gtt(rules=[]),
        gtt(rules=data("gtts")[0]["rules"][1:]),
        gtt(rules=[*data("gtts")[0]["rules"], data("gtts")[0]["rules"][0]]),
    ],
)
def test_what_is_no_gtt_order_is_an_error(odd: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        reports(odd)


def test_a_gtt_order_made_long_before_is_no_candidate_for_one_of_ours_in_doubt() -> None:
    ours = in_doubt(limit_order(order_type=OrderType.LIMIT, price=Price(Decimal("1420.5"))))
    found = gtt(created_at=1772339410000000)  # the day before
    found["rules"] = [{**found["rules"][0], "trigger_type": "IMMEDIATE"}]
    (report,) = reports(found).values()
    assert not may_be(ours, report, decode=lambda _: None)


@pytest.mark.asyncio
async def test_open_orders_are_those_of_the_book_and_the_gtt_orders_that_wait() -> None:
    reads = FakeTransport(by_path={"/v2/order/retrieve-all": told("orders"), GTTS: told("gtts")})
    found = await (await broker_on(reads)).get_open_orders()
    names = [report.order_id for report in found.items]
    assert names[-2:] == [NAME, "GTT-C26030200000002"]
    assert len(names) == 4


@pytest.mark.asyncio
async def test_a_list_of_gtt_orders_that_is_not_there_is_an_error_i8() -> None:
    for answer in (reply(None), reply([{"gtt_order_id": NAME}]), refused("UDAPI100500", status=500)):
        reads = FakeTransport(by_path={"/v2/order/retrieve-all": told("orders"), GTTS: answer})
        with pytest.raises(ApiError):
            await (await broker_on(reads)).get_open_orders()


@pytest.mark.asyncio
async def test_a_profile_that_ignores_gtt_orders_does_not_ask_for_them() -> None:
    reads = FakeTransport(by_path={"/v2/order/retrieve-all": told("orders")})
    broker = await broker_on(reads, options=Options(gtt="ignore"))
    assert len((await broker.get_open_orders()).items) == 2
    assert GTTS not in reads.paths


@pytest.mark.asyncio
async def test_one_that_is_asked_for_by_id_is_told_and_one_that_waits_no_more_is_over() -> None:
    found = gtt("COMPLETED", "SCHEDULED", "SCHEDULED", placed=("26030201", None, None))
    broker = await broker_on(FakeTransport(by_path={GTTS: reply([found])}))
    told_now = {report.order_id: report.ord_status for report in await broker.get_order_status(REF)}
    assert told_now == {NAME: OrdStatus.CANCELED, EXITS: OrdStatus.NEW}
    for answer in (reply([]), refused("UDAPI1136", status=404)):
        (report,) = await (await broker_on(FakeTransport(by_path={GTTS: answer}))).get_order_status(REF)
        assert (report.order_id, report.ord_status) == (NAME, OrdStatus.CANCELED)
        assert "waits no more" in (report.text or "")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "answer", [reply([gtt(gtt_order_id="GTT-C1")]), reply(None), refused("UDAPI100500", status=500), refused("UDAPI1")]
)
async def test_no_other_answer_ends_one_i9(answer: Any) -> None:
    with pytest.raises(ApiError):
        await (await broker_on(FakeTransport(by_path={GTTS: answer}))).get_order_status(REF)


@pytest.mark.asyncio
@pytest.mark.parametrize("order_id", [NAME, EXITS])
async def test_a_cancel_names_the_gtt_order_in_its_body(order_id: OrderId) -> None:
    commands = FakeTransport(CANCELED)
    broker = await broker_on(commands=commands)
    assert await broker.cancel_order(replace(REF, order_id=order_id)) == ()
    (request,) = commands.requests
    assert (request.method, request.path, request.origin) == ("DELETE", "/v3/order/gtt/cancel", "https://api.test")
    assert json.loads(request.body) == {"gtt_order_id": NAME}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [
        (refused("UDAPI1136", status=404), OrderNotFound, Outcome.REFUSED),
        (refused("UDAPI1137"), OrderRejected, Outcome.REFUSED),
        (reply({"gtt_order_ids": []}), ApiError, Outcome.UNKNOWN),
        (reply({"gtt_order_ids": ["GTT-C1"]}), ApiError, Outcome.UNKNOWN),
        (refused("UDAPI1136", status=500), ApiError, Outcome.UNKNOWN),
    ],
)
async def test_a_cancel_that_is_not_said_to_be_done_is_refused_or_proves_nothing(
    answer: Any, kind: type[Exception], outcome: Outcome
) -> None:
    broker = await broker_on(commands=FakeTransport(answer))
    with pytest.raises(kind) as caught:
        await broker.cancel_order(REF)
    assert getattr(caught.value, "outcome", None) is outcome


@pytest.mark.asyncio
async def test_a_gtt_order_is_neither_changed_nor_placed() -> None:
    broker = await broker_on()
    changes = OrderChanges(price=Price(Decimal(1)))
    with pytest.raises(NotSupported, match="cancel it"):
        await broker.modify_order(REF, changes, cl_ord_id=CL_ORD_ID, decided_at=1.0)
    wish = limit_order(tif=TimeInForce.GTC)
    with pytest.raises(NotSupported, match="bears no id of ours"):
        place_body(wish, CL_ORD_ID, key=KEY, options=Options())
    (field,) = await broker.validate_order(wish)
    assert (field.pointer, "GTT" in field.detail) == ("/time_in_force", True)


def test_the_stream_tells_of_gtt_orders() -> None:
    session = OrderSession(listed(), Held(lambda: None))
    frame = json.dumps({"update_type": "gtt_order", **gtt("COMPLETED", "SCHEDULED", "SCHEDULED")}).encode()
    told_now = [action.event for action in session.on_frame(frame, NOW, 1.0) if isinstance(action, Emit)]
    assert [(event.order_id, event.source) for event in told_now if isinstance(event, ExecutionReport)] == [
        (NAME, Source.STREAM),
        (EXITS, Source.STREAM),
    ]
    (again,) = session.on_frame(b'{"update_type":"gtt_order","gtt_order_id":"GTT-C1"}', NOW, 1.0)
    assert isinstance(again, Reconnect)
