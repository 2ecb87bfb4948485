"""Requests to the gateway, one builder each.  Document: IB REST API 2.20.0, the paths named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.info import ROOT, Origins
from floorbroker.transport.types import Lane, Request

_JSON = {"Content-Type": "application/json"}
QUOTE_FIELDS = ("31", "84", "85", "86", "88", "6509")
"""last, bid, ask size, ask, bid size, and how fresh they are"""

Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Requests to one gateway."""

    origins: Origins
    command_timeout_s: float = 5.0
    read_timeout_s: float = 15.0  # the venue itself gives up after ten seconds, and says so

    # -- commands -------------------------------------------------------------------------------------------------------

    def submit(self, account: str, tickets: Sequence[wire.Ticket], *, decided_at: float) -> Request:
        """POST /iserver/account/{accountId}/orders."""
        body = wire.encode(wire.Tickets(orders=tuple(tickets)))
        path = f"/iserver/account/{_segment(account)}/orders"
        return self._command("orders.submit", path, body, decided_at=decided_at, order=tickets[0].cOID)

    def reply(self, reply_id: str, *, confirmed: bool, decided_at: float | None, order: str | None) -> Request:
        """POST /iserver/reply/{replyId}: yes is part of the send that was asked about; no ends it, and goes before all else."""
        body = b'{"confirmed":true}' if confirmed else b'{"confirmed":false}'
        lane = Lane.NEW if confirmed else Lane.CANCEL
        path = f"/iserver/reply/{_segment(reply_id)}"
        return self._command("orders.reply", path, body, decided_at=decided_at, order=order, lane=lane)

    def modify(self, account: str, order_id: str, ticket: wire.Ticket, *, decided_at: float, order: str) -> Request:
        """POST /iserver/account/{accountId}/order/{orderId}: one whole ticket."""
        path = f"/iserver/account/{_segment(account)}/order/{_segment(order_id)}"
        return self._command("orders.replace", path, wire.encode(ticket), decided_at=decided_at, order=order)

    def cancel(self, account: str, order_id: str, *, order: str | None) -> Request:
        """DELETE the same path; order id -1 is every open order of the account."""
        return Request(
            method="DELETE",
            origin=self.origins.rest,
            path=f"{ROOT}/iserver/account/{_segment(account)}/order/{_segment(order_id)}",
            endpoint="orders.cancel_all" if order_id == "-1" else "orders.cancel",
            lane=Lane.CANCEL,
            timeout_s=self.command_timeout_s,
            order=order,
        )

    def _command(
        self,
        endpoint: str,
        path: str,
        body: bytes,
        *,
        decided_at: float | None,
        order: str | None,
        lane: Lane = Lane.NEW,
    ) -> Request:
        return Request(
            method="POST",
            origin=self.origins.rest,
            path=f"{ROOT}{path}",
            endpoint=endpoint,
            headers=_JSON,
            body=body,
            lane=lane,
            timeout_s=self.command_timeout_s,
            decided_at=decided_at,
            order=order,
        )

    # -- the session ----------------------------------------------------------------------------------------------------

    def auth_status(self, *, lane: Lane = Lane.RESOLVE) -> Request:
        """POST /iserver/auth/status."""
        return self._post("/iserver/auth/status", "access.status", b"", lane=lane)

    def tickle(self) -> Request:
        """POST /tickle."""
        return self._post("/tickle", "access.tickle", b"", lane=Lane.RESOLVE)

    def open_session(self, *, compete: bool) -> Request:
        """POST /iserver/auth/ssodh/init; `publish` must be true."""
        body = f'{{"publish":true,"compete":{"true" if compete else "false"}}}'.encode()
        return self._post("/iserver/auth/ssodh/init", "access.init", body, lane=Lane.RESOLVE)

    def accounts(self) -> Request:
        """GET /iserver/accounts, which must be asked before orders and quotes."""
        return self._get("/iserver/accounts", "account.list", lane=Lane.RESOLVE)

    def switch(self, account: str) -> Request:
        """POST /iserver/account."""
        return self._post("/iserver/account", "account.switch", wire.encode({"acctId": account}), lane=Lane.RESOLVE)

    def portfolio_accounts(self) -> Request:
        """GET /portfolio/accounts, which must be asked before the other portfolio paths."""
        return self._get("/portfolio/accounts", "portfolio.accounts")

    # -- orders and executions ------------------------------------------------------------------------------------------

    def orders(self, account: str, *, lane: Lane = Lane.RESOLVE) -> Request:
        """GET /iserver/account/orders: every order of the session, unfiltered, since a filter would bind the stream too."""
        query = (("force", "false"), ("accountId", account))
        return self._get("/iserver/account/orders", "orders.list", query, lane=lane)

    def order_status(self, order_id: str) -> Request:
        """GET /iserver/account/order/status/{orderId}."""
        return self._get(f"/iserver/account/order/status/{_segment(order_id)}", "orders.get", lane=Lane.RESOLVE)

    def trades(self, account: str, *, days: int) -> Request:
        """GET /iserver/account/trades of today and `days` - 1 days before, 1 to 7."""
        query = (("days", str(days)), ("accountId", account))
        return self._get("/iserver/account/trades", "trades.list", query, lane=Lane.RESOLVE)

    def what_if(self, account: str, tickets: Sequence[wire.Ticket]) -> Request:
        """POST /iserver/account/{accountId}/orders/whatif: a preview, which places nothing."""
        body = wire.encode(wire.Tickets(orders=tuple(tickets)))
        return self._post(f"/iserver/account/{_segment(account)}/orders/whatif", "account.preview", body)

    # -- portfolio ------------------------------------------------------------------------------------------------------

    def summary(self, account: str) -> Request:
        """GET /portfolio/{accountId}/summary."""
        return self._get(f"/portfolio/{_segment(account)}/summary", "portfolio.summary", lane=Lane.RECONCILE)

    def ledger(self, account: str) -> Request:
        """GET /portfolio/{accountId}/ledger."""
        return self._get(f"/portfolio/{_segment(account)}/ledger", "portfolio.ledger", lane=Lane.RECONCILE)

    def positions(self, account: str, page: int) -> Request:
        """GET /portfolio/{accountId}/positions/{pageId}, from 0."""
        return self._get(f"/portfolio/{_segment(account)}/positions/{page}", "portfolio.list", lane=Lane.RECONCILE)

    def invalidate(self, account: str) -> Request:
        """POST /portfolio/{accountId}/positions/invalidate: let go of what is cached of the positions."""
        path = f"/portfolio/{_segment(account)}/positions/invalidate"
        return self._post(path, "portfolio.invalidate", b"", lane=Lane.RECONCILE)

    # -- contracts ------------------------------------------------------------------------------------------------------

    def stocks(self, symbol: str) -> Request:
        """GET /trsrv/stocks."""
        return self._get("/trsrv/stocks", "assets.stocks", (("symbols", symbol),))

    def definitions(self, conids: Iterable[int]) -> Request:
        """GET /trsrv/secdef, 200 contracts at most."""
        return self._get("/trsrv/secdef", "assets.define", (("conids", ",".join(map(str, conids))),))

    def search(self, symbol: str) -> Request:
        """GET /iserver/secdef/search."""
        return self._get("/iserver/secdef/search", "assets.search", (("symbol", symbol), ("name", "false")))

    def strikes(self, conid: int, month: str) -> Request:
        """GET /iserver/secdef/strikes; empty unless the symbol was searched for in this session."""
        return self._get("/iserver/secdef/strikes", "options.strikes", _option_query(conid, month))

    def option(self, conid: int, month: str, strike: str, right: str) -> Request:
        """GET /iserver/secdef/info; `strike` 0 asks for all of them."""
        query = (*_option_query(conid, month), ("strike", strike), ("right", right))
        return self._get("/iserver/secdef/info", "options.info", query)

    def contract_info(self, conid: int) -> Request:
        """GET /iserver/contract/{conid}/info."""
        return self._get(f"/iserver/contract/{conid}/info", "assets.info")

    def rules(self, conid: int) -> Request:
        """POST /iserver/contract/rules."""
        return self._post("/iserver/contract/rules", "assets.rules", wire.encode({"conid": conid, "isBuy": True}))

    # -- market data ----------------------------------------------------------------------------------------------------

    def snapshot(self, conids: Iterable[int]) -> Request:
        """GET /iserver/marketdata/snapshot; the first answer of a contract has no values yet."""
        query = (("conids", ",".join(map(str, conids))), ("fields", ",".join(QUOTE_FIELDS)))
        return self._get("/iserver/marketdata/snapshot", "market.snapshot", query)

    def let_go(self, conid: int) -> Request:
        """POST /iserver/marketdata/unsubscribe: a snapshot takes one of the account's lines of market data until then."""
        return self._post("/iserver/marketdata/unsubscribe", "market.unsubscribe", wire.encode({"conid": conid}))

    def history(self, conid: int, *, period: str, bar: str, start: datetime) -> Request:
        """GET /iserver/marketdata/history of a period that begins at `start`, as the contract on record has it."""
        query = (
            ("conid", str(conid)),
            ("period", period),
            ("bar", bar),
            ("startTime", f"{start:%Y%m%d-%H:%M:%S}"),
            ("outsideRth", "false"),
        )
        return self._get("/iserver/marketdata/history", "market.bars", query)

    # -- both kinds -----------------------------------------------------------------------------------------------------

    def _get(self, path: str, endpoint: str, query: Query = (), *, lane: Lane = Lane.QUERY) -> Request:
        return Request(
            method="GET",
            origin=self.origins.rest,
            path=f"{ROOT}{path}",
            endpoint=endpoint,
            query=query,
            lane=lane,
            timeout_s=self.read_timeout_s,
        )

    def _post(self, path: str, endpoint: str, body: bytes, *, lane: Lane = Lane.QUERY) -> Request:
        """A question that the venue wants as POST: it goes through the read shell, and may be repeated."""
        return Request(
            method="POST",
            origin=self.origins.rest,
            path=f"{ROOT}{path}",
            endpoint=endpoint,
            headers=_JSON if body else {},
            body=body,
            lane=lane,
            timeout_s=self.read_timeout_s,
        )


def _option_query(conid: int, month: str) -> Query:
    return (("conid", str(conid)), ("sectype", "OPT"), ("month", month), ("exchange", "SMART"))


def _segment(text: str) -> str:
    return quote(text, safe="")
