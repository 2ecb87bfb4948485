"""Budget arithmetic: what any window sees, who may use what, and how a venue's words change it."""

from __future__ import annotations

import gc
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.transport.bucket import FULL_SHARES, READ_SHARES, Bucket, Budget, LimitNews, Lot, Taken
from floorbroker.transport.types import Lane

ORDINARY = [lane for lane in Lane if lane not in {Lane.CANCEL, Lane.RESOLVE}]
TRADING = Budget(name="trading", capacity=200, per_s=60)


def fill(bucket: Bucket, lane: Lane, now: float) -> int:
    """Take single tokens until the lane has to wait."""
    taken = 0
    while bucket.wait_s(1, lane, now) == 0.0:
        bucket.take(1, now)
        taken += 1
    return taken


@pytest.mark.parametrize(
    ("lane", "tokens"),
    [(Lane.QUERY, 120), (Lane.RECONCILE, 140), (Lane.NEW, 160), (Lane.REDUCE, 160), (Lane.RESOLVE, 200)],
)
def test_each_lane_uses_its_share_and_the_rest_is_kept(lane: Lane, tokens: int) -> None:
    assert fill(Bucket(TRADING), lane, 0.0) == tokens


def test_i15_a_cancel_passes_when_even_the_reserve_is_empty() -> None:
    bucket = Bucket(TRADING)
    assert fill(bucket, Lane.RESOLVE, 0.0) == 200
    assert bucket.wait_s(1, Lane.CANCEL, 0.0) == 0.0
    bucket.take(1, 0.0)
    assert bucket.used(0.0) == 201


def test_i15_a_cancel_passes_a_pause_and_is_counted() -> None:
    bucket = Bucket(TRADING)
    bucket.throttled(30.0, 0.0)
    assert bucket.wait_s(1, Lane.CANCEL, 1.0) == 0.0
    assert bucket.wait_s(1, Lane.RESOLVE, 1.0) == pytest.approx(29.0)


def test_a_token_comes_back_one_window_after_it_was_taken() -> None:
    bucket = Bucket(Budget(name="b", capacity=2, per_s=10, shares=FULL_SHARES))
    bucket.take(1, 0.0)
    bucket.take(1, 4.0)
    assert bucket.wait_s(1, Lane.NEW, 5.0) == pytest.approx(5.0)
    assert bucket.wait_s(2, Lane.NEW, 5.0) == pytest.approx(9.0)
    assert bucket.wait_s(1, Lane.NEW, 10.0) == 0.0


def test_a_request_above_its_share_passes_alone_and_one_above_the_capacity_never() -> None:
    bucket = Bucket(Budget(name="b", capacity=10, per_s=10))
    assert bucket.wait_s(9, Lane.QUERY, 0.0) == 0.0
    assert bucket.wait_s(11, Lane.QUERY, 0.0) == math.inf
    bucket.take(1, 0.0)
    assert bucket.wait_s(9, Lane.QUERY, 0.0) == pytest.approx(10.0)


def test_tokens_given_back_are_free_at_once_and_only_once() -> None:
    bucket = Bucket(Budget(name="b", capacity=1, per_s=10, shares=FULL_SHARES))
    taken = bucket.take(1, 0.0)
    bucket.give_back(taken)
    bucket.give_back(taken)
    assert bucket.used(0.0) == 0
    bucket.take(1, 1.0)
    assert bucket.used(10.5) == 1


def test_tokens_given_back_after_they_returned_change_nothing() -> None:
    bucket = Bucket(Budget(name="b", capacity=5, per_s=10))
    late = bucket.take(1, 0.0)
    bucket.take(2, 8.0)
    assert bucket.used(11.0) == 2
    bucket.give_back(late)
    assert bucket.used(11.0) == 2


def test_what_others_spent_is_believed_until_the_window_resets() -> None:
    bucket = Bucket(Budget(name="b", capacity=100, per_s=60, shares=READ_SHARES))
    bucket.take(1, 0.0)
    bucket.learn(LimitNews(limit=100, remaining=15, reset_s=20), 0.0)
    assert bucket.used(0.0) == 85
    assert bucket.wait_s(1, Lane.QUERY, 0.0) == pytest.approx(20.0)
    assert bucket.used(20.0) == 1


def test_the_venues_own_limit_replaces_ours_within_reason() -> None:
    bucket = Bucket(TRADING)
    bucket.learn(LimitNews(limit=1000), 0.0)
    assert bucket.allowance(Lane.NEW, 0.0) == 800
    bucket.learn(LimitNews(limit=0), 0.0)
    assert bucket.capacity == 1
    bucket.learn(LimitNews(limit=1e300), 0.0)
    assert bucket.capacity == 20_000


@pytest.mark.parametrize("hostile", [math.nan, math.inf, -math.inf, -1.0, 1e308])
def test_hostile_numbers_leave_the_bucket_in_order(hostile: float) -> None:
    bucket = Bucket(TRADING)
    bucket.learn(LimitNews(limit=hostile, remaining=hostile, reset_s=hostile), 0.0)
    bucket.throttled(hostile, 0.0)
    assert 1 <= bucket.capacity <= 20_000
    assert 0 <= bucket.wait_s(1, Lane.NEW, 0.0) <= 3600
    assert bucket.wait_s(1, Lane.NEW, 3600.0) == 0.0


