"""One backtest in a process of its own: `python -m floorbroker.app.backtest_child`.

The first line of its input is what is asked; on its output come lines with how far it is, and a last one with `kept` or
`trouble`.  It ends when its input does, since whoever asked is gone then.
"""

from __future__ import annotations

import os
import sys
import threading
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from floorbroker.backtest import Backtest, Costs, Fixed, Result, Span, recorded_feed
from floorbroker.backtest.kept import MB, Room, keep
from floorbroker.backtest.statistics import curve
from floorbroker.domain.errors import FloorbrokerError, InvalidRequest
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import text_of, time_text
from floorbroker.matching import NO_FEES, NO_SLIPPAGE, Bps, BpsSlippage
from floorbroker.strategy.shelf import SHELF
from floorbroker.tape import NotRecorded, load

NICER = 10  # orders go before
POINTS_MAX = 500  # of a curve


@frozen
class Job:
    """What is asked; numbers and days are text, as they are kept."""

    id: str
    folder: str
    recorded: str
    strategy: str
    symbols: tuple[str, ...]
    parameters: dict[str, Any]
    span: str = "day"
    since: str | None = None
    until: str | None = None
    cash: Decimal = Decimal(100_000)
    fee_bps: Decimal = Decimal(0)
    slippage_bps: Decimal = Decimal(0)
    latency_ms: int = 0
    most: int = 500
    most_mb: int = 500


def run(job: Job) -> Result:
    """Play it.  Raises `InvalidRequest` that names what is not recorded."""
    made = SHELF[job.strategy](**job.parameters, symbols=job.symbols)
    first, last = (None if day is None else date.fromisoformat(day) for day in (job.since, job.until))
    try:
        tape = load(Path(job.recorded))
    except NotRecorded as error:
        raise InvalidRequest(f"the recorded prices cannot be read: {error}") from error
    feed, happenings = recorded_feed(tape, made.symbols, Span(job.span), since=first, until=last)
    costs = Costs(
        fees=Bps(taker=job.fee_bps, maker=job.fee_bps) if job.fee_bps else NO_FEES,
        slippage=BpsSlippage(job.slippage_bps) if job.slippage_bps else NO_SLIPPAGE,
        latency=Fixed(ms=job.latency_ms),
    )
    return Backtest(
        made, feed, cash=job.cash, costs=costs, actions=happenings, sessions=True, told=_tell_progress
    ).run()


def plotted(result: Result) -> list[tuple[str, str, str]]:
    """Its curve as text, of as many points as a plot is wide."""
    return [
        (time_text(at), text_of(equity), text_of(fall))
        for at, equity, fall in curve(result.equity, result.cash, POINTS_MAX)
    ]


def _tell(**members: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(members) + b"\n")
    sys.stdout.buffer.flush()


def _tell_progress(done: int, total: int) -> None:
    _tell(done=done, total=total)


def _end_with_whoever_asked() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """Read, run, keep, tell."""
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    threading.Thread(target=_end_with_whoever_asked, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICER)
    try:
        result = run(job)
    except FloorbrokerError as error:
        _tell(trouble=error.detail)
        return
    asked = {
        name: value
        for name, value in msgspec.to_builtins(job).items()
        if name not in {"folder", "recorded", "id", "most", "most_mb"}
    }
    room = Room(job.most, job.most_mb * MB)
    keep(Path(job.folder), job.id, result.document(), asked, plotted(result), room=room)
    _tell(kept=job.id)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # not held up by the thread that still reads
