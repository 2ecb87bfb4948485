"""There and back: what one side writes the other reads as it was meant, however it is cut on the way.

It bites: a line end that is cut in two between CR and LF, and taken for two, fails at once.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.mapping.orders import order_request
from floorbroker.brokers.alpaca.mapping.reports import Heard, order_reports
from floorbroker.brokers.alpaca.mapping.values import from_wire_symbol, moment_needed, to_wire_symbol
from floorbroker.brokers.alpaca.stream.data import DataSession
from floorbroker.domain.facts import Source
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderClass, OrderType, Side, TimeInForce, decimal_of, text_of
from floorbroker.oms.schema import OrderSchema, parse_order
from floorbroker.transport.actions import Emit
from floorbroker.transport.reply import ReplyReader
from floorbroker.transport.sse import SseDecoder
from tests.fuzz.ledger import NOW
from tests.fuzz.targets.alpaca_updates import CL_ORD_ID, CREDENTIALS

prices = st.integers(1, 10**9).map(lambda cents: Decimal(cents) / 100)
numbers = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(-(10**17), 10**17), st.integers(0, 18)
)
contracts = st.builds(
    OptionContract,
    root=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=6),
    expiry=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    right=st.sampled_from("CP"),
    strike=st.integers(0, 99_999_999).map(lambda thousandths: Decimal(thousandths) / 1000),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The same bytes in pieces, empty ones included."""
    edges = sorted([0, len(data), *(place % (len(data) + 1) for place in places)])
    return [data[a:b] for a, b in pairwise(edges)]


cuts = st.lists(st.integers(0, 10_000), max_size=12)


@given(numbers)
def test_a_number_written_plainly_is_the_number(value: Decimal) -> None:
    text = text_of(value)
    assert decimal_of(text) == value
    assert "e" not in text.lower()


@given(contracts)
def test_an_option_has_one_symbol_inside_and_one_at_the_venue(contract: OptionContract) -> None:
    assert OptionContract.parse(contract.symbol) == contract
    there = to_wire_symbol(contract.symbol)
    assert OptionContract.parse(there) == contract
    assert from_wire_symbol(there, "us_option") == from_wire_symbol(there) == contract.symbol


# -- orders: our body, the wish, the venue's message, its word on the order ----------------------------------------------

TYPED = {
    "market": (), "limit": ("limit_price",), "stop": ("stop_price",), "stop_limit": ("stop_price", "limit_price"),
    "trailing_stop": ("trail_price",), "market_if_touched": ("stop_price",),
    "limit_if_touched": ("stop_price", "limit_price"),
}  # fmt: skip
AT_ALPACA = frozenset(TYPED) - {"market_if_touched", "limit_if_touched"}


@st.composite
def bodies(draw: st.DrawFn, kinds: frozenset[str] = frozenset(TYPED)) -> dict[str, Any]:
    """A valid simple order as a client writes it."""
    kind = draw(st.sampled_from(sorted(kinds)))
    body: dict[str, Any] = {
        "symbol": draw(
            st.one_of(
                st.sampled_from(["AAPL", "BRK.B", "BTC/USD"]),
                contracts.filter(lambda c: c.strike > 0).map(lambda c: c.symbol),
            )
        ),
        "side": draw(st.sampled_from(["buy", "sell"])),
        "type": kind,
        "quantity": text_of(draw(prices)),
        "time_in_force": draw(st.sampled_from(["day", "gtc", "ioc", "fok", "opg", "cls"])),
    }
    body |= {name: text_of(draw(prices)) for name in TYPED[kind]}
    if kinds > AT_ALPACA and "limit_price" in body and body["time_in_force"] not in ("ioc", "fok"):
        shown = decimal_of(body["quantity"]) / 2
        body |= draw(st.sampled_from([{}, {"post_only": True}, {"display_quantity": text_of(shown)}]))
    return body


@given(bodies(), st.randoms(use_true_random=False))
def test_a_wish_has_one_digest_however_its_body_is_written(body: dict[str, Any], random: Any) -> None:
    members = [(name, f"+{value}0" if name == "quantity" and "." in value else value) for name, value in body.items()]
    random.shuffle(members)
    again = dict(members) | {"extended_hours": False, "legs": [], "strategy": ""}
    assert parse_order(again).digest() == parse_order(body).digest()
    assert parse_order(body | {"client_tag": "x"}).digest() != parse_order(body).digest()


