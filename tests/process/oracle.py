"""Compares what the venue's control door knows with what the desk says, order by order, fill by fill."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.process.story import WISHES, Story, is_settled

CLOSED = {"filled", "canceled", "expired", "rejected"}


@dataclass(slots=True)
class Verdict:
    """What is wrong, by kind; nothing when all lists are empty."""

    lost: list[str] = field(default_factory=list[str])
    duplicate: list[str] = field(default_factory=list[str])
    unexplained: list[str] = field(default_factory=list[str])

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.duplicate or self.unexplained)

    def __str__(self) -> str:
        return "; ".join(f"{kind}: {', '.join(found)}" for kind, found in self.by_kind().items() if found) or "clean"

    def by_kind(self) -> dict[str, list[str]]:
        return {"lost": self.lost, "duplicate": self.duplicate, "unexplained": self.unexplained}


def judge(story: Story) -> Verdict:
    """The verdict once the desk is at rest."""
    verdict = Verdict()
    verdict.lost += story.told.denied
    desk_orders = _desk_orders(story, verdict)
    _once_each(story, verdict)
    _both_sides(story, desk_orders, verdict)
    _fills(story, desk_orders, verdict)
    _same_key_same_order(story, verdict)
    _audit(story, verdict)
    return verdict


def _audit(story: Story, verdict: Verdict) -> None:
    """The exported audit, held against its keys and the journal: no row skipped, doubled or changed by whatever happened."""
    proof = story.door.ask("POST", "/api/v1/audit/verify").body
    if not proof.get("ok"):
        verdict.lost.append(f"the audit is not sound: {proof.get('finding') or proof}")
    elif not proof["records"]:
        verdict.lost.append("no audit row was exported")


def _desk_orders(story: Story, verdict: Verdict) -> list[dict[str, Any]]:
    """Every order of the desk, none of which may still wait; each wish has one at most."""
    for symbol in story.told.orders:
        story.settled(symbol)
    orders: list[dict[str, Any]] = story.call("GET", "/orders?limit=500").body["items"]
    verdict.unexplained += [f"{o['symbol']} {o['id']} is {o['ord_status']}" for o in orders if not is_settled(o)]
    verdict.unexplained += [f"{o['symbol']}: {alert}" for o in orders for alert in o["alerts"]]
    for symbol, count in Counter(order["symbol"] for order in orders).items():
        if count > 1:
            verdict.duplicate.append(f"the desk has {count} orders of the one wish for {symbol}")
    known = {order["id"] for order in orders}
    verdict.lost += [f"{s}: order {o['id']} is gone" for s, o in story.told.orders.items() if o["id"] not in known]
    return orders


def _once_each(story: Story, verdict: Verdict) -> None:
    """No command arrived twice under one client id, and no wish became two orders."""
    arrived = Counter(
        (seen["method"], seen["client"])
        for seen in story.world.truth("requests")
        if seen["client"] and seen["method"] in ("POST", "PATCH")
    )
    verdict.duplicate += [f"{method} {client} arrived {n} times" for (method, client), n in arrived.items() if n > 1]
    for symbol in WISHES:
        roots = [o for o in story.world.truth("orders") if o["symbol"] == symbol and ("POST", o["client"]) in arrived]
        if len(roots) > 1:
            verdict.duplicate.append(f"the venue has {len(roots)} orders of the one wish for {symbol}")


def _both_sides(story: Story, desk_orders: list[dict[str, Any]], verdict: Verdict) -> None:
    """Each order of the venue is explained by one of the desk; where it is the last of its chain, they agree."""
    venue_orders = {order["order"]: order for order in story.world.truth("orders")}
    for order in venue_orders.values():
        found = story.call("GET", f"/orders/{order['order']}")
        if not found.ok:
            verdict.lost.append(f"the desk knows nothing of {order['symbol']} {order['client']} at the venue")
        elif found.body["order_id"] == order["order"]:
            verdict.unexplained += _differences(found.body, order)
    for order in desk_orders:
        if order["is_open"] and order["order_id"] not in venue_orders:
            verdict.unexplained.append(f"{order['symbol']} is {order['ord_status']} here and unknown at the venue")


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    told: list[str] = []
    if ours["is_open"] == (theirs["status"] in CLOSED):
        told.append(f"{ours['symbol']} is {ours['ord_status']} here and {theirs['status']} there")
    if Decimal(ours["quantity"]) != Decimal(theirs["quantity"]):
        told.append(f"{ours['symbol']} is of {ours['quantity']} here and {theirs['quantity']} there")
    return told


def _fills(story: Story, desk_orders: list[dict[str, Any]], verdict: Verdict) -> None:
    """Every execution once, and positions that are their sum."""
    theirs = {fill["exec"]: fill for fill in story.world.truth("fills")}
    ours = Counter(fill["exec_id"] for order in desk_orders for fill in order["fills"])
    verdict.lost += [f"fill {name} of {theirs[name]['symbol']}" for name in theirs.keys() - ours.keys()]
    verdict.unexplained += [f"fill {name} is not the venue's" for name in ours.keys() - theirs.keys()]
    verdict.duplicate += [f"fill {name} counts {n} times" for name, n in ours.items() if n > 1]
    held = {p["symbol"]: Decimal(p["quantity"]) for p in story.world.truth("positions")}
    for order in desk_orders:
        if Decimal(order["cum_qty"]) != held.get(order["symbol"], Decimal(0)):
            verdict.unexplained.append(
                f"{order['symbol']}: filled {order['cum_qty']}, held {held.get(order['symbol'])}"
            )


def _same_key_same_order(story: Story, verdict: Verdict) -> None:
    """Asking again with the key gives the same order (`Told.hear` would object) and sends nothing."""
    before = len(_submits(story))
    for symbol in list(story.told.orders):
        if story.submit(symbol) is None:
            verdict.lost.append(f"{symbol}: its key is not known any more")
    if len(_submits(story)) > before:
        verdict.duplicate.append("a key that was used sent another order")
    verdict.lost += [text for text in story.told.denied if text not in verdict.lost]


def _submits(story: Story) -> list[dict[str, Any]]:
    return [seen for seen in story.world.truth("requests") if seen["method"] == "POST" and seen["path"] == "/v2/orders"]
