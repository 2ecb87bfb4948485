"""The sessions: what is sent, and what is made of what comes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.brokers.upstox.stream.fills import PATIENCE_S, FillSession, Held
from floorbroker.brokers.upstox.stream.market import MarketSession
from floorbroker.brokers.upstox.stream.orders import OrderSession
from floorbroker.brokers.upstox.stream.plan import DataPlan
from floorbroker.domain.errors import NotSupported, SymbolNotFound
from floorbroker.domain.facts import Source
from floorbroker.domain.records import DataKind, ExecutionReport, Quote, Trade
from floorbroker.domain.values import ExecType, OrdStatus, time_text
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import FeedUp
from floorbroker.transport.private import Up
from floorbroker.transport.types import SocketTarget
from tests.unit.brokers.upstox.fakes import CL_ORD_ID, KEY, NOW, RELIANCE, payload
from tests.unit.brokers.upstox.fakes import listed as listed_symbols
from tests.unit.brokers.upstox.test_codec import LAST, TIME, codec_varint, field, frame

QUOTES, TRADES = (DataKind.QUOTES, RELIANCE), (DataKind.TRADES, RELIANCE)
LEVEL = field(
    1, b"\x08\x4b" + b"\x11" + bytes.fromhex("6666666666661240") + b"\x18\x96\x01"
)  # 75 at 4.6, 150 asked at none


def events(actions: Sequence[Any]) -> list[Any]:
    return [action.event for action in actions if isinstance(action, Emit)]


def update(**members: Any) -> bytes:
    return json.dumps({**json.loads(payload("update")), **members}).encode()


def orders(held: Held | None = None) -> OrderSession:
    session = OrderSession(listed_symbols(), held or Held(lambda: None))
    assert events(session.on_open(0.0)) == [Up()]
    return session


def test_an_update_tells_where_the_order_stands_and_no_execution() -> None:
    (report,) = events(orders().on_frame(update(filled_quantity=0, status="cancelled"), NOW, 1.0))
    assert isinstance(report, ExecutionReport)
    assert (report.source, report.exec_type, report.exec_id) == (Source.STREAM, ExecType.ORDER_STATUS, None)
    assert (report.cl_ord_id, report.ord_status, report.cum_qty) == (CL_ORD_ID, OrdStatus.CANCELED, Decimal(0))
    assert report.asked_at is None


def test_a_wrapped_update_is_one_as_well() -> None:
    inner = json.loads(update(filled_quantity=0))
    del inner["update_type"]
    (report,) = events(orders().on_frame(json.dumps({"type": "order", "data": inner}).encode(), NOW, 1.0))
    assert report.cl_ord_id == CL_ORD_ID


@pytest.mark.parametrize("kind", ["position", "holding", "tea_time"])
def test_what_is_about_no_order_is_left_out(kind: str) -> None:
    assert orders().on_frame(json.dumps({"update_type": kind, "quantity": "x"}).encode(), NOW, 1.0) == []


@pytest.mark.parametrize("bad", [b"{", b"[]", b'{"update_type":"order"}', update(order_id="a b"), update(price="x")])
def test_an_update_that_cannot_be_read_opens_another_connection(bad: bytes) -> None:
    (action,) = orders().on_frame(bad, NOW, 1.0)
    assert isinstance(action, Reconnect)


def test_an_empty_frame_is_a_sign_of_life_and_silence_is_no_trouble() -> None:
    session = orders()
    assert session.on_frame(b"", NOW, 1.0) == []
    assert session.on_tick(10_000.0) == []


def test_a_refused_change_is_told_once_for_each_request() -> None:
    session = orders()
    first, again, next_one = (
        update(status="not modified", order_request_id=number, filled_quantity=0) for number in ("2", "2", "3")
    )
    kinds = [
        [report.exec_type for report in events(session.on_frame(one, NOW, 1.0))] for one in (first, again, next_one)
    ]
    both = [ExecType.ORDER_STATUS, ExecType.REPLACE_REJECTED]
    assert kinds == [both, both[:1], both]


def polled(body: bytes, at: datetime = NOW) -> bytes:
    return time_text(at).encode() + b"\n" + body


def trades(*ids: str) -> bytes:
    told = json.loads(payload("trades"))
    told["data"] = [{**told["data"][0], "trade_id": name} for name in ids]
    return json.dumps(told).encode()


def test_a_grown_total_waits_for_its_executions() -> None:
    stirs: list[str] = []
    held = Held(lambda: stirs.append("stir"))
    session, fills = orders(held), FillSession(listed_symbols(), held)
    assert fills.on_open(0.0) == []
    assert events(fills.on_frame(polled(trades()), NOW, 0.0)) == [Up()]
    heard_at = NOW + timedelta(seconds=1)
    assert session.on_frame(payload("update"), heard_at, 1.0) == []
    assert stirs == ["stir"]
    assert events(fills.on_frame(polled(trades()), heard_at, 1.1)) == []  # asked for before the update came
    trade, report = events(fills.on_frame(polled(trades("1"), heard_at), heard_at, 1.2))
    assert (trade.exec_type, trade.last_qty, trade.source) == (ExecType.TRADE, Decimal(10), Source.HISTORY)
    assert (report.ord_status, report.cum_qty) == (OrdStatus.FILLED, Decimal(30))
    (again,) = events(session.on_frame(payload("update"), heard_at, 1.3))  # the same total is no news
    assert again.ord_status is OrdStatus.FILLED
    assert events(fills.on_frame(polled(trades("1", "2"), heard_at), heard_at, 2.0))[0].exec_id.endswith(":2")
    assert stirs == ["stir"]


def test_patience_for_executions_ends() -> None:
    held = Held(lambda: None)
    session, fills = orders(held), FillSession(listed_symbols(), held)
    session.on_frame(payload("update"), NOW, 1.0)
    assert [*fills.on_tick(1.0 + PATIENCE_S / 2), *session.on_tick(1.0 + PATIENCE_S / 2)] == []
    (report,) = events(fills.on_tick(1.0 + PATIENCE_S))
    assert report.ord_status is OrdStatus.FILLED
    assert session.on_tick(100.0) == []


@pytest.mark.parametrize("bad", [b"{}", b"", polled(b"[]"), polled(trades("1").replace(b"BUY", b"HOLD")), b"soon\n{}"])
def test_executions_that_cannot_be_read_open_another_connection(bad: bytes) -> None:
    (action,) = FillSession(listed_symbols(), Held(lambda: None)).on_frame(bad, NOW, 1.0)
    assert isinstance(action, Reconnect)


def market() -> MarketSession:
    return MarketSession(key_of=listed_symbols().key_of)


def sent(actions: Sequence[Any]) -> list[dict[str, Any]]:
    found = [action.data for action in actions if isinstance(action, Send)]
    assert all(isinstance(data, bytes) for data in found)  # binary frames, though they hold JSON
    return [json.loads(data) for data in found]


def full(last: bytes = LAST, level: bytes = LEVEL, *, kind: int = 1) -> bytes:
    return frame(field(2, field(1, field(1, last) + field(2, level))), kind=kind, key=KEY.encode())


def test_what_is_wanted_is_asked_for_at_each_opening() -> None:
    session = market()
    assert session.want([QUOTES, TRADES]) == []
    actions = session.on_open(0.0)
    assert events(actions) == [FeedUp()]
    (request,) = sent(actions)
    assert (request["method"], request["data"]) == ("sub", {"mode": "full", "instrumentKeys": [KEY]})
    assert session.want([QUOTES]) == []
    (more,) = sent(session.want([(DataKind.QUOTES, "NHPC.NSE")]))
    assert more["data"]["instrumentKeys"] == ["NSE_EQ|INE848E01016"]
    assert len({request["guid"], more["guid"]}) == 2
    assert sent(session.unwant([QUOTES])) == []
    (less,) = sent(session.unwant([TRADES]))
    assert (less["method"], less["data"]) == ("unsub", {"instrumentKeys": [KEY]})


def test_a_quote_is_the_first_level_and_a_trade_what_is_another_than_before() -> None:
    session = market()
    session.want([QUOTES, TRADES])
    session.on_open(0.0)
    (quote,) = events(session.on_frame(full(kind=0), NOW, 1.0))  # a snapshot: what was before is no news
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (Decimal("4.6"), 75, None, 150)
    assert len(events(session.on_frame(full(), NOW, 1.0))) == 1
    newer = LAST.replace(b"\x18\x4b", b"\x18\x4c")
    _, trade = events(session.on_frame(full(newer), NOW, 1.0))
    assert isinstance(trade, Trade)
    assert (trade.price, trade.size, trade.symbol) == (Decimal("53.4"), 76, RELIANCE)


def test_only_what_is_wanted_is_told() -> None:
    session = market()
    session.want([TRADES])
    session.on_open(0.0)
    assert [type(event) for event in events(session.on_frame(full(), NOW, 1.0))] == [Trade]
    assert events(session.on_frame(frame(field(1, LAST), key=b"NSE_EQ|OTHER"), NOW, 1.0)) == []
    info = codec_varint(8) + b"\x02" + field(4, field(1, field(1, b"NSE_EQ") + b"\x10\x02"))
    assert session.on_frame(info, NOW, 1.0) == []
    assert session.on_frame(b"", NOW, 1.0) == []


@pytest.mark.parametrize(
    "bad",
    [
        b"\xff",
        full(b"\x09" + bytes.fromhex("ffffffffffffef7f")),  # a price of 308 digits
        full(LAST.replace(TIME, b"\x10" + b"\xff" * 8 + b"\x7f")),  # traded in another age
    ],
)
def test_a_frame_that_cannot_be_read_opens_another_connection(bad: bytes) -> None:
    session = market()
    session.want([QUOTES, TRADES])
    session.on_open(0.0)
    (action,) = session.on_frame(bad, NOW, 1.0)
    assert isinstance(action, Reconnect)


def test_one_connection_carries_what_the_venue_streams() -> None:
    async def opened() -> SocketTarget:
        return SocketTarget(url="wss://feed.test/x")

    plan = DataPlan(listed_symbols(), opened=opened)
    assert {plan.line_of(pair) for pair in (QUOTES, TRADES)} == {"market data"}
    with pytest.raises(NotSupported):
        plan.line_of((DataKind.BOOK, RELIANCE))
    with pytest.raises(SymbolNotFound):
        DataPlan(Symbols(), opened=opened).line_of(QUOTES)
