"""The strategies as plain functions: who comes first, and the numbers behind it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from floorbroker.domain.values import ProfileName
from floorbroker.gateway.routing.cost import Cost
from floorbroker.gateway.routing.policy import Strategy
from floorbroker.gateway.routing.strategies import Candidate, load_of, rank
from floorbroker.risk.verdict import Verdict

A, B, C = (ProfileName(name) for name in "abc")


def order_of(uses: Strategy, *candidates: Candidate, last: ProfileName | None = None) -> list[str]:
    return [choice.profile for choice in rank(uses, candidates, last=last).choices]


def costing(total: str, *, missing: str = "") -> Cost:
    one = Decimal(1)
    return Cost(
        reference=one, touch=one, average=one, taken=one, resting=one, price_bps=Decimal(total), depth_bps=Decimal(0),
        fee_bps=Decimal(0), latency_bps=Decimal(0), spread_bps=None, age_s=0.0, source="quote", missing=missing,
    )  # fmt: skip


@pytest.mark.parametrize("uses", list(Strategy))
def test_alike_profiles_keep_their_order_of_preference(uses: Strategy) -> None:
    assert order_of(uses, Candidate(profile=A), Candidate(profile=B)) == [A, B]


@pytest.mark.parametrize("uses", list(Strategy))
def test_an_unfit_profile_is_dropped_with_its_reason(uses: Strategy) -> None:
    shut = Verdict(control="ready", ok=False, detail="reconciling")
    ranking = rank(uses, [Candidate(profile=A, unfit=shut), Candidate(profile=B)])
    assert ([choice.profile for choice in ranking.choices], ranking.dropped) == ([B], ((A, shut),))


@pytest.mark.parametrize("uses", list(Strategy))
def test_whoever_holds_what_is_closed_comes_first(uses: Strategy) -> None:
    assert order_of(uses, Candidate(profile=A), Candidate(profile=B, closes=True)) == [B, A]


@pytest.mark.parametrize(("last", "turn"), [(None, [A, B, C]), (A, [B, C, A]), (C, [A, B, C]), ("gone", [A, B, C])])
def test_a_round_robin_begins_behind_the_last(last: str | None, turn: list[str]) -> None:
    whom = None if last is None else ProfileName(last)
    found = order_of(Strategy.ROUND_ROBIN, *(Candidate(profile=name) for name in (A, B, C)), last=whom)
    assert found == turn


def test_the_demoted_come_last_under_failover_alone() -> None:
    two = (Candidate(profile=A, demoted=True), Candidate(profile=B))
    assert order_of(Strategy.FAILOVER, *two) == [B, A]
    assert order_of(Strategy.PRIMARY, *two) == [A, B]


def test_the_cheapest_comes_first_and_what_is_not_shown_last() -> None:
    found = order_of(
        Strategy.BEST_EXECUTION,
        Candidate(profile=ProfileName("silent"), unpriced="no price of AAPL"),
        Candidate(profile=ProfileName("thin"), cost=costing("1", missing="only 1 of 5 are shown")),
        Candidate(profile=ProfileName("dear"), cost=costing("9")),
        Candidate(profile=ProfileName("cheap"), cost=costing("2.5")),
    )
    assert found == ["cheap", "dear", "thin", "silent"]


@pytest.mark.parametrize(
    ("candidate", "load"),
    [
        (Candidate(profile=A), "1"),
        (Candidate(profile=A, open_orders=5), "6"),
        (Candidate(profile=A, open_orders=5, weight=Decimal(3)), "2"),
        (Candidate(profile=A, open_orders=5, health=50), "12"),
        (Candidate(profile=A, open_orders=5, budget_left=Decimal("0.25")), "24"),
        (Candidate(profile=A, health=0), "100"),
    ],
)
def test_load_is_open_orders_over_weight_health_and_free_rate(candidate: Candidate, load: str) -> None:
    assert load_of(candidate) == Decimal(load)


def test_the_least_loaded_comes_first_with_its_sum() -> None:
    busy, free = Candidate(profile=A, open_orders=3), Candidate(profile=B, open_orders=1)
    ranking = rank(Strategy.LOAD_BALANCED, [busy, free])
    assert [(choice.profile, choice.reason) for choice in ranking.choices] == [(B, "load 2"), (A, "load 4")]
    assert ranking.choices[0].arithmetic["open_orders"] == "1"
