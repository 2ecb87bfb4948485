"""Orders that others place on the same account: what a profile does about them.  Pure.

`adopt`: they stand in the book, count in risk, and may be changed and cancelled like ours.  `observe`: they stand in the book
and count in risk, and nothing of ours ever touches them, a kill included.  `ignore`: they are not looked at at all, so limits
are blind for what they may still do.
"""

from __future__ import annotations

from collections.abc import Callable

from floorbroker.domain.orders import Order
from floorbroker.domain.values import IntentId, Word


class ExternalOrders(Word):
    """A profile's policy."""

    ADOPT = "adopt"
    OBSERVE = "observe"
    IGNORE = "ignore"


def is_external(order: Order, find: Callable[[IntentId], Order | None]) -> bool:
    """Whether others placed an order, or the group that the venue made it for."""
    head: Order | None = order
    while head is not None and not head.external and head.parent_id is not None:
        head = find(head.parent_id)
    return head is not None and head.external


def may_touch(order: Order, policy: ExternalOrders, find: Callable[[IntentId], Order | None]) -> bool:
    """Whether an order may be cancelled or changed by us.  One adopted under another policy is observed under `ignore`."""
    return policy is ExternalOrders.ADOPT or not is_external(order, find)
