"""Responses of the endpoints: wire values, or what went wrong.

An order is answered in one of four shapes, all of them 200: placed, a question, a refusal, a prompt.  The elements of an array
are about one ticket each (`orderReplyMessage`), so a group may be placed in part and asked about in part.  `read_placing` tells
which, and `accepted` lets nothing pass that is not about the order we sent.  Document: IB REST API 2.20.0, POST .../orders and
/iserver/reply.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.errors import command_error, error_text, read_error, refusal_in
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, venue_id
from floorbroker.domain.errors import ApiError, FloorbrokerError, OrderRejected, Outcome
from floorbroker.transport.types import Response

T = TypeVar("T")
_TEXT_MAX = 500
_IDS_MAX = 50
_REPLY_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


@dataclass(frozen=True, slots=True)
class Question:
    """The venue wants a yes before there is an order.  `ids` are the messages it is made of."""

    reply_id: str
    ids: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One order of a reply: its venue id, its status word, and our id of it where told."""

    order_id: str
    status: str | None
    local_id: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What one answer says: orders that exist, and questions that stand before others do.  A group may be asked about ticket by
    ticket.
    """

    lines: tuple[Line, ...] = ()
    questions: tuple[Question, ...] = ()


def read_placing(response: Response, *, what: str) -> Told:
    """The answer to an order, or to a yes about it.

    Raises what a refusal says, and `ApiError` (UNKNOWN) for whatever is none of the four shapes, or two of them at once.
    A prompt is a refusal: the venue turned the ticket down, and offers what nobody here can choose.
    """
    if response.status != 200:
        raise command_error(response, what=what)
    parts = wire.one_or_many(response.body, wire.Placed, what=f"the reply to {what}")
    refused = [error for part in parts if (error := _refusal(part, what)) is not None]
    if refused:
        if len(refused) < len(parts) or any(part.order_id is not None or part.id for part in parts):
            raise ApiError(f"the reply to {what} has an error beside an order", broker=BROKER, outcome=Outcome.UNKNOWN)
        raise next((error for error in refused if error.outcome is Outcome.UNKNOWN), refused[0])
    return Told(
        lines=tuple(line for part in parts if (line := _line(part, what)) is not None),
        questions=tuple(_question(part, what) for part in parts if part.id),
    )


def _refusal(part: wire.Placed, what: str) -> FloorbrokerError | None:
    if part.error is not None:
        return refusal_in(part.error, what=what)
    if part.prompt:
        detail = f"{what}: the venue wants a choice that no machine makes"
        return OrderRejected(detail, broker=BROKER, venue_text=(part.text or "")[:_TEXT_MAX])
    return None


def _line(part: wire.Placed, what: str) -> Line | None:
    """The order of one element; None where it is a question.  Raises `ApiError` for both at once, and for neither."""
    order_id = venue_id(part.order_id)
    if (order_id is None) is not bool(part.id):
        raise ApiError(f"the reply to {what} is not about this order", broker=BROKER, outcome=Outcome.UNKNOWN)
    return None if order_id is None else Line(order_id, part.order_status, part.local_order_id or None)


def _question(part: wire.Placed, what: str) -> Question:
    """A question has an id to answer to, words and message ids.  Raises `ApiError` (UNKNOWN) for less: an id may be anything."""
    texts = [part.message] if isinstance(part.message, str) else part.message or []
    if not _REPLY_ID.fullmatch(part.id or "") or not part.messageIds or not any(texts):
        raise ApiError(f"the reply to {what} is no question and no order", broker=BROKER, outcome=Outcome.UNKNOWN)
    return Question(
        reply_id=part.id or "",
        ids=tuple(found[:32] for found in part.messageIds[:_IDS_MAX]),
        text=" ".join(texts)[:_TEXT_MAX],
    )


def accepted(lines: Sequence[Line], *, orders: int, cl_ord_id: str | None, what: str) -> tuple[Line, ...]:
    """The orders of a group, its head first.  Raises `ApiError` (UNKNOWN) unless they are all there, each once, and ours."""
    head = next((line for line in lines if cl_ord_id is not None and line.local_id == cl_ord_id), None)
    ordered = tuple(lines) if head is None else (head, *(line for line in lines if line is not head))
    is_foreign = head is None and any(line.local_id is not None for line in lines[:1])
    if len(lines) != orders or len({line.order_id for line in lines}) != orders or is_foreign:
        raise ApiError(f"the reply to {what} is not about this order", broker=BROKER, outcome=Outcome.UNKNOWN)
    return ordered


def cancel_answer(response: Response, *, what: str) -> None:
    """200 with a message means asked; raises what a refusal says."""
    if response.status != 200:
        raise command_error(response, what=what)
    for part in wire.one_or_many(response.body, wire.Cancelled, what=f"the reply to {what}"):
        if part.error is not None:
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
