"""The sessions of both sockets, without a socket."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.kraken.info import INFO
from floorbroker.brokers.kraken.stream import replay_session, snapshot_from
from floorbroker.brokers.kraken.stream.entry import OrderDialect
from floorbroker.brokers.kraken.stream.market import MarketSession
from floorbroker.brokers.kraken.stream.orders import OrderSession
from floorbroker.brokers.kraken.stream.plan import MarketPlan
from floorbroker.domain.bars import Bar
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.ports import NoLog
from floorbroker.domain.records import BookDelta, BookLevel, DataKind, ExecutionReport, Quote, Trade
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import ExecType, OrdStatus, Price, Side
from floorbroker.marketdata.book import Book, Verdict
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import FeedError, FeedUp
from floorbroker.transport.order_socket import Answer, Ready, Refused
from floorbroker.transport.private import Denied, Up
from floorbroker.transport.types import Request
from tests.unit.brokers.kraken.fakes import CL_ORD_ID, NOW, STREAM_ID, Lines, payload

D = Decimal
BOOK, QUOTES, TRADES, BARS = DataKind.BOOK, DataKind.QUOTES, DataKind.TRADES, DataKind.BARS


def sent(actions: Any) -> list[dict[str, Any]]:
    return [json.loads(action.data) for action in actions if isinstance(action, Send)]


def told(actions: Any) -> list[Any]:
    return [action.event for action in actions if isinstance(action, Emit)]


def opened(*pairs: tuple[DataKind, str], depth: int = 10) -> tuple[MarketSession, list[dict[str, Any]]]:
    session = MarketSession(depth=depth)
    session.want(pairs)
    return session, sent(session.on_open(0.0))


def ack(channel: str, symbol: str, method: str = "subscribe") -> bytes:
    result = {"channel": channel, "symbol": symbol}
    return json.dumps({"method": method, "result": result, "success": True, "req_id": 1}).encode()


def candle_at(begin: str) -> bytes:
    return payload("ohlc_frame").replace(b"2026-03-02T15:04:00.000000000Z", begin.encode())


# -- market data ----------------------------------------------------------------------------------------------------------


def test_what_was_wanted_before_is_asked_for_on_every_connection() -> None:
    session, first = opened((BOOK, "BTC/USD"), (QUOTES, "ETH/USD"), (QUOTES, "BTC/USD"), depth=25)
    assert [message["params"] for message in first] == [
        {"channel": "instrument", "snapshot": True},
        {"channel": "book", "symbol": ["BTC/USD"], "depth": 25, "snapshot": True},
        {"channel": "ticker", "symbol": ["BTC/USD", "ETH/USD"], "event_trigger": "bbo", "snapshot": True},
    ]
    assert [message["params"] for message in sent(session.on_open(5.0))] == [message["params"] for message in first]
    assert told(session.on_open(9.0))[0] == FeedUp()


def test_each_kind_has_its_channel_and_is_asked_for_once() -> None:
    session, _ = opened()
    messages = sent(session.want([(TRADES, "BTC/USD"), (BARS, "BTC/USD")]))
    assert [message["params"] for message in messages] == [
        {"channel": "ohlc", "symbol": ["BTC/USD"], "interval": 1, "snapshot": False},
        {"channel": "trade", "symbol": ["BTC/USD"], "snapshot": False},
    ]
    assert session.want([(TRADES, "BTC/USD")]) == []
    assert sent(session.unwant([(TRADES, "BTC/USD")]))[0]["method"] == "unsubscribe"


def test_a_book_asked_for_anew_is_let_go_and_taken_up() -> None:
    session, _ = opened((BOOK, "BTC/USD"))
    assert [message["method"] for message in sent(session.again([(BOOK, "BTC/USD")]))] == ["unsubscribe", "subscribe"]
    assert session.again([(BOOK, "ETH/USD")]) == []


def test_many_subscriptions_leave_in_few_messages_and_never_too_many_at_once() -> None:
    session, _ = opened()
    many = [(TRADES, f"C{number}/USD") for number in range(2_500)]
    first = sent(session.want(many))
    assert (len(first), len(first[0]["params"]["symbol"])) == (20, 100)
    assert len(sent(session.on_tick(1.0))) == 5


def test_a_snapshot_is_the_whole_book_and_its_checksum_is_made_of_its_digits() -> None:
    session = replay_session()
    (delta,) = told(session.on_frame(payload("book_snapshot"), NOW, 0.0))
    assert isinstance(delta, BookDelta)
    assert (delta.symbol, delta.reset, delta.checksum) == ("BTC/USD", True, 3310070434)
    assert _crc(delta.asks, delta.bids) == delta.checksum
    (update,) = told(session.on_frame(payload("book_update"), NOW, 0.0))
    assert (update.reset, update.time) == (False, datetime(2026, 3, 2, 15, 4, 10, 123456, tzinfo=UTC))
    bids = {level.price: level for level in delta.bids} | {level.price: level for level in update.bids}
    kept = [bids[price] for price in sorted(bids, reverse=True) if bids[price].size]
    assert _crc(delta.asks, tuple(kept)) == update.checksum


def _crc(asks: tuple[BookLevel, ...], bids: tuple[BookLevel, ...]) -> int:
    """As the venue's guide has it, over the digits that the levels carry."""
    text = "".join(
        format(number, "f").replace(".", "").lstrip("0")
        for level in (*asks[:10], *bids[:10])
        for number in (level.price, level.size)
    )
    return zlib.crc32(text.encode())