@given(bodies(AT_ALPACA))
def test_a_wish_comes_back_from_the_venue_as_it_was_sent(body: dict[str, Any]) -> None:
    """Body to wish to request; the venue's order is the request's own words, read as a report."""
    wish = parse_order(body).to_order()
    sent = json.loads(wire_bytes(wish))
    there = sent | {"id": "v-1", "status": "new", "filled_qty": "0"}
    (report,) = order_reports(
        wire.decode(json.dumps(there).encode(), wire.Order, what="an order"), Heard(source=Source.REPLY, at=NOW)
    )
    assert report.unrecognised is None
    assert (report.cl_ord_id, report.symbol, report.side, report.order_type) == (
        CL_ORD_ID,
        wish.symbol,
        wish.side,
        wish.order_type,
    )
    assert (report.order_qty, report.price, report.stop_px, report.tif) == (
        wish.order_qty,
        wish.price,
        wish.stop_px,
        wish.tif,
    )
    assert (report.trail_amount, report.order_class) == (wish.trail_amount, wish.order_class)


def wire_bytes(wish: NewOrder) -> bytes:
    return msgspec.json.encode(order_request(wish, CL_ORD_ID))


@given(bodies())
def test_a_wish_written_back_as_a_body_is_the_same_wish(body: dict[str, Any]) -> None:
    wish = parse_order(body).to_order()
    again = OrderSchema(
        symbol=wish.symbol, side=wish.side, type=wish.order_type, quantity=wish.order_qty, limit_price=wish.price,
        stop_price=wish.stop_px, trail_price=wish.trail_amount, time_in_force=wish.tif, post_only=wish.post_only,
        display_quantity=wish.display_qty,
    )  # fmt: skip
    assert again.to_order() == wish
    assert again.digest() == parse_order(body).digest()


def test_every_word_of_ours_has_one_there_and_comes_back() -> None:
    kinds = {OrderType(kind) for kind in TYPED}
    assert kinds == set(OrderType)
    assert {TimeInForce(word) for word in ("day", "gtc", "ioc", "fok", "opg", "cls")} == set(TimeInForce) - {
        TimeInForce.GTD
    }
    assert (set(Side), OrderClass.SIMPLE.value) == ({Side.BUY, Side.SELL}, "simple")


# -- bytes in pieces ------------------------------------------------------------------------------------------------------

pieces = st.binary(max_size=60)


@st.composite
def replies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A reply as it crosses the wire, and its body."""
    body = draw(st.binary(max_size=200))
    head = b"HTTP/1.1 200 OK\r\nX-Rate: 1\r\n"
    if draw(st.booleans()):
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body, body
    chunks = [chunk for chunk in cut(body, draw(cuts)) if chunk]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + coded + b"0\r\n\r\n", body


@given(replies(), cuts)
def test_a_reply_is_its_body_however_it_is_coded_and_cut(reply: tuple[bytes, bytes], places: list[int]) -> None:
    data, body = reply
    reader = ReplyReader(max_head=1024, max_body=1024)
    assert [reader.feed(piece) for piece in cut(data, places) if piece][-1]
    assert reader.take(0.0).body == body


lines = st.lists(
    st.tuples(st.sampled_from([b"data: ", b"data:", b"id: ", b"event: ", b":", b"", b"retry: ", b"\xef\xbb\xbf"]), pieces,
              st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n"])), max_size=12
)  # fmt: skip


@given(lines, cuts)
def test_an_event_stream_is_the_same_however_it_is_cut(
    stream: list[tuple[bytes, bytes, bytes]], places: list[int]
) -> None:
    data = b"".join(part for line in stream for part in line)
    whole = SseDecoder()
    events = whole.feed(data)
    for pieces_of_it in (cut(data, places), cut(data, [*range(len(data))])):  # anywhere, and everywhere
        piecewise = SseDecoder()
        assert [event for piece in pieces_of_it for event in piecewise.feed(piece)] == events
        assert (piecewise.last_id, piecewise.retry_ms) == (whole.last_id, whole.retry_ms)


trades = st.builds(
    lambda p, s, i: {"T": "t", "S": "AAPL", "p": float(p), "s": s, "i": i, "t": "2026-03-02T15:04:05Z"},
    prices, st.integers(1, 1000), st.integers(0, 10**9),
)  # fmt: skip


@given(st.lists(trades, min_size=1, max_size=6), cuts)
def test_market_data_is_the_same_in_one_frame_and_in_several(messages: list[dict[str, Any]], places: list[int]) -> None:
    def heard(frames: list[list[dict[str, Any]]]) -> list[object]:
        session = DataSession(CREDENTIALS, source="x")
        events: list[object] = []
        for now_s, frame in enumerate(frames, start=1):
            actions = session.on_frame(json.dumps(frame).encode(), NOW + timedelta(seconds=now_s), now_s)
            events += [action.event for action in actions if isinstance(action, Emit)]
        return events

    split = sorted({0, len(messages), *(place % (len(messages) + 1) for place in places)})
    several = [messages[a:b] for a, b in pairwise(split)]
    assert heard(several) == heard([messages])
    assert len(heard([messages])) == len(messages)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_of_the_venue_is_read_to_the_microsecond(utc: datetime) -> None:
    assert moment_needed(utc.isoformat()) == utc
    assert moment_needed(f"{utc.replace(tzinfo=None).isoformat(timespec='microseconds')}123Z") == utc
