"""The fixed-reply server answers what the adapter reads, and nothing it should not be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from benchmarks.fixed import tws
from benchmarks.fixed.alpaca import PAGE, Alpaca, Orders, answer, stream_answer
from benchmarks.fixed.http import Stream, split
from benchmarks.fixed.tradier import Orders as TradierOrders

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.mapping.account import account_from, instrument_from
from floorbroker.brokers.alpaca.mapping.market import quote_from
from floorbroker.brokers.ibkr import wire as ibkr_wire
from floorbroker.brokers.ibkr.codec import decode
from floorbroker.brokers.tradier.rest.answers import orders_in
from floorbroker.domain.clock import SystemClock


def body_of(reply: bytes, status: int = 200) -> bytes:
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"ratelimit" not in head.lower()
    return body


def read(path: bytes, kind: type[Any]) -> Any:
    return wire.decode(body_of(answer(Orders(), b"GET", path, b"")), kind, what="the answer")


def test_an_order_comes_back_with_the_clients_own_id_and_a_new_one_of_the_venue() -> None:
    asked = json.dumps({"client_order_id": "fb-1", "qty": "2"}).encode()
    orders = Orders()
    first, second = (wire.decode(orders.accept(asked), wire.Order, what="the order") for _ in range(2))
    assert first.client_order_id == second.client_order_id == "fb-1"
    assert first.id != second.id
    assert (first.status, first.qty, first.filled_qty) == ("accepted", Decimal(2), Decimal(0))


def test_an_order_without_a_client_id_is_given_one_and_forgotten() -> None:
    orders = Orders()
    assert wire.decode(orders.accept(b"{}"), wire.Order, what="the order").client_order_id.startswith("venue-")
    assert (orders.listed(b""), orders.end()) == (b"[]", [])


def test_open_orders_are_listed_a_page_at_a_time_until_they_are_ended_and_told_of() -> None:
    orders, listed = Orders(), list[wire.Order]()
    for number in range(PAGE + 3):
        orders.accept(b'{"client_order_id":"fb-%d"}' % number)
    query = b""
    while page := wire.decode(orders.listed(query), list[wire.Order], what="the orders"):
        listed += page
        query = b"status=open&after_order_id=" + page[-1].id.encode()
    assert [order.client_order_id for order in listed] == [f"fb-{number}" for number in range(PAGE + 3)]
    told = [wire.decode(message, wire.StreamMessage, what="a message") for message in orders.end()]
    updates = [wire.decode(message.data, wire.TradeUpdate, what="an update") for message in told]
    assert {message.stream for message in told} == {"trade_updates"}
    assert [update.order.id for update in updates] == [order.id for order in listed]
    assert {(update.event, update.order.status) for update in updates} == {("canceled", "canceled")}
    assert orders.listed(b"") == b"[]"


def test_the_reads_of_a_start_can_be_read() -> None:
    account = account_from(read(b"/v2/account", wire.Account))
    assert account.can_trade
    assert read(b"/v2/clock", wire.Clock).is_open
    for path in (b"/v2/orders?status=open", b"/v2/positions", b"/v2/account/activities/FILL?after=x"):
        assert read(path, list[wire.Order]) == []
    now = SystemClock().now()
    assert instrument_from(read(b"/v2/assets/AAPL", wire.Asset), as_of=now).tradable
    told = read(b"/v2/stocks/quotes/latest?symbols=AAPL", wire.LatestQuotes).quotes["AAPL"]
    quote = quote_from("AAPL", told, source="alpaca")
    assert quote.bid is not None
    assert quote.ask is not None
    assert quote.bid < Decimal("150.25") < quote.ask


@pytest.mark.parametrize(
    ("method", "path"), [(b"GET", b"/v2/nothing"), (b"DELETE", b"/v2/orders"), (b"POST", b"/v2/account")]
)
def test_what_nobody_should_ask_is_not_found(method: bytes, path: bytes) -> None:
    assert path.decode() in json.loads(body_of(answer(Orders(), method, path, b""), 404))["message"]


def test_requests_are_split_wherever_they_are_cut() -> None:
    one = b"POST /v2/orders HTTP/1.1\r\nHost: x\r\ncontent-length: 4\r\n\r\nabcd"
    two = b"GET /v2/clock HTTP/1.1\r\nHost: x\r\n\r\n"
    for cut in range(len(one)):
        assert split(one[:cut]) is None
    assert split(one + two) == (b"POST", b"/v2/orders", b"abcd", two)
    assert split(two) == (b"GET", b"/v2/clock", b"", b"")


def test_the_private_stream_logs_in_and_listens() -> None:
    login = stream_answer({"action": "authenticate"})
    assert login == {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}
    assert stream_answer({"action": "listen"}) == {"stream": "listening", "data": {"streams": ["trade_updates"]}}
    handshake = (
        b"GET /stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert b"".join(Stream(Alpaca()).feed(handshake)).startswith(b"HTTP/1.1 101 ")


PLACED = b"class=equity&symbol=AAPL&side=buy&quantity=2&type=limit&price=150.25&duration=day&tag=fb-%d"


def test_tradiers_orders_are_listed_page_by_page_and_for_a_while_when_they_have_ended() -> None:
    orders = TradierOrders()
    for number in range(130):
        orders.accept(PLACED % number)
    orders.accept(PLACED.partition(b"&tag")[0])
    pages = [orders_in(orders.listed(b"page=%d&limit=100" % page), what="the orders") for page in (1, 2)]
    assert [order.tag for page in pages for order in page] == [f"fb-{number}" for number in range(130)]
    assert {order.status for page in pages for order in page} == {"open"}
    assert orders.end() == 130
    pages = [orders_in(orders.listed(b"page=%d&limit=100" % page), what="the orders") for page in (1, 2)]
    assert [(len(page), {order.status for order in page}) for page in pages] == [
        (100, {"canceled"}),
        (30, {"canceled"}),
    ]
    while orders.listed(b"page=1&limit=500") != b'{"orders":"null"}':
        pass
    assert orders.one(7) is None
    told = orders.one(1_000_001)
    assert told is not None
    assert [order.status for order in orders_in(told, what="the order")] == ["canceled"]


def test_the_program_shows_each_order_as_it_was_asked_for_and_its_end() -> None:
    asked = [
        "3",
        "7",
        *_contract_asked(),
        "BUY",
        "2",
        "LMT",
        "150.25",
        "",
        "DAY",
        "",
        tws.ACCOUNT,
        "O",
        "0",
        "ref-7",
        "1",
    ]
    for status in ("Submitted", "Cancelled"):
        shown = tws.Order(asked, "91", 1_000_000_001).shown(status)
        messages = [decode(frame, version=tws.VERSION) for frame in _frames(shown)]
        order, standing = messages
        assert isinstance(order, ibkr_wire.OpenOrder)
        assert isinstance(standing, ibkr_wire.OrderStatus)
        assert (order.order.order_ref, order.perm_id, order.status) == ("ref-7", 1_000_000_001, status)
        assert (standing.order_id, standing.perm_id, standing.status) == (7, 1_000_000_001, status)


def _contract_asked() -> list[str]:
    return ["265598", "AAPL", "STK", "", "0.0", "", "", "SMART", "NASDAQ", "USD", "AAPL", "NMS", "", ""]


def _frames(data: bytes) -> Iterator[bytes]:
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        yield data[4:end]
        data = data[end:]