def test_recorded_frames_go_through_the_venues_book_and_prove_it() -> None:
    rules = INFO.book
    assert rules is not None
    book, session = Book("BTC/USD", rules, depth=10), replay_session()
    verdicts = [
        book.apply(delta).verdict
        for name in ("book_snapshot", "book_update")
        for delta in told(session.on_frame(payload(name), NOW, 0.0))
    ]
    assert verdicts == [Verdict.PROVEN, Verdict.PROVEN]
    damaged = payload("book_update").replace(b"1.50000000", b"1.50000001")
    (delta,) = told(session.on_frame(damaged, NOW, 0.0))
    assert book.apply(delta).verdict is Verdict.FAILED
    assert snapshot_from("https://api.kraken.com/0/public/Depth", b"{}") is None


def test_precisions_bring_every_number_to_its_digits() -> None:
    session = replay_session()
    session.on_frame(payload("instruments"), NOW, 0.0)
    frame = b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":45281,"qty":1e-05}],"asks":[]}]}'
    (delta,) = told(session.on_frame(frame, NOW, 0.0))
    (level,) = delta.bids
    assert (str(level.price), format(level.size, "f")) == ("45281.0", "0.00001000")
    assert delta.time == NOW


def test_digits_beyond_the_precision_are_kept_for_the_proof_to_fail_on() -> None:
    session = replay_session()
    session.on_frame(payload("instruments"), NOW, 0.0)
    frame = b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":45281.25,"qty":1}],"asks":[]}]}'
    (delta,) = told(session.on_frame(frame, NOW, 0.0))
    assert delta.bids[0].price == D("45281.25")


def test_a_precision_of_unlikely_size_is_not_learnt() -> None:
    session = replay_session()
    odd = payload("instruments").replace(b'"price_precision":1', b'"price_precision":1000000000')
    session.on_frame(odd, NOW, 0.0)
    assert session.precisions == {}


def test_a_ticker_is_a_quote_and_a_trade_a_trade() -> None:
    session = replay_session()
    (quote,) = told(session.on_frame(payload("ticker_frame"), NOW, 0.0))
    assert quote == Quote(
        symbol="BTC/USD", bid=Price(D("64000.0")), ask=Price(D("64000.1")), bid_size=D("2.25"), ask_size=D("1.5"),
        last=Price(D("64000.1")), time=NOW, source="kraken",
    )  # fmt: skip
    (trade,) = told(session.on_frame(payload("trade_frame"), NOW, 0.0))
    assert isinstance(trade, Trade)
    assert (trade.price, trade.size, trade.aggressor, trade.trade_id) == (D("64000.1"), D("0.01"), Side.SELL, "4665906")


def candle(begin: str, close: str = "64005.5", stamp: str = "2026-03-02T15:04:10.000000Z") -> bytes:
    frame = payload("ohlc_frame").replace(b"2026-03-02T15:04:00.000000000Z", begin.encode())
    return frame.replace(b'"close":64005.5', f'"close":{close}'.encode()).replace(
        b"2026-03-02T15:04:10.000000Z", stamp.encode()
    )


