"""What a backtest costs: a crossover of 50 and 200 bars over a million minutes, beside three other programs.

All play the same bars, send an order at every crossing and pay a basis point for it; the orders are counted afterwards.
"""

from __future__ import annotations

from typing import Any

from benchmarks.children import Child, ours, peer
from benchmarks.environments import Absent
from benchmarks.rounds import Figure, Goal

Told = tuple[dict[str, Any], dict[str, Any], dict[str, str]]  # ours, theirs, versions
BARS = 1_000_000
ROUNDS = {"nautilus_trader": 3, "backtesting": 5, "backtrader": 1}
NEAR = 0.05  # how far the numbers of orders may differ: programs disagree about the first crossing
GROWTH_BARS = (10_000, 100_000, 1_000_000, 10_000_000)
GROWTH_SYMBOLS = (1, 10, 100)


def against_nautilus() -> list[Figure]:
    """`backtest_vs_nautilus` and `backtest_memory_vs_nautilus`, from the same runs."""
    told = _rounds("backtest_nautilus", "nautilus_trader")
    name = "nautilus_trader, BacktestEngine"
    speed = _speed("backtest_vs_nautilus", told, Goal(20, at_least=True), name)
    memory = Figure(
        bench="backtest_memory_vs_nautilus",
        ours=[told[0][0]["peak_mb"]],
        peer=[told[0][1]["peak_mb"]],
        peer_name=name,
        unit="MB at most, the whole process",
        goal=Goal(0.5),
    )
    return [speed, memory]


def against_backtestingpy() -> list[Figure]:
    """`backtest_vs_backtestingpy`."""
    told = _rounds("backtest_backtestingpy", "backtesting")
    return [_speed("backtest_vs_backtestingpy", told, Goal(5, at_least=True), "backtesting.py")]


def against_backtrader() -> list[Figure]:
    """`backtest_vs_backtrader`, reported: it takes minutes."""
    told = _rounds("backtest_backtrader", "backtrader")
    return [_speed("backtest_vs_backtrader", told, None, "backtrader")]


def _rounds(driver: str, environment: str) -> list[Told]:
    with ours("benchmarks.backtestwork") as mine, peer(driver, environment) as theirs:
        versions = {**mine.greeting["versions"], **theirs.greeting["versions"]}
        found = [_round(mine, theirs, versions) for _ in range(ROUNDS[environment])]
    for one, other, _ in found:
        if abs(one["orders"] - other["orders"]) > NEAR * one["orders"]:
            raise Absent(f"the programs do not trade alike: {one['orders']} orders and {other['orders']}")
    return found


def _round(mine: Child, theirs: Child, versions: dict[str, str]) -> Told:
    """Ours before and after theirs, which takes much longer: what else the machine does meets both alike."""
    before, other, after = mine.ask("run", BARS), theirs.ask("run", BARS), mine.ask("run", BARS)
    return {**before, "per_s": 2 / (1 / before["per_s"] + 1 / after["per_s"])}, other, versions


def _speed(bench: str, told: list[Told], goal: Goal | None, name: str) -> Figure:
    one, other, versions = told[0]
    return Figure(
        bench=bench,
        ours=[mine["per_s"] for mine, _, _ in told],
        peer=[theirs["per_s"] for _, theirs, _ in told],
        peer_name=name,
        unit="bars a second",
        goal=goal,
        extra={"orders": {"ours": one["orders"], "theirs": other["orders"]}, "versions": versions},
    )


def growth() -> list[Figure]:
    """`backtest_growth`: bars a second by how many there are, of 1, 10 and 100 symbols; each in a process of its own."""
    rows = [{"bars": bars, **_grown(bars)} for bars in GROWTH_BARS]
    return [
        Figure(
            bench="backtest_growth",
            ours=[rows[-1]["per_s_1"]],
            peer=[rows[0]["per_s_1"]],
            peer_name=f"ours with {GROWTH_BARS[0]:,} bars, not {GROWTH_BARS[-1]:,}",
            unit="bars a second",
            extra={"backtest_growth": rows},
        )
    ]


def _grown(bars: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for symbols in GROWTH_SYMBOLS:
        with ours("benchmarks.backtestwork") as mine:
            told = _last(mine, f"many{symbols}", bars)
        found |= {f"per_s_{symbols}": round(told["per_s"]), f"peak_mb_{symbols}": round(told["peak_mb"])}
    return found


def _last(mine: Child, what: str, bars: int) -> dict[str, Any]:
    """Small runs are repeated until the process is as warm as one in use."""
    for _ in range(3 if bars < BARS else 0):
        mine.ask(what, bars)
    return mine.ask(what, bars)
