"""Responses of the endpoints: wire values, or what went wrong."""

from __future__ import annotations

from typing import TypeVar

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.errors import BROKER, command_error, envelope, read_error
from floorbroker.domain.errors import ApiError, FloorbrokerError, Outcome
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


def added_id(response: Response) -> str:
    """The venue's id of a new order.  Anything but exactly one proves nothing (UNKNOWN)."""
    told = command_answer(response, wire.Added, what="the order")
    return _only(told)


def batch_items(response: Response, size: int) -> list[str | FloorbrokerError]:
    """For each order of a batch its id, or its error.  Raises when the whole batch was refused, or nothing is proven."""
    told = command_answer(response, wire.Batch, what="the batch")
    if len(told.orders) != size:
        raise ApiError("the reply to the batch is about other orders", broker=BROKER, outcome=Outcome.UNKNOWN)
    return [_item(item) for item in told.orders]


def _item(item: wire.Added) -> str | FloorbrokerError:
    if item.error:
        return command_error([item.error], what="the order")
    try:
        return _only(item)
    except ApiError as error:
        return error


def _only(told: wire.Added) -> str:
    if len(told.ids) != 1 or not told.ids[0]:
        raise ApiError("the reply to the order names no one order", broker=BROKER, outcome=Outcome.UNKNOWN)
    return told.ids[0]


def checked(response: Response) -> None:
    """A checked order: raises what the venue would refuse it for."""
    found = envelope(response, what="the check")
    if found.errors:
        raise command_error(found.errors, what="the check")
