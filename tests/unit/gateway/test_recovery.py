"""What a session does about an error: the table, the waits, and what trips a kill switch (RELIABILITY 6)."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from random import Random

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConfigInvalid,
    ConnectionFailed,
    FloorbrokerError,
    Forbidden,
    Hint,
    JournalFault,
    KillSwitchOn,
    RateLimitExceeded,
    SessionExpired,
    Timeout,
    VaultLocked,
    error_codes,
)
from floorbroker.gateway.recovery import (
    MOST_S,
    REFUSALS_UNTIL_FATAL,
    REFUSED_FOR_S,
    RULES,
    Remedy,
    Rule,
    delay_s,
    is_refusal,
    remedy_of,
)
from tests.support.fake_broker import FakeBroker, buy
from tests.support.house import CALLER, NOON, PROFILE, make, opened

REFUSED_KEY = AuthenticationFailed("no such key", hint=Hint(notify=True))
OVERTAKEN = AuthenticationFailed("invalid nonce")
LOCKOUT = AuthenticationFailed("temporary lockout", hint=Hint(notify=True, retry_after_s=900.0))
BAN = RateLimitExceeded("banned", hint=Hint(retry_after_s=600.0, notify=True))


def test_every_row_is_about_a_code_that_exists() -> None:
    assert set(RULES) <= set(error_codes())


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        (ConnectionFailed("refused"), Rule.RECONNECT),
        (Timeout("silence"), Rule.RECONNECT),
        (ApiError("503"), Rule.RECONNECT),
        (ApiError("the token ran out", hint=Hint(reauthenticate=True)), Rule.LOG_IN),
        (SessionExpired("over"), Rule.LOG_IN),
        (OVERTAKEN, Rule.LOG_IN),
        (REFUSED_KEY, Rule.LOG_IN),
        (RateLimitExceeded("429", hint=Hint(retry_after_s=5.0)), Rule.OBEY),
        (BAN, Rule.BAN),
        (ConfigInvalid("no BROKER_URL"), Rule.NOTIFY),
        (Forbidden("another account"), Rule.FATAL),
        (JournalFault("the disk is full"), Rule.RECONNECT),
        (VaultLocked("locked"), Rule.RECONNECT),
    ],
)
def test_each_error_has_its_rule(error: FloorbrokerError, rule: Rule) -> None:
    assert remedy_of(error, refusals=1).rule is rule


def test_a_refused_key_is_believed_after_the_third_time_and_half_a_minute() -> None:
    for for_s, last in ((REFUSED_FOR_S - 0.1, Rule.LOG_IN), (REFUSED_FOR_S, Rule.FATAL)):
        rules = [remedy_of(REFUSED_KEY, refusals=n, refused_for_s=for_s).rule for n in (1, 2, REFUSALS_UNTIL_FATAL)]
        assert rules == [Rule.LOG_IN, Rule.LOG_IN, last]


@pytest.mark.parametrize(
    "error",
    [ConnectionFailed("x"), Timeout("x"), ApiError("x"), VaultLocked("x"), JournalFault("x"), OVERTAKEN, LOCKOUT, BAN],
)
def test_what_passes_by_itself_is_never_fatal_however_often(error: FloorbrokerError) -> None:
    assert not is_refusal(error)
    assert remedy_of(error, refusals=1_000, refused_for_s=1e6).rule is not Rule.FATAL


def test_an_outage_is_waited_out_for_1_2_and_4_seconds_then_with_full_jitter_up_to_a_minute() -> None:
    remedy, random = Remedy(rule=Rule.RECONNECT), Random(5)
    assert [delay_s(remedy, n, random) for n in range(3)] == [1.0, 2.0, 4.0]
    late = [delay_s(remedy, n, random) for n in range(3, 400)]
    assert all(0.5 <= wait_s <= MOST_S for wait_s in late)
    assert max(late) > 50
    assert min(late) < 5
    assert all(delay_s(remedy, 3, Random(seed)) <= 8.0 for seed in range(50))


def test_a_log_in_is_tried_at_once_and_then_as_after_an_outage() -> None:
    remedy = Remedy(rule=Rule.LOG_IN)
    assert [delay_s(remedy, n, Random(1)) for n in range(4)] == [0.0, 1.0, 2.0, 4.0]


@pytest.mark.parametrize("attempt", [0, 3, 50])
def test_the_venues_own_word_on_waiting_is_a_floor(attempt: int) -> None:
    assert delay_s(remedy_of(BAN), attempt, Random(1)) >= 600.0


# -- in a session --------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("error", "trips"),
    [(REFUSED_KEY, True), (Forbidden("this key is of the live account"), True)]
    + [
        (error, False)
        for error in (ConnectionFailed("x"), Timeout("x"), ApiError("x"), OVERTAKEN, LOCKOUT, ConfigInvalid("x"))
    ],
    ids=str,
)
async def test_only_a_refusal_of_key_or_account_trips_the_kill_switch_of_its_profile(
    tmp_path: Path, error: FloorbrokerError, trips: bool
) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, failing={"connect": error})
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        await desk.wait(3_600)
        state = desk.gateway.kill_state()
        assert state.level == 0
        assert state.by_profile == ({PROFILE: 1} if trips else {})
        if trips:
            assert state.reason == f"fatal: {error.detail}"
            assert state.by == "gateway"


@pytest.mark.asyncio
async def test_a_fatal_kill_outlives_a_restart_and_a_key_that_was_mended_until_a_person_resets_it(
    tmp_path: Path,
) -> None:
    clock = ManualClock(NOON)
    desk = make(tmp_path, broker=FakeBroker(clock, failing={"connect": REFUSED_KEY}), clock=clock)
    await desk.gateway.start()
    await desk.until(lambda: desk.gateway.kill_switch.level(PROFILE) == 1)
    await desk.crash()
    async with opened(tmp_path, clock=clock, broker=FakeBroker(clock)) as desk:
        with pytest.raises(KillSwitchOn, match="fatal: no such key"):
            await desk.place(buy())
        await desk.gateway.reset_kill(caller=CALLER, reason="the key was changed", profile=PROFILE)
        await desk.place(buy())


@pytest.mark.asyncio
async def test_a_kill_that_a_person_reset_too_early_is_tripped_again(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with opened(
        tmp_path, broker=FakeBroker(clock, account="1"), account_number="2", clock=clock, ready=False
    ) as desk:
        await desk.until(lambda: desk.gateway.kill_switch.level(PROFILE) == 1)
        await desk.gateway.reset_kill(caller=CALLER, reason="should be fine", profile=PROFILE)
        await desk.until(lambda: desk.gateway.kill_switch.level(PROFILE) == 1)


@pytest.mark.asyncio
async def test_refusals_are_counted_in_a_row_alone(tmp_path: Path) -> None:
    """Two refusals, an outage, two refusals: a venue that fails in many ways says nothing about a key."""
    clock = ManualClock(NOON)
    script = deque[FloorbrokerError]([REFUSED_KEY, REFUSED_KEY, ConnectionFailed("x"), REFUSED_KEY, REFUSED_KEY])
    broker = FakeBroker(clock)
    desk = make(tmp_path, broker=broker, clock=clock)
    desk.ctx.broker = _Scripted(broker, script)  # type: ignore[assignment]
    await desk.gateway.start()
    await desk.until(lambda: desk.session.state.value == "ready")
    assert not script
    assert desk.gateway.kill_switch.level(PROFILE) == 0
    await desk.crash()


@pytest.mark.asyncio
async def test_a_venue_that_refuses_everybody_for_seconds_trips_nothing(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, failing={"connect": REFUSED_KEY})
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        await desk.until(lambda: broker.reads.count("connect") > REFUSALS_UNTIL_FATAL)
        broker.failing.clear()
        await desk.until(lambda: desk.session.state.value == "ready")
        assert desk.gateway.kill_switch.level(PROFILE) == 0
        await desk.place(buy())


class _Scripted:
    """A broker whose log-ins fail as scripted."""

    def __init__(self, honest: FakeBroker, script: deque[FloorbrokerError]) -> None:
        self._honest = honest
        self._script = script

    def __getattr__(self, name: str) -> object:
        return getattr(self._honest, name)

    async def connect(self) -> None:
        if self._script:
            raise self._script.popleft()
        await self._honest.connect()


@pytest.mark.asyncio
async def test_a_session_that_ran_out_is_logged_in_anew_once_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        logins = desk.broker.reads.count("connect")
        desk.broker.failing["get_open_orders"] = SessionExpired("the token ran out")
        desk.session.reconcile_again("test")
        await desk.wait(0.5)
        assert desk.broker.reads.count("connect") == logins + 1
        desk.broker.failing.clear()
        await desk.until(lambda: desk.session.state.value == "ready")


@pytest.mark.asyncio
async def test_nothing_is_asked_before_the_end_of_a_ban(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, failing={"connect": BAN})
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        await desk.wait(599)
        assert broker.reads.count("connect") == 1
        assert "session.needs_a_person" in desk.log.events
        broker.failing.clear()
        await desk.until(lambda: desk.session.state.value == "ready")
