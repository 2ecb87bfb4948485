"""The venue's refusals: one string in the `error` list of an answer with HTTP 200; and the face each fault wears.

https://docs.kraken.com/exchange/guides/general/errors
"""

from __future__ import annotations

from datetime import datetime

from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Reply, json_reply

INVALID_KEY = "EAPI:Invalid key"
INVALID_SIGNATURE = "EAPI:Invalid signature"
INVALID_NONCE = "EAPI:Invalid nonce"
CALLS_EXCEEDED = "EAPI:Rate limit exceeded"
LOCKOUT = "EGeneral:Temporary lockout"
PERMISSION_DENIED = "EGeneral:Permission denied"
UNKNOWN_METHOD = "EGeneral:Unknown method"
INTERNAL = "EGeneral:Internal error"
UNAVAILABLE = "EService:Unavailable"
DEADLINE = "EService:Deadline elapsed"
UNKNOWN_PAIR = "EQuery:Unknown asset pair"
UNKNOWN_ASSET = "EQuery:Unknown asset"
UNKNOWN_ORDER = "EOrder:Unknown order"
UNKNOWN_POSITION = "EOrder:Unknown position"
INVALID_ORDER = "EOrder:Invalid order"
INVALID_PRICE = "EOrder:Invalid price"
FUNDS = "EOrder:Insufficient funds"
ORDER_MIN = "EOrder:Order minimum not met"
COST_MIN = "EOrder:Cost minimum not met"
TICK_SIZE = "EOrder:Tick size check failed"
ENGINE_EXCEEDED = "EOrder:Rate limit exceeded"
TOO_MANY_ORDERS = "EOrder:Orders limit exceeded"
NO_MARGIN = "EOrder:Cannot open position"
NOTHING_TO_REDUCE = "EOrder:Reduce only:No position exists"
SESSION = "ESession:Invalid session"

MODES = {
    "cancel_only": "EService:Market in cancel_only mode",
    "post_only": "EService:Market in post_only mode",
    "limit_only": "EService:Market in limit_only mode",
    "maintenance": UNAVAILABLE,
}


class Refused(Exception):
    """The venue says no, in these words."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def invalid(detail: str = "") -> Refused:
    """An argument is missing, malformed or contradicts another; the venue names it where it can."""
    return Refused(f"EGeneral:Invalid arguments:{detail}" if detail else "EGeneral:Invalid arguments")


def refusal(text: str) -> Reply:
    """The answer to a request that failed: HTTP 200 all the same."""
    return json_reply({"error": [text]})


def fault_reply(fault: Fault, at: datetime) -> Reply:
    """How a scripted fault looks when this venue wears it; `args.status` chooses another status.

    A page from the proxy in front of the venue has no JSON at all, and tells nothing about the order behind it.
    """
    match fault.what:
        case "throttle":
            text = CALLS_EXCEEDED
            if fault.args.seconds is not None:
                text = f"EService: Throttled: {int(at.timestamp() + fault.args.seconds)}"
        case "ban":
            text = LOCKOUT
        case "token_expiry":
            text = INVALID_KEY
        case "maintenance":
            text = UNAVAILABLE
        case _:
            page = b"<html><head><title>520: Web server is returning an unknown error</title></head></html>"
            return Reply(status=fault.args.status or 520, body=page, content_type="text/html")
    answer = refusal(text)
    return Reply(status=fault.args.status or 200, body=answer.body)


def fault_text(fault: Fault, at: datetime) -> str:
    """The same for a command on a socket: the words of the `error` member."""
    match fault.what:
        case "throttle" if fault.args.seconds is not None:
            return f"EService: Throttled: {int(at.timestamp() + fault.args.seconds)}"
        case "throttle":
            return "Exceeded msg rate"
        case "ban":
            return LOCKOUT
        case "token_expiry":
            return SESSION
        case "maintenance":
            return UNAVAILABLE
        case _:
            return INTERNAL
