"""Requests to the endpoints of Brokerage API v1, one builder each.  Bodies are forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from floorbroker.brokers.tradier.auth import ACCEPT
from floorbroker.brokers.tradier.info import Origins
from floorbroker.brokers.tradier.mapping.orders import Form
from floorbroker.brokers.tradier.mapping.values import to_wire_symbol
from floorbroker.transport.types import Lane, Request

ORDERS_PAGE = 100
PAGE_LEAST = 25  # what a page holds when the venue does not heed our wish
_FORM = {**ACCEPT, "Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Requests about one account.

    `account` is asked with each request: while the vault is locked it raises, and nothing is sent.
    """

    origins: Origins
    account: Callable[[], str]
    command_timeout_s: float = 5.0
    read_timeout_s: float = 10.0

    @property
    def _base(self) -> str:
        return f"/v1/accounts/{_segment(self.account())}"

    # -- commands -------------------------------------------------------------------------------------------------------

    def submit(self, form: Form, *, cl_ord_id: str, decided_at: float) -> Request:
        """POST /accounts/{id}/orders."""
        return self._command(
            "POST", f"{self._base}/orders", "orders.submit", form, cl_ord_id=cl_ord_id, decided_at=decided_at
        )

    def replace(self, order_id: str, form: Form, *, cl_ord_id: str, decided_at: float) -> Request:
        """PUT /accounts/{id}/orders/{oid}."""
        path = f"{self._base}/orders/{_segment(order_id)}"
        return self._command("PUT", path, "orders.replace", form, cl_ord_id=cl_ord_id, decided_at=decided_at)

    def _command(
        self, method: str, path: str, endpoint: str, form: Form, *, cl_ord_id: str, decided_at: float
    ) -> Request:
        return Request(
            method=method,
            origin=self.origins.api,
            path=path,
            endpoint=endpoint,
            headers=_FORM,
            body=urlencode(form).encode(),
            lane=Lane.NEW,
            timeout_s=self.command_timeout_s,
            decided_at=decided_at,
            order=cl_ord_id,
        )

    def cancel(self, order_id: str, *, cl_ord_id: str | None) -> Request:
        """DELETE /accounts/{id}/orders/{oid}."""
        return Request(
            method="DELETE",
            origin=self.origins.api,
            path=f"{self._base}/orders/{_segment(order_id)}",
            endpoint="orders.cancel",
            headers=ACCEPT,
            lane=Lane.CANCEL,
            timeout_s=self.command_timeout_s,
            order=cl_ord_id,
        )

    # -- reads: account -------------------------------------------------------------------------------------------------

    def preview(self, form: Form) -> Request:
        """POST /accounts/{id}/orders with `preview=true`, which places nothing and may be repeated like any read."""
        body = urlencode((*((name, text) for name, text in form if name != "preview"), ("preview", "true"))).encode()
        return Request(
            method="POST",
            origin=self.origins.api,
            path=f"{self._base}/orders",
            endpoint="orders.preview",
            headers=_FORM,
            body=body,
            lane=Lane.QUERY,
            timeout_s=self.read_timeout_s,
        )

    def order(self, order_id: str, *, lane: Lane = Lane.RECONCILE) -> Request:
        """GET /accounts/{id}/orders/{oid}, with its tag."""
        path = f"{self._base}/orders/{_segment(order_id)}"
        return self._read(path, "accounts.order", (("includeTags", "true"),), lane=lane)

    def orders(self, *, page: int, since: str | None, everything: bool, lane: Lane = Lane.RECONCILE) -> Request:
        """GET /accounts/{id}/orders with tags: today's, or `everything` of the last month, from the day `since` on."""
        query: Form = (("includeTags", "true"), ("page", str(page)), ("limit", str(ORDERS_PAGE)))
        if everything:
            query += (("filter", "all"),)
        if since is not None:
            query += (("start", since),)
        return self._read(f"{self._base}/orders", "accounts.orders", query, lane=lane)

    def balances(self) -> Request:
        """GET /accounts/{id}/balances."""
        return self._read(f"{self._base}/balances", "accounts.balances")

    def positions(self) -> Request:
        """GET /accounts/{id}/positions."""
        return self._read(f"{self._base}/positions", "accounts.positions")

    def option_history(self, *, since: str, page: int) -> Request:
        """GET /accounts/{id}/history of type option, from the day `since` on; the venue adds to it each night."""
        query = (("type", "option"), ("start", since), ("page", str(page)), ("limit", str(ORDERS_PAGE)))
        return self._read(f"{self._base}/history", "accounts.history", query)

    def profile(self) -> Request:
        """GET /user/profile."""
        return self._read("/v1/user/profile", "accounts.profile")

    def session(self, kind: str) -> Request:
        """POST /markets/events/session or /accounts/events/session: an id to stream with, good for five minutes."""
        return Request(
            method="POST",
            origin=self.origins.api,
            path=f"/v1/{kind}/events/session",
            endpoint="sessions.create",
            headers=_FORM,
            lane=Lane.RECONCILE,
            timeout_s=self.read_timeout_s,
        )

    # -- reads: markets -------------------------------------------------------------------------------------------------

    def quotes(self, symbols: list[str]) -> Request:
        """GET /markets/quotes."""
        return self._market("quotes", (("symbols", ",".join(map(to_wire_symbol, symbols))), ("greeks", "false")))

    def history(self, symbol: str, interval: str, *, start: str, end: str) -> Request:
        """GET /markets/history: days and weeks, bounds included."""
        query = (("symbol", to_wire_symbol(symbol)), ("interval", interval), ("start", start), ("end", end))
        return self._market("history", query)

    def timesales(self, symbol: str, interval: str, *, start: str, end: str) -> Request:
        """GET /markets/timesales: minutes, extended sessions included; times are New York's."""
        query = (("symbol", to_wire_symbol(symbol)), ("interval", interval), ("start", start), ("end", end))
        return self._market("timesales", (*query, ("session_filter", "all")))

    def expirations(self, underlying: str) -> Request:
        """GET /markets/options/expirations."""
        return self._market(
            "options/expirations", (("symbol", to_wire_symbol(underlying)), ("includeAllRoots", "true"))
        )

    def strikes(self, underlying: str, expiration: str) -> Request:
        """GET /markets/options/strikes."""
        query = (("symbol", to_wire_symbol(underlying)), ("expiration", expiration), ("includeAllRoots", "true"))
        return self._market("options/strikes", query)

    def chain(self, underlying: str, expiration: str) -> Request:
        """GET /markets/options/chains."""
        query = (("symbol", to_wire_symbol(underlying)), ("expiration", expiration), ("greeks", "false"))
        return self._market("options/chains", query)

    def clock(self) -> Request:
        """GET /markets/clock."""
        return self._market("clock", endpoint="markets.clock")

    def calendar(self, year: int, month: int) -> Request:
        """GET /markets/calendar for one month."""
        return self._market("calendar", (("month", f"{month:02d}"), ("year", str(year))))

    def _market(self, path: str, query: Form = (), *, endpoint: str = "markets.get") -> Request:
        return self._read(f"/v1/markets/{path}", endpoint, query, lane=Lane.QUERY)

    def _read(self, path: str, endpoint: str, query: Form = (), *, lane: Lane = Lane.RECONCILE) -> Request:
        return Request(
            method="GET",
            origin=self.origins.api,
            path=path,
            endpoint=endpoint,
            query=query,
            headers=ACCEPT,
            lane=lane,
            timeout_s=self.read_timeout_s,
        )


def _segment(text: str) -> str:
    """One path segment."""
    return quote(text, safe="")
