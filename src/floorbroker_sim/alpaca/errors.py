"""The venue's refusals: status, code and message as observed; and the face each fault wears.

https://docs.alpaca.markets/ shows the shape `{"code","message"}`; the texts are those people meet (broker dossier, section 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from floorbroker.domain.values import text_of
from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Reply, json_reply

BAD_PARAMETER = 40010001
FORBIDDEN = 40310000
NOT_FOUND = 40410000
UNPROCESSABLE = 42210000
TOO_MANY = 42910000
INTERNAL = 50010000


class Refused(Exception):
    """The venue says no."""

    def __init__(self, status: int, code: int | None, message: str, **extras: object) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extras: Mapping[str, object] = extras

    @property
    def body(self) -> dict[str, object]:
        """The error object of the reply."""
        known: dict[str, object] = {} if self.code is None else {"code": self.code}
        return {**known, "message": self.message, **self.extras}

    @property
    def reply(self) -> Reply:
        return json_reply(self.body, status=self.status)


def unauthorized() -> Refused:
    return Refused(401, None, "unauthorized.")


def malformed(detail: str) -> Refused:
    return Refused(400, BAD_PARAMETER, f"request body format is invalid: {detail}")


def bad_parameter(message: str) -> Refused:
    """A query parameter, or one of the checks that are sent with 422 all the same."""
    return Refused(400, BAD_PARAMETER, message)


def invalid(message: str) -> Refused:
    """422 with the code of a bad parameter: order fields that are missing or contradict each other."""
    return Refused(422, BAD_PARAMETER, message)


def unprocessable(message: str, **extras: object) -> Refused:
    return Refused(422, UNPROCESSABLE, message, **extras)


def forbidden(message: str, **extras: object) -> Refused:
    return Refused(403, FORBIDDEN, message, **extras)


def order_not_found(name: str) -> Refused:
    return Refused(404, NOT_FOUND, f"order not found for {name}")


def position_missing() -> Refused:
    return Refused(404, NOT_FOUND, "position does not exist")


def asset_missing(symbol: str) -> Refused:
    return Refused(404, NOT_FOUND, f"asset not found for {symbol}")


def not_found() -> Refused:
    return Refused(404, NOT_FOUND, "Not Found")


def too_little_money(*, buying_power: Decimal, cost_basis: Decimal) -> Refused:
    return forbidden("insufficient buying power", buying_power=text_of(buying_power), cost_basis=text_of(cost_basis))


def too_few_units(
    *, symbol: str, requested: Decimal, available: Decimal, existing: Decimal, related: list[str]
) -> Refused:
    held = text_of(max(abs(existing) - available, Decimal(0)))
    extras: dict[str, object] = {
        "available": text_of(available), "existing_qty": text_of(abs(existing)), "held_for_orders": held, "symbol": symbol,
    }  # fmt: skip
    if related:
        extras["related_orders"] = related
    text = f"(requested: {text_of(requested)}, available: {text_of(available)})"
    if "/" in symbol:
        return forbidden(f"insufficient balance for {symbol.split('/', maxsplit=1)[0]} {text}", **extras)
    return forbidden(f"insufficient qty available for order {text}", **extras)


def sub_penny(field: str, price: Decimal) -> Refused:
    return unprocessable(
        f"invalid {field} {text_of(price)}. sub-penny increment does not fulfill minimum pricing criteria"
    )


def too_many_requests() -> Refused:
    return Refused(429, TOO_MANY, "rate limit exceeded")


def fault_reply(fault: Fault) -> Reply:
    """How a scripted fault looks when this venue wears it; `args.status` chooses another status."""
    seconds = int(fault.args.seconds or 60)
    match fault.what:
        case "throttle":
            refused, headers = too_many_requests(), {"X-RateLimit-Remaining": "0", "Retry-After": str(seconds)}
        case "ban":
            refused, headers = forbidden("access forbidden."), {}
        case "token_expiry":
            refused, headers = unauthorized(), {}
        case "maintenance":
            page = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body></body></html>"
            return Reply(status=fault.args.status or 503, body=page, content_type="text/html")
        case _:
            status = fault.args.status or 500
            refused, headers = Refused(status, INTERNAL, "internal server error occurred"), {}
    answer = refused.reply
    return Reply(status=fault.args.status or answer.status, body=answer.body, headers=headers)
