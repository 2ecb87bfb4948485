"""Requests to the endpoints of REST v3, one builder each, with their weights.

Reads carry their parameters in the query, placements and amendments in the form; cancels in the query, as all clients of this
venue send them.  What signs them adds its own.
Document: developers.binance.com/docs/binance-spot-api-docs/rest-api.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from floorbroker.brokers.binance.auth import FORM, form_text
from floorbroker.brokers.binance.info import Origins
from floorbroker.brokers.binance.mapping.orders import Params
from floorbroker.brokers.binance.mapping.values import millis
from floorbroker.domain.values import ClOrdId
from floorbroker.transport.types import Lane, Request

ORDERS_MAX = TRADES_MAX = KLINES_MAX = 1000
_COUNTED = {"oco": 2, "oto": 2, "otoco": 3}  # orders that a list counts as
_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Requests to one set of origins."""

    origins: Origins
    command_timeout_s: float = 5.0
    read_timeout_s: float = 10.0

    # -- commands -------------------------------------------------------------------------------------------------------

    def submit(self, params: Params, *, cl_ord_id: ClOrdId, decided_at: float) -> Request:
        """POST /api/v3/order."""
        return self._command(
            "POST", "/api/v3/order", "orders.submit", params, cl_ord_id=cl_ord_id, decided_at=decided_at
        )

    def submit_list(self, kind: str, params: Params, *, cl_ord_id: ClOrdId, decided_at: float) -> Request:
        """POST /api/v3/orderList/{oco,oto,otoco}: costs the weight of one and counts as two or three orders."""
        path = f"/api/v3/orderList/{kind}"
        return self._command(
            "POST", path, "orders.submit", params, cl_ord_id=cl_ord_id, decided_at=decided_at, weight=_COUNTED[kind]
        )

    def cancel_replace(self, params: Params, *, cl_ord_id: ClOrdId, decided_at: float) -> Request:
        """POST /api/v3/order/cancelReplace."""
        path = "/api/v3/order/cancelReplace"
        return self._command("POST", path, "orders.replace", params, cl_ord_id=cl_ord_id, decided_at=decided_at)

    def amend(self, params: Params, *, cl_ord_id: ClOrdId, decided_at: float) -> Request:
        """PUT /api/v3/order/amend/keepPriority: dearer than the rest.

        It is counted among the orders, which is more than the venue does.
        """
        path = "/api/v3/order/amend/keepPriority"
        return self._command(
            "PUT", path, "orders.replace", params, cl_ord_id=cl_ord_id, decided_at=decided_at, weight=4
        )

    def _command(
        self,
        method: str,
        path: str,
        endpoint: str,
        params: Params,
        *,
        cl_ord_id: ClOrdId,
        decided_at: float,
        weight: int = 1,
    ) -> Request:
        return Request(
            method=method,
            origin=self.origins.rest,
            path=path,
            endpoint=endpoint,
            headers={"Content-Type": FORM},
            body=form_text(params).encode(),
            lane=Lane.NEW,
            weight=weight,
            timeout_s=self.command_timeout_s,
            decided_at=decided_at,
            order=cl_ord_id,
        )

    def cancel(self, params: Params, *, cl_ord_id: str | None) -> Request:
        """DELETE /api/v3/order."""
        return self._cancel("/api/v3/order", "orders.cancel", params, cl_ord_id)

    def cancel_list(self, params: Params, *, cl_ord_id: str | None) -> Request:
        """DELETE /api/v3/orderList."""
        return self._cancel("/api/v3/orderList", "orders.cancel", params, cl_ord_id)

    def cancel_all(self, wire_symbol: str) -> Request:
        """DELETE /api/v3/openOrders, of one symbol."""
        return self._cancel("/api/v3/openOrders", "orders.cancel_all", (("symbol", wire_symbol),), None)

    def _cancel(self, path: str, endpoint: str, params: Params, cl_ord_id: str | None) -> Request:
        return Request(
            method="DELETE",
            origin=self.origins.rest,
            path=path,
            endpoint=endpoint,
            query=params,
            lane=Lane.CANCEL,
            timeout_s=self.command_timeout_s,
            order=cl_ord_id,
        )

    def test(self, params: Params) -> Request:
        """POST /api/v3/order/test: the venue looks at an order and places nothing."""
        return Request(
            method="POST",
            origin=self.origins.rest,
            path="/api/v3/order/test",
            endpoint="orders.test",
            headers={"Content-Type": FORM},
            body=form_text(params).encode(),
            lane=Lane.QUERY,
            timeout_s=self.read_timeout_s,
        )

    # -- reads: the account's -------------------------------------------------------------------------------------------

    def _read(
        self, path: str, endpoint: str, query: Params = (), *, weight: int, lane: Lane = Lane.RECONCILE
    ) -> Request:
        return Request(
            method="GET",
            origin=self.origins.rest,
            path=path,
            endpoint=endpoint,
            query=query,
            lane=lane,
            weight=weight,
            timeout_s=self.read_timeout_s,
        )

    def order(self, params: Params) -> Request:
        """GET /api/v3/order."""
        return self._read("/api/v3/order", "orders.get", params, weight=4, lane=Lane.RESOLVE)

    def open_orders(self, wire_symbol: str | None = None, *, lane: Lane = Lane.RECONCILE) -> Request:
        """GET /api/v3/openOrders: dear without a symbol."""
        query = () if wire_symbol is None else (("symbol", wire_symbol),)
        weight = 80 if wire_symbol is None else 6
        return self._read("/api/v3/openOrders", "orders.list", query, weight=weight, lane=lane)

    def all_orders(self, wire_symbol: str, *, order_number: int | None = None) -> Request:
        """GET /api/v3/allOrders: the newest, or those from a number on."""
        query: Params = (("symbol", wire_symbol), ("limit", str(ORDERS_MAX)))
        if order_number is not None:
            query += (("orderId", str(order_number)),)
        return self._read("/api/v3/allOrders", "orders.list", query, weight=20)

    def all_orders_from(self, wire_symbol: str, *, start: datetime, end: datetime) -> Request:
        """GET /api/v3/allOrders of at most a day."""
        query = (
            ("symbol", wire_symbol),
            ("startTime", str(millis(start))),
            ("endTime", str(millis(end))),
            ("limit", str(ORDERS_MAX)),
        )
        return self._read("/api/v3/allOrders", "orders.list", query, weight=20)

    def order_list(self, list_id: int) -> Request:
        """GET /api/v3/orderList."""
        return self._read("/api/v3/orderList", "orders.get", (("orderListId", str(list_id)),), weight=4)

    def trades(self, wire_symbol: str, *, from_id: int | None = None, start: datetime | None = None) -> Request:
        """GET /api/v3/myTrades: the newest, those from a number on, or the oldest since a time."""
        query: Params = (("symbol", wire_symbol), ("limit", str(TRADES_MAX)))
        if from_id is not None:
            query += (("fromId", str(from_id)),)
        elif start is not None:
            query += (("startTime", str(millis(start))),)
        return self._read("/api/v3/myTrades", "trades.list", query, weight=20)

    def account(self) -> Request:
        """GET /api/v3/account, without what is empty."""
        return self._read("/api/v3/account", "account.get", (("omitZeroBalances", "true"),), weight=20)

    def commission(self, wire_symbol: str) -> Request:
        """GET /api/v3/account/commission."""
        path = "/api/v3/account/commission"
        return self._read(path, "account.commission", (("symbol", wire_symbol),), weight=20, lane=Lane.QUERY)

    def key_rights(self) -> Request:
        """GET /sapi/v1/account/apiRestrictions; the test network has no such path."""
        return self._read("/sapi/v1/account/apiRestrictions", "account.rights", weight=1)

    # -- reads: anybody's -----------------------------------------------------------------------------------------------

    def _market(self, path: str, query: Params = (), *, weight: int, timeout_s: float | None = None) -> Request:
        return Request(
            method="GET",
            origin=self.origins.rest,
            path=path,
            endpoint=f"market.{path.rpartition('/')[2]}",
            query=query,
            lane=Lane.QUERY,
            weight=weight,
            timeout_s=self.read_timeout_s if timeout_s is None else timeout_s,
        )

    def time(self) -> Request:
        """GET /api/v3/time."""
        return self._market("/api/v3/time", weight=1)

    def exchange_info(self) -> Request:
        """GET /api/v3/exchangeInfo of every symbol; megabytes, so it may take a while."""
        return self._market("/api/v3/exchangeInfo", (("showPermissionSets", "false"),), weight=20, timeout_s=30.0)

    def depth(self, wire_symbol: str, *, levels: int) -> Request:
        """GET /api/v3/depth."""
        weight = next((cost for most, cost in _DEPTH_WEIGHTS if levels <= most), 250)
        return self._market("/api/v3/depth", (("symbol", wire_symbol), ("limit", str(levels))), weight=weight)

    def book_ticker(self, wire_symbol: str) -> Request:
        """GET /api/v3/ticker/bookTicker."""
        return self._market("/api/v3/ticker/bookTicker", (("symbol", wire_symbol),), weight=2)

    def prices(self, wire_symbols: Iterable[str] | None = None) -> Request:
        """GET /api/v3/ticker/price of several symbols, or of all."""
        if wire_symbols is None:
            return self._market("/api/v3/ticker/price", weight=4)
        listed = msgspec.json.encode(sorted(wire_symbols)).decode()
        return self._market("/api/v3/ticker/price", (("symbols", listed),), weight=4)

    def average_price(self, wire_symbol: str) -> Request:
        """GET /api/v3/avgPrice."""
        return self._market("/api/v3/avgPrice", (("symbol", wire_symbol),), weight=2)

    def public_trades(self, wire_symbol: str, *, limit: int) -> Request:
        """GET /api/v3/trades: the newest."""
        return self._market("/api/v3/trades", (("symbol", wire_symbol), ("limit", str(limit))), weight=25)

    def klines(self, wire_symbol: str, interval: str, *, start: datetime, end: datetime, limit: int) -> Request:
        """GET /api/v3/klines, oldest first from `start`."""
        query = (
            ("symbol", wire_symbol),
            ("interval", interval),
            ("startTime", str(millis(start))),
            ("endTime", str(millis(end))),
            ("limit", str(limit)),
        )
        return self._market("/api/v3/klines", query, weight=2)


def batches(wire_symbols: Sequence[str], most: int = 100) -> list[Sequence[str]]:
    """Lists short enough for one URL."""
    return [wire_symbols[at : at + most] for at in range(0, len(wire_symbols), most)]
