"""The sockets: shapes of answers, order of frames, what is told to whom."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Reply, Request, TakesCommands
from tests.unit.sim.bybit.conftest import CONTRACT, PAIR, Asker, Wire, sign

PUBLIC = {"spot": "/v5/public/spot", "linear": "/v5/public/linear"}


def step(ask: Asker, seconds: float) -> None:
    """Let the market and the sockets see time pass."""
    ask.door("POST", "/clock", {"advance_s": seconds})


# --- Answers of the public sockets -----------------------------------------------------------------------------------


def test_pings_and_answers_differ_from_socket_to_socket(ask: Asker) -> None:
    spot, linear, private, trade = (ask.wire(p) for p in (PUBLIC["spot"], PUBLIC["linear"], "/v5/private", "/v5/trade"))
    pongs = [wire.send(req_id="9", op="ping")[0] for wire in (spot, linear, private, trade)]
    now = str(int(ask.clock.now().timestamp() * 1000))
    ids = [pong.pop("conn_id", None) or pong.pop("connId") for pong in pongs]
    assert len(set(ids)) == 4
    assert pongs == [
        {"success": True, "ret_msg": "pong", "op": "ping"},
        {"success": True, "ret_msg": "pong", "req_id": "9", "op": "ping"},
        {"req_id": "9", "op": "pong", "args": [now]},
        {"retCode": 0, "retMsg": "OK", "op": "pong", "data": [now]},
    ]


def test_answers_to_subscriptions_carry_the_number_as_it_came(ask: Asker) -> None:
    spot = ask.wire(PUBLIC["spot"]).send(op="subscribe", args=["publicTrade.BTCUSDT"], req_id=7)[0]
    assert (spot["success"], spot["ret_msg"], spot["op"], spot["req_id"]) == (True, "subscribe", "subscribe", 7)
    linear = ask.wire(PUBLIC["linear"]).send(op="subscribe", args=["publicTrade.BTCUSDT"])[0]
    assert (linear["success"], linear["ret_msg"], linear["req_id"]) == (True, "", "")


@pytest.mark.parametrize(
    "args",
    [["orderbook.50.NOPE"], ["orderbook.7.BTCUSDT"], ["kline.2.BTCUSDT"], ["nothing"], ["."], [], [1], ["tickers"],
     ["tickers.DOGEUSDT"]],
)  # fmt: skip
def test_unknown_topics_are_refused(ask: Asker, args: list[Any]) -> None:
    (answer,) = ask.wire(PUBLIC["linear"]).send(op="subscribe", args=args)
    assert answer["success"] is False
    assert answer["ret_msg"].startswith("error:")


def test_spot_takes_ten_topics_at_once_and_none_twice(ask: Asker) -> None:
    topics = [f"kline.{i}.BTCUSDT" for i in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720, "D")]
    wire = ask.wire(PUBLIC["spot"])
    assert wire.send(op="subscribe", args=topics)[0]["success"] is False
    assert wire.send(op="subscribe", args=topics[:10])[0]["success"] is True
    assert wire.send(op="subscribe", args=topics[:1])[0]["success"] is False
    assert ask.wire(PUBLIC["linear"]).send(op="subscribe", args=topics)[0]["success"] is True


def test_one_bad_topic_spoils_the_request(ask: Asker) -> None:
    wire = ask.wire(PUBLIC["linear"])
    wire.send(op="subscribe", args=["tickers.BTCUSDT", "tickers.NOPE"])
    ask.price("60020", "60020.1", "60020")
    assert wire.heard() == []


def test_what_is_no_message_is_told_and_nothing_breaks(ask: Asker) -> None:
    for path in (*PUBLIC.values(), "/v5/private", "/v5/trade"):
        wire = ask.wire(path)
        for nonsense in (
            "",
            "{",
            "[]",
            "7",
            "null",
            '{"op": 5}',
            b"\xff\xfe",
            '{"op":"subscribe","args":{}}',
            '{"op":"auth"}',
        ):
            wire.session.received(nonsense)
        assert len(wire.heard()) == 9


def test_paths_that_do_not_exist_are_refused(ask: Asker) -> None:
    reply = ask.venue.socket(Request(method="GET", path="/v5/public/option"))
    assert isinstance(reply, Reply)
    assert reply.status == 404


# --- Books -----------------------------------------------------------------------------------------------------------


class Book:
    """A client's book: frames in, levels out; a change of an unknown level is an error."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        self.update = 0

    def take(self, frame: Any) -> None:
        data = frame["data"]
        if frame["type"] == "snapshot":
            self.sides = {side: dict(data[side]) for side in ("b", "a")}
        else:
            assert data["u"] == self.update + 1
            for side in ("b", "a"):
                for price, size in data[side]:
                    if Decimal(size) == 0:
                        del self.sides[side][price]
                    else:
                        self.sides[side][price] = size
        self.update = data["u"]


