"""What answered a command: pure, from what was said about its orders to reports, or to an error that says what is known."""

from __future__ import annotations

import msgspec

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.errors import BROKER, Nature, error_of, row_of
from floorbroker.domain.errors import ApiError, Outcome, VenueError
from floorbroker.transport.types import Response

REJECTED = 201
UNKNOWN_NUMBER = 10147
_CANCELLED = frozenset({"Cancelled", "ApiCancelled"})
_TOLD = msgspec.json.Decoder(wire.Told)


def told_in(response: Response, *, what: str) -> wire.Told:
    """Raises `ApiError` (UNKNOWN) for what cannot be read."""
    try:
        return _TOLD.decode(response.body)
    except msgspec.MsgspecError as error:
        raise ApiError(f"{what}: the answer cannot be read", broker=BROKER) from error


def refusal_of(told: wire.Told, order_id: int, *, what: str) -> VenueError | None:
    """What the codes about one order come to; None when none of them ends anything.  One that proves nothing leaves it UNKNOWN.

    An order that was shown as well as refused existed: the program's code came before the broker's list of it.
    """
    for code in told.errors:
        if code.id == order_id and not _is_cancel(code):
            return error_of(code.code, code.text, what=what)
    return None


def change_refused(told: wire.Told, order_id: int) -> VenueError | None:
    """The same of a change.  Code 201 may have been said of the order itself, so it proves nothing about the change."""
    error = refusal_of(told, order_id, what="the change")
    is_rejection = any(code.id == order_id and code.code == REJECTED for code in told.errors)
    if error is not None and is_rejection:
        error.outcome = Outcome.UNKNOWN
    return error


def shown_in(told: wire.Told, order_id: int) -> bool:
    """Whether the venue has a number of its own for an order."""
    rows = (*told.open, *told.statuses)
    return any(row.order_id == order_id and row.perm_id for row in rows)


def is_gone(told: wire.Told, cancel: wire.Told, order_id: int) -> bool:
    """Whether an order is proven to be over without a fill: by what answered its placing, and what answered its cancel.

    A code that it is cancelled does not say what it had filled.
    That the program does not know its number proves it of an order that was never shown, and of no other.
    """
    statuses = [row for row in (*told.statuses, *cancel.statuses) if row.order_id == order_id]
    codes = [code for code in cancel.errors if code.id == order_id]
    if any(row.filled or row.status == "Filled" for row in statuses):
        return False
    is_cancelled = any(row.status in _CANCELLED for row in cancel.statuses if row.order_id == order_id)
    return is_cancelled or (any(code.code == UNKNOWN_NUMBER for code in codes) and not shown_in(told, order_id))


def _is_cancel(code: wire.Error) -> bool:
    row = row_of(code.code)
    return row is not None and row.nature is Nature.CANCELED
