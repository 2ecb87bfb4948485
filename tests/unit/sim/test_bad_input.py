"""What no venue should break on: bodies nobody can read, times nobody lives in, numbers of no size."""

from __future__ import annotations

import json
from typing import Any

import pytest

from floorbroker_sim.faults import BadFault, read_faults
from floorbroker_sim.http import Request
from tests.unit.sim.conftest import Asker

UNREADABLE = [b"", b"{", b"[]", b"null", b"\xff", b'{"a":"\xff"}', b"[" * 100_000, b'{"x":' * 100_000, b'{"a":NaN}']
NUMBERS: list[Any] = ["NaN", "Infinity", "1e400", "-1", "0", 0, -1, True, [], {}, "²", 10**40, "x" * 10_000]


@pytest.mark.parametrize("path", ["/price", "/fill", "/busts", "/corrections", "/clock", "/faults"])
@pytest.mark.parametrize("raw", UNREADABLE)
def test_the_control_door_names_what_it_cannot_read(ask: Asker, path: str, raw: bytes) -> None:
    before = ask.door("GET", "/clock")
    reply = ask.venue.control_app.handle(Request(method="POST", path=path, body=raw))
    problem = json.loads(reply.body)
    assert (reply.status in {400, 422}, problem["code"]) == (True, "invalid_request")
    assert problem["field"]
    assert ask.door("GET", "/clock") == before


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["bid", "ask", "last"])
def test_a_price_that_is_none_is_refused_by_name_and_the_market_stays(ask: Asker, field: str, number: Any) -> None:
    status, problem = ask.door("POST", "/price", {"symbol": "AAPL", "bid": "1", "ask": "2", field: number})
    assert status == 422
    assert field in json.dumps(problem)
    assert ask("GET", "/v2/stocks/AAPL/quotes/latest")["quote"]["bp"] == 149.99


@pytest.mark.parametrize(
    "now", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-03-02", "NaN", ""]
)
def test_the_clock_goes_nowhere_that_no_calendar_knows(ask: Asker, now: str) -> None:
    before = ask.door("GET", "/clock")
    status, problem = ask.door("POST", "/clock", {"now": now})
    assert (status, "now" in json.dumps(problem)) == (422, True)
    assert ask.door("GET", "/clock") == before


@pytest.mark.parametrize("raw", UNREADABLE)
def test_a_fault_file_that_cannot_be_read_is_told_so(raw: bytes) -> None:
    with pytest.raises(BadFault):
        read_faults(raw)


@pytest.mark.parametrize("when", ["9999-12-31", "0001-01-01", "9999-12-31T23:59:59-14:00", "NaN"])
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v2/stocks/bars", "start"),
        ("/v2/stocks/quotes", "end"),
        ("/v1beta3/crypto/us/bars", "end"),
        ("/v2/orders", "after"),
        ("/v2/calendar", "end"),
    ],
)
def test_times_out_of_reach_are_the_callers_mistake(ask: Asker, path: str, name: str, when: str) -> None:
    is_data = path.endswith(("bars", "quotes"))
    query = {"symbols": "BTC/USD" if "crypto" in path else "AAPL", "timeframe": "1Min"} if is_data else {}
    status, _ = ask.refused("GET", path, **query, **{name: when})
    assert status in {400, 422}


@pytest.mark.parametrize("raw", UNREADABLE)
def test_an_order_nobody_can_read_names_no_client(ask: Asker, raw: bytes) -> None:
    assert ask.venue.client_id(Request(method="POST", path="/v2/orders", body=raw)) is None


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["qty", "limit_price"])
def test_an_order_of_no_size_is_refused_and_not_taken(ask: Asker, field: str, number: Any) -> None:
    wish = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "100"}
    status, _ = ask.refused("POST", "/v2/orders", wish | {field: number})
    assert 400 <= status < 500
    assert ask("GET", "/v2/orders") == []
