"""Which dead intents may move to another route, and why the others may not (RELIABILITY 7, I16).

Only an intent that is proven to be nowhere moves: not sent, definitely refused for a reason that another venue may not have, or
proven not placed.  Whatever may still live at a venue stays where it is.
"""

from __future__ import annotations

from datetime import datetime

from floorbroker.domain.orders import Order, OrderState
from floorbroker.gateway.routing.policy import Moving

# Reasons that lie with one venue, one account or the way to it.  A wrong order, a limit of ours and the kill switch go along.
CURABLE = frozenset(
    {
        "authentication_failed",
        "connection_failed",
        "gateway_not_running",
        "insufficient_funds",
        "market_closed",
        "not_ready",
        "not_supported",
        "rate_limit_exceeded",
        "session_expired",
        "symbol_not_found",
        "vault_locked",
    }
)
UNSENT = CURABLE | {"api_error", "timeout"}  # before the first byte these are an open breaker and a wait that ran out
DEAD = frozenset({OrderState.NOT_SENT, OrderState.REJECTED, OrderState.NOT_PLACED})


def is_dead(order: Order) -> bool:
    """Whether an order is proven to be nowhere, with nothing filled."""
    return order.state in DEAD and not order.presumed and not order.cum_qty and not order.executions


def stays(
    order: Order,
    moving: Moving,
    *,
    moves: int,
    first_at: datetime,
    now: datetime,
    cancel_asked: bool = False,
    declared: bool = False,
) -> str:
    """Why an order does not move; empty when it may.  `first_at` is when the first intent of its journey was made.

    `declared`: a person gave it up for not placed, which is no proof, and is promised to trade nothing.
    """
    if not moving.enabled:
        return "failover is not enabled"
    if not is_dead(order):
        return f"it is {order.state.value}: only what is proven dead may move"
    if order.alerts:
        return "what is known of it contradicts itself"
    if order.external or order.parent_id is not None:
        return "it was not placed by this desk on its own"
    if declared:
        return "a person declared that it was not placed: whether to place it anew is theirs to decide"
    if cancel_asked:
        return "it was asked to be cancelled"
    if moves >= moving.max_moves:
        return f"it has moved {moves} times"
    age_s = (now - first_at).total_seconds()
    if not 0 <= age_s <= moving.max_age_s:
        return f"it is {age_s:.1f} s old, more than {moving.max_age_s:g} s"
    curable = UNSENT if order.state is OrderState.NOT_SENT else CURABLE
    if order.state is not OrderState.NOT_PLACED and code_of(order) not in curable:
        return f"another venue would not cure {code_of(order) or 'it'}"
    return ""


def code_of(order: Order) -> str:
    """The stable code of why an order is dead."""
    return (order.reject_reason or "").partition(":")[0]
