"""UNKNOWN ends by evidence: when a negative counts, and how many it takes (RELIABILITY 2.6, I3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from floorbroker.oms.resolve import Resolution

SENT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def _resolution() -> Resolution:
    return Resolution(sent_at=SENT, arrival_bound_s=60.0, visibility_lag_s=2.0, clock_error_s=1.0)


def test_the_horizon_adds_bound_lag_clock_error_and_margin() -> None:
    assert _resolution().horizon == SENT + timedelta(seconds=60 + 2 + 1 + 2)


def test_delays_double_from_half_a_second_to_eight() -> None:
    resolution = _resolution()
    assert [resolution.next_delay_s() for _ in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_a_negative_before_the_horizon_does_not_count() -> None:
    resolution = _resolution()
    assert not resolution.on_negative(SENT + timedelta(seconds=64))
    assert resolution.negatives == 0


def test_three_negatives_in_less_than_ten_seconds_are_not_enough() -> None:
    resolution = _resolution()
    late = resolution.horizon
    assert not any(resolution.on_negative(late + timedelta(seconds=s)) for s in (0, 4, 8))
    assert resolution.on_negative(late + timedelta(seconds=10))


def test_three_negatives_over_ten_seconds_end_the_doubt() -> None:
    resolution = _resolution()
    late = resolution.horizon
    assert [resolution.on_negative(late + timedelta(seconds=s)) for s in (0, 8, 16)] == [False, False, True]
