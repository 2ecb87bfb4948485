"""Fakes of the transport's ports, and what most tests here need."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from floorbroker.brokers.upstox import Options, Origins, UpstoxBroker, wire
from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.orders import Approved, NewOrder, Order, OrderRef, OrderState
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.values import (
    ClOrdId,
    Environment,
    IntentId,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    ProfileName,
    Quantity,
    Side,
)
from floorbroker.transport.types import Connect, Request, Response, Socket, SocketTarget

PAYLOADS = Path(__file__).resolve().parents[3] / "payloads" / "upstox"
NOW = datetime(2026, 3, 2, 4, 30, 10, tzinfo=UTC)  # ten in the morning in India
INTENT = IntentId("0195570e-6a80-7abc-8def-0123456789ab")
CL_ORD_ID = ClOrdId(f"fb-{INTENT}")
VENUE_ID = OrderId("260302000000001")
RELIANCE, KEY = "RELIANCE.NSE", "NSE_EQ|INE002A01018"
ORIGINS = Origins(api="https://api.test", orders="https://hft.test", assets="https://assets.test")
FILES = "/market-quote/instruments/exchange"
GTTS = "/v3/order/gtt"


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def data(name: str) -> Any:
    """What stands under `data`."""
    return json.loads(payload(name))["data"]


def listed() -> Symbols:
    symbols = Symbols()
    symbols.learn(msgspec.json.decode(payload("instruments"), type=list[wire.Row]))
    return symbols


def limit_order(**changes: Any) -> NewOrder:
    terms: dict[str, Any] = {
        "symbol": RELIANCE,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "order_qty": Quantity(Decimal(30)),
        "price": Price(Decimal("1410.50")),
    }
    return NewOrder(**(terms | changes))


def approved(order: NewOrder | None = None) -> Approved:
    return Approved(
        intent_id=INTENT,
        cl_ord_id=CL_ORD_ID,
        profile=ProfileName("upstox-sim"),
        environment=Environment.SIM,
        order=order or limit_order(),
        decided_at=1.0,
    )


def in_doubt(wish: NewOrder) -> Order:
    """Our order whose reply was lost, sent a few seconds before `NOW`."""
    return Order(
        intent_id=INTENT, cl_ord_id=CL_ORD_ID, profile=ProfileName("upstox-sim"), terms=wish, state=OrderState.UNKNOWN,
        ord_status=OrdStatus.PENDING_NEW, order_id=None, order_ids=(), order_qty=wish.order_qty, price=wish.price,
        stop_px=wish.stop_px, cum_qty=Quantity(Decimal(0)), leaves_qty=wish.order_qty, avg_px=None, executions=(),
        created_at=NOW - timedelta(seconds=5), updated_at=NOW, version=1,
    )  # fmt: skip


def ref(*, order_id: OrderId | None = VENUE_ID) -> OrderRef:
    return OrderRef(intent_id=INTENT, cl_ord_id=CL_ORD_ID, symbol=RELIANCE, order_id=order_id)


def reply(found: object = None, *, status: int = 200) -> Response:
    """`found` in the envelope of success."""
    return Response(status=status, body=json.dumps({"status": "success", "data": found}).encode())


def refused(*codes: str, status: int = 400) -> Response:
    errors = [{"errorCode": code, "error_code": code, "message": "no"} for code in codes]
    return Response(status=status, body=json.dumps({"status": "error", "errors": errors}).encode())


def told(name: str) -> Response:
    return Response(status=200, body=payload(name))


Answer = Response | Exception | Callable[[Request], Response]


class FakeTransport:
    """Answers by path, or in turn; keeps the requests.  Unasked there are files of instruments, and no GTT order that waits."""

    def __init__(self, *answers: Answer, by_path: Mapping[str, Answer] | None = None) -> None:
        self.answers = list(answers)
        files: dict[str, Answer] = {
            f"{FILES}/NSE.json.gz": told("instruments"),
            f"{FILES}/BSE.json.gz": Response(status=200, body=b"[]"),
            GTTS: reply([]),
        }
        self.by_path = {**files, **(by_path or {})}
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
    def paths(self) -> list[str]:
        """What was asked for, files apart."""
        return [request.path for request in self.requests if not request.path.startswith(FILES)]

    @property
    def sent(self) -> dict[str, Any]:
        """The body of the last request."""
        return json.loads(self.requests[-1].body)


async def no_stream(target: SocketTarget) -> Socket:
    raise AssertionError(f"nothing here opens {target.url}")


async def broker_on(
    reads: FakeTransport | None = None,
    commands: FakeTransport | None = None,
    *,
    options: Options | None = None,
    now: datetime = NOW,
    user_id: str = "",
    connect: Connect = no_stream,
) -> UpstoxBroker:
    """A broker that has read the instruments."""
    broker = UpstoxBroker(
        origins=ORIGINS,
        reads=reads or FakeTransport(),
        commands=commands or FakeTransport(),
        connect=connect,
        clock=ManualClock(now),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
        user_id=lambda: user_id,
        options=options,
    )
    await broker.get_instrument(RELIANCE)
    return broker
