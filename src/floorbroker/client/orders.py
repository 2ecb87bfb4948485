"""Orders: placing, looking, changing, cancelling, and what becomes of one in doubt."""

from __future__ import annotations

import secrets

from floorbroker.client.door import Answer, segment
from floorbroker.client.shapes import Fact, Fill, Order, Preview, Resolution, Validation
from floorbroker.client.verbs import Body, Verbs, given, items, one


def new_key() -> str:
    """A fresh idempotency key: one for each wish to trade."""
    return secrets.token_hex(16)


class Orders(Verbs):
    """The verbs of orders."""

    __slots__ = ()

    async def submit(self, order: Body, *, key: str | None = None) -> Order:
        """Place one order, at most once; the members are those of `OrderSchema`, numbers as text.

        Without a key a random one is sent.  `NoAnswer` carries it: submitting the same order under the same key returns
        what became of the first.  An order with `ord_status` `unknown` must not be repeated.
        """
        return one(await self.submit_answer(order, key=key or new_key()), Order)

    async def submit_answer(self, order: Body, *, key: str) -> Answer:
        """The same, as the reply itself."""
        return await self.door.call("POST", self.at("/orders"), body=order, headers={"Idempotency-Key": key})

    async def preview(self, order: Body) -> Preview:
        """What the order would meet; nothing is sent."""
        return one(await self.door.call("POST", self.at("/orders/preview"), body=order), Preview)

    async def order(self, id: str) -> Order:
        """One order by the desk's id or its client order id."""
        return one(await self.door.call("GET", self.at(f"/orders/{segment(id)}")), Order)

    async def orders(self, **where: str | None) -> list[Order]:
        """Every order that the filters find (`status symbol side strategy profile since until`), newest first."""
        return [item async for item in self.all_of("/orders", where, Order)]

    async def cancel(self, id: str) -> Order:
        """Ask for a cancel; a fill that crosses it is kept."""
        return one(await self.door.call("DELETE", self.at(f"/orders/{segment(id)}")), Order)

    async def cancel_all(self, **where: str | None) -> list[Order]:
        """Ask to cancel every open order that the filters find; without filters, all of them."""
        return items(await self.door.call("DELETE", self.at("/orders"), params=where), Order)

    async def modify(self, id: str, changes: Body) -> Order:
        """Change quantity, prices or time in force of a working order."""
        path = self.at(f"/orders/{segment(id)}")
        return one(await self.door.call("PATCH", path, body=changes), Order)

    async def fills(self, **where: str | None) -> list[Fill]:
        """Every execution of the orders that the filters find, newest first."""
        return [item async for item in self.all_of("/fills", where, Fill)]

    async def validate(self, order: Body) -> Validation:
        """Whether the words of an order make sense; nobody is asked."""
        return one(await self.door.call("POST", self.at("/orders/validate"), body=order), Validation)

    async def order_events(self, id: str) -> list[Fact]:
        """What is remembered of an order, fact by fact, in the order in which it became durable."""
        return items(await self.door.call("GET", self.at(f"/orders/{segment(id)}/events")), Fact)

    async def resolution(self, id: str) -> Resolution:
        """What is known about an order in doubt: who was asked, candidates, and what may be done."""
        return one(await self.door.call("GET", self.at(f"/orders/{segment(id)}/resolution")), Resolution)

    async def resolve(
        self, id: str, action: str, *, reason: str, candidate: str | None = None, confirm: str | None = None
    ) -> Resolution:
        """Decide about a doubt: `ask`, `attribute`, `declare_not_placed`, `declare_ended` or `watch`.  Nothing is traded."""
        body = given(action=action, reason=reason, candidate=candidate, confirm=confirm)
        return one(await self.door.call("POST", self.at(f"/orders/{segment(id)}/resolution"), body=body), Resolution)
