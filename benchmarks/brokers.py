"""What the safe path adds at Interactive Brokers' socket and at Tradier: our submit beside a bare one, at fixed replies.

The rate budgets are raised.  The difference of the medians is what validation, risk, journal and audit cost.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.children import desk, fixed_server, peer
from benchmarks.environments import ROOT
from benchmarks.rounds import Figure, Goal

ROUNDS, WARM_UP, ORDERS = 9, 100, 200
ONE_PAGE = 80  # of Tradier's lists, whose readers have a budget of their own
OVERHEAD = Goal(1.0, unit="ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A venue and who speaks to it bare: the driver, its environment and name."""

    word: str
    driver: str
    environment: str
    name: str
    orders: int = ORDERS


IBKR = Rival(
    word="ibkr",
    driver="ib_async_bare",
    environment="ib_async",
    name="ib_async placeOrder until its status, not journaled, no risk check",
)
TRADIER = Rival(
    word="tradier",
    driver="aiohttp_tradier",
    environment="aiohttp",
    name="aiohttp on uvloop, a bare POST, not journaled, no risk check",
    orders=ONE_PAGE,
)


def ibkr() -> list[Figure]:
    """`ibkr_submit_p50` and `ibkr_overhead`."""
    return _measured(IBKR)


def tradier() -> list[Figure]:
    """`tradier_submit_p50` and `tradier_overhead`."""
    return _measured(TRADIER)


def _measured(rival: Rival) -> list[Figure]:
    found, versions = _in_turn(rival)
    extra = {"loop": "uvloop", "versions": versions}
    ours, theirs = [mine for mine, _ in found], [bare for _, bare in found]
    return [
        Figure(
            bench=f"{rival.word}_submit_p50",
            ours=ours,
            peer=theirs,
            peer_name=rival.name,
            unit="ms p50",
            extra=extra,
        ),
        Figure(
            bench=f"{rival.word}_overhead",
            ours=[mine - bare for mine, bare in found],
            peer_name=rival.name,
            unit="ms p50 more",
            goal=OVERHEAD,
            extra=extra,
        ),
    ]


def _in_turn(rival: Rival) -> tuple[list[tuple[float, float]], dict[str, str]]:
    """The medians of rounds of ours and of the bare client's in turn, in ms."""
    with ExitStack() as stack:
        credentials = stack.enter_context(fixed_server(rival.word))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".tools"))
        ours = stack.enter_context(desk(Path(folder) / "home", credentials, loop="uvloop"))
        theirs = stack.enter_context(peer(rival.driver, rival.environment, credentials))
        for child in (ours, theirs):
            child.ask("sequential", min(WARM_UP, rival.orders))
        rounds = [[child.ask("sequential", rival.orders)["p50"] for child in (ours, theirs)] for _ in range(ROUNDS)]
        return [(mine, bare) for mine, bare in rounds], {**ours.greeting["versions"], **theirs.greeting["versions"]}
