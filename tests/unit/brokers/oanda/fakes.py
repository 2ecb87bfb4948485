"""Fakes of the transport's ports, and what most tests here need."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from floorbroker.brokers.oanda import OandaBroker, origins_for, wire
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.orders import Approved, NewOrder, OrderRef
from floorbroker.domain.ports import NoLog, NoMeter
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
from floorbroker.transport.types import Request, Response, Socket, SocketTarget

PAYLOADS = Path(__file__).resolve().parents[3] / "payloads" / "oanda"
NOW = datetime(2026, 3, 2, 15, 4, 10, tzinfo=UTC)
INTENT = IntentId("0195570e-6a80-7abc-8def-0123456789ab")
CL_ORD_ID = ClOrdId(f"fb-{INTENT}")
OTHER_ID = ClOrdId("fb-0195570e-6a81-7abc-8def-0123456789ab")
ACCOUNT = "101-004-1234567-001"
A = f"/v3/accounts/{ACCOUNT}"


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def entries(name: str) -> list[wire.Transaction]:
    return wire.decode(payload(name), wire.TransactionsReply, what=name).transactions


def limit_order(**changes: Any) -> NewOrder:
    terms: dict[str, Any] = {
        "symbol": "EUR/USD",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "order_qty": Quantity(Decimal(10)),
        "price": Price(Decimal("1.10000")),
        "tif": TimeInForce.GTC,
    }
    return NewOrder(**(terms | changes))


def market_order(**changes: Any) -> NewOrder:
    return limit_order(order_type=OrderType.MARKET, price=None, **changes)


def approved(order: NewOrder | None = None) -> Approved:
    return Approved(
        intent_id=INTENT,
        cl_ord_id=CL_ORD_ID,
        profile=ProfileName("oanda-paper"),
        environment=Environment.PAPER,
        order=order or limit_order(),
        decided_at=1.0,
    )


def ref(order_id: str | None = "11") -> OrderRef:
    named = None if order_id is None else OrderId(order_id)
    return OrderRef(intent_id=INTENT, cl_ord_id=CL_ORD_ID, symbol="EUR/USD", order_id=named)


def reply(body: object = None, *, status: int = 200, raw: bytes | None = None) -> Response:
    return Response(status=status, body=raw if raw is not None else json.dumps(body).encode())


def told(name: str, *, status: int = 200) -> Response:
    return Response(status=status, body=payload(name))


def as_json(name: str) -> Any:
    return json.loads(payload(name))


Answer = Response | Exception | Callable[[Request], Response]


class FakeTransport:
    """Answers in turn, or by path; keeps the requests."""

    def __init__(self, *answers: Answer, by_path: Mapping[str, Answer] | None = None) -> None:
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
    def body(self) -> Any:
        """The body of the last request."""
        return json.loads(self.requests[-1].body)


class LogTransport(FakeTransport):
    """A read stack over the log of a payload: every question about transactions is answered from it."""

    def __init__(self, name: str, *answers: Answer, by_path: Mapping[str, Answer] | None = None) -> None:
        super().__init__(*answers, by_path=by_path)
        self.log = {entry["id"]: entry for entry in as_json(name)["transactions"]}
        self.last = str(max(int(number) for number in self.log))
        self.now: str | None = None  # by the venue's clock

    async def send(self, request: Request) -> Response:
        below = request.path.removeprefix(f"{A}/transactions")
        if below == request.path:
            return await super().send(request)
        self.requests.append(request)
        query = dict(request.query)
        if below == "":
            first = min(int(number) for number in self.log)
            page = f"https://elsewhere.example/v3/x/transactions/idrange?from={first}&to={self.last}"
            told = {"count": len(self.log), "pages": [page], "lastTransactionID": self.last}
            return reply(told if self.now is None else {**told, "to": self.now})
        if below == "/idrange":
            wanted = [str(number) for number in range(int(query["from"]), int(query["to"]) + 1)]
            found = [self.log[number] for number in wanted if number in self.log]
            return reply({"transactions": found, "lastTransactionID": self.last})
        return reply({"transaction": self.log[below[1:]], "lastTransactionID": self.last})


async def no_stream(target: SocketTarget) -> Socket:
    raise AssertionError(f"nothing here opens {target.url}")


def broker_on(reads: FakeTransport | None = None, commands: FakeTransport | None = None) -> OandaBroker:
    return OandaBroker(
        origins=origins_for(Environment.PAPER),
        account=lambda: ACCOUNT,
        reads=reads or FakeTransport(),
        commands=commands or FakeTransport(),
        connect=no_stream,
        clock=ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
    )
