"""Who is logged in, what each path needs, and how sessions end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.sim.ibkr_web.conftest import AAPL, Asker

STATUS = "/iserver/auth/status"
INIT = "/iserver/auth/ssodh/init"


def status(ask: Asker) -> tuple[bool, bool, bool]:
    answer = ask("POST", STATUS)
    return answer["connected"], answer["authenticated"], answer["competing"]


def test_the_gateway_starts_with_both_sessions(ask: Asker) -> None:
    assert status(ask) == (True, True, False)
    tickle = ask("POST", "/tickle")
    assert tickle["iserver"]["authStatus"] == ask("POST", STATUS)
    assert len(tickle["session"]) == 32
    assert ask("GET", "/sso/validate")["loginType"] == 2


def test_orders_want_the_accounts_to_be_asked_for_before(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue()
    paths = (("GET", "/iserver/account/orders"), ("GET", f"/iserver/marketdata/snapshot?conids={AAPL}"))
    for method, path in paths:
        found, _, query = path.partition("?")
        named = dict([query.split("=")]) if query else {}
        assert ask.refused(method, found, **named) == (400, "Bad Request: Please query /accounts first")
    assert ask.refused("POST", f"/iserver/account/{ask.account}/orders", {"orders": [ask.ticket()]})[0] == 400
    ask("GET", "/iserver/accounts")
    assert ask("GET", "/iserver/account/orders") == {"orders": [], "snapshot": False}


def test_the_portfolio_wants_its_own_accounts_first(ask: Asker) -> None:
    path = f"/portfolio/{ask.account}/ledger"
    assert ask.refused("GET", path)[0] == 400
    ask("GET", "/portfolio/accounts")
    assert ask("GET", path)["USD"]["cashbalance"] == 100_000


def test_six_minutes_of_silence_end_the_brokerage_session_and_leave_the_portal(ask: Asker) -> None:
    ask.later(359)
    assert status(ask) == (True, True, False)
    ask.later(360)
    assert status(ask) == (True, False, False)
    assert ask.refused("GET", "/iserver/accounts") == (400, "Bad Request: no bridge")
    ask("GET", "/portfolio/accounts")
    assert ask("POST", INIT, {"publish": True, "compete": True})["authenticated"] is True
    assert ask.refused("GET", "/iserver/account/orders")[1].endswith("/accounts first")


def test_a_tickle_keeps_the_session(ask: Asker) -> None:
    for _ in range(10):
        ask.later(300)
        ask("POST", "/tickle")
    assert status(ask) == (True, True, False)


def test_a_session_begun_elsewhere_is_taken_back_with_compete_alone(ask: Asker) -> None:
    ask.session("take_over")
    assert status(ask) == (True, False, True)
    assert ask("POST", INIT, {"publish": True, "compete": False})["competing"] is True
    answer = ask("POST", INIT, {"publish": True, "compete": True})
    assert (answer["authenticated"], answer["competing"]) == (True, False)


def test_opening_a_session_wants_it_published(ask: Asker) -> None:
    assert ask.refused("POST", INIT, {"publish": False, "compete": True})[0] == 500


def test_after_a_logout_everything_waits_for_a_person(ask: Asker) -> None:
    old = ask("POST", "/tickle")["session"]
    assert ask("POST", "/logout") == {"status": True}
    for method, path in (
        ("POST", STATUS),
        ("POST", "/tickle"),
        ("GET", "/portfolio/accounts"),
        ("GET", "/iserver/accounts"),
    ):
        assert ask.refused(method, path)[0] == 401
    ask.session("login")
    assert status(ask) == (True, True, False)
    assert ask("POST", "/tickle")["session"] != old


def test_with_a_calendar_midnight_ends_the_session_and_a_day_the_login(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(calendar=True)
    ask.later(13 * 3600 + 3500)  # a minute and forty seconds before midnight
    ask("POST", INIT, {"publish": True, "compete": True})
    assert status(ask) == (True, True, False)
    ask.later(120)
    assert status(ask) == (True, False, False)
    ask("POST", INIT, {"publish": True, "compete": True})
    ask.later(24 * 3600)
    assert ask.refused("POST", STATUS)[0] == 401


def test_without_a_calendar_days_do_not_end(ask: Asker) -> None:
    ask.door("POST", "/clock", {"advance_s": 3 * 86_400})
    assert status(ask) == (True, True, False)


def test_accounts_are_selected_among_those_of_the_user(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(accounts=2)
    first, second = ask("GET", "/iserver/accounts")["accounts"]
    assert ask("POST", "/iserver/account", {"acctId": second}) == {"set": True, "acctId": second}
    assert ask("GET", "/iserver/accounts")["selectedAccount"] == second
    assert ask.refused("POST", "/iserver/account", {"acctId": "U1"}) == (500, "Invalid account ID")
    placed = ask.order(price=100)
    assert ask.refused("GET", f"/iserver/account/order/status/{placed}")[0] == 503
    ask("POST", "/iserver/account", {"acctId": first})
    assert ask.status(placed) == "Submitted"


# --- Pacing ----------------------------------------------------------------------------------------------------------


def test_ten_requests_a_second_pass_and_the_eleventh_is_boxed_for_ten_minutes(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=600)
    for _ in range(10):
        ask("POST", STATUS)
    assert ask.refused("POST", STATUS) == (429, "Too Many Requests")
    ask.later(599)
    assert ask.refused("POST", STATUS)[0] == 429
    ask.later(2)
    assert ask.raw("POST", STATUS).status == 200


@pytest.mark.parametrize(("path", "seconds"), [("/iserver/account/orders", 5), ("/iserver/account/trades", 5)])
def test_a_path_with_a_window_is_asked_once_in_it(new_venue: Callable[..., Asker], path: str, seconds: int) -> None:
    ask = new_venue(rate=600)
    ask("GET", "/iserver/accounts")
    ask("GET", path)
    ask.later(seconds)
    ask("GET", path)
    ask.later(seconds - 1)
    assert ask.refused("GET", path)[0] == 429


def test_a_post_without_a_length_is_refused_as_http_servers_do(ask: Asker) -> None:
    from floorbroker_sim.http import Request

    path = "/v1/api/tickle"
    reply = ask.venue.handle(
        Request(method="POST", path=path, segments=("v1", "api", "tickle"), headers={"host": "localhost"})
    )
    assert reply.status == 411


def test_paths_outside_the_base_do_not_exist(ask: Asker) -> None:
    assert ask.raw("GET", "/iserver/nothing").status == 404
    assert ask.raw("DELETE", "/tickle").status == 405
