"""How the trade socket is spoken: commands as on REST, each a frame, the session logged in once.

    -> {"op":"auth","args":[key,expires,signature]}
    <- {"retCode":0,"op":"auth",...}
    -> {"reqId":"1","header":{"X-BAPI-TIMESTAMP":"...","X-BAPI-RECV-WINDOW":"5000"},"op":"order.create","args":[{...}]}
    <- {"reqId":"1","retCode":0,"op":"order.create","data":{...},"retExtInfo":{},"header":{"X-Bapi-Limit":"10",...}}

Document: bybit-exchange.github.io/docs/v5/websocket/trade/guideline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.auth import TIME_HEADER, WINDOW_HEADER
from floorbroker.brokers.bybit.rest.calls import AMEND, CANCEL, CREATE, CREATE_BATCH
from floorbroker.brokers.bybit.stream.pulse import PING_S
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.transport.order_socket import Answer, Ready, Refused, Told
from floorbroker.transport.types import Request, Response

OPS: Mapping[str, str] = MappingProxyType(
    {
        CREATE: "order.create",
        CREATE_BATCH: "order.create-batch",
        AMEND: "order.amend",
        CANCEL: "order.cancel",
    }
)
"""What the trade socket takes, by its path on REST; all else goes over REST."""

_PING = '{"op":"ping"}'


class TradeDialect:
    """The `Dialect` of /v5/trade.  `login` writes the log-in of a new connection."""

    ping_s = PING_S

    def __init__(self, *, login: Callable[[], str]) -> None:
        self._login = login

    def opening(self) -> Sequence[bytes | str]:
        return [self._login()]

    def words(self, request: Request, number: int) -> bytes | str:
        """The signed request's time and window go along; its key and signature do not."""
        if request.path not in OPS:
            raise NotSupported(f"the trade socket takes no {request.endpoint}")
        header = {name: request.headers[name] for name in (TIME_HEADER, WINDOW_HEADER)}
        frame = {"reqId": str(number), "header": header, "op": OPS[request.path], "args": [msgspec.Raw(request.body)]}
        return msgspec.json.encode(frame).decode()

    def ping(self) -> bytes | str:
        return _PING

    def on_frame(self, frame: bytes) -> Sequence[Told]:
        try:
            message = wire.decode(frame, wire.TradeMessage, what="a message of the trade socket")
        except ApiError:
            return []  # what cannot be read answers nothing: the command it may have been about ends in doubt
        if message.op == "auth":
            detail = f"the venue does not accept the credentials on the trade socket ({message.ret_code})"
            return [Ready() if message.ret_code == 0 else Refused(detail)]
        number = message.req_id or ""
        if message.op not in OPS.values() or not number.isdecimal() or len(number) > 18:
            return []
        return [Answer(int(number), _response(message))]


def _response(message: wire.TradeMessage) -> Response:
    """Shaped like the answer over REST."""
    envelope = {
        "retCode": message.ret_code,
        "retMsg": message.ret_msg,
        "result": message.data,
        "retExtInfo": message.ret_ext_info,
    }
    headers = {name.lower(): value for name, value in (message.header or {}).items()}
    return Response(status=200, headers=headers, body=msgspec.json.encode(envelope))