def test_a_bar_is_told_once_when_the_next_one_begins() -> None:
    session = replay_session()
    assert told(session.on_frame(candle("2026-03-02T15:04:00Z"), NOW, 0.0)) == []
    assert told(session.on_frame(candle("2026-03-02T15:04:00Z", "64006.5"), NOW, 1.0)) == []
    (bar,) = told(session.on_frame(candle("2026-03-02T15:05:00Z", stamp="2026-03-02T15:05:01Z"), NOW, 51.0))
    assert isinstance(bar, Bar)
    assert (bar.start.minute, bar.close) == (4, D("64006.5"))


def test_a_bar_nobody_follows_is_told_when_its_time_is_over_and_not_again() -> None:
    session = replay_session()
    session.on_frame(candle("2026-03-02T15:04:00Z"), NOW, 100.0)  # the venue says 15:04:10: fifty seconds to go
    assert told(session.on_tick(151.0)) == []
    assert [bar.close for bar in told(session.on_tick(152.0))] == [D("64005.5")]
    assert told(session.on_frame(candle("2026-03-02T15:04:00Z"), NOW, 153.0)) == []
    assert told(session.on_tick(300.0)) == []
    assert told(session.on_frame(candle("2026-03-02T15:09:00Z", stamp="2026-03-02T15:09:01Z"), NOW, 391.0)) == []


@pytest.mark.parametrize(
    "frame",
    [
        b'{"channel":"heartbeat"}',
        b'{"method":"pong","time_in":"2026-01-01T00:00:00.123456Z"}',
        b'{"channel":"status","type":"update","data":[{"system":"online"}]}',
        b'{"channel":"news","data":[1]}',
        b"",
    ],
)
def test_what_is_no_event_says_nothing(frame: bytes) -> None:
    assert replay_session().on_frame(frame, NOW, 0.0) == []


@pytest.mark.parametrize(
    "frame",
    [
        b"<html>",
        b"[]",
        b'{"channel":"book","data":[{"symbol":"BTC/USD","bids":[{"price":"x","qty":1}]}]}',
        b'{"channel":"book","data":[{"symbol":"BTC/USD","bids":[{"price":1e400,"qty":1}]}]}',
        b'{"channel":"trade","data":[{"symbol":"BTC/USD"}]}',
        b'{"channel":"ohlc","data":[{"symbol":"B","open":1,"high":1,"low":1,"close":1,"volume":1,"interval_begin":"x","interval":1}]}',
        b'{"channel":"ticker","data":{}}',
        candle_at("9999-12-31T23:59:00Z"),
    ],
)
def test_a_frame_that_cannot_be_read_ends_the_connection(frame: bytes) -> None:
    (action,) = replay_session().on_frame(frame, NOW, 0.0)
    assert isinstance(action, Reconnect)


def test_a_system_that_is_not_online_is_told_to_people() -> None:
    frame = b'{"channel":"status","type":"update","data":[{"system":"cancel_only"}]}'
    (told_of,) = told(replay_session().on_frame(frame, NOW, 0.0))
    assert told_of == FeedError("status", "the system is cancel_only")


def test_a_symbol_that_is_refused_is_told_and_the_others_go_on() -> None:
    session, _ = opened((TRADES, "FOO/BAR"), (TRADES, "BTC/USD"))
    session.on_tick(1.0)
    frame = json.dumps(
        {"error": "Currency pair not supported FOO/BAR", "method": "subscribe", "success": False, "symbol": "FOO/BAR"}
    ).encode()
    actions = session.on_frame(frame, NOW, 1.0)
    assert [type(event) for event in told(actions)] == [FeedError]
    assert not any(isinstance(action, Reconnect) for action in actions)
    session.on_frame(ack("trade", "BTC/USD"), NOW, 1.0)
    session.on_frame(b'{"channel":"heartbeat"}', NOW, 14.0)
    assert session.on_tick(15.0) == []


def test_a_request_that_is_refused_as_a_whole_ends_the_connection() -> None:
    session, _ = opened((TRADES, "BTC/USD"))
    for frame in (
        b'{"error":"Exceeded msg rate","method":"subscribe","success":false,"req_id":1}',
        b'{"error":"Malformed request"}',
    ):
        assert isinstance(session.on_frame(frame, NOW, 1.0)[-1], Reconnect)