def test_a_throttle_without_a_time_pauses_longer_each_time_and_recovers() -> None:
    bucket = Bucket(TRADING)
    bucket.throttled(None, 0.0)
    assert bucket.paused_until == 1.0
    bucket.throttled(None, 1.0)
    assert bucket.paused_until == 3.0
    assert bucket.pace(1.0) == pytest.approx(0.25)
    assert bucket.pace(61.0) == pytest.approx(0.35)
    assert bucket.pace(1.0 + 8 * 60) == 1.0


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 4), st.integers(1, 6), st.sampled_from(list(Lane)), st.booleans()), max_size=60
    )
)
def test_no_window_ever_sees_more_than_the_budget(steps: list[tuple[float, int, Lane, bool]]) -> None:
    """Whoever waits as told: ordinary lanes stay within 80 % of any window, resolution within 100 %."""
    bucket = Bucket(Budget(name="b", capacity=10, per_s=5))
    now = 0.0
    spent: list[tuple[float, int, Lane]] = []
    for gap_s, cost, lane, refused in steps:
        if lane is Lane.CANCEL:
            continue
        now += gap_s
        now += bucket.wait_s(cost, lane, now)
        assert bucket.wait_s(cost, lane, now) <= 1e-6
        taken = bucket.take(cost, now)
        if refused:
            bucket.give_back(taken)
        else:
            spent.append((now, cost, lane))
    for start, _, _ in spent:
        window = [(cost, lane) for at, cost, lane in spent if start <= at < start + 5 - 1e-6]
        assert sum(cost for cost, _ in window) <= 10
        last = [lane for _, lane in window][-1]
        if len(window) > 1 and last in ORDINARY:
            assert sum(cost for cost, _ in window) <= 8


class Plain:
    """The rule written down as simply as can be: every request by itself, nothing kept together."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.out: list[tuple[float, float]] = []

    def is_free(self, cost: float, lane: Lane, now: float) -> bool:
        used = sum(cost for returns_at, cost in self.out if returns_at > now)
        allowed = self.budget.capacity * self.budget.shares[lane]
        return lane is Lane.CANCEL or (cost <= self.budget.capacity and (used + cost <= allowed or used == 0))


@given(
    steps=st.lists(
        st.tuples(st.sampled_from([0.0, 0.001, 0.003, 0.4, 2.0, 4.998]), st.integers(1, 6), st.sampled_from(list(Lane)))
    ),
)
def test_spending_at_once_is_never_freer_than_request_by_request_and_hardly_stricter(
    steps: list[tuple[float, int, Lane]],
) -> None:
    budget = Budget(name="b", capacity=10, per_s=5)
    bucket, plain, late = Bucket(budget), Plain(budget), Plain(budget)
    now = 0.0
    for gap_s, cost, lane in steps:
        now += gap_s
        spent = bucket.spend(cost, lane, now)
        assert spent <= plain.is_free(cost, lane, now)
        assert spent >= late.is_free(cost, lane, now)
        if spent:
            plain.out.append((now + 5, cost))
            late.out.append((now + 5 + 5 / 999, cost))  # those kept together come back with the last of them


def test_spending_asks_again_whatever_changed_in_between() -> None:
    bucket = Bucket(Budget(name="b", capacity=10, per_s=10, shares=FULL_SHARES))
    assert bucket.spend(1, Lane.NEW, 0.0)
    bucket.throttled(5.0, 0.0)
    assert not bucket.spend(1, Lane.NEW, 4.9)
    assert bucket.spend(1, Lane.CANCEL, 4.9)
    assert [bucket.spend(1, Lane.NEW, 5.0) for _ in range(5)] == [True, True, True, False, False]  # half the pace
    bucket.learn(LimitNews(limit=2), 90.0)
    assert [bucket.spend(1, Lane.NEW, 90.0) for _ in range(3)] == [True, True, False]
    bucket.learn(LimitNews(limit=10, remaining=1, reset_s=3), 120.0)
    assert [bucket.spend(1, Lane.NEW, 120.0) for _ in range(2)] == [True, False]
    assert [bucket.spend(1, Lane.NEW, 123.0) for _ in range(10)] == [True] * 9 + [False]


def test_tokens_kept_together_come_back_with_the_last_of_them() -> None:
    bucket = Bucket(Budget(name="b", capacity=2, per_s=10, shares=FULL_SHARES))
    assert bucket.spend(1, Lane.NEW, 0.0)
    assert bucket.spend(1, Lane.NEW, 0.009)
    assert not bucket.spend(1, Lane.NEW, 10.001)
    assert bucket.wait_s(1, Lane.NEW, 10.001) == pytest.approx(0.008)
    assert bucket.spend(2, Lane.NEW, 10.009)


def test_a_receipt_is_worth_its_own_tokens_among_those_kept_together() -> None:
    bucket = Bucket(Budget(name="b", capacity=3, per_s=10, shares=FULL_SHARES))
    first, second = (bucket.taken_at_once(1, Lane.NEW, 0.0) for _ in range(2))
    assert first is not None
    assert second is not None
    assert bucket.taken_at_once(2, Lane.NEW, 0.0) is None
    bucket.give_back(first)
    bucket.give_back(first)
    assert bucket.used(0.0) == 1
    assert bucket.used(10.0) == 0
    assert bucket.spend(1, Lane.NEW, 10.0)
    bucket.give_back(second)
    assert bucket.used(10.0) == 1


def test_a_bucket_keeps_no_record_of_each_request() -> None:
    bucket = Bucket(Budget(name="b", capacity=10**9, per_s=1, shares=FULL_SHARES))
    before = sum(1 for found in gc.get_objects() if isinstance(found, Lot | Taken))
    for number in range(50_000):
        bucket.spend(1, Lane.NEW, number / 50_000)
    kept = sum(1 for found in gc.get_objects() if isinstance(found, Lot | Taken)) - before
    assert bucket.used(1.0) == pytest.approx(50_000, rel=0.002)
    assert kept <= 1_001
