"""Responses of the endpoints: wire values, or what went wrong.

A reader of a command never lets an answer pass that is not about the order we sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.errors import BROKER, command_error, read_error
from floorbroker.brokers.alpaca.mapping.values import to_wire_symbol
from floorbroker.domain.errors import ApiError, Outcome, SymbolNotFound
from floorbroker.domain.values import ClOrdId
from floorbroker.transport.types import Response

T = TypeVar("T")


def accepted_order(response: Response, cl_ord_id: ClOrdId, *, what: str) -> wire.Order:
    """The order of a POST or PATCH reply.  Anything but our own order in a 2xx proves nothing (UNKNOWN)."""
    if not 200 <= response.status < 300:
        raise command_error(response, what=what)
    try:
        order = wire.read_order(response.body)
    except wire.UNREADABLE as error:
        raise wire.unreadable(error, what=f"the reply to {what}") from error
    if order.client_order_id != cl_ord_id or not order.id:
        raise ApiError(f"the reply to {what} is about another order", broker=BROKER, outcome=Outcome.UNKNOWN)
    return order


def cancel_answer(response: Response) -> None:
    """204 means asked; raises what a refusal says."""
    if not 200 <= response.status < 300:
        raise command_error(response, what="the cancel")


def cancel_all_answer(response: Response) -> list[wire.CancelItem]:
    """One item for each order that was open."""
    if not 200 <= response.status < 300:
        raise command_error(response, what="the mass cancel")
    if not response.body:
        return []
    items: list[wire.CancelItem] = wire.decode(
        response.body, list[wire.CancelItem], what="the reply to the mass cancel"
    )
    return items


def answer(response: Response, kind: type[T], *, what: str) -> T:
    """The body of a read as `kind`."""
    if response.status != 200:
        raise read_error(response, what=what)
    return wire.decode(response.body, kind, what=what)


def instrument_answer(response: Response, kind: type[T], *, symbol: str) -> T:
    """An asset or a contract; a 404 here is the venue's word on the symbol."""
    if response.status == 404:
        raise SymbolNotFound(f"Alpaca does not know {symbol}", broker=BROKER)
    return answer(response, kind, what=f"the instrument {symbol}")


def of_symbol(found: Mapping[str, T | None] | None, symbol: str, *, what: str) -> T:
    """The member for our symbol in a reply keyed by symbol; raises `SymbolNotFound` when the venue has none."""
    value = (found or {}).get(to_wire_symbol(symbol))
    if value is None:
        raise SymbolNotFound(f"Alpaca has no {what} for {symbol}", broker=BROKER)
    return value


def check_page(page: Sequence[str], seen: set[str], *, what: str) -> frozenset[str]:
    """The ids of a page that are new, `seen` from now on.  Raises `ApiError` when a page brings nothing new."""
    fresh = frozenset(page) - seen
    if page and not fresh:
        raise ApiError(f"{what}: the venue repeats a page, so the list cannot be completed", broker=BROKER)
    seen |= fresh
    return fresh
