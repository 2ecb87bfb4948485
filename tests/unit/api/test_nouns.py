"""Accounts, profiles, market data, the kill switch, the audit: one reading of each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx2
import pytest

from floorbroker.api.views.operations import broker_view
from floorbroker.brokers.alpaca import INFO as ALPACA
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.desk import SessionState
from tests.unit.api.conftest import Caller

pytestmark = pytest.mark.asyncio
PAPER = "/api/v1/paper"


async def get(door: Caller, path: str) -> Any:
    reply = await door.http.get(PAPER + path)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_positions_and_cash_follow_the_fills(door: Caller) -> None:
    await door.order()
    account = await get(door, "/account")
    (held,) = (await get(door, "/positions"))["items"]
    (fill,) = (await get(door, "/fills"))["items"]
    assert (account["cash"], account["currency"]) == ("98104.8", "USD")
    assert (held["symbol"], held["quantity"], held["unrealized_pl"]) == ("AAPL", "10", "-0.4")
    assert held["currency"] == "USD"
    assert (fill["quantity"], fill["price"]) == ("10", "189.52")


@pytest.mark.parametrize(
    "path", ["/account", "/balances", "/positions", "/orders", "/fills", "/status", "/adjustments", "/rounds", ""],
)  # fmt: skip
async def test_everything_can_be_asked_of_one_profile(door: Caller, path: str) -> None:
    await get(door, f"/profiles/paper{path}")
    assert (await door.http.get(f"{PAPER}/profiles/nobody{path}")).status_code == 404


async def test_a_session_can_be_checked_and_reconciled(door: Caller) -> None:
    check = await door.http.post(f"{PAPER}/profiles/paper/self-check")
    done = await door.http.post(f"{PAPER}/profiles/paper/reconcile")
    assert check.json()["ok"] is True
    assert done.json()["converged"] is True


async def test_a_profile_is_disconnected_and_connected_with_a_reason(door: Caller) -> None:
    path = f"{PAPER}/profiles/paper"
    off = await door.http.post(f"{path}/disconnect", json={"reason": "key rotation"})
    on = await door.http.post(f"{path}/connect", json={"reason": "done"})
    wrong = await door.http.post(f"{path}/disconnect", json={"reason": ""})
    nobody = await door.http.post(f"{PAPER}/profiles/nobody/connect", json={"reason": "x"})
    assert (off.status_code, off.json()["state"], on.json()["state"]) == (200, "offline", "ready")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/reason")
    assert nobody.status_code == 404


async def test_adjustments_are_listed_with_their_causes(door: Caller) -> None:
    (found,) = (await get(door, "/profiles/paper/adjustments"))["items"]
    told = (found["symbol"], found["quantity"], found["ours"], found["venue"], found["cause"])
    assert told == ("MSFT", "7", "2", "9", "opening position")


async def test_rounds_of_reconciliation_come_a_page_at_a_time(door: Caller) -> None:
    first = await get(door, "/profiles/paper/rounds?limit=2")
    rest = await get(door, f"/profiles/paper/rounds?limit=2&cursor={first['next_cursor']}")
    assert [one["converged"] for one in (*first["items"], *rest["items"])] == [True, False, True]
    assert (first["next_cursor"], rest["next_cursor"]) == ("6", None)
    for wrong in ("limit=0", "cursor=soon", "since=2026-11-20T12:00:00Z"):
        assert (await door.http.get(f"{PAPER}/profiles/paper/rounds?{wrong}")).status_code == 422


async def test_the_curve_of_equity_is_told_of_one_profile_and_of_all(door: Caller) -> None:
    assert (await get(door, "/account/equity")) == {"profiles": ["paper"], "currency": None, "items": []}
    curve = door.desk.guard.curve
    for equity in ("100", "101.5"):
        curve.note(ProfileName("paper"), Decimal(equity), "USD", door.clock.now())
    told = await get(door, "/account/equity?profile=paper")
    assert (told["currency"], [one["equity"] for one in told["items"]]) == ("USD", ["100", "101.5"])
    assert (await door.http.get(f"{PAPER}/account/equity?profile=nobody")).status_code == 404


async def test_quotes_come_for_several_symbols(door: Caller) -> None:
    found = (await get(door, "/quotes?symbols=AAPL,BTC/USD"))["items"]
    assert [(q["symbol"], q["bid"]) for q in found] == [("AAPL", "189.48"), ("BTC/USD", "64000")]
    missing = await door.http.get(f"{PAPER}/quotes?symbols=ZZZZ")
    assert (missing.status_code, missing.json()["code"]) == (404, "symbol_not_found")


async def test_a_book_is_shown_best_level_first_with_what_can_be_read_off_it(door: Caller) -> None:
    book = await get(door, "/book?symbol=AAPL&depth=5")
    assert (book["bids"], book["asks"]) == ([{"price": "189.48", "size": "3"}], [{"price": "189.52", "size": "4"}])
    assert (book["spread"], book["mid"], book["state"]) == ("0.04", "189.5", "fresh")
    for wrong in ("?symbol=AAPL&depth=0", "?symbol=AAPL&depth=1001", "?depth=5"):
        assert (await door.http.get(f"{PAPER}/book{wrong}")).status_code == 422


async def test_bars_without_a_start_are_those_before_the_end_and_else_those_from_the_start_on(door: Caller) -> None:
    last = await get(door, "/bars?symbol=AAPL&span_s=3600&limit=2")
    assert [bar["start"] for bar in last["items"]] == ["2026-11-20T10:00:00.000000Z", "2026-11-20T11:00:00.000000Z"]
    first = await get(door, "/bars?symbol=AAPL&span_s=3600&limit=2&start=2026-11-19T12:00:00Z")
    assert [bar["start"] for bar in first["items"]] == ["2026-11-19T12:00:00.000000Z", "2026-11-19T13:00:00.000000Z"]


async def test_hours_have_defaults_and_bars_want_a_start_before_the_end(door: Caller) -> None:
    hours = await get(door, "/market-hours")
    assert (hours["market"], hours["day"], hours["open"]) == ("XNYS", "2026-11-20", "2026-11-20T14:30:00.000000Z")
    wrong = await door.http.get(f"{PAPER}/bars?symbol=AAPL&start=2026-11-20T12:00:00Z&end=2026-11-20T11:00:00Z")
    assert wrong.status_code == 422


async def test_the_kill_switch_blocks_cancels_and_resets(door: Caller) -> None:
    await door.resting()
    tripped = await door.http.put(f"{PAPER}/kill-switch", json={"level": 2, "reason": "drill"})
    assert (tripped.json()["level"], tripped.json()["by"]) == (2, "operator")
    assert (await get(door, "/orders?status=open"))["items"] == []
    blocked = await door.order()
    assert (blocked.status_code, blocked.json()["code"]) == (423, "kill_switch_on")
    await door.http.put(f"{PAPER}/kill-switch", json={"level": 0, "reason": "drill is over"})
    assert (await door.order()).status_code == 201


@pytest.mark.parametrize(
    "body", [{}, {"level": 1}, {"level": 4, "reason": "x"}, {"level": True, "reason": "x"}, {"level": 1, "reason": ""}, []],
)  # fmt: skip
async def test_the_kill_switch_takes_nothing_half_said(door: Caller, body: Any) -> None:
    assert (await door.http.put(f"{PAPER}/kill-switch", json=body)).status_code == 422
    assert (await get(door, "/kill-switch"))["level"] == 0


async def test_the_audit_tells_who_did_what(door: Caller) -> None:
    await door.order()
    rows = (await door.http.get("/api/v1/audit")).json()["items"]
    assert [(r["actor"], r["action"], r["environment"]) for r in rows] == [("operator", "order.submit", "paper")]
    assert (await door.http.get(f"/api/v1/audit?after={rows[0]['seq']}")).json()["items"] == []
    assert (await door.http.get("/api/v1/audit?environment=live")).status_code == 404


async def test_brokers_say_what_they_can_do(door: Caller) -> None:
    (info,) = (await door.http.get("/api/v1/brokers")).json()["items"]
    assert (info["code"], "fractional" in info["can"]) == ("PAPER", True)


async def test_a_field_says_who_asks_for_it_and_what_its_keys_look_like() -> None:
    key, _, number, url = broker_view(ALPACA).fields
    assert (key.environments, key.prefixes) == (("sim", "paper", "live"), {"paper": "PK", "live": "AK"})
    assert (number.name, number.required) == ("BROKER_ACCOUNT_NUMBER", False)
    assert (url.name, url.environments) == ("BROKER_URL", ("sim",))
    option = broker_view(ALPACA).options[-1]
    assert (option.name, option.default) == ("trading_requests_min", "200")
    assert option.shape == "a whole number from 1 to 9999999"


async def test_an_environment_that_is_not_there_is_404_and_says_what_is(door: Caller) -> None:
    reply = await door.http.get("/api/v1/live/orders")
    assert (reply.status_code, reply.json()["detail"]) == (404, "there is no live environment here; there is paper")
    assert (await door.http.get("/api/v1/demo/orders")).status_code == 404


async def test_readiness_follows_the_sessions(door: Caller) -> None:
    assert (await door.http.get("/readyz")).json()["ready"] == 1
    for name in door.desk.state:
        door.desk.state[name] = SessionState.DEGRADED
    reply = await door.http.get("/readyz")
    assert (reply.status_code, reply.json()["code"]) == (503, "not_ready")
    assert (await door.http.get("/healthz")).json() == {"status": "ok", "version": "0.1.0"}


async def test_metrics_count_requests_by_route(door: Caller) -> None:
    await door.resting()
    told = (await door.http.get("/metrics")).text
    assert 'http_requests_total{method="POST",route="submit_order",status="201"} 1.0' in told
    assert 'floorbroker_profile_ready{environment="paper",profile="paper"} 1.0' in told


async def test_the_reference_and_each_error_page_are_there(door: Caller) -> None:
    page = await door.http.get("/docs")
    assert "/api/v1/{env}/orders" in page.text
    assert "<script" not in page.text
    problem = (await door.http.get(f"{PAPER}/orders/none")).json()
    assert "not_found" in (await door.http.get(problem["type"])).text
    assert (await door.http.get("/docs/errors/never_heard_of")).status_code == 404


ARMING = "/api/v1/live/arming"


async def test_a_live_profile_is_armed_by_its_name_for_a_while_and_disarmed(live: httpx2.AsyncClient) -> None:
    assert (await live.get(ARMING)).json()["items"][0]["armed"] is False
    wish = {"reason": "the open", "confirm": "real", "for_s": 3600}
    (armed,) = (await live.put(ARMING, json=wish)).json()["items"]
    assert (armed["profile"], armed["armed"], armed["reason"]) == ("real", True, "the open")
    assert armed["until"] > armed["since"]
    (disarmed,) = (await live.delete(ARMING, params={"reason": "lunch"})).json()["items"]
    assert (disarmed["armed"], disarmed["why_not"]) == (False, "disarmed: lunch")


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"confirm": "yes"}, "/confirm"),
        ({"confirm": None}, "/confirm"),
        ({"reason": ""}, "/reason"),
        ({"for_s": 86_401}, "/for_s"),
        ({"for_s": "3600"}, "/for_s"),
        ({"for_ever": True}, "/for_ever"),
    ],
)
async def test_arming_takes_nothing_half_said(live: httpx2.AsyncClient, changed: dict[str, Any], pointer: str) -> None:
    wish = {"reason": "the open", "confirm": "real"} | changed
    refused = await live.put(ARMING, json=wish)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await live.get(ARMING)).json()["items"][0]["armed"] is False


async def test_only_live_is_armed(door: Caller) -> None:
    assert (await door.http.get(ARMING)).status_code == 404
    assert (await door.http.put(ARMING, json={"reason": "r", "confirm": "paper"})).status_code == 404


async def test_without_a_profile_the_account_is_that_of_all_and_says_whether_it_is_whole(door: Caller) -> None:
    await door.order()
    whole = await get(door, "/account")
    assert (whole["complete"], whole["equity"], whole["missing"]) == (True, "99999.6", [])
    (net,), (part,) = whole["positions"], whole["profiles"]
    assert (net["symbol"], net["quantity"], net["parts"][0]["profile"]) == ("AAPL", "10", "paper")
    assert (part["profile"], part["cash"], part["stale"]) == ("paper", "98104.8", "")
    one = await get(door, "/account?profile=paper")
    assert (one["account"], one["cash"]) == ("PA-1", "98104.8")


async def test_a_partial_account_and_partial_positions_are_marked(door: Caller) -> None:
    await door.order()
    door.desk.silent.append(ProfileName("other"))
    whole, held = await get(door, "/account"), await get(door, "/positions")
    assert not whole["complete"]
    assert whole["left_out"] == ["other is not counted: no answer within 5 s"]
    assert whole["missing"] == held["missing"] == [{"profile": "other", "reason": "no answer within 5 s"}]
    assert (held["complete"], [row["symbol"] for row in held["items"]]) == (False, ["AAPL"])
    assert [net["quantity"] for net in held["netted"]] == ["10"]
    csv = await door.http.get(f"{PAPER}/positions", headers={"Accept": "text/csv"})
    assert csv.status_code == 502
    assert "other: no answer" in csv.json()["detail"]


async def test_what_cannot_be_converted_is_listed_and_not_counted(door: Caller) -> None:
    whole = await get(door, "/account?currency=EUR")
    assert (whole["currency"], whole["equity"], whole["complete"]) == ("EUR", "0", False)
    assert {one["what"] for one in whole["unconverted"]} == {"equity", "cash", "buying power"}


@pytest.mark.parametrize("query", ["profile=paper&currency=EUR", "currency=eur", "currency=TOOLONGACODE"])
async def test_a_currency_that_means_nothing_is_refused(door: Caller, query: str) -> None:
    refused = await door.http.get(f"{PAPER}/account?{query}")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/query/currency"