def test_already_subscribed_is_no_trouble() -> None:
    session, _ = opened((TRADES, "BTC/USD"))
    frame = b'{"error":"Already subscribed","method":"subscribe","success":false,"symbol":"BTC/USD"}'
    assert session.on_frame(frame, NOW, 1.0) == []


def test_a_subscription_that_is_not_answered_ends_the_connection() -> None:
    session, _ = opened((TRADES, "BTC/USD"))
    session.on_tick(1.0)
    session.on_frame(b'{"channel":"heartbeat"}', NOW, 10.0)
    assert session.on_tick(11.0) == []
    assert session.on_tick(11.5) == [Reconnect("the feed does not answer a subscription")]


def test_silence_is_asked_about_before_the_line_is_given_up() -> None:
    session, _ = opened()
    assert sent(session.on_tick(12.5)) == [{"method": "ping"}]
    session.on_frame(b'{"method":"pong"}', NOW, 13.0)
    assert session.on_tick(20.0) == []
    assert sent(session.on_tick(26.0)) == [{"method": "ping"}]
    assert session.on_tick(36.5) == [Reconnect("the stream does not answer")]


@pytest.mark.asyncio
async def test_one_line_carries_every_pair_of_coins() -> None:
    plan = MarketPlan(origin="wss://ws.kraken.com", depth=10)
    assert plan.line_of((BOOK, "BTC/USD")) == plan.line_of((BARS, "ETH/EUR"))
    assert plan.most("public") is None
    assert (await plan.target("public")()).url == "wss://ws.kraken.com/v2"
    for symbol in ("AAPL", "EUR/USD", "BTC/USDT:USDT"):
        with pytest.raises(NotSupported):
            plan.line_of((BOOK, symbol))


# -- the private stream -----------------------------------------------------------------------------------------------------


def private(
    *, dead_man_s: int = 0, log: NoLog | None = None, shuts_in_s: Callable[[float], bool] = lambda _: False
) -> OrderSession:
    session = OrderSession(log=log or NoLog(), dead_man_s=dead_man_s, shuts_in_s=shuts_in_s)
    session.use(Secret("token-1"))
    session.on_open(0.0)
    return session


def up(session: OrderSession, now_s: float = 0.0) -> list[Any]:
    return list(session.on_frame(ack("executions", ""), NOW, now_s))


def test_a_connection_asks_for_both_channels_with_its_own_token() -> None:
    session = OrderSession(log=NoLog())
    session.use(Secret("token-7"))
    executions, balances = sent(session.on_open(0.0))
    assert executions["params"] == {
        "channel": "executions", "snap_orders": True, "snap_trades": True, "order_status": True, "token": "token-7",
    }  # fmt: skip
    assert balances["params"] == {"channel": "balances", "snapshot": True, "token": "token-7"}


def test_the_stream_is_up_once_the_executions_are_confirmed() -> None:
    session = private()
    assert told(session.on_frame(ack("balances", ""), NOW, 0.0)) == []
    assert told(up(session)) == [Up()]
    assert told(up(session)) == []


def test_executions_come_as_reports_in_order() -> None:
    session = private()
    up(session)
    reports = [
        report
        for name in ("pending", "new", "trade", "filled")
        for report in told(session.on_frame(payload(f"execution_{name}"), NOW, 1.0))
    ]
    assert [report.exec_type for report in reports] == [
        ExecType.PENDING_NEW, ExecType.NEW, ExecType.TRADE, ExecType.ORDER_STATUS,
    ]  # fmt: skip
    assert {report.cl_ord_id for report in reports} == {CL_ORD_ID}


def test_a_missing_message_begins_anew_and_a_repeated_one_is_dropped() -> None:
    session = private()
    up(session)
    session.on_frame(payload("execution_pending"), NOW, 1.0)
    assert session.on_frame(payload("execution_pending"), NOW, 1.0) == []
    assert session.on_frame(payload("execution_trade"), NOW, 1.0) == [
        Reconnect("the stream lost messages of executions")
    ]


def test_the_next_connection_counts_from_anew() -> None:
    session = private()
    up(session)
    session.on_frame(payload("execution_trade"), NOW, 1.0)
    session.on_open(2.0)
    up(session, 2.0)
    assert told(session.on_frame(payload("execution_snapshot"), NOW, 2.0))


