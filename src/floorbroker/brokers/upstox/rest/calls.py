"""Requests to the endpoints of API v2 and v3, one builder each.  Commands about one order have a host of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from floorbroker.brokers.upstox.auth import TOKEN_PATH
from floorbroker.brokers.upstox.info import Origins
from floorbroker.transport.types import Lane, Request

_ACCEPT = {"Accept": "application/json", "Api-Version": "2.0"}
_JSON = {**_ACCEPT, "Content-Type": "application/json"}
_FORM = {**_ACCEPT, "Content-Type": "application/x-www-form-urlencoded"}
UPDATES, UPDATES_WITH_GTT = "order", "order,gtt_order"
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Requests about one account.  `algo_name` is told with each order command where there is one."""

    origins: Origins
    algo_name: str = ""
    command_timeout_s: float = 5.0
    read_timeout_s: float = 10.0

    # -- commands -------------------------------------------------------------------------------------------------------

    def submit(self, body: bytes, *, cl_ord_id: str, decided_at: float) -> Request:
        """POST /v3/order/place."""
        return self._command("POST", "/v3/order/place", "orders.submit", body, order=cl_ord_id, decided_at=decided_at)

    def submit_many(self, body: bytes, *, cl_ord_ids: Sequence[str], decided_at: float) -> Request:
        """POST /v2/order/multi/place, which the other host has; each order in it counts."""
        return Request(
            method="POST",
            origin=self.origins.api,
            path="/v2/order/multi/place",
            endpoint="batches.submit",
            headers=self._headers(_JSON),
            body=body,
            lane=Lane.NEW,
            weight=len(cl_ord_ids),
            timeout_s=self.command_timeout_s,
            decided_at=decided_at,
            order=" ".join(cl_ord_ids),
        )

    def replace(self, body: bytes, *, cl_ord_id: str, decided_at: float) -> Request:
        """PUT /v3/order/modify."""
        return self._command("PUT", "/v3/order/modify", "orders.replace", body, order=cl_ord_id, decided_at=decided_at)

    def _command(self, method: str, path: str, endpoint: str, body: bytes, *, order: str, decided_at: float) -> Request:
        return Request(
            method=method,
            origin=self.origins.orders,
            path=path,
            endpoint=endpoint,
            headers=self._headers(_JSON),
            body=body,
            lane=Lane.NEW,
            timeout_s=self.command_timeout_s,
            decided_at=decided_at,
            order=order,
        )

    def cancel(self, order_id: str, *, cl_ord_id: str | None) -> Request:
        """DELETE /v3/order/cancel."""
        return Request(
            method="DELETE",
            origin=self.origins.orders,
            path="/v3/order/cancel",
            endpoint="orders.cancel",
            query=(("order_id", order_id),),
            headers=self._headers(_ACCEPT),
            lane=Lane.CANCEL,
            timeout_s=self.command_timeout_s,
            order=cl_ord_id,
        )

    def cancel_gtt(self, body: bytes, *, cl_ord_id: str | None) -> Request:
        """DELETE /v3/order/gtt/cancel, which the other host has, and which names the order in its body."""
        return Request(
            method="DELETE",
            origin=self.origins.api,
            path="/v3/order/gtt/cancel",
            endpoint="orders.cancel",
            headers=self._headers(_JSON),
            body=body,
            lane=Lane.CANCEL,
            timeout_s=self.command_timeout_s,
            order=cl_ord_id,
        )

    def cancel_all(self) -> Request:
        """DELETE /v2/order/multi/cancel without a segment or a tag: every open order."""
        return Request(
            method="DELETE",
            origin=self.origins.api,
            path="/v2/order/multi/cancel",
            endpoint="orders.cancel_all",
            headers=self._headers(_ACCEPT),
            lane=Lane.CANCEL,
            timeout_s=self.command_timeout_s,
        )

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {**headers, "X-Algo-Name": self.algo_name} if self.algo_name else headers

    # -- reads: orders --------------------------------------------------------------------------------------------------

    def orders(self, *, lane: Lane = Lane.RECONCILE) -> Request:
        """GET /v2/order/retrieve-all: the day's."""
        return self._read("/v2/order/retrieve-all", "accounts.orders", lane=lane)

    def order(self, order_id: str, *, lane: Lane = Lane.RESOLVE) -> Request:
        """GET /v2/order/details."""
        return self._read("/v2/order/details", "accounts.order", (("order_id", order_id),), lane=lane)

    def history(self, tag: str) -> Request:
        """GET /v2/order/history by tag: every state of every order that bears it."""
        return self._read("/v2/order/history", "accounts.order", (("tag", tag),), lane=Lane.RESOLVE)

    def gtts(self, gtt_id: str | None = None, *, lane: Lane = Lane.RECONCILE) -> Request:
        """GET /v3/order/gtt: every GTT order that waits, or one of them."""
        query = () if gtt_id is None else (("gtt_order_id", gtt_id),)
        return self._read("/v3/order/gtt", "accounts.gtts", query, lane=lane)

    def trades(self, *, lane: Lane = Lane.RECONCILE) -> Request:
        """GET /v2/order/trades/get-trades-for-day."""
        return self._read("/v2/order/trades/get-trades-for-day", "trades.day", lane=lane)

    # -- reads: account -------------------------------------------------------------------------------------------------

    def profile(self) -> Request:
        """GET /v2/user/profile."""
        return self._read("/v2/user/profile", "accounts.profile")

    def funds(self) -> Request:
        """GET /v3/user/get-funds-and-margin."""
        return self._read("/v3/user/get-funds-and-margin", "accounts.funds")

    def positions(self) -> Request:
        """GET /v2/portfolio/short-term-positions: the day's."""
        return self._read("/v2/portfolio/short-term-positions", "accounts.positions")

    def holdings(self) -> Request:
        """GET /v2/portfolio/long-term-holdings: shares of earlier days."""
        return self._read("/v2/portfolio/long-term-holdings", "accounts.holdings")

    def charges(self, *, key: str, quantity: str, product: str, side: str, price: str) -> Request:
        """GET /v2/charges/brokerage: what an order would cost."""
        query = (
            ("instrument_token", key),
            ("quantity", quantity),
            ("product", product),
            ("transaction_type", side),
            ("price", price),
        )
        return self._read("/v2/charges/brokerage", "accounts.charges", query, lane=Lane.QUERY)

    def margin(self, body: bytes) -> Request:
        """POST /v2/charges/margin: what an order would bind.  Nothing is placed; it may be repeated like any read."""
        return Request(
            method="POST",
            origin=self.origins.api,
            path="/v2/charges/margin",
            endpoint="accounts.charges",
            headers=_JSON,
            body=body,
            lane=Lane.QUERY,
            timeout_s=self.read_timeout_s,
        )

    # -- reads: markets -------------------------------------------------------------------------------------------------

    def quotes(self, key: str) -> Request:
        """GET /v2/market-quote/quotes."""
        return self._read("/v2/market-quote/quotes", "market.quotes", (("instrument_key", key),), lane=Lane.QUERY)

    def candles(self, key: str, unit: str, count: int, *, first: str, last: str) -> Request:
        """GET /v3/historical-candle: days before today, both included; the later one is named first."""
        path = f"/v3/historical-candle/{_segment(key)}/{unit}/{count}/{last}/{first}"
        return self._read(path, "market.candles", lane=Lane.QUERY)

    def candles_today(self, key: str, unit: str, count: int) -> Request:
        """GET /v3/historical-candle/intraday."""
        path = f"/v3/historical-candle/intraday/{_segment(key)}/{unit}/{count}"
        return self._read(path, "market.candles", lane=Lane.QUERY)

    def timings(self, day: str) -> Request:
        """GET /v2/market/timings of a day."""
        return self._read(f"/v2/market/timings/{day}", "calendar.timings", lane=Lane.QUERY)

    def instruments(self, exchange: str) -> Request:
        """GET the file of an exchange's instruments, which anybody may read."""
        return Request(
            method="GET",
            origin=self.origins.assets,
            path=f"/market-quote/instruments/exchange/{exchange}.json.gz",
            endpoint="public.instruments",
            lane=Lane.QUERY,
            timeout_s=60.0,
        )

    # -- sessions -------------------------------------------------------------------------------------------------------

    def authorize_orders(self, updates: str = UPDATES) -> Request:
        """GET /v2/feed/portfolio-stream-feed/authorize: where the stream of order updates is, for one opening."""
        query = (("update_types", updates),)
        return self._read("/v2/feed/portfolio-stream-feed/authorize", "sessions.authorize", query)

    def authorize_market(self) -> Request:
        """GET /v3/feed/market-data-feed/authorize."""
        return self._read("/v3/feed/market-data-feed/authorize", "sessions.authorize", lane=Lane.QUERY)

    def token(self, *, code: str, client_id: str, client_secret: str, redirect_uri: str) -> Request:
        """POST /v2/login/authorization/token: a code for a token, once."""
        form = (
            ("code", code),
            ("client_id", client_id),
            ("client_secret", client_secret),
            ("redirect_uri", redirect_uri),
            ("grant_type", "authorization_code"),
        )
        return Request(
            method="POST",
            origin=self.origins.api,
            path=TOKEN_PATH,
            endpoint="sessions.token",
            headers=_FORM,
            body=urlencode(form).encode(),
            lane=Lane.RECONCILE,
            timeout_s=self.read_timeout_s,
        )

    def _read(self, path: str, endpoint: str, query: Query = (), *, lane: Lane = Lane.RECONCILE) -> Request:
        return Request(
            method="GET",
            origin=self.origins.api,
            path=path,
            endpoint=endpoint,
            query=query,
            headers=_ACCEPT,
            lane=lane,
            timeout_s=self.read_timeout_s,
        )


def _segment(text: str) -> str:
    """One path segment: `NSE_EQ|INE…` has a bar in it."""
    return quote(text, safe="")
