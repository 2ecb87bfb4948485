"""What a simulated Tradier answers to reads: shapes, formats, account, market data, limits, errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from tests.unit.sim.tradier.conftest import TradierAsker

CALL = "AAPL260320C00150000"


@pytest.fixture
def hold(contracts_dir: Path) -> Callable[..., None]:
    """Validates a reply against one of the schemas that the author of a client wrote (floats, as JSON has them)."""

    def check(name: str, value: Any, **beside: int) -> None:
        for wrapper in value.values() if beside else ():
            wrapper.update(beside)  # paging members that the schema asks for and replies do not have
        path = contracts_dir / "tradier" / "schemas" / f"get_{name}_schema.json"
        plain = json.loads(json.dumps(value, default=float))
        found = list(Draft202012Validator(json.loads(path.read_text("utf-8"))).iter_errors(plain))
        assert not found, [(list(error.absolute_path), error.message[:200]) for error in found]

    return check


def _traded(ask: TradierAsker) -> None:
    """Two round trips, and what is left of a third."""
    ask.price("5.00", "5.10", CALL)
    for _ in range(2):
        ask.market()
        ask.price("151.00", "151.02")
        ask.market(side="sell")
    ask.market()
    ask.option(CALL, "buy_to_open")


def test_replies_hold_against_the_schemas_of_a_client(
    new_tradier: Callable[..., TradierAsker], hold: Callable[..., None]
) -> None:
    ask = new_tradier()
    ask.door("POST", "/shapes", {"one": "array"})
    _traded(ask)
    hold("account_orders", ask("GET", "./orders"), page=1, total_pages=1, total_orders=6)
    hold("account_gainloss", ask("GET", "./gainloss"), page=1, total_pages=1, total_positions=2)
    # Of the history the schema knows no details, which the document names after the type.
    quotes = ask("GET", "/v1/markets/quotes", symbols=f"AAPL,{CALL}", greeks="true")["quotes"]["quote"]
    whole = [{name: value for name, value in quote.items() if value is not None} for quote in quotes]
    hold("quotes", {"quotes": {"quote": whole}})
    hold("user_profile", ask("GET", "/v1/user/profile"))
    hold("calendar", ask("GET", "/v1/markets/calendar", month="11", year="2026"))
    hold("history", ask("GET", "/v1/markets/history", symbol="AAPL", start="2026-02-02"))
    hold("timesales", ask("GET", "/v1/markets/timesales", symbol="AAPL", interval="5min"))
    hold("lookup", ask("GET", "/v1/markets/lookup", q="AA"))
    expirations = {"symbol": "AAPL", "strikes": "true", "contractSize": "true", "expirationType": "true"}
    hold("option_expirations", ask("GET", "/v1/markets/options/expirations", **expirations))


def test_a_list_of_none_one_and_many_has_every_shape(ask: TradierAsker) -> None:
    def shown(none: str, one: str) -> Any:
        assert ask.door("POST", "/shapes", {"none": none, "one": one})[0] == 204
        return ask("GET", "./orders")["orders"]

    assert [shown(none, "object") for none in ("text", "null", "inner")] == ["null", None, {"order": None}]
    order_id = ask.place()
    assert shown("text", "object")["order"]["id"] == order_id
    assert [one["id"] for one in shown("text", "array")["order"]] == [order_id]
    ask.place()
    assert len(shown("text", "object")["order"]) == 2
    assert ask.door("POST", "/shapes", {"none": "nothing"})[0] == 422


def test_without_json_in_accept_the_reply_is_xml(ask: TradierAsker) -> None:
    ask.place()
    ask.place()
    ask.headers["accept"] = "*/*"
    reply = ask.raw("GET", "./orders")
    found = ET.fromstring(reply.body)  # noqa: S314
    assert (reply.content_type, found.tag, len(found.findall("order"))) == ("application/xml", "orders", 2)
    refused = ask.raw("POST", "./orders", {"class": "equity"})
    assert ET.fromstring(refused.body).tag == "errors"  # noqa: S314


def test_a_wrong_token_meets_the_gateway(ask: TradierAsker) -> None:
    ask.headers["authorization"] = "Bearer wrong"
    status, text = ask.refused("GET", "/v1/user/profile")
    assert (status, json.loads(text)["fault"]["faultstring"]) == (401, "Invalid Access Token")


def test_over_the_limit_there_is_no_answer_until_the_minute_is_over(new_tradier: Callable[..., TradierAsker]) -> None:
    ask = new_tradier(rate=None)
    replies = [ask.raw("POST", "./orders", {"class": "none"}) for _ in range(61)]
    assert [reply.status for reply in replies] == [400] * 60 + [429]
    assert replies[-1].body == b"Quota Violation"
    assert (replies[0].headers["X-Ratelimit-Allowed"], replies[0].headers["X-Ratelimit-Available"]) == ("60", "59")
    assert ask.raw("GET", "./orders").status == 200
    ask.door("POST", "/clock", {"advance_s": 61})
    assert ask.raw("POST", "./orders", {"class": "none"}).status == 400


def test_balances_follow_the_positions(ask: TradierAsker) -> None:
    ask.market(quantity="100")
    ask.price("155.00", "155.02")
    balances = ask("GET", "./balances")["balances"]
    assert (balances["total_cash"], balances["stock_long_value"]) == (100_000 - 15_001, Decimal(15_501))
    assert (balances["open_pl"], balances["total_equity"]) == (500, 100_500)
    assert balances["margin"]["stock_buying_power"] == 2 * balances["margin"]["option_buying_power"]
    ask.place(quantity="10", price="100")
    after = ask("GET", "./balances")["balances"]
    assert balances["margin"]["stock_buying_power"] - after["margin"]["stock_buying_power"] == 1000
    assert after["pending_orders_count"] == 1


def test_a_cash_account_sells_nothing_short_and_waits_for_its_money(ask: TradierAsker) -> None:
    ask.door("POST", "/account", {"type": "cash"})
    assert ask.order(ask.market(side="sell_short"))["status"] == "rejected"
    ask.market()
    ask.market(side="sell")
    cash = ask("GET", "./balances")["balances"]["cash"]
    assert cash["unsettled_funds"] == Decimal("1499.9")
    ask.door("POST", "/account", {"type": "pdt"})
    pdt = ask("GET", "./balances")["balances"]["pdt"]
    assert pdt["stock_buying_power"] == 4 * pdt["option_buying_power"]


def test_history_and_gainloss_tell_what_was_done(ask: TradierAsker) -> None:
    _traded(ask)
    closed = ask("GET", "./gainloss")["gainloss"]["closed_position"]
    assert [one["gain_loss"] for one in closed] == [Decimal("9.90"), Decimal("-0.20")]
    events = ask("GET", "./history", symbol="AAPL", exactMatch="true")["history"]["event"]
    assert sum(one["amount"] for one in events) == Decimal("9.90") - Decimal("0.20") - Decimal("1510.20")
    assert ask("GET", "./history", type="dividend")["history"] == "null"


def test_quotes_name_what_nobody_listed(ask: TradierAsker) -> None:
    quotes = ask("POST", "/v1/markets/quotes", {"symbols": f"AAPL,{CALL},XYZZ", "greeks": "true"})["quotes"]
    share, call = quotes["quote"]
    assert (share["bid"], share["ask"], share["type"]) == (Decimal("149.99"), Decimal("150.01"), "stock")
    assert (call["strike"], call["option_type"], call["underlying"]) == (150, "call", "AAPL")
    assert Decimal("0.3") < call["greeks"]["delta"] < Decimal("0.7")
    assert quotes["unmatched_symbols"]["symbol"] == "XYZZ"
    assert ask("GET", "/v1/markets/quotes", symbols="XYZZ")["quotes"] == {"unmatched_symbols": {"symbol": "XYZZ"}}


def test_the_chain_holds_calls_and_puts_of_every_strike(ask: TradierAsker) -> None:
    dates = ask("GET", "/v1/markets/options/expirations", symbol="AAPL")["expirations"]["date"]
    assert dates[0] == "2026-03-06"
    strikes = ask("GET", "/v1/markets/options/strikes", symbol="AAPL", expiration=dates[1])["strikes"]["strike"]
    chain = ask("GET", "/v1/markets/options/chains", symbol="AAPL", expiration=dates[1])["options"]["option"]
    assert sorted({one["strike"] for one in chain}) == strikes
    assert len(chain) == 2 * len(strikes)
    symbols = ask("GET", "/v1/markets/options/lookup", underlying="AAPL")["symbols"][0]["options"]
    assert {one["symbol"] for one in chain} <= set(symbols)
    assert ask("GET", "/v1/markets/options/chains", symbol="AAPL", expiration="2030-01-01")["options"] is None


def test_weeks_and_quarters_add_up_to_their_parts(ask: TradierAsker) -> None:
    days = ask("GET", "/v1/markets/history", symbol="AAPL", start="2026-02-02", end="2026-02-06")["history"]["day"]
    week = ask("GET", "/v1/markets/history", symbol="AAPL", interval="weekly", start="2026-02-02", end="2026-02-06")
    week = week["history"]["day"]
    assert [one["date"][-2:] for one in days] == ["02", "03", "04", "05", "06"]
    assert (week["open"], week["close"]) == (days[0]["open"], days[-1]["close"])
    assert (week["high"], week["volume"]) == (max(d["high"] for d in days), sum(d["volume"] for d in days))
    span = {"symbol": "AAPL", "start": "2026-02-27 10:00", "end": "2026-02-27 10:14"}
    minutes = ask("GET", "/v1/markets/timesales", interval="1min", **span)["series"]["data"]
    quarter = ask("GET", "/v1/markets/timesales", interval="15min", **span)["series"]["data"]
    assert (len(minutes), minutes[0]["time"]) == (15, "2026-02-27T10:00:00")
    assert quarter["high"] == max(bar["high"] for bar in minutes)


def test_the_clock_follows_the_calendar(new_tradier: Callable[..., TradierAsker]) -> None:
    ask = new_tradier(calendar=True)
    seen: list[tuple[str, str]] = []
    for moment in (
        "2026-03-02T20:30Z",
        "2026-03-02T21:30Z",
        "2026-03-03T02:00Z",
        "2026-03-03T13:00Z",
        "2026-03-03T14:25Z",
    ):
        ask.door("POST", "/clock", {"now": moment})
        clock = ask("GET", "/v1/markets/clock")["clock"]
        seen.append((clock["state"], clock["next_change"]))
    assert seen == [
        ("open", "16:00"), ("postmarket", "19:55"), ("closed", "07:00"), ("premarket", "09:24"), ("closed", "09:30"),
    ]  # fmt: skip


def test_a_watchlist_is_made_changed_and_removed(ask: TradierAsker) -> None:
    made = ask("POST", "/v1/watchlists", {"name": "My Tech", "symbols": "AAPL,MSFT"})["watchlist"]
    assert [one["symbol"] for one in made["items"]["item"]] == ["AAPL", "MSFT"]
    ask("POST", f"/v1/watchlists/{made['id']}/symbols", {"symbols": "IBM"})
    ask("DELETE", f"/v1/watchlists/{made['id']}/symbols/AAPL")
    shown = ask("GET", f"/v1/watchlists/{made['id']}")["watchlist"]
    assert [one["symbol"] for one in shown["items"]["item"]] == ["MSFT", "IBM"]
    ask("DELETE", f"/v1/watchlists/{made['id']}")
    assert ask.refused("GET", f"/v1/watchlists/{made['id']}")[0] == 404


def test_a_trade_that_is_taken_back_or_corrected_never_was_as_it_was(ask: TradierAsker) -> None:
    order_id = ask.place()
    ask.fill(order_id, "4", "100")
    ask.fill(order_id, "2", "100")
    first, second = (one["exec"] for one in ask.door("GET", "/fills")[1])
    assert ask.door("POST", "/busts", {"exec": first})[0] == 204
    assert ask.door("POST", "/corrections", {"exec": second, "qty": "2", "price": "99"})[0] == 204
    order = ask.order(order_id)
    assert (order["exec_quantity"], order["avg_fill_price"], ask.positions()["AAPL"]) == (2, 99, 2)
    ask.door("POST", "/reset")
    assert ask("GET", "./orders")["orders"] == "null"
