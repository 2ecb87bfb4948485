"""The service's refusals, and the face each scripted fault wears.  Texts stand in `error` or in `message`, as there."""

from __future__ import annotations

from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Reply, json_reply

UNKNOWN_KEY = "Unknown API Key"
TOO_MANY = (
    "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue."
    " https://massive.com/pricing"
)
NOT_ENTITLED = "You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing"
TOO_FRESH = (
    "Attempted to request today's data before end of day. Please upgrade your plan at https://massive.com/pricing"
)
TOO_OLD = "Your plan doesn't include this data timeframe. Please upgrade your plan at https://massive.com/pricing"


class Refused(Exception):
    """The service says no."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def bad_request(text: str) -> Refused:
    return Refused(400, text)


def not_found(text: str = "Data not found.") -> Refused:
    return Refused(404, text)


def refusal(status: int, text: str, request_id: str) -> Reply:
    """403 and 404 speak in `message`, everything else in `error`."""
    word = {403: "NOT_AUTHORIZED", 404: "NOT_FOUND"}.get(status, "ERROR")
    where = "message" if status in (403, 404) else "error"
    return json_reply({"status": word, "request_id": request_id, where: text}, status=status)


def fault_reply(fault: Fault, request_id: str) -> Reply:
    """How a scripted fault looks when this service wears it; `args.status` chooses another status."""
    status = fault.args.status
    match fault.what:
        case "throttle":
            return refusal(status or 429, TOO_MANY, request_id)
        case "token_expiry":
            return refusal(status or 401, UNKNOWN_KEY, request_id)
        case "ban":
            return refusal(status or 403, NOT_ENTITLED, request_id)
        case "maintenance":
            page = b"<html><head><title>502 Bad Gateway</title></head><body></body></html>"
            return Reply(status=status or 502, body=page, content_type="text/html")
        case _:
            return refusal(status or 500, "internal error", request_id)
