"""Bytes in and out: an HTTP shell for reads, one for order commands, one for WebSockets, and a layer per concern.

The three shells load on first use, because the libraries under them are large.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from floorbroker.transport.actions import Action, Emit, Reconnect, Send, Session
from floorbroker.transport.backoff import Backoff
from floorbroker.transport.bucket import FULL_SHARES, ORDER_SHARES, READ_SHARES, Budget, LimitNews
from floorbroker.transport.circuit import CircuitState
from floorbroker.transport.layers.audit import Exchange
from floorbroker.transport.layers.gate import HostTable, IntentAge, all_of
from floorbroker.transport.layers.ratelimit import retry_after_s, standard_limits
from floorbroker.transport.limiter import Limiter, Limits
from floorbroker.transport.message import wire_target
from floorbroker.transport.pump import Pump
from floorbroker.transport.sse import SseConnect, SseDecoder, SseEvent
from floorbroker.transport.stack import Fittings, Policy, commands, reads
from floorbroker.transport.supervise import Supervisor
from floorbroker.transport.toolkit import (
    AdaptiveRateLimiter,
    CircuitBreaker,
    MultiEndpointRateLimiter,
    with_exponential_backoff,
)
from floorbroker.transport.types import (
    ByteStream,
    Connect,
    Frame,
    Http,
    Lane,
    OrderHttp,
    Request,
    Response,
    Socket,
    SocketTarget,
    Transport,
)

if TYPE_CHECKING:
    from floorbroker.transport.http import AioHttp
    from floorbroker.transport.order_http import OrderHttpClient
    from floorbroker.transport.ws import WsConnect

_SHELLS = {"AioHttp": "http", "OrderHttpClient": "order_http", "WsConnect": "ws"}

__all__ = [
    "FULL_SHARES",
    "ORDER_SHARES",
    "READ_SHARES",
    "Action",
    "AdaptiveRateLimiter",
    "AioHttp",
    "Backoff",
    "Budget",
    "ByteStream",
    "CircuitBreaker",
    "CircuitState",
    "Connect",
    "Emit",
    "Exchange",
    "Fittings",
    "Frame",
    "HostTable",
    "Http",
    "IntentAge",
    "Lane",
    "LimitNews",
    "Limiter",
    "Limits",
    "MultiEndpointRateLimiter",
    "OrderHttp",
    "OrderHttpClient",
    "Policy",
    "Pump",
    "Reconnect",
    "Request",
    "Response",
    "Send",
    "Session",
    "Socket",
    "SocketTarget",
    "SseConnect",
    "SseDecoder",
    "SseEvent",
    "Supervisor",
    "Transport",
    "WsConnect",
    "all_of",
    "commands",
    "reads",
    "retry_after_s",
    "standard_limits",
    "wire_target",
    "with_exponential_backoff",
]


def __getattr__(name: str) -> object:
    if name in _SHELLS:
        return getattr(import_module(f"{__name__}.{_SHELLS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
