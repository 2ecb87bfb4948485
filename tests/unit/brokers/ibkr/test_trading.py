"""A group of which a member was refused: what is said of it follows from what could be taken back."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.mapping.families import Families
from floorbroker.brokers.ibkr.rest.calls import PLACE, Calls
from floorbroker.brokers.ibkr.rest.trading import Trading
from floorbroker.domain.errors import OrderRejected, Outcome, Timeout
from floorbroker.domain.orders import NewOrder, StopLoss
from floorbroker.domain.ports import NoLog
from floorbroker.domain.values import ClOrdId, OrderClass, OrderType, Price, Quantity, Side, TimeInForce
from floorbroker.transport.types import Request, Response
from tests.unit.brokers.ibkr.makings import AAPL, ACCOUNT, CLIENT, OURS, code, row, told

pytestmark = pytest.mark.asyncio
HEAD = 5
OCO = NewOrder(
    symbol="AAPL", side=Side.SELL, order_type=OrderType.LIMIT, order_qty=Quantity(Decimal(10)), tif=TimeInForce.DAY,
    order_class=OrderClass.OCO, take_profit=Price(Decimal(200)), price=Price(Decimal(200)),
    stop_loss=StopLoss(stop_px=Price(Decimal(150))),
)  # fmt: skip


class Commands:
    """Refuses the head of a group and shows its other half, whose cancel is answered by `word`; None answers no cancel."""

    def __init__(self, word: wire.OrderStatus | wire.Error | None) -> None:
        self.word = word
        self.cancels = 0

    async def send(self, request: Request) -> Response:
        if request.path == PLACE:
            refused = code(201, "Order rejected - reason: no", at=HEAD)
            return _response(wire.Told(open=(row("Submitted", order_id=HEAD + 1),), errors=(refused,)))
        self.cancels += 1
        if self.word is None:
            raise Timeout("no answer in time", broker="IBKR")
        if msgspec.json.decode(request.body, type=wire.Cancel).order_id == HEAD:
            return _response(wire.Told(errors=(code(10147, at=HEAD),)))
        if isinstance(self.word, wire.Error):
            return _response(wire.Told(errors=(self.word,)))
        return _response(wire.Told(statuses=(self.word,)))


def _response(told: wire.Told) -> Response:
    return Response(status=200, body=msgspec.json.encode(told))


async def _refusal(commands: Commands) -> OrderRejected:
    async def nothing() -> None: ...

    async def contract(symbol: str) -> wire.Contract:
        return AAPL

    fakes: dict[str, Any] = {
        "program": SimpleNamespace(asked=nothing, account=ACCOUNT, ids=SimpleNamespace(take=lambda count: HEAD)),
        "contracts": SimpleNamespace(contract=contract),
        "commands": commands,
        "lists": None,
        "clock": None,
    }
    trading = Trading(
        calls=Calls(origin="tws://127.0.0.1:1"), families=Families(client_id=CLIENT), log=NoLog(), **fakes
    )
    approved: Any = SimpleNamespace(order=OCO, cl_ord_id=ClOrdId(OURS), decided_at=0.0)
    with pytest.raises(OrderRejected) as caught:
        await trading.submit(approved)
    return caught.value


async def test_a_refused_group_whose_rest_was_taken_back_is_refused() -> None:
    commands = Commands(told("Cancelled", order_id=HEAD + 1))
    assert (await _refusal(commands)).outcome is Outcome.REFUSED
    assert commands.cancels == 2


@pytest.mark.parametrize(
    "word",
    [
        None,
        told("PendingCancel", order_id=HEAD + 1),
        told("Filled", 10, order_id=HEAD + 1),
        told("Cancelled", 4, order_id=HEAD + 1),
        code(202, at=HEAD + 1),
        code(10148, "cannot be cancelled, state: Filled", at=HEAD + 1),
        code(10147, "not found", at=HEAD + 1),
    ],
)
async def test_a_refused_group_whose_rest_may_live_or_have_filled_is_in_doubt_i3(
    word: wire.OrderStatus | wire.Error | None,
) -> None:
    """That a cancel was answered is no word on what became of the order."""
    commands = Commands(word)
    assert (await _refusal(commands)).outcome is Outcome.UNKNOWN
    assert commands.cancels == 2
