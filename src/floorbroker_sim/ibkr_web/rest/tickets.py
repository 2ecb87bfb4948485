"""Tickets of a request: the object `{"orders":[…]}` that the documentation and clients send, or the bare array of the OpenAPI."""

from __future__ import annotations

from floorbroker_sim.http import Request
from floorbroker_sim.ibkr_web import wire
from floorbroker_sim.ibkr_web.errors import broken
from floorbroker_sim.ibkr_web.rest.reading import body

_MOST = 20


def tickets_in(request: Request) -> list[wire.Ticket]:
    """One ticket or more.  Raises `Refused`."""
    is_bare = request.body.lstrip()[:1] == b"["
    tickets = body(request, list[wire.Ticket]) if is_bare else body(request, wire.Tickets).orders
    if not 0 < len(tickets) <= _MOST:
        raise broken("The request holds no orders, or too many")
    return tickets