@pytest.mark.parametrize("category", ["spot", "linear"])
@pytest.mark.parametrize("depth", [50, 200, 1000])
def test_a_book_kept_from_changes_equals_the_book_asked_for(
    new_venue: Callable[..., Asker], category: str, depth: int
) -> None:
    ask, book = new_venue(), Book()
    wire = ask.wire(PUBLIC[category])
    answer, first = wire.send(op="subscribe", args=[f"orderbook.{depth}.BTCUSDT"])
    assert (answer["success"], first["type"], set(first["data"])) == (True, "snapshot", {"s", "b", "a", "u", "seq"})
    book.take(first)
    for _ in range(20):
        ask.later(0.5)
        ask.venue.step(ask.clock.now())
        for frame in wire.heard():
            assert frame["type"] == "delta"
            book.take(frame)
    asked = ask.get("/v5/market/orderbook", category=category, symbol="BTCUSDT", limit=str(depth))
    assert {side: dict(asked[side]) for side in ("b", "a")} == book.sides
    assert len(book.sides["b"]) == depth
    assert book.update > first["data"]["u"]


def test_the_number_of_the_deepest_stream_is_the_number_of_the_book_asked_for(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue()
    wire = ask.wire(PUBLIC["spot"])
    _, first = wire.send(op="subscribe", args=["orderbook.1000.ETHUSDT"])
    assert ask.get("/v5/market/orderbook", category="spot", symbol="ETHUSDT")["u"] == first["data"]["u"]


def test_the_top_of_book_is_always_whole_and_repeats_after_three_seconds(ask: Asker) -> None:
    wire = ask.wire(PUBLIC["linear"])
    frames = wire.send(op="subscribe", args=["orderbook.1.BTCUSDT"])[1:]
    ask.price("60020", "60020.1", "60020")
    frames += wire.heard()
    ask.later(1)
    ask.venue.step(ask.clock.now())
    assert wire.heard() == []
    ask.later(3)
    ask.price("60020", "60020.1", "60020")
    frames += wire.heard()
    assert {frame["type"] for frame in frames} == {"snapshot"}
    assert [frame["data"]["b"][0][0] for frame in frames] == ["60010.0", "60020.0", "60020.0"]
    assert [b["data"]["u"] - a["data"]["u"] for a, b in pairwise(frames)] == [1, 0]


def test_a_gap_loses_one_change_and_says_so_by_its_number(ask: Asker) -> None:
    wire = ask.wire(PUBLIC["linear"])
    frames = wire.send(op="subscribe", args=["orderbook.50.BTCUSDT"])[1:]
    assert ask.door("POST", "/book", {"symbol": CONTRACT, "what": "gap"})[0] == 204
    for bid in ("60020", "60030", "60040"):
        ask.price(bid, f"{bid}.1", bid)
    frames += wire.heard()
    assert [b["data"]["u"] - a["data"]["u"] for a, b in pairwise(frames)] == [2, 1]


def test_a_service_that_starts_again_sends_a_whole_book_with_number_one(ask: Asker) -> None:
    wire, other = ask.wire(PUBLIC["linear"]), ask.wire(PUBLIC["spot"])
    for one in (wire, other):
        one.send(op="subscribe", args=["orderbook.50.BTCUSDT"])
    ask.door("POST", "/book", {"symbol": CONTRACT, "what": "reset"})
    (again,) = wire.heard()
    assert (again["type"], again["data"]["u"], len(again["data"]["b"])) == ("snapshot", 1, 50)
    assert other.heard() == []
    ask.price("60020", "60020.1", "60020")
    assert wire.heard()[0]["data"]["u"] == 2


def test_subscribing_again_brings_the_whole_book(ask: Asker) -> None:
    wire = ask.wire(PUBLIC["linear"])
    topic = "orderbook.50.BTCUSDT"
    first = wire.send(op="subscribe", args=[topic])[1]
    assert wire.send(op="unsubscribe", args=[topic])[0]["success"] is True
    ask.price("60020", "60020.1", "60020")
    assert wire.heard() == []
    again = wire.send(op="subscribe", args=[topic])[1]
    assert (again["type"], again["data"]["b"][0][0]) == ("snapshot", "60020.0")
    assert again["data"]["u"] > first["data"]["u"]


# --- Tickers, trades, bars -------------------------------------------------------------------------------------------


def test_tickers_of_contracts_tell_what_changed(ask: Asker) -> None:
    wire = ask.wire(PUBLIC["linear"])
    _, first = wire.send(op="subscribe", args=["tickers.BTCUSDT"])
    ask.price("60010", "60010.3", "60010")
    (change,) = wire.heard()
    assert (first["type"], change["type"]) == ("snapshot", "delta")
    assert change["data"]["symbol"] == "BTCUSDT"
    assert change["data"]["ask1Price"] == "60010.3"
    assert "bid1Price" not in change["data"]
    assert "fundingRate" in first["data"]
    assert "fundingRate" not in change["data"]


def test_tickers_of_pairs_are_whole(ask: Asker) -> None:
    wire = ask.wire(PUBLIC["spot"])
    wire.send(op="subscribe", args=["tickers.BTCUSDT"])
    ask.price("60010", "60010.3", "60010", symbol=PAIR)
    (again,) = wire.heard()
    assert (again["type"], again["data"]["bid1Price"]) == ("snapshot", "60010.0")
    assert "markPrice" not in again["data"]


def test_trades_say_who_took(ask: Asker) -> None:
    wire = ask.wire(PUBLIC["linear"])
    wire.send(op="subscribe", args=["publicTrade.BTCUSDT"])
    ask.price("60020", "60020.1", "60020.1")
    (frame,) = wire.heard()
    assert (frame["type"], frame["data"][0]["p"], frame["data"][0]["s"]) == ("snapshot", "60020.1", "BTCUSDT")
    assert set(frame["data"][0]) == {"T", "s", "S", "v", "p", "i", "BT", "RPI", "seq", "L"}


def test_a_bar_is_told_open_and_once_when_it_is_over(ask: Asker) -> None:
    wire = ask.wire(PUBLIC["spot"])
    wire.send(op="subscribe", args=["kline.1.ETHUSDT"])
    ask.later(30)
    ask.venue.step(ask.clock.now())
    ask.later(31)
    ask.venue.step(ask.clock.now())
    bars = [frame["data"][0] for frame in wire.heard() if frame["topic"] == "kline.1.ETHUSDT"]
    assert [bar["confirm"] for bar in bars] == [False, True, False]
    assert bars[0]["start"] == bars[1]["start"] == bars[2]["start"] - 60_000
    assert bars[1]["end"] == bars[2]["start"] - 1
    (asked,) = ask.get(
        "/v5/market/kline", category="spot", symbol="ETHUSDT", interval="1",
        start=str(bars[1]["start"]), end=str(bars[1]["start"]),
    )["list"]  # fmt: skip
    assert asked[:5] == [str(bars[1]["start"]), *(bars[1][name] for name in ("open", "high", "low", "close"))]


# --- The private socket ----------------------------------------------------------------------------------------------


def test_signing_in(ask: Asker) -> None:
    wire = ask.wire("/v5/private")
    assert wire.send(op="subscribe", args=["order"])[0]["success"] is False
    now = int(ask.clock.now().timestamp() * 1000)
    keys = ask.venue.keys
    for args in (
        [keys.key, now + 1000, "0" * 64],
        [keys.key, now - 1, "x"],
        ["nobody", now + 1000, "x"],
        [],
        [1, 2, 3],
    ):
        assert wire.send(op="auth", args=args)[0]["success"] is False
    assert set(wire.sign_in()) == {"success", "ret_msg", "op", "conn_id"}
    assert wire.send(op="subscribe", args=["order"], req_id="1")[0]["req_id"] == "1"


def test_expiries_may_be_text(ask: Asker) -> None:
    wire = ask.wire("/v5/private")
    good = wire.sign_in
    expires = str(int(ask.clock.now().timestamp() * 1000) + 5000)
    args = [ask.venue.keys.key, expires, sign(ask.venue.keys.secret, f"GET/realtime{expires}")]
    assert good(args=args)["success"] is True


def test_whole_and_parted_topics_do_not_go_together(ask: Asker) -> None:
    wire = ask.wire("/v5/private")
    wire.sign_in()
    assert wire.send(op="subscribe", args=["order", "order.spot"])[0]["success"] is False
    assert wire.send(op="subscribe", args=["order", "nothing"])[0]["success"] is False
    assert wire.send(op="subscribe", args=["order.spot", "execution.linear"])[0]["success"] is True


def test_nothing_is_told_at_the_start(ask: Asker) -> None:
    ask.market(qty="0.1")
    assert ask.private("order", "execution", "position", "wallet").heard() == []


def test_parted_topics_hear_their_category_under_their_name(ask: Asker) -> None:
    wire = ask.private("order.spot", "execution.linear")
    ask.market()
    ask.order("spot")
    frames = wire.heard()
    assert [frame["topic"] for frame in frames] == ["execution.linear", "order.spot"]
    assert set(frames[0]) == {"id", "topic", "creationTime", "data"}


def test_a_limit_order_in_all_its_frames(ask: Asker) -> None:
    wire = ask.private("order", "execution", "position", "wallet")
    order_id = ask.order(price="60000", orderLinkId="mine")
    placed = wire.heard()
    assert [frame["topic"] for frame in placed] == ["order", "position"]
    ask.price("59990", "59990.1", "59990")
    done = wire.heard()
    assert [frame["topic"] for frame in done] == ["execution", "order", "position", "wallet"]
    execution, order, position, wallet = (frame["data"][0] for frame in done)
    assert execution["orderId"] == order["orderId"] == order_id
    assert (order["orderStatus"], order["cumFeeDetail"], order["closedPnl"]) == ("Filled", {"USDT": "0.12"}, "0")
    assert (execution["execPnl"], execution["extraFees"], execution["category"]) == ("0", [], "linear")
    assert (position["entryPrice"], "avgPrice" in position) == ("60000", False)
    assert wallet["coin"][0]["walletBalance"] == "99999.88"
    ids = [frame["id"] for frame in (*placed, *done)]
    assert len(set(ids)) == len(ids)


def test_a_market_order_is_filled_in_one_message(ask: Asker) -> None:
    wire = ask.private("order")
    ask.market()
    assert [line["orderStatus"] for line in wire.topic("order")] == ["Filled"]


def test_a_limit_order_that_takes_is_new_first(ask: Asker) -> None:
    wire = ask.private("order")
    ask.order(price="60010.1")
    assert [line["orderStatus"] for line in wire.topic("order")] == ["New", "Filled"]


def test_a_conditional_order_goes_through_its_states(ask: Asker) -> None:
    wire = ask.private("order")
    ask.order(price="60300", triggerPrice="60100", triggerDirection=1)
    ask.price("60100", "60400", "60100")
    assert [line["orderStatus"] for line in wire.topic("order")] == ["Untriggered", "Triggered", "New"]


def test_every_change_of_a_contract_order_tells_of_the_position(ask: Asker) -> None:
    wire = ask.private("position")
    order_id = ask.order()
    name = {"category": "linear", "symbol": "BTCUSDT", "orderId": order_id}
    ask.post("/v5/order/amend", **name, qty="0.02")
    ask.post("/v5/order/cancel", **name)
    assert [line["size"] for line in wire.topic("position")] == ["0.000"] * 3


def test_the_wallet_tells_of_what_spot_orders_hold(ask: Asker) -> None:
    wire = ask.private("wallet")
    order_id = ask.order("spot")
    ask.post("/v5/order/cancel", category="spot", symbol="BTCUSDT", orderId=order_id)
    told = [coin for frame in wire.heard() for coin in frame["data"][0]["coin"]]
    assert [(coin["coin"], coin["locked"]) for coin in told] == [("USDT", "590"), ("USDT", "0")]


def test_makers_are_not_named_in_fast_executions(ask: Asker) -> None:
    wire = ask.private("execution.fast.linear")
    ask.order(price="60000", orderLinkId="maker")
    ask.price("59990", "59990.1", "59990")
    ask.market(orderLinkId="taker")
    told = wire.topic("execution.fast.linear")
    assert [(line["isMaker"], line["orderLinkId"]) for line in told] == [(True, ""), (False, "taker")]
    assert set(told[0]) == {
        "category", "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker", "orderLinkId", "side", "execTime", "seq",
    }  # fmt: skip


def test_a_cancel_that_crosses_is_answered_well_and_told_twice(ask: Asker) -> None:
    wire = ask.private("order", "execution")
    order_id = ask.order(orderLinkId="mine")
    assert ask.door("POST", "/cross", {"order": "mine", "price": "59000"})[0] == 204
    assert ask.post("/v5/order/cancel", category="linear", symbol="BTCUSDT", orderId=order_id)["orderId"] == order_id
    frames = wire.heard()
    told = [line for frame in frames if frame["topic"] == "order" for line in frame["data"]]
    assert [(line["orderStatus"], line["cancelType"], line["rejectReason"]) for line in told[1:]] == [
        ("Filled", "UNKNOWN", "EC_NoError"),
        ("Filled", "CancelByUser", "EC_OrigClOrdIDDoesNotExist"),
    ]
    assert sum(len(frame["data"]) for frame in frames if frame["topic"] == "execution") == 1


# --- Silence ---------------------------------------------------------------------------------------------------------


def test_silent_clients_are_let_go_after_ten_minutes(ask: Asker) -> None:
    wires = [ask.wire(path) for path in (*PUBLIC.values(), "/v5/private", "/v5/trade")]
    step(ask, 300)
    wires[0].send(op="ping")
    step(ask, 301)
    assert [wire.session.outbox.close_code for wire in wires] == [None, 1000, 1000, 1000]


@pytest.mark.parametrize(
    ("text", "closed"), [("30s", True), ("30", True), ("600s", False), ("5s", False), ("x", False)]
)
def test_private_clients_may_ask_for_less_patience(ask: Asker, text: str, closed: bool) -> None:
    wire = ask.wire("/v5/private", max_active_time=text)
    step(ask, 60)
    assert (wire.session.outbox.close_code is not None) is closed


# --- Orders over the socket ------------------------------------------------------------------------------------------


def trade(wire: Wire, op: str, *args: Any, req_id: str | None = None, header: dict[str, Any] | None = None) -> Any:
    stamps = {"X-BAPI-TIMESTAMP": str(int(wire.clock.now().timestamp() * 1000)), "X-BAPI-RECV-WINDOW": "5000"} | (
        header or {}
    )
    named = {} if req_id is None else {"reqId": req_id}
    (answer,) = wire.send(**named, header=stamps, op=op, args=list(args))
    return answer


@pytest.fixture
def trader(ask: Asker) -> Wire:
    wire = ask.wire("/v5/trade")
    assert set(wire.sign_in()) == {"retCode", "retMsg", "op", "connId"}
    return wire


def test_a_command_is_answered_with_its_number_and_limits(ask: Asker, trader: Wire) -> None:
    answer = trade(trader, "order.create", ask.wish(orderLinkId="mine"), req_id="r-1")
    assert (answer["reqId"], answer["retCode"], answer["op"]) == ("r-1", 0, "order.create")
    assert answer["data"]["orderLinkId"] == "mine"
    assert set(answer["header"]) == {
        "X-Bapi-Limit", "X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp", "Traceid", "Timenow",
    }  # fmt: skip
    assert "reqId" not in trade(trader, "order.create", ask.wish())


def test_all_six_commands(ask: Asker, trader: Wire) -> None:
    name = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "a"}
    assert trade(trader, "order.create", ask.wish(orderLinkId="a"))["retCode"] == 0
    assert trade(trader, "order.amend", name | {"qty": "0.02"})["retCode"] == 0
    assert trade(trader, "order.cancel", name)["retCode"] == 0
    batch = {"category": "linear", "request": [ask.wish(orderLinkId="b"), ask.wish(orderLinkId="a")]}
    answer = trade(trader, "order.create-batch", batch)
    assert [line["code"] for line in answer["retExtInfo"]["list"]] == [0, 110072]
    assert [line["orderLinkId"] for line in answer["data"]["list"]] == ["b", "a"]
    change = {"category": "linear", "request": [{"symbol": "BTCUSDT", "orderLinkId": "b", "qty": "0.03"}]}
    assert trade(trader, "order.amend-batch", change)["retExtInfo"]["list"] == [{"code": 0, "msg": "OK"}]
    assert trade(trader, "order.cancel-batch", change)["retExtInfo"]["list"] == [{"code": 0, "msg": "OK"}]


