"""Replies of a venue's REST door, from bytes to domain values, through the adapter's own calls.

An input is the name of a call and then one reply a line, `STATUS BODY`; when a call asks more often than there are lines, the
last one answers again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import Broker
from floorbroker.domain.records import ExecutionReport, Fetched
from floorbroker.domain.values import Environment, OrderId, Price, Quantity
from floorbroker.transport.types import Request, Response, Socket, SocketTarget
from tests.fuzz.ledger import INTENT, NOW, PROFILE, Ledger
from tests.fuzz.target import Target

SINCE = NOW - timedelta(days=1)
MORE = OrderChanges(order_qty=Quantity(Decimal(5)), price=Price(Decimal(151)))

B = TypeVar("B", bound=Broker)
Call = Callable[[B], Awaitable[object]]


class Replies:
    """A transport that gives the input's replies in turn, the last one for ever.

    `standing` are honest replies by path, for what every call asks first (lists of symbols).
    """

    def __init__(self, lines: list[bytes], standing: Mapping[str, bytes] = MappingProxyType({})) -> None:
        self._replies = [_reply(line) for line in lines] or [Response(status=500)]
        self._standing = standing
        self._asked = 0

    async def send(self, request: Request) -> Response:
        if (honest := self._standing.get(request.path)) is not None:
            return Response(status=200, body=honest)
        reply = self._replies[min(self._asked, len(self._replies) - 1)]
        self._asked += 1
        return reply


async def no_stream(target: SocketTarget) -> Socket:
    """No call here opens a stream."""
    raise AssertionError("a read opened a stream")


def common_calls(order: NewOrder, ledger: Callable[[], Ledger], *, order_id: str) -> dict[str, Call[Broker]]:
    """What every adapter can be asked; `order` is the one on its way, `order_id` what the venue calls it in the corpus."""
    cl_ord_id, symbol = ledger().cl_ord_id, order.symbol
    approved = Approved(
        intent_id=INTENT,
        cl_ord_id=cl_ord_id,
        profile=PROFILE,
        environment=Environment.PAPER,
        order=order,
        decided_at=1.0,
    )
    ref = OrderRef(
        intent_id=INTENT, cl_ord_id=cl_ord_id, symbol=symbol, order_id=OrderId(order_id), extended_hours=False
    )
    unnamed = replace(ref, order_id=None)
    return {
        "submit": lambda broker: broker.submit_order(approved),
        "cancel": lambda broker: broker.cancel_order(unnamed),
        "cancel_all": lambda broker: broker.cancel_all(),
        "modify": lambda broker: broker.modify_order(ref, MORE, cl_ord_id=cl_ord_id, decided_at=1.0),
        "status": lambda broker: broker.get_order_status(unnamed),
        "open": lambda broker: broker.get_open_orders(),
        "history": lambda broker: broker.get_order_history(SINCE),
        "fills": lambda broker: broker.get_fills(SINCE),
        "account": lambda broker: broker.get_account_info(),
        "permissions": lambda broker: broker.get_key_permissions(),
        "balances": lambda broker: broker.get_balances(),
        "positions": lambda broker: broker.get_positions(),
        "risk": lambda broker: broker.get_risk_metrics(),
        "connect": lambda broker: broker.connect(),
        "self_check": lambda broker: broker.self_check(),
        "instrument": lambda broker: broker.get_instrument(symbol),
        "quote": lambda broker: broker.get_market_data(symbol),
        "bars": lambda broker: broker.get_bars(symbol, span_s=60, start=SINCE, end=NOW),
        "validate": lambda broker: broker.validate_order(order),
        "margin": lambda broker: broker.get_margin_requirements(order),
    }


def replies_target(
    name: str,
    broker: Callable[[Replies], B],
    calls: Mapping[str, Call[B]],
    *,
    ledger: Callable[[], Ledger],
    standing: Mapping[str, bytes] = MappingProxyType({}),
    bare: Collection[str] = ("instrument",),
) -> Target:
    """What a call makes of its replies; what it says about orders goes on into the book.

    The `bare` calls get nothing but the input's replies: there the `standing` ones are what is fuzzed.
    """
    loop, names = Loop(), sorted(calls)

    def one_input(data: bytes) -> object:
        word, *lines = data.split(b"\n")
        known = {each.encode(): each for each in names}
        chosen = known.get(word) or names[sum(word) % len(names)]  # a spoilt name stands for one all the same
        replies = Replies(lines, {} if chosen in bare else standing)
        made = loop.run(calls[chosen](broker(replies)))
        reports = made.items if isinstance(made, Fetched) else made if isinstance(made, tuple) else ()
        about_orders = [report for report in reports if isinstance(report, ExecutionReport)]
        if not about_orders:
            return made
        book = ledger()
        book.take(about_orders)
        return book.orders()

    return Target(name=name, one_input=one_input, declared=(FloorbrokerError,), max_len=16 * 1024)


def _reply(line: bytes) -> Response:
    status, _, body = line.partition(b" ")
    known = status.isdigit() and len(status) == 3
    return Response(status=int(status) if known else 200, body=body if known else line)


class Loop:
    """One event loop for all inputs: nothing here waits, so it never has to turn twice."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def run(self, work: Awaitable[object]) -> object:
        async def asked() -> object:
            return await work

        self._runner = self._runner or asyncio.Runner()
        return self._runner.get_loop().run_until_complete(asked())  # `Runner.run` would print the task each time
