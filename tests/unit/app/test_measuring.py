"""What is measured of fills, of orders that end, and of a running desk."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from floorbroker.app.measuring import Measuring, currency_of, measure_fill
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.orders import Execution
from floorbroker.domain.ports import NoLog
from floorbroker.domain.records import ConnectionStatus, LinkState, Signs
from floorbroker.domain.values import ExecId, Money, Price, Quantity, Side
from floorbroker.gateway.desk import SessionState

AT = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


class Sums:
    """Counters summed, gauges as they stand, observations listed; by name and the labels that are not empty."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, ...], Any] = {}

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        key = (name, *filter(None, labels.values()))
        self.seen[key] = self.seen.get(key, 0.0) + value

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self.seen[name, *filter(None, labels.values())] = value

    def observe(self, name: str, value: float, **labels: str) -> None:
        self.seen.setdefault((name, *labels.values()), []).append(value)


def fill(symbol: str, qty: str, px: str, fee: Money | None = None) -> Execution:
    return Execution(
        exec_id=ExecId("1"), order_id=None, symbol=symbol, side=Side.BUY, last_qty=Quantity(Decimal(qty)),
        last_px=Price(Decimal(px)), transact_time=AT, fee=fee,
    )  # fmt: skip


def test_fills_count_what_was_traded_and_what_it_cost() -> None:
    meter = Sums()
    measure_fill(fill("BTC/USDT", "0.5", "60000", Money(Decimal("0.0005"), "BTC")), meter)
    measure_fill(fill("BTC/USDT", "0.5", "60000", Money(Decimal(-1), "USDT")), meter)  # a rebate is no commission
    measure_fill(fill("AAPL", "10", "200"), meter)
    assert meter.seen == {
        ("fills", "crypto", "buy"): 2,
        ("traded_value", "USDT", "crypto", "buy"): 60000,
        ("commission", "BTC"): 0.0005,
        ("fills", "equity", "buy"): 1,
        ("traded_value", "account", "equity", "buy"): 2000,
    }


@pytest.mark.parametrize(
    ("symbol", "currency"), [("BTC/USD", "USD"), ("SOL/USDT:USDT", "USDT"), ("AAPL", "account"), ("RELIANCE.NSE", "account")]
)  # fmt: skip
def test_what_a_price_is_told_in(symbol: str, currency: str) -> None:
    assert currency_of(symbol) == currency


@pytest.mark.asyncio
async def test_a_desk_is_looked_at_once_a_second() -> None:
    meter, clock = Sums(), ManualClock(AT)
    signs, breakers = Signs(budgets={"orders": 0.5}), {"orders": "closed", "market": "half_open"}
    status = ConnectionStatus(state=LinkState.CONNECTED, since=AT, breakers=breakers, signs=lambda: signs)
    broker = SimpleNamespace(get_connection_status=lambda: status)
    book, writer = SimpleNamespace(open_count=3), SimpleNamespace(waiting=2)
    ctx = SimpleNamespace(
        meter=meter, book=book, writer=writer, broker=broker, log=NoLog(), profile=SimpleNamespace(name="a")
    )
    session = SimpleNamespace(ctx=ctx, state=SessionState.READY)
    gateway = SimpleNamespace(bus=SimpleNamespace(behind=7), sessions={"a": session})
    measuring = Measuring(cast("Any", gateway), "sim", clock=clock, meter=meter)
    await measuring.start()
    await asyncio.sleep(0)
    await clock.advance(1)
    session.state = SessionState.DEGRADED
    await clock.advance(1)
    await measuring.finish()
    await measuring.finish()
    await clock.advance(5)
    assert meter.seen == {
        ("uptime_seconds", "sim"): 2,
        ("queue_size", "events", "sim"): 7,
        ("queue_size", "facts"): 2,
        ("profile_ready_seconds",): 1,
        ("open_orders",): 3,
        ("rate_budget_used", "orders"): 0.5,
        ("breaker_state", "orders"): 0,
        ("breaker_state", "market"): 1,
        ("loop_lag_seconds", "sim"): [0, 0],
    }