def test_commands_that_cannot_be_are_refused(ask: Asker, trader: Wire) -> None:
    now = int(ask.clock.now().timestamp() * 1000)
    wish = ask.wish()
    assert trade(ask.wire("/v5/trade"), "order.create", wish)["retCode"] == 10007
    assert trader.sign_in()["retCode"] == 20001
    assert trade(trader, "order.destroy", wish)["retCode"] == 10404
    assert trade(trader, "order.create")["retCode"] == 10001
    assert trade(trader, "order.create", wish, wish)["retCode"] == 10001
    assert trade(trader, "order.create", wish, header={"X-BAPI-TIMESTAMP": now - 5001})["retCode"] == 10002
    assert trade(trader, "order.create", wish, header={"X-BAPI-TIMESTAMP": None})["retCode"] == 10001
    assert trade(trader, "order.create", wish, req_id="x" * 37)["retCode"] == 10001
    assert trade(trader, "order.create", wish, req_id="twice")["retCode"] == 0
    assert trade(trader, "order.create", wish, req_id="twice")["retCode"] == 20006
    poor = trade(trader, "order.create", ask.wish("spot", qty="5"))
    assert (poor["retCode"], poor["data"]) == (170131, {})
    assert len(ask.door("GET", "/orders")[1]) == 1


