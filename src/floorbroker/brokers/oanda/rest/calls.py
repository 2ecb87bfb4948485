"""Requests to the endpoints of v20, one builder each.  An account's id and every name from outside is one path segment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import msgspec

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.info import Origins
from floorbroker.brokers.oanda.mapping.values import to_wire_symbol
from floorbroker.domain.values import ClOrdId, time_text
from floorbroker.transport.types import Lane, Request

PAGE_MAX = 1000
CANDLES_MAX = 5000

_ENCODER = msgspec.json.Encoder()
_JSON = {"Content-Type": "application/json"}

Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Requests of one account to one pair of origins.

    `account` is asked with each request: while the vault is locked it raises, and nothing is sent.
    """

    origins: Origins
    account: Callable[[], str]
    command_timeout_s: float = 5.0
    read_timeout_s: float = 10.0

    # -- commands -------------------------------------------------------------------------------------------------------

    def submit(self, order: wire.OrderRequest, *, cl_ord_id: ClOrdId, decided_at: float) -> Request:
        """POST /orders."""
        body = wire.OrderBody(order=order)
        return self._command("POST", "/orders", "orders.submit", body, cl_ord_id=cl_ord_id, decided_at=decided_at)

    def replace(self, order_id: str, order: wire.OrderRequest, *, cl_ord_id: ClOrdId, decided_at: float) -> Request:
        """PUT /orders/{o}."""
        body, path = wire.OrderBody(order=order), f"/orders/{_segment(order_id)}"
        return self._command("PUT", path, "orders.replace", body, cl_ord_id=cl_ord_id, decided_at=decided_at)

    def close_trade(self, trade_id: str, body: wire.CloseTrade, *, cl_ord_id: ClOrdId, decided_at: float) -> Request:
        """PUT /trades/{t}/close.  Its body takes no id of ours, so the id is that of the request, which the log keeps."""
        path = f"/trades/{_segment(trade_id)}/close"
        return self._command("PUT", path, "trades.close", body, cl_ord_id=cl_ord_id, decided_at=decided_at)

    def close_position(
        self, symbol: str, body: wire.ClosePosition, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Request:
        """PUT /positions/{instrument}/close."""
        path = f"/positions/{_segment(to_wire_symbol(symbol))}/close"
        return self._command("PUT", path, "positions.close", body, cl_ord_id=cl_ord_id, decided_at=decided_at)

    def _command(
        self,
        method: str,
        path: str,
        endpoint: str,
        body: wire.OrderBody | wire.CloseTrade | wire.ClosePosition,
        *,
        cl_ord_id: ClOrdId,
        decided_at: float,
    ) -> Request:
        return Request(
            method=method,
            origin=self.origins.api,
            path=self._path(path),
            endpoint=endpoint,
            headers={**_JSON, "ClientRequestID": cl_ord_id},
            body=_ENCODER.encode(body),
            lane=Lane.NEW,
            timeout_s=self.command_timeout_s,
            decided_at=decided_at,
            order=cl_ord_id,
        )

    def cancel(self, order: str, *, cl_ord_id: ClOrdId) -> Request:
        """PUT /orders/{o}/cancel; `order` is the venue's id, or ours behind an `@`."""
        return Request(
            method="PUT",
            origin=self.origins.api,
            path=self._path(f"/orders/{_segment(order)}/cancel"),
            endpoint="orders.cancel",
            lane=Lane.CANCEL,
            timeout_s=self.command_timeout_s,
            order=cl_ord_id,
        )

    # -- reads: orders and the log ----------------------------------------------------------------------------------------

    def order(self, order: str, *, lane: Lane = Lane.RESOLVE) -> Request:
        """GET /orders/{o}; `order` is the venue's id, or ours behind an `@`."""
        return self._read(f"/orders/{_segment(order)}", "orders.get", lane=lane)

    def transaction(self, number: str, *, lane: Lane = Lane.RESOLVE) -> Request:
        """GET /transactions/{id}."""
        return self._read(f"/transactions/{_segment(number)}", "transactions.get", lane=lane)

    def pages(self, since: datetime, *, lane: Lane = Lane.RECONCILE) -> Request:
        """GET /transactions: which numbers the log has from a time on."""
        query = (("from", time_text(since)), ("pageSize", str(PAGE_MAX)))
        return self._read("/transactions", "transactions.list", query, lane=lane)

    def range(self, first: int, last: int, *, lane: Lane = Lane.RECONCILE) -> Request:
        """GET /transactions/idrange, both ends included."""
        query = (("from", str(first)), ("to", str(last)))
        return self._read("/transactions/idrange", "transactions.list", query, lane=lane)

    # -- reads: the account ----------------------------------------------------------------------------------------------

    def accounts(self) -> Request:
        """GET /accounts."""
        return self._get("/v3/accounts", "account.rights", lane=Lane.RECONCILE)

    def summary(self, *, lane: Lane = Lane.RECONCILE) -> Request:
        """GET /accounts/{a}/summary."""
        return self._read("/summary", "account.summary", lane=lane)

    def details(self, *, lane: Lane = Lane.RECONCILE) -> Request:
        """GET /accounts/{a}: orders, trades and positions of one moment."""
        return self._read("", "account.get", lane=lane)

    def positions(self) -> Request:
        """GET /openPositions."""
        return self._read("/openPositions", "positions.list", lane=Lane.RECONCILE)

    # -- reads: markets --------------------------------------------------------------------------------------------------

    def instruments(self) -> Request:
        """GET /accounts/{a}/instruments: all that this account trades."""
        return self._read("/instruments", "market.instruments", lane=Lane.QUERY)

    def pricing(self, symbol: str) -> Request:
        """GET /pricing of one instrument."""
        query = (("instruments", to_wire_symbol(symbol)),)
        return self._read("/pricing", "market.price", query, lane=Lane.QUERY)

    def candles(self, symbol: str, *, granularity: str, start: datetime, count: int) -> Request:
        """GET /instruments/{i}/candles: middle prices from a time on."""
        query = (
            ("price", "M"),
            ("granularity", granularity),
            ("from", time_text(start)),
            ("count", str(count)),
        )
        path = f"/v3/instruments/{_segment(to_wire_symbol(symbol))}/candles"
        return self._get(path, "market.candles", query, lane=Lane.QUERY)

    def _path(self, path: str) -> str:
        return f"/v3/accounts/{_segment(self.account())}{path}"

    def _read(self, path: str, endpoint: str, query: Query = (), *, lane: Lane) -> Request:
        return self._get(self._path(path), endpoint, query, lane=lane)

    def _get(self, path: str, endpoint: str, query: Query = (), *, lane: Lane) -> Request:
        return Request(
            method="GET",
            origin=self.origins.api,
            path=path,
            endpoint=endpoint,
            query=query,
            lane=lane,
            timeout_s=self.read_timeout_s,
        )


def _segment(text: str) -> str:
    """One path segment; the `@` before our own id is the venue's."""
    return quote(text, safe="@")
