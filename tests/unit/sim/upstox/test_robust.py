"""Codes, limits, faults, hours, recorded days, and requests nobody should send."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import Price
from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Request
from floorbroker_sim.upstox.errors import CODES
from floorbroker_sim.upstox.rest.hours import INDIA, holidays
from floorbroker_sim.upstox.rest.routes import OPEN_ROUTES, ROUTES
from floorbroker_sim.upstox.venue import create_venue
from tests.unit.sim.upstox.conftest import MONDAY, NIFTY, RELIANCE, UpstoxAsker

# --- Codes -------------------------------------------------------------------------------------------------------------

PLACE: list[tuple[dict[str, Any], str]] = [
    ({"instrument_token": None}, "UDAPI1026"),
    ({"instrument_token": "NSE_EQ|INE000000000"}, "UDAPI100011"),
    ({"instrument_token": NIFTY}, "UDAPI100011"),
    ({"instrument_token": "MCX_FO|1"}, "UDAPI1161"),
    ({"order_type": None}, "UDAPI1004"),
    ({"order_type": "STOP"}, "UDAPI1056"),
    ({"transaction_type": None}, "UDAPI1005"),
    ({"transaction_type": "HOLD"}, "UDAPI1057"),
    ({"product": None}, "UDAPI1006"),
    ({"product": "CNC"}, "UDAPI1054"),
    ({"validity": None}, "UDAPI1007"),
    ({"validity": "GTC"}, "UDAPI1055"),
    ({"quantity": 0}, "UDAPI1052"),
    ({"quantity": None}, "UDAPI1052"),
    ({"price": None}, "UDAPI1008"),
    ({"price": 0}, "UDAPI1043"),
    ({"order_type": "SL", "trigger_price": 0}, "UDAPI1031"),
    ({"order_type": "SL-M", "trigger_price": 0}, "UDAPI1036"),
    ({"order_type": "SL", "price": 1400, "trigger_price": 1410}, "UDAPI1037"),
    ({"order_type": "SL", "price": 1400, "trigger_price": 1390, "transaction_type": "SELL"}, "UDAPI1038"),
    ({"quantity": 100, "disclosed_quantity": 9}, "UDAPI1039"),
    ({"disclosed_quantity": 11}, "UDAPI1039"),
    ({"tag": "x" * 41}, "UDAPI1119"),
    ({"market_protection": 26}, "UDAPI100036"),
    ({"quantity": -1}, "UDAPI100036"),
    ({"quantity": "many"}, "UDAPI100036"),
    ({"price": -1}, "UDAPI100036"),
    ({"quantity": 10**30}, "UDAPI100036"),
]


@pytest.mark.parametrize(("fields", "code"), PLACE)
def test_an_order_that_cannot_be_is_refused_by_code(ask: UpstoxAsker, fields: dict[str, Any], code: str) -> None:
    assert ask.refused("POST", "/v3/order/place", ask.wish(**fields)) == (400, code)
    assert ask.data("GET", "/v2/order/retrieve-all") == []


READS: list[tuple[str, dict[str, str], tuple[int, str]]] = [
    ("/v2/order/details", {}, (400, "UDAPI1023")),
    ("/v2/order/details", {"order_id": "a b"}, (400, "UDAPI1010")),
    ("/v2/order/details", {"order_id": "1"}, (404, "UDAPI100010")),
    ("/v2/order/history", {}, (400, "UDAPI100059")),
    ("/v2/order/trades", {}, (400, "UDAPI1023")),
    ("/v2/user/get-funds-and-margin", {"segment": "X"}, (400, "UDAPI1105")),
    ("/v2/market-quote/ltp", {}, (400, "UDAPI1009")),
    ("/v2/market-quote/ltp", {"symbol": "RELIANCE"}, (400, "UDAPI1011")),
    ("/v2/market-quote/ltp", {"symbol": "NSE_EQ|NOBODY"}, (400, "UDAPI1087")),
    ("/v2/market-quote/ltp", {"symbol": ",".join(["NSE_EQ|X"] * 501)}, (400, "UDAPI100043")),
    ("/v3/market-quote/ohlc", {"instrument_key": RELIANCE}, (400, "UDAPI1027")),
    ("/v3/market-quote/ohlc", {"instrument_key": RELIANCE, "interval": "I5"}, (400, "UDAPI1028")),
    ("/v3/historical-candle/RELIANCE/days/1/2026-02-27", {}, (400, "UDAPI1021")),
    ("/v3/historical-candle/NSE_EQ|X/days/1/2026-02-27", {}, (400, "UDAPI100011")),
    (f"/v3/historical-candle/{RELIANCE}/years/1/2026-02-27", {}, (400, "UDAPI1146")),
    (f"/v3/historical-candle/{RELIANCE}/days/2/2026-02-27", {}, (400, "UDAPI1147")),
    (f"/v3/historical-candle/{RELIANCE}/minutes/301/2026-02-27", {}, (400, "UDAPI1147")),
    (f"/v3/historical-candle/{RELIANCE}/days/1/27-02-2026", {}, (400, "UDAPI1015")),
    (f"/v3/historical-candle/{RELIANCE}/days/1/2026-02-27/2026-02-28", {}, (400, "UDAPI1015")),
    (f"/v3/historical-candle/{RELIANCE}/minutes/1/2026-02-27/2026-01-01", {}, (400, "UDAPI1148")),
    (f"/v3/historical-candle/{RELIANCE}/minutes/1/2021-02-27", {}, (400, "UDAPI1148")),
    (f"/v2/historical-candle/{RELIANCE}/hour/2026-02-27", {}, (400, "UDAPI1020")),
    ("/v2/option/chain", {"instrument_key": NIFTY}, (400, "UDAPI1088")),
    ("/v2/option/chain", {"instrument_key": NIFTY, "expiry_date": "soon"}, (400, "UDAPI1088")),
    ("/v2/expired-instruments/expiries", {"instrument_key": NIFTY}, (403, "UDAPI1149")),
    ("/v2/market/holidays/tomorrow", {}, (400, "UDAPI1088")),
    ("/v2/trade/profit-loss/data", {}, (400, "UDAPI1066")),
    ("/v2/trade/profit-loss/data", {"segment": "X"}, (400, "UDAPI1067")),
    ("/v2/trade/profit-loss/data", {"segment": "EQ"}, (400, "UDAPI1068")),
    ("/v2/trade/profit-loss/data", {"segment": "EQ", "financial_year": "2527"}, (400, "UDAPI1069")),
    ("/v2/trade/profit-loss/data", {"segment": "EQ", "financial_year": "2526"}, (400, "UDAPI1070")),
    ("/v2/trade/profit-loss/data", {"segment": "EQ", "financial_year": "2526", "page_number": "1"}, (400, "UDAPI1071")),
    (
        "/v2/trade/profit-loss/metadata",
        {"segment": "EQ", "financial_year": "2526", "from_date": "2025-05-01"},
        (400, "UDAPI1072"),
    ),
    (
        "/v2/trade/profit-loss/metadata",
        {"segment": "EQ", "financial_year": "2526", "from_date": "01-03-2025"},
        (400, "UDAPI1073"),
    ),
    ("/v2/charges/historical-trades", {"start_date": "x"}, (400, "UDAPI1088")),
    (
        "/v2/charges/historical-trades",
        {"start_date": "2026-01-01", "end_date": "2026-02-01", "page_number": "0"},
        (400, "UDAPI1106"),
    ),
    ("/v2/charges/brokerage", {"instrument_token": "x"}, (400, "UDAPI1059")),
    ("/v2/charges/brokerage", {"instrument_token": RELIANCE}, (400, "UDAPI1060")),
    ("/v2/charges/brokerage", {"instrument_token": RELIANCE, "quantity": "0"}, (400, "UDAPI1064")),
    ("/v2/charges/brokerage", {"instrument_token": RELIANCE, "quantity": "1"}, (400, "UDAPI1063")),
    ("/v2/charges/brokerage", {"instrument_token": RELIANCE, "quantity": "1", "product": "D"}, (400, "UDAPI1062")),
    ("/v2/nowhere", {}, (404, "UDAPI100060")),
    ("/v2/feed/market-data-feed/authorize", {}, (410, "UDAPI10000")),
    ("/v3/order/place", {}, (405, "UDAPI10000")),
    ("/market-quote/instruments/exchange/NYSE.json.gz", {}, (404, "UDAPI100060")),
]


@pytest.mark.parametrize(("path", "query", "wanted"), READS)
def test_a_read_that_cannot_be_is_refused_by_code(
    ask: UpstoxAsker, path: str, query: dict[str, str], wanted: tuple[int, str]
) -> None:
    assert ask.refused("GET", path, **query) == wanted


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"quantity": 0}, "UDAPI1096"),
        ({"instrument_key": "x"}, "UDAPI1098"),
        ({"instrument_key": "NSE_EQ|X"}, "UDAPI1099"),
        ({"product": None}, "UDAPI1100"),
        ({"transaction_type": None}, "UDAPI1101"),
        ({"price": -1}, "UDAPI1104"),
    ],
)
def test_a_margin_that_cannot_be_is_refused_by_code(ask: UpstoxAsker, item: dict[str, Any], code: str) -> None:
    good: dict[str, Any] = {"instrument_key": RELIANCE, "quantity": 1, "product": "D", "transaction_type": "BUY"}
    assert ask.refused("POST", "/v2/charges/margin", {"instruments": [good | item]}) == (400, code)
    assert ask.refused("POST", "/v2/charges/margin", {"instruments": [good, good]}) == (400, "UDAPI1103")
    assert ask.refused("POST", "/v2/charges/margin", {"instruments": [good] * 21}) == (400, "UDAPI1102")
    assert ask.refused("POST", "/v2/charges/margin", {}) == (400, "UDAPI1095")


@pytest.mark.parametrize("code", CODES)
def test_every_code_can_be_had_for_the_asking(ask: UpstoxAsker, code: str) -> None:
    assert ask.door("POST", "/refusals", {"code": code, "path": "/v2/user/profile"})[0] == 204
    ask.data("GET", "/v2/order/retrieve-all")
    assert ask.refused("GET", "/v2/user/profile") == (CODES[code][0], code)
    ask.data("GET", "/v2/user/profile")


def test_a_refusal_names_the_member_in_both_spellings(ask: UpstoxAsker) -> None:
    body = json.loads(ask.raw("POST", "/v3/order/place", ask.wish(product="CNC")).body)
    assert body == {
        "status": "error",
        "errors": [
            {
                "errorCode": "UDAPI1054", "message": CODES["UDAPI1054"][1], "propertyPath": "product", "invalidValue": "CNC",
                "error_code": "UDAPI1054", "property_path": "product", "invalid_value": "CNC",
            }
        ],
    }  # fmt: skip


def test_an_order_is_rejected_after_success_when_the_door_says_so(ask: UpstoxAsker) -> None:
    assert ask.door("POST", "/rejections", {"message": "RMS: blocked"})[0] == 204
    order = ask.order(ask.place())
    assert (order["status"], order["status_message"]) == ("rejected", "RMS: blocked")
    assert ask.order(ask.place())["status"] == "open"


def test_the_version_is_one_that_exists(ask: UpstoxAsker) -> None:
    ask.headers["api-version"] = "1.0"
    assert ask.refused("GET", "/v2/user/profile") == (400, "UDAPI100015")


# --- Limits and faults -------------------------------------------------------------------------------------------------


def test_orders_are_counted_by_the_second_the_minute_and_the_half_hour(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(rate=None)
    for second in range(50):
        for _ in range(10):
            ask.refused("DELETE", "/v3/order/cancel", order_id="1")
        if second == 0:
            assert ask.refused("DELETE", "/v3/order/cancel", order_id="1") == (429, "UDAPI10005")
            ask.data("GET", "/v2/user/profile")
        ask.advance(1)
    assert ask.refused("DELETE", "/v3/order/cancel", order_id="1") == (429, "UDAPI10005")
    ask.advance(11)
    assert ask.refused("DELETE", "/v3/order/cancel", order_id="1") == (404, "UDAPI100010")


def test_reads_are_counted_path_by_path_and_algorithms_may_order_more(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(rate=None)
    for _ in range(50):
        ask.data("GET", "/v2/user/profile")
    assert ask.refused("GET", "/v2/user/profile") == (429, "UDAPI10005")
    assert ask.data("GET", "/v2/order/retrieve-all") == []
    ask.door("POST", "/rules", {"algo": "mine"})
    ask.headers["x-algo-name"] = "mine"
    for _ in range(50):
        assert ask.refused("DELETE", "/v3/order/cancel", order_id="1") == (404, "UDAPI100010")
    assert ask.refused("DELETE", "/v3/order/cancel", order_id="1") == (429, "UDAPI10005")


def test_the_rate_can_be_set_and_is_forgotten_by_a_reset(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(rate=2)
    for _ in range(2):
        ask.data("GET", "/v2/user/profile")
    assert ask.refused("GET", "/v2/user/profile") == (429, "UDAPI10005")
    ask.door("POST", "/reset", {})
    ask.data("GET", "/v2/user/profile")


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("throttle", (429, "UDAPI10005")),
        ("token_expiry", (401, "UDAPI100050")),
        ("ban", (403, "UDAPI1154")),
        ("maintenance", (423, "UDAPI100074")),
        ("status", (500, "UDAPI100500")),
    ],
)
def test_each_fault_wears_the_venues_face(ask: UpstoxAsker, what: Any, wanted: tuple[int, str]) -> None:
    reply = ask.venue.refusal(Fault(where="request", what=what), Request(method="GET", path="/"))
    assert (reply.status, json.loads(reply.body)["errors"][0]["errorCode"]) == wanted


# --- Hours -------------------------------------------------------------------------------------------------------------


def test_an_order_outside_hours_waits_for_the_opening(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(calendar=True)
    ask.advance(8 * 3600)
    order_id = ask.place()
    assert ask.states(order_id)[-1] == "after market order req received"
    assert ask.order(order_id)["variety"] == "AMO"
    ask.modify(order_id, price=1210)
    assert ask.states(order_id)[-2:] == ["modify after market order req received", "after market order req received"]
    gone = ask.place()
    ask.cancel(gone)
    assert ask.order(gone)["status"] == "cancelled after market order"
    ask.advance(2 * 86_400 - 8 * 3600)
    ask.login()
    assert ask.order(order_id)["status"] == "open"


def test_days_end_and_intraday_positions_are_closed_before(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(calendar=True)
    resting, day = ask.place(), ask.place(product="I", price=1150)
    ask.market(product="I")
    ask.advance(5 * 3600)
    assert ask.order(day)["status"] == "cancelled"
    assert ask.position("I")["quantity"] == 0
    assert ask.states(resting)[-1] == "cancelled"
    assert ask.refused("POST", "/v2/order/positions/exit") == (400, "UDAPI1113")
    ask.advance(86_400)
    ask.login()
    assert ask.data("GET", "/v2/order/retrieve-all") == []
    assert [one["status"] for one in ask.door("GET", "/orders")[1]] == ["canceled", "canceled", "filled", "filled"]


def test_what_nobody_buys_is_offered_once_at_the_square_off(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(calendar=True)
    ask.market(product="I")
    key = ask.data("GET", "/v2/option/contract", instrument_key=NIFTY)[0]
    ask.fill(ask.place(product="I", instrument_token=key["instrument_key"], quantity=75, price=1), "75", "1")
    symbol = ask.venue.state.listings.by_key[key["instrument_key"]].symbol
    nobody: Any = None
    one = Price(Decimal(1))
    ask.venue.market.set_price(symbol, bid=nobody, ask=one, last=one, at=ask.venue.clock.now())
    ask.advance(17_700)
    assert len([one for one in ask.door("GET", "/orders")[1] if one["side"] == "sell"]) == 2


def test_the_api_keeps_hours_of_its_own(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(calendar=True)
    ask.advance(17 * 3600 + 1800)
    ask.login()
    assert ask.refused("GET", "/v2/user/profile") == (423, "UDAPI100074")


def test_prices_far_from_the_close_are_rejected_with_hours(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(calendar=True)
    assert "circuit" in ask.order(ask.place(price=1000, quantity=1))["status_message"]
    body = ask.wish(is_amo=True)
    assert ask.refused("POST", "/v2/order/place", body) == (400, "UDAPI100039")


@pytest.mark.parametrize(
    ("day", "opens"),
    [("2026-03-02", True), ("2026-03-03", False), ("2026-03-07", False), ("2026-04-03", False), ("2031-08-15", False)],
)
def test_the_exchanges_keep_their_holidays(day: str, opens: bool) -> None:
    assert (INDIA.session(date.fromisoformat(day)) is not None) == opens
    assert list(holidays(2031).values()).count("Good Friday") == 1


# --- Recorded days -----------------------------------------------------------------------------------------------------


def test_recorded_shares_are_listed_and_play_forward(
    new_upstox: Callable[..., UpstoxAsker], recorded_data: Path
) -> None:
    clock = ManualClock(MONDAY)
    ask = UpstoxAsker(create_venue(clock=clock, data=recorded_data), clock)
    found = ask.data("GET", "/v2/instruments/search", query="IBM")
    key = next(one["instrument_key"] for one in found if one["trading_symbol"] == "IBM")
    ask.advance(12 * 3600)
    ask.login()
    order_id = ask.market(instrument_token=key, quantity=1)
    assert ask.order(order_id)["status"] == "complete"
    minutes = ask.data("GET", f"/v3/historical-candle/intraday/{key}/minutes/1")["candles"]
    (quote,) = ask.data("GET", "/v2/market-quote/quotes", symbol=key).values()
    assert quote["ohlc"]["high"] == max(row[2] for row in minutes)
    assert quote["volume"] == sum(row[5] for row in minutes)
    day = ask.venue.clock.now().date().isoformat()
    assert ask.data("GET", f"/v3/historical-candle/{key}/days/1/{day}")["candles"]
    assert ask.door("GET", "/positions")[1][0]["symbol"] == "IBM.NSE"


# --- Strangers ---------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = (
    "quantity", "product", "validity", "price", "tag", "slice", "instrument_token", "order_type", "transaction_type",
    "disclosed_quantity", "trigger_price", "order_id", "correlation_id", "market_protection", "type", "rules", "strategy",
    "trigger_type", "trailing_gap", "gtt_order_id", "instruments", "instrument_key", "segment", "action", "primary_ip",
)  # fmt: skip
WORDS = st.sampled_from(
    [RELIANCE, NIFTY, "BUY", "SELL", "D", "I", "DAY", "LIMIT", "MARKET", "SL", "ENTRY", "1", "2026-02-27"]
)
ANY = WORDS | JSON
BODIES = (
    st.dictionaries(st.sampled_from(NAMES), ANY, max_size=14).map(lambda one: json.dumps(one).encode())
    | st.lists(st.dictionaries(st.sampled_from(NAMES), ANY, max_size=14), max_size=3).map(
        lambda one: json.dumps(one).encode()
    )
    | st.binary(max_size=60)
)
EVERY = [(method, path) for method, path, _ in (*OPEN_ROUTES, *ROUTES)]


@pytest.fixture(scope="module")
def target() -> UpstoxAsker:
    clock = ManualClock(MONDAY)
    return UpstoxAsker(create_venue(clock=clock, rate=0), clock)


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_strangers_send_breaks_the_venue(target: UpstoxAsker, data: st.DataObject) -> None:
    method, shape = data.draw(st.sampled_from(EVERY))
    path = re.sub(r"\{\w+\}", lambda _: data.draw(WORDS | st.text(max_size=10)).replace("/", ""), shape)
    query = data.draw(
        st.dictionaries(
            st.sampled_from([*NAMES, "page_number", "page_size", "interval", "symbol"]), WORDS | st.text(max_size=12)
        )
    )
    token = target.venue.keys.token if "logout" not in path and path != "/v2/user/ip" else "nobody"
    request = Request(
        method=method, path=path, segments=tuple(path.strip("/").split("/")), query=query, body=data.draw(BODIES),
        headers={"authorization": f"Bearer {token}", "host": "sim:1"},
    )  # fmt: skip
    assert target.venue.handle(request).status < 500
    target.venue.client_id(request)


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "1e400", "1e-400", "-0", "9" * 40, "true", "[]", "{}", '"1"', '"NaN"']
)
@pytest.mark.parametrize("name", ["quantity", "price", "trigger_price", "market_protection", "disclosed_quantity"])
def test_numbers_of_no_size_are_refused_or_taken_for_what_they_are(ask: UpstoxAsker, name: str, number: str) -> None:
    wish = json.dumps(ask.wish(order_type="SL", price=1450, trigger_price=1440, market_protection=0) | {name: "HERE"})
    reply = ask.raw("POST", "/v3/order/place", wish.replace('"HERE"', number).encode())
    assert reply.status in {200, 400}
    for order in ask.data("GET", "/v2/order/retrieve-all"):
        assert Decimal(order["quantity"]) > 0
        assert 0 <= order["price"] < 10**13
