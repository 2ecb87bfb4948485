"""Ids that sort by time and tell whose they are (RELIABILITY 2.2)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.ids import IdSource, instance_tag, tag_of
from floorbroker.domain.values import Environment

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@given(tag=st.integers(0, 4095), seed=st.integers(0, 1000))
def test_an_id_carries_its_instance_tag_and_is_a_version_7_uuid(tag: int, seed: int) -> None:
    made = IdSource(tag=tag, random=Random(seed)).intent(NOW)
    assert tag_of(made) == tag
    assert uuid.UUID(made).version == 7


@given(steps=st.lists(st.integers(-50, 50), min_size=2, max_size=60))
def test_ids_sort_in_the_order_they_were_made_even_when_the_clock_steps_back(steps: list[int]) -> None:
    source, at = IdSource(tag=5, random=Random(1)), NOW
    made: list[str] = []
    for step in steps:
        at += timedelta(milliseconds=step)
        made.append(source.intent(at))
    assert made == sorted(set(made))


def test_what_is_no_id_of_ours_has_no_tag() -> None:
    assert tag_of("hello") is None
    assert tag_of(str(uuid.uuid4())) is None


@given(seeds=st.tuples(*[st.integers(0, 10**6)] * 3))
def test_no_two_environments_ever_draw_the_same_tag_i17(seeds: tuple[int, int, int]) -> None:
    drawn = {instance_tag(e, Random(seed)) for e, seed in zip(Environment, seeds, strict=True)}
    assert len(drawn) == len(Environment)
    assert all(0 <= tag < 1 << 12 for tag in drawn)
