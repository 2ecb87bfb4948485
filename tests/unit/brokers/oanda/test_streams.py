"""The two sessions: signs of life, lost events, prices that are wanted."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.oanda.mapping.ledger import Ledger
from floorbroker.brokers.oanda.mapping.reports import Reader
from floorbroker.brokers.oanda.stream.plan import LINE, PricePlan
from floorbroker.brokers.oanda.stream.prices import PriceSession
from floorbroker.brokers.oanda.stream.transactions import TransactionSession
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.records import DataKind, ExecutionReport, Quote
from floorbroker.transport.actions import Emit, Reconnect
from floorbroker.transport.feeds import FeedUp
from floorbroker.transport.private import Up
from tests.unit.brokers.oanda.fakes import NOW, as_json

QUOTES = DataKind.QUOTES


def line(body: Any) -> bytes:
    return json.dumps(body).encode()


def beat(last: int) -> bytes:
    return line({"type": "HEARTBEAT", "lastTransactionID": str(last), "time": "2026-03-02T15:04:15.000000000Z"})


LOG = [line(entry) for entry in as_json("log_bracket")["transactions"]]  # 11 to 20


class Opened:
    """A session of transactions that was opened."""

    def __init__(self) -> None:
        self.session = TransactionSession(Reader(Ledger()))
        self.opened = self.session.on_open(0.0)

    def hear(self, frame: bytes) -> list[Any]:
        return list(self.session.on_frame(frame, NOW, 1.0))


def reasons(actions: list[Any]) -> list[str]:
    return [action.reason for action in actions if isinstance(action, Reconnect)]


def test_it_is_up_when_it_is_opened_and_tells_reports() -> None:
    stream = Opened()
    assert stream.opened == [Emit(Up())]
    told = stream.hear(LOG[0])
    assert [action.event.order_id for action in told if isinstance(action.event, ExecutionReport)] == [
        "11", "11-profit", "11-loss",
    ]  # fmt: skip


def test_a_number_that_is_left_out_is_a_lost_event() -> None:
    stream = Opened()
    stream.hear(LOG[0])
    assert reasons(stream.hear(LOG[2])) == ["transaction 12 did not come"]


def test_a_heartbeat_that_names_what_did_not_come_is_one_too() -> None:
    stream = Opened()
    assert stream.hear(beat(10)) == []
    stream.hear(LOG[0])
    assert stream.hear(beat(11)) == []
    assert reasons(stream.hear(beat(12))) == ["transaction 12 did not come"]


def test_what_was_before_a_connection_is_not_missed_on_it() -> None:
    stream = Opened()
    stream.hear(LOG[0])
    stream.session.on_open(2.0)
    assert reasons(stream.hear(LOG[5])) == []


def test_an_entry_told_twice_is_no_gap() -> None:
    stream = Opened()
    stream.hear(LOG[0])
    stream.hear(LOG[1])
    assert reasons(stream.hear(LOG[0])) == []
    assert reasons(stream.hear(LOG[2])) == []


@pytest.mark.parametrize(
    "frame",
    [b"", b"null", b"{}", b"<html>", b'{"type":"HEARTBEAT"}', b'{"type":"PRICE","lastTransactionID":"1"}',
     b'{"id":"x","type":"ORDER_FILL"}', b'{"id":"11","type":"ORDER_FILL","orderID":"1","units":"NaN"}'],
)  # fmt: skip
def test_a_line_that_cannot_be_read_opens_the_stream_anew(frame: bytes) -> None:
    assert len(reasons(Opened().hear(frame))) == 1


def test_ten_seconds_of_silence_end_both_streams() -> None:
    stream, prices = Opened().session, PriceSession()
    prices.on_open(0.0)
    for session in (stream, prices):
        assert list(session.on_tick(10.0)) == []
        assert len(list(session.on_tick(10.1))) == 1


# -- prices -------------------------------------------------------------------------------------------------------------


def test_a_price_is_a_quote_of_the_best_of_each_side() -> None:
    session = PriceSession()
    session.want([(QUOTES, "USD/JPY")])
    session.instruments()
    assert session.on_open(0.0) == [Emit(FeedUp())]
    (told,) = session.on_frame(line(as_json("price")["prices"][0]), NOW, 1.0)
    assert isinstance(told, Emit)
    quote = told.event
    assert isinstance(quote, Quote)
    assert (quote.symbol, quote.bid, quote.ask) == ("USD/JPY", Decimal("146.598"), Decimal("146.620"))
    assert (quote.bid_size, quote.ask_size) == (Decimal(1_000_000), Decimal(2_000_000))


def test_other_wishes_open_the_stream_anew_and_fewer_do_not() -> None:
    session = PriceSession()
    session.want([(QUOTES, "EUR/USD")])
    assert session.instruments() == "EUR_USD"
    session.on_open(0.0)
    session.want([(QUOTES, "USD/JPY"), (QUOTES, "XAU/USD")])
    assert len(list(session.on_tick(1.0))) == 1
    assert session.instruments() == "EUR_USD,USD_JPY,XAU_USD"
    session.on_open(2.0)
    session.unwant([(QUOTES, "USD/JPY")])
    assert list(session.on_tick(3.0)) == []
    assert list(session.on_frame(line(as_json("price")["prices"][0]), NOW, 3.0)) == []


def test_a_heartbeat_of_prices_says_nothing_and_a_broken_line_ends_it() -> None:
    session = PriceSession()
    assert list(session.on_frame(b'{"type":"HEARTBEAT","time":"2026-03-02T15:04:15Z"}', NOW, 1.0)) == []
    assert len(list(session.on_frame(b"[", NOW, 1.0))) == 1


@pytest.mark.asyncio
async def test_the_address_names_account_and_instruments_and_only_quotes_are_streamed() -> None:
    plan = PricePlan(origin="https://stream-fxpractice.oanda.com", account=lambda: "101-004-1234567-001")
    plan.session(LINE).want([(QUOTES, "EUR/USD"), (QUOTES, "USD/JPY")])
    target = await plan.target(LINE)()
    assert target.url == (
        "https://stream-fxpractice.oanda.com/v3/accounts/101-004-1234567-001/pricing/stream"
        "?instruments=EUR_USD%2CUSD_JPY&snapshot=true"
    )
    with pytest.raises(NotSupported):
        plan.line_of((DataKind.TRADES, "EUR/USD"))
