"""Commands as requests: what is placed, changed and cancelled, for the stack that every command passes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from floorbroker.brokers.ibkr import wire
from floorbroker.domain.values import ClOrdId
from floorbroker.transport.types import Lane, Request

PLACE, CHANGE, CANCEL, CANCEL_ALL = "/placeOrder", "/changeOrder", "/cancelOrder", "/reqGlobalCancel"
_JSON = msgspec.json.Encoder()


class Calls:
    """The commands of one client id.  `origin` is that of the program, as the host table has it."""

    def __init__(self, *, origin: str, command_timeout_s: float = 5.0) -> None:
        self._origin = origin
        self._timeout_s = command_timeout_s

    def submit(self, placed: Sequence[wire.Placed], *, cl_ord_id: ClOrdId, decided_at: float) -> Request:
        """An order, or a group in the order in which its members are written."""
        return self._command(
            "orders.submit", PLACE, wire.Command(orders=tuple(placed)), order=cl_ord_id, decided_at=decided_at,
            weight=len(placed),
        )  # fmt: skip

    def change(self, placed: wire.Placed, *, cl_ord_id: ClOrdId, decided_at: float) -> Request:
        """A whole order under the number of one that works."""
        return self._command(
            "orders.replace", CHANGE, wire.Command(orders=(placed,)), order=cl_ord_id, decided_at=decided_at
        )

    def cancel(self, order_id: int, *, cl_ord_id: ClOrdId, until_over: bool = False) -> Request:
        body = wire.Cancel(order_id=order_id, until_over=until_over)
        return self._command("orders.cancel", CANCEL, body, order=cl_ord_id, lane=Lane.CANCEL)

    def cancel_all(self) -> Request:
        """Every open order of the log-in, those of people and of other clients included."""
        return self._command("orders.cancel_all", CANCEL_ALL, wire.Command(orders=()), order=None, lane=Lane.CANCEL)

    def _command(
        self, endpoint: str, path: str, body: wire.Wire, *, order: str | None, decided_at: float | None = None,
        lane: Lane = Lane.NEW, weight: int = 1,
    ) -> Request:  # fmt: skip
        return Request(
            method="POST",
            origin=self._origin,
            path=path,
            endpoint=endpoint,
            body=_JSON.encode(body),
            lane=lane,
            weight=weight,
            timeout_s=self._timeout_s,
            decided_at=decided_at,
            order=order,
        )
