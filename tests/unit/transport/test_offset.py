"""What answers tell of the venue's clock, and what becomes of it when one of the clocks is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from floorbroker.transport.offset import DATE_EVERY_S, FORGOTTEN_S, KEPT, ClockOffset

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Wall:
    """Two clocks of one machine, and the venue's: each is moved by hand."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.wrong_s = 0.0  # our wall clock beyond the true time
        self.venue_s = 0.0  # the venue's beyond the true time
        self.slept_s = 0.0  # while the machine sleeps, monotonic time stands still

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s + self.wrong_s)

    def monotonic(self) -> float:
        return 1_000.0 + self.passed_s - self.slept_s

    async def sleep(self, delay_s: float) -> None:
        raise AssertionError(delay_s)

    @property
    def venue(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s + self.venue_s)


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def offset(wall: Wall) -> ClockOffset:
    return ClockOffset(wall)


def ask(offset: ClockOffset, wall: Wall, *, trip_s: float = 0.2, lies_s: float = 0.0) -> None:
    """One question for the time, answered half-way; a minute passes."""
    wall.passed_s += 60.0
    asked_s = wall.monotonic()
    wall.passed_s += trip_s / 2
    told = wall.venue + timedelta(seconds=lies_s)
    wall.passed_s += trip_s / 2
    offset.learn(told, asked_s=asked_s, heard_s=wall.monotonic())


def date_of(moment: datetime) -> str:
    return f"{moment:%a, %d %b %Y %H:%M:%S} GMT"


def test_before_anybody_told_nothing_is_known(offset: ClockOffset, wall: Wall) -> None:
    assert (offset.seconds, offset.age_s) == (None, None)
    assert offset.venue_now() == wall.now()


def test_the_middle_of_a_question_is_compared_with_its_answer(offset: ClockOffset, wall: Wall) -> None:
    wall.venue_s = 2.5
    ask(offset, wall, trip_s=3.0)
    assert offset.seconds == pytest.approx(2.5, abs=1e-5)
    assert offset.venue_now() == pytest.approx(wall.venue, abs=timedelta(microseconds=10))
    wall.passed_s += 7.0
    assert offset.age_s == pytest.approx(7.0)


def test_a_quick_answer_counts_for_more_than_slow_ones(offset: ClockOffset, wall: Wall) -> None:
    ask(offset, wall, trip_s=0.02)
    ask(offset, wall, trip_s=4.0, lies_s=1.9)
    ask(offset, wall, trip_s=4.0, lies_s=1.9)
    assert offset.seconds == pytest.approx(0.0, abs=1e-5)


def test_slow_answers_do_not_make_a_good_clock_a_bad_one(offset: ClockOffset, wall: Wall) -> None:
    """They are slow on the way back, so the middle of each is wrong by half of its trip."""
    for trip_s in (8.0, 5.0, 6.0, 7.5):
        ask(offset, wall, trip_s=trip_s, lies_s=-trip_s / 2 + 0.05)
        assert offset.seconds == 0.0


def test_slow_answers_still_tell_of_a_clock_that_is_far_off(offset: ClockOffset, wall: Wall) -> None:
    wall.venue_s = 30.0
    for trip_s in (8.0, 5.0, 6.0):
        ask(offset, wall, trip_s=trip_s, lies_s=-trip_s / 2 + 0.05)
    assert offset.seconds == pytest.approx(30.0, abs=2.5)


def test_what_slow_answers_leave_open_stops_no_order(offset: ClockOffset, wall: Wall) -> None:
    """The venue is 0.7 s behind; answers that take seven seconds only tell that it is not ahead."""
    wall.venue_s = -0.7
    assert offset.at_least_s is None
    for trip_s in (7.0, 7.2, 6.2):
        ask(offset, wall, trip_s=trip_s, lies_s=-trip_s / 2 + 0.2)
    assert offset.at_least_s == pytest.approx(-0.5, abs=1e-3)
    wall.venue_s = 30.0
    for trip_s in (8.0, 5.0, 6.0):
        ask(offset, wall, trip_s=trip_s)
    assert offset.at_least_s == pytest.approx(27.5, abs=1e-3)


