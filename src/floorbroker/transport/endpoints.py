"""Classes of endpoints: what breaks apart at a venue breaks apart here, so that silent prices stop no order."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from floorbroker.domain.values import Word
from floorbroker.transport.types import Lane, Request

COMMANDS = frozenset({Lane.CANCEL, Lane.REDUCE, Lane.NEW})


class EndpointClass(Word):
    """What a request is about.  `ACCOUNT` is whatever the table does not name: orders that are looked up, money, positions."""

    ORDERS = "orders"
    ACCOUNT = "account"
    HISTORY = "history"
    MARKET = "market"
    ACCESS = "access"


# An endpoint, or its first word, as adapters name them in their `rest/calls.py`; the more exact entry counts.
_NAMED: Mapping[EndpointClass, str] = MappingProxyType(
    {
        EndpointClass.HISTORY: (
            "activities executions trades transactions accounts.history orders.history private.closed_orders private.trades"
        ),
        EndpointClass.MARKET: "market markets data public assets options calendar",
        EndpointClass.ACCESS: (
            "clock market.time markets.clock public.time public.status "
            "account.key account.rights private.key private.token"
        ),
    }
)
_CLASSES: Mapping[str, EndpointClass] = MappingProxyType(
    {name: kind for kind, names in _NAMED.items() for name in names.split()}
)


def class_of(request: Request) -> EndpointClass:
    """An order command by its lane, whatever its endpoint; a read by its endpoint."""
    if request.lane in COMMANDS:
        return EndpointClass.ORDERS
    name = request.endpoint
    return _CLASSES.get(name) or _CLASSES.get(name.partition(".")[0], EndpointClass.ACCOUNT)
