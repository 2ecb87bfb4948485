"""Market streams: what is pushed, in which shape, how numbers follow each other, and how a connection ends."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.sim.binance.conftest import Asker

ETH = "ETHUSDT"


@pytest.fixture
def free(new_venue: Callable[..., Asker]) -> Asker:
    """A venue whose prices wander."""
    return new_venue()


def test_a_path_alone_starts_the_flow(free: Asker) -> None:
    stream = free.listen("/ws/ethusdt@trade")
    free.step(2)
    trades = stream.heard()
    assert set(trades[0]) == {"e", "E", "s", "t", "p", "q", "T", "m", "M"}
    assert [t["t"] for t in trades] == [trades[0]["t"] + n for n in range(len(trades))]


def test_combined_streams_are_wrapped(free: Asker) -> None:
    stream = free.listen("/stream", "streams=ethusdt@trade/btcusdt@trade")
    free.step(2)
    assert {frame["stream"] for frame in stream.heard()} == {"ethusdt@trade", "btcusdt@trade"}


def test_what_is_heard_changes_by_frames(free: Asker) -> None:
    stream = free.listen("/ws")
    free.step()
    assert stream.heard() == []
    stream.say({"method": "SUBSCRIBE", "params": ["ethusdt@aggTrade"], "id": 1})
    stream.say({"method": "LIST_SUBSCRIPTIONS", "id": "two"})
    assert stream.heard() == [{"result": None, "id": 1}, {"result": ["ethusdt@aggTrade"], "id": "two"}]
    free.step()
    assert set(stream.heard()[0]) == {"e", "E", "s", "a", "p", "q", "f", "l", "T", "m", "M"}
    stream.say({"method": "UNSUBSCRIBE", "params": ["ethusdt@aggTrade"], "id": None})
    stream.heard()
    free.step()
    assert stream.heard() == []


def test_properties_and_nonsense(free: Asker) -> None:
    stream = free.listen("/ws")

    def answer(message: Any) -> Any:
        stream.say(message)
        return stream.heard()[0]

    assert answer({"method": "GET_PROPERTY", "params": ["combined"], "id": 2})["result"] is False
    assert answer({"method": "SET_PROPERTY", "params": ["combined", True], "id": 5}) == {"result": None, "id": 5}
    assert answer({"method": "SHOUT", "id": 3})["code"] == 2
    assert answer("no json")["code"] == 3
    assert answer({"method": "GET_PROPERTY", "params": ["volume"], "id": 2})["code"] == 0


def test_a_connection_that_says_too_much_is_closed(free: Asker) -> None:
    stream = free.listen("/ws")
    for number in range(6):
        stream.say({"method": "LIST_SUBSCRIPTIONS", "id": number})
    assert stream.session.outbox.close_code == 1008


def test_diffs_follow_each_other_and_agree_with_the_book(free: Asker) -> None:
    stream = free.listen("/ws/ethusdt@depth@100ms")
    whole = free.public("/api/v3/depth", symbol=ETH, limit=5000)
    sides = {side: {p: Decimal(s) for p, s in whole[side]} for side in ("bids", "asks")}
    last, count = whole["lastUpdateId"], 0
    for _ in range(20):
        free.step(0.25)
        for change in stream.heard():
            assert (change["e"], change["U"]) == ("depthUpdate", last + 1)
            last, count = change["u"], count + 1
            for side, name in (("b", "bids"), ("a", "asks")):
                sides[name].update({p: Decimal(s) for p, s in change[side]})
    assert count >= 10
    now = free.public("/api/v3/depth", symbol=ETH, limit=5000)
    assert now["lastUpdateId"] == last
    for side in ("bids", "asks"):
        assert {p: s for p, s in sides[side].items() if s} == {p: Decimal(s) for p, s in now[side]}


def test_a_slow_diff_joins_the_quick_ones(free: Asker) -> None:
    quick, slow = free.listen("/ws/ethusdt@depth@100ms"), free.listen("/ws/ethusdt@depth")
    for _ in range(8):
        free.step(0.25)
    fast, joined = quick.heard(), slow.heard()
    assert 1 <= len(joined) < len(fast)
    assert joined[0]["U"] == fast[0]["U"]
    assert [b["U"] for b in joined[1:]] == [a["u"] + 1 for a in joined[:-1]]


def test_a_gap_is_torn_on_demand(free: Asker) -> None:
    stream = free.listen("/ws/ethusdt@depth@100ms")
    free.step(0.25)
    last = stream.heard()[-1]["u"]
    assert free.door("POST", "/book", {"symbol": "ETH/USDT", "what": "gap"})[0] == 204
    assert stream.heard() == []
    free.step(0.25)
    assert stream.heard()[0]["U"] > last + 1
    assert free.door("POST", "/book", {"symbol": "NOPE", "what": "gap"})[0] == 422
    assert free.door("POST", "/book", {"symbol": "ETH/USDT", "what": "burn"})[0] == 422


def test_the_top_of_the_book(free: Asker) -> None:
    stream = free.listen("/ws/ethusdt@bookTicker")
    free.step(2)
    best = stream.heard()[-1]
    assert set(best) == {"u", "s", "b", "B", "a", "A"}
    book = free.public("/api/v3/depth", symbol=ETH, limit=5)
    assert [best["b"], best["B"]] == book["bids"][0]
    assert best["u"] == book["lastUpdateId"]


def test_parts_of_the_book_name_no_symbol(free: Asker) -> None:
    stream = free.listen("/stream", "streams=ethusdt@depth5@100ms/ethusdt@depth20")
    free.step(2)
    frames = {frame["stream"]: frame["data"] for frame in stream.heard()}
    assert set(frames["ethusdt@depth5@100ms"]) == {"lastUpdateId", "bids", "asks"}
    assert [len(frames[name]["bids"]) for name in ("ethusdt@depth5@100ms", "ethusdt@depth20")] == [5, 20]


def test_a_price_by_hand_is_told_at_once(ask: Asker) -> None:
    stream = ask.listen("/stream", "streams=btcusdt@bookTicker/btcusdt@trade")
    ask.price("61000", "61002", "61001")
    frames = {frame["stream"]: frame["data"] for frame in stream.heard()}
    assert (frames["btcusdt@bookTicker"]["b"], frames["btcusdt@trade"]["p"]) == ("61000.00000000", "61001.00000000")


def test_own_trades_are_public_trades(ask: Asker) -> None:
    stream = ask.listen("/ws/btcusdt@trade")
    fill = ask.market()["fills"][0]
    (told,) = stream.heard()
    assert (told["t"], told["p"], told["q"], told["m"]) == (fill["tradeId"], fill["price"], fill["qty"], False)
    assert ask.public("/api/v3/trades", symbol="BTCUSDT", limit=1)[0]["id"] == fill["tradeId"]


def test_klines_close_and_go_on(free: Asker) -> None:
    stream = free.listen("/ws/ethusdt@kline_1m")
    for _ in range(35):
        free.step(2)
    lines = [frame["k"] for frame in stream.heard()]
    closed = [line for line in lines if line["x"]]
    assert len(closed) == 1
    assert closed[0]["T"] + 1 == lines[-1]["t"]
    rest = free.public("/api/v3/klines", symbol=ETH, interval="1m", limit=2)
    assert [rest[0][0], rest[0][4]] == [closed[0]["t"], closed[0]["c"]]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ethusdt@ticker", "24hrTicker"), ("ethusdt@miniTicker", "24hrMiniTicker"), ("ethusdt@ticker_1h", "1hTicker"),
        ("ethusdt@avgPrice", "avgPrice"), ("ethusdt@kline_1s", "kline"), ("ethusdt@kline_1d@+08:00", "kline"),
    ],
)  # fmt: skip
def test_streams_that_speak_every_second(free: Asker, name: str, kind: str) -> None:
    stream = free.listen(f"/ws/{name}")
    free.step(2)
    assert stream.heard()[-1]["e"] == kind


def test_all_markets_at_once(free: Asker) -> None:
    stream = free.listen("/ws/!miniTicker@arr")
    free.step(2)
    assert len(stream.heard()[-1]) == 7


def test_names_that_do_not_exist_are_taken_and_stay_silent(free: Asker) -> None:
    stream = free.listen("/ws")
    stream.say({"method": "SUBSCRIBE", "params": ["nope@trade", "ETHUSDT@trade", "ethusdt@nothing"], "id": 1})
    assert stream.heard() == [{"result": None, "id": 1}]
    free.step(5)
    assert stream.heard() == []


def test_microseconds_where_the_address_asks_for_them(free: Asker) -> None:
    stream = free.listen("/ws/ethusdt@trade", "timeUnit=MICROSECOND")
    free.step(2)
    assert stream.heard()[0]["T"] > 10**15


def test_a_connection_ends_after_a_day_and_by_hand(free: Asker) -> None:
    stream, other = free.listen("/ws/ethusdt@avgPrice"), free.listen("/ws-api/v3")
    free.step(86_399)
    assert stream.session.outbox.close_code is None
    free.step(1)
    assert (stream.session.outbox.close_code, other.session.outbox.close_code) == (1001, 1001)
    again, api = free.listen("/stream"), free.listen("/ws-api/v3")
    free.door("POST", "/streams", {"what": "shutdown"})
    assert again.heard()[-1]["stream"] == "!serverShutdown"
    assert api.heard()[-1]["event"]["e"] == "serverShutdown"
    assert again.session.outbox.close_code == 1001


def test_the_same_seed_tells_the_same_story(new_venue: Callable[..., Asker]) -> None:
    def story(seed: int) -> list[Any]:
        asker = new_venue(seed=seed)
        stream = asker.listen("/stream", "streams=ethusdt@depth@100ms/ethusdt@trade")
        for _ in range(5):
            asker.step(1)
        return stream.heard()

    assert story(3) == story(3)
    assert story(3) != story(4)
