"""What the safe path adds at Interactive Brokers' socket and at Tradier: our submit beside a bare one, against one simulator.

The rate budgets are raised, ours and the simulator's.  Orders bid below the market and are filled between bursts, so that no
burst pays for fills.  Both sides pay for the simulator's work, so the difference of the medians is what risk, journal and audit
cost.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType
from urllib.request import Request, urlopen

from benchmarks.children import Child, desk, peer, venue
from benchmarks.environments import ROOT
from benchmarks.rounds import Figure, Goal

ROUNDS, BURSTS, ORDERS = (
    9,
    2,
    8,
)  # TWS takes twenty working orders in one contract, and the account holds 100,000 dollars
REST_S = 0.2  # the fills of a burst are heard before the next
LIMIT = "149.00"
PRICE = {"symbol": "AAPL", "bid": "150.20", "ask": "150.30", "last": "150.25"}
BELOW = {"symbol": "AAPL", "bid": "148.80", "ask": "148.90", "last": "148.85"}
OVERHEAD = Goal(1.0, unit="ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A venue and who speaks to it bare: the driver, its environment and name."""

    word: str
    driver: str
    environment: str
    name: str


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
    name="aiohttp, a bare POST, not journaled, no risk check",
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
        credentials, control = stack.enter_context(venue(rival.word))
        set_price(control)
        terms = {"ORDER_LIMIT": LIMIT}
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".tools"))
        ours = stack.enter_context(desk(Path(folder) / "home", {**credentials, **terms}, loop="uvloop"))
        theirs = stack.enter_context(peer(rival.driver, rival.environment, {**credentials, **terms}))
        found = [(_round(ours, control), _round(theirs, control)) for _ in range(1 + ROUNDS)]
        return found[1:], {**ours.greeting["versions"], **theirs.greeting["versions"]}


def _round(child: Child, control: str) -> float:
    """The median of some bursts, by their own medians, in ms."""
    bursts: list[float] = []
    for _ in range(BURSTS):
        bursts.append(child.ask("sequential", ORDERS)["p50"])
        _fill_all(control)
        time.sleep(REST_S)
    return median(bursts)


def _fill_all(control: str) -> None:
    """The market comes down to the orders, and goes back where it was."""
    set_price(control, BELOW)
    set_price(control)


def set_price(control: str, price: Mapping[str, str] = MappingProxyType(PRICE)) -> None:
    """Put the simulated market where the orders fill."""
    asked = Request(f"{control}/price", data=json.dumps(dict(price)).encode(), method="POST")  # noqa: S310 - the child's own door
    asked.add_header("Content-Type", "application/json")
    with urlopen(asked, timeout=10) as answer:  # noqa: S310
        answer.read()
