"""Requests to the endpoints of Trading API v2 and Market Data v2, one builder each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar
from urllib.parse import quote

import msgspec

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.info import Options, Origins
from floorbroker.brokers.alpaca.mapping.values import to_wire_symbol
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass, ClOrdId, time_text
from floorbroker.transport.types import Lane, Request

ORDERS_MAX = 500
FILLS_MAX = 100
CONTRACTS_MAX, CHAIN_MAX = 10_000, 1_000
DATA_MAX = 10_000
EVENTS_PATH = "/v2beta1/events/activities"  # server-sent events

_ENCODER = msgspec.json.Encoder()
_JSON = {"Content-Type": "application/json"}

Query = tuple[tuple[str, str], ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Requests to one set of origins."""

    origins: Origins
    options: Options
    command_timeout_s: float = 5.0
    read_timeout_s: float = 10.0

    # -- commands -------------------------------------------------------------------------------------------------------

    def submit(self, body: wire.OrderRequest, *, decided_at: float) -> Request:
        """POST /v2/orders."""
        return self._command("POST", "/v2/orders", "orders.submit", body, decided_at=decided_at)

    def replace(self, order_id: str, body: wire.ReplaceRequest, *, decided_at: float) -> Request:
        """PATCH /v2/orders/{id}."""
        path = f"/v2/orders/{_segment(order_id)}"
        return self._command("PATCH", path, "orders.replace", body, decided_at=decided_at)

    def _command(
        self,
        method: str,
        path: str,
        endpoint: str,
        body: wire.OrderRequest | wire.ReplaceRequest,
        *,
        decided_at: float,
    ) -> Request:
        return Request(
            method=method,
            origin=self.origins.trading,
            path=path,
            endpoint=endpoint,
            headers=_JSON,
            body=_ENCODER.encode(body),
            lane=Lane.NEW,
            timeout_s=self.command_timeout_s,
            decided_at=decided_at,
            order=body.client_order_id,
        )

    def cancel(self, order_id: str, *, cl_ord_id: str | None) -> Request:
        """DELETE /v2/orders/{id}."""
        return self._cancel(f"/v2/orders/{_segment(order_id)}", "orders.cancel", cl_ord_id)

    def cancel_all(self) -> Request:
        """DELETE /v2/orders."""
        return self._cancel("/v2/orders", "orders.cancel_all", None)

    def _cancel(self, path: str, endpoint: str, cl_ord_id: str | None) -> Request:
        return Request(
            method="DELETE",
            origin=self.origins.trading,
            path=path,
            endpoint=endpoint,
            lane=Lane.CANCEL,
            timeout_s=self.command_timeout_s,
            order=cl_ord_id,
        )

    # -- reads: trading -------------------------------------------------------------------------------------------------

    def _read(self, path: str, endpoint: str, query: Query = (), *, lane: Lane = Lane.RECONCILE) -> Request:
        return Request(
            method="GET",
            origin=self.origins.trading,
            path=path,
            endpoint=endpoint,
            query=query,
            lane=lane,
            timeout_s=self.read_timeout_s,
        )

    def order_by_id(self, order_id: str, *, lane: Lane = Lane.RESOLVE) -> Request:
        """GET /v2/orders/{id}, nested."""
        return self._read(f"/v2/orders/{_segment(order_id)}", "orders.get", (("nested", "true"),), lane=lane)

    def order_by_client_id(self, cl_ord_id: ClOrdId, *, lane: Lane = Lane.RESOLVE) -> Request:
        """GET /v2/orders:by_client_order_id."""
        query = (("client_order_id", cl_ord_id),)
        return self._read("/v2/orders:by_client_order_id", "orders.get", query, lane=lane)

    def orders(
        self, *, status: str, nested: bool, after: datetime | None = None, after_id: str | None = None
    ) -> Request:
        """GET /v2/orders, oldest first.  A page starts after a time or after an order, never both."""
        query: Query = (
            ("status", status),
            ("limit", str(ORDERS_MAX)),
            ("direction", "asc"),
            ("nested", "true" if nested else "false"),
        )
        if after_id is not None:
            query += (("after_order_id", after_id),)
        elif after is not None:
            query += (("after", time_text(after)),)
        return self._read("/v2/orders", "orders.list", query)

    def fills(self, *, after: datetime, page_token: str | None) -> Request:
        """GET /v2/account/activities/FILL, oldest first."""
        query: Query = (("after", time_text(after)), ("direction", "asc"), ("page_size", str(FILLS_MAX)))
        if page_token is not None:
            query += (("page_token", page_token),)
        return self._read("/v2/account/activities/FILL", "activities.list", query)

    def account(self) -> Request:
        """GET /v2/account."""
        return self._read("/v2/account", "account.get")

    def positions(self) -> Request:
        """GET /v2/positions."""
        return self._read("/v2/positions", "positions.list")

    def instrument(self, symbol: str) -> Request:
        """GET /v2/assets/{symbol}, or /v2/options/contracts/{symbol} for an option."""
        wanted = _segment(to_wire_symbol(symbol))
        if asset_class_of(symbol) is AssetClass.OPTION:
            return self._read(f"/v2/options/contracts/{wanted}", "options.contract", lane=Lane.QUERY)
        return self._read(f"/v2/assets/{wanted}", "assets.get", lane=Lane.QUERY)

    def contracts(self, underlying: str, *, since: date, page_token: str | None) -> Request:
        """GET /v2/options/contracts: those on a share that expire on a day or later; by default it lists the next week alone."""
        query: Query = (
            ("underlying_symbols", underlying),
            ("status", "active"),
            ("expiration_date_gte", since.isoformat()),
            ("limit", str(CONTRACTS_MAX)),
        )
        if page_token is not None:
            query += (("page_token", page_token),)
        return self._read("/v2/options/contracts", "options.contracts", query, lane=Lane.QUERY)

    def clock(self) -> Request:
        """GET /v2/clock."""
        return self._read("/v2/clock", "clock.get", lane=Lane.QUERY)

    def calendar(self, day: date) -> Request:
        """GET /v2/calendar for one day."""
        query = (("start", day.isoformat()), ("end", day.isoformat()))
        return self._read("/v2/calendar", "calendar.get", query, lane=Lane.QUERY)

    # -- reads: market data ---------------------------------------------------------------------------------------------

    def history(self, kind: str, symbol: str, query: Query, *, limit: int, page_token: str | None) -> Request:
        """GET .../{bars,quotes,trades}: `kind` is the last word of the path."""
        base, _ = self._data_base(symbol)
        query = (("symbols", to_wire_symbol(symbol)), ("limit", str(limit)), ("sort", "asc"), *query)
        if asset_class_of(symbol) is AssetClass.EQUITY:
            query += (("feed", self._history_feed()),)
            if kind == "bars":
                query += (("adjustment", "raw"),)
        if page_token is not None:
            query += (("page_token", page_token),)
        return self._data(f"{base}/{kind}", query)

    def latest_quote(self, symbol: str) -> Request:
        """GET .../quotes/latest, or .../latest/quotes for coins."""
        base, feed = self._data_base(symbol)
        tail = "latest/quotes" if asset_class_of(symbol) is AssetClass.CRYPTO else "quotes/latest"
        return self._data(f"{base}/{tail}", (("symbols", to_wire_symbol(symbol)), *feed))

    def snapshots(self, symbol: str) -> Request:
        """GET .../snapshots: latest trade and quote in one answer."""
        base, feed = self._data_base(symbol)
        return self._data(f"{base}/snapshots", (("symbols", to_wire_symbol(symbol)), *feed))

    def chain(self, underlying: str, *, expiry: date, page_token: str | None) -> Request:
        """GET /v1beta1/options/snapshots/{underlying}: the contracts of one expiration."""
        query: Query = (
            ("feed", self.options.option_feed), ("expiration_date", expiry.isoformat()), ("limit", str(CHAIN_MAX)),
        )  # fmt: skip
        if page_token is not None:
            query += (("page_token", page_token),)
        return self._data(f"/v1beta1/options/snapshots/{_segment(underlying)}", query)

    def _data_base(self, symbol: str) -> tuple[str, Query]:
        match asset_class_of(symbol):
            case AssetClass.CRYPTO:
                return f"/v1beta3/crypto/{self.options.crypto_loc}", ()
            case AssetClass.OPTION:
                return "/v1beta1/options", (("feed", self.options.option_feed),)
            case _:
                return "/v2/stocks", (("feed", self._latest_feed()),)

    def _latest_feed(self) -> str:
        return "iex" if self.options.stock_feed == "test" else self.options.stock_feed

    def _history_feed(self) -> str:
        return "sip" if self.options.stock_feed in ("sip", "delayed_sip") else "iex"

    def _data(self, path: str, query: Query) -> Request:
        return Request(
            method="GET",
            origin=self.origins.data,
            path=path,
            endpoint="data.get",
            query=query,
            lane=Lane.QUERY,
            timeout_s=self.read_timeout_s,
        )


def _segment(text: str) -> str:
    """One path segment: the slash of a pair is part of the symbol."""
    return quote(text, safe="")
