"""What a durable order costs, beside the bare requests of others, against one fixed-reply server in a process of its own.

`submit_p50` and `submit_p99`: one order after the other, beside alpaca-py's `submit_order`.  `submit_inflight32`: 32 orders at a
time, beside bare aiohttp.  The same through the simulated Alpaca is printed beside, and not judged: there the peers pay for the
simulator's own work as we do.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.children import Child, desk, fixed_server, ours, peer, simulator
from benchmarks.environments import ROOT, Absent
from benchmarks.rounds import Figure, Goal, rounded

ROUNDS, FEW_ROUNDS, WARM_UP, ORDERS, TOGETHER = 7, 3, 100, 200, 1600
ALPACA_PY = "alpaca-py submit_order, not journaled, no risk check"
OTHERS = (
    ("ccxt_alpaca", "ccxt", "ccxt async alpaca create_order"),
    ("nautilus_http", "nautilus_trader", "nautilus_trader's HTTP client (Rust), a bare POST"),
)
AIOHTTP = "aiohttp on uvloop, 32 POSTs in flight, not journaled, no risk check"


@contextmanager
def _home() -> Iterator[Path]:
    """A folder beside the checkout: on a disk, where a sync costs what it costs, and not in memory."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".tools") as folder:
        yield Path(folder) / "home"


def sequential() -> list[Figure]:
    """`submit_p50` on uvloop with its stages, the same on asyncio's own loop, and `submit_p99`."""
    with fixed_server() as credentials:
        found, told = _in_turn(credentials, _alpaca_py(credentials), "sequential", ORDERS, "uvloop")
        plain, _ = _in_turn(credentials, _alpaca_py(credentials), "sequential", ORDERS, "asyncio", rounds=FEW_ROUNDS)
        shares = _stages(credentials)
    median = {"loop": "uvloop", "stages_us": shares, "versions": told}
    return [
        _figure("submit_p50", found, "p50", goal=Goal(0.6), beyond=Goal(0.4), extra=median),
        _figure("submit_p99", found, "p99", extra={"loop": "uvloop"}),
        _figure("submit_p50_asyncio", plain, "p50", extra={"loop": "asyncio"}),
    ]


def together() -> list[Figure]:
    """`submit_inflight32`: orders a second."""
    with fixed_server() as credentials:
        rival = peer("aiohttp_bare", "aiohttp", credentials)
        found, told = _in_turn(credentials, rival, "inflight", TOGETHER, "uvloop")
    return [
        Figure(
            bench="submit_inflight32",
            ours=[ours["per_s"] for ours, _ in found],
            peer=[theirs["per_s"] for _, theirs in found],
            peer_name=AIOHTTP,
            unit="orders/s",
            goal=Goal(1.0, at_least=True),
            beyond=Goal(2.0, at_least=True),
            extra={"loop": "uvloop", "versions": told},
        )
    ]


def simulated() -> list[Figure]:
    """`submit_sim_p50`: the same through the simulated Alpaca."""
    with simulator() as credentials:
        rival = _alpaca_py(credentials)
        found, _ = _in_turn(credentials, rival, "sequential", ORDERS, "uvloop", rounds=FEW_ROUNDS)
    return [_figure("submit_sim_p50", found, "p50", extra={"loop": "uvloop"})]


def heard() -> list[Figure]:
    """`submit_p50_heard`: the same where a plain acceptance is told when it is heard, and durable within two milliseconds."""
    with fixed_server() as credentials:
        told = {**credentials, "ORDER_ANSWERS": "heard"}
        found, _ = _in_turn(told, _alpaca_py(credentials), "sequential", ORDERS, "uvloop")
    return [_figure("submit_p50_heard", found, "p50", extra={"loop": "uvloop"})]


def floor() -> list[Figure]:
    """`submit_floor`: two flushes and a bare POST, which no durable order can be faster than here; and with one flush alone."""
    with ExitStack() as stack:
        credentials = stack.enter_context(fixed_server())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".tools"))
        least = stack.enter_context(ours("benchmarks.floor", "--folder", folder, environ=credentials))
        theirs = stack.enter_context(_alpaca_py(credentials))
        for child, what in ((least, "once"), (least, "sequential"), (theirs, "sequential")):
            child.ask(what, WARM_UP)
        asked = ((least, "sequential"), (theirs, "sequential"), (least, "once"))
        rounds = [[child.ask(what, ORDERS) for child, what in asked] for _ in range(ROUNDS)]
    once = [one["p50"] / peer["p50"] for _, peer, one in rounds]
    extra = {"loop": "uvloop", "one_flush_ratio": rounded(median(once))}
    return [_figure("submit_floor", [(mine, peer) for mine, peer, _ in rounds], "p50", extra=extra)]


def others() -> list[Figure]:
    """Further rivals' submits, reported and not judged; one that cannot be measured is said in a line."""
    found: list[Figure] = []
    with fixed_server() as credentials:
        for driver, environment, name in OTHERS:
            try:
                rounds, told = _in_turn(
                    credentials,
                    peer(driver, environment, credentials),
                    "sequential",
                    ORDERS,
                    "uvloop",
                    rounds=FEW_ROUNDS,
                )
            except Absent as error:
                sys.stderr.write(f"submit of {environment}: not measured, {error}\n")
            else:
                figure = _figure(f"submit_p50_{environment}", rounds, "p50", extra={"loop": "uvloop", "versions": told})
                found.append(replace(figure, peer_name=name))
    return found


def _alpaca_py(credentials: Mapping[str, str]) -> AbstractContextManager[Child]:
    return peer("alpaca_py", "alpaca-py", credentials)


Round = tuple[Mapping[str, float], Mapping[str, float]]


def _in_turn(
    credentials: Mapping[str, str],
    rival: AbstractContextManager[Child],
    what: str,
    count: int,
    loop: str,
    *,
    rounds: int = ROUNDS,
) -> tuple[list[Round], dict[str, str]]:
    """Rounds of ours and the rival's in turn, each in a process of its own that lives through all of them."""
    with ExitStack() as stack:
        home = stack.enter_context(_home())
        mine: Child = stack.enter_context(desk(home, credentials, loop=loop))
        theirs: Child = stack.enter_context(rival)
        for child in (mine, theirs):
            child.ask(what, WARM_UP)
        found = [(mine.ask(what, count), theirs.ask(what, count)) for _ in range(rounds)]
        return found, {**mine.greeting["versions"], **theirs.greeting["versions"]}


def _stages(credentials: Mapping[str, str]) -> dict[str, float]:
    with _home() as home, desk(home, credentials, loop="uvloop", stages=True) as watched:
        watched.ask("stages", WARM_UP)
        return watched.ask("stages", ORDERS)["stages"]


def _figure(
    bench: str,
    found: list[Round],
    member: str,
    *,
    goal: Goal | None = None,
    beyond: Goal | None = None,
    extra: Mapping[str, object] | None = None,
) -> Figure:
    return Figure(
        bench=bench,
        ours=[ours[member] for ours, _ in found],
        peer=[theirs[member] for _, theirs in found],
        peer_name=ALPACA_PY,
        unit=f"ms {member}",
        goal=goal,
        beyond=beyond,
        extra=extra or {},
    )
