"""The venue's refusals, and the face each fault wears.

Many refusals of orders come with status 200 and a member `error`; the others carry `statusCode` beside it (OpenAPI 2.20.0).
"""

from __future__ import annotations

from decimal import Decimal

from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Reply, json_reply


class Refused(Exception):
    """The venue says no.  `plain` leaves the status out of the body."""

    def __init__(self, status: int, message: str, *, plain: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.plain = plain or status == 200

    @property
    def reply(self) -> Reply:
        if self.status == 401:
            return Reply(status=401, body=self.message.encode(), content_type="text/plain; charset=utf-8")
        body: dict[str, object] = {"error": self.message}
        return json_reply(body if self.plain else {**body, "statusCode": self.status}, status=self.status)


def logged_out() -> Refused:
    """There is no portal session: somebody logs in with a browser first."""
    return Refused(401, "Access Denied")


def no_bridge() -> Refused:
    """There is no brokerage session inside the portal session."""
    return Refused(400, "Bad Request: no bridge")


def accounts_first() -> Refused:
    return Refused(400, "Bad Request: Please query /accounts first")


def bad_request(message: str) -> Refused:
    return Refused(400, f"Bad Request: {message}")


def not_found() -> Refused:
    return Refused(404, "Not Found")


def no_length() -> Refused:
    return Refused(411, "Length Required")


def too_many() -> Refused:
    return Refused(429, "Too Many Requests")


def unavailable() -> Refused:
    """An answer that came too late, or about an order of another session."""
    return Refused(503, "Service Unavailable")


def broken(message: str) -> Refused:
    """Content nobody understands, an unknown contract, a missing prompt: 500 and the text alone."""
    return Refused(500, message, plain=True)


def order_error(message: str) -> Refused:
    """An order, or a change or cancel of one, that is refused: 200 all the same."""
    return Refused(200, message)


def no_such_order(order_id: str) -> Refused:
    return order_error(f"OrderID {order_id} doesn't exist")


def taken_id(name: str) -> Refused:
    return order_error(f"Order couldn't be submitted: Local order ID={name} is already registered.")


def too_little_equity(*, equity: Decimal, needed: Decimal) -> Refused:
    return order_error(
        "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH LOAN VALUE "
        f"[{equity:.2f} USD] MUST EXCEED THE INITIAL MARGIN [{needed:.2f} USD]"
    )


def fault_reply(fault: Fault) -> Reply:
    """How a scripted fault looks when this venue wears it; `args.status` chooses another status."""
    match fault.what:
        case "throttle":
            refused = too_many()
        case "ban":
            refused = Refused(403, "Access Denied")
        case "token_expiry":
            refused = logged_out()
        case "maintenance":
            refused = unavailable()
        case _:
            refused = Refused(fault.args.status or 500, "Internal Server Error")
    answer = refused.reply
    return Reply(status=fault.args.status or answer.status, body=answer.body, content_type=answer.content_type)
