"""Polled orders, account events and market data, frame by frame."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from floorbroker.brokers.tradier.stream.data import DataSession
from floorbroker.brokers.tradier.stream.events import AccountSession
from floorbroker.brokers.tradier.stream.polls import PollSession
from floorbroker.domain.records import DataKind, ExecutionReport, Quote, Trade
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import FeedError, FeedUp
from floorbroker.transport.private import Up
from tests.unit.brokers.tradier.fakes import NOW, payload

ASKED = b"2026-03-02T15:04:09.000000Z\n"


def test_the_first_poll_brings_the_stream_up_and_only_changes_are_told() -> None:
    session = PollSession()
    session.on_open(0.0)
    frame = ASKED + payload("orders_one")
    up, told = session.on_frame(frame, NOW, 0.0)
    assert up == Emit(Up())
    assert isinstance(told, Emit)
    assert isinstance(told.event, ExecutionReport)
    assert (told.event.asked_at, told.event.at) == (NOW.replace(second=9), NOW)
    assert session.on_frame(frame, NOW, 1.0) == []
    changed = frame.replace(b'"exec_quantity":2.0', b'"exec_quantity":3.0')
    assert len(session.on_frame(changed, NOW, 2.0)) == 1
    session.on_open(3.0)
    assert len(session.on_frame(frame, NOW, 3.0)) == 2


def test_legs_that_change_are_told_with_their_group() -> None:
    session = PollSession()
    session.on_frame(ASKED + payload("order_otoco"), NOW, 0.0)
    filled = payload("order_otoco").replace(b'"status":"open","duration"', b'"status":"filled","duration"')
    assert len(session.on_frame(ASKED + filled, NOW, 1.0)) == 3


def test_an_order_that_cannot_be_read_hides_no_other_and_is_told_as_what_it_is() -> None:
    order = json.loads(payload("orders_one"))["orders"]["order"]
    odd = [{"id": 8}, {**order, "id": 9, "quantity": "NaN"}, {**order, "id": "x/y"}, {"no": "id"}]
    frame = ASKED + json.dumps({"orders": {"order": [*odd, order]}}).encode()
    session = PollSession()
    up, *told = session.on_frame(frame, NOW, 0.0)
    assert up == Emit(Up())
    reports = [action.event for action in told if isinstance(action, Emit)]
    assert {(report.order_id, report.unrecognised) for report in reports if isinstance(report, ExecutionReport)} == {
        ("700500", None),
        ("8", "an order that cannot be read"),
        ("9", "an order that cannot be read"),
    }
    assert session.on_frame(frame, NOW, 1.0) == []


@pytest.mark.parametrize("frame", [b"", b"{}", ASKED, ASKED + b"{}", ASKED + b'{"orders":[1]}', b"yesterday\n{}"])
def test_a_poll_that_cannot_be_read_is_a_lost_stream(frame: bytes) -> None:
    (action,) = PollSession().on_frame(frame, NOW, 0.0)
    assert isinstance(action, Reconnect)


def test_an_account_event_has_the_orders_polled_and_a_heartbeat_does_not() -> None:
    stirred: list[int] = []
    session = AccountSession(sessionid=lambda: "sid", stir=lambda: stirred.append(1))
    hello, up = session.on_open(0.0)
    assert isinstance(hello, Send)
    assert json.loads(hello.data) == {"events": ["order"], "sessionid": "sid", "excludeAccounts": []}
    assert up == Emit(Up())
    assert session.on_frame(b'{"event":"heartbeat","status":"active"}', NOW, 60.0) == []
    assert len(stirred) == 1
    assert session.on_frame(b'{"id":700500,"event":"order","status":"filled"}', NOW, 61.0) == []
    assert len(stirred) == 2
    assert session.on_tick(100.0) == []
    assert isinstance(session.on_tick(400.0)[0], Reconnect)
    assert isinstance(session.on_frame(b'{"error":"session expired"}', NOW, 62.0)[0], Reconnect)
    assert isinstance(session.on_frame(b"[", NOW, 63.0)[0], Reconnect)


def test_a_market_subscription_is_the_whole_list_each_time() -> None:
    session = DataSession(sessionid=lambda: "sid")
    assert session.want([(DataKind.QUOTES, "AAPL")]) == []
    hello, up = session.on_open(0.0)
    assert isinstance(hello, Send)
    assert up == Emit(FeedUp())
    (more,) = session.want([(DataKind.TRADES, "BRK.B")])
    assert isinstance(more, Send)
    body = json.loads(more.data)
    assert (body["symbols"], body["filter"], body["sessionid"]) == (["AAPL", "BRK/B"], ["quote", "trade"], "sid")
    assert session.unwant([(DataKind.TRADES, "MSFT")]) == []


def test_numbers_come_as_text_or_numbers_and_what_nobody_wants_is_dropped() -> None:
    session = DataSession(sessionid=lambda: "sid")
    session.want([(DataKind.QUOTES, "AAPL"), (DataKind.TRADES, "AAPL")])
    lines = (
        b'{"type":"quote","symbol":"AAPL","bid":150.49,"bidsz":2,"biddate":"1772463846000","ask":"150.51","asksz":3,"askdate":0}'
        b'\n{"type":"trade","symbol":"AAPL","price":"150.5","size":"100","date":"1772463846000","cvol":"5","last":"150.5"}\n'
        b'{"type":"trade","symbol":"MSFT","price":"1","size":"1","date":"1772463846000"}\n'
        b'{"type":"summary","symbol":"AAPL","open":"149"}'
    )
    quote, trade = [action.event for action in session.on_frame(lines, NOW, 0.0) if isinstance(action, Emit)]
    assert isinstance(quote, Quote)
    assert isinstance(trade, Trade)
    assert (quote.bid, quote.ask, quote.bid_size) == (Decimal("150.49"), Decimal("150.51"), Decimal(200))
    assert (trade.price, trade.size) == (Decimal("150.5"), Decimal(100))


def test_a_bad_symbol_is_told_and_other_errors_cost_the_connection() -> None:
    session = DataSession(sessionid=lambda: "sid")
    (told,) = session.on_frame(b'{"error":"1234 is not a valid symbol"}', NOW, 0.0)
    assert isinstance(told, Emit)
    assert isinstance(told.event, FeedError)
    assert isinstance(session.on_frame(b'{"error":"too many sessions"}', NOW, 0.0)[-1], Reconnect)
    assert isinstance(session.on_frame(b'{"type":"trade","symbol":"AAPL","price":"NaN"}', NOW, 0.0)[0], Reconnect)
