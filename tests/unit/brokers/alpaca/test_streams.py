"""The sans-I/O sessions: what they say, when they are up, and when they want another connection."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.mapping.families import Families
from floorbroker.brokers.alpaca.stream.data import DataSession
from floorbroker.brokers.alpaca.stream.events import ActivitySession
from floorbroker.brokers.alpaca.stream.trading import TradingSession
from floorbroker.domain.bars import Bar
from floorbroker.domain.records import BookDelta, BookLevel, DataKind, ExecutionReport, Quote, Trade
from floorbroker.domain.values import ExecType, Side
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import FeedError, FeedUp
from floorbroker.transport.private import Denied, Up
from tests.unit.brokers.alpaca.fakes import CREDENTIALS, NOW, VENUE_ID, parsed, payload


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def frame(message: object) -> bytes:
    return json.dumps(message).encode()


def sent(actions: object) -> list[Any]:
    return [json.loads(action.data) for action in actions if isinstance(action, Send)]  # type: ignore[attr-defined]


def emitted(actions: object) -> list[Any]:
    return [action.event for action in actions if isinstance(action, Emit)]  # type: ignore[attr-defined]


def authorization(status: str, action: str = "authenticate") -> bytes:
    return frame({"stream": "authorization", "data": {"status": status, "action": action}})


LISTENING = frame({"stream": "listening", "data": {"streams": ["trade_updates"]}})
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates"]}}


@pytest.fixture
def trading() -> TradingSession:
    return TradingSession(CREDENTIALS, Families())


@pytest.fixture
def live(trading: TradingSession) -> TradingSession:
    trading.on_open(0)
    trading.on_frame(authorization("authorized"), NOW, 0)
    trading.on_frame(LISTENING, NOW, 0)
    return trading


def test_the_log_in_comes_first_and_listening_makes_the_stream_up(trading: TradingSession) -> None:
    assert sent(trading.on_open(0)) == [
        {"action": "authenticate", "data": {"key_id": "PKTESTKEY", "secret_key": "canary-secret"}}
    ]
    assert sent(trading.on_frame(authorization("authorized"), NOW, 0)) == [LISTEN]
    assert emitted(trading.on_frame(LISTENING, NOW, 0)) == [Up()]


def test_every_new_connection_is_announced_again(live: TradingSession) -> None:
    live.on_open(0)
    live.on_frame(authorization("authorized"), NOW, 0)
    assert emitted(live.on_frame(LISTENING, NOW, 0)) == [Up()]


def test_refused_credentials_are_told_and_not_tried_again(trading: TradingSession) -> None:
    trading.on_open(0)
    (event,) = emitted(trading.on_frame(authorization("unauthorized"), NOW, 0))
    assert isinstance(event, Denied)
    assert "canary" not in event.detail


def test_a_listen_before_the_log_in_is_answered_with_another_connection(trading: TradingSession) -> None:
    trading.on_open(0)
    assert isinstance(trading.on_frame(authorization("unauthorized", "listen"), NOW, 0)[0], Reconnect)


def test_a_listening_without_trade_updates_is_no_stream(trading: TradingSession) -> None:
    trading.on_open(0)
    assert isinstance(trading.on_frame(frame({"stream": "listening", "data": {"streams": []}}), NOW, 0)[0], Reconnect)


def test_an_update_is_a_report(live: TradingSession) -> None:
    (report,) = emitted(live.on_frame(payload("update_partial_fill"), NOW, 0))
    assert isinstance(report, ExecutionReport)
    assert (report.exec_type, report.order_id, report.at) == (ExecType.TRADE, VENUE_ID, NOW)


def test_a_replace_is_told_with_the_id_that_follows(live: TradingSession) -> None:
    (report,) = emitted(live.on_frame(payload("update_replaced"), NOW, 0))
    assert (report.exec_type, report.replaced_by) == (ExecType.REPLACED, "5b2f9a0e-0c6e-4a55-9f43-0d3a6f1b7c12")


def test_a_child_is_told_with_the_parent_that_an_earlier_message_showed(live: TradingSession) -> None:
    head = parsed("order_bracket")
    live.on_frame(frame({"stream": "trade_updates", "data": {"event": "new", "order": head}}), NOW, 0)
    child = head["legs"][0] | {"legs": None, "status": "new"}
    (report,) = emitted(
        live.on_frame(frame({"stream": "trade_updates", "data": {"event": "new", "order": child}}), NOW, 0)
    )
    assert report.parent_order_id == VENUE_ID


def told(order: object) -> bytes:
    return frame({"stream": "trade_updates", "data": {"event": "new", "order": order}})


def test_a_child_heard_of_before_its_family_waits_for_it(live: TradingSession) -> None:
    head = parsed("order_bracket")
    child = head["legs"][0] | {"legs": None, "status": "new"}
    assert live.on_frame(told(child), NOW, 0) == []
    reports = emitted(live.on_frame(told(head), later(1), 1))
    assert [(report.order_id, report.parent_order_id) for report in reports[:2]] == [
        (child["id"], VENUE_ID),
        (VENUE_ID, None),
    ]
    assert reports[0].at == NOW


def test_a_child_that_nobody_claims_is_told_after_a_moment(live: TradingSession) -> None:
    child = parsed("order_bracket")["legs"][0] | {"status": "new"}
    live.on_frame(told(child), NOW, 0)
    assert live.on_tick(1) == []
    (report,) = emitted(live.on_tick(2))
    assert (report.order_id, report.parent_order_id) == (child["id"], None)


def test_a_listing_still_asks_whose_a_child_is_that_the_stream_waited_for_in_vain() -> None:
    """The reply that showed the children was lost, and their parent is closed: only the listing can ask for it."""
    families = Families()
    live = TradingSession(CREDENTIALS, families)
    child = parsed("order_bracket")["legs"][0] | {"status": "new"}
    live.on_frame(told(child), NOW, 0)
    assert len(emitted(live.on_tick(2))) == 1
    assert families.is_stray(wire.decode(json.dumps(child).encode(), wire.Order, what="the order"))
    assert live.on_frame(told(child), later(3), 3) == []  # and what comes before the listing waits as well
    families.learn([wire.decode(json.dumps(parsed("order_bracket")).encode(), wire.Order, what="the order")])
    (report,) = emitted(live.on_tick(4))
    assert report.parent_order_id == VENUE_ID


def test_a_child_that_cannot_be_read_is_answered_with_another_connection_once(live: TradingSession) -> None:
    """It waits unread; an error raised out of a tick would have ended the stream, and come back with every tick."""
    child = parsed("order_bracket")["legs"][0] | {"status": "new", "qty": "NaN"}
    assert live.on_frame(told(child), NOW, 0) == []
    assert [type(action) for action in live.on_tick(2)] == [Reconnect]
    assert live.on_tick(3) == []


def test_our_own_group_never_waits(live: TradingSession) -> None:
    head = parsed("order_bracket") | {"legs": None}
    assert len(emitted(live.on_frame(told(head), NOW, 0))) == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"<html>", b"[]", b"null", b'{"stream":"trade_updates","data":{"event":"fill"}}', b"[" * 5000],
)
def test_an_unreadable_frame_is_answered_with_another_connection(live: TradingSession, data: bytes) -> None:
    (action,) = live.on_frame(data, NOW, 0)
    assert isinstance(action, Reconnect)


@given(st.binary(max_size=300))
def test_no_frame_can_raise(data: bytes) -> None:
    session = TradingSession(CREDENTIALS, Families())
    session.on_open(0)
    session.on_frame(data, NOW, 0)
    feed = DataSession(CREDENTIALS, source="iex")
    feed.on_open(0)
    feed.on_frame(data, NOW, 0)
    ActivitySession().on_frame(data, NOW, 0)


MEMBERS = st.sampled_from(["T", "S", "t", "p", "s", "c", "a", "b", "r", "i", "o", "h", "l", "v", "code", "msg"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(parsed("order_pending_new"))), json_values))
def test_no_order_can_raise(changes: dict[str, Any]) -> None:
    session = TradingSession(CREDENTIALS, Families())
    data = {"event": "fill", "order": parsed("order_pending_new") | changes}
    session.on_frame(json.dumps({"stream": "trade_updates", "data": data}).encode(), NOW, 0)


@given(
    st.lists(
        st.dictionaries(
            MEMBERS,
            json_values,
        ),
        max_size=3,
    )
)
def test_no_market_data_can_raise(messages: list[dict[str, Any]]) -> None:
    session = DataSession(CREDENTIALS, source="iex")
    for kind in ["q", "t", "b", "o", "error", "success"]:
        session.on_frame(json.dumps([{"T": kind} | message for message in messages]).encode(), NOW, 0)


def test_a_log_in_without_answer_is_given_up(trading: TradingSession) -> None:
    trading.on_open(0)
    assert trading.on_tick(9) == []
    assert isinstance(trading.on_tick(11)[0], Reconnect)


def test_silence_is_answered_with_a_question_before_the_connection_is_given_up(live: TradingSession) -> None:
    assert live.on_tick(19) == []
    assert sent(live.on_tick(21)) == [LISTEN]
    assert live.on_tick(30) == []
    assert isinstance(live.on_tick(32)[0], Reconnect)


def test_an_answer_to_the_question_is_a_sign_of_life_and_no_news(live: TradingSession) -> None:
    live.on_tick(21)
    assert live.on_frame(LISTENING, later(22), 22) == []
    assert live.on_tick(33) == []


def test_what_is_waited_for_is_counted_without_the_wall_clock(live: TradingSession) -> None:
    head = parsed("order_bracket")
    child = head["legs"][0] | {"legs": None, "status": "new"}
    long_ago = later(-7200)
    assert live.on_frame(told(child), long_ago, 1) == []
    (report,) = emitted(live.on_tick(3))
    assert report.at == long_ago
    assert sent(live.on_tick(22)) == [LISTEN]


# -- market data --------------------------------------------------------------------------------------------------------

AAPL_QUOTES = (DataKind.QUOTES, "AAPL")
CONNECTED = frame([{"T": "success", "msg": "connected"}])
AUTHENTICATED = frame([{"T": "success", "msg": "authenticated"}])


@pytest.fixture
def feed() -> DataSession:
    return DataSession(CREDENTIALS, source="alpaca iex")


@pytest.fixture
def running(feed: DataSession) -> DataSession:
    feed.on_open(0)
    feed.on_frame(CONNECTED, NOW, 0)
    feed.on_frame(AUTHENTICATED, NOW, 0)
    return feed


def test_a_feed_logs_in_when_greeted_and_then_asks_for_everything_wanted(feed: DataSession) -> None:
    feed.want([AAPL_QUOTES, (DataKind.BARS, "MSFT"), (DataKind.QUOTES, "MSFT")])
    assert feed.on_open(0) == []
    assert sent(feed.on_frame(CONNECTED, NOW, 0)) == [{"action": "auth", "key": "PKTESTKEY", "secret": "canary-secret"}]
    actions = feed.on_frame(AUTHENTICATED, NOW, 0)
    assert emitted(actions) == [FeedUp()]
    assert sent(actions) == [{"action": "subscribe", "bars": ["MSFT"], "quotes": ["AAPL", "MSFT"]}]


def test_only_what_is_new_is_subscribed_and_only_what_is_held_is_let_go(running: DataSession) -> None:
    assert sent(running.want([AAPL_QUOTES])) == [{"action": "subscribe", "quotes": ["AAPL"]}]
    assert running.want([AAPL_QUOTES]) == []
    assert sent(running.unwant([AAPL_QUOTES, (DataKind.TRADES, "AAPL")])) == [
        {"action": "unsubscribe", "quotes": ["AAPL"]}
    ]
    assert running.unwant([AAPL_QUOTES]) == []


def test_after_a_loss_everything_wanted_is_asked_for_again(running: DataSession) -> None:
    running.want([AAPL_QUOTES])
    running.on_open(0)
    assert running.want([(DataKind.TRADES, "AAPL")]) == []
    running.on_frame(CONNECTED, NOW, 0)
    assert sent(running.on_frame(AUTHENTICATED, NOW, 0)) == [
        {"action": "subscribe", "quotes": ["AAPL"], "trades": ["AAPL"]}
    ]


def test_options_are_asked_for_in_their_spelling_and_told_in_ours(running: DataSession) -> None:
    asked = running.want([(DataKind.TRADES, "AAPL  260320C00150000")])
    assert sent(asked) == [{"action": "subscribe", "trades": ["AAPL260320C00150000"]}]
    told = {"T": "t", "S": "AAPL260320C00150000", "p": 3.1, "s": 1, "t": "2026-03-02T15:04:05Z", "x": "C", "c": "a"}
    (trade,) = emitted(running.on_frame(frame([told]), NOW, 0))
    assert trade.symbol == "AAPL  260320C00150000"


def test_one_frame_carries_many_events_and_exact_numbers(running: DataSession) -> None:
    quote, trade, bar = emitted(running.on_frame(payload("data_frame"), NOW, 0))
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.ask, quote.ask_size, quote.source) == (
        Decimal("150.5"),
        Decimal("150.52"),
        Decimal(200),
        "alpaca iex",
    )
    assert isinstance(trade, Trade)
    assert (trade.price, trade.trade_id) == (Decimal("150.51"), "7120034")
    assert isinstance(bar, Bar)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == tuple(
        map(Decimal, ("149.1", "151", "148.9", "150.5", "51234"))
    )


def test_coins_have_books_and_takers(running: DataSession) -> None:
    book, trade = emitted(running.on_frame(payload("data_coin_frame"), NOW, 0))
    assert isinstance(book, BookDelta)
    assert (book.symbol, book.reset) == ("BTC/USD", True)
    assert book.bids == (BookLevel(price=Decimal("61000.1"), size=Decimal("0.5")),)  # type: ignore[arg-type]
    assert book.asks[0].size == 0
    assert trade.aggressor is Side.SELL


@pytest.mark.parametrize(
    ("code", "fatal", "again"),
    [
        (400, False, False),
        (401, False, True),
        (402, True, False),
        (404, False, True),
        (405, False, False),
        (406, False, True),
        (407, False, True),
        (409, True, False),
        (500, False, True),
        (599, False, True),
    ],
)
def test_each_error_code_ends_repeats_or_keeps_the_feed(
    running: DataSession, code: int, fatal: bool, again: bool
) -> None:
    actions = running.on_frame(frame([{"T": "error", "code": code, "msg": "words"}]), NOW, 0)
    assert emitted(actions) == [FeedError(code, "words", fatal=fatal, denied=code == 402)]
    assert any(isinstance(action, Reconnect) for action in actions) is again


def test_a_feed_that_greets_nobody_is_given_up(feed: DataSession) -> None:
    feed.on_open(0)
    assert isinstance(feed.on_tick(11)[0], Reconnect)


def test_a_silent_feed_is_asked_and_then_given_up(running: DataSession) -> None:
    running.want([AAPL_QUOTES])
    assert sent(running.on_tick(31)) == [{"action": "subscribe", "quotes": ["AAPL"]}]
    assert isinstance(running.on_tick(42)[0], Reconnect)


def test_a_feed_is_asked_however_its_last_frame_is_dated(running: DataSession) -> None:
    running.want([AAPL_QUOTES])
    running.on_frame(payload("data_frame"), later(7200), 5)
    assert running.on_tick(34) == []
    assert sent(running.on_tick(36)) == [{"action": "subscribe", "quotes": ["AAPL"]}]


def test_a_feed_nobody_wants_may_be_silent(running: DataSession) -> None:
    assert running.on_tick(3600) == []


# -- activity events ----------------------------------------------------------------------------------------------------


def test_activity_events_tell_fills_corrections_and_busts_and_pass_over_the_rest() -> None:
    session = ActivitySession()
    assert emitted(session.on_open(0)) == [Up()]
    kinds = [
        emitted(session.on_frame(payload(f"event_{kind}"), NOW, 0)) for kind in ("fill", "dividend", "correct", "bust")
    ]
    assert [[report.exec_type for report in reports] for reports in kinds] == [
        [ExecType.TRADE],
        [],
        [ExecType.TRADE_CORRECT],
        [ExecType.TRADE_CANCEL],
    ]


def test_a_bust_of_a_correction_takes_back_the_first_execution() -> None:
    session = ActivitySession()
    (fill,) = emitted(session.on_frame(payload("event_fill"), NOW, 0))
    session.on_frame(payload("event_correct"), NOW, 0)
    (bust,) = emitted(session.on_frame(payload("event_bust"), NOW, 0))
    assert bust.exec_ref_id == fill.exec_id


def test_a_new_connection_goes_on_behind_the_last_event() -> None:
    session = ActivitySession()
    assert session.query(NOW) == (("since", "2026-03-02T15:04:10.000000Z"),)
    session.on_frame(payload("event_fill"), NOW, 0)
    assert session.query(later(60)) == (("since_id", "01JNBC0000000000000000000A"),)


def test_an_event_that_cannot_be_read_is_not_asked_for_twice() -> None:
    session = ActivitySession()
    broken = parsed("event_fill") | {"details": {"order_id": 5}}
    assert isinstance(session.on_frame(frame(broken), NOW, 0)[0], Reconnect)
    assert session.query(NOW) == (("since_id", "01JNBC0000000000000000000A"),)


def test_a_comment_is_a_sign_of_life() -> None:
    assert ActivitySession().on_frame(b"", NOW, 0) == []


def test_an_event_stream_that_says_nothing_at_all_for_long_is_opened_anew() -> None:
    session = ActivitySession()
    session.on_open(100)
    assert session.on_tick(1000) == []
    assert isinstance(session.on_tick(1001)[0], Reconnect)
    session.on_frame(b"", NOW, 1000)
    assert session.on_tick(1001) == []
