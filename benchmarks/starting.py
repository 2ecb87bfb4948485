"""A desk that starts on the home it is given, in a process of its own: how long to READY, and how much memory.

One JSON line at READY, one for each `work COUNT` (so many orders sent, lists read, a reconciliation), and it ends in order
with its input.  Seconds count from `--began`, the parent's monotonic clock when it started this process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from floorbroker.app.floor import open_floor
from floorbroker.app.home import Home
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderType, Price, ProfileName, Quantity, Side, TimeInForce
from floorbroker.gateway.desk import Caller, OrderFilter, Page, SessionState
from floorbroker.gateway.gateway import Gateway

PROFILE = ProfileName("alpaca-sim")
CALLER = Caller(principal="bench", via="bench")
AWAY = NewOrder(
    symbol="AAPL",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    order_qty=Quantity(Decimal(1)),
    price=Price(Decimal("20.25")),
    tif=TimeInForce.GTC,
    allow_duplicate=True,
)
TOGETHER = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--began", type=float, required=True)
    asyncio.run(_run(parser.parse_args()))


async def _run(args: argparse.Namespace) -> None:
    imported_s = time.monotonic() - args.began
    async with open_floor(Home.at(args.home), only=frozenset({PROFILE})) as floor:
        recovered_s = time.monotonic() - args.began
        (desk,) = floor.desks.values()
        await desk.until_settled()
        ready_s = time.monotonic() - args.began
        (status,) = desk.profiles()
        if status.state is not SessionState.READY:
            raise RuntimeError(f"not READY: {status.reason}")
        _tell(
            imported_s=imported_s, recovered_s=recovered_s, ready_s=ready_s, open_orders=status.open_orders, **_memory()
        )
        while line := await asyncio.to_thread(sys.stdin.readline):
            _, count = line.split()
            await _work(desk, int(count))
            _tell(**_memory())


async def _work(desk: Gateway, count: int) -> None:
    """What a desk does all day, in short."""
    for first in range(0, count, TOGETHER):
        here = range(first, min(first + TOGETHER, count))
        await asyncio.gather(*(desk.submit(AWAY, profile=None, caller=CALLER) for _ in here))
    page = Page(limit=101)
    for _ in range(20):
        orders, fills = desk.orders(OrderFilter(), page), desk.fills(OrderFilter(), page)
        page = Page(limit=101, after=(orders[-1].created_at, orders[-1].intent_id))
        desk.fills(OrderFilter(symbol=fills[-1].execution.symbol) if fills else OrderFilter(), Page(limit=10))
    await desk.positions()
    await desk.reconcile(PROFILE)


def _memory() -> dict[str, float]:
    """The most memory this process ever held, in MB (VmHWM)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return {"peak_mb": kilobytes / 1000}


def _tell(**members: Any) -> None:
    sys.stdout.write(json.dumps(members) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
