"""The sessions without a socket: the private stream, market data, books, the order socket's dialect, and a recorded day."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.binance import replay_session, snapshot_from
from floorbroker.brokers.binance.mapping.reports import Reader
from floorbroker.brokers.binance.mapping.symbols import Symbols
from floorbroker.brokers.binance.mapping.traded import Traded
from floorbroker.brokers.binance.stream.books import Books
from floorbroker.brokers.binance.stream.commands import METHODS, BinanceDialect, sign_for_socket
from floorbroker.brokers.binance.stream.data import DataSession
from floorbroker.brokers.binance.stream.orders import UserSession
from floorbroker.brokers.binance.stream.plan import DataPlan
from floorbroker.domain.bars import Bar
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import InvalidRequest, NotSupported, Timeout
from floorbroker.domain.ports import NoLog
from floorbroker.domain.records import BookDelta, BookLevel, DataKind, ExecutionReport, Quote, Trade
from floorbroker.domain.values import ExecType, OrdStatus, Price, Side
from floorbroker.tape.captures import FrameKind, frames
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import FeedError, FeedUp
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.order_socket import Answer
from floorbroker.transport.private import Denied, Up
from floorbroker.transport.types import Request
from tests.unit.brokers.binance.fakes import (
    CL_ORD_ID,
    CREDENTIALS,
    HEX,
    NEXT,
    NOW,
    NOW_MS,
    VENUE_ID,
    parsed,
    payload,
    reader,
    symbols,
)


def emitted(actions: Sequence[Any]) -> list[Any]:
    return [action.event for action in actions if isinstance(action, Emit)]


def sent(actions: Sequence[Any]) -> list[Any]:
    return [json.loads(action.data) for action in actions if isinstance(action, Send)]


def lost(actions: Sequence[Any]) -> bool:
    return any(isinstance(action, Reconnect) for action in actions)


# -- the private stream -------------------------------------------------------------------------------------------------


class Private:
    """A session that was opened at second zero."""

    def __init__(self) -> None:
        self.offset = ClockOffset(ManualClock(NOW))
        self.unsynchronised = 0
        self.traded = Traded()
        self.reader: Reader = reader()
        self.session = UserSession(
            CREDENTIALS,
            self.reader,
            offset=self.offset,
            traded=self.traded,
            recv_window_ms=5000,
            on_unsynchronised=self._count,
        )
        self.opening = self.session.on_open(0.0)

    def _count(self) -> None:
        self.unsynchronised += 1

    def hear(self, body: object, *, at_s: float = 1.0) -> Sequence[Any]:
        frame = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.session.on_frame(frame, NOW, at_s)

    def up(self) -> Private:
        assert emitted(self.hear(parsed("subscribed"), at_s=0.0)) == [Up()]
        return self


def event(name: str, **changes: Any) -> dict[str, Any]:
    body = parsed(name)
    return body | {"event": body["event"] | changes}


def test_the_first_word_is_a_signed_subscription() -> None:
    (word,) = sent(Private().opening)
    assert (word["method"], word["id"]) == ("userDataStream.subscribe.signature", "subscribe")
    assert word["params"]["apiKey"] == "test-key"
    assert len(word["params"]["signature"]) == 64


def test_the_stream_is_up_when_the_venue_says_so_and_says_it_once() -> None:
    private = Private().up()
    assert emitted(private.hear(parsed("subscribed"))) == []


def test_reports_come_in_the_order_of_the_frames_and_tell_what_is_traded() -> None:
    private = Private().up()
    (new,) = emitted(private.hear(parsed("event_new")))
    (fill,) = emitted(private.hear(parsed("event_trade")))
    (gone,) = emitted(private.hear(parsed("event_cancelled")))
    assert [report.exec_type for report in (new, fill, gone)] == [ExecType.NEW, ExecType.TRADE, ExecType.CANCELED]
    assert {report.cl_ord_id for report in (new, fill, gone)} == {CL_ORD_ID}
    assert private.traded.by_coin == {"BTC": "BTC/USDT"}


def test_a_leg_waits_for_its_head() -> None:
    private = Private().up()
    assert private.hear(parsed("event_leg")) == []
    head, leg = reversed(emitted(private.hear(event("event_new", i=20, g=7))))
    assert (head.order_id, leg.parent_order_id, leg.exec_type) == ("BTCUSDT:20", "BTCUSDT:20", ExecType.HELD)


def test_a_list_status_tells_who_the_head_is() -> None:
    private = Private().up()
    assert private.hear(parsed("event_leg")) == []
    (leg,) = emitted(private.hear(parsed("event_list")))
    assert leg.parent_order_id == "BTCUSDT:20"


def test_a_leg_whose_head_never_comes_is_told_without_it() -> None:
    private = Private().up()
    private.hear(parsed("event_leg"), at_s=1.0)
    assert private.session.on_tick(2.0) == []
    (leg,) = emitted(private.session.on_tick(3.0))
    assert (leg.cl_ord_id, leg.parent_order_id, leg.at) == (f"{HEX}-a", None, NOW)


def test_the_old_order_of_a_replace_waits_for_the_new_one() -> None:
    private = Private().up()
    cancel = event("event_cancelled", c=f"{NEXT.replace('-', '')}-x", C=CL_ORD_ID, z="0.0")
    assert private.hear(cancel) == []
    new = event("event_new", c=NEXT, i=29, j=28, J=4310005)
    old, follower = emitted(private.hear(new))
    assert (old.exec_type, old.replaced_by) == (ExecType.REPLACED, "BTCUSDT:29")
    assert (follower.cl_ord_id, follower.replaces) == (NEXT, "BTCUSDT:28")


def test_the_old_order_of_a_replace_whose_new_one_was_rejected_is_cancelled() -> None:
    private = Private().up()
    private.hear(event("event_cancelled", c=f"{NEXT.replace('-', '')}-x", C=CL_ORD_ID), at_s=1.0)
    rejected = event("event_new", c=NEXT, i=29, j=28, J=4310005, x="REJECTED", X="REJECTED", r="INSUFFICIENT_BALANCES")
    old, told = emitted(private.hear(rejected, at_s=1.1))
    assert (old.exec_type, old.replaced_by) == (ExecType.CANCELED, None)
    assert (told.exec_type, told.cl_ord_id, told.order_id, told.ord_status) == (
        ExecType.REPLACE_REJECTED, NEXT, "BTCUSDT:28", None,
    )  # fmt: skip
    assert told.text == "INSUFFICIENT_BALANCES"


def test_the_old_order_of_a_replace_whose_new_one_nobody_knows_of_has_no_closing_word() -> None:
    private = Private().up()
    private.hear(event("event_cancelled", c=f"{NEXT.replace('-', '')}-x", C=CL_ORD_ID), at_s=1.0)
    (old,) = emitted(private.session.on_tick(3.5))
    assert (old.exec_type, old.ord_status, old.replaced_by) == (ExecType.ORDER_STATUS, OrdStatus.PENDING_REPLACE, None)


def test_an_order_that_anything_else_cancelled_is_cancelled_whatever_was_asked_of_it() -> None:
    private = Private().up()
    private.reader.successors.ask(VENUE_ID, NEXT, now_s=0.5)
    (old,) = emitted(private.hear(event("event_cancelled", c="somebody-elses", C=CL_ORD_ID)))
    assert (old.exec_type, old.ord_status) == (ExecType.CANCELED, OrdStatus.CANCELED)
    assert private.reader.successors.doubt(VENUE_ID) is None


@pytest.mark.parametrize(
    "body", [parsed("event_balances"), {"event": {"e": "externalLockUpdate"}}, {"event": {"e": "x"}}]
)
def test_what_is_no_order_is_passed_over(body: object) -> None:
    assert Private().up().hear(body) == []


@pytest.mark.parametrize(
    "body",
    [
        {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": NOW_MS}},
        {"event": {"e": "serverShutdown", "E": NOW_MS}},
        b"{",
        b"[]",
        {"subscriptionId": 0, "event": {"e": "executionReport"}},
        {"id": None, "status": 500, "error": {"code": -1000, "msg": "?"}},
        {"id": "subscribe", "status": 400},
    ],
    ids=["terminated", "shutdown", "half", "list", "no members", "error", "no error"],
)
def test_an_end_and_a_frame_of_no_use_are_answered_with_another_connection(body: object) -> None:
    assert lost(Private().up().hear(body))


@pytest.mark.parametrize("code", [-1002, -1022, -2014, -2015])
def test_credentials_that_the_venue_does_not_take_are_told(code: int) -> None:
    (told,) = emitted(Private().hear({"id": "subscribe", "status": 400, "error": {"code": code, "msg": "no"}}))
    assert isinstance(told, Denied)


def test_i24_a_number_beyond_all_bounds_ends_the_connection() -> None:
    for changes in ({"t": 2**63}, {"i": 10**400}, {"d": 10**7}):
        assert lost(Private().up().hear(event("event_trade", **changes)))


def test_a_time_that_the_venue_does_not_take_has_the_clock_measured() -> None:
    private = Private()
    assert lost(private.hear({"id": "subscribe", "status": 400, "error": {"code": -1021, "msg": "Timestamp"}}))
    assert private.unsynchronised == 1


def test_a_subscription_that_is_not_answered_is_tried_on_another_connection() -> None:
    private = Private()
    assert private.session.on_tick(9.0) == []
    assert lost(private.session.on_tick(11.0))


def test_silence_is_answered_with_a_question_that_measures_the_clock() -> None:
    private = Private().up()
    assert private.session.on_tick(20.0) == []
    (probe,) = sent(private.session.on_tick(21.0))
    assert probe["method"] == "time"
    told = int((NOW + timedelta(seconds=24)).timestamp() * 1000)
    assert private.hear({"id": "time", "status": 200, "result": {"serverTime": told}}, at_s=21.2) == []
    assert private.offset.seconds == pytest.approx(24 - 21.1)
    assert private.session.on_tick(30.0) == []
    assert sent(private.session.on_tick(42.0))
    assert lost(private.session.on_tick(53.0))


def test_a_connection_is_given_up_before_the_venue_ends_it() -> None:
    private = Private().up()
    private.hear(parsed("event_balances"), at_s=84_590.0)
    assert not lost(private.session.on_tick(84_600.0))
    assert lost(private.session.on_tick(84_601.0))


@given(st.binary(max_size=300))
def test_no_frame_breaks_the_private_stream(frame: bytes) -> None:
    private = Private()
    for action in [*private.session.on_frame(frame, NOW, 1.0), *private.session.on_tick(5.0)]:
        assert isinstance(action, Emit | Reconnect)


ODD = st.integers() | st.text() | st.none() | st.booleans()


@given(st.dictionaries(st.sampled_from(list("sScoSfqpPgCxXrilzLnNTtIwZQdjJ")), ODD))
def test_no_report_breaks_the_private_stream(changes: dict[str, Any]) -> None:
    private = Private().up()
    for action in [*private.hear(event("event_trade", **changes)), *private.session.on_tick(9.0)]:
        assert isinstance(action, Reconnect) or isinstance(action.event, ExecutionReport)


# -- market data --------------------------------------------------------------------------------------------------------

BTC = "BTC/USDT"
QUOTES, TRADES, BARS, BOOK = DataKind.QUOTES, DataKind.TRADES, DataKind.BARS, DataKind.BOOK


class Market:
    """A data session and what it said of books."""

    def __init__(self) -> None:
        self.chains: list[tuple[str, int]] = []
        self.session = DataSession(symbols(), on_chain=lambda symbol, first: self.chains.append((symbol, first)))

    def hear(self, body: object) -> Sequence[Any]:
        return self.session.on_frame(json.dumps(body).encode(), NOW, 1.0)


def test_what_was_wanted_before_is_asked_for_in_one_message_when_the_connection_opens() -> None:
    market = Market()
    assert market.session.want([(TRADES, BTC), (BOOK, BTC), (QUOTES, "ETH/BTC"), (BARS, BTC)]) == []
    actions = market.session.on_open(0.0)
    assert emitted(actions) == [FeedUp()]
    (word,) = sent(actions)
    assert word["method"] == "SUBSCRIBE"
    assert sorted(word["params"]) == ["btcusdt@depth@100ms", "btcusdt@kline_1m", "btcusdt@trade", "ethbtc@bookTicker"]


def test_a_pair_is_subscribed_to_once_and_let_go_once() -> None:
    market = Market()
    market.session.on_open(0.0)
    assert sent(market.session.want([(TRADES, BTC)]))[0]["params"] == ["btcusdt@trade"]
    assert market.session.want([(TRADES, BTC)]) == []
    assert sent(market.session.unwant([(TRADES, BTC), (QUOTES, BTC)]))[0] == {
        "method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 2,
    }  # fmt: skip
    assert market.session.unwant([(TRADES, BTC)]) == []


def test_no_more_messages_leave_than_the_venue_takes() -> None:
    market = Market()
    pairs = [(TRADES, f"C{number}/USDT") for number in range(1000)]
    market.session.want(pairs)
    words = sent(market.session.on_open(0.0))
    assert len(words) == 2
    for tick in range(1, 10):
        fresh = sent(market.session.on_tick(float(tick)))
        assert len(fresh) <= 2
        words += fresh
        market.hear({"result": None, "id": tick})
    assert len(words) == 10
    assert sorted(name for word in words for name in word["params"]) == sorted(f"c{n}usdt@trade" for n in range(1000))


def test_what_was_wanted_and_let_go_between_two_ticks_is_not_asked_for() -> None:
    market = Market()
    market.session.on_open(0.0)
    market.session.want([(TRADES, BTC)])
    market.session.want([(QUOTES, BTC)])
    assert market.session.want([(BARS, BTC)]) == []
    market.session.unwant([(BARS, BTC)])
    assert market.session.on_tick(1.0) == []


def test_a_new_connection_asks_for_everything_wanted_again() -> None:
    market = Market()
    market.session.on_open(0.0)
    market.session.want([(TRADES, BTC), (QUOTES, BTC)])
    market.session.unwant([(QUOTES, BTC)])
    assert sent(market.session.on_open(9.0))[0]["params"] == ["btcusdt@trade"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "stream_quote",
            Quote(
                symbol=BTC,
                bid=Price(Decimal("64000.1")),
                ask=Price(Decimal("64000.2")),
                bid_size=Decimal("0.5"),
                ask_size=Decimal(0),
                time=NOW,
                source="binance",
            ),
        ),
        (
            "stream_trade",
            Trade(
                symbol=BTC,
                price=Price(Decimal("64000.1")),
                size=Decimal("0.01"),
                time=NOW + timedelta(milliseconds=100),
                trade_id="12345",
                aggressor=Side.SELL,
            ),
        ),
        (
            "stream_depth",
            BookDelta(
                symbol=BTC,
                bids=(BookLevel(price=Price(Decimal("64000.1")), size=Decimal(0)),),
                asks=(BookLevel(price=Price(Decimal(64001)), size=Decimal("2.5")),),
                time=NOW + timedelta(milliseconds=100),
                sequence=160,
                previous=156,
            ),
        ),
        (
            "stream_bar",
            Bar(
                symbol=BTC,
                start=NOW - timedelta(seconds=70),
                open=Price(Decimal(64000)),
                high=Price(Decimal(64010)),
                low=Price(Decimal(63990)),
                close=Price(Decimal(64005)),
                volume=Decimal("12.5"),
            ),
        ),
    ],
)
def test_each_stream_has_its_event(name: str, expected: object) -> None:
    assert emitted(Market().hear(parsed(name))) == [expected]


def test_a_bar_that_still_grows_is_none() -> None:
    body = parsed("stream_bar")
    body["data"]["k"]["x"] = False
    assert Market().hear(body) == []


def test_the_first_change_of_a_book_has_the_whole_book_asked_for() -> None:
    market = Market()
    market.session.on_open(0.0)
    market.session.want([(BOOK, BTC)])
    market.hear(parsed("stream_depth"))
    market.hear(parsed("stream_depth"))
    assert market.chains == [(BTC, 157)]
    assert market.session.again([(BOOK, BTC), (BOOK, "ETH/BTC")]) == []
    assert market.chains == [(BTC, 157), (BTC, 161)]
    market.session.on_open(9.0)
    market.hear(parsed("stream_depth"))
    assert market.chains[-1] == (BTC, 157)


@pytest.mark.parametrize("body", [{"e": "serverShutdown", "E": NOW_MS}, {"stream": "!serverShutdown", "data": {}}])
def test_a_shutdown_is_answered_with_another_connection(body: object) -> None:
    assert lost(Market().hear(body))


def test_an_error_is_told_and_the_stream_goes_on() -> None:
    (told,) = emitted(Market().hear({"code": 2, "msg": "Invalid request: unknown stream", "id": 3}))
    assert told == FeedError(2, "Invalid request: unknown stream")


def test_a_quiet_stream_is_asked_what_it_carries() -> None:
    market = Market()
    market.session.on_open(0.0)
    market.session.want([(TRADES, BTC)])
    market.hear({"result": None, "id": 1})
    assert market.session.on_tick(31.0) == []
    (probe,) = sent(market.session.on_tick(31.5))
    assert probe == {"method": "LIST_SUBSCRIPTIONS", "id": 2}
    market.hear({"result": ["btcusdt@trade"], "id": 2})
    assert not lost(market.session.on_tick(42.0))
    market.session.on_tick(80.0)
    assert lost(market.session.on_tick(92.0))


def test_a_market_subscription_that_is_not_answered_is_tried_on_another_connection() -> None:
    market = Market()
    market.session.on_open(0.0)
    market.session.want([(TRADES, BTC)])
    assert lost(market.session.on_tick(11.0))


@given(st.binary(max_size=200))
def test_no_frame_breaks_the_market_stream(frame: bytes) -> None:
    for action in Market().session.on_frame(frame, NOW, 1.0):
        assert isinstance(action, Emit | Reconnect)


@given(st.sampled_from(["depth@100ms", "bookTicker", "trade", "aggTrade", "kline_1m", "odd"]), st.text(max_size=5))
def test_no_data_breaks_the_market_stream(channel: str, text: str) -> None:
    for data in (text, [text], {"s": text}, {"k": text}, None, 1e400 if text else 3):
        frame = json.dumps({"stream": f"btcusdt@{channel}", "data": data}).encode()
        for action in Market().session.on_frame(frame, NOW, 1.0):
            assert isinstance(action, Emit | Reconnect)


def test_coins_stream_on_one_line_and_nothing_else_does() -> None:
    plan = DataPlan(origin="wss://x", symbols=Symbols(), on_chain=lambda symbol, first: None)
    assert plan.line_of((BOOK, BTC)) == "/stream"
    assert plan.most("/stream") == 1024
    for symbol in ("AAPL", "BTC/USDT:USDT"):
        with pytest.raises(NotSupported):
            plan.line_of((QUOTES, symbol))


# -- whole books --------------------------------------------------------------------------------------------------------


def whole(sequence: int) -> BookDelta:
    return BookDelta(symbol=BTC, bids=(), asks=(), time=NOW, reset=True, sequence=sequence)


class Shelf:
    """What is fetched, in turn, and what was handed on."""

    def __init__(self, *answers: BookDelta | Exception) -> None:
        self.answers = list(answers)
        self.handed: list[BookDelta] = []
        self.clock = ManualClock(NOW)
        self.books = Books(fetch=self.fetch, hand=self.handed.append, clock=self.clock, log=NoLog())

    async def fetch(self, symbol: str) -> BookDelta:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.asyncio
async def test_a_whole_book_older_than_the_first_change_is_asked_for_again() -> None:
    shelf = Shelf(whole(155), whole(156))
    shelf.books.begin(BTC, 157)
    await shelf.clock.advance(0.5)
    assert shelf.handed == []
    await shelf.clock.advance(1.0)
    assert [book.sequence for book in shelf.handed] == [156]


@pytest.mark.asyncio
async def test_a_book_that_could_not_be_asked_for_is_asked_for_again() -> None:
    shelf = Shelf(Timeout("no answer"), whole(200))
    shelf.books.begin(BTC, 157)
    await shelf.clock.advance(1.5)
    assert [book.sequence for book in shelf.handed] == [200]


@pytest.mark.asyncio
async def test_a_newer_question_takes_the_place_of_an_older_one() -> None:
    shelf = Shelf(whole(1), whole(500))
    shelf.books.begin(BTC, 157)
    await shelf.clock.advance(0.1)
    shelf.books.begin(BTC, 501)
    await shelf.clock.advance(5.0)
    assert [book.sequence for book in shelf.handed] == [500]
    await shelf.books.close()


@pytest.mark.asyncio
async def test_a_book_that_stays_old_is_given_up_in_the_end() -> None:
    shelf = Shelf(*(whole(1) for _ in range(20)))
    shelf.books.begin(BTC, 157)
    await shelf.clock.advance(60.0)
    assert shelf.handed == []
    assert len(shelf.answers) == 10
    await asyncio.sleep(0)


# -- a recorded day -----------------------------------------------------------------------------------------------------


@pytest.fixture
def captures(recorded_data: Path) -> Path:
    return recorded_data / "crypto" / "binance"


def test_every_frame_of_the_recorded_stream_is_understood(captures: Path) -> None:
    session = replay_session()
    kinds: dict[str, int] = {}
    last: dict[str, int | None] = {}
    session.on_open(0.0)
    for frame in frames(captures / "BINANCE.ws.1.0"):
        if frame.kind is not FrameKind.MESSAGE:
            continue
        assert frame.at is not None
        actions = session.on_frame(frame.data.encode(), frame.at, 1.0)
        assert not lost(actions), frame.data[:200]
        for event_ in emitted(actions):
            kinds[type(event_).__name__] = kinds.get(type(event_).__name__, 0) + 1
            if isinstance(event_, BookDelta):
                assert event_.previous is not None
                assert last.get(event_.symbol) in (None, event_.previous)  # the chain has no hole
                last[event_.symbol] = event_.sequence
    assert kinds == {"BookDelta": 177, "Quote": 84, "Trade": 2}  # two bars still grow
    assert set(last) == {"NKN/USDT", "BLZ/ETH", "LRC/BTC", "RUNE/EUR"}


def test_every_recorded_snapshot_is_a_whole_book(captures: Path) -> None:
    books = [
        snapshot_from(frame.url or "", frame.data.encode(), at=frame.at or NOW)
        for frame in frames(captures / "BINANCE.http.0.0")
        if frame.kind is FrameKind.REPLY
    ]
    assert [book.symbol for book in books if book is not None] == ["NKN/USDT", "BLZ/ETH", "LRC/BTC", "RUNE/EUR"]
    assert all(book.reset and book.bids and book.asks for book in books if book is not None)


def test_a_recorded_snapshot_follows_from_the_recorded_chain(captures: Path) -> None:
    """The venue's procedure on its own data: the first change that is kept begins at or before the whole book's end."""
    (first, *_) = [frame for frame in frames(captures / "BINANCE.http.0.0") if frame.kind is FrameKind.REPLY]
    book = snapshot_from(first.url or "", first.data.encode())
    assert book is not None
    assert book.sequence is not None
    session, kept = replay_session(), list[BookDelta]()
    for frame in frames(captures / "BINANCE.ws.1.0"):
        if frame.kind is FrameKind.MESSAGE:
            for event_ in emitted(session.on_frame(frame.data.encode(), NOW, 1.0)):
                if (
                    isinstance(event_, BookDelta)
                    and event_.symbol == book.symbol
                    and (event_.sequence or 0) > book.sequence
                ):
                    kept.append(event_)
    assert kept[0].previous is not None
    assert kept[0].previous <= book.sequence


def test_replies_of_other_endpoints_are_no_books() -> None:
    assert snapshot_from("https://api.binance.com/api/v3/time", b"{}") is None
    assert snapshot_from("https://api.binance.com/api/v3/depth", payload("depth")) is None
    assert snapshot_from("https://api.binance.com/api/v3/depth?symbol=BTCUSDT", b"<html>") is None
    found = snapshot_from("https://api.binance.com/api/v3/depth?symbol=BTCUSDT", payload("depth"))
    assert found is not None
    assert (found.symbol, found.sequence, len(found.bids)) == (BTC, 160, 2)
    assert found.time == datetime(1970, 1, 1, tzinfo=UTC)


# -- the order socket ---------------------------------------------------------------------------------------------------

DIALECT = BinanceDialect(lambda: NOW)


def command(method: str, path: str, **parts: Any) -> Request:
    return Request(method=method, origin="https://x", path=path, endpoint="orders.submit", **parts)


def test_a_command_is_spelled_with_its_numbers_as_numbers() -> None:
    request = command(
        "POST", "/api/v3/order", body=b"symbol=BTCUSDT&quantity=1&trailingDelta=150&newClientOrderId=a%20b"
    )
    signed = sign_for_socket(request, CREDENTIALS, NOW, recv_window_ms=5000)
    word = json.loads(DIALECT.words(signed, 7))
    assert (word["id"], word["method"]) == (7, "order.place")
    params = word["params"]
    assert (params["quantity"], params["trailingDelta"], params["newClientOrderId"]) == ("1", 150, "a b")
    assert (params["recvWindow"], params["apiKey"]) == (5000, "test-key")


def test_a_cancel_takes_its_parameters_from_the_query() -> None:
    request = command("DELETE", "/api/v3/order", query=(("symbol", "BTCUSDT"), ("orderId", "28")))
    signed = sign_for_socket(request, CREDENTIALS, NOW, recv_window_ms=5000)
    assert signed.query == ()
    word = json.loads(DIALECT.words(signed, 8))
    assert (word["method"], word["params"]["orderId"]) == ("order.cancel", 28)


def test_what_the_socket_has_no_word_for_is_not_sent() -> None:
    with pytest.raises(InvalidRequest):
        DIALECT.words(command("POST", "/api/v3/order/test"), 1)


def test_an_answer_is_shaped_like_one_over_http() -> None:
    (answer,) = DIALECT.on_frame(payload("socket_placed"))
    assert isinstance(answer, Answer)
    assert (answer.number, answer.response.status) == (1, 200)
    assert json.loads(answer.response.body) == parsed("placed_limit")
    assert answer.response.headers == {
        "x-mbx-order-count-10s": "12", "x-mbx-order-count-1d": "43", "x-mbx-used-weight-1m": "321",
    }  # fmt: skip


def test_a_refusal_and_a_wait_are_told() -> None:
    (refused,) = DIALECT.on_frame(payload("socket_refused"))
    assert isinstance(refused, Answer)
    assert json.loads(refused.response.body)["code"] == -2010
    (waits,) = DIALECT.on_frame(payload("socket_too_many"))
    assert isinstance(waits, Answer)
    assert (waits.response.status, waits.response.headers["retry-after"]) == (429, "13")


@given(st.binary(max_size=200))
def test_no_frame_breaks_the_dialect(frame: bytes) -> None:
    DIALECT.on_frame(frame)


@pytest.mark.parametrize(
    "frame", [b'{"id":"ping","status":200,"result":{}}', b'{"event":{"e":"serverShutdown"}}', b"null"]
)
def test_frames_that_answer_nothing_are_passed_over(frame: bytes) -> None:
    assert DIALECT.on_frame(frame) == ()


def test_signs_of_life_and_log_ins() -> None:
    assert json.loads(DIALECT.ping()) == {"id": "ping", "method": "ping"}
    assert DIALECT.opening() == ()
    assert len(set(METHODS.values())) == len(METHODS)
