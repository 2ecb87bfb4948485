"""The table of a session's states: what it allows, what it makes impossible, and that a session keeps to it whatever happens."""

from __future__ import annotations

import pytest

from floorbroker.gateway.desk import SessionState
from floorbroker.gateway.states import CONNECTED, MOVES, allowed, words_of

S = SessionState


def _reached_from(state: SessionState) -> set[SessionState]:
    found, pending = {state}, [state]
    while pending:
        for after in MOVES[pending.pop()] - found:
            found.add(after)
            pending.append(after)
    return found


def test_every_state_has_a_row() -> None:
    assert set(MOVES) == set(SessionState)


def test_ready_follows_a_round_alone_i11() -> None:
    assert {before for before in S if S.READY in MOVES[before]} == {S.RECONCILING, S.DEGRADED}


def test_stopped_is_for_good_and_can_be_reached_from_everywhere() -> None:
    assert not MOVES[S.STOPPED]
    assert all(S.STOPPED in MOVES[state] for state in S if state is not S.STOPPED)


@pytest.mark.parametrize("state", [state for state in S if state is not S.STOPPED])
def test_from_every_other_state_a_session_can_come_back_to_ready(state: SessionState) -> None:
    assert S.READY in _reached_from(state)


def test_a_vault_and_a_calendar_may_come_in_between_at_any_time() -> None:
    for state in set(S) - {S.STOPPED}:
        assert allowed(state, S.LOCKED)
        assert allowed(state, S.MAINTENANCE)


def test_what_is_connected_may_reconcile_again() -> None:
    assert all(allowed(state, S.RECONCILING) for state in CONNECTED)


@pytest.mark.parametrize(
    ("before", "after", "told", "words"),
    [
        (S.READY, S.RECONCILING, (True, False, False), ("connection_lost",)),
        (S.RECONCILING, S.DEGRADED, (False, True, False), ("degraded",)),
        (S.RECONCILING, S.RECONCILING, (True, True, False), ("reconciling",)),
        (S.RECONCILING, S.READY, (False, True, False), ("connection_restored",)),
        (S.RECONCILING, S.READY, (False, False, False), ("ready",)),
        (S.READY, S.DEGRADED, (False, False, True), ("resting",)),
        (S.DEGRADED, S.READY, (False, False, True), ("rested",)),
        (S.RECONCILING, S.READY, (False, True, True), ("rested", "connection_restored")),
        (S.READY, S.MAINTENANCE, (False, False, False), ("maintenance",)),
    ],
)
def test_a_change_is_called_by_what_it_means(
    before: SessionState, after: SessionState, told: tuple[bool, bool, bool], words: tuple[str, ...]
) -> None:
    is_lost, was_lost, rests = told
    assert words_of(before, after, is_lost=is_lost, was_lost=was_lost, rests=rests) == words
