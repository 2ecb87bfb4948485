"""Orders that wait for a price."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.sim.upstox.conftest import MONDAY, RELIANCE

if TYPE_CHECKING:
    from tests.unit.sim.upstox.conftest import UpstoxAsker

PLACE, MODIFY, CANCEL, GET = "/v3/order/gtt/place", "/v3/order/gtt/modify", "/v3/order/gtt/cancel", "/v3/order/gtt"


def rule(strategy: str, price: float, trigger: str = "IMMEDIATE", **more: Any) -> dict[str, Any]:
    return {"strategy": strategy, "trigger_type": trigger, "trigger_price": price, **more}


def wish(*rules: dict[str, Any], **changes: Any) -> dict[str, Any]:
    kind = "SINGLE" if len(rules) == 1 else "MULTIPLE"
    return {
        "type": kind, "quantity": 10, "product": "D", "rules": list(rules), "instrument_token": RELIANCE,
        "transaction_type": "BUY",
    } | changes  # fmt: skip


def place(ask: UpstoxAsker, *rules: dict[str, Any], **changes: Any) -> str:
    return ask.data("POST", PLACE, wish(*rules, **changes))["gtt_order_ids"][0]


def words(ask: UpstoxAsker, name: str) -> list[str]:
    return [one.status for one in ask.venue.state.gtts[name].rules]


BRACKET = (rule("ENTRY", 1410, "ABOVE"), rule("TARGET", 1450), rule("STOPLOSS", 1380))


@pytest.mark.parametrize(
    ("trigger", "price", "last", "fires"),
    [
        ("ABOVE", 1410, "1410", True),
        ("ABOVE", 1410, "1409.9", False),
        ("BELOW", 1390, "1390", True),
        ("BELOW", 1390, "1390.1", False),
    ],
)
def test_an_entry_fires_at_its_price(ask: UpstoxAsker, trigger: str, price: float, last: str, fires: bool) -> None:
    place(ask, rule("ENTRY", price, trigger))
    ask.price(last, last)
    assert bool(ask.data("GET", "/v2/order/retrieve-all")) is fires
    assert (ask.data("GET", GET) == []) is fires


def test_an_immediate_entry_is_a_limit_order_at_once(ask: UpstoxAsker) -> None:
    name = place(ask, rule("ENTRY", 1390))
    (order,) = ask.data("GET", "/v2/order/retrieve-all")
    assert (order["order_type"], order["price"], order["status"]) == ("LIMIT", 1390, "open")
    assert words(ask, name) == ["OPEN"]


def test_protection_makes_the_limit_worse_than_the_trigger(ask: UpstoxAsker) -> None:
    place(ask, rule("ENTRY", 1410, "ABOVE", market_protection=5))
    ask.price("1412", "1412")
    (order,) = ask.data("GET", "/v2/order/retrieve-all")
    assert (order["price"], order["average_price"]) == (Decimal("1480.5"), 1412)


@pytest.mark.parametrize(
    ("last", "ended", "price"),
    [
        ("1450", ["COMPLETED", "COMPLETED", "CANCELLED"], 1450),
        ("1379", ["COMPLETED", "CANCELLED", "COMPLETED"], 1379),
    ],
)
def test_one_exit_ends_the_other(ask: UpstoxAsker, last: str, ended: list[str], price: int) -> None:
    name = place(ask, *BRACKET)
    assert words(ask, name) == ["SCHEDULED", "PENDING", "PENDING"]
    ask.price("1410", "1410")
    assert words(ask, name) == ["COMPLETED", "SCHEDULED", "SCHEDULED"]
    ask.price(last, last)
    assert words(ask, name) == ended
    buy, sell = ask.data("GET", "/v2/order/trades/get-trades-for-day")
    assert (buy["transaction_type"], sell["transaction_type"], sell["average_price"]) == ("BUY", "SELL", price)
    assert ask.door("GET", "/positions")[1] == []


def test_a_trailing_stop_follows_and_does_not_go_back(ask: UpstoxAsker) -> None:
    name = place(ask, rule("ENTRY", 1410, "ABOVE"), rule("STOPLOSS", 1400, trailing_gap=10))
    for last in ("1410", "1430", "1425"):
        ask.price(last, last)
    (shown,) = ask.data("GET", GET, gtt_order_id=name)
    assert shown["rules"][1]["trigger_price"] == 1420
    ask.price("1420", "1420")
    assert words(ask, name) == ["COMPLETED", "COMPLETED"]


def test_a_short_entry_has_its_exits_on_the_other_sides(ask: UpstoxAsker) -> None:
    name = place(
        ask, rule("ENTRY", 1390, "BELOW"), rule("TARGET", 1350), rule("STOPLOSS", 1420), transaction_type="SELL", product="I"
    )  # fmt: skip
    ask.price("1390", "1390")
    ask.price("1421", "1421")
    assert words(ask, name) == ["COMPLETED", "CANCELLED", "COMPLETED"]


def test_an_entry_that_is_rejected_fails_the_whole(ask: UpstoxAsker) -> None:
    name = place(ask, *BRACKET, quantity=1000)
    ask.price("1410", "1410")
    assert words(ask, name) == ["FAILED", "CANCELLED", "CANCELLED"]
    assert "Insufficient funds" in (ask.venue.state.gtts[name].rules[0].message or "")


def test_a_cancel_takes_the_open_order_with_it(ask: UpstoxAsker) -> None:
    name = place(ask, rule("ENTRY", 1390))
    ask.data("DELETE", CANCEL, {"gtt_order_id": name})
    assert ask.data("GET", "/v2/order/retrieve-all")[0]["status"] == "cancelled"
    assert ask.data("GET", GET) == []
    assert ask.refused("DELETE", CANCEL, {"gtt_order_id": name}) == (400, "UDAPI1137")


def test_triggers_change_and_the_quantity_until_the_entry_has_fired(ask: UpstoxAsker) -> None:
    name = place(ask, *BRACKET)
    new = [rule("ENTRY", 1420, "ABOVE"), rule("TARGET", 1460), rule("STOPLOSS", 1370)]
    body = {"type": "MULTIPLE", "quantity": 5, "rules": new, "gtt_order_id": name}
    assert ask.data("PUT", MODIFY, body) == {"gtt_order_ids": [name]}
    ask.price("1410", "1410")
    assert words(ask, name)[0] == "SCHEDULED"
    ask.price("1420", "1420")
    assert ask.position()["quantity"] == 5
    assert ask.refused("PUT", MODIFY, body | {"quantity": 6}) == (400, "UDAPI1137")
    new[1]["trigger_price"] = 1425
    ask.data("PUT", MODIFY, body)
    ask.price("1425", "1425")
    assert words(ask, name) == ["COMPLETED", "COMPLETED", "CANCELLED"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (wish(BRACKET[0], type="SOME"), "UDAPI1126"),
        (wish(BRACKET[0], type="MULTIPLE"), "UDAPI1128"),
        (wish(*BRACKET, BRACKET[1]), "UDAPI1128"),
        (wish(BRACKET[0], BRACKET[0]), "UDAPI1132"),
        (wish(BRACKET[1]), "UDAPI1132"),
        (wish(rule("HOPE", 1)), "UDAPI1132"),
        (wish(rule("ENTRY", 1400, "AROUND")), "UDAPI1130"),
        (wish(BRACKET[0], rule("TARGET", 1450, "ABOVE")), "UDAPI1130"),
        (wish(BRACKET[0], rule("TARGET", 1400)), "UDAPI1143"),
        (wish(BRACKET[0], rule("STOPLOSS", 1420)), "UDAPI1143"),
        (wish(rule("ENTRY", 0)), "UDAPI1143"),
        (wish(rule("ENTRY", 1400.01)), "UDAPI1143"),
        (wish(rule("ENTRY", 1400, trailing_gap=1)), "UDAPI100036"),
        (wish(BRACKET[0], quantity=0), "UDAPI1052"),
        (wish(BRACKET[0], product="CNC"), "UDAPI1054"),
        (wish(BRACKET[0], transaction_type="HOLD"), "UDAPI1057"),
        (wish(BRACKET[0], instrument_token="NSE_EQ|X"), "UDAPI100011"),
    ],
)
def test_what_cannot_be_is_refused(ask: UpstoxAsker, body: dict[str, Any], code: str) -> None:
    assert ask.refused("POST", PLACE, body) == (400, code)
    assert ask.data("GET", GET) == []


def test_nobody_is_not_found(ask: UpstoxAsker) -> None:
    assert ask.refused("GET", GET, gtt_order_id="GTT-X") == (404, "UDAPI1136")
    assert ask.refused("DELETE", CANCEL, {"gtt_order_id": "GTT-X"}) == (404, "UDAPI1136")
    assert ask.refused("DELETE", CANCEL, {}) == (400, "UDAPI100036")


def test_an_intraday_one_ends_with_the_day_and_others_live_a_year(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(calendar=True)
    day, long = place(ask, BRACKET[0], product="I"), place(ask, BRACKET[0])
    ask.advance(86_400)
    assert (words(ask, day), words(ask, long)) == (["EXPIRED"], ["SCHEDULED"])
    ask.venue.state.advance(MONDAY + timedelta(days=366))
    assert words(ask, long) == ["EXPIRED"]
