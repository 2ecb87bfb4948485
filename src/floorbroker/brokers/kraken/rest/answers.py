"""Responses of the endpoints: wire values, or what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.errors import BROKER, command_error, envelope, read_error
from floorbroker.domain.errors import ApiError, FloorbrokerError, Outcome
from floorbroker.domain.values import ClOrdId
from floorbroker.transport.types import Response

T = TypeVar("T")


def answer(response: Response, kind: type[T], *, what: str) -> T:
    """The result of a read as `kind`; raises what an error says."""
    found = envelope(response, what=what)
    if found.errors:
        raise read_error(found.errors, what=what)
    return wire.decode(found.result, kind, what=what)


def command_answer(response: Response, kind: type[T], *, what: str) -> T:
    """The result of a command as `kind`; raises a refusal, or UNKNOWN for whatever proves nothing."""
    found = envelope(response, what=what)
    if found.errors:
        raise command_error(found.errors, what=what)
    return wire.decode(found.result, kind, what=f"the reply to {what}")


def added_id(response: Response, cl_ord_id: ClOrdId) -> str:
    """The venue's id of a new order.  Anything but exactly one, or an answer about another order, proves nothing (UNKNOWN)."""
    return _only(command_answer(response, wire.Added, what="the order"), cl_ord_id)


def batch_items(response: Response, asked: Sequence[ClOrdId]) -> list[str | FloorbrokerError]:
    """For each order of a batch its id, or its error.  Raises when the whole batch was refused, or nothing is proven."""
    told = command_answer(response, wire.Batch, what="the batch")
    if len(told.orders) != len(asked):
        raise ApiError("the reply to the batch is about other orders", broker=BROKER, outcome=Outcome.UNKNOWN)
    return [_item(item, cl_ord_id) for item, cl_ord_id in zip(told.orders, asked, strict=True)]


def _item(item: wire.Added, cl_ord_id: ClOrdId) -> str | FloorbrokerError:
    try:
        if item.error:
            _check_named(item, cl_ord_id)
            return command_error([item.error], what="the order")
        return _only(item, cl_ord_id)
    except ApiError as error:
        return error


def _only(told: wire.Added, cl_ord_id: ClOrdId) -> str:
    _check_named(told, cl_ord_id)
    if len(told.ids) != 1 or not told.ids[0]:
        raise ApiError("the reply to the order names no one order", broker=BROKER, outcome=Outcome.UNKNOWN)
    return told.ids[0]


def _check_named(told: wire.Added, cl_ord_id: ClOrdId) -> None:
    """An answer need not name our id; where it does, it is about that order and no other."""
    if told.cl_ord_id and told.cl_ord_id != cl_ord_id:
        raise ApiError("the reply is about another order", broker=BROKER, outcome=Outcome.UNKNOWN)


def checked(response: Response) -> None:
    """A checked order: raises what the venue would refuse it for."""
    found = envelope(response, what="the check")
    if found.errors:
        raise command_error(found.errors, what="the check")
