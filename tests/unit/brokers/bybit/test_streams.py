"""The sessions of the private stream, the public streams and the trade socket, without a socket."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.bybit.auth import TIME_HEADER, WINDOW_HEADER, login, sign
from floorbroker.brokers.bybit.info import Options, origins_for
from floorbroker.brokers.bybit.mapping.symbols import Symbols
from floorbroker.brokers.bybit.rest.answers import accepted
from floorbroker.brokers.bybit.rest.calls import Calls
from floorbroker.brokers.bybit.stream import replay_session, snapshot_from
from floorbroker.brokers.bybit.stream.plan import PAIRS_MAX, PublicPlan
from floorbroker.brokers.bybit.stream.private import TOPICS, PrivateSession
from floorbroker.brokers.bybit.stream.public import ARGS_MAX, PublicSession
from floorbroker.brokers.bybit.stream.pulse import ANSWER_S, PING_S, SILENCE_S
from floorbroker.brokers.bybit.stream.trade import TradeDialect
from floorbroker.brokers.bybit.wire import CancelAllRequest, CancelRequest
from floorbroker.domain.bars import Bar
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.records import BookDelta, DataKind, ExecutionReport, Quote, Trade
from floorbroker.domain.values import Environment, ExecType, OrdStatus, Side
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import FeedError, FeedUp
from floorbroker.transport.order_socket import Answer, Ready, Refused
from floorbroker.transport.private import Denied, Up
from tests.unit.brokers.bybit.fakes import CL_ORD_ID, CREDENTIALS, NOW, PAIR, PERP, VENUE_ID, parsed, payload, reader

BOOK, QUOTES, TRADES, BARS = DataKind.BOOK, DataKind.QUOTES, DataKind.TRADES, DataKind.BARS


def raw(message: object) -> bytes:
    return json.dumps(message).encode()


def sent(actions: Sequence[object]) -> list[dict[str, Any]]:
    return [json.loads(action.data) for action in actions if isinstance(action, Send)]


def events(actions: Sequence[object]) -> list[Any]:
    return [action.event for action in actions if isinstance(action, Emit)]


# -- private ------------------------------------------------------------------------------------------------------------

AUTH_OK = {"success": True, "ret_msg": "", "op": "auth", "conn_id": "cejre"}
SUBSCRIBED = {"success": True, "ret_msg": "", "op": "subscribe", "conn_id": "cejre"}


def private() -> PrivateSession:
    return PrivateSession(reader(), login=lambda: login(CREDENTIALS, NOW))


def hear(session: PrivateSession | PublicSession, message: object, now_s: float = 0.0) -> list[object]:
    frame = message if isinstance(message, bytes) else raw(message)
    return list(session.on_frame(frame, NOW, now_s))


def up() -> PrivateSession:
    session = private()
    session.on_open(0.0)
    hear(session, AUTH_OK)
    assert events(hear(session, SUBSCRIBED)) == [Up()]
    return session


def test_the_private_stream_is_up_once_the_venue_confirms_the_topics() -> None:
    session = private()
    (first,) = sent(session.on_open(0.0))
    assert first["op"] == "auth"
    (second,) = sent(hear(session, AUTH_OK))
    assert (second["op"], second["args"]) == ("subscribe", list(TOPICS))
    assert set(TOPICS) == {"order.spot", "order.linear", "execution.spot", "execution.linear"}
    assert events(hear(session, SUBSCRIBED)) == [Up()]
    assert events(hear(session, SUBSCRIBED)) == []


def test_a_refused_log_in_is_a_denial_and_one_that_came_too_late_is_not() -> None:
    session = private()
    session.on_open(0.0)
    (denied,) = events(hear(session, AUTH_OK | {"success": False, "ret_msg": "API key is invalid."}))
    assert isinstance(denied, Denied)
    (again,) = hear(session, AUTH_OK | {"success": False, "ret_msg": "Params Error: expires is expired"})
    assert isinstance(again, Reconnect)


def test_a_refused_subscription_is_tried_on_another_connection() -> None:
    session = private()
    session.on_open(0.0)
    (action,) = hear(session, SUBSCRIBED | {"success": False, "ret_msg": "error:handler not found"})
    assert isinstance(action, Reconnect)


@pytest.mark.parametrize("topic", ["order", "order.linear"])
def test_an_order_message_tells_of_each_order_in_it(topic: str) -> None:
    order = parsed("order_linear") | {"category": "linear"}
    message = parsed("private_order") | {"topic": topic, "data": [order, order | {"orderStatus": "Cancelled"}]}
    first, second = events(hear(up(), message))
    assert (first.order_id, first.exec_type, first.symbol) == (VENUE_ID, ExecType.NEW, PERP)
    assert second.ord_status is OrdStatus.CANCELED


def test_an_execution_message_tells_of_fills_alone() -> None:
    fill = parsed("execution_linear") | {"category": "linear"}
    funding = fill | {"execType": "Funding", "side": ""}
    message = parsed("private_order") | {"topic": "execution", "data": [fill, funding, parsed("execution_spot")]}
    perpetual, spot = events(hear(up(), message))
    assert (perpetual.exec_type, perpetual.symbol, spot.symbol) == (ExecType.TRADE, PERP, PAIR)


@pytest.mark.parametrize(("kind", "example"), [("order", "order_linear"), ("execution", "execution_linear")])
def test_categories_that_are_not_traded_here_are_left_out(kind: str, example: str) -> None:
    ours = parsed(example) | {"category": "linear"}
    inverse = ours | {"symbol": "BTCUSD", "category": "inverse"}
    option = ours | {"symbol": "BTC-27MAR26-70000-P-USDT", "category": "option"}
    (report,) = events(hear(up(), {"topic": kind, "data": [inverse, ours, option]}))
    assert report.symbol == PERP
    assert hear(up(), {"topic": f"{kind}.inverse", "data": [inverse, ours | {"category": ""}]}) == []


def test_what_tells_no_category_is_answered_with_another_connection() -> None:
    (action,) = hear(up(), {"topic": "order", "data": [parsed("order_linear") | {"category": ""}]})
    assert isinstance(action, Reconnect)


@pytest.mark.parametrize("topic", ["position", "wallet", "greeks"])
def test_other_topics_are_signs_of_life(topic: str) -> None:
    assert hear(up(), {"topic": topic, "id": "x", "creationTime": 1, "data": [{"anything": 1}]}) == []


def test_pings_are_sent_and_a_silence_ends_the_connection() -> None:
    session = up()
    assert session.on_tick(PING_S - 1) == []
    (ping,) = sent(session.on_tick(PING_S))
    assert ping["op"] == "ping"
    assert session.on_tick(PING_S + 1) == []
    hear(session, {"req_id": "1", "op": "pong", "args": ["1772463850123"], "conn_id": "x"}, PING_S + 2)
    assert not any(isinstance(a, Reconnect) for a in session.on_tick(PING_S + SILENCE_S))
    assert any(isinstance(a, Reconnect) for a in session.on_tick(PING_S + 3 + SILENCE_S))


def test_a_log_in_nobody_answers_ends_the_connection() -> None:
    session = private()
    session.on_open(0.0)
    (action,) = session.on_tick(ANSWER_S + 1)
    assert isinstance(action, Reconnect)


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff\xfe",
        b"[]",
        b"{",
        raw({"topic": "order", "data": {}}),
        raw({"topic": "order", "data": [{"orderId": "x"}]}),
        raw({"topic": "order", "data": [parsed("order_linear") | {"qty": "NaN"}]}),
        raw({"topic": "execution", "data": [parsed("execution_linear") | {"execPrice": ""}]}),
    ],
)
def test_what_cannot_be_read_is_answered_with_another_connection(frame: bytes) -> None:
    (action,) = hear(up(), frame)
    assert isinstance(action, Reconnect)


@given(st.binary(max_size=300))
def test_no_frame_crashes_a_session(frame: bytes) -> None:
    for session in (private(), PublicSession("linear", Symbols(), depth=50)):
        session.on_open(0.0)
        session.on_frame(frame, NOW, 1.0)
    TradeDialect(login=str).on_frame(frame)


# -- public -------------------------------------------------------------------------------------------------------------


def public(category: str = "linear", depth: int | None = 50) -> PublicSession:
    session = PublicSession(category, Symbols(), depth=depth)
    assert events(session.on_open(0.0)) == [FeedUp()]
    return session


def test_a_kind_of_a_symbol_is_a_topic() -> None:
    linear, spot = public(), public("spot")
    assert [linear.topic_of((kind, PERP)) for kind in (BOOK, QUOTES, TRADES, BARS)] == [
        "orderbook.50.BTCUSDT",
        "tickers.BTCUSDT",
        "publicTrade.BTCUSDT",
        "kline.1.BTCUSDT",
    ]
    assert spot.topic_of((QUOTES, PAIR)) == "orderbook.1.BTCUSDT"


def test_topics_are_asked_for_ten_at_a_time_and_once() -> None:
    session = public()
    pairs = [(BOOK, f"C{number}/USDT:USDT") for number in range(23)]
    asked = sent(session.want(pairs))
    assert [len(message["args"]) for message in asked] == [ARGS_MAX, ARGS_MAX, 3]
    assert all(message["op"] == "subscribe" for message in asked)
    assert session.want(pairs) == []


def test_a_new_connection_asks_for_everything_again() -> None:
    session = public()
    session.want([(BOOK, PERP), (TRADES, PERP)])
    (message,) = sent(session.on_open(50.0))
    assert message["args"] == ["orderbook.50.BTCUSDT", "publicTrade.BTCUSDT"]


def test_before_the_connection_is_open_nothing_is_sent() -> None:
    session = PublicSession("linear", Symbols(), depth=50)
    assert session.want([(BOOK, PERP)]) == []


def test_a_topic_that_something_else_needs_is_kept() -> None:
    session = PublicSession("spot", Symbols(), depth=1)
    session.on_open(0.0)
    session.want([(BOOK, PAIR), (QUOTES, PAIR)])
    assert session.unwant([(BOOK, PAIR)]) == []
    (message,) = sent(session.unwant([(QUOTES, PAIR)]))
    assert (message["op"], message["args"]) == ("unsubscribe", ["orderbook.1.BTCUSDT"])


def test_a_book_is_asked_for_anew_by_leaving_and_coming_back() -> None:
    session = public()
    session.want([(BOOK, PERP)])
    leave, come = sent(session.again([(BOOK, PERP), (BOOK, "ETH/USDT:USDT")]))
    assert (leave["op"], come["op"], come["args"]) == ("unsubscribe", "subscribe", ["orderbook.50.BTCUSDT"])


def test_an_unanswered_subscription_ends_the_connection_and_an_answered_one_does_not() -> None:
    session = public()
    session.want([(BOOK, PERP)])
    assert any(isinstance(a, Reconnect) for a in session.on_tick(ANSWER_S + 1))
    session = public()
    session.want([(BOOK, PERP)])
    hear(session, {"success": True, "ret_msg": "", "conn_id": "x", "req_id": "subscribe", "op": "subscribe"}, 1.0)
    assert session.on_tick(ANSWER_S + 1) == []


def test_a_refused_topic_is_told_and_the_stream_goes_on() -> None:
    session = public()
    session.want([(BOOK, PERP)])
    answer = {"success": False, "ret_msg": "error:handler not found,topic:x", "conn_id": "x", "op": "subscribe"}
    (error,) = events(hear(session, answer))
    assert isinstance(error, FeedError)
    assert not error.fatal


@pytest.mark.parametrize("op", ["ping", "pong"])
def test_a_pong_in_either_spelling_is_a_sign_of_life(op: str) -> None:
    session = public()
    (ping,) = sent(session.on_tick(PING_S))
    assert ping["op"] == "ping"
    hear(session, {"success": True, "ret_msg": "pong", "conn_id": "x", "req_id": "", "op": op}, 30.0)
    assert not any(isinstance(a, Reconnect) for a in session.on_tick(30.0 + SILENCE_S))
    assert any(isinstance(a, Reconnect) for a in session.on_tick(31.0 + SILENCE_S))


def book(**changes: Any) -> dict[str, Any]:
    found = parsed("public_book")
    data = found["data"] | {key: value for key, value in changes.items() if key in found["data"]}
    return found | {key: value for key, value in changes.items() if key not in found["data"]} | {"data": data}


def delta_of(session: PublicSession, message: object) -> BookDelta:
    (event,) = events(hear(session, message))
    assert isinstance(event, BookDelta)
    return event


def test_a_book_begins_whole_and_goes_on_by_its_number() -> None:
    session = public()
    whole = delta_of(session, payload("public_book"))
    assert (whole.symbol, whole.reset, whole.sequence) == (PERP, True, 177400507)
    assert [(level.price, level.size) for level in whole.bids] == [
        (Decimal("64000.40"), Decimal("1.250")),
        (Decimal("64000.30"), Decimal(2)),
    ]
    assert whole.time == NOW.replace(microsecond=123_000)
    change = delta_of(session, book(type="delta", u=177400508, b=[["64000.40", "0"]], a=[]))
    assert (change.reset, change.sequence, change.asks) == (False, 177400508, ())
    assert change.bids[0].size == 0


def test_number_one_means_the_whole_book_whatever_the_message_calls_itself() -> None:
    assert delta_of(public(), book(type="delta", u=1)).reset


def test_members_may_stand_in_any_order() -> None:
    message = book()
    turned = {key: message[key] for key in reversed(list(message))}
    padded = {"padding": "x" * 400, **turned}
    assert delta_of(public(), turned) == delta_of(public(), padded) == delta_of(public(), message)


def test_a_book_of_another_depth_is_not_mixed_in() -> None:
    session = public()
    assert hear(session, book(topic="orderbook.200.BTCUSDT")) == []
    assert hear(session, book(topic="orderbook") | {"type": "snapshot"}) == []
    assert delta_of(public(depth=None), book(topic="orderbook.200.BTCUSDT")).sequence == 177400507


def test_a_book_message_of_an_unknown_type_is_not_guessed_at() -> None:
    (action,) = hear(public(), book(type="patch"))
    assert isinstance(action, Reconnect)


def test_a_spot_quote_is_the_book_of_depth_one() -> None:
    session = public("spot")
    session.want([(QUOTES, PAIR)])
    (quote,) = events(hear(session, book(topic="orderbook.1.BTCUSDT", b=[["64000.40", "1.250"]])))
    assert isinstance(quote, Quote)
    assert (quote.symbol, quote.bid, quote.ask, quote.ask_size) == (
        PAIR,
        Decimal("64000.4"),
        Decimal("64000.5"),
        Decimal("0.75"),
    )


def test_a_perpetual_quote_is_its_ticker_built_from_deltas() -> None:
    session = public()
    (first,) = events(hear(session, payload("public_ticker")))
    assert (first.symbol, first.bid, first.last) == (PERP, Decimal("64000.4"), Decimal("64000.5"))
    change = {
        "topic": "tickers.BTCUSDT",
        "type": "delta",
        "data": {"symbol": "BTCUSDT", "ask1Size": "9"},
        "ts": 1772463850223,
    }
    (second,) = events(hear(session, change))
    assert (second.bid, second.ask_size) == (Decimal("64000.4"), 9)
    session.on_open(60.0)
    assert events(hear(session, change)) == []


def test_trades_and_finished_bars() -> None:
    session = public()
    (trade,) = events(hear(session, payload("public_trade")))
    assert isinstance(trade, Trade)
    assert (trade.symbol, trade.aggressor, trade.size) == (PERP, Side.SELL, Decimal("0.001"))
    (bar,) = events(hear(session, payload("public_kline")))
    assert isinstance(bar, Bar)
    assert (bar.symbol, bar.close, bar.volume) == (PERP, 64010, Decimal("8.25"))


@pytest.mark.parametrize(
    "frame",
    [b"{", raw(book(b=[["x", "1"]])), raw(book(u="soon")), raw(book(b=[["1e999", "1"]]))],
)
def test_a_public_frame_that_cannot_be_read_ends_the_connection(frame: bytes) -> None:
    (action,) = hear(public(), frame)
    assert isinstance(action, Reconnect)


def test_each_category_has_a_line_of_its_own() -> None:
    plan = PublicPlan(origins_for(Environment.PAPER), Options(), Symbols())
    assert (plan.line_of((BOOK, PERP)), plan.line_of((BOOK, PAIR))) == ("linear", "spot")
    assert plan.most("linear") == PAIRS_MAX
    with pytest.raises(NotSupported):
        plan.line_of((BOOK, "AAPL"))


def test_the_names_of_all_topics_of_a_connection_stay_within_what_the_venue_takes() -> None:
    session = public()
    longest = [(BARS, f"{'A' * 18}{number:04}/USDT:USDT") for number in range(PAIRS_MAX)]
    assert sum(len(name) for message in sent(session.want(longest)) for name in message["args"]) < 21_000


# -- replays ------------------------------------------------------------------------------------------------------------


def test_every_line_of_the_recorded_book_is_a_change_numbered_one_higher(recorded_data: Path) -> None:
    archive = zipfile.ZipFile(recorded_data / "crypto" / "bybit" / "xrpusdt-ob500.data.zip")
    lines = archive.read(archive.namelist()[0]).splitlines()
    session = replay_session()
    deltas = [delta_of(session, line) for line in lines]
    assert len(deltas) == len(lines) > 1
    assert (deltas[0].reset, deltas[0].symbol, len(deltas[0].bids)) == (True, "XRP/USDT:USDT", 500)
    numbers = [delta.sequence for delta in deltas]
    first = numbers[0]
    assert first is not None
    assert numbers == list(range(first, first + len(lines)))


def test_whole_books_never_come_beside_the_stream() -> None:
    assert snapshot_from("https://api.bybit.com/v5/market/orderbook", b"{}") is None


# -- the trade socket ---------------------------------------------------------------------------------------------------


def dialect() -> TradeDialect:
    return TradeDialect(login=lambda: login(CREDENTIALS, NOW))


def test_a_command_travels_with_its_time_and_without_its_signature() -> None:
    calls = Calls(origins=origins_for(Environment.PAPER))
    body = CancelRequest(category="linear", symbol="BTCUSDT", order_id=VENUE_ID)
    request = sign(calls.cancel(body, order=CL_ORD_ID), CREDENTIALS, NOW, recv_window_ms=5000)
    frame = json.loads(dialect().words(request, 7))
    assert (frame["reqId"], frame["op"]) == ("7", "order.cancel")
    assert frame["args"] == [{"category": "linear", "symbol": "BTCUSDT", "orderId": VENUE_ID}]
    assert set(frame["header"]) == {TIME_HEADER, WINDOW_HEADER}
    assert CREDENTIALS.key.reveal() not in json.dumps(frame)


def test_what_the_trade_socket_lacks_is_not_sent_there() -> None:
    calls = Calls(origins=origins_for(Environment.PAPER))
    request = calls.cancel_all(CancelAllRequest(category="linear", settle_coin="USDT"))
    with pytest.raises(NotSupported):
        dialect().words(request, 1)


def test_the_trade_socket_logs_in_and_answers_by_number() -> None:
    spoken = dialect()
    assert json.loads(spoken.opening()[0])["op"] == "auth"
    assert spoken.on_frame(raw({"retCode": 0, "retMsg": "OK", "op": "auth", "connId": "x"})) == [Ready()]
    (refused,) = spoken.on_frame(raw({"retCode": 10003, "retMsg": "bad", "op": "auth", "connId": "x"}))
    assert isinstance(refused, Refused)
    answer = {
        "reqId": "7",
        "retCode": 0,
        "retMsg": "OK",
        "op": "order.create",
        "data": {"orderId": VENUE_ID, "orderLinkId": CL_ORD_ID},
        "retExtInfo": {},
        "header": {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "9"},
    }
    (told,) = spoken.on_frame(raw(answer))
    assert isinstance(told, Answer)
    assert told.number == 7
    assert told.response.headers["x-bapi-limit-status"] == "9"
    assert accepted(told.response, what="the order", order_id=None, cl_ord_id=CL_ORD_ID).order_id == VENUE_ID


@pytest.mark.parametrize(
    "message",
    [
        {"retCode": 0, "op": "pong", "data": ["1772463850123"], "connId": "x"},
        {"retCode": 0, "op": "order.create", "data": {}},
        {"retCode": 0, "op": "order.create", "reqId": "not-ours", "data": {}},
        {"retCode": 0, "op": "order.create", "reqId": "²", "data": {}},
        {"op": "order.create", "reqId": "1"},
    ],
)
def test_frames_that_answer_nothing_of_ours_are_let_pass(message: dict[str, Any]) -> None:
    assert dialect().on_frame(raw(message)) == []


def test_a_report_is_what_the_private_stream_emits() -> None:
    (event,) = events(hear(up(), parsed("private_order") | {"data": [parsed("order_linear") | {"category": "linear"}]}))
    assert isinstance(event, ExecutionReport)
