"""What is read: the account, instruments, prices, changes, the log in pages, candles; and who may read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from floorbroker_sim.http import Request
from floorbroker_sim.oanda.mapping import time_of, time_text

if TYPE_CHECKING:
    from tests.unit.sim.oanda.conftest import OandaAsker


def test_an_account_begins_made_and_funded(ask: OandaAsker) -> None:
    assert ask("GET", "/v3/accounts") == {"accounts": [{"id": ask.venue.keys.account, "tags": []}]}
    created, funded = ask.log()
    assert (created["type"], created["homeCurrency"]) == ("CREATE", "USD")
    assert (funded["type"], funded["amount"], funded["accountBalance"]) == (
        "TRANSFER_FUNDS",
        "100000.0000",
        "100000.0000",
    )
    account = ask("GET", ".")["account"]
    assert (account["trades"], account["positions"], account["orders"]) == ([], [], [])
    assert account["lastTransactionID"] == "2"


def test_whoever_has_no_token_or_another_account_is_told_so(ask: OandaAsker) -> None:
    assert ask.refused("GET", "/v3/accounts/101-004-1-009/summary")[0] == 403
    assert ask.refused("GET", "/v3/accounts/12345/summary")[0] == 400
    assert ask.refused("GET", "/v3/nothing")[0] == 404
    assert ask.refused("DELETE", "./orders")[0] == 405
    ask.headers["authorization"] = "Bearer other"
    assert ask.refused("GET", "/v3/accounts") == (
        401, {"errorMessage": "Insufficient authorization to perform request."}
    )  # fmt: skip


def test_every_answer_has_a_request_id_and_a_clients_own_is_kept_in_the_log(ask: OandaAsker) -> None:
    first, second = ask.raw("GET", "./summary"), ask.raw("GET", "/v3/nothing")
    assert first.headers["RequestID"] != second.headers["RequestID"]
    ask.headers["clientrequestid"] = "client-7"
    ask.place()
    assert {one["requestID"] for one in ask.log()[2:]} == {"client-7"}
    created = ask.raw("POST", "./orders", {"order": {"type": "MARKET", "instrument": "EUR_USD", "units": "1"}})
    assert created.headers["Location"].startswith(f"http://sim:1{ask.account}/orders/")


def test_times_come_in_the_form_that_was_asked_for(ask: OandaAsker) -> None:
    assert ask.summary()["createdTime"] == "2026-03-02T15:00:00.000000000Z"
    ask.headers["accept-datetime-format"] = "UNIX"
    assert ask.summary()["createdTime"] == "1772463600.000000000"
    for text in ("2026-03-02T15:00:00Z", "2026-03-02T16:00:00.000+01:00", "1772463600", "1772463600.000000000"):
        found = time_of(text)
        assert found is not None
        assert time_text(found) == "2026-03-02T15:00:00.000000000Z"
    for text in (
        "",
        "soon",
        "2026-03-02",
        "2026-13-02T15:00:00Z",
        "2026-03-02T15:00:00",
        "²",
        "9999-12-31T23:59:59-14:00",
    ):
        assert time_of(text) is None


def test_instruments_tell_their_decimals_and_the_rules_of_their_units(ask: OandaAsker) -> None:
    listed = {one["name"]: one for one in ask("GET", "./instruments")["instruments"]}
    assert (listed["EUR_USD"]["pipLocation"], listed["EUR_USD"]["displayPrecision"]) == (-4, 5)
    assert (listed["USD_JPY"]["pipLocation"], listed["USD_JPY"]["displayPrecision"]) == (-2, 3)
    assert (listed["SPX500_USD"]["type"], listed["SPX500_USD"]["tradeUnitsPrecision"]) == ("CFD", 1)
    assert ask.place(instrument="SPX500_USD", units="0.5")["orderFillTransaction"]["units"] == "0.5"
    assert len(ask("GET", "./instruments", instruments="EUR_USD,USD_JPY")["instruments"]) == 2
    assert ask.refused("GET", "./instruments", instruments="EUR_XXX")[0] == 400


def test_alias_and_margin_rate_can_be_set(ask: OandaAsker) -> None:
    answer = ask("PATCH", "./configuration", {"alias": "mine", "marginRate": "0.05"})
    assert answer["clientConfigureTransaction"]["type"] == "CLIENT_CONFIGURE"
    assert (ask.summary()["alias"], ask.summary()["marginRate"]) == ("mine", "0.05")
    assert ask("GET", "./instruments", instruments="EUR_USD")["instruments"][0]["marginRate"] == "0.05"
    ask.open("1000000")
    for body, code in (
        ({"marginRate": "2"}, "MARGIN_RATE_INVALID"), ({"alias": ""}, "ALIAS_INVALID"), ({}, "CLIENT_CONFIGURE_DATA_MISSING"),
        ({"marginRate": "0.1"}, "MARGIN_RATE_WOULD_TRIGGER_MARGIN_CALL"),
        ({"marginRate": "1"}, "MARGIN_RATE_WOULD_TRIGGER_CLOSEOUT"),
    ):  # fmt: skip
        status, answer = ask.refused("PATCH", "./configuration", body)
        assert (status, answer["clientConfigureRejectTransaction"]["rejectReason"]) == (400, code)


def test_changes_tell_what_happened_since(ask: OandaAsker) -> None:
    trade = ask.open(stopLossOnFill={"price": "1.00000"})
    mark = ask.summary()["lastTransactionID"]
    resting = ask.place(type="LIMIT", price="1.05000")["orderCreateTransaction"]["id"]
    ask("PUT", f"./trades/{trade}/close")
    answer = ask("GET", "./changes", sinceTransactionID=mark)
    changes = answer["changes"]
    assert [one["id"] for one in changes["tradesClosed"]] == [trade]
    assert resting in [one["id"] for one in changes["ordersCreated"]]
    assert [one["reason"] for one in changes["transactions"] if one["type"] == "ORDER_CANCEL"] == [
        "LINKED_TRADE_CLOSED"
    ]
    assert len(changes["ordersCancelled"]) == len(changes["ordersFilled"]) == len(changes["positions"]) == 1
    assert answer["state"]["NAV"] == ask.summary()["NAV"]
    nothing = ask("GET", "./changes", sinceTransactionID=answer["lastTransactionID"])["changes"]
    assert not any(nothing.values())
    assert ask.refused("GET", "./changes", sinceTransactionID="99")[0] == 416
    assert ask.refused("GET", "./changes")[0] == 400


def test_the_log_is_read_in_pages_of_addresses(ask: OandaAsker) -> None:
    for _ in range(4):
        ask.place()
    answer = ask("GET", "./transactions", pageSize=4, type="ORDER_FILL")
    assert (answer["count"], answer["pageSize"], len(answer["pages"])) == (4, 4, 3)
    found: list[str] = []
    for page in answer["pages"]:
        address, _, query = page.removeprefix("http://sim:1").partition("?")
        wanted = dict(part.split("=") for part in query.split("&"))
        found += [one["id"] for one in ask("GET", address, **wanted)["transactions"]]
    assert found == ["4", "6", "8", "10"]
    assert [one["type"] for one in ask("GET", "./transactions/idrange", from_=1, to=3)["transactions"]] == [
        "CREATE", "TRANSFER_FUNDS", "MARKET_ORDER"
    ]  # fmt: skip
    assert [one["id"] for one in ask("GET", "./transactions/sinceid", id=8)["transactions"]] == ["9", "10"]
    assert len(ask("GET", "./transactions/sinceid", id=0, type="ORDER")["transactions"]) == 8
    assert len(ask("GET", "./transactions/sinceid", id=0, type="FUNDING,ADMIN")["transactions"]) == 2
    assert ask("GET", "./transactions/4")["transaction"]["type"] == "ORDER_FILL"
    assert ask("GET", "./transactions", to="2026-03-02T14:00:00Z", from_="2026-03-01T00:00:00Z")["pages"] == []
    for path, query, status in (
        ("./transactions/99", {}, 404), ("./transactions/idrange", {"from_": "1"}, 400),
        ("./transactions/sinceid", {"id": 99}, 416),
        ("./transactions/idrange", {"from_": 50, "to": 60}, 416), ("./transactions/idrange", {"from_": 1, "to": 5000}, 400),
        ("./transactions", {"pageSize": 1001}, 400), ("./transactions", {"type": "LOVE"}, 400),
        ("./transactions", {"from_": "2020-01-01T00:00:00Z"}, 400),
    ):  # fmt: skip
        assert ask.refused("GET", path, **query)[0] == status


def test_prices_tell_conversion_and_how_many_units_are_to_be_had(ask: OandaAsker) -> None:
    ask.open("100")
    answer = ask("GET", "./pricing", instruments="EUR_USD,USD_JPY", includeHomeConversions="True")
    euro, yen = answer["prices"]
    assert (euro["bids"][0]["price"], euro["asks"][0]["price"], euro["closeoutBid"]) == (
        "1.10000",
        "1.10010",
        "1.09990",
    )
    assert euro["quoteHomeConversionFactors"] == {"positiveUnits": "1", "negativeUnits": "1"}
    assert yen["quoteHomeConversionFactors"]["positiveUnits"] == "0.0066662223"
    assert euro["unitsAvailable"]["reduceOnly"] == {"long": "0", "short": "100"}
    assert {one["currency"] for one in answer["homeConversions"]} == {"EUR", "JPY", "USD"}
    assert (
        "unitsAvailable"
        not in ask("GET", "./pricing", instruments="EUR_USD", includeUnitsAvailable="false")["prices"][0]
    )
    assert ask("GET", "./pricing", instruments="EUR_USD", since=answer["time"])["prices"] == []
    assert ask.refused("GET", "./pricing")[0] == ask.refused("GET", "./pricing", instruments="EUR_XXX")[0] == 400
    book = ask("GET", "/v3/instruments/EUR_USD/orderBook")["orderBook"]
    assert len(book["buckets"]) == 21
    assert "positionBook" in ask("GET", "/v3/instruments/EUR_USD/positionBook")


# --- Candles ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("granularity", "starts"),
    [
        ("S5", ["14:59:50", "14:59:55", "15:00:00"]),
        ("M15", ["14:30:00", "14:45:00", "15:00:00"]),
        ("H1", ["13:00:00", "14:00:00", "15:00:00"]),
        ("H4", ["2026-03-02T06:00:00", "2026-03-02T10:00:00", "2026-03-02T14:00:00"]),
        ("D", ["2026-02-27T22:00:00", "2026-02-28T22:00:00", "2026-03-01T22:00:00"]),
        ("W", ["2026-02-13T22:00:00", "2026-02-20T22:00:00", "2026-02-27T22:00:00"]),
        ("M", ["2025-12-31T22:00:00", "2026-01-31T22:00:00", "2026-02-28T22:00:00"]),
    ],
)
def test_candles_begin_where_the_document_says(ask: OandaAsker, granularity: str, starts: list[str]) -> None:
    answer = ask("GET", "/v3/instruments/EUR_USD/candles", granularity=granularity, count=3)
    found = [candle["time"] for candle in answer["candles"]]
    assert [
        time.removesuffix(".000000000Z")[-len(start) :] for time, start in zip(found, starts, strict=True)
    ] == starts
    assert [candle["complete"] for candle in answer["candles"]] == [True, True, False]


def test_candles_take_other_alignments_and_all_sides(ask: OandaAsker) -> None:
    terms = {"granularity": "D", "dailyAlignment": 0, "alignmentTimezone": "UTC", "count": 2, "price": "MBA"}
    day = ask("GET", "./instruments/EUR_USD/candles", **terms)["candles"][0]
    assert day["time"] == "2026-03-01T00:00:00.000000000Z"
    assert float(day["bid"]["h"]) < float(day["mid"]["h"]) < float(day["ask"]["h"])
    week = ask("GET", "./instruments/EUR_USD/candles", **(terms | {"granularity": "W", "weeklyAlignment": "Monday"}))
    assert week["candles"][-1]["time"] == "2026-03-02T00:00:00.000000000Z"


def test_candles_are_cut_by_count_from_and_to(ask: OandaAsker) -> None:
    path, start, end = "/v3/instruments/EUR_USD/candles", "2026-03-02T10:00:00Z", "2026-03-02T10:10:00Z"
    between = ask("GET", path, granularity="M1", from_=start, to=end)["candles"]
    assert (len(between), between[0]["time"]) == (10, "2026-03-02T10:00:00.000000000Z")
    assert ask("GET", path, granularity="M1", from_=start, count=3)["candles"] == between[:3]
    assert ask("GET", path, granularity="M1", to=end, count=3)["candles"] == between[-3:]
    assert ask("GET", path, granularity="M1", from_=start, to=end, includeFirst="False")["candles"] == between[1:]
    smooth = ask("GET", path, granularity="M1", from_=start, to=end, smooth="True")["candles"]
    assert smooth[5]["mid"]["o"] == smooth[4]["mid"]["c"]
    latest = ask("GET", "./candles/latest", candleSpecifications="EUR_USD:S10:BM,USD_JPY:M1:A")["latestCandles"]
    assert [(one["instrument"], sorted(one["candles"][0])) for one in latest] == [
        ("EUR_USD", ["bid", "complete", "mid", "time", "volume"]), ("USD_JPY", ["ask", "complete", "time", "volume"])
    ]  # fmt: skip
    for wrong in (
        {"count": 5001}, {"count": 0}, {"granularity": "M3"}, {"price": "X"}, {"alignmentTimezone": "Mars/Olympus"},
        {"dailyAlignment": 24}, {"weeklyAlignment": "Someday"}, {"from_": start, "to": end, "count": 5},
        {"from_": end, "to": start},
        {"from_": "2020-01-01T00:00:00Z", "to": end}, {"smooth": "maybe"},
    ):  # fmt: skip
        assert ask.refused("GET", path, **wrong)[0] == 400
    assert ask.refused("GET", "/v3/instruments/EUR_XXX/candles")[0] == 400


def test_there_are_no_candles_of_a_weekend_when_markets_keep_hours(new_oanda: Callable[..., OandaAsker]) -> None:
    ask = new_oanda(calendar=True)
    candles = ask("GET", "/v3/instruments/EUR_USD/candles", granularity="H1", to="2026-03-01T23:30:00Z", count=3)[
        "candles"
    ]
    assert [candle["time"][:13] for candle in candles] == ["2026-02-27T21", "2026-03-01T22", "2026-03-01T23"]


# --- Limits and faults ------------------------------------------------------------------------------------------------


def test_more_than_a_hundred_and_twenty_a_second_is_too_much(new_oanda: Callable[..., OandaAsker]) -> None:
    ask = new_oanda(rate=None)
    for _ in range(120):
        ask("GET", "./summary")
    assert ask.refused("GET", "./summary")[0] == 429
    ask.venue.clock.move_to(ask.venue.clock.now() + timedelta(seconds=1))
    ask("GET", "./summary")


def test_the_log_of_requests_knows_the_clients_id(ask: OandaAsker) -> None:
    order = {"order": {"type": "MARKET", "instrument": "EUR_USD", "units": "1", "clientExtensions": {"id": "mine"}}}
    request = Request(
        method="POST",
        path=f"{ask.account}/orders",
        segments=("v3", "accounts", "x", "orders"),
        body=json.dumps(order).encode(),
    )
    assert ask.venue.client_id(request) == "mine"
