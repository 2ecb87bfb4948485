"""Requests to the endpoints of REST, one builder each.  Private ones get their nonce and their signature when they leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from floorbroker.brokers.kraken.info import Origins
from floorbroker.brokers.kraken.mapping.orders import Params
from floorbroker.domain.values import ClOrdId
from floorbroker.transport.types import Lane, Request

PAGE = 50
QUERIED_MAX = 50
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Requests to one set of origins."""

    origins: Origins
    command_timeout_s: float = 5.0
    read_timeout_s: float = 10.0

    # -- commands -------------------------------------------------------------------------------------------------------

    def submit(self, params: Params, *, pair: str, decided_at: float) -> Request:
        """POST AddOrder."""
        order = params["cl_ord_id"]
        return self._command("AddOrder", "orders.submit", {"pair": pair, **params}, decided_at=decided_at, order=order)

    def submit_batch(self, orders: Sequence[Params], *, pair: str, decided_at: float) -> Request:
        """POST AddOrderBatch: 2 to 15 orders of one pair, in JSON."""
        return Request(
            method="POST",
            origin=self.origins.rest,
            path="/0/private/AddOrderBatch",
            endpoint="orders.submit",
            headers=_JSON,
            body=msgspec.json.encode({"pair": pair, "orders": [_in_json(order) for order in orders]}),
            lane=Lane.NEW,
            timeout_s=self.command_timeout_s,
            decided_at=decided_at,
            order=" ".join(order["cl_ord_id"] for order in orders),
        )

    def amend(self, params: Params, *, decided_at: float, cl_ord_id: ClOrdId) -> Request:
        """POST AmendOrder; `cl_ord_id` is the order's own, for the audit."""
        return self._command("AmendOrder", "orders.replace", params, decided_at=decided_at, order=cl_ord_id)

    def _command(self, name: str, endpoint: str, params: Params, *, decided_at: float, order: str) -> Request:
        return self._form(name, endpoint, params, lane=Lane.NEW, decided_at=decided_at, order=order)

    def cancel(self, params: Params, *, cl_ord_id: ClOrdId) -> Request:
        """POST CancelOrder, by `txid` or `cl_ord_id`."""
        return self._cancel("CancelOrder", "orders.cancel", params, cl_ord_id)

    def cancel_all(self) -> Request:
        """POST CancelAll."""
        return self._cancel("CancelAll", "orders.cancel_all", {}, None)

    def dead_man(self, timeout_s: int) -> Request:
        """POST CancelAllOrdersAfter; 0 switches it off."""
        return self._cancel("CancelAllOrdersAfter", "private.dead_man", {"timeout": str(timeout_s)}, None)

    def _cancel(self, name: str, endpoint: str, params: Params, cl_ord_id: ClOrdId | None) -> Request:
        return self._form(name, endpoint, params, lane=Lane.CANCEL, order=cl_ord_id)

    def check(self, params: Params, *, pair: str) -> Request:
        """POST AddOrder with `validate`: looked at, and not placed.  Like an order, the counter of calls leaves it out."""
        checked = {name: value for name, value in params.items() if name != "cl_ord_id"}
        return self._form("AddOrder", "check.order", {"pair": pair, **checked, "validate": "true"}, lane=Lane.QUERY)

    def _form(
        self,
        name: str,
        endpoint: str,
        params: Params,
        *,
        lane: Lane,
        decided_at: float | None = None,
        order: str | None = None,
    ) -> Request:
        return Request(
            method="POST",
            origin=self.origins.rest,
            path=f"/0/private/{name}",
            endpoint=endpoint,
            headers=_FORM,
            body=urlencode(params).encode(),
            lane=lane,
            timeout_s=self.command_timeout_s,
            decided_at=decided_at,
            order=order,
        )

    # -- private reads ----------------------------------------------------------------------------------------------------

    def _private(
        self, name: str, endpoint: str, params: Params | None = None, *, lane: Lane = Lane.RECONCILE, weight: int = 1
    ) -> Request:
        return Request(
            method="POST",
            origin=self.origins.rest,
            path=f"/0/private/{name}",
            endpoint=f"private.{endpoint}",
            headers=_FORM,
            body=urlencode(params or {}).encode(),
            lane=lane,
            weight=weight,
            timeout_s=self.read_timeout_s,
        )

    def orders(self, order_ids: Sequence[str]) -> Request:
        """POST QueryOrders: up to 50 by the venue's ids."""
        return self._private("QueryOrders", "orders", {"txid": ",".join(order_ids)}, lane=Lane.RESOLVE)

    def open_orders(self, *, cl_ord_id: ClOrdId | None = None) -> Request:
        """POST OpenOrders: all of them, or those with one client id."""
        if cl_ord_id is None:
            return self._private("OpenOrders", "open_orders")
        return self._private("OpenOrders", "open_orders", {"cl_ord_id": cl_ord_id}, lane=Lane.RESOLVE)

    def closed_orders(
        self, *, start: datetime | None = None, offset: int = 0, cl_ord_id: ClOrdId | None = None
    ) -> Request:
        """POST ClosedOrders, newest first: opened or closed since a time, or those with one client id."""
        params: Params = {"closetime": "both", "ofs": str(offset)}
        if start is not None:
            params["start"] = str(int(start.timestamp()))
        if cl_ord_id is None:
            return self._private("ClosedOrders", "closed_orders", params)
        return self._private("ClosedOrders", "closed_orders", params | {"cl_ord_id": cl_ord_id}, lane=Lane.RESOLVE)

    def trades(self, *, start: datetime, offset: int) -> Request:
        """POST TradesHistory, newest first, each trade by itself: joined ones have other ids than the stream tells."""
        params = {"start": str(int(start.timestamp())), "ofs": str(offset), "consolidate_taker": "false"}
        return self._private("TradesHistory", "trades", params, weight=2)

    def balances(self) -> Request:
        """POST BalanceEx."""
        return self._private("BalanceEx", "balances")

    def trade_balance(self, asset: str) -> Request:
        """POST TradeBalance, valued in an asset."""
        return self._private("TradeBalance", "trade_balance", {"asset": asset})

    def key(self) -> Request:
        """POST GetApiKeyInfo: docs.kraken.com/api-reference/account-data/get-api-key-info."""
        return self._private("GetApiKeyInfo", "key")

    def token(self) -> Request:
        """POST GetWebSocketsToken."""
        return self._private("GetWebSocketsToken", "token", lane=Lane.RESOLVE)

    # -- public reads -----------------------------------------------------------------------------------------------------

    def _public(self, name: str, endpoint: str, params: Params | None = None) -> Request:
        return Request(
            method="GET",
            origin=self.origins.rest,
            path=f"/0/public/{name}",
            endpoint=f"public.{endpoint}",
            query=tuple((params or {}).items()),
            lane=Lane.QUERY,
            timeout_s=self.read_timeout_s,
        )

    def time(self) -> Request:
        """GET Time."""
        return self._public("Time", "time")

    def system_status(self) -> Request:
        """GET SystemStatus."""
        return self._public("SystemStatus", "status")

    def pairs(self) -> Request:
        """GET AssetPairs: every pair there is."""
        return self._public("AssetPairs", "pairs")

    def ticker(self, pairs: Sequence[str]) -> Request:
        """GET Ticker of some pairs."""
        return self._public("Ticker", "ticker", {"pair": ",".join(pairs)})

    def ohlc(self, pair: str, *, minutes: int, since: int) -> Request:
        """GET OHLC from an epoch second on; the newest 720 rows at most."""
        return self._public("OHLC", "ohlc", {"pair": pair, "interval": str(minutes), "since": str(since)})


def _in_json(params: Params) -> dict[str, object]:
    """A flag is a bare word in JSON."""
    return {name: True if value == "true" else value for name, value in params.items()}
