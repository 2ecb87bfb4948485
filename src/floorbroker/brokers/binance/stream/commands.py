"""Order commands in the words of the WebSocket API: the same commands, parameters and answers as over REST.

Each request is signed by itself, so a connection needs no log-in and any kind of key will do.
Document: developers.binance.com/docs/binance-spot-api-docs/web-socket-api.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from urllib.parse import parse_qsl

import msgspec

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.auth import Credentials, sign_params
from floorbroker.brokers.binance.mapping.values import millis
from floorbroker.domain.errors import ApiError, InvalidRequest
from floorbroker.transport.order_socket import Answer, Told
from floorbroker.transport.types import Request, Response

METHODS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("POST", "/api/v3/order"): "order.place",
        ("DELETE", "/api/v3/order"): "order.cancel",
        ("POST", "/api/v3/order/cancelReplace"): "order.cancelReplace",
        ("PUT", "/api/v3/order/amend/keepPriority"): "order.amend.keepPriority",
        ("DELETE", "/api/v3/openOrders"): "openOrders.cancelAll",
        ("POST", "/api/v3/orderList/oco"): "orderList.place.oco",
        ("POST", "/api/v3/orderList/oto"): "orderList.place.oto",
        ("POST", "/api/v3/orderList/otoco"): "orderList.place.otoco",
        ("DELETE", "/api/v3/orderList"): "orderList.cancel",
    }
)
_WHOLE = frozenset(
    {
        "orderId",
        "orderListId",
        "cancelOrderId",
        "trailingDelta",
        "strategyId",
        "strategyType",
        "recvWindow",
        "timestamp",
    }
    | {"aboveTrailingDelta", "belowTrailingDelta", "pendingTrailingDelta"}
)
_COUNTERS = MappingProxyType(
    {
        ("REQUEST_WEIGHT", "MINUTE", 1): "x-mbx-used-weight-1m",
        ("ORDERS", "SECOND", 10): "x-mbx-order-count-10s",
        ("ORDERS", "DAY", 1): "x-mbx-order-count-1d",
    }
)
_PING = "ping"


def sign_for_socket(request: Request, credentials: Credentials, now: datetime, *, recv_window_ms: int) -> Request:
    """The request with its signed parameters as its body; they are in the form or in the query before."""
    params: dict[str, str | int] = {}
    for name, value in (*request.query, *parse_qsl(request.body.decode(), keep_blank_values=True)):
        params[name] = int(value) if name in _WHOLE and value.isdecimal() else value
    signed = sign_params(params, credentials, now, recv_window_ms=recv_window_ms)
    return replace(request, query=(), body=msgspec.json.encode(signed))


class BinanceDialect:
    """`Dialect` of the WebSocket API.  `now` is the venue's time."""

    ping_s = 30.0

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def opening(self) -> Sequence[bytes | str]:
        return ()

    def words(self, request: Request, number: int) -> bytes | str:
        method = METHODS.get((request.method, request.path))
        if method is None:
            raise InvalidRequest(f"{request.endpoint}: the order socket has no such command")
        return msgspec.json.encode({"id": number, "method": method, "params": msgspec.Raw(request.body)}).decode()

    def ping(self) -> bytes | str:
        return msgspec.json.encode({"id": _PING, "method": "ping"}).decode()

    def on_frame(self, frame: bytes) -> Sequence[Told]:
        try:
            told = wire.decode(frame, wire.ApiMessage, what="a frame of the order socket")
        except ApiError:
            return ()  # whose answer it was cannot be told: that command's wait ends in doubt
        if told.status is None or not 100 <= told.status <= 599 or not isinstance(told.id, int):
            return ()
        is_good = 200 <= told.status < 300
        body = bytes(told.result if is_good else told.error)
        return (Answer(told.id, Response(status=told.status, headers=self._headers(told), body=body)),)

    def _headers(self, told: wire.ApiMessage) -> dict[str, str]:
        """The counts of the answer, spelled as the headers of a reply."""
        found: dict[str, str] = {}
        for rate in told.rate_limits or ():
            if name := _COUNTERS.get((rate.rate_limit_type, rate.interval, rate.interval_num)):
                found[name] = str(rate.count)
        if told.status in (418, 429) and (wait_s := self._wait_s(told)) is not None:
            found["retry-after"] = str(wait_s)
        return found

    def _wait_s(self, told: wire.ApiMessage) -> int | None:
        """Whole seconds until `retryAfter`, which is a moment here."""
        try:
            error = wire.decode(told.error, wire.ErrorBody, what="an error")
            until_ms = wire.decode(error.data, wire.ApiErrorData, what="an error's data").retry_after
        except ApiError:
            return None
        if until_ms is None:
            return None
        return max(0, -(-(until_ms - millis(self._now())) // 1000))
