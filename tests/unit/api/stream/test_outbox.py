"""What waits for one client: facts in order and never dropped, prices as new as it can take them."""

from __future__ import annotations

import json

import pytest

from floorbroker.api.stream.outbox import FACTS_MAX, PRICES_MAX, Outbox
from floorbroker.api.stream.protocol import Price, joined
from floorbroker.domain.records import DataKind
from floorbroker.domain.values import ProfileName


def price(symbol: str, kind: DataKind = DataKind.QUOTES) -> Price:
    return Price(kind=kind, profile=ProfileName("paper"), symbol=symbol)


def test_facts_come_in_order_before_prices_and_say_where_the_reader_is() -> None:
    box = Outbox()
    box.put_price(price("AAPL"), b'{"bid":"1"}')
    for seq in (7, 8):
        box.put(b"%d" % seq, seq)
    assert box.ready.is_set()
    assert (box.take(), box.seq) == ([b"7", b"8", b'{"bid":"1"}'], 8)
    assert (box.take(), box.ready.is_set()) == ([], False)


def test_an_answer_leaves_the_reader_where_it_is() -> None:
    box = Outbox()
    box.put(b"5", 5)
    box.put(b"ack")
    box.take()
    assert box.seq == 5


def test_a_quote_takes_the_place_of_one_that_was_not_sent_and_says_how_many() -> None:
    box = Outbox()
    for bid in range(3):
        box.put_price(price("AAPL"), b'{"bid":"%d"}' % bid, skipped=bid)
    (told,) = box.take()
    assert json.loads(told) == {"bid": "2", "conflated": 5}  # two replaced, three the venue's own queue left out
    box.put_price(price("AAPL"), b'{"bid":"3"}')
    assert box.take() == [b'{"bid":"3"}']


def test_trades_stand_for_themselves_until_there_is_no_room() -> None:
    box, trades = Outbox(), price("AAPL", DataKind.TRADES)
    for number in range(PRICES_MAX + 2):
        box.put_price(trades, b'{"n":%d}' % number, replaces=False)
    told = [json.loads(one) for one in box.take()]
    assert [one["n"] for one in told] == list(range(2, PRICES_MAX + 2))
    assert told[0]["conflated"] == 2
    assert "conflated" not in told[1]


def test_prices_that_are_wanted_no_more_are_forgotten() -> None:
    box = Outbox()
    for symbol in ("AAPL", "SPY"):
        box.put_price(price(symbol), b'{"s":"%s"}' % symbol.encode(), skipped=1)
    box.forget(price("AAPL"))
    assert [json.loads(told)["s"] for told in box.take()] == ["SPY"]
    box.put_price(price("AAPL"), b'{"s":"AAPL"}')
    assert box.take() == [b'{"s":"AAPL"}']


@pytest.mark.parametrize(("count", "size"), [(FACTS_MAX + 1, 1), (5, 1 << 20)])
def test_a_fact_without_room_ends_the_connection_and_none_before_it_is_lost(count: int, size: int) -> None:
    box = Outbox()
    for seq in range(1, count + 1):
        box.put(b"x" * size, seq)
    assert box.overflowed
    assert not box.has_room
    taken = 0
    while told := box.take():
        taken += len(told)
    assert taken == box.seq == count - 1
    assert box.ready.is_set()


def test_one_envelope_is_a_frame_and_several_are_an_array() -> None:
    assert (joined([b"{}"]), joined([b"1", b"2"])) == ("{}", "[1,2]")
