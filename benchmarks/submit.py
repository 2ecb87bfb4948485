"""What a durable order costs: risk check, journal, audit and send, beside the official client's bare request.

Both sides send immediate-or-cancel limit orders that find nobody, one after the other, to the same simulator over loopback HTTP.
Ours also hears the private stream meanwhile; the peer hears nothing.  Each round is a median over its orders.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.rounds import Figure
from floorbroker.app.floor import open_floor
from floorbroker.app.home import Home, write_private
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderType, Price, ProfileName, Quantity, Side, TimeInForce
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.gateway import Gateway

ROUNDS, ORDERS = 5, 200
_CALLER = Caller(principal="bench", via="bench")
_CONFIG = """\
[risk]
max_messages_s = 100000
max_messages_min = 1000000
"""


@contextmanager
def _simulator() -> Generator[dict[str, Any]]:
    """A simulator in a process of its own."""
    command = [sys.executable, "-m", "floorbroker_sim", "alpaca", "--port", "0", "--rate", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def measure() -> list[Figure]:
    """Rounds of ours and the peer's in turn."""
    ours: list[float] = []
    peer: list[float] = []
    with _simulator() as line, tempfile.TemporaryDirectory() as folder:
        asyncio.run(_rounds(line["credentials"], Path(folder), ours, peer))
    return [
        Figure(
            bench="durable_submit",
            ours=ours,
            peer=peer,
            peer_name=f"alpaca-py {version('alpaca-py')} submit_order, not journaled, no risk check",
            unit="ms p50",
            goal=1.0,
        )
    ]


async def _rounds(credentials: dict[str, str], folder: Path, ours: list[float], peer: list[float]) -> None:
    home = Home.at(folder)
    write_private(home.config, _CONFIG)
    only = frozenset({ProfileName("alpaca-sim")})
    async with open_floor(home, only=only, environ=credentials) as floor:
        desk = next(iter(floor.desks.values()))
        await desk.until_settled()
        await _ours(desk, 20)
        _peer(credentials, 20)
        for _ in range(ROUNDS):
            ours.append(await _ours(desk, ORDERS))
            peer.append(await asyncio.to_thread(_peer, credentials, ORDERS))


async def _ours(desk: Gateway, count: int) -> float:
    wish = NewOrder(
        symbol="AAPL",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        order_qty=Quantity(Decimal(2)),
        price=Price(Decimal("50.25")),
        tif=TimeInForce.IOC,
        allow_duplicate=True,
    )
    times: list[float] = []
    for _ in range(count):
        began = time.perf_counter()
        await desk.submit(wish, profile=None, caller=_CALLER)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def _peer(credentials: dict[str, str], count: int) -> float:
    from alpaca.trading.client import TradingClient  # noqa: PLC0415 - the peer is loaded only to be measured
    from alpaca.trading.enums import OrderSide  # noqa: PLC0415
    from alpaca.trading.enums import TimeInForce as PeerTif  # noqa: PLC0415
    from alpaca.trading.requests import LimitOrderRequest  # noqa: PLC0415

    client = TradingClient(
        credentials["BROKER_API_KEY"],
        credentials["BROKER_SECRET_KEY"],
        paper=True,
        url_override=credentials["BROKER_URL"],
    )
    request = LimitOrderRequest(symbol="AAPL", qty=2, side=OrderSide.BUY, limit_price=50.25, time_in_force=PeerTif.IOC)
    times: list[float] = []
    for _ in range(count):
        began = time.perf_counter()
        client.submit_order(request)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000
