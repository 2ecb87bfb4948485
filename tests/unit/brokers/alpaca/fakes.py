"""Fakes of the transport's ports, and what most tests here need."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from floorbroker.brokers.alpaca import AlpacaBroker, Credentials, Options, origins_for
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.orders import Approved, NewOrder, OrderRef
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import (
    ClOrdId,
    Environment,
    IntentId,
    OrderId,
    OrderType,
    Price,
    ProfileName,
    Quantity,
    Side,
)
from floorbroker.transport.types import Frame, Request, Response, Socket, SocketTarget

PAYLOADS = Path(__file__).resolve().parents[3] / "payloads" / "alpaca"
NOW = datetime(2026, 3, 2, 15, 4, 10, tzinfo=UTC)
INTENT = IntentId("0195570e-6a80-7abc-8def-0123456789ab")
CL_ORD_ID = ClOrdId(f"fb-{INTENT}")
VENUE_ID = OrderId("5b2f9a0e-0c6e-4a55-9f43-0d3a6f1b7c11")
CREDENTIALS = Credentials(key=Secret("PKTESTKEY"), secret=Secret("canary-secret"))


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def parsed(name: str) -> Any:
    return json.loads(payload(name))


def limit_order(**changes: Any) -> NewOrder:
    terms: dict[str, Any] = {
        "symbol": "AAPL",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "order_qty": Quantity(Decimal(3)),
        "price": Price(Decimal("150.5")),
    }
    return NewOrder(**(terms | changes))


def approved(order: NewOrder | None = None) -> Approved:
    return Approved(
        intent_id=INTENT,
        cl_ord_id=CL_ORD_ID,
        profile=ProfileName("alpaca-paper"),
        environment=Environment.PAPER,
        order=order or limit_order(),
        decided_at=1.0,
    )


def ref(*, order_id: OrderId | None = VENUE_ID) -> OrderRef:
    return OrderRef(intent_id=INTENT, cl_ord_id=CL_ORD_ID, symbol="AAPL", order_id=order_id)


def reply(body: object = None, *, status: int = 200, raw: bytes | None = None) -> Response:
    data = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
    return Response(status=status, body=data)


Answer = Response | Exception | Callable[[Request], Response]


class FakeTransport:
    """Answers in turn, or by path; keeps the requests."""

    def __init__(self, *answers: Answer, by_path: dict[str, Answer] | None = None) -> None:
        self.answers = list(answers)
        self.by_path = by_path or {}
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self.by_path.get(request.path)
        if answer is None:
            answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Response) else answer(request)


class FakeSocket:
    """A socket whose frames the test pushes; `end` closes it from the venue's side."""

    def __init__(self, target: SocketTarget) -> None:
        self.target = target
        self.sent: list[Any] = []
        self.closed = False
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()

    def push(self, message: object) -> None:
        self._frames.put_nowait(message if isinstance(message, bytes) else json.dumps(message).encode())

    def end(self) -> None:
        self._frames.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while (data := await self._frames.get()) is not None:
            yield Frame(data, text=False)

    async def send(self, data: bytes | str) -> None:
        self.sent.append(json.loads(data))

    async def close(self) -> None:
        self.closed = True


class FakeConnect:
    """Opens fake sockets and keeps them; `script` is called with each new one."""

    def __init__(self, script: Callable[[FakeSocket], None] = lambda _: None) -> None:
        self.sockets: list[FakeSocket] = []
        self._script = script

    async def __call__(self, target: SocketTarget) -> Socket:
        socket = FakeSocket(target)
        self.sockets.append(socket)
        self._script(socket)
        return socket


class Heard:
    """An `OrderEvents` that keeps what it hears."""

    def __init__(self) -> None:
        self.reports: list[ExecutionReport] = []
        self.streams: list[tuple[bool, str]] = []

    def on_report(self, report: ExecutionReport) -> None:
        self.reports.append(report)

    def on_stream(self, up: bool, detail: str) -> None:
        self.streams.append((up, detail))


def broker(
    *,
    reads: FakeTransport | None = None,
    commands: FakeTransport | None = None,
    connect: FakeConnect | None = None,
    events: FakeConnect | None = None,
    clock: ManualClock | None = None,
    environment: Environment = Environment.PAPER,
    options: Options | None = None,
    key: str = "",
) -> AlpacaBroker:
    url = "http://127.0.0.1:8801" if environment is Environment.SIM else None
    return AlpacaBroker(
        environment=environment,
        origins=origins_for(environment, url),
        credentials=replace(CREDENTIALS, key=Secret(key)) if key else CREDENTIALS,
        reads=reads or FakeTransport(),
        commands=commands or FakeTransport(),
        connect=connect or FakeConnect(),
        events=events,
        clock=clock or ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
        options=options,
    )
