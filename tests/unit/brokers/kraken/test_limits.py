"""The REST counter as budgets, the engine's counter as a model, and what errors say of both."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.kraken import INFO
from floorbroker.brokers.kraken.limits import READ_WAIT_S, TIERS, PairCounters, batch_points, limit_news, limits_for
from floorbroker.transport.bucket import FULL_SHARES, Bucket, Budget, LimitNews
from floorbroker.transport.types import Lane, Response
from tests.unit.brokers.kraken.fakes import NOW

PAIR = "BTC/USD"


WINDOWS = {
    "starter": [(15, 11.25), (18.75, 22.5), (22.5, 45), (30, 90)],
    "intermediate": [(20, 10), (25, 20), (30, 40), (40, 80)],
    "pro": [(20, 5), (25, 10), (30, 20), (40, 40)],
}


def private(tier: str, calls: int = 0) -> list[Budget]:
    limits = limits_for(tier, calls)
    return [budget for budget in limits.budgets if budget.name in limits.routes["private"]]


def windows(budgets: list[Budget]) -> list[tuple[float, float]]:
    return [(round(budget.capacity, 6), round(budget.per_s, 6)) for budget in budgets]


@pytest.mark.parametrize("tier", WINDOWS)
def test_a_tier_sets_the_windows_of_private_calls(tier: str) -> None:
    assert windows(private(tier)) == WINDOWS[tier]
    assert "*" not in limits_for(tier).routes  # orders are counted by the engine, not here


def test_what_is_published_is_what_the_usual_tier_has() -> None:
    told = [(one.requests, one.per_s) for one in INFO.etiquette.allowances if one.endpoints == ("private",)]
    assert told == WINDOWS["intermediate"]


def test_an_account_with_a_counter_of_its_own_has_its_windows_too() -> None:
    assert windows(private("pro", 100)) == [(100, 5), (125, 10), (150, 20), (200, 40)]


@pytest.mark.parametrize("tier", WINDOWS)
@given(waits=st.lists(st.floats(0, 30), min_size=1, max_size=400))
def test_no_way_to_use_the_windows_up_overflows_the_counter(tier: str, waits: list[float]) -> None:
    """Calls leave whenever every window lets one through; the counter falls as documented."""
    buckets = [Bucket(replace(budget, shares=FULL_SHARES)) for budget in private(tier)]
    now, level, at = 0.0, 0.0, 0.0
    for wait in waits:
        now += wait
        while all(bucket.wait_s(1, Lane.QUERY, now) == 0 for bucket in buckets):
            for bucket in buckets:
                bucket.take(1, now)
            level, at = max(0.0, level - (now - at) * TIERS[tier].calls_per_s) + 1, now
            assert level <= TIERS[tier].calls + 1e-6


# -- the engine ---------------------------------------------------------------------------------------------------------


def test_new_orders_fill_the_counter_of_their_pair_and_time_empties_it() -> None:
    counters = PairCounters("starter")
    for _ in range(30):
        counters.count(PAIR, 1, 100.0)
    assert (counters.points(PAIR, 100.0), counters.points(PAIR, 110.0), counters.points(PAIR, 200.0)) == (30, 20, 0)
    assert counters.points("ETH/USD", 100.0) == 0


def test_a_fifth_of_the_threshold_is_left_for_cancels() -> None:
    counters = PairCounters("starter")
    counters.count(PAIR, 47, 0.0)
    assert counters.wait_s(PAIR, 1, 0.0) == 0
    counters.count(PAIR, 1, 0.0)
    assert counters.wait_s(PAIR, 1, 0.0) == pytest.approx(1.0)
    assert counters.wait_s(PAIR, 5, 2.0) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("age_s", "points"), [(0, 8), (4.9, 8), (5, 6), (12, 5), (20, 4), (60, 2), (200, 1), (300, 0), (4000, 0)]
)
def test_a_cancel_costs_by_the_age_of_its_order(age_s: float, points: int) -> None:
    counters = PairCounters("pro")
    counters.placed("a", PAIR, 1000.0)
    counters.cancelled("a", PAIR, 1000.0 + age_s)
    assert counters.points(PAIR, 1000.0 + age_s) == points


@pytest.mark.parametrize(("age_s", "points"), [(0, 4), (6, 3), (14, 2), (15, 1), (100, 1)])
def test_a_change_costs_one_and_more_for_a_young_order(age_s: float, points: int) -> None:
    counters = PairCounters("pro")
    counters.placed("a", PAIR, 0.0)
    assert counters.amend_points("a", age_s) == points
    assert counters.amend_points("another", age_s) == 1


def test_a_mass_cancel_costs_what_its_orders_cost() -> None:
    counters = PairCounters("pro")
    counters.placed("a", PAIR, 0.0)
    counters.placed("b", PAIR, 0.0)
    counters.placed("c", "ETH/USD", 0.0)
    counters.cancelled_all(6.0)
    assert (counters.points(PAIR, 6.0), counters.points("ETH/USD", 6.0)) == (12, 6)
    counters.cancelled_all(6.0)
    assert counters.points(PAIR, 6.0) == 12


def test_the_venues_word_that_it_is_full_is_believed() -> None:
    counters = PairCounters("intermediate")
    counters.filled(PAIR, 50.0)
    assert counters.points(PAIR, 50.0) == 125
    assert counters.wait_s(PAIR, 1, 50.0) == pytest.approx(26 / 2.34)


def test_points_can_be_taken_back() -> None:
    counters = PairCounters("starter")
    counters.count(PAIR, 5, 0.0)
    counters.count(PAIR, -5, 0.0)
    assert counters.points(PAIR, 0.0) == 0


@pytest.mark.parametrize(("size", "points"), [(2, 1), (3, 2), (15, 8)])
def test_a_batch_costs_half_a_point_an_order(size: int, points: int) -> None:
    assert batch_points(size) == points


def test_only_so_many_orders_are_remembered() -> None:
    counters = PairCounters("pro")
    for number in range(20_001):
        counters.placed(str(number), PAIR, 0.0)
    assert counters.amend_points("0", 0.0) == 1
    assert counters.amend_points("20000", 0.0) == 4


@pytest.mark.parametrize("tier", TIERS)
def test_a_read_waits_longer_than_any_window_so_that_a_long_list_is_complete_in_the_end(tier: str) -> None:
    assert max(budget.per_s for budget in private(tier)) < READ_WAIT_S
    assert max(budget.per_s for budget in private(tier, 100)) < READ_WAIT_S


# -- what errors say ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "news"),
    [
        (b'{"error":["EAPI:Rate limit exceeded"]}', LimitNews(retry_after_s=5.0)),
        (b'{"error":["EGeneral:Too many requests"]}', LimitNews(retry_after_s=5.0)),
        (b'{"error":["EGeneral:Temporary lockout"]}', LimitNews(ban_s=900.0)),
        (b'{"error":["EService: Throttled: 1772463910"]}', LimitNews(retry_after_s=60.0)),
        (b'{"error":["EService:Throttled: 1772463000"]}', LimitNews(retry_after_s=1.0)),
        (b'{"error":["EOrder:Rate limit exceeded"]}', None),
        (b'{"error":["EOrder:Insufficient funds"]}', None),
        (b'{"error":[],"result":{"x":"EAPI:Rate limit exceeded"}}', None),
        (b"", None),
        (b"<html>", None),
    ],
)
def test_errors_tell_of_limits_as_headers_do_elsewhere(body: bytes, news: LimitNews | None) -> None:
    assert limit_news(Response(status=200, body=body), NOW) == news
