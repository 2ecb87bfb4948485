"""Replies of Alpaca's REST door, from bytes to domain values, through the adapter's own calls.

An input is the name of a call and then one reply a line, `STATUS BODY`; when a call asks more often than there are lines, the
last one answers again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from floorbroker.brokers.alpaca import AlpacaBroker, Credentials, origins_for
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.orders import Approved, OrderChanges, OrderRef
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.records import ExecutionReport, Fetched
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, OrderId, Price, Quantity
from floorbroker.transport.types import Request, Response, Socket, SocketTarget
from tests.fuzz.ledger import CL_ORD_ID, INTENT, NOW, ORDER, PROFILE, Ledger
from tests.fuzz.target import Target

DECLARED = (FloorbrokerError,)
DAY = date(2026, 3, 2)
SINCE = NOW - timedelta(days=1)
APPROVED = Approved(
    intent_id=INTENT, cl_ord_id=CL_ORD_ID, profile=PROFILE, environment=Environment.PAPER, order=ORDER, decided_at=1.0
)
REF = OrderRef(
    intent_id=INTENT, cl_ord_id=CL_ORD_ID, symbol="AAPL", order_id=OrderId("5b2f9a0e-0c6e-4a55-9f43-0d3a6f1b7c11")
)
UNNAMED = replace(REF, order_id=None)
MORE = OrderChanges(order_qty=Quantity(Decimal(5)), price=Price(Decimal(151)))

CALLS: dict[str, Callable[[AlpacaBroker], Awaitable[object]]] = {
    "submit": lambda broker: broker.submit_order(APPROVED),
    "cancel": lambda broker: broker.cancel_order(UNNAMED),
    "cancel_all": lambda broker: broker.cancel_all(),
    "modify": lambda broker: broker.modify_order(REF, MORE, cl_ord_id=CL_ORD_ID, decided_at=1.0),
    "status": lambda broker: broker.get_order_status(UNNAMED),
    "open": lambda broker: broker.get_open_orders(),
    "history": lambda broker: broker.get_order_history(SINCE),
    "fills": lambda broker: broker.get_fills(SINCE),
    "account": lambda broker: broker.get_account_info(),
    "balances": lambda broker: broker.get_balances(),
    "positions": lambda broker: broker.get_positions(),
    "risk": lambda broker: broker.get_risk_metrics(),
    "connect": lambda broker: broker.connect(),
    "self_check": lambda broker: broker.self_check(),
    "share": lambda broker: broker.get_instrument("AAPL"),
    "coin": lambda broker: broker.get_instrument("BTC/USD"),
    "option": lambda broker: broker.get_instrument("AAPL  260320C00150000"),
    "quote": lambda broker: broker.get_market_data("AAPL"),
    "snapshot": lambda broker: broker.get_snapshot("AAPL"),
    "coin_snapshot": lambda broker: broker.get_snapshot("BTC/USD"),
    "bars": lambda broker: broker.get_bars("AAPL", span_s=60, start=SINCE, end=NOW),
    "quotes": lambda broker: broker.get_quotes("AAPL", start=SINCE, end=NOW),
    "trades": lambda broker: broker.get_trades("AAPL", start=SINCE, end=NOW),
    "hours": lambda broker: broker.get_market_hours("XNYS", DAY),
    "validate": lambda broker: broker.validate_order(ORDER),
    "margin": lambda broker: broker.get_margin_requirements(ORDER),
}


class Replies:
    """A transport that gives the input's replies in turn, the last one for ever."""

    def __init__(self, lines: list[bytes]) -> None:
        self._replies = [_reply(line) for line in lines] or [Response(status=500)]
        self._asked = 0

    async def send(self, request: Request) -> Response:
        reply = self._replies[min(self._asked, len(self._replies) - 1)]
        self._asked += 1
        return reply


async def no_stream(target: SocketTarget) -> Socket:
    """No call here opens a stream."""
    raise AssertionError("a read opened a stream")


def _reply(line: bytes) -> Response:
    status, _, body = line.partition(b" ")
    known = status.isdigit() and len(status) == 3
    return Response(status=int(status) if known else 200, body=body if known else line)


def _call(name: bytes) -> Callable[[AlpacaBroker], Awaitable[object]]:
    """The call of that name; a spoilt name stands for one all the same."""
    names: Mapping[bytes, str] = {known.encode(): known for known in CALLS}
    return CALLS[names.get(name) or sorted(CALLS)[sum(name) % len(CALLS)]]


class _Loop:
    """One event loop for all inputs: nothing here waits, so it never has to turn twice."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def run(self, work: Awaitable[object]) -> object:
        async def asked() -> object:
            return await work

        self._runner = self._runner or asyncio.Runner()
        return self._runner.run(asked())


LOOP = _Loop()


def one_input(data: bytes) -> object:
    """What a call makes of its replies; what it says about orders goes on into the book."""
    name, *lines = data.split(b"\n")
    transport = Replies(lines)
    broker = AlpacaBroker(
        environment=Environment.PAPER,
        origins=origins_for(Environment.PAPER, None),
        credentials=Credentials(key=Secret("PKTESTKEY"), secret=Secret("canary-secret")),
        reads=transport,
        commands=transport,
        connect=no_stream,
        clock=ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
    )
    made = LOOP.run(_call(name)(broker))
    reports = made.items if isinstance(made, Fetched) else made if isinstance(made, tuple) else ()
    about_orders = [report for report in reports if isinstance(report, ExecutionReport)]
    if not about_orders:
        return made
    ledger = Ledger()
    ledger.take(about_orders)
    return ledger.orders()


TARGET = Target(name="alpaca_replies", one_input=one_input, declared=DECLARED, max_len=16 * 1024)
