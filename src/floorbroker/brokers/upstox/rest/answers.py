"""Responses of the endpoints: wire values, or what went wrong.

A reader of a command never lets an answer pass that does not name the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.errors import command_error, is_refusal, problems_of, read_error, refusal
from floorbroker.brokers.upstox.info import BROKER
from floorbroker.brokers.upstox.mapping.values import order_id_of
from floorbroker.domain.errors import ApiError, FloorbrokerError, Outcome, VenueError
from floorbroker.domain.values import OrderId
from floorbroker.transport.types import Response

T = TypeVar("T")
_OK = 200
_SUCCESS = "success"
_DONE = frozenset({_SUCCESS, "partial_success"})


def placed(response: Response, *, what: str) -> OrderId:
    """The one order that the answer to a place names, whatever the status beside it.

    Raises the refusal where the answer is one, and `ApiError` (UNKNOWN) for all that names no order, or several: nothing here
    asks to be sliced.
    """
    ids = _ids_in(response)
    if not ids:
        raise command_error(response, what=what)
    if len(ids) > 1:
        raise _doubt(f"{what}: the venue made {len(ids)} orders of it")
    try:
        return order_id_of(ids[0])
    except ApiError as error:
        error.outcome = Outcome.UNKNOWN
        raise


def _ids_in(response: Response) -> list[str]:
    try:
        envelope = wire.decode(response.body, wire.Envelope, what="the reply")
        return (
            []
            if wire.is_none(envelope.data)
            else wire.decode(envelope.data, wire.PlacedIds, what="the reply").order_ids
        )
    except ApiError:
        return []


def fared(response: Response, count: int, *, what: str) -> list[OrderId | VenueError]:
    """What became of each of several orders, by the number it was sent under.

    An order that the answer names is there, once; a listed refusal under its number refuses it.  Of one that the answer says
    nothing of, nothing is known, unless the whole was refused.
    """
    try:
        envelope = wire.decode(response.body, wire.Envelope, what="the reply")
        lines = [] if wire.is_none(envelope.data) else wire.decode(envelope.data, list[wire.Line], what="the reply")
        problems = problems_of(envelope)
    except ApiError:
        return [_as_venue_error(command_error(response, what=what))] * count
    placed_under: dict[str, set[str]] = {}
    for line in lines:
        placed_under.setdefault(line.correlation_id, set()).add(line.order_id)
    if not lines and not any(problem.correlation_id for problem in problems):
        return [_as_venue_error(command_error(response, what=what))] * count
    return [_one_of_many(str(number), placed_under, problems, response, what=what) for number in range(count)]


def _one_of_many(
    number: str, placed_under: dict[str, set[str]], problems: tuple[wire.Problem, ...], response: Response, *, what: str
) -> OrderId | VenueError:
    if (named := placed_under.get(number)) is not None:
        if len(named) > 1:
            return _doubt(f"{what}: the venue made {len(named)} orders of order {number}")
        try:
            return order_id_of(*named)
        except ApiError:
            return _doubt(f"{what}: the venue names order {number} in no way it can be asked for")
    mine = [problem for problem in problems if problem.correlation_id == number]
    if response.status < 500 and is_refusal(mine):
        return refusal(mine, what=what, status=response.status)
    return _doubt(f"{what}: the venue's answer says nothing of order {number} that proves anything")


def _as_venue_error(error: FloorbrokerError) -> VenueError:
    return error if isinstance(error, VenueError) else _doubt(error.detail)


def done(response: Response, order_id: str, *, what: str) -> None:
    """For a command about an order that is known: success about that one; anything else is a refusal or proves nothing."""
    try:
        envelope = wire.decode(response.body, wire.Envelope, what="the reply")
        named = wire.decode(envelope.data, wire.NamedId, what="the reply").order_id
    except ApiError:
        raise command_error(response, what=what) from None
    if response.status != _OK or envelope.status != _SUCCESS or named != order_id:
        raise _doubt(f"{what}: the venue answered {response.status} about another order, or not in so many words")


def gtt_done(response: Response, gtt_id: str, *, what: str) -> None:
    """`done`, for a command about a GTT order, whose answer names it in a list."""
    try:
        envelope = wire.decode(response.body, wire.Envelope, what="the reply")
        named = wire.decode(envelope.data, wire.GttIds, what="the reply").gtt_order_ids
    except ApiError:
        raise command_error(response, what=what) from None
    if response.status != _OK or envelope.status != _SUCCESS or gtt_id not in named:
        raise _doubt(f"{what}: the venue answered {response.status} about another order, or not in so many words")


def cancelled_all(response: Response, *, what: str) -> tuple[OrderId, ...]:
    """The orders that a cancel of all says it was passed on for; those it could not pass on are looked at one by one.

    Raises `ApiError` (UNKNOWN) for an answer in other words.
    """
    try:
        envelope = wire.decode(response.body, wire.Envelope, what="the reply")
        problems = problems_of(envelope)
        named = [] if wire.is_none(envelope.data) else wire.decode(envelope.data, wire.PlacedIds, what=what).order_ids
        ids = tuple(order_id_of(one) for one in named)
    except ApiError:
        raise command_error(response, what=what) from None
    if response.status == _OK and envelope.status in _DONE:
        return ids
    if not ids and response.status in range(400, 500) and is_refusal(problems):
        raise refusal(problems, what=what, status=response.status)
    raise command_error(response, what=what)


def _doubt(detail: str) -> ApiError:
    return ApiError(detail, broker=BROKER, outcome=Outcome.UNKNOWN)


def answer(response: Response, kind: type[T], *, what: str) -> T:
    """`data` of a read as `kind`.  Raises what the venue says, and `ApiError` for an answer without data."""
    if response.status != _OK:
        raise read_error(response, what=what)
    envelope = wire.decode(response.body, wire.Envelope, what=what)
    if envelope.status != _SUCCESS or wire.is_none(envelope.data):
        raise read_error(response, what=what)
    return wire.decode(envelope.data, kind, what=what)


def token_in(response: Response) -> wire.Token:
    """The answer to the log-in, which has no envelope."""
    if response.status != _OK:
        raise read_error(response, what="the log-in")
    return wire.decode(response.body, wire.Token, what="the log-in")


def trades_in(body: bytes) -> list[wire.Trade]:
    """The executions in the body of a good answer."""
    found: list[wire.Trade] = answer(Response(status=_OK, body=body), list[wire.Trade], what="the trades")
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """What a listing says order by order: those that can be read, and the bytes of those that cannot."""

    orders: list[wire.Order]
    unreadable: list[bytes]


def orders_told(response: Response, *, what: str) -> Told:
    """Every order of a listing."""
    told = Told([], [])
    raws: list[wire.msgspec.Raw] = answer(response, list[wire.msgspec.Raw], what=what)
    for raw in raws:
        try:
            order = wire.decode(raw, wire.Order, what=what)
            order_id_of(order.order_id)
        except ApiError:
            told.unreadable.append(bytes(raw))
        else:
            told.orders.append(order)
    return told
