"""Errors as `application/problem+json` (RFC 9457): one status per code, and what the caller may do next.

The codes are those of the error tree.  What the HTTP layer itself refuses (a wrong method, a broken body) speaks with the
nearest of them, mostly `invalid_request`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from floorbroker.api.headers import stamp
from floorbroker.api.views.orders import OrderView, order_view
from floorbroker.domain.errors import (
    FieldError,
    FloorbrokerError,
    InvalidRequest,
    Outcome,
    RiskLimitExceeded,
)
from floorbroker.domain.orders import Order, OrderState
from floorbroker.oms.schema import CODES, pointer_of

MEDIA_TYPE = "application/problem+json"

# A definite no to an order is 422 whoever said it; `outcome` tells whether a venue was asked.  502 is for a venue, or the
# way to it, that broke: HTTP libraries repeat requests on 5xx, and an order that was refused must not invite that.
STATUS = {
    "invalid_request": 422,
    "not_found": 404,
    "conflict": 409,
    "kill_switch_on": 423,
    "not_armed": 423,
    "not_ready": 503,
    "vault_locked": 503,
    "vault_refused": 422,
    "forbidden": 403,
    "journal_fault": 503,
    "config_invalid": 503,
    "not_supported": 422,
    "risk_limit_exceeded": 422,
    "position_size_exceeded": 422,
    "daily_loss_limit": 422,
    "connection_failed": 502,
    "gateway_not_running": 502,
    "authentication_failed": 502,
    "session_expired": 502,
    "order_rejected": 422,
    "insufficient_funds": 422,
    "market_closed": 422,
    "symbol_not_found": 422,
    "margin_call": 422,
    "rate_limit_exceeded": 429,
    "api_error": 502,
    "timeout": 504,
    "unknown": 500,
}
# What the HTTP layer refuses by itself.
CODE_OF_STATUS = {
    401: "forbidden",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    412: "conflict",
    429: "rate_limit_exceeded",
    500: "unknown",
}
RETRYABLE = frozenset({"not_ready", "connection_failed", "gateway_not_running", "rate_limit_exceeded", "vault_locked"})
DETAILS = {404: "there is nothing at this path", 405: "this path has no such method"}
STATUS_WORDS = {413: "Content Too Large", 422: "Unprocessable Content", 423: "Locked"}


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One wrong member: JSON pointer into the body (or `/query/…`, `/headers/…`), stable code, what would be right."""

    pointer: str
    code: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong, what is known about the order, and how to go on.  `outcome` is not_sent, refused or unknown."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    outcome: str
    retryable: bool
    request_id: str
    retry_after_s: int | None = None
    recovery: str | None = None
    broker: str | None = None
    broker_text: str | None = None
    control: str | None = None
    limit: str | None = None
    value: str | None = None
    errors: tuple[FieldProblem, ...] = ()
    order: OrderView | None = None


def request_id_of(request: Request) -> str:
    """The id that the outer layer gave this request."""
    return str(getattr(request.state, "request_id", ""))


def problem(request: Request, *, status: int, code: str, detail: str, **members: Any) -> Problem:
    """A problem about this request; members left out are not written.  What it says passes the last filter."""
    clean = _clean_of(request)
    if text := members.get("broker_text"):
        members["broker_text"] = clean(text)
    if errors := members.get("errors"):
        members["errors"] = tuple(msgspec.structs.replace(e, detail=clean(e.detail)) for e in errors)
    return Problem(
        type=f"/docs/errors/{code}",
        title=STATUS_WORDS.get(status) or HTTPStatus(status).phrase,
        status=status,
        detail=clean(detail),
        instance=request.url.path,
        code=code,
        request_id=request_id_of(request),
        outcome=members.pop("outcome", Outcome.NOT_SENT).value,
        retryable=members.pop("retryable", code in RETRYABLE),
        **members,
    )


def _clean_of(request: Request) -> Callable[[str], str]:
    app = request.scope.get("app")
    return str if app is None else app.state.clean


