"""Order commands for the private socket, one builder each: the counterpart of the commands in `calls`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from floorbroker.brokers.kraken.auth import socket_origin
from floorbroker.brokers.kraken.info import Origins
from floorbroker.brokers.kraken.mapping.entry import Members
from floorbroker.brokers.kraken.stream.entry import ADD, AMEND, BATCH, CANCEL, CANCEL_ALL, METHODS
from floorbroker.domain.orders import OrderRef
from floorbroker.domain.values import ClOrdId
from floorbroker.transport.types import Lane, Request

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketCalls:
    """Commands to one private socket; the path names the method."""

    origins: Origins
    command_timeout_s: float = 5.0

    def submit(self, members: Members, *, symbol: str, decided_at: float) -> Request:
        """add_order."""
        order = str(members["cl_ord_id"])
        return self._command(ADD, "orders.submit", {"symbol": symbol, **members}, order, decided_at)

    def submit_batch(self, orders: Sequence[Members], *, symbol: str, decided_at: float) -> Request:
        """batch_add: 2 to 15 orders of one pair."""
        named = " ".join(str(order["cl_ord_id"]) for order in orders)
        return self._command(BATCH, "orders.submit", {"symbol": symbol, "orders": list(orders)}, named, decided_at)

    def amend(self, members: Members, *, decided_at: float, cl_ord_id: ClOrdId) -> Request:
        """amend_order."""
        return self._command(AMEND, "orders.replace", members, cl_ord_id, decided_at)

    def cancel(self, ref: OrderRef) -> Request:
        """cancel_order."""
        named: Members = {"cl_ord_id": [ref.cl_ord_id]} if ref.order_id is None else {"order_id": [ref.order_id]}
        return self._command(CANCEL, "orders.cancel", named, ref.cl_ord_id, None)

    def cancel_all(self) -> Request:
        """cancel_all."""
        return self._command(CANCEL_ALL, "orders.cancel_all", {}, None, None)

    def _command(
        self, method: str, endpoint: str, members: Members, order: str | None, decided_at: float | None
    ) -> Request:
        return Request(
            method="POST",
            origin=socket_origin(self.origins.private_stream),
            path=f"{METHODS}{method}",
            endpoint=endpoint,
            body=_ENCODER.encode(members),
            lane=Lane.CANCEL if decided_at is None else Lane.NEW,
            timeout_s=self.command_timeout_s,
            decided_at=decided_at,
            order=order,
        )
