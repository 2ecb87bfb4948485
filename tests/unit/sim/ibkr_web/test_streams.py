"""The socket: what comes unasked, each topic, and what ends it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from floorbroker_sim.http import Reply, Request
from tests.unit.sim.ibkr_web.conftest import AAPL, Asker


def topics(frames: list[dict[str, object]]) -> list[object]:
    return [frame.get("topic", next(iter(frame))) for frame in frames]


def test_four_frames_come_unasked_in_their_order(ask: Asker) -> None:
    system, act, sts, beat = ask.wire().heard()
    assert (system["success"], system["isPaper"]) == (ask.venue.state.username, True)
    assert act["args"]["accounts"] == [ask.account]
    assert (sts["topic"], sts["args"]["authenticated"], sts["args"]["competing"]) == ("sts", True, False)
    assert beat == {"topic": "system", "hb": int(ask.clock.now().timestamp() * 1000)}


@pytest.mark.parametrize("form", ['api={"session": "%s"}', 'api={"session":"%s"}', "api=%s", "other=1; api=%s"])
def test_a_cookie_names_the_session(ask: Asker, form: str) -> None:
    session = ask("POST", "/tickle")["session"]
    assert topics(ask.wire(form % session).heard())[:2] == ["system", "act"]
    assert ask.wire(form % "wrong").heard() == [{"message": "waiting for session"}]


def test_other_paths_have_no_socket(ask: Asker) -> None:
    answer = ask.venue.socket(Request(method="GET", path="/ws"))
    assert isinstance(answer, Reply)
    assert answer.status == 404


def test_heartbeats_come_every_ten_seconds(ask: Asker) -> None:
    wire = ask.wire()
    wire.heard()
    ask.later(9)
    assert wire.heard() == []
    ask.later(1)
    assert topics(wire.heard()) == ["system"]


def test_orders_come_whole_first_and_then_what_changed(ask: Asker) -> None:
    placed = ask.order(cOID="o")
    wire = ask.wire()
    wire.heard()
    (full,) = wire.send("sor+{}")
    assert (full["args"][0]["orderId"], full["args"][0]["order_ref"]) == (int(placed), "o")
    ask.door("POST", "/fill", {"order": placed, "qty": "4", "price": "145"})
    ((change,),) = wire.topic("sor")
    assert (change["orderId"], change["status"], change["filledQuantity"]) == (int(placed), "Submitted", 4)
    assert {"order_ref", "totalSize", "side"}.isdisjoint(change)
    assert wire.send("uor+{}") == []
    ask.cancel(placed)
    assert wire.heard() == []


def test_filters_narrow_the_stream_those_of_the_list_as_well(ask: Asker) -> None:
    wire = ask.wire()
    wire.send('sor+{"filters":["Filled"]}')
    ask.order()
    assert wire.topic("sor") == []
    ask.market()
    assert len(wire.topic("sor")) == 1
    wire.send("sor+{}")
    ask("GET", "/iserver/account/orders", filters="filled")
    ask.order()
    assert wire.topic("sor") == []
    ask("GET", "/iserver/account/orders", force="true")
    ask.order()
    assert len(wire.topic("sor")) == 1


@pytest.mark.parametrize("name", ["realtimeUpdatesOnly", "realtime_updates_only"])
def test_executions_come_with_the_past_unless_not_wanted(ask: Asker, name: str) -> None:
    ask.market(cOID="before")
    wire = ask.wire()
    wire.heard()
    (past,) = wire.send("str+{}")
    assert [trade["order_ref"] for trade in past["args"]] == ["before"]
    late = ask.wire()
    late.heard()
    assert late.send(f'str+{{"{name}":true}}') == []
    ask.market(cOID="after")
    assert [trade["order_ref"] for trade in late.topic("str")[0]] == ["after"]
    late.send("utr")
    ask.market()
    assert late.heard() == []


def test_prices_tell_what_changed_twice_a_second_at_most(ask: Asker) -> None:
    wire = ask.wire()
    wire.heard()
    (first,) = wire.send(f'smd+{AAPL}+{{"fields":["31","84","86"]}}')
    assert (first["topic"], first["84"], first["86"], first["conid"]) == (f"smd+{AAPL}", "149.99", "150.01", AAPL)
    ask.price("149.99", "150.05", "150")
    assert wire.heard() == []
    ask.later(1)
    (change,) = wire.heard()
    assert (change["86"], "84" in change) == ("150.05", False)
    wire.send(f"umd+{AAPL}+{{}}")
    ask.price("100", "101")
    ask.later(1)
    assert wire.heard() == []


def test_a_subscription_to_prices_ends_by_itself(ask: Asker) -> None:
    wire = ask.wire()
    wire.send(f'smd+{AAPL}+{{"fields":["31"]}}')
    for _ in range(15):
        ask.later(60)
        ask("POST", "/tickle")
    wire.heard()
    ask.price("100", "101", "100")
    ask.later(1)
    assert wire.topic(f"smd+{AAPL}") == []


def test_bars_come_once_and_their_end_is_confirmed(ask: Asker) -> None:
    wire = ask.wire()
    wire.heard()
    (bars,) = wire.send(f'smh+{AAPL}+{{"period":"1d","bar":"1hour"}}')
    assert (bars["topic"], bars["barLength"]) == (f"smh+{AAPL}", 3600)
    assert bars["data"]
    assert wire.send(f"umh+{bars['serverId']}") == [{"message": f"Unsubscribed {bars['serverId']}"}]


def test_the_ladder_shows_both_sides(ask: Asker) -> None:
    wire = ask.wire()
    wire.heard()
    (ladder,) = wire.send(f"sbd+{ask.account}+{AAPL}+NASDAQ")
    assert ladder["topic"] == f"sbd+{ask.account}+{AAPL}+NASDAQ"
    assert [(row["price"], row.get("ask"), row.get("bid")) for row in ladder["data"]] == [
        ("150.01", "500", None), ("149.99", None, "500"),
    ]  # fmt: skip
    assert wire.send(f"ubd+{ask.account}") == []


def test_account_topics_come_again_every_ten_seconds(ask: Asker) -> None:
    wire = ask.wire()
    wire.heard()
    (summary,) = wire.send(f'ssd+{ask.account}+{{"keys":["NetLiquidation-S"],"fields":["currency","monetaryValue"]}}')
    assert summary["result"][0] == {
        "key": "AccountCode", "value": ask.account, "timestamp": int(ask.clock.now().timestamp()),
    }  # fmt: skip
    assert (summary["result"][1]["key"], summary["result"][1]["monetaryValue"]) == ("NetLiquidation-S", 100_000)
    (ledger,) = wire.send(f'sld+{ask.account}+{{"keys":["LedgerListUSD"],"fields":["cashBalance"]}}')
    assert [row["cashBalance"] for row in ledger["result"]] == [100_000]
    (pnl,) = wire.send("spl")
    assert pnl["args"][f"{ask.account}.Core"]["dpl"] == 0
    ask.later(10)
    assert {"spl", f"sld+{ask.account}", f"ssd+{ask.account}"} <= set(topics(wire.heard()))
    assert wire.send(f"usd+{ask.account}") == [{"result": "unsubscribed from summary"}]
    assert wire.send(f"uld+{ask.account}") == [{"result": "unsubscribed from ledger"}]


def test_tic_answers_that_it_is_alive(ask: Asker) -> None:
    wire = ask.wire()
    wire.heard()
    (answer,) = wire.send("tic")
    assert (answer["alive"], answer["id"]) == (True, ask.venue.state.login.session)


@pytest.mark.parametrize(
    "text", ["", "abc", "smd", "smd+x+{}", "smd+265598+{", "\x00", "x" * 5000, "{}", "sbd+a", "ssd+U1"]
)
def test_texts_nobody_understands_are_answered_with_an_error(ask: Asker, text: str) -> None:
    wire = ask.wire()
    wire.heard()
    (answer,) = wire.send(text)
    assert answer["error"]


def test_a_session_that_ends_is_told_and_takes_its_subscriptions_along(ask: Asker) -> None:
    wire = ask.wire()
    wire.send("sor+{}")
    ask.session("take_over")
    (status,) = wire.topic("sts")
    assert (status["authenticated"], status["competing"]) == (False, True)
    ask("POST", "/iserver/auth/ssodh/init", {"publish": True, "compete": True})
    assert wire.topic("sts")[0]["authenticated"] is True
    ask("GET", "/iserver/accounts")
    ask.order()
    assert wire.topic("sor") == []


def test_a_logout_closes_the_socket(ask: Asker) -> None:
    wire = ask.wire()
    ask("POST", "/logout")
    assert wire.heard()[-1]["args"]["authenticated"] is False
    assert wire.session.outbox.close_code == 1000


def test_people_can_be_notified(ask: Asker) -> None:
    wire = ask.wire()
    wire.heard()
    assert ask.door("POST", "/notify", {"title": "Halt", "text": "AAPL is halted"})[0] == 204
    notification, bulletin = wire.heard()
    assert notification["args"][0]["text"] == bulletin["args"]["message"] == "AAPL is halted"


def test_sockets_that_leave_are_forgotten(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue()
    ask("GET", "/iserver/accounts")
    wire = ask.wire()
    wire.send("sor+{}")
    wire.heard()
    wire.session.closed()
    ask.order(price=100)
    assert wire.heard() == []
    assert json.dumps(ask.door("GET", "/session")[1])