def test_a_snapshot_tells_of_open_orders_and_of_our_trades_and_not_of_strangers_past() -> None:
    session = private()
    up(session)
    reports = told(session.on_frame(payload("execution_snapshot"), NOW, 1.0))
    assert [(report.order_id, report.exec_type) for report in reports] == [
        (STREAM_ID, ExecType.ORDER_STATUS), (STREAM_ID, ExecType.TRADE),
    ]  # fmt: skip
    assert reports[0].ord_status is OrdStatus.PARTIALLY_FILLED
    assert all(isinstance(report, ExecutionReport) and report.symbol == "BTC/USD" for report in reports)


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("EGeneral:Permission denied", True),
        ("EAPI:Invalid key", True),
        ("ESession:Invalid session", False),
        ("Odd", False),
    ],
)
def test_a_refusal_is_final_only_where_the_key_is_meant(text: str, denied: bool) -> None:
    frame = json.dumps({"method": "subscribe", "success": False, "error": text, "req_id": 1}).encode()
    (action,) = private().on_frame(frame, NOW, 1.0)
    assert isinstance(action.event if isinstance(action, Emit) else action, Denied if denied else Reconnect)


def test_balances_that_are_refused_are_told_and_no_more() -> None:
    log = Lines()
    frame = b'{"method":"subscribe","success":false,"error":"EGeneral:Permission denied","req_id":2}'
    assert private(log=log).on_frame(frame, NOW, 1.0) == []
    assert [event for event, _ in log.events] == ["stream.balances_refused"]


def test_money_that_leaves_the_account_is_told_to_people() -> None:
    log = Lines()
    session = private(log=log)
    up(session)
    assert session.on_frame(payload("balances_movement"), NOW, 1.0) == []
    assert log.events == [("account.moved", {"what": "withdrawal", "asset": "BTC", "amount": "-0.25"})]


@pytest.mark.parametrize("frame", [b"<html>", b'{"channel":"executions","data":[{"exec_type":"new"}]}', b"[]"])
def test_a_message_that_cannot_be_read_begins_anew(frame: bytes) -> None:
    (action,) = private().on_frame(frame, NOW, 1.0)
    assert isinstance(action, Reconnect)


def test_a_venue_that_does_not_confirm_is_left() -> None:
    session = private()
    assert session.on_tick(10.0) == []
    assert session.on_tick(10.5) == [Reconnect("the venue does not answer on the stream")]


# -- the timer ------------------------------------------------------------------------------------------------------------


def test_the_timer_is_wound_while_the_stream_is_up_and_well_before_its_end() -> None:
    session = private(dead_man_s=60)
    assert sent(session.on_tick(1.0)) == []
    (first,) = sent(up(session, 1.0))
    assert first == {
        "method": "cancel_all_orders_after", "params": {"timeout": 60, "token": "token-1"}, "req_id": 3,
    }  # fmt: skip
    session.on_frame(b'{"method":"cancel_all_orders_after","success":true,"result":{}}', NOW, 1.0)
    assert sent(session.on_tick(10.0)) == []
    assert [message["method"] for message in sent(session.on_tick(16.0))][:1] == ["cancel_all_orders_after"]


def test_a_timer_that_is_refused_or_not_answered_takes_the_stream_down() -> None:
    session = private(dead_man_s=60)
    up(session, 1.0)
    session.on_frame(b'{"channel":"heartbeat"}', NOW, 11.0)
    assert session.on_tick(11.5) == [Reconnect("the venue does not wind its timer")]
    frame = b'{"method":"cancel_all_orders_after","success":false,"error":"EGeneral:Permission denied"}'
    (action,) = session.on_frame(frame, NOW, 12.0)
    assert isinstance(action, Reconnect)


def test_the_timer_is_stopped_before_planned_maintenance_and_wound_again_after_it() -> None:
    asked, near = list[float](), [False]

    def shuts_in_s(within_s: float) -> bool:
        asked.append(within_s)
        return near[0]

    wound = b'{"method":"cancel_all_orders_after","success":true,"result":{}}'
    session = private(dead_man_s=60, shuts_in_s=shuts_in_s)
    up(session, 1.0)
    session.on_frame(wound, NOW, 1.0)
    near[0] = True
    (stop,) = timers(session.on_tick(16.0))
    session.on_frame(wound, NOW, 16.5)
    still = [timers(session.on_tick(at)) for at in (31.5, 46.5)]
    session.on_open(50.0)  # a connection that is lost in the maintenance
    still.append(timers(up(session, 50.0)))
    near[0] = False
    (again,) = timers(session.on_tick(66.0))
    assert (stop["params"]["timeout"], still, again["params"]["timeout"]) == (0, [[], [], []], 60)
    assert set(asked) == {120.0}  # the timer's length and a minute


