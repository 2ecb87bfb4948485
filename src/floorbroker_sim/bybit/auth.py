"""Who may speak: HMAC-SHA256 over time, key, window and the payload as it was sent; sockets sign `GET/realtime` and a time.

https://bybit-exchange.github.io/docs/v5/guide#authentication
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from random import Random

from floorbroker_sim.bybit import errors, info
from floorbroker_sim.http import Request

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Keys:
    """One key of the account and what it may do."""

    key: str
    secret: str
    read_only: bool = False
    can_withdraw: bool = False


def make_keys(random: Random, *, read_only: bool = False, can_withdraw: bool = False) -> Keys:
    """A key of eighteen signs and a secret of thirty-six, as system-generated ones are."""
    key, secret = ("".join(random.choice(_LETTERS) for _ in range(length)) for length in (18, 36))
    return Keys(key, secret, read_only=read_only, can_withdraw=can_withdraw)


def signature(secret: str, payload: str) -> str:
    """Lower-case hex."""
    return hmac.new(secret.encode(), payload.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def check_request(request: Request, keys: Keys, *, now_ms: int) -> None:
    """Raises `Refused` (10002, 10003, 10004) for a request that is not signed by `keys` in time."""
    sent, window = request.headers.get("x-bapi-timestamp", ""), request.headers.get("x-bapi-recv-window", "")
    key = request.headers.get("x-bapi-api-key", "")
    if not hmac.compare_digest(key.encode(), keys.key.encode()):
        raise errors.key_invalid()
    check_time(sent, window, now_ms=now_ms)
    payload = request.raw_query if request.method == "GET" else request.body.decode("utf-8", "surrogateescape")
    origin = sent + key + window + payload
    given = request.headers.get("x-bapi-sign", "")
    if not hmac.compare_digest(given.encode(), signature(keys.secret, origin).encode()):
        raise errors.bad_sign(origin)


def check_time(sent: object, window: object, *, now_ms: int) -> None:
    """`server - window <= sent < server + 1 s`, numbers or text.  Raises `Refused`."""
    moment = whole(sent)
    span = info.RECV_WINDOW_MS if window is None or window == "" else whole(window)
    if moment is None or span is None:
        raise errors.parameter("params error: timestamp or recv_window is not a number")
    if not now_ms - span <= moment < now_ms + info.AHEAD_MS:
        raise errors.outside_window(sent=moment, now=now_ms, window=span)


def whole(value: object) -> int | None:
    """A number of milliseconds, as a number or as text; None for anything else."""
    if isinstance(value, bool):
        return None
    text = str(value) if isinstance(value, int | str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def check_socket(args: list[object], keys: Keys, *, now_ms: int) -> None:
    """`[key, expires, signature]` of an `auth` message.  Raises `Refused`."""
    if len(args) != 3 or not isinstance(args[0], str) or not isinstance(args[2], str):
        raise errors.parameter("Params Error")
    expires = whole(args[1])
    if expires is None:
        raise errors.parameter("Params Error")
    if not hmac.compare_digest(args[0].encode(), keys.key.encode()):
        raise errors.key_invalid()
    if expires <= now_ms:
        raise errors.Refused(errors.TIME_WINDOW, "Request expired")
    if not hmac.compare_digest(args[2].encode(), signature(keys.secret, f"GET/realtime{expires}").encode()):
        raise errors.bad_sign(f"GET/realtime{expires}")
