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
from urllib.parse import parse_qsl

from floorbroker.brokers.binance import BinanceBroker, Credentials, Options, origins_for, wire
from floorbroker.brokers.binance.mapping.families import Families
from floorbroker.brokers.binance.mapping.reports import Heard, Reader
from floorbroker.brokers.binance.mapping.symbols import Rules, Symbols
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.facts import Source
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

PAYLOADS = Path(__file__).resolve().parents[3] / "payloads" / "binance"
NOW = datetime(2026, 3, 2, 15, 4, 10, tzinfo=UTC)
NOW_MS = 1_772_463_850_000
INTENT = IntentId("0195570e-6a80-7abc-8def-0123456789ab")
NEXT = ClOrdId("0195570e-6a80-7abc-8def-0123456789ac")
CL_ORD_ID = ClOrdId(INTENT)
HEX = INTENT.replace("-", "")
VENUE_ID = OrderId("BTCUSDT:28")
CREDENTIALS = Credentials(key=Secret("test-key"), secret=Secret("canary-secret"))
HEARD = Heard(source=Source.QUERY, at=NOW, asked_at=NOW)


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def parsed(name: str) -> Any:
    return json.loads(payload(name))


def symbols() -> Symbols:
    found = Symbols()
    found.learn(wire.decode(payload("exchange_info"), wire.ExchangeInfo, what="symbols").symbols)
    return found


def rules(symbol: str = "BTC/USDT", **changes: Any) -> Rules:
    return replace(symbols().rules(symbol), **changes)


def reader() -> Reader:
    return Reader(symbols(), Families())


def limit_order(**changes: Any) -> NewOrder:
    terms: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "order_qty": Quantity(Decimal("0.02")),
        "price": Price(Decimal(64000)),
        "tif": TimeInForce.GTC,
    }
    return NewOrder(**(terms | changes))


def approved(order: NewOrder | None = None) -> Approved:
    return Approved(
        intent_id=INTENT,
        cl_ord_id=CL_ORD_ID,
        profile=ProfileName("binance-paper"),
        environment=Environment.PAPER,
        order=order or limit_order(),
        decided_at=1.0,
    )


def ref(*, order_id: OrderId | None = VENUE_ID) -> OrderRef:
    return OrderRef(intent_id=INTENT, cl_ord_id=CL_ORD_ID, symbol="BTC/USDT", order_id=order_id)


def reply(body: object = None, *, status: int = 200, raw: bytes | None = None, **headers: str) -> Response:
    data = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
    return Response(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=data
    )


def ok(name: str) -> Response:
    return reply(raw=payload(name))


def refusal(code: int, message: str = "", *, status: int = 400) -> Response:
    return reply({"code": code, "msg": message}, status=status)


def form(request: Request) -> dict[str, str]:
    """The parameters of a command, wherever they are."""
    return dict(request.query) | dict(parse_qsl(request.body.decode(), keep_blank_values=True))


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

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]


MARKET_PRICES = reply(
    [
        {"symbol": "BTCUSDT", "price": "64000.00"},
        {"symbol": "ETHUSDT", "price": "3200.00"},
        {"symbol": "ETHBTC", "price": "0.05"},
        {"symbol": "BNBUSDT", "price": "600.00"},
        {"symbol": "XRPUSDT", "price": "2.00"},
    ]
)
MARKET: dict[str, Answer] = {
    "/api/v3/time": reply({"serverTime": NOW_MS}),
    "/api/v3/exchangeInfo": ok("exchange_info"),
    "/api/v3/account": ok("account"),
    "/api/v3/ticker/price": MARKET_PRICES,
    "/api/v3/ticker/bookTicker": ok("book_ticker"),
    "/api/v3/avgPrice": reply({"mins": 5, "price": "64000.00", "closeTime": NOW_MS}),
    "/api/v3/openOrders": reply([]),
    "/api/v3/allOrders": reply([]),
    "/api/v3/myTrades": reply([]),
}


def venue(*answers: Answer, **by_path: Answer) -> FakeTransport:
    """A read stack that knows the market; `by_path` is spelled `openOrders=...`."""
    named = {f"/api/v3/{path}": answer for path, answer in by_path.items()}
    return FakeTransport(*answers, by_path=MARKET | named)


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


class Ear:
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
    clock: ManualClock | None = None,
    environment: Environment = Environment.PAPER,
    options: Options | None = None,
    credentials: Credentials = CREDENTIALS,
) -> BinanceBroker:
    url = "http://127.0.0.1:8802" if environment is Environment.SIM else None
    return BinanceBroker(
        environment=environment,
        origins=origins_for(environment, url),
        credentials=credentials,
        reads=reads or venue(),
        commands=commands or FakeTransport(),
        connect=connect or FakeConnect(),
        clock=clock or ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
        options=options,
    )
