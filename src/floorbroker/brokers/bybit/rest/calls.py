"""Requests to the endpoints of Bybit v5, one builder each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

import msgspec

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.auth import epoch_ms
from floorbroker.brokers.bybit.info import Origins
from floorbroker.brokers.bybit.mapping.symbols import LINEAR, SETTLE_COINS, SPOT, Place
from floorbroker.transport.types import Lane, Request

ORDERS_MAX = 50
EXECUTIONS_MAX = 100
POSITIONS_MAX = 200
INSTRUMENTS_MAX = 1000
KLINES_MAX = 1000
TRADES_MAX = 60  # of spot; derivatives give more

CREATE, CREATE_BATCH, AMEND = "/v5/order/create", "/v5/order/create-batch", "/v5/order/amend"
CANCEL, CANCEL_ALL = "/v5/order/cancel", "/v5/order/cancel-all"

_ENCODER = msgspec.json.Encoder()
_JSON = {"Content-Type": "application/json"}

Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One of the lists an account's orders are kept in: contracts are listed by the coin they settle in."""

    category: str
    settle: str | None = None

    @property
    def query(self) -> Query:
        category: Query = (("category", self.category),)
        return category if self.settle is None else (*category, ("settleCoin", self.settle))


PARTS = (Part(SPOT), *(Part(LINEAR, coin) for coin in SETTLE_COINS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Requests to one set of origins."""

    origins: Origins
    command_timeout_s: float = 5.0
    read_timeout_s: float = 10.0

    # -- commands -------------------------------------------------------------------------------------------------------

    def submit(self, body: wire.OrderRequest, *, decided_at: float) -> Request:
        """POST /v5/order/create."""
        return self._post(CREATE, "orders.submit", body, decided_at=decided_at, order=body.order_link_id)

    def submit_batch(self, body: wire.BatchRequest, *, decided_at: float) -> Request:
        """POST /v5/order/create-batch; each order in it costs one."""
        weight = len(body.request)
        return self._post(CREATE_BATCH, "batches.submit", body, decided_at=decided_at, weight=weight)

    def amend(self, body: wire.AmendRequest, *, decided_at: float, order: str) -> Request:
        """POST /v5/order/amend."""
        return self._post(AMEND, "orders.replace", body, decided_at=decided_at, order=order)

    def cancel(self, body: wire.CancelRequest, *, order: str | None) -> Request:
        """POST /v5/order/cancel."""
        return self._post(CANCEL, "orders.cancel", body, lane=Lane.CANCEL, order=order)

    def cancel_all(self, body: wire.CancelAllRequest) -> Request:
        """POST /v5/order/cancel-all."""
        return self._post(CANCEL_ALL, "orders.cancel_all", body, lane=Lane.CANCEL)

    def leverage(self, body: wire.LeverageRequest) -> Request:
        """POST /v5/position/set-leverage."""
        return self._post("/v5/position/set-leverage", "positions.leverage", body)

    def mode(self, body: wire.ModeRequest) -> Request:
        """POST /v5/position/switch-mode."""
        return self._post("/v5/position/switch-mode", "positions.mode", body)

    def trading_stop(self, body: wire.TradingStopRequest) -> Request:
        """POST /v5/position/trading-stop."""
        return self._post("/v5/position/trading-stop", "positions.trading_stop", body)

    def _post(
        self,
        path: str,
        endpoint: str,
        body: wire.Body,
        *,
        lane: Lane = Lane.NEW,
        decided_at: float | None = None,
        order: str | None = None,
        weight: int = 1,
    ) -> Request:
        return Request(
            method="POST",
            origin=self.origins.rest,
            path=path,
            endpoint=endpoint,
            headers=_JSON,
            body=_ENCODER.encode(body),
            lane=lane,
            weight=weight,
            timeout_s=self.command_timeout_s,
            decided_at=decided_at,
            order=order,
        )

    # -- reads: the account ---------------------------------------------------------------------------------------------

    def order(self, place: Place, *, order_id: str | None, cl_ord_id: str) -> Request:
        """GET /v5/order/realtime by one id."""
        query = _named(place, order_id, cl_ord_id)
        return self._get("/v5/order/realtime", "orders.get", query, lane=Lane.RESOLVE)

    def past_order(
        self, place: Place, *, order_id: str | None, cl_ord_id: str, window: tuple[datetime, datetime] | None = None
    ) -> Request:
        """GET /v5/order/history by one id, within at most 7 days: the last ones where no window is given."""
        query = _named(place, order_id, cl_ord_id) + (() if window is None else _between(*window))
        return self._get("/v5/order/history", "orders.history", query, lane=Lane.RESOLVE)

    def open_orders(self, part: Part, *, cursor: str | None) -> Request:
        """GET /v5/order/realtime, open ones of every kind."""
        query: Query = (*part.query, ("openOnly", "0"), ("limit", str(ORDERS_MAX)))
        return self._get("/v5/order/realtime", "orders.get", query + _cursor(cursor))

    def order_history(self, part: Part, *, start: datetime, end: datetime, cursor: str | None) -> Request:
        """GET /v5/order/history within at most 7 days, newest first."""
        query: Query = (*part.query, *_between(start, end), ("limit", str(ORDERS_MAX)))
        return self._get("/v5/order/history", "orders.history", query + _cursor(cursor))

    def executions(self, part: Part, *, start: datetime, end: datetime, cursor: str | None) -> Request:
        """GET /v5/execution/list within at most 7 days, newest first."""
        query: Query = (*part.query, *_between(start, end), ("limit", str(EXECUTIONS_MAX)))
        return self._get("/v5/execution/list", "executions.list", query + _cursor(cursor))

    def positions(self, settle: str, *, cursor: str | None) -> Request:
        """GET /v5/position/list of linear contracts that settle in one coin."""
        query: Query = (("category", "linear"), ("settleCoin", settle), ("limit", str(POSITIONS_MAX)))
        return self._get("/v5/position/list", "positions.list", query + _cursor(cursor))

    def wallet(self) -> Request:
        """GET /v5/account/wallet-balance."""
        return self._get("/v5/account/wallet-balance", "account.get", (("accountType", "UNIFIED"),))

    def account_info(self) -> Request:
        """GET /v5/account/info."""
        return self._get("/v5/account/info", "account.get")

    def key(self) -> Request:
        """GET /v5/user/query-api."""
        return self._get("/v5/user/query-api", "account.key")

    def fee_rate(self, place: Place) -> Request:
        """GET /v5/account/fee-rate."""
        query = (("category", place.category), ("symbol", place.symbol))
        return self._get("/v5/account/fee-rate", "account.fees", query, lane=Lane.QUERY)

    # -- reads: markets -------------------------------------------------------------------------------------------------

    def time(self) -> Request:
        """GET /v5/market/time."""
        return self._get("/v5/market/time", "market.get", lane=Lane.RESOLVE)

    def instrument(self, place: Place) -> Request:
        """GET /v5/market/instruments-info of one symbol."""
        query = (("category", place.category), ("symbol", place.symbol))
        return self._get("/v5/market/instruments-info", "market.get", query, lane=Lane.QUERY)

    def instruments(self, category: str, *, cursor: str | None) -> Request:
        """GET /v5/market/instruments-info; spot is one page whatever is asked."""
        query: Query = (("category", category), ("limit", str(INSTRUMENTS_MAX)))
        return self._get("/v5/market/instruments-info", "market.get", query + _cursor(cursor), lane=Lane.QUERY)

    def ticker(self, place: Place) -> Request:
        """GET /v5/market/tickers of one symbol."""
        query = (("category", place.category), ("symbol", place.symbol))
        return self._get("/v5/market/tickers", "market.get", query, lane=Lane.QUERY)

    def klines(self, place: Place, interval: str, *, start: datetime, end: datetime, limit: int) -> Request:
        """GET /v5/market/kline, newest first."""
        query: Query = (("category", place.category), ("symbol", place.symbol), ("interval", interval))
        query += (("start", str(epoch_ms(start))), ("end", str(epoch_ms(end))), ("limit", str(limit)))
        return self._get("/v5/market/kline", "market.get", query, lane=Lane.QUERY)

    def _get(self, path: str, endpoint: str, query: Query = (), *, lane: Lane = Lane.RECONCILE) -> Request:
        return Request(
            method="GET",
            origin=self.origins.rest,
            path=path,
            endpoint=endpoint,
            query=query,
            lane=lane,
            timeout_s=self.read_timeout_s,
        )


def _named(place: Place, order_id: str | None, cl_ord_id: str) -> Query:
    named = ("orderId", order_id) if order_id is not None else ("orderLinkId", cl_ord_id)
    return (("category", place.category), ("symbol", place.symbol), named)


def _cursor(cursor: str | None) -> Query:
    """Cursors come percent-encoded; the transport encodes each value as it sends it."""
    return () if not cursor else (("cursor", unquote(cursor)),)


def _between(start: datetime, end: datetime) -> Query:
    return (("startTime", str(epoch_ms(start))), ("endTime", str(epoch_ms(end))))
