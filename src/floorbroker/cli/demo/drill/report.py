"""What the drill says in the end: the document of `--json`, the sentence for people, and what did not hold."""

from __future__ import annotations

from typing import Any

from floorbroker.cli.demo.drill.brokers import EAST, WEST
from floorbroker.cli.demo.drill.story import Drilled, Placed, is_doubled, is_lost
from floorbroker.domain.values import IntentId, OrdStatus


def document(drilled: Drilled) -> dict[str, Any]:
    """Counts first, then every order with what each broker's own books say of it."""
    return {
        "drill": "failover",
        "orders": len(drilled.placed),
        "moved": len(drilled.moved),
        "unknown_held": held_in_doubt(drilled),
        "promoted": list(drilled.promoted),
        "resolved": len(set(drilled.resolved)),
        "lost": sum(is_lost(placed) for placed in drilled.placed),
        "duplicated": duplicated(drilled),
        "ok": not complaints(drilled),
        "seconds": round(drilled.seconds, 1),
        "list": [_line(placed) for placed in drilled.placed],
    }


def _line(placed: Placed) -> dict[str, Any]:
    order = placed.order
    return {
        "id": order.intent_id,
        "profile": order.profile,
        "ord_status": order.ord_status.value,
        "quantity": str(order.terms.order_qty),
        "cum_qty": str(order.cum_qty),
        "at_venues": dict(placed.at_venues),
        "moved_from": placed.moved_from,
        "route": order.route,
    }


def held_in_doubt(drilled: Drilled) -> int:
    """Orders that were unknown each time they were looked at in the dark, and went nowhere."""
    held = next(placed for placed in drilled.placed if placed.order.intent_id == drilled.held)
    stayed = held.order.profile == EAST and held.at_venues[WEST] == 0 and drilled.held not in drilled.moved.values()
    return int(stayed and set(drilled.status_in_the_dark) == {OrdStatus.UNKNOWN.value})


def duplicated(drilled: Drilled) -> int:
    """Orders that the books have twice, and wishes that moved and are alive at both brokers."""
    by_intent: dict[IntentId, Placed] = {placed.order.intent_id: placed for placed in drilled.placed}
    twice = sum(is_doubled(placed) for placed in drilled.placed)
    both = [(by_intent[new], by_intent[old]) for new, old in drilled.moved.items()]
    return twice + sum(bool(sum(new.at_venues.values()) and sum(old.at_venues.values())) for new, old in both)


def complaints(drilled: Drilled) -> list[str]:
    """What should have happened and did not."""
    found: list[str] = []
    if lost := sum(is_lost(placed) for placed in drilled.placed):
        found.append(f"{lost} orders are lost")
    if twice := duplicated(drilled):
        found.append(f"{twice} orders are doubled")
    if held_in_doubt(drilled) != 1:
        found.append(f"the order in doubt was not held: it was {', '.join(drilled.status_in_the_dark)}")
    if drilled.held not in drilled.resolved:
        found.append("the order in doubt was never resolved")
    if len(drilled.moved) != 1:
        found.append(f"{len(drilled.moved)} orders moved, and one was proven dead")
    if drilled.promoted != (WEST, EAST):
        found.append(f"promoted were {', '.join(drilled.promoted) or 'none'}, and not west and then east")
    return found


def summary(drilled: Drilled) -> str:
    """One sentence for people."""
    told = document(drilled)
    return (
        f"{told['orders']} orders, {told['moved']} moved, {told['unknown_held']} in doubt and held, "
        f"{told['resolved']} resolved, {told['lost']} lost, {told['duplicated']} doubled, in {told['seconds']} s"
    )
