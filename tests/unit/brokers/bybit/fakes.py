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

from floorbroker.brokers.bybit import BybitBroker, Credentials, Options, origins_for
from floorbroker.brokers.bybit.mapping.memory import Memory
from floorbroker.brokers.bybit.mapping.reports import Reader
from floorbroker.brokers.bybit.mapping.symbols import Symbols
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
    TimeInForce,
)
from floorbroker.transport.types import Frame, Request, Response, Socket, SocketTarget

PAYLOADS = Path(__file__).resolve().parents[3] / "payloads" / "bybit"
NOW = datetime(2026, 3, 2, 15, 4, 10, tzinfo=UTC)
INTENT = IntentId("0195570e-6a80-7abc-8def-0123456789ab")
CL_ORD_ID = ClOrdId(str(INTENT))
OTHER_ID = ClOrdId("0195570e-6a80-7abc-8def-0123456789ac")
VENUE_ID = OrderId("7e4f0f0c-52a5-4b0e-9c46-2f6f0b5d1a01")
SPOT_ID = OrderId("1900000000000000001")
CREDENTIALS = Credentials(key=Secret("TESTKEYTESTKEY0001"), secret=Secret("TESTSECRETTESTSECRETTESTSECRET000001"))
PERP = "BTC/USDT:USDT"
PAIR = "BTC/USDT"


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def parsed(name: str) -> Any:
    return json.loads(payload(name))


def limit_order(**changes: Any) -> NewOrder:
    terms: dict[str, Any] = {
        "symbol": PERP,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "order_qty": Quantity(Decimal("0.01")),
        "price": Price(Decimal("64000.1")),
        "tif": TimeInForce.GTC,
    }
    return NewOrder(**(terms | changes))


def approved(order: NewOrder | None = None, cl_ord_id: ClOrdId = CL_ORD_ID) -> Approved:
    return Approved(
        intent_id=INTENT,
        cl_ord_id=cl_ord_id,
        profile=ProfileName("bybit-paper"),
        environment=Environment.PAPER,
        order=order or limit_order(),
        decided_at=1.0,
    )


def ref(*, order_id: OrderId | None = VENUE_ID, symbol: str = PERP) -> OrderRef:
    return OrderRef(intent_id=INTENT, cl_ord_id=CL_ORD_ID, symbol=symbol, order_id=order_id)


def reader() -> Reader:
    return Reader(Symbols(), Memory())


def reply(body: object = None, *, status: int = 200, raw: bytes | None = None) -> Response:
    data = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
    return Response(status=status, body=data)


def ok(result: object = None, *, ext: object = None) -> Response:
    """A success in the venue's envelope."""
    return reply({"retCode": 0, "retMsg": "OK", "result": result or {}, "retExtInfo": ext or {}, "time": 1772463850123})


def listed(*items: object, cursor: str = "") -> Response:
    """A page of a list."""
    return ok({"category": "linear", "list": list(items), "nextPageCursor": cursor})


def no(code: int, message: str = "no") -> Response:
    """A refusal in the venue's envelope."""
    return reply({"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": 1772463850123})


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

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.body) for request in self.requests]


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


class Listener:
    """An `OrderEvents` that keeps what it hears."""

    def __init__(self) -> None:
        self.reports: list[ExecutionReport] = []
        self.streams: list[tuple[bool, str]] = []

    def on_report(self, report: ExecutionReport) -> None:
        self.reports.append(report)

    def on_stream(self, up: bool, detail: str) -> None:
        self.streams.append((up, detail))


def server_time(offset_s: str = "0") -> Response:
    seconds = Decimal(int(NOW.timestamp())) + Decimal(offset_s)
    return ok({"timeSecond": str(int(seconds)), "timeNano": str(int(seconds * 10**9))})


def account_paths() -> dict[str, Answer]:
    """What a healthy account answers."""
    return {
        "/v5/market/time": server_time(),
        "/v5/account/wallet-balance": ok(parsed("wallet")),
        "/v5/user/query-api": ok(parsed("key")),
        "/v5/account/info": ok(parsed("account_info")),
        "/v5/position/list": ok(parsed("positions") | {"list": []}),
        "/v5/market/instruments-info": instruments,
    }


def instruments(request: Request) -> Response:
    category = dict(request.query)["category"]
    return listed(parsed("instrument_linear" if category == "linear" else "instrument_spot"))


def broker(
    *,
    reads: FakeTransport | None = None,
    commands: FakeTransport | None = None,
    entry: FakeTransport | None = None,
    connect: FakeConnect | None = None,
    clock: ManualClock | None = None,
    environment: Environment = Environment.PAPER,
    options: Options | None = None,
) -> BybitBroker:
    url = "http://127.0.0.1:8804" if environment is Environment.SIM else None
    return BybitBroker(
        environment=environment,
        origins=origins_for(environment, url),
        credentials=CREDENTIALS,
        reads=reads or FakeTransport(),
        commands=commands or FakeTransport(),
        entry=entry,
        connect=connect or FakeConnect(),
        clock=clock or ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
        options=options,
    )
