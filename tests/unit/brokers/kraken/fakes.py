"""Fakes of the transport's ports, and what most tests here need."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs

from floorbroker.brokers.kraken import KrakenBroker, Options, origins_for
from floorbroker.brokers.kraken.rest.calls import Calls
from floorbroker.brokers.kraken.rest.reads import Reads
from floorbroker.brokers.kraken.stream.tokens import Tokens
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.orders import Approved, NewOrder, OrderRef
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.records import ExecutionReport
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
    TimeInForce,
)
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.types import Frame, Request, Response, Socket, SocketTarget

PAYLOADS = Path(__file__).resolve().parents[3] / "payloads" / "kraken"
NOW = datetime(2026, 3, 2, 15, 4, 10, tzinfo=UTC)
INTENT = IntentId("0195570e-6a80-7abc-8def-0123456789ab")
CL_ORD_ID = ClOrdId(INTENT)
OTHER = ClOrdId("0195570e-6a80-7abc-8def-0123456789af")
VENUE_ID = OrderId("OQCLML-BW3P3-BUCMWZ")
STREAM_ID = OrderId("OK4GJX-KSTLS-7DZZO5")


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def parsed(name: str) -> Any:
    return json.loads(payload(name))


def limit_order(**changes: Any) -> NewOrder:
    terms: dict[str, Any] = {
        "symbol": "BTC/USD",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "order_qty": Quantity(Decimal("0.01")),
        "price": Price(Decimal("64000.1")),
        "tif": TimeInForce.GTC,
    }
    return NewOrder(**(terms | changes))


def approved(order: NewOrder | None = None, *, cl_ord_id: ClOrdId = CL_ORD_ID) -> Approved:
    return Approved(
        intent_id=IntentId(cl_ord_id),
        cl_ord_id=cl_ord_id,
        profile=ProfileName("kraken-live"),
        environment=Environment.LIVE,
        order=order or limit_order(),
        decided_at=1.0,
    )


def ref(*, order_id: OrderId | None = VENUE_ID) -> OrderRef:
    return OrderRef(intent_id=INTENT, cl_ord_id=CL_ORD_ID, symbol="BTC/USD", order_id=order_id)


def reply(
    result: object = None, *, errors: list[str] | None = None, status: int = 200, raw: bytes | None = None
) -> Response:
    body: dict[str, object] = {"error": errors or []}
    if result is not None:
        body["result"] = result
    return Response(status=status, body=raw if raw is not None else json.dumps(body).encode())


def ok(name: str) -> Response:
    return Response(status=200, body=payload(name))


def form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}


Answer = Response | Exception | Callable[[Request], Response]


class FakeTransport:
    """Answers in turn, or by the last word of the path; keeps the requests."""

    def __init__(self, *answers: Answer, **by_name: Answer) -> None:
        self.answers = list(answers)
        self.by_name = by_name
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self.by_name.get(request.path.rpartition("/")[2])
        if answer is None:
            answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Response) else answer(request)

    @property
    def names(self) -> list[str]:
        return [request.path.rpartition("/")[2] for request in self.requests]


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
            yield Frame(data, text=True)

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


class Lines(NoLog):
    """A `Log` that keeps its events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def warning(self, event: str, **members: object) -> None:
        self.events.append((event, members))

    error = warning


def broker(
    *,
    reads: FakeTransport | None = None,
    commands: FakeTransport | None = None,
    socket: FakeTransport | None = None,
    connect: FakeConnect | None = None,
    clock: ManualClock | None = None,
    options: Options | None = None,
    log: NoLog | None = None,
    learn: Callable[[str], None] = lambda _: None,
    renew: Callable[[], None] = lambda: None,
) -> KrakenBroker:
    origins, time = origins_for(Environment.LIVE), clock or ManualClock(NOW)
    calls = Calls(origins=origins)
    asked = Reads(reads or FakeTransport(), calls)
    return KrakenBroker(
        environment=Environment.LIVE,
        origins=origins,
        reads=asked,
        calls=calls,
        commands=commands or FakeTransport(),
        tokens=Tokens(asked, calls, learn=learn),
        connect=connect or FakeConnect(),
        clock=time,
        log=log or NoLog(),
        meter=NoMeter(),
        random=Random(1),
        options=options or Options(),
        offset=ClockOffset(time),
        order_socket=socket,
        renew=renew,
    )