def test_a_step_of_our_own_clock_shows_at_once_and_so_does_its_repair(offset: ClockOffset, wall: Wall) -> None:
    for _ in range(3):
        ask(offset, wall)
    wall.wrong_s = 45.0
    assert offset.seconds == pytest.approx(-45.0, abs=1e-5)
    wall.wrong_s = 0.0
    assert offset.seconds == pytest.approx(0.0, abs=1e-5)


def test_one_odd_answer_is_out_voted_and_two_that_agree_are_believed(offset: ClockOffset, wall: Wall) -> None:
    for _ in range(KEPT):
        ask(offset, wall)
    ask(offset, wall, lies_s=3_600.0)
    assert offset.seconds == pytest.approx(0.0, abs=1e-5)
    ask(offset, wall)
    ask(offset, wall, lies_s=-3_600.0)
    ask(offset, wall, lies_s=-7_200.0)  # two that agree on nothing
    assert offset.seconds == pytest.approx(0.0, abs=1e-5)
    wall.venue_s = 20.0
    ask(offset, wall)
    ask(offset, wall)
    assert offset.seconds == pytest.approx(20.0, abs=1e-5)


def test_a_machine_that_slept_finds_the_time_again_with_two_answers(offset: ClockOffset, wall: Wall) -> None:
    for _ in range(KEPT):
        ask(offset, wall)
    wall.passed_s += 8 * 3_600
    wall.slept_s = 8 * 3_600
    assert offset.seconds == pytest.approx(-8 * 3_600, abs=1e-4)  # blocked until somebody was asked, not sent blindly
    ask(offset, wall)
    ask(offset, wall)
    assert offset.seconds == pytest.approx(0.0, abs=1e-4)


def test_a_clock_that_drifts_is_followed(offset: ClockOffset, wall: Wall) -> None:
    for _ in range(40):
        wall.venue_s += 0.06
        ask(offset, wall)
    assert offset.seconds == pytest.approx(40 * 0.06, abs=KEPT * 0.06)


def test_old_answers_are_forgotten_and_the_newest_is_not(offset: ClockOffset, wall: Wall) -> None:
    for _ in range(KEPT):
        ask(offset, wall)
    wall.passed_s += FORGOTTEN_S
    wall.venue_s = 0.3  # less than a contradiction
    ask(offset, wall)
    assert offset.seconds == pytest.approx(0.3, abs=1e-5)
    wall.passed_s += 10 * FORGOTTEN_S
    assert offset.seconds == pytest.approx(0.3, abs=1e-5)


def test_the_date_of_a_reply_is_good_to_a_second(offset: ClockOffset, wall: Wall) -> None:
    wall.venue_s = 7.9
    now_s = wall.monotonic()
    offset.learn_date(date_of(wall.venue), asked_s=now_s, heard_s=now_s)
    assert offset.seconds == pytest.approx(7.9, abs=0.5)


def test_of_many_replies_one_now_and_then_is_looked_at(offset: ClockOffset, wall: Wall) -> None:
    offset.learn_date(date_of(wall.venue), asked_s=wall.monotonic(), heard_s=wall.monotonic())
    wall.passed_s += DATE_EVERY_S / 2
    offset.learn_date(date_of(wall.venue), asked_s=wall.monotonic(), heard_s=wall.monotonic())
    assert offset.age_s == pytest.approx(DATE_EVERY_S / 2)


@pytest.mark.parametrize(
    "header",
    [None, "", "yesterday", "Mon, 99 Mar 2026 12:00:00 GMT", "Mon, 02 Mar 2026 12:00:00", "Mon, 02 Mar 9999999 12:00:00 GMT"],
)  # fmt: skip
def test_what_is_no_date_teaches_nothing_i24(offset: ClockOffset, wall: Wall, header: str | None) -> None:
    offset.learn_date(header, asked_s=wall.monotonic(), heard_s=wall.monotonic())
    assert offset.seconds is None
