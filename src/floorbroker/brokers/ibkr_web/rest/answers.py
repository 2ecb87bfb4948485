"""Responses of the endpoints: wire values, or what went wrong.

An order is answered in one of four shapes, all of them 200: placed, a question, a refusal, a prompt.  `read_placing`
tells which, and never lets an answer pass that is not about the order we sent.  Document: IB REST API 2.20.0, POST
.../orders and /iserver/reply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.errors import command_error, error_text, read_error, refusal_in
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, venue_id
from floorbroker.domain.errors import ApiError, OrderRejected, Outcome
from floorbroker.transport.types import Response

T = TypeVar("T")
_TEXT_MAX = 500


@dataclass(frozen=True, slots=True)
class Question:
    """The venue wants a yes before there is an order.  `ids` are the messages it is made of."""

    reply_id: str
    ids: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One order of a reply: its venue id and its status word."""

    order_id: str
    status: str | None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The venue has the orders, the head of a group first."""

    lines: tuple[Line, ...]


def read_placing(response: Response, *, orders: int, cl_ord_id: str | None, what: str) -> Acceptance | Question:
    """The answer to an order of so many tickets, or to a yes about it.

    Raises what a refusal says, and `ApiError` (UNKNOWN) for whatever is none of the four shapes.  A prompt is a refusal here:
    nobody is there to choose, and the order does not exist before somebody has.
    """
    if response.status != 200:
        raise command_error(response, what=what)
    parts = wire.one_or_many(response.body, wire.Placed, what=f"the reply to {what}")
    told = next((part.error for part in parts if part.error), None)
    if told is not None:
        raise refusal_in(told, what=what)
    if any(part.prompt for part in parts):
        text = next((part.text for part in parts if part.text), "")
        raise OrderRejected(
            f"{what}: the venue wants a choice that no machine makes", broker=BROKER, venue_text=text[:_TEXT_MAX]
        )
    if len(parts) == 1 and parts[0].id and parts[0].order_id is None:
        return _question(parts[0])
    return _acceptance(parts, orders=orders, cl_ord_id=cl_ord_id, what=what)


def _question(part: wire.Placed) -> Question:
    texts = [part.message] if isinstance(part.message, str) else part.message or []
    return Question(
        reply_id=part.id or "",
        ids=tuple(found[:32] for found in (part.messageIds or [])[:50]),
        text=" ".join(texts)[:_TEXT_MAX],
    )


def _acceptance(parts: list[wire.Placed], *, orders: int, cl_ord_id: str | None, what: str) -> Acceptance:
    lines = [Line(order_id, part.order_status) for part in parts if (order_id := venue_id(part.order_id)) is not None]
    foreign = any(part.local_order_id not in (None, "", cl_ord_id) for part in parts[:1])
    if len(lines) != len(parts) or len(lines) != orders or len({line.order_id for line in lines}) != orders or foreign:
        raise ApiError(f"the reply to {what} is not about this order", broker=BROKER, outcome=Outcome.UNKNOWN)
    return Acceptance(tuple(lines))


def cancel_answer(response: Response, *, what: str) -> None:
    """200 with a message means asked; raises what a refusal says."""
    if response.status != 200:
        raise command_error(response, what=what)
    for part in wire.one_or_many(response.body, wire.Cancelled, what=f"the reply to {what}"):
        if part.error:
            raise refusal_in(part.error, what=what)
        if part.msg is None and part.order_id is None:
            raise ApiError(f"the reply to {what} says nothing", broker=BROKER, outcome=Outcome.UNKNOWN)


def answer(response: Response, kind: type[T], *, what: str) -> T:
    """The body of a read as `kind`."""
    _assert_answered(response, what=what)
    return wire.decode(response.body, kind, what=what)


def answers(response: Response, kind: type[T], *, what: str) -> list[T]:
    """The body of a read that is a list, or one of its elements alone."""
    _assert_answered(response, what=what)
    return wire.one_or_many(response.body, kind, what=what)


def _assert_answered(response: Response, *, what: str) -> None:
    """A 200 may be an error all the same: then its text counts."""
    if response.status != 200:
        raise read_error(response, what=what)
    if response.body[:16].lstrip().startswith(b'{"error"') and (text := error_text(response)):
        raise ApiError(f"{what}: the venue answered with an error", broker=BROKER, venue_text=text)
