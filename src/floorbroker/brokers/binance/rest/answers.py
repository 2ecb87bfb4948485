"""Responses of the endpoints: wire values, or what went wrong.

A reader of a command never lets an answer pass that is not about the order we sent.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import msgspec

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.errors import (
    BROKER,
    REFUSALS,
    command_error,
    read_error,
    read_error_body,
    refusal,
    unproven,
)
from floorbroker.domain.errors import ApiError, FloorbrokerError, Outcome
from floorbroker.domain.values import ClOrdId
from floorbroker.transport.types import Response

T = TypeVar("T")

_DONE, _FAILED, _NOT_TRIED = "SUCCESS", "FAILURE", "NOT_ATTEMPTED"
_HALF_DONE, _NOT_DONE = -2021, -2022


def is_success(response: Response) -> bool:
    return 200 <= response.status < 300


def placed_order(response: Response, cl_ord_id: ClOrdId, *, what: str) -> wire.Order:
    """The order of a placement.  Anything but our own order in a 2xx proves nothing (UNKNOWN)."""
    if not is_success(response):
        raise command_error(response, what=what)
    return _ours(wire.decode(response.body, wire.Order, what=f"the reply to {what}"), cl_ord_id, what=what)


def _ours(order: wire.Order, cl_ord_id: ClOrdId, *, what: str) -> wire.Order:
    if order.client_order_id != cl_ord_id or order.order_id <= 0:
        raise _another(what)
    return order


def _another(what: str) -> ApiError:
    return ApiError(f"the reply to {what} is about another order", broker=BROKER, outcome=Outcome.UNKNOWN)


def placed_list(response: Response, cl_ord_id: ClOrdId, *, what: str) -> wire.OrderList:
    """The list of a placement; one of its orders has our id."""
    if not is_success(response):
        raise command_error(response, what=what)
    found = wire.decode(response.body, wire.OrderList, what=f"the reply to {what}")
    if not any(order.client_order_id == cl_ord_id for order in found.order_reports or ()):
        raise _another(what)
    return found


class OrderName(NamedTuple):
    """How a call named an order: by its number, or where that is not known by its client id."""

    symbol: str
    number: str | None
    client_id: str

    def is_of(self, told: wire.Order | wire.AmendedOrder | wire.ListMember) -> bool:
        """Whether a reply is about this order.  A cancelled or amended one has the id it was named by in `origClientOrderId`."""
        if told.symbol != self.symbol:
            return False
        if self.number is not None:
            return str(told.order_id) == self.number
        before = None if isinstance(told, wire.ListMember) else told.orig_client_order_id
        return self.client_id == (before or told.client_order_id)

    @property
    def params(self) -> tuple[tuple[str, str], ...]:
        name = ("orderId", self.number) if self.number is not None else ("origClientOrderId", self.client_id)
        return (("symbol", self.symbol), name)


def order_told(order: wire.Order, name: OrderName) -> wire.Order:
    """The order of a query.  Raises `ApiError` where the reply is about another one."""
    if not name.is_of(order):
        raise _another("the query")
    return order


class Ended(NamedTuple):
    """Orders that a cancel ended, and the members of every list among them, those included that had ended before."""

    orders: list[wire.Order]
    lists: list[list[wire.ListMember]]


def cancelled(response: Response, name: OrderName) -> Ended:
    """The order a cancel ended, or all orders of the list it belonged to; the one that was named is among these."""
    what = "the cancel"
    if not is_success(response):
        raise command_error(response, what=what)
    ended = _cancelled(response.body, what=f"the reply to {what}")
    members = [member for members in ended.lists for member in members]
    if not any(name.is_of(order) for order in (*ended.orders, *members)):
        raise _another(what)
    return ended


def _cancelled(body: bytes, *, what: str) -> Ended:
    told = wire.decode(body, wire.Cancelled, what=what)
    if told.order_reports is None:
        return Ended([wire.decode(body, wire.Order, what=what)], [])
    return Ended(told.order_reports, [told.orders or []])


def cancelled_all(response: Response, wire_symbol: str) -> Ended:
    """Every order that a mass cancel of one symbol ended, those of lists included."""
    if not is_success(response):
        raise command_error(response, what="the mass cancel")
    what = "the reply to the mass cancel"
    items = wire.decode(response.body, list[msgspec.Raw], what=what)
    ended = [_cancelled(bytes(item), what=what) for item in items]
    if any(order.symbol != wire_symbol for one in ended for order in one.orders):
        raise _another("the mass cancel")
    return Ended([order for one in ended for order in one.orders], [members for one in ended for members in one.lists])


def amended(response: Response, name: OrderName) -> wire.Amendment:
    """An order made smaller."""
    what = "the amendment"
    if not is_success(response):
        raise command_error(response, what=what)
    found = wire.decode(response.body, wire.Amendment, what=f"the reply to {what}")
    if not name.is_of(found.amended_order):
        raise _another(what)
    return found


# -- cancelReplace ------------------------------------------------------------------------------------------------------


class HalfDone(Exception):
    """The old order is cancelled, and of the new one we know `error`."""

    def __init__(self, cancelled_order: wire.Order | None, error: FloorbrokerError) -> None:
        super().__init__(error.detail)
        self.cancelled_order = cancelled_order
        self.error = error


def replaced(response: Response, name: OrderName, cl_ord_id: ClOrdId) -> tuple[wire.Order, wire.Order]:
    """The old order, cancelled, and the new one.

    Raises `HalfDone` when the old one is gone and the new one did not come (409, -2021), a refusal when nothing was done (400,
    -2022), and `ApiError` (UNKNOWN) for every answer that does not say exactly that.
    """
    what = "the replace"
    if is_success(response):
        told = wire.decode(response.body, wire.CancelReplace, what=f"the reply to {what}")
        if (told.cancel_result, told.new_order_result) != (_DONE, _DONE):
            raise unproven("", what=what, status=response.status)
        old = wire.decode(told.cancel_response, wire.Order, what="the cancelled order")
        new = wire.decode(told.new_order_response, wire.Order, what="the new order")
        if not name.is_of(old) or new.symbol != old.symbol or new.order_id == old.order_id:
            raise _another(what)
        return old, _ours(new, cl_ord_id, what=what)
    raise _not_replaced(response, name, what=what)


def _not_replaced(response: Response, name: OrderName, *, what: str) -> Exception:
    code, text = read_error_body(response)
    if not 400 <= response.status < 500 or code not in (_HALF_DONE, _NOT_DONE):
        return command_error(response, what=what)
    try:
        body = wire.decode(response.body, wire.ErrorBody, what=f"the reply to {what}")
        halves = wire.decode(body.data, wire.CancelReplace, what="the halves of the replace")
        if (halves.cancel_result, halves.new_order_result) == (_FAILED, _NOT_TRIED):
            return _half_error(halves.cancel_response, what="the cancel inside the replace", status=response.status)
        if (halves.cancel_result, halves.new_order_result) == (_DONE, _FAILED):
            old = wire.decode(halves.cancel_response, wire.Order, what="the cancelled order")
            if not name.is_of(old):
                return _another(what)
            error = _half_error(halves.new_order_response, what="the order after the cancel", status=response.status)
            return HalfDone(old, error)
    except ApiError as error:
        return error
    return unproven(text, what=what, status=response.status)


def _half_error(raw: msgspec.Raw, *, what: str, status: int) -> FloorbrokerError:
    half = wire.decode(raw, wire.Half, what=what)
    if half.code is not None and half.code in REFUSALS:
        return refusal(half.code, (half.msg or "")[:500], what=what)
    return unproven((half.msg or "")[:500], what=what, status=status)


# -- reads --------------------------------------------------------------------------------------------------------------


def answer(response: Response, kind: type[T], *, what: str) -> T:
    """The body of a read as `kind`."""
    if response.status != 200:
        raise read_error(response, what=what)
    return wire.decode(response.body, kind, what=what)