def reply_with(found: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as a reply."""
    told = dict(headers or {})
    if found.retry_after_s is not None:
        told["Retry-After"] = str(found.retry_after_s)
    return Response(msgspec.json.encode(found), status_code=found.status, headers=told, media_type=MEDIA_TYPE)


def status_of(error: FloorbrokerError, *, reading: bool) -> int:
    """The status for one of our errors; `reading` when the request changes nothing."""
    if isinstance(error, InvalidRequest):
        return error.status_hint
    if error.code == "symbol_not_found" and reading:
        return 404
    return STATUS[error.code]


def _recovery(error: FloorbrokerError) -> str | None:
    if error.hint.reauthenticate:
        return "reauthenticate"
    return "notify" if error.hint.notify else None


def of_error(request: Request, error: FloorbrokerError) -> Problem:
    """One of our errors as a problem."""
    members: dict[str, Any] = {
        "broker": error.broker,
        "broker_text": error.venue_text,
        "recovery": _recovery(error),
        "retry_after_s": None if error.hint.retry_after_s is None else math.ceil(error.hint.retry_after_s),
    }
    if isinstance(error, RiskLimitExceeded):
        members |= {"control": error.control, "limit": error.limit, "value": error.value}
    if isinstance(error, InvalidRequest):
        members["errors"] = field_problems(error.fields)
    status = status_of(error, reading=request.method in {"GET", "HEAD"})
    return problem(request, status=status, code=error.code, detail=error.detail, outcome=error.outcome, **members)


def field_problems(fields: tuple[FieldError, ...]) -> tuple[FieldProblem, ...]:
    """Field errors in the problem's shape."""
    return tuple(FieldProblem(pointer=f.pointer, code=f.code, detail=f.detail) for f in fields)


def of_submitted(request: Request, order: Order) -> Problem | None:
    """The problem with an order that is stored but did not reach the venue, or was refused there; None when it stands.

    The order goes with it, so that the caller sees everything that is known.
    """
    code = (order.reject_reason or "").partition(":")[0]
    match order.state:
        case OrderState.REJECTED:
            code, outcome = code if code in STATUS else "order_rejected", Outcome.REFUSED
            detail = "the venue refused the order"
        case OrderState.NOT_SENT:
            code, outcome = code if code in STATUS else "connection_failed", Outcome.NOT_SENT
            detail = f"the order did not leave this machine: {order.reject_reason or 'no connection'}"
        case OrderState.NOT_PLACED:
            code, outcome = "api_error", Outcome.NOT_SENT
            detail = "the venue proved that it does not have the order"
        case _:
            return None
    return problem(
        request,
        status=STATUS[code],
        code=code,
        detail=detail,
        outcome=outcome,
        broker_text=order.venue_text,
        order=order_view(order),
    )


# -- handlers, registered by the app ------------------------------------------------------------------------------------


async def on_floorbroker_error(request: Request, error: Exception) -> Response:
    """Our own errors."""
    assert isinstance(error, FloorbrokerError)
    return reply_with(of_error(request, error))


async def on_http_exception(request: Request, error: Exception) -> Response:
    """What the framework refuses: no such path, wrong method, too large."""
    assert isinstance(error, HTTPException)
    code = CODE_OF_STATUS.get(error.status_code, "invalid_request")
    detail = str(error.detail)
    if detail == HTTPStatus(error.status_code).phrase:
        detail = DETAILS.get(error.status_code, detail)
    found = problem(request, status=error.status_code, code=code, detail=detail)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # The router knows the methods of the first route alone; the document knows those of the path.
        headers["Allow"] = ", ".join(request.app.methods_at(request.url.path)) or headers.get("Allow", "")
    return reply_with(found, headers)


async def on_validation_error(request: Request, error: Exception) -> Response:
    """A path or query the framework could not read.  A path that names nothing we have is 404."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(detail["loc"][0] == "path" for detail in found):
        return reply_with(problem(request, status=404, code="not_found", detail=DETAILS[404]))
    fields = tuple(dict.fromkeys(_parameter_problem(detail) for detail in found))[:20]
    detail = f"{fields[0].pointer}: {fields[0].detail}"
    return reply_with(problem(request, status=422, code="invalid_request", detail=detail, errors=fields))


def _parameter_problem(found: Mapping[str, Any]) -> FieldProblem:
    kind, told = found["type"], str(found["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        told = "no such parameter; leave it out"
    return FieldProblem(pointer=pointer_of(found["loc"]), code=CODES.get(kind, "not_valid"), detail=told)


async def on_bug(request: Request, error: Exception) -> Response:
    """A bug in us: nothing about it leaves but the request id; what became of an order is not known."""
    del error  # the outer layer has logged it
    detail = "something went wrong here; the log has it under this request id"
    changed = request.method not in {"GET", "HEAD"}
    outcome = Outcome.UNKNOWN if changed else Outcome.NOT_SENT
    reply = reply_with(problem(request, status=500, code="unknown", detail=detail, outcome=outcome))
    stamp(
        reply.headers, request_id_of(request), tls=request.url.scheme == "https"
    )  # this reply passes the outer layer by
    return reply
