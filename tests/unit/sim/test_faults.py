"""The fault plan decides; nothing here needs a socket."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker_sim.faults import BadFault, Fault, FaultPlan, read_faults

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def plan(*faults: dict[str, Any], seed: int = 0) -> FaultPlan:
    return FaultPlan(read_faults(json.dumps({"faults": faults}).encode()), seed=seed)


def hits(plan: FaultPlan, count: int, *, method: str = "POST", path: str = "/v2/orders") -> list[int]:
    """Which of `count` requests, counted from one, are befallen."""
    return [n for n in range(1, count + 1) if plan.decide("request", method, path, NOON + timedelta(seconds=n))]


def test_the_nth_match_is_hit_and_count_repeats_it() -> None:
    assert hits(plan({"where": "request", "what": "drop", "when": {"nth": 3}}), 6) == [3]
    assert hits(plan({"where": "request", "what": "drop", "when": {"nth": 2}, "args": {"count": 3}}), 6) == [2, 3, 4]


def test_without_when_everything_is_hit_as_often_as_count_says() -> None:
    assert hits(plan({"where": "request", "what": "drop"}), 3) == [1, 2, 3]
    assert hits(plan({"where": "request", "what": "drop", "args": {"count": 2}}), 4) == [1, 2]


def test_only_what_matches_is_counted() -> None:
    cancels = plan(
        {"where": "request", "what": "drop", "when": {"nth": 1}, "match": {"method": "delete", "path": "/v2/orders/*"}}
    )
    assert cancels.decide("request", "POST", "/v2/orders", NOON) == []
    assert cancels.decide("request", "DELETE", "/v2/orders", NOON) == []
    assert [f.what for f in cancels.decide("request", "DELETE", "/v2/orders/17", NOON)] == ["drop"]


def test_a_window_of_time_opens_and_closes() -> None:
    during = {"from": (NOON + timedelta(seconds=2)).isoformat(), "to": (NOON + timedelta(seconds=4)).isoformat()}
    assert hits(plan({"where": "request", "what": "status", "when": during}), 6) == [2, 3]


def test_a_window_may_count_seconds_since_the_plan_was_set() -> None:
    lines = read_faults(b'{"faults":[{"where":"request","what":"drop","when":{"from":10,"to":12.5}}]}')
    timed = FaultPlan(lines, set_at=NOON - timedelta(seconds=8))
    assert hits(timed, 8) == [2, 3, 4]


def test_a_throttle_lasts_its_seconds() -> None:
    lasting = {"where": "request", "what": "throttle", "when": {"nth": 2}, "args": {"seconds": 3}}
    assert hits(plan(lasting), 8) == [2, 3, 4]


def test_a_reply_fault_leaves_requests_alone() -> None:
    assert hits(plan({"where": "reply", "what": "drop"}), 2) == []


@given(seed=st.integers(0, 1000), probability=st.floats(0, 1))
def test_the_same_seed_gives_the_same_hits(seed: int, probability: float) -> None:
    line = {"where": "request", "what": "drop", "when": {"probability": probability}}
    assert hits(plan(line, seed=seed), 50) == hits(plan(line, seed=seed), 50)


def test_probability_is_about_right() -> None:
    found = hits(plan({"where": "request", "what": "drop", "when": {"probability": 0.25}}, seed=7), 2000)
    assert 400 < len(found) < 600


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"where": "nowhere", "what": "drop"}, "faults[0].where"),
        ({"where": "request", "what": "explode"}, "faults[0].what"),
        ({"where": "request", "what": "mute"}, "faults[0].what"),
        ({"where": "reply", "what": "duplicate"}, "faults[0].what"),
        ({"where": "request", "what": "drop", "when": {"nth": 0}}, "faults[0].when.nth"),
        ({"where": "request", "what": "drop", "when": {"probability": 1.5}}, "faults[0].when.probability"),
        ({"where": "request", "what": "status", "args": {"status": 42}}, "faults[0].args.status"),
        ({"where": "request", "what": "delay", "args": {"seconds": -1}}, "faults[0].args.seconds"),
        ({"where": "request", "what": "drop", "when": {"from": "2026-03-02T12:00:00"}}, "faults[0].when.from"),
    ],
)
def test_a_fault_that_cannot_be_names_its_member(document: dict[str, Any], field: str) -> None:
    with pytest.raises(BadFault) as caught:
        read_faults(json.dumps({"faults": [document]}).encode())
    assert caught.value.field == field


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"faults": 1}', b'{"fault": []}', b"\xff"])
def test_a_document_that_is_no_plan_is_refused(raw: bytes) -> None:
    with pytest.raises(BadFault):
        read_faults(raw)


def test_both_spellings_of_token_expiry_are_taken() -> None:
    for word in ("token expiry", "token_expiry"):
        (fault,) = read_faults(json.dumps({"faults": [{"where": "request", "what": word}]}).encode())
        assert fault == Fault(where="request", what="token_expiry")
