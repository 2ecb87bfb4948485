"""Which cells can be visited: for each state of an order and each kind of fact, whether it must, may or cannot be.

A cell is the state an order was in and the kind of fact that it then learned.  What must be visited and is not means that the
plans or the simulated venue lack something; what cannot be and was means that somebody reasoned wrongly, here or in the desk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from floorbroker.domain.orders import OrderState
from tests.simulation.coverage import KINDS, NOTHING, STATES, Cell

MUST, MAY, NEVER = "must", "may", "never"
MANY = 2_000  # schedules at a venue from which on everything that must be visited there is
ALPACA = "alpaca"

_SENT = tuple(
    state.value
    for state in OrderState
    if state not in {OrderState.PREPARED, OrderState.NOT_SENT, OrderState.NOT_PLACED}
)
_NEVER_IN = {
    NOTHING: "what finds no order waits outside the journal",
    "prepared": "an intent and its SENDING are one commit",
    "not_sent": "what never left is never heard of",
    "not_placed": "the venue enforces no arrival bound, so absence is presumed and never proven",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Of one kind of fact: the states in which it must be learned, those in which it may be, and why in no other."""

    must: str
    may: str = ""
    why: str = ""


def _told(must: str) -> Row:
    """What the venue tells of an order it has: in any state of an order that left."""
    return Row(must, " ".join(state for state in _SENT if state not in must.split()))


ROWS: dict[str, Row] = {
    "prepared": Row(NOTHING, why="it founds an order"),
    "adopted": Row(  # told again while the commit of the first is on its way, it is founded twice alike: the fold keeps one
        NOTHING, "acked working held filled cancelled", why="it founds an order that we did not send"
    ),
    "sending": Row("prepared", why="it is committed with the intent"),
    "not_sent": Row("sending", why="the sender alone can prove it, before anything else is known"),
    "in_doubt": Row(  # behind a not_sent that a failing disk held back, too: nothing told the watch of it
        "sending acked working filled cancelled", "unknown held expired rejected presumed_not_placed not_sent"
    ),
    "horizon_passed": Row("unknown", why="it ends a doubt"),
    "reject": Row("sending", "unknown", why="the simulated venue says no in its answer, and to nothing that it took"),
    "ack": _told("sending unknown acked working filled"),
    "working": _told("sending unknown acked working held filled"),
    "held": _told("acked working"),
    "filled": _told("unknown acked working filled"),
    "cancelled": _told("unknown acked working held filled"),
    "expired": _told("acked working held"),
    "done_for_day": _told("working"),
    "unrecognised": _told("sending acked working filled cancelled"),
    "exec": _told("sending unknown acked working held filled cancelled"),
    "cum": _told("acked working filled cancelled"),
    "void": _told("working filled cancelled"),
    "cancel_asked": Row(
        "sending unknown acked working held cancelled", "filled expired rejected presumed_not_placed not_sent"
    ),
    "cancel_refused": _told("acked working held filled cancelled"),
    "replace_asked": Row(  # a fill or an end may be learned while the commit of the ask is on its way
        "acked working", "held filled cancelled expired", why="what is open and in no doubt can be changed"
    ),
    "replace_done": _told("acked working filled cancelled"),
    "replace_refused": _told("acked working"),
}


# -- the other venues: what must be visited there (a fifth of Alpaca's schedules are enough to see it), and what has no place ----

