"""The order stream, frame by frame."""

from __future__ import annotations

import json
from typing import Any

import pytest

from floorbroker.brokers.ibkr_web.mapping.contracts import Contract, Known
from floorbroker.brokers.ibkr_web.mapping.families import Families
from floorbroker.brokers.ibkr_web.mapping.reports import Shelves, execution_of
from floorbroker.brokers.ibkr_web.stream.orders import OrdersSession
from floorbroker.domain.ids import by_name
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ExecType, OrdStatus
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.private import Up
from tests.unit.brokers.ibkr_web.fakes import CL_ORD_ID, LOST, NOW, OPEN, TAKEN, VENUE_ID, payload

ROW = payload("live_orders")["orders"][0]


class Stream:
    """A session, and what it was told and says."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        known = Known()
        known.learn(Contract(symbol="AAPL", conid=265598))
        self.session = OrdersSession(Shelves(known, Families(), lambda: "DU123456"), self.lost.append)
        self.session.on_open(0.0)

    def hear(self, message: object, now_s: float = 1.0) -> list[Any]:
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        return list(self.session.on_frame(raw, NOW, now_s))

    def reports(self, message: object) -> list[ExecutionReport]:
        return [action.event for action in self.hear(message) if isinstance(action, Emit)]


def test_it_is_up_when_the_session_stands_and_the_topics_are_asked_for() -> None:
    stream = Stream()
    assert stream.hear({"message": "waiting for session"}) == []
    assert stream.hear({"topic": "system", "success": "user1"}) == []
    assert stream.hear({"topic": "act", "args": payload("accounts")}) == []
    *sends, last = stream.hear({"topic": "sts", "args": OPEN})
    assert [type(one) for one in sends] == [Send, Send]
    assert last == Emit(Up())
    assert stream.hear({"topic": "sts", "args": OPEN}) == []


@pytest.mark.parametrize(("status", "why"), [(LOST, "gone"), (TAKEN, "log-in elsewhere")])
def test_a_session_that_ends_ends_the_connection_and_is_told(status: object, why: str) -> None:
    stream = Stream()
    stream.hear({"topic": "sts", "args": OPEN})
    (action,) = stream.hear({"topic": "sts", "args": status})
    assert isinstance(action, Reconnect)
    assert why in stream.lost[0]


def test_later_rows_hold_what_changed_and_are_laid_over_the_first() -> None:
    stream = Stream()
    (first,) = stream.reports({"topic": "sor", "args": [ROW]})
    assert (first.order_id, first.cl_ord_id, first.cum_qty) == (VENUE_ID, CL_ORD_ID, 1)
    (later,) = stream.reports(
        {
            "topic": "sor",
            "args": [{"orderId": 987654321, "status": "Filled", "filledQuantity": 3, "avgPrice": "150.41"}],
        }
    )
    assert (later.cl_ord_id, later.ord_status, later.cum_qty, later.symbol) == (CL_ORD_ID, OrdStatus.FILLED, 3, "AAPL")
    assert (
        stream.reports({"topic": "sor", "args": [{"orderId": 5, "filledQuantity": 1}]}) == []
    )  # of whom nothing is known


def test_a_new_connection_begins_with_whole_rows() -> None:
    stream = Stream()
    stream.reports({"topic": "sor", "args": [ROW]})
    stream.session.on_open(5.0)
    assert stream.reports({"topic": "sor", "args": [{"orderId": 987654321, "filledQuantity": 2}]}) == []


def test_executions_come_as_trades() -> None:
    stream = Stream()
    stream.reports({"topic": "sor", "args": [ROW]})
    fill, correction = stream.reports({"topic": "str", "args": payload("trades")})
    assert (fill.exec_type, fill.order_id, fill.cl_ord_id) == (ExecType.TRADE, VENUE_ID, CL_ORD_ID)
    assert correction.exec_type is ExecType.TRADE_CORRECT


def test_an_execution_told_before_its_order_waits_for_it_a_moment() -> None:
    stream = Stream()
    trades = payload("trades")[:1]
    assert stream.reports({"topic": "str", "args": trades}) == []
    assert list(stream.session.on_tick(2.0)) == []
    order, fill = stream.reports({"topic": "sor", "args": [ROW]})
    assert (order.exec_type, fill.exec_type, fill.order_id) == (ExecType.ORDER_STATUS, ExecType.TRADE, VENUE_ID)

    stream = Stream()
    stream.hear({"topic": "str", "args": trades})
    (told,) = stream.session.on_tick(4.5)
    assert isinstance(told, Emit)
    assert isinstance(told.event, ExecutionReport)
    assert (told.event.cl_ord_id, told.event.order_id) == (CL_ORD_ID, by_name(CL_ORD_ID))


def test_a_frame_that_cannot_be_read_loses_no_execution_that_waits_and_no_row_that_can_be() -> None:
    stream = Stream()
    first, second = payload("trades")
    stream.hear({"topic": "str", "args": [first, {**first, "execution_id": "b.01", "price": "much"}]})
    told: list[Any]
    *told, end = stream.session.on_tick(4.5)
    assert [one.event.exec_id for one in told] == ["0000e0d5.6576fd38.01"]
    assert isinstance(end, Reconnect)
    stream = Stream()
    assert [type(one) for one in stream.hear({"topic": "sor", "args": [ROW, {"orderId": "x1"}]})] == [Emit, Reconnect]
    stream = Stream()
    *kept, end = stream.hear({"topic": "str", "args": [{"side": "B"}, second, {**second, "order_id": VENUE_ID}]})
    assert isinstance(end, Reconnect)
    assert [one.event.order_id for one in kept] == [VENUE_ID]
    (late,) = stream.session.on_tick(4.5)
    assert isinstance(late, Emit)


def test_rows_and_executions_of_other_accounts_are_passed_over() -> None:
    stream = Stream()
    theirs = {"acct": "DU999999", "account": "DU999999"}
    assert stream.reports({"topic": "sor", "args": [ROW | theirs]}) == []
    assert stream.reports({"topic": "str", "args": [{**payload("trades")[0], **theirs, "order_id": 5}]}) == []


def test_an_order_in_a_contract_that_nobody_defined_waits_for_the_list() -> None:
    stream = Stream()
    for ref in ("by hand", ROW["order_ref"]):  # another desk's, or one of a former life
        assert stream.reports({"topic": "sor", "args": [{**ROW, "conid": 4391, "order_ref": ref}]}) == []
    assert stream.reports({"topic": "str", "args": [{**payload("trades")[0], "conid": 4391, "order_id": 5}]}) == []


@pytest.mark.parametrize(
    ("changes", "odd"),
    [
        ({"status": "Levitating"}, "status Levitating"),
        ({"side": "SHORT"}, "side SHORT"),
        ({"origOrderType": "PEGGED"}, "order type PEGGED"),
        ({"timeInForce": "SOON"}, "time in force SOON"),
    ],
)
def test_a_word_we_do_not_know_is_named_and_claims_nothing(changes: dict[str, str], odd: str) -> None:
    (report,) = Stream().reports({"topic": "sor", "args": [{**ROW, **changes}]})
    assert (report.unrecognised, report.ord_status) == (odd, None)


def test_children_that_show_their_parents_name_are_not_the_parent() -> None:
    stream = Stream()
    child = {**ROW, "orderId": 987654322, "side": "SELL", "status": "PreSubmitted"}
    head, first = stream.reports({"topic": "sor", "args": [ROW, child]})
    assert (head.cl_ord_id, head.parent_order_id) == (CL_ORD_ID, None)
    assert (first.cl_ord_id, first.parent_order_id) == (None, VENUE_ID)
    (named,) = stream.reports(
        {"topic": "sor", "args": [{**child, "orderId": 7, "order_ref": "", "parentId": 987654321}]}
    )
    assert named.parent_order_id == VENUE_ID


@pytest.mark.parametrize(
    "frame",
    [
        b"not json",
        b'{"topic":"sor","args":[{}]}',
        b'{"topic":"sor","args":[{"orderId":"x1"}]}',
        b'{"topic":"sor","args":[{"orderId":1,"status":"Submitted","totalSize":"NaN"}]}',
        b'{"topic":"sor","args":[{"orderId":1,"status":"Submitted","totalSize":1e999}]}',
        b'{"topic":"str","args":[{"execution_id":"a","side":"B","size":1}]}',
        b'{"topic":"sts","args":[]}',
        b'{"error":"rate"}',
        b'{"topic":7}',
    ],
)
def test_a_frame_that_cannot_be_read_costs_the_connection_and_nothing_else(frame: bytes) -> None:
    (action,) = Stream().hear(frame)
    assert isinstance(action, Reconnect)


def test_silence_is_asked_about_and_then_ends_the_connection() -> None:
    stream = Stream()
    (greeting,) = stream.session.on_tick(16.0)
    assert isinstance(greeting, Reconnect)
    stream.hear({"topic": "sts", "args": OPEN}, 1.0)
    assert list(stream.session.on_tick(20.0)) == []
    assert list(stream.session.on_tick(24.0)) == [Send("tic")]
    (silence,) = stream.session.on_tick(37.0)
    assert isinstance(silence, Reconnect)
    for now_s in range(37, 100, 10):
        stream.hear({"topic": "system", "hb": 1772463850000}, float(now_s))
    assert list(stream.session.on_tick(100.0)) == [
        Send("tic")
    ]  # a heartbeat does not keep the session alive, this does


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("0000e0d5.6576fd38.01.01", ("0000e0d5.6576fd38.01", 1)),
        ("0000e0d5.6576fd38.01.02", ("0000e0d5.6576fd38.01", 2)),
        ("plain", ("plain", 1)),
        ("a.xyz", ("a.xyz", 1)),
        ("a.²", ("a.²", 1)),
    ],
)
def test_the_last_part_of_an_execution_is_its_version(text: str, parts: tuple[str, int]) -> None:
    assert execution_of(text) == parts
