"""What answers a question or a command: pure, one message at a time, without a socket.

A collector is shown every message after its question has left, and says when it has heard enough.  Questions that have a number
are answered by messages with that number; the others by an end mark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.errors import Nature, error_of, row_of
from floorbroker.domain.errors import VenueError

W = TypeVar("W", bound=wire.Wire)
ROWS_MAX = 200_000
_OVER = frozenset({"Cancelled", "ApiCancelled", "Filled"})
_CANCEL_WORDS = _OVER | {"PendingCancel"}


class Collector(Protocol):
    """Hears messages until it knows."""

    @property
    def failure(self) -> VenueError | None: ...

    def take(self, message: wire.Wire) -> bool:
        """Whether the answer is complete; with `failure` set it is a no, or nothing that can be used."""
        ...


class Listed(Generic[W]):
    """Rows of one kind up to an end mark.  With `request` both carry it, but for the kinds in `beside`, and a code about it is
    the end."""

    def __init__(
        self,
        kinds: tuple[type[W], ...],
        end: type[wire.Wire],
        *,
        request: int | None = None,
        beside: tuple[type[wire.Wire], ...] = (),
        what: str,
    ) -> None:
        self._kinds = kinds
        self._end = end
        self._beside = beside
        self._request = request
        self._what = what
        self.rows: list[W] = []
        self.failure: VenueError | None = None

    def take(self, message: wire.Wire) -> bool:
        if isinstance(message, wire.Error):
            return self._on_code(message)
        has_number = self._request is not None and not isinstance(message, self._beside)
        if has_number and getattr(message, "req_id", None) != self._request:
            return False
        if isinstance(message, self._end):
            return True
        if isinstance(message, self._kinds) and len(self.rows) < ROWS_MAX:
            self.rows.append(message)
        return False

    def _on_code(self, told: wire.Error) -> bool:
        if self._request is None or told.id != self._request or _is_aside(told.code):
            return False
        self.failure = error_of(told.code, told.text, what=self._what)
        return True


class Single(Generic[W]):
    """One message that is the whole answer."""

    def __init__(self, kind: type[W], is_it: Callable[[W], bool], *, request: int | None = None, what: str) -> None:
        self._kind = kind
        self._is_it = is_it
        self._request = request
        self._what = what
        self.answer: W | None = None
        self.failure: VenueError | None = None

    def take(self, message: wire.Wire) -> bool:
        if isinstance(message, self._kind) and self._is_it(message):
            self.answer = message
            return True
        if isinstance(message, wire.Error) and message.id == self._request and not _is_aside(message.code):
            self.failure = error_of(message.code, message.text, what=self._what)
            return True
        return False


class Answered:
    """What is said about the orders of one command: kept in order, until each of them has its answer.

    An order is answered by the venue's own number for it (`perm_id`), or by a code that ends a command; a change by the order
    with every term that was asked for.  Warnings answer nothing.
    """

    failure: VenueError | None = None

    def __init__(self, client_id: int, placed: Sequence[wire.Placed], *, is_change: bool = False) -> None:
        self._client_id = client_id
        self._wanted = {each.order_id: each.order for each in placed}
        self._is_change = is_change
        self._waiting = set(self._wanted)
        self._open: list[wire.OpenOrder] = []
        self._statuses: list[wire.OrderStatus] = []
        self._errors: list[wire.Error] = []

    @property
    def told(self) -> wire.Told:
        return wire.Told(open=tuple(self._open), statuses=tuple(self._statuses), errors=tuple(self._errors))

    def take(self, message: wire.Wire) -> bool:
        match message:
            case wire.OpenOrder() if self._is_mine(message.order_id, message.client_id) and not message.order.what_if:
                self._open.append(message)
                if message.perm_id and self._has_terms(message):
                    self._waiting.discard(message.order_id)
            case wire.OrderStatus() if self._is_mine(message.order_id, message.client_id):
                self._statuses.append(message)
                if message.perm_id and not self._is_change:
                    self._waiting.discard(message.order_id)
            case wire.Error() if message.id in self._wanted and not _is_aside(message.code):
                self._errors.append(message)
                if not _is_cancel(message.code):  # a cancel tells with its status that the order was there
                    self._waiting.discard(message.id)
            case _:
                return False
        return not self._waiting or self._is_off

    @property
    def _is_off(self) -> bool:
        """Whether one that was refused ends the waiting for the rest of its group."""
        return len(self._wanted) > 1 and bool(self._errors)

    def _is_mine(self, order_id: int, client_id: int) -> bool:
        return client_id == self._client_id and order_id in self._wanted

    def _has_terms(self, shown: wire.OpenOrder) -> bool:
        return not self._is_change or has_terms(shown.order, self._wanted[shown.order_id])


class CancelHeard:
    """What answers a cancel: the order's own word, with `until_over` that it is over, or a code that names it."""

    failure: VenueError | None = None

    def __init__(self, client_id: int, order_id: int, *, until_over: bool = False) -> None:
        self._client_id = client_id
        self._order_id = order_id
        self._words = _OVER if until_over else _CANCEL_WORDS
        self._statuses: list[wire.OrderStatus] = []
        self._errors: list[wire.Error] = []

    @property
    def told(self) -> wire.Told:
        return wire.Told(statuses=tuple(self._statuses), errors=tuple(self._errors))

    def take(self, message: wire.Wire) -> bool:
        match message:
            case wire.OrderStatus() if (message.client_id, message.order_id) == (self._client_id, self._order_id):
                self._statuses.append(message)
                return message.status in self._words
            case wire.Error() if message.id == self._order_id and not _is_aside(message.code):
                self._errors.append(message)
                return True
            case _:
                return False


def has_terms(shown: wire.Order, wanted: wire.Order) -> bool:
    """Whether an order has every term that a change asked for; prices that its type does not use are shown anyhow."""
    if shown.total_quantity != wanted.total_quantity or (wanted.tif and shown.tif and shown.tif != wanted.tif):
        return False
    pairs = (
        (shown.lmt_price, wanted.lmt_price),
        (shown.aux_price, wanted.aux_price),
        (shown.trailing_percent, wanted.trailing_percent),
    )
    return all(asked is None or asked == told for told, asked in pairs)


def _is_aside(code: int) -> bool:
    row = row_of(code)
    return row is not None and row.nature is not Nature.REFUSAL and row.nature is not Nature.CANCELED


def _is_cancel(code: int) -> bool:
    row = row_of(code)
    return row is not None and row.nature is Nature.CANCELED
