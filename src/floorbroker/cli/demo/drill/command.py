"""`floorbroker demo --drill failover`: opens the brokers, plays the story, compares the books, prints."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec

from floorbroker.cli.demo.drill.brokers import opened
from floorbroker.cli.demo.drill.report import complaints, document, summary
from floorbroker.cli.demo.drill.story import Drill, Drilled, Say
from floorbroker.domain.clock import SystemClock

VERIFICATION_FAILED = 11


def run_drill(*, seed: int, as_json: bool) -> int:
    """The exit code: 0, or 11 when something of the story did not hold.  With `as_json` the story goes to standard error."""
    out = sys.stderr if as_json else sys.stdout

    def say(text: str) -> None:
        out.write(f"{text}\n")
        out.flush()

    drilled = asyncio.run(_drilled(seed, say))
    wrong = complaints(drilled)
    if as_json:
        sys.stdout.write(msgspec.json.encode(document(drilled)).decode() + "\n")
    else:
        say(summary(drilled))
    for text in wrong:
        sys.stderr.write(f"error: {text}\n")
    return VERIFICATION_FAILED if wrong else 0


async def _drilled(seed: int, say: Say) -> Drilled:
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="floorbroker-drill-") as folder:
        async with opened(Path(folder), clock=clock, seed=seed) as brokers:
            return await Drill(brokers, clock, say).run()
