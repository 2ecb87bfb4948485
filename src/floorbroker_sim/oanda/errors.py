"""The venue's refusals: a message, a code where there is one, and the transaction that says so; and scripted faults' faces.

The shapes are those of the published specification; texts that no document gives are the code in plain words.
"""

from __future__ import annotations

from collections.abc import Mapping

from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Reply, json_reply

_PROSE = {
    "UNITS_INVALID": "Order units specified are invalid",
    "ORDER_DOESNT_EXIST": "The order ID specified does not exist",
    "TRADE_DOESNT_EXIST": "The Trade specified does not exist",
    "CLOSEOUT_POSITION_DOESNT_EXIST": "The Position requested to be closed out does not exist",
    "CLOSE_TRADE_UNITS_EXCEED_TRADE_SIZE": "The units specified exceeds the size of the Trade",
    "INSUFFICIENT_MARGIN": "The Account has insufficient margin",
    "INSTRUMENT_UNKNOWN": "The instrument specified is not known to the system",
    "PRICE_PRECISION_EXCEEDED": "The price specified contains more precision than is allowed for the instrument",
    "UNITS_PRECISION_EXCEEDED": "The units specified contain more precision than is allowed for the Order's instrument",
    "CLIENT_ORDER_ID_ALREADY_EXISTS": "The client Order ID specified is already assigned to another pending Order",
}


def prose(code: str) -> str:
    """What `errorMessage` says about a code."""
    return _PROSE.get(code) or code.replace("_", " ").capitalize()


class Refused(Exception):
    """The venue says no.  `members` stand beside message and code in the body."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, members: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = dict(members or {})
        self.body["errorMessage"] = message
        if code is not None:
            self.body["errorCode"] = code


def invalid(name: str, more: str = "") -> Refused:
    """A parameter or a member that cannot be read."""
    return Refused(400, f"Invalid value specified for '{name}'{'. ' + more if more else ''}")


def rejected(code: str, members: Mapping[str, object], *, status: int = 400) -> Refused:
    """A command that is refused for a reason of the venue's own list."""
    return Refused(status, prose(code), code=code, members=members)


def message_reply(status: int, text: str) -> Reply:
    return json_reply({"errorMessage": text}, status=status)


def unauthorized() -> Reply:
    return message_reply(401, "Insufficient authorization to perform request.")


def too_many(status: int = 429) -> Reply:
    return message_reply(status, "Rate limit exceeded")


def fault_reply(fault: Fault) -> Reply:
    """How a scripted fault looks when this venue wears it; `args.status` chooses another status."""
    status = fault.args.status
    match fault.what:
        case "throttle":
            return too_many(status or 429)
        case "token_expiry":
            return message_reply(status or 401, "Insufficient authorization to perform request.")
        case "ban":
            return message_reply(status or 403, "Forbidden")
        case "maintenance":
            page = b"<html><head><title>503 Service Unavailable</title></head><body></body></html>"
            return Reply(status=status or 503, body=page, content_type="text/html")
        case _:
            return message_reply(status or 500, "Internal Server Error")