def test_numeric_times_without_a_window_are_taken(ask: Asker, trader: Wire) -> None:
    now = int(ask.clock.now().timestamp() * 1000)
    (answer,) = trader.send(op="order.create", header={"X-BAPI-TIMESTAMP": now - 4000}, args=[ask.wish()])
    assert answer["retCode"] == 0


def test_rest_and_socket_share_one_limit(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=None)
    wire = ask.wire("/v5/trade")
    wire.sign_in()
    for number in range(5):
        ask.order(price="50000")
        assert trade(wire, "order.create", ask.wish(price="50000"))["header"]["X-Bapi-Limit-Status"] == str(
            8 - 2 * number
        )
    assert trade(wire, "order.create", ask.wish(price="50000"))["retCode"] == 10006
    assert json.loads(ask.raw("POST", "/v5/order/create", json.dumps(ask.wish()).encode()).body)["retCode"] == 10006


# --- Faults of commands ----------------------------------------------------------------------------------------------


def test_commands_are_known_to_the_request_log(ask: Asker, trader: Wire) -> None:
    session = trader.session
    assert isinstance(session, TakesCommands)
    wish = {"op": "order.create", "args": [ask.wish(orderLinkId="mine")]}
    assert session.command(json.dumps(wish)) == ("/order.create", "mine")
    batch = {"op": "order.cancel-batch", "args": [{"category": "linear", "request": []}]}
    assert session.command(json.dumps(batch).encode()) == ("/order.cancel-batch", None)
    for other in ('{"op": "ping"}', '{"op": "auth", "args": []}', "nonsense", "[]", '{"op": ["order.create"]}'):
        assert session.command(other) is None
    assert not isinstance(ask.wire("/v5/private").session, TakesCommands)