_COINS = {
    "void": "the venue takes no execution back",
    "done_for_day": "the venue's day has no end",
}
MUST_AT: dict[str, dict[str, str]] = {
    "binance": {
        "ack": "cancelled",
        "adopted": NOTHING,
        "cancel_asked": "sending unknown working",
        "cancel_refused": "working",
        "cancelled": "working held",
        "cum": "acked working filled",
        "exec": "working filled",
        "expired": "sending working",
        "filled": "sending unknown working filled",
        "held": "acked",
        "horizon_passed": "unknown",
        "in_doubt": "sending working filled",
        "not_sent": "sending",
        "prepared": NOTHING,
        "reject": "sending",
        "replace_asked": "working",
        "replace_done": "working",
        "replace_refused": "working",
        "sending": "prepared",
        "working": "sending unknown working held filled expired",
    },
    "kraken": {
        "ack": "sending unknown",
        "cancel_asked": "sending unknown acked working",
        "cancel_refused": "acked working cancelled",
        "cancelled": "acked working",
        "cum": "acked working filled",
        "exec": "acked working filled",
        "filled": "acked working filled",
        "horizon_passed": "unknown",
        "in_doubt": "sending working",
        "not_sent": "sending",
        "prepared": NOTHING,
        "replace_asked": "working",
        "replace_done": "working",
        "sending": "prepared",
        "working": "acked filled",
    },
}
ABSENT_AT: dict[str, dict[str, str]] = {
    "binance": _COINS,
    "kraken": {
        **_COINS,
        "adopted": "an order there never becomes another one",
        "held": "an order that waits for a price is open there like any other",
        "expired": "no time in force that the schedules use ends there by itself",
    },
}


def row_at(kind: str, venue: str = ALPACA) -> Row:
    """What is said of one kind of fact at a venue; elsewhere than at Alpaca all that may be there, may be."""
    row = ROWS[kind]
    if venue == ALPACA:
        return row
    if (why := ABSENT_AT[venue].get(kind)) is not None:
        return Row("", why=why)
    must = MUST_AT[venue].get(kind, "")
    return Row(must, " ".join(s for s in f"{row.must} {row.may}".split() if s not in must.split()), row.why)


def reachable(venue: str = ALPACA) -> frozenset[Cell]:
    """The cells that must be visited at a venue."""
    return frozenset((state, kind) for kind in KINDS for state in STATES if fate_of(state, kind, venue)[0] == MUST)


def fate_of(state: str, kind: str, venue: str = ALPACA) -> tuple[str, str]:
    """Whether a cell must, may or cannot be visited, and why not."""
    row = row_at(kind, venue)
    if state in row.must.split():
        return MUST, ""
    if state in row.may.split():
        return MAY, ""
    return NEVER, row.why or _NEVER_IN[state]


def misjudged(visited: Mapping[Cell, int], venue: str = ALPACA) -> list[str]:
    """Cells that were visited and cannot be."""
    return [
        f"{kind} was learned at {venue} by an order that was {state}: {fate_of(state, kind, venue)[1]}"
        for (state, kind), count in sorted(visited.items())
        if count and fate_of(state, kind, venue)[0] == NEVER
    ]


def unvisited(visited: Mapping[Cell, int], venue: str = ALPACA) -> list[str]:
    """Cells that must be visited and were not."""
    return [
        f"{kind} was never learned at {venue} by an order that was {state}"
        for state, kind in sorted(reachable(venue))
        if not visited.get((state, kind))
    ]


def table(visited: Mapping[Cell, int], venue: str = ALPACA) -> str:
    """A row a fact, a column a state: the count, `0` where it may be and was not, and a dash where it cannot be."""
    head = "| fact | " + " | ".join(f"`{state}`" for state in STATES) + " | elsewhere never, because |"
    lines = [head, "|---|" + "--:|" * len(STATES) + "---|"]
    for kind in KINDS:
        cells = " | ".join(_shown(fate_of(state, kind, venue)[0], visited.get((state, kind), 0)) for state in STATES)
        lines.append(f"| `{kind}` | {cells} | {row_at(kind, venue).why} |")
    return "\n".join(lines)


def _shown(fate: str, count: int) -> str:
    shown = f"{count:,}"
    return {MUST: f"**{shown}**", MAY: shown, NEVER: shown if count else "–"}[fate]


def reasons() -> list[str]:
    """Why an order in one of these states learns nothing that a venue tells."""
    return [f"- `{state}`: {why}." for state, why in _NEVER_IN.items()]
