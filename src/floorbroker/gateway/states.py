"""The states of a session as a table: which may follow which, and the word that a change is announced with.

A session is READY only after it was RECONCILING or DEGRADED, so never without a round that agreed (RELIABILITY I11); STOPPED is
for good.  What the table lacks is refused and logged by the session, never raised: its supervisor must go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from floorbroker.gateway.desk import SessionState

S = SessionState
_FROM_AFAR = frozenset(
    {S.MAINTENANCE, S.LOCKED, S.STOPPED, S.OFFLINE}
)  # a calendar, a vault and a person, who stops or disconnects it, may come in between at any time

MOVES: Mapping[SessionState, frozenset[SessionState]] = MappingProxyType(
    {
        S.OFFLINE: _FROM_AFAR | {S.CONNECTING},
        S.CONNECTING: _FROM_AFAR | {S.RECONCILING, S.DEGRADED},  # DEGRADED: reached, and not ours to trade with
        S.RECONCILING: _FROM_AFAR | {S.READY, S.DEGRADED, S.CONNECTING},  # CONNECTING: what was closed is begun anew
        S.READY: _FROM_AFAR | {S.RECONCILING, S.DEGRADED, S.CONNECTING},
        S.DEGRADED: _FROM_AFAR | {S.READY, S.RECONCILING, S.CONNECTING},
        S.MAINTENANCE: frozenset({S.RECONCILING, S.CONNECTING, S.OFFLINE, S.LOCKED, S.STOPPED}),
        S.LOCKED: frozenset({S.RECONCILING, S.CONNECTING, S.OFFLINE, S.MAINTENANCE, S.STOPPED}),
        S.STOPPED: frozenset(),
    }
)
CONNECTED = frozenset({S.READY, S.RECONCILING, S.DEGRADED, S.MAINTENANCE, S.LOCKED})
"""Logged in, as far as is known: a reason to reconcile is one only here."""


def allowed(before: SessionState, after: SessionState) -> bool:
    """Whether the table knows the move; to stay is always allowed."""
    return before is after or after in MOVES[before]


def words_of(
    before: SessionState, after: SessionState, *, is_lost: bool, was_lost: bool, rests: bool
) -> tuple[str, ...]:
    """What a change is called on the `health` channel, one word for each thing that it ends or begins.

    `connection_lost` and `connection_restored` are a pair, and so are `resting` and `rested`: what began is told to be over,
    both where both were.  Every other change goes by the name of its new state.
    """
    if after is S.READY:
        ended = [word for word, holds in (("rested", rests), ("connection_restored", was_lost)) if holds]
        return tuple(ended) or (after.value,)
    if rests and before is S.READY:
        return ("resting",)
    return ("connection_lost" if is_lost and not was_lost else after.value,)
