"""Fakes of the transport's ports, and what most tests here need."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qsl

from floorbroker.brokers.tradier import Options, TradierBroker, origins_for
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.orders import Approved, NewOrder, Order, OrderRef, OrderState
from floorbroker.domain.ports import Log, NoLog, NoMeter
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
from floorbroker.transport.types import Request, Response, Socket, SocketTarget

PAYLOADS = Path(__file__).resolve().parents[3] / "payloads" / "tradier"
NOW = datetime(2026, 3, 2, 15, 4, 10, tzinfo=UTC)
INTENT = IntentId("0195570e-6a80-7abc-8def-0123456789ab")
CL_ORD_ID = ClOrdId(f"fb-{INTENT}")
VENUE_ID = OrderId("700500")
ACCOUNT = "VA12345678"
CALL = "AAPL  260320C00150000"
FAR_CALL = "AAPL  260320C00160000"


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


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
        profile=ProfileName("tradier-paper"),
        environment=Environment.PAPER,
        order=order or limit_order(),
        decided_at=1.0,
    )


def in_doubt(wish: NewOrder) -> Order:
    """Our order whose reply was lost, sent a few seconds before `NOW`."""
    return Order(
        intent_id=INTENT, cl_ord_id=CL_ORD_ID, profile=ProfileName("tradier-paper"), terms=wish, state=OrderState.UNKNOWN,
        ord_status=OrdStatus.PENDING_NEW, order_id=None, order_ids=(), order_qty=wish.order_qty, price=wish.price,
        stop_px=wish.stop_px, cum_qty=Quantity(Decimal(0)), leaves_qty=wish.order_qty, avg_px=None, executions=(),
        created_at=NOW - timedelta(seconds=5), updated_at=NOW, version=1,
    )  # fmt: skip


def ref(*, order_id: OrderId | None = VENUE_ID) -> OrderRef:
    return OrderRef(intent_id=INTENT, cl_ord_id=CL_ORD_ID, symbol="AAPL", order_id=order_id)


def reply(body: object = None, *, status: int = 200, raw: bytes | None = None) -> Response:
    data = raw if raw is not None else json.dumps(body).encode()
    return Response(status=status, body=data)


def told(name: str) -> Response:
    return Response(status=200, body=payload(name))


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
    def form(self) -> dict[str, str]:
        """The body of the last request."""
        return dict(parse_qsl(self.requests[-1].body.decode()))


async def no_stream(target: SocketTarget) -> Socket:
    raise AssertionError(f"nothing here opens {target.url}")


def broker_on(
    reads: FakeTransport | None = None,
    commands: FakeTransport | None = None,
    *,
    options: Options | None = None,
    log: Log | None = None,
) -> TradierBroker:
    return TradierBroker(
        environment=Environment.PAPER,
        origins=origins_for(Environment.PAPER),
        account=lambda: ACCOUNT,
        reads=reads or FakeTransport(),
        commands=commands or FakeTransport(),
        connect=no_stream,
        clock=ManualClock(NOW),
        log=log or NoLog(),
        meter=NoMeter(),
        random=Random(1),
        options=options,
    )
