"""A gateway made of answers by path, and what most tests here need."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from floorbroker.brokers.ibkr_web import IbkrWebBroker, Options, origins_for
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
)
from floorbroker.transport.types import Frame, Request, Response, Socket, SocketTarget

PAYLOADS = Path(__file__).resolve().parents[3] / "payloads" / "ibkr_web"
NOW = datetime(2026, 3, 2, 15, 4, 10, tzinfo=UTC)
INTENT = IntentId("0195570e-6a80-7abc-8def-0123456789ab")
CL_ORD_ID = ClOrdId(f"fb-{INTENT}")
VENUE_ID = OrderId("987654321")
ACCOUNT = "DU123456"
TOKEN = "0123456789abcdef0123456789abcdef"
ORDERS = f"/v1/api/iserver/account/{ACCOUNT}/orders"

OPEN = {"authenticated": True, "competing": False, "connected": True, "message": ""}
LOST = {**OPEN, "authenticated": False}
TAKEN = {**OPEN, "authenticated": False, "competing": True}
PLACED = [{"order_id": VENUE_ID, "order_status": "PreSubmitted", "encrypt_message": "1"}]


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_bytes())


def question(*ids: str, reply_id: str = "07a13a5a") -> list[dict[str, Any]]:
    return [{"id": reply_id, "message": ["Are you sure?"], "isSuppressed": False, "messageIds": list(ids)}]


def limit_order(**changes: Any) -> NewOrder:
    terms: dict[str, Any] = {
        "symbol": "AAPL",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "order_qty": Quantity(Decimal(3)),
        "price": Price(Decimal("150.5")),
    }
    return NewOrder(**(terms | changes))


def approved(order: NewOrder | None = None, *, decided_at: float = 0.0) -> Approved:
    return Approved(
        intent_id=INTENT,
        cl_ord_id=CL_ORD_ID,
        profile=ProfileName("ib"),
        environment=Environment.PAPER,
        order=order or limit_order(),
        decided_at=decided_at,
    )


def ref(*, order_id: OrderId | None = VENUE_ID, extended_hours: bool | None = False) -> OrderRef:
    return OrderRef(
        intent_id=INTENT, cl_ord_id=CL_ORD_ID, symbol="AAPL", order_id=order_id, extended_hours=extended_hours
    )


def reply(body: object = None, *, status: int = 200) -> Response:
    return Response(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


Answer = object | Exception | Callable[[Request], object]


class Gateway:
    """Answers by path; a list of answers is used up but for its last, and every request is kept."""

    def __init__(self, **changes: Answer) -> None:
        self.requests: list[Request] = []
        self.session: object = OPEN
        self.answers: dict[str, list[Answer]] = {
            "/tickle": [lambda _: {"session": TOKEN, "iserver": {"authStatus": self.session}}],
            "/iserver/auth/status": [lambda _: self.session],
            "/iserver/auth/ssodh/init": [lambda _: self.session],
            "/iserver/accounts": [payload("accounts")],
            "/portfolio/accounts": [payload("portfolio_accounts")],
            f"/portfolio/{ACCOUNT}/summary": [payload("summary")],
            f"/portfolio/{ACCOUNT}/ledger": [payload("ledger")],
            f"/portfolio/{ACCOUNT}/positions/invalidate": [{"message": "success"}],
            f"/portfolio/{ACCOUNT}/positions/0": [payload("positions")],
            f"/portfolio/{ACCOUNT}/positions/1": [[]],
            "/trsrv/stocks": [payload("stocks")],
            "/trsrv/secdef": [payload("secdef")],
            "/iserver/contract/rules": [payload("rules")],
            "/iserver/contract/685302909/info": [payload("contract_info")],
            "/iserver/secdef/search": [payload("search")],
            "/iserver/secdef/strikes": [payload("strikes")],
            "/iserver/secdef/info": [payload("option_info")],
            "/iserver/account/orders": [{"orders": [], "snapshot": False}, payload("live_orders")],
            "/iserver/account/trades": [payload("trades")],
            f"/iserver/account/order/status/{VENUE_ID}": [payload("order_status")],
            f"/iserver/account/{ACCOUNT}/orders": [PLACED],
            f"/iserver/account/{ACCOUNT}/orders/whatif": [payload("preview")],
            f"/iserver/account/{ACCOUNT}/order/{VENUE_ID}": [payload("cancel")],
            f"/iserver/account/{ACCOUNT}/order/-1": [payload("cancel")],
            "/iserver/marketdata/snapshot": [[{"conid": 265598, "conidEx": "265598"}], payload("snapshot")],
            "/iserver/marketdata/history": [payload("history")],
        }

    def set(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        path = request.path.removeprefix("/v1/api")
        found = self.answers.get(path)
        assert found is not None, f"nobody expected {request.method} {path}"
        answer = found.pop(0) if len(found) > 1 else found[0]
        made = answer(request) if callable(answer) else answer
        if isinstance(made, Exception):
            raise made
        return made if isinstance(made, Response) else reply(made)

    def paths(self, word: str = "") -> list[str]:
        return [f"{one.method} {one.path.removeprefix('/v1/api')}" for one in self.requests if word in one.path]

    def bodies(self, word: str) -> list[Any]:
        return [json.loads(one.body) for one in self.requests if one.path.endswith(word) and one.body]


class FakeSocket:
    """A socket whose frames the test pushes."""

    def __init__(self, target: SocketTarget) -> None:
        self.target = target
        self.sent: list[bytes | str] = []
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()

    def push(self, message: object) -> None:
        self._frames.put_nowait(json.dumps(message).encode())

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while (data := await self._frames.get()) is not None:
            yield Frame(data, text=True)

    async def send(self, data: bytes | str) -> None:
        self.sent.append(data)

    async def close(self) -> None:
        self._frames.put_nowait(None)


class FakeConnect:
    """Opens fake sockets and keeps them."""

    def __init__(self) -> None:
        self.sockets: list[FakeSocket] = []

    async def __call__(self, target: SocketTarget) -> Socket:
        self.sockets.append(FakeSocket(target))
        return self.sockets[-1]


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
    gateway: Gateway,
    *,
    clock: ManualClock | None = None,
    connect: FakeConnect | None = None,
    environment: Environment = Environment.PAPER,
    url: str | None = None,
    account: str = "",
    **options: str,
) -> IbkrWebBroker:
    return IbkrWebBroker(
        environment=environment,
        origins=origins_for(environment, url),
        reads=gateway,
        commands=gateway,
        connect=connect or FakeConnect(),
        clock=clock or ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
        account=lambda: account,
        options=Options(**options),
    )


async def turn(times: int = 20) -> None:
    """Let tasks that are ready go on."""
    for _ in range(times):
        await asyncio.sleep(0)
