"""The venue's refusals as codes with their texts, the envelope around every answer, and the face each fault wears.

Business errors come with HTTP 200: https://bybit-exchange.github.io/docs/v5/error
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.values import text_of
from floorbroker_sim.bybit.info import SPOT
from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Reply, json_reply

PARAMETER, TIME_WINDOW, KEY_INVALID, BAD_SIGN, PERMISSION, TOO_MANY = 10001, 10002, 10003, 10004, 10005, 10006
AUTH_FAILED, SERVER_ERROR, KEY_EXPIRED = 10007, 10016, 33004


class Refused(Exception):
    """The venue says no, with one of its codes."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def envelope(
    result: object, *, at: datetime, code: int = 0, message: str = "OK", extra: object = None
) -> dict[str, object]:
    """What every answer is wrapped in; `at` is the venue's time."""
    return {
        "retCode": code, "retMsg": message, "result": {} if result is None else result,
        "retExtInfo": {} if extra is None else extra, "time": int(at.timestamp() * 1000),
    }  # fmt: skip


def refusal(refused: Refused, *, at: datetime, headers: Mapping[str, str] | None = None) -> Reply:
    body = json_reply(envelope(None, at=at, code=refused.code, message=refused.message)).body
    return Reply(status=200, body=body, headers=headers or {}, content_type="application/json; charset=utf-8")


def plain(status: int, text: str = "") -> Reply:
    """An answer from in front of the venue's program: no JSON, no code."""
    return Reply(status=status, body=text.encode(), content_type="text/plain")


# --- Who asks, and how -----------------------------------------------------------------------------------------------


def parameter(detail: str) -> Refused:
    return Refused(PARAMETER, detail)


def outside_window(*, sent: int, now: int, window: int) -> Refused:
    return Refused(
        TIME_WINDOW,
        "invalid request, please check your server timestamp or recv_window param. "
        f"req_timestamp[{sent}],server_timestamp[{now}],recv_window[{window}]",
    )


def key_invalid() -> Refused:
    return Refused(KEY_INVALID, "API key is invalid.")


def bad_sign(origin: str) -> Refused:
    shown = origin.encode("utf-8", "replace").decode()  # bytes that are no text came as halves of signs
    return Refused(BAD_SIGN, f"error sign! origin_string[{shown}]")


def no_permission() -> Refused:
    return Refused(PERMISSION, "Permission denied, please check your API key permissions.")


def too_many() -> Refused:
    return Refused(TOO_MANY, "Too many visits!")


# --- Orders ----------------------------------------------------------------------------------------------------------


def _of(category: str, spot: tuple[int, str], linear: tuple[int, str]) -> Refused:
    return Refused(*(spot if category == SPOT else linear))


def symbol_invalid(category: str) -> Refused:
    return _of(category, (170121, "Invalid symbol."), (PARAMETER, "params error: symbol invalid"))


def order_missing(category: str) -> Refused:
    return _of(
        category, (170213, "Order does not exist."), (110001, "order not exists or too late to cancel")
    )  # fmt: skip


def duplicate(category: str) -> Refused:
    return _of(category, (170141, "Duplicate clientOrderId."), (110072, "OrderLinkedID is duplicate"))


def too_poor(category: str) -> Refused:
    return _of(category, (170131, "Insufficient balance."), (110007, "ab not enough for new order"))


def qty_off_step(category: str) -> Refused:
    return _of(category, (170137, "Order volume decimal too long"), (PARAMETER, "Qty invalid"))


def qty_too_low(category: str) -> Refused:
    return _of(
        category, (170136, "Order quantity exceeded lower limit."), (PARAMETER, "The number of contracts is below minimum")
    )  # fmt: skip


def qty_too_high(category: str) -> Refused:
    return _of(
        category, (170124, "Order amount too large."), (PARAMETER, "The number of contracts exceeds maximum limit allowed")
    )  # fmt: skip


def value_too_low(category: str, least: Decimal) -> Refused:
    return _of(
        category,
        (170140, "Order value exceeded lower limit."),
        (110094, f"Order does not meet minimum order value {text_of(least)}USDT"),
    )


def price_off_tick(category: str) -> Refused:
    return _of(category, (170134, "Order price decimal too long."), (PARAMETER, "params error: price invalid"))


def price_outside(category: str) -> Refused:
    return _of(
        category, (170132, "Order price is too high."), (110003, "Order price exceeds the allowable range.")
    )  # fmt: skip


def spot_band(*, is_buy: bool, limit: Decimal) -> Refused:
    if is_buy:
        return Refused(170193, f"Buy order price cannot be higher than {text_of(limit)}USDT.")
    return Refused(170194, f"Sell order price cannot be lower than {text_of(limit)}USDT.")


def too_many_orders(category: str, *, conditional: bool) -> Refused:
    if category == SPOT:
        return Refused(170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders.")
    return (
        Refused(110009, "Too many stop orders") if conditional else Refused(110020, "Not allowed more than 500 orders")
    )


def nothing_to_reduce() -> Refused:
    return Refused(110017, "current position is zero, cannot fix reduce-only order qty")


def below_filled(category: str) -> Refused:
    return _of(
        category,
        (170313, "The modified order quantity must be greater than the executed quantity."),
        (110064, "The number of affected contracts is not above the filled quantity."),
    )


def unchanged() -> Refused:
    return Refused(PARAMETER, "The order remains unchanged as the parameters entered match the existing ones.")


def trigger_side(*, rising: bool) -> Refused:
    text = (
        "expect Rising, but trigger price is not above" if rising else "expect Falling, but trigger price is not below"
    )
    return Refused(110092 if rising else 110093, f"{text} the current price")


# --- Faults ----------------------------------------------------------------------------------------------------------


def fault_reply(fault: Fault, *, at: datetime) -> Reply:
    """How a scripted fault looks when this venue wears it; `args.status` chooses another HTTP status."""
    status = fault.args.status
    seconds = int(fault.args.seconds or 1)
    match fault.what:
        case "throttle":
            until = str(int(at.timestamp() * 1000) + seconds * 1000)
            headers = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": until}
            answer = refusal(too_many(), at=at, headers=headers)
        case "ban":
            answer = flooded()
        case "token_expiry":
            answer = refusal(Refused(KEY_EXPIRED, "Your api key has expired."), at=at)
        case "maintenance":
            page = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body></body></html>"
            return Reply(status=status or 503, body=page, content_type="text/html")
        case _:
            answer = refusal(Refused(SERVER_ERROR, "Server error."), at=at)
            status = status or 500
    if status is None:
        return answer
    return Reply(status=status, body=answer.body, headers=answer.headers, content_type=answer.content_type)


def socket_fault(fault: Fault) -> Refused:
    """The same on the trade socket, which knows codes alone."""
    match fault.what:
        case "throttle":
            return too_many()
        case "ban":
            return Refused(10403, "Exceed IP rate limit.")
        case "token_expiry":
            return Refused(KEY_EXPIRED, "Your api key has expired.")
        case "maintenance":
            return Refused(10019, "The service is restarting.")
        case _:
            return Refused(SERVER_ERROR, "Server error.")


def flooded() -> Reply:
    """Too many requests from one address: no code, no JSON."""
    return plain(403, "access too frequent")
