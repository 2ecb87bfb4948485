"""The venue's refusals: status, code and text as its error page lists them; and the face each fault wears.

https://github.com/binance/binance-spot-api-docs/blob/master/errors.md
"""

from __future__ import annotations

from collections.abc import Mapping

from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Reply, json_reply

ORDER_REJECTED = -2010
CANCEL_REJECTED = -2011
HALF_REPLACED = -2021
NOT_REPLACED = -2022
AMEND_REJECTED = -2038
TOO_MANY_ORDERS = -1015

INSUFFICIENT = "Account has insufficient balance for requested action."
WOULD_TRIGGER = "Order would trigger immediately."
WOULD_MATCH = "Order would immediately match and take."
BAD_PRICES = "The relationship of the prices for the orders is not correct."
DUPLICATE = "Duplicate order sent."
UNKNOWN_ORDER = "Unknown order sent."
REASONS = {
    INSUFFICIENT: "INSUFFICIENT_BALANCES",
    WOULD_TRIGGER: "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
    WOULD_MATCH: "WOULD_MATCH_IMMEDIATELY",
    BAD_PRICES: "OCO_BAD_PRICES",
}


class Refused(Exception):
    """The venue says no.  `data` are further members beside code and text; `headers` go with a REST answer."""

    def __init__(
        self,
        status: int,
        code: int,
        text: str,
        *,
        data: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.data = data
        self.headers: Mapping[str, str] = headers or {}
        self.retry: Mapping[str, int] | None = None

    @property
    def body(self) -> dict[str, object]:
        """The error object."""
        known: dict[str, object] = {"code": self.code, "msg": self.text}
        return known if self.data is None else known | {"data": self.data}


def bad(code: int, text: str) -> Refused:
    """A request that is wrong in itself."""
    return Refused(400, code, text)


def missing(name: str) -> Refused:
    return bad(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def missing_both(one: str, other: str) -> Refused:
    return bad(-1102, f"Param '{one}' or '{other}' must be sent, but both were empty/null!")


def empty(name: str) -> Refused:
    return bad(-1105, f"Parameter '{name}' was empty.")


def not_required(name: str) -> Refused:
    return bad(-1106, f"Parameter '{name}' sent when not required.")


def illegal(name: str, legal: str) -> Refused:
    return bad(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def not_valid(name: str) -> Refused:
    return bad(-1130, f"Data sent for parameter '{name}' is not valid.")


def bad_combination() -> Refused:
    return bad(-1128, "Combination of optional parameters invalid.")


def bad_symbol() -> Refused:
    return bad(-1121, "Invalid symbol.")


def filtered(name: str) -> Refused:
    """The order failed one of the symbol's filters."""
    return bad(-1013, f"Filter failure: {name}")


def rejected(text: str) -> Refused:
    """The matching engine does not take the order."""
    return bad(ORDER_REJECTED, text)


def cancel_rejected(text: str = UNKNOWN_ORDER) -> Refused:
    return bad(CANCEL_REJECTED, text)


def amend_rejected(text: str) -> Refused:
    return bad(AMEND_REJECTED, text)


def no_such_order() -> Refused:
    return bad(-2013, "Order does not exist.")


def bad_key_format() -> Refused:
    return Refused(401, -2014, "API-key format invalid.")


def unknown_key() -> Refused:
    return Refused(401, -2015, "Invalid API-key, IP, or permissions for action.")


def bad_signature() -> Refused:
    return bad(-1022, "Signature for this request is not valid.")


def too_late() -> Refused:
    return bad(-1021, "Timestamp for this request is outside of the recvWindow.")


def too_early() -> Refused:
    return bad(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def too_heavy(limit: int, retry_s: int, *, now_ms: int) -> Refused:
    text = (
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    return _later(429, -1003, text, retry_s, now_ms)


def banned(until_ms: int, retry_s: int, *, now_ms: int) -> Refused:
    text = (
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans."
    )
    return _later(418, -1003, text, retry_s, now_ms)


def too_many_orders(limit: int, interval: str, retry_s: int, *, now_ms: int) -> Refused:
    text = f"Too many new orders; current limit is {limit} orders per {interval}."
    return _later(429, TOO_MANY_ORDERS, text, retry_s, now_ms)


def _later(status: int, code: int, text: str, retry_s: int, now_ms: int) -> Refused:
    """REST tells the wait as seconds in a header, the WebSocket API as a moment in the error's data."""
    refused = Refused(status, code, text, headers={"Retry-After": str(retry_s)})
    refused.retry = {"serverTime": now_ms, "retryAfter": now_ms + retry_s * 1000}
    return refused


def no_such_path() -> Reply:
    """What a gateway in front of the API answers to a path that is none: a page, not JSON."""
    page = b"<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center></body></html>"
    return Reply(status=404, body=page, content_type="text/html")


def fault_reply(fault: Fault, *, now_ms: int, limit: int) -> Reply:
    """How a scripted fault looks when this venue wears it; `args.status` chooses another status."""
    refused = fault_refusal(fault, now_ms=now_ms, limit=limit)
    if refused is None:
        page = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body></body></html>"
        return Reply(status=fault.args.status or 503, body=page, content_type="text/html")
    return json_with(refused, status=fault.args.status or refused.status)


def fault_refusal(fault: Fault, *, now_ms: int, limit: int) -> Refused | None:
    """The refusal of a fault; None for a page of the gateway."""
    seconds = int(fault.args.seconds or 60)
    match fault.what:
        case "throttle":
            return too_heavy(limit, seconds, now_ms=now_ms)
        case "ban":
            return banned(now_ms + seconds * 1000, seconds, now_ms=now_ms)
        case "token_expiry":
            return unknown_key()
        case "maintenance":
            return None
        case _:
            status = fault.args.status or 503
            if status < 500:
                return Refused(status, -1000, "An unknown error occurred while processing the request.")
            text = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
            return Refused(status, -1007, text)


def json_with(refused: Refused, *, status: int | None = None) -> Reply:
    """The REST answer of a refusal."""
    answer = json_reply(refused.body, status=status or refused.status)
    return Reply(status=answer.status, body=answer.body, headers=refused.headers, content_type=answer.content_type)
