"""One question through either door: charged, verified, read, answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from floorbroker_sim.binance import errors, info
from floorbroker_sim.binance.auth import Key, check_window
from floorbroker_sim.binance.errors import Refused
from floorbroker_sim.binance.rest.desk import Desk
from floorbroker_sim.binance.rest.reading import Params
from floorbroker_sim.binance.rest.routes import SIGNED, Operation

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: its parameters as text, the bytes that were signed, and the name of the key."""

    values: Mapping[str, str]
    payload: bytes
    key: str | None


def answer(desk: Desk, operation: Operation, asked: Asked, *, known: Key | None = None) -> Any:
    """What the venue says.  `known` is the key of a session that is logged on.  Raises `Refused`."""
    params = Params(asked.values)
    weight = operation.weighs(params)
    desk.state.meter.take(weight)
    if operation.signed and not verify(desk, asked, known=known).may_trade and operation.is_trade:
        raise errors.unknown_key()
    _check_names(operation, asked, is_logged_on=known is not None)
    try:
        found = operation.handler(desk, params)
    finally:
        desk.flush()
    if operation.is_command and operation.is_free:
        desk.state.meter.give_back(weight)
    return found


def verify(desk: Desk, asked: Asked, *, known: Key | None = None) -> Key:
    """Who asks.  Raises `Refused` for a wrong key, signature or time."""
    params = Params(asked.values)
    key = known or desk.state.keys.known(asked.key)
    sent = params.moment("timestamp") if params.text("timestamp") else None
    window = params.amount("recvWindow") if params.has("recvWindow") else info.DEFAULT_WINDOW_MS
    if window is None or not Decimal(0) < window <= info.MAX_WINDOW_MS:
        raise errors.bad(-1131, "recvWindow must be less than 60000.")
    if known is None and not key.fits(asked.payload, params.text("signature")):
        raise errors.bad_signature()
    if sent is not None:
        check_window(sent, window, desk.state.clock.now())
    return key


def _check_names(operation: Operation, asked: Asked, *, is_logged_on: bool) -> None:
    allowed = operation.names | (SIGNED if is_logged_on else _NONE) | {"apiKey", "returnRateLimits"}
    read = sum(1 for name in asked.values if name in allowed)
    if read < len(asked.values):
        raise errors.bad(
            -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(asked.values)}'."
        )


def order_counts(desk: Desk, operation: Operation, refused: Refused | None) -> Mapping[str, str]:
    """The headers of a placement that went well."""
    return desk.state.meter.order_headers if operation.places and refused is None else {}
