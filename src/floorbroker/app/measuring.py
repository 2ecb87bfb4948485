"""What is measured of orders as they change, and what can only be looked at now and then: queues, readiness, the loop's lag."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.orders import Execution
from floorbroker.domain.ports import Meter
from floorbroker.gateway.desk import SessionState
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.views import executions_of
from floorbroker.oms.account import AccountContext
from floorbroker.oms.book import Change
from floorbroker.oms.unforeseen import ours
from floorbroker.transport.breakers import LEVELS
from floorbroker.transport.circuit import CircuitState

EVERY_S = 1.0
OWN_CURRENCY = "account"  # a share's symbol does not name what it is paid in


def measure_change(change: Change, meter: Meter) -> None:
    """What a durable fact did to an order: its fills, and its end."""
    before, after = change.before, change.after
    if (before is None or before.is_open) and not after.is_open:
        meter.count("orders_ended", status=after.ord_status.value)
    for execution in executions_of(change):
        measure_fill(execution, meter)


def measure_fill(execution: Execution, meter: Meter) -> None:
    """One execution: how much was traded for how much, and what the venue took for it.  Statistics, so floats."""
    kind, side = asset_class_of(execution.symbol).value, execution.side.value
    meter.count("fills", asset_class=kind, side=side)
    value = float(execution.last_qty * execution.last_px)
    meter.count("traded_value", value, currency=currency_of(execution.symbol), asset_class=kind, side=side)
    if execution.fee is not None and execution.fee.amount > 0:
        meter.count("commission", float(execution.fee.amount), currency=execution.fee.currency)


def currency_of(symbol: str) -> str:
    """What a price is told in: `USDT` of `BTC/USDT:USDT`, `account` where the symbol does not say."""
    _, slash, rest = symbol.partition("/")
    return rest.partition(":")[0] if slash else OWN_CURRENCY


@dataclass(slots=True)
class Measuring:
    """Looks at a running desk once a second (an `Attendant` of the gateway); it stands in nobody's way."""

    gateway: Gateway
    environment: str
    clock: Clock
    meter: Meter
    trouble: str = ""
    _began_s: float = 0.0
    _task: asyncio.Task[None] | None = field(default=None)

    async def start(self) -> None:
        self._began_s = self.clock.monotonic()
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"measuring-{self.environment}")

    async def finish(self) -> None:
        """Closing twice is harmless."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            asked_s = self.clock.monotonic()
            await self.clock.sleep(EVERY_S)
            took_s = self.clock.monotonic() - asked_s
            self.meter.observe("loop_lag_seconds", max(0.0, took_s - EVERY_S), environment=self.environment)
            self.look(took_s)

    def look(self, since_s: float) -> None:
        """Measure what stands now; `since_s` seconds after the last look."""
        self.meter.gauge("uptime_seconds", self.clock.monotonic() - self._began_s, environment=self.environment)
        self._queue("events", self.gateway.bus.behind)
        for session in self.gateway.sessions.values():
            ctx = session.ctx
            ready = session.state is SessionState.READY
            ctx.meter.count("profile_ready_seconds", since_s if ready else 0.0)
            ctx.meter.gauge("open_orders", ctx.book.open_count)
            ctx.meter.gauge("queue_size", ctx.writer.waiting, queue="facts")
            try:
                with ours(ctx.log, "measuring.unforeseen", profile=ctx.profile.name):
                    _measure_venue(ctx)
            except FloorbrokerError:  # logged
                continue

    def _queue(self, name: str, size: int) -> None:
        self.meter.gauge("queue_size", size, queue=name, environment=self.environment, profile="")


def _measure_venue(ctx: AccountContext) -> None:
    """What falls back by itself while nothing is sent: a share of a budget that was used, a breaker that waits for a probe."""
    status = ctx.broker.get_connection_status()
    for budget, share in status.signs().budgets.items():
        ctx.meter.gauge("rate_budget_used", share, budget=budget)
    for endpoints, state in status.breakers.items():
        ctx.meter.gauge("breaker_state", LEVELS[CircuitState(state)], endpoints=endpoints)
