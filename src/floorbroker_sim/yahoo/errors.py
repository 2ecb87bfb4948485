"""Refusals in the service's own shapes, and the face each scripted fault wears."""

from __future__ import annotations

from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Reply, json_reply

NO_DATA = "No data found, symbol may be delisted"


def chart_error(status: int, code: str, text: str) -> Reply:
    return json_reply({"chart": {"result": None, "error": {"code": code, "description": text}}}, status=status)


def not_found() -> Reply:
    return chart_error(404, "Not Found", NO_DATA)


def unprocessable(text: str) -> Reply:
    return chart_error(422, "Unprocessable Entity", text)


def finance_error(status: int, code: str, text: str) -> Reply:
    return json_reply({"finance": {"result": None, "error": {"code": code, "description": text}}}, status=status)


def bad_crumb() -> Reply:
    return finance_error(401, "Unauthorized", "Invalid Crumb")


def too_many() -> Reply:
    return Reply(status=429, body=b"Too Many Requests", content_type="text/plain; charset=utf-8")


def fault_reply(fault: Fault) -> Reply:
    """How a scripted fault looks when this service wears it; `args.status` chooses another status."""
    match fault.what:
        case "throttle":
            return too_many()
        case "token_expiry":
            return bad_crumb()
        case "maintenance":
            page = b"<html><body><h1>Will be right back...</h1></body></html>"
            return Reply(status=fault.args.status or 503, body=page, content_type="text/html")
        case "ban":
            return Reply(status=fault.args.status or 403, body=b"Forbidden", content_type="text/plain")
        case _:
            return finance_error(fault.args.status or 500, "internal-error", "Internal Server Error")