def test_a_timer_of_an_earlier_life_is_stopped_as_well() -> None:
    session = private(dead_man_s=60, shuts_in_s=lambda _: True)
    assert [message["params"]["timeout"] for message in timers(up(session, 1.0))] == [0]


def timers(actions: Any) -> list[Any]:
    return [message for message in sent(actions) if message["method"] == "cancel_all_orders_after"]


def test_without_the_option_no_timer_is_wound() -> None:
    session = private()
    assert sent(up(session)) == []
    session.on_frame(b'{"channel":"heartbeat"}', NOW, 99.0)
    assert session.on_tick(100.0) == []


# -- the order socket -------------------------------------------------------------------------------------------------------


def command(method: str = "add_order", body: bytes = b'{"symbol":"BTC/USD","order_qty":0.10}') -> Request:
    return Request(method="POST", origin="https://x", path=f"/ws/{method}", endpoint="orders.submit", body=body)


def dialect() -> OrderDialect:
    spoken = OrderDialect()
    spoken.use(Secret("token-2"))
    return spoken


def test_a_private_subscription_holds_the_token_before_commands_follow() -> None:
    (opening,) = dialect().opening()
    assert json.loads(opening) == {
        "method": "subscribe", "params": {"channel": "balances", "snapshot": False, "token": "token-2"}, "req_id": 0,
    }  # fmt: skip
    assert dialect().on_frame(b'{"method":"subscribe","req_id":0,"success":true,"result":{}}') == [Ready()]
    refused = b'{"method":"subscribe","req_id":0,"success":false,"error":"ESession:Invalid session"}'
    assert dialect().on_frame(refused) == [Refused("ESession:Invalid session")]


def test_a_command_leaves_with_token_and_number_and_keeps_its_digits() -> None:
    words = dialect().words(command(), 5)
    assert '"order_qty":0.10' in str(words)
    assert json.loads(words) == {
        "method": "add_order", "params": {"symbol": "BTC/USD", "order_qty": 0.1, "token": "token-2"}, "req_id": 5,
    }  # fmt: skip
    assert json.loads(dialect().words(command("cancel_all", b"{}"), 6))["params"] == {"token": "token-2"}


@pytest.mark.parametrize(
    ("frame", "number", "body"),
    [
        (
            b'{"method":"add_order","req_id":5,"success":true,"result":{"order_id":"O1"}}',
            5,
            {"error": [], "result": {"order_id": "O1"}},
        ),
        (
            b'{"method":"batch_add","req_id":6,"success":true,"result":[{"order_id":"O1"},{"order_id":"O2"}]}',
            6,
            {"error": [], "result": {"orders": [{"order_id": "O1"}, {"order_id": "O2"}]}},
        ),
        (
            b'{"method":"add_order","req_id":7,"success":false,"error":"EOrder:Insufficient funds"}',
            7,
            {"error": ["EOrder:Insufficient funds"]},
        ),
        (b'{"method":"cancel_all","req_id":8,"success":false}', 8, {"error": ["the venue gave no reason"]}),
    ],
)
def test_answers_are_shaped_like_those_of_rest(frame: bytes, number: int, body: object) -> None:
    (answer,) = dialect().on_frame(frame)
    assert isinstance(answer, Answer)
    assert (answer.number, json.loads(answer.response.body)) == (number, body)


def test_an_answer_that_says_neither_yes_nor_no_proves_nothing() -> None:
    (answer,) = dialect().on_frame(b'{"method":"add_order","req_id":9}')
    assert isinstance(answer, Answer)
    assert answer.response.body == b""


@pytest.mark.parametrize(
    "frame",
    [b"<html>", b"[]", b'{"channel":"heartbeat"}', b'{"method":"pong"}', b'{"method":"add_order","success":true}'],
)
def test_frames_about_no_command_are_nobodys_answer(frame: bytes) -> None:
    assert dialect().on_frame(frame) == []
