"""What a route costs beside the order it is for: nine profiles, a thousand symbols with prices, in one process.

`routing`: the ranking of nine profiles and the controls of the best one, beside a whole durable submit to the same desk in the
same run.  Each strategy's own cost, and the memory that prices of a thousand symbols at nine profiles take, stand behind it.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import time
import tracemalloc
from decimal import Decimal
from pathlib import Path

from benchmarks.environments import ROOT
from benchmarks.rounds import Figure, Goal
from floorbroker.app.floor import open_floor
from floorbroker.app.home import Home, write_private
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Quote
from floorbroker.domain.values import OrderType, Price, ProfileName, Quantity, Side, TimeInForce
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.routing.policy import Rule, Strategy

ROUNDS, ORDERS, PROFILES, SYMBOLS = 7, 100, 9, 1_000
CALLER = Caller(principal="bench", via="bench")
CONFIG = """\
[risk]
max_messages_s = 1000000
max_messages_min = 10000000
max_open_orders = 1000000
max_open_orders_symbol = 1000000
max_position_notional = "1000000000"
max_gross_exposure = "1000000000"
max_net_exposure = "1000000000"
collar_bps = "10000"

[routing]
strategy = "failover"
"""
PROFILE = """\
broker = "PAPER"
environment = "paper"
options = { latency_min_ms = "0", latency_max_ms = "0" }
"""


def measure() -> list[Figure]:
    """`routing`."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".tools") as folder:
        return asyncio.run(_measured(Path(folder) / "home"))


async def _measured(root: Path) -> list[Figure]:
    home = Home.at(root)
    names = [f"paper-{number}" for number in range(PROFILES)]
    profiles = "".join(f"\n[profiles.{name}]\n{PROFILE}" for name in names)
    write_private(home.config, CONFIG + profiles)
    async with open_floor(home) as floor:
        (desk,) = floor.desks.values()
        await desk.until_settled()
        memory = _memory(desk)
        await _submits(desk, names[0], 10)
        ours, peer = list[float](), list[float]()
        for _ in range(ROUNDS):
            peer.append(await _submits(desk, names[0], ORDERS))
            ours.append(await _decisions(desk, Strategy.FAILOVER))
        each = {uses.value: round(await _decisions(desk, uses), 1) for uses in Strategy}
    return [
        Figure(
            bench="routing",
            ours=ours,
            peer=peer,
            peer_name="a durable submit to one of the same profiles",
            unit="us p50",
            goal=Goal(0.05),
            extra={"profiles": PROFILES, "symbols": SYMBOLS, "strategies_us": each, "memory_mib": memory},
        )
    ]


def _symbols() -> list[str]:
    return ["AAPL", *(f"S{number:03}" for number in range(SYMBOLS - 1))]


def _wish(symbol: str) -> NewOrder:
    return NewOrder(
        symbol=symbol,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        order_qty=Quantity(Decimal(1)),
        price=Price(Decimal(1)),
        tif=TimeInForce.GTC,
        allow_duplicate=True,
    )


def _quote_everything(desk: Gateway) -> None:
    """Fresh prices of every symbol at every profile."""
    for place, session in enumerate(desk.sessions.values()):
        bid = Price(Decimal(100) + place)
        for symbol in _symbols():
            ask = Price(bid + 1)
            size = Decimal(500)
            now = desk.clock.now()
            session.ctx.on_quote(
                Quote(symbol=symbol, bid=bid, ask=ask, bid_size=size, ask_size=size, time=now, source="bench")
            )


def _memory(desk: Gateway) -> float:
    """MiB that prices of every symbol at every profile take."""
    gc.collect()
    tracemalloc.start()
    _quote_everything(desk)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round(used / 2**20, 1)


async def _decisions(desk: Gateway, uses: Strategy) -> float:
    """Median microseconds of one ranking over all profiles, and of the controls of the best.

    The controls look at the one symbol that the venue lists: of the others they would say that it has to be asked first.
    """
    router = desk.router
    assert router is not None
    rule, listed = Rule(name="bench", uses=uses), _wish("AAPL")
    _quote_everything(desk)
    for name, session in desk.sessions.items():
        await session.ctx.instrument(listed.symbol)
        router.looks.latencies.heard(name, 0.005)  # as on a desk that has traded at each
    found = list[float]()
    for symbol in _symbols():
        wish = _wish(symbol)
        began = time.perf_counter()
        ranking = await router.ranked(wish, rule)
        router.refusal(router.sessions[ranking.choices[0].profile], listed)
        found.append((time.perf_counter() - began) * 1e6)
    return statistics.median(found)


async def _submits(desk: Gateway, name: str, count: int) -> float:
    """Median microseconds of a submit."""
    found = list[float]()
    for _ in range(count):
        began = time.perf_counter()
        await desk.submit(_wish("AAPL"), profile=ProfileName(name), caller=CALLER)
        found.append((time.perf_counter() - began) * 1e6)
    return statistics.median(found)
