"""Responses of the endpoints: wire values, or what went wrong.

A reader of a command never lets an answer pass that does not name the order: what is no such answer proves nothing (UNKNOWN).
"""

from __future__ import annotations

from typing import TypeVar

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.errors import BROKER, command_error, read_error
from floorbroker.brokers.oanda.mapping.identity import OandaIdentity
from floorbroker.brokers.oanda.mapping.ledger import client_id_of
from floorbroker.brokers.oanda.mapping.values import number_of
from floorbroker.domain.errors import ApiError, Outcome
from floorbroker.domain.values import ClOrdId
from floorbroker.transport.types import Response

T = TypeVar("T")
_IDENTITY = OandaIdentity()


def placed(response: Response, cl_ord_id: ClOrdId, *, what: str, trade_id: str | None = None) -> list[wire.Transaction]:
    """The entries of a POST or PUT that made our order: how it was made first, then what became of it at once.

    201 alone is no yes: an order may be made and canceled in one answer.  What closes the trade `trade_id` may bear no id of
    ours, and is told by that trade.
    """
    told = _accepted(response, what=what, cl_ord_id=cl_ord_id)
    made = told.order_create_transaction or told.long_order_create_transaction or told.short_order_create_transaction
    if made is None or not (client_id_of(made, _IDENTITY) == cl_ord_id or _closes(made, trade_id)):
        raise _nothing(f"the reply to {what} is about another order")
    after = (
        told.order_fill_transaction,
        told.long_order_fill_transaction,
        told.short_order_fill_transaction,
        told.order_reissue_transaction,
        told.replacing_order_cancel_transaction,
        told.long_order_cancel_transaction,
        told.short_order_cancel_transaction,
        told.order_cancel_transaction,
    )
    found = {entry.id: entry for entry in (made, *after) if entry is not None}
    numbers = {_number(number, what=what): entry for number, entry in found.items()}
    rest = [entry for _, entry in sorted(numbers.items()) if entry.id != made.id]
    before = [entry for entry in rest if number_of(entry.id) < number_of(made.id)]  # the cancel of what was replaced
    return [made, *before, *(entry for entry in rest if entry not in before)]


def _closes(made: wire.Transaction, trade_id: str | None) -> bool:
    is_nameless = client_id_of(made, _IDENTITY) is None
    return (
        trade_id is not None and is_nameless and made.trade_close is not None and made.trade_close.trade_id == trade_id
    )


def canceled(response: Response, order_id: str | None, cl_ord_id: ClOrdId, *, what: str) -> wire.Transaction:
    """The entry that canceled our order."""
    told = _accepted(response, what=what, cl_ord_id=None)
    entry = told.order_cancel_transaction
    is_ours = entry is not None and (
        entry.order_id == order_id if order_id is not None else entry.client_order_id == cl_ord_id
    )
    if entry is None or not is_ours:
        raise _nothing(f"the reply to {what} is about another order")
    _number(entry.id, what=what)
    return entry


def _accepted(response: Response, *, what: str, cl_ord_id: str | None) -> wire.CommandReply:
    if response.status not in (200, 201):
        raise command_error(response, what=what, cl_ord_id=cl_ord_id)
    try:
        return wire.decode(response.body, wire.CommandReply, what=f"the reply to {what}")
    except ApiError as error:
        error.outcome = Outcome.UNKNOWN
        raise


def _number(number: str, *, what: str) -> int:
    try:
        return number_of(number)
    except ApiError:
        raise _nothing(f"the reply to {what} has an entry without a number") from None


def _nothing(detail: str) -> ApiError:
    return ApiError(detail, broker=BROKER, outcome=Outcome.UNKNOWN)


def answer(response: Response, kind: type[T], *, what: str) -> T:
    """The body of a read as `kind`."""
    if response.status != 200:
        raise read_error(response, what=what)
    return wire.decode(response.body, kind, what=what)
