"""`floorbroker demo`: opens both stages one after the other, plays, checks, prints."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from floorbroker.cli.demo.market import DemoMarket, open_market
from floorbroker.cli.demo.report import complaints, document, show
from floorbroker.cli.demo.run import Played, play
from floorbroker.cli.demo.run import Progress as Tell
from floorbroker.cli.demo.stages import alpaca_stage, paper_stage
from floorbroker.domain.clock import SystemClock

VERIFICATION_FAILED = 11


def run_demo(*, data: Path | None, seed: int, days: int, as_json: bool) -> int:
    """The exit code: 0, or 11 when positions, cash or the two venues disagree.  Raises `NotRecorded` for an empty folder."""
    market = open_market(data, seed=seed, days=days)
    errors = Console(stderr=True)
    if data is None:
        errors.print(f"playing {market.source}")
    with _bars(errors, quiet=as_json) as bars:
        runs = asyncio.run(_both(market, seed=seed, tell=_teller(bars, as_json=as_json)))
    wrong, found = complaints(runs), document(runs)
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        show(Console(), runs, source=market.source, digest=found["digest"])
    for text in wrong:
        errors.print(f"error: {text}")
    return VERIFICATION_FAILED if wrong else 0


async def _both(market: DemoMarket, *, seed: int, tell: Tell) -> list[Played]:
    with tempfile.TemporaryDirectory(prefix="floorbroker-demo-") as folder:
        async with paper_stage(market, Path(folder) / "paper") as stage:
            paper = await play(stage, market, progress=tell)
        async with alpaca_stage(market, Path(folder) / "alpaca", seed=seed) as stage:
            alpaca = await play(stage, market, progress=tell)
    return [paper, alpaca]


def _bars(console: Console, *, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[orders]} orders"),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )


def _teller(bars: Progress, *, as_json: bool) -> Tell:
    """Moves the bar; with `--json` one line a second on stderr instead."""
    clock, said_at = SystemClock(), [float("-inf")]

    def tell(profile: str, done: int, total: int, orders: int) -> None:
        if as_json:
            if clock.monotonic() - said_at[0] >= 1.0 or done == total:
                said_at[0] = clock.monotonic()
                line = {"progress": {"profile": profile, "minutes": done, "of": total, "orders": orders}}
                sys.stderr.write(msgspec.json.encode(line).decode() + "\n")
            return
        task = next((task.id for task in bars.tasks if task.description == profile), None)
        if task is None:
            task = bars.add_task(profile, total=total, orders=0)
        bars.update(task, completed=done, orders=orders)

    return tell
