"""The simulated Polygon without a server: shapes of the published replies, plans, flaws, pages, and what nobody may break."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.http import Reply, Request
from floorbroker_sim.polygon.stream.cluster import ClusterSession
from floorbroker_sim.polygon.venue import PolygonVenue, create_venue

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # ten in New York
DAYS = "/v2/aggs/ticker/AAPL/range/1/day/2026-02-02/2026-02-13"


class Asker:
    """Speaks to a service and its control door without a server."""

    def __init__(self, venue: PolygonVenue) -> None:
        self.venue = venue

    def raw(self, path: str, /, **query: str) -> Reply:
        wish = {name.replace("_", "."): value for name, value in query.items()} if "timestamp" in str(query) else query
        query = {"apiKey": self.venue.keys.key, **wish}
        return self.venue.handle(
            Request(method="GET", path=path, segments=tuple(path.strip("/").split("/")), query=query)
        )

    def __call__(self, path: str, /, **query: str) -> Any:
        reply = self.raw(path, **query)
        assert reply.status == 200, (reply.status, reply.body)
        return json.loads(reply.body, parse_float=Decimal)

    def door(self, path: str, body: Any) -> int:
        request = Request(method="POST", path=path, body=json.dumps(body).encode())
        return self.venue.control_app.handle(request).status


@pytest.fixture
def ask() -> Asker:
    return Asker(create_venue(seed=7, clock=ManualClock(MONDAY)))


@pytest.fixture(scope="module")
def recorded(recorded_data: Path) -> Asker:
    return Asker(create_venue(clock=ManualClock(MONDAY), data=recorded_data))


@pytest.mark.parametrize(
    ("mock", "path", "member"),
    [
        ("v2__aggs__ticker__AAPL__range__1__day__2005-04-01__2005-04-04", DAYS, "results"),
        ("v2__aggs__ticker__AAPL__prev", "/v2/aggs/ticker/AAPL/prev", "results"),
        ("v1__open-close__AAPL__2005-04-01_adjusted_true", "/v1/open-close/AAPL/2026-02-27", ""),
        ("v2__last__nbbo__AAPL", "/v2/last/nbbo/AAPL", "results"),
        ("v2__snapshot__locale__us__markets__stocks__tickers__AAPL", "/v2/snapshot/locale/us/markets/stocks/tickers/AAPL", ""),
        ("v3__reference__splits", "/v3/reference/splits", "results"),
        ("v3__reference__dividends", "/v3/reference/dividends", "results"),
        ("v1__marketstatus__now", "/v1/marketstatus/now", ""),
        ("v3__quotes__AAPL", "/v3/quotes/AAPL", "results"),
    ],
)  # fmt: skip
def test_replies_have_the_members_of_the_published_ones(
    ask: Asker, contracts_dir: Path, mock: str, path: str, member: str
) -> None:
    theirs = json.loads((contracts_dir / "polygon" / "mocks" / f"{mock}.json").read_text())
    ours = ask(path)
    optional = {"next_url", "fmv", "request_id"}
    assert set(theirs) - optional <= set(ours) | {"count"}
    if member:
        first = [one[member][0] if isinstance(one[member], list) else one[member] for one in (theirs, ours)]
        assert set(first[0]) - {"trf_timestamp", "trf_id", "correction"} <= set(first[1])


def test_a_recording_is_told_to_its_last_day_and_splits_come_back_whole(recorded: Asker) -> None:
    found = recorded("/v2/aggs/ticker/AAPL/range/1/day/2014-06-06/2014-06-09", adjusted="false")["results"]
    assert [one["c"] for one in found] == [Decimal("645.57"), Decimal("93.7")]
    assert recorded("/v2/aggs/ticker/AAPL/prev")["results"][0]["c"] == Decimal("122.15")
    splits = recorded("/v3/reference/splits", ticker="AAPL")["results"]
    assert [(one["execution_date"], one["split_to"]) for one in splits][:2] == [("2020-08-31", 4), ("2014-06-09", 7)]
    minutes = recorded("/v2/aggs/ticker/IBM/range/1/minute/2013-10-07/2013-10-07")
    assert minutes["resultsCount"] > 380
    assert recorded("/v2/last/trade/GOOG")["results"]["p"] > 0


def test_flaws_spoil_days_as_they_were_asked_to(ask: Asker) -> None:
    whole = ask(DAYS)["results"]
    flaws = {"holes": ["2026-02-03"], "duplicates": ["2026-02-05"], "differing": ["2026-02-06"], "late": ["2026-02-04"]}
    assert ask.door("/flaws", flaws) == 204
    found = [one["t"] for one in ask(DAYS)["results"]]
    assert len(found) == len(whole) - 1 + 2
    assert found[-1] == whole[2]["t"]
    assert ask.door("/flaws", {"zone": "utc"}) == 204
    assert all(one["t"] % 86_400_000 == 0 for one in ask(DAYS)["results"])
    assert ask.door("/flaws", {"hole": []}) == 422


def test_a_plan_bounds_how_fresh_and_how_old_data_may_be(ask: Asker) -> None:
    ask.door("/plan", {"recency": "end_of_day", "years": "2"})
    today = ask.raw("/v2/aggs/ticker/AAPL/range/1/day/2026-03-01/2026-03-02")
    assert (today.status, b"before end of day" in today.body) == (403, True)
    old = ask.raw("/v2/aggs/ticker/AAPL/range/1/day/2020-03-01/2020-03-02")
    assert (old.status, b"timeframe" in old.body) == (403, True)
    ask.door("/plan", {"recency": "delayed"})
    assert ask(DAYS)["status"] == "DELAYED"
    assert ask.door("/plan", {"recency": "sometimes"}) == 422


@pytest.mark.asyncio
async def test_a_rate_is_counted_by_the_minute() -> None:
    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, rate=2))
    assert [ask.raw("/v1/marketstatus/now").status for _ in range(3)] == [200, 200, 429]
    await clock.advance(60)
    assert ask.raw("/v1/marketstatus/now").status == 200


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v2/aggs/ticker/AAPL/range/0/day/2026-02-02/2026-02-13", {}),
        ("/v2/aggs/ticker/AAPL/range/1/eon/2026-02-02/2026-02-13", {}),
        ("/v2/aggs/ticker/AAPL/range/1/day/yesterday/2026-02-13", {}),
        ("/v2/aggs/ticker/AAPL/range/1/day/2026-02-13/2026-02-02", {}),
        ("/v2/aggs/ticker/AAPL/range/1/day/99999999999999999999/2026-02-02", {}),
        (DAYS, {"limit": "0"}),
        (DAYS, {"limit": "²"}),
        (DAYS, {"sort": "up"}),
        (DAYS, {"adjusted": "maybe"}),
        (DAYS, {"cursor": "%%%"}),
        (DAYS, {"cursor": "bnVsbA=="}),
        ("/v3/trades/AAPL", {"timestamp": "9" * 40}),
        ("/v3/reference/splits", {"execution_date": "soon"}),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(ask: Asker, path: str, query: dict[str, str]) -> None:
    reply = ask.raw(path, **query)
    assert (reply.status, json.loads(reply.body)["status"]) == (400, "ERROR")


def test_a_key_is_needed_in_one_of_two_places(ask: Asker) -> None:
    bare = Request(method="GET", path="/v1/marketstatus/now", segments=("v1", "marketstatus", "now"))
    assert ask.venue.handle(bare).status == 401


def _session(venue: PolygonVenue, key: str | None = None) -> ClusterSession:
    session = venue.socket(Request(method="GET", path="/stocks"))
    assert isinstance(session, ClusterSession)
    session.opened()
    session.received(json.dumps({"action": "auth", "params": key or venue.keys.key}))
    return session


def _frames(session: ClusterSession) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while session.outbox.waiting:
        found += json.loads(session.outbox.pop())
    return found


def test_a_second_connection_ends_the_first_and_nonsense_changes_nothing(ask: Asker) -> None:
    first = _session(ask.venue)
    first.received(b"\xff")
    first.received('{"action":"subscribe","params":"X.AAPL"}')
    assert [one["status"] for one in _frames(first)] == ["connected", "auth_success", "error", "error"]
    second = _session(ask.venue)
    assert first.outbox.close_code == 1008
    second.received('{"action":"subscribe","params":"T.AAPL,AM.*"}')
    ask.door("/price", {"symbol": "AAPL", "bid": "10", "ask": "10.02"})
    ask.door("/clock", {"advance_s": "120"})
    kinds = [one["ev"] for one in _frames(second)]
    assert kinds[:4] == ["status"] * 4
    assert {"T", "AM"} <= set(kinds[4:])


def test_a_plan_without_real_time_has_no_stream_here(ask: Asker) -> None:
    ask.door("/plan", {"recency": "delayed"})
    assert [one["status"] for one in _frames(_session(ask.venue))] == ["connected", "auth_failed"]
    assert [one["status"] for one in _frames(_session(ask.venue, "wrong"))] == ["connected", "auth_failed"]