@pytest.mark.parametrize(
    ("what", "code"),
    [("throttle", 10006), ("ban", 10403), ("token_expiry", 33004), ("maintenance", 10019), ("status", 10016)],
)
def test_faults_of_commands_come_as_codes(ask: Asker, trader: Wire, what: Any, code: int) -> None:
    session = trader.session
    assert isinstance(session, TakesCommands)
    session.refuse(Fault(where="request", what=what), json.dumps({"op": "order.create", "reqId": "r-1", "args": []}))
    (answer,) = trader.heard()
    assert (answer["reqId"], answer["op"], answer["retCode"], answer["data"]) == ("r-1", "order.create", code, {})
    assert ask.door("GET", "/orders")[1] == []


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("throttle", 200, 10006), ("ban", 403, None), ("token_expiry", 200, 33004), ("maintenance", 503, None),
        ("status", 500, 10016),
    ],
)  # fmt: skip
def test_faults_of_requests_wear_the_venue_s_face(ask: Asker, what: Any, status: int, code: int | None) -> None:
    reply = ask.venue.refusal(Fault(where="reply", what=what), Request(method="GET", path="/v5/market/time"))
    assert reply.status == status
    if code is not None:
        assert json.loads(reply.body)["retCode"] == code
    if what == "throttle":
        assert reply.headers["X-Bapi-Limit-Status"] == "0"
