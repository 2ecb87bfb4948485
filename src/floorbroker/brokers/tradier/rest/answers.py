"""Responses of the endpoints: wire values, or what went wrong.

A reader of a command never lets an answer pass that does not name the order.
"""

from __future__ import annotations

from typing import TypeVar

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.errors import BROKER, command_error, meaning_of, read_error, refusal_in
from floorbroker.brokers.tradier.mapping.values import order_id_of
from floorbroker.domain.errors import ApiError, Outcome
from floorbroker.domain.values import OrderId
from floorbroker.transport.types import Response

T = TypeVar("T")
_TAKEN = "ok"


def placed(response: Response, *, what: str) -> OrderId:
    """The venue's id in the answer to a command.  "ok" means taken for review; anything else proves nothing (UNKNOWN)."""
    if response.status != 200 or _is_refusal(response):
        raise command_error(response, what=what)
    reply = wire.decode(response.body, wire.PlacedReply, what=f"the reply to {what}")
    if reply.order.status.lower() != _TAKEN:
        raise ApiError(
            f"the reply to {what} has the unknown status {reply.order.status[:20]}",
            broker=BROKER,
            outcome=Outcome.UNKNOWN,
        )
    return order_id_of(reply.order.id)


def same_placed(response: Response, order_id: str, *, what: str) -> OrderId:
    """`placed`, for a command about an order that is known: the answer is about that one, or proves nothing."""
    found = placed(response, what=what)
    if found != order_id:
        raise ApiError(f"the reply to {what} is about another order", broker=BROKER, outcome=Outcome.UNKNOWN)
    return found


def _is_refusal(response: Response) -> bool:
    try:
        return refusal_in(response) is not None
    except ApiError:
        return False  # not an error body: what it is, its own reader says


def answer(response: Response, kind: type[T], *, what: str) -> T:
    """The body of a read as `kind`."""
    return wire.decode(body_of(response, what=what), kind, what=what)


def body_of(response: Response, *, what: str) -> bytes:
    """The body of a read.  An error body under 200 is none."""
    if response.status != 200 or _is_refusal(response):
        raise read_error(response, what=what)
    return response.body


def previewed(response: Response) -> wire.Preview:
    """What the venue's preview says; raises the refusal it ends in."""
    if response.status != 200 or _is_refusal(response):
        raise command_error(response, what="the preview")
    found = wire.decode(response.body, wire.PreviewReply, what="the preview").order
    if found.result is False or found.status.lower() != _TAKEN:
        raise meaning_of(found.status)("the preview: the venue would refuse it", broker=BROKER, outcome=Outcome.REFUSED)
    return found


def orders_in(body: bytes, *, what: str) -> list[wire.Order]:
    """The orders of a listing, or the one of a reply about one."""
    members = wire.decode(body, dict[str, wire.msgspec.Raw], what=what)
    if "order" in members:
        return wire.one_or_many(members["order"], wire.Order, what=what)
    return wire.items(body, "orders", "order", wire.Order, what=what)


def check_page(page: list[str], seen: set[str], *, what: str) -> frozenset[str]:
    """The ids of a page that are new, `seen` from now on.  Raises `ApiError` when a page brings nothing new."""
    fresh = frozenset(page) - seen
    if page and not fresh:
        raise ApiError(f"{what}: the venue repeats a page, so the list cannot be completed", broker=BROKER)
    seen |= fresh
    return fresh
