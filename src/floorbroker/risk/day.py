"""What was ordered since midnight UTC: how many orders, and for how much.

An order counts on the day it is decided: while it may still fill, for all it was measured at, and for what it filled once
it is done.  A change of it is measured at what it filled and may fill then.  So the sum never shows less than what was or may
be traded, and gives back what was never filled.

What an order comes to in an account's currency is worked out anew when a rate or the rules of its symbol become known.  One of
which nobody can tell it is in no sum, and a sum that lacks one says so (`told`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import WIDE, ZERO, IntentId
from floorbroker.risk.scope import Owner


@frozen
class Counted:
    """One order of today: `amount` is units times price of `symbol`, which times `scale` is in its account's currency, of which
    one unit is `rate` in the desk's base.  Neither is there where nobody said.
    """

    owner: Owner
    amount: Decimal
    symbol: str = ""
    scale: Decimal | None = Decimal(1)
    rate: Decimal | None = Decimal(1)

    @property
    def notional(self) -> Decimal | None:
        """In its account's currency."""
        return _times(self.amount, self.scale)

    def places(self) -> tuple[tuple[tuple[str, str], Decimal | None], ...]:
        """Each scope it belongs to, with its notional in that scope's currency."""
        return ((("profile", self.owner.profile), self.notional), *self.shares())

    def shares(self) -> tuple[tuple[tuple[str, str], Decimal | None], ...]:
        """Each scope it belongs to beside the profile's, with its notional in that scope's currency."""
        own = self.notional
        base = _times(own, self.rate)
        wide, account, *rest = self.owner.names()
        return ((account, own), *((place, base) for place in (wide, *rest)))


def _times(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    """What is nothing is nothing at any rate."""
    if amount is not None and amount == 0:
        return ZERO
    return None if amount is None or rate is None else WIDE.multiply(amount, rate)


@dataclass(slots=True)
class Sum:
    """Orders of one scope, and their notional; `untold` are those of which nobody can tell it in the scope's currency."""

    orders: int = 0
    notional: Decimal = ZERO
    untold: int = 0

    @property
    def told(self) -> Decimal | None:
        """The notional of all of them; None where that of some is not known."""
        return None if self.untold else self.notional

    def add(self, notional: Decimal | None) -> None:
        self.orders += 1
        if notional is None:
            self.untold += 1
        else:
            self.notional = WIDE.add(self.notional, notional)

    def take(self, notional: Decimal | None) -> None:
        self.orders -= 1
        if notional is None:
            self.untold -= 1
        else:
            self.notional = WIDE.subtract(self.notional, notional)


@dataclass(slots=True)
class DayLedger:
    """Today's orders of a desk, with sums by scope.  Sums of scopes are kept from the first look at them on."""

    today: date = date.min
    orders: dict[IntentId, Counted] = field(default_factory=dict[IntentId, Counted])
    _profiles: dict[str, Sum] = field(default_factory=dict[str, Sum])
    _sums: dict[tuple[str, str], Sum] = field(default_factory=dict[tuple[str, str], Sum])  # of scopes with limits

    def begin(self, now: datetime) -> None:
        """A new day forgets the last one; a clock set back does not bring one back."""
        if now.date() > self.today:
            self.today = now.date()
            self.orders.clear()
            self._profiles.clear()
            self._sums.clear()

    def decide(self, intent_id: IntentId, counted: Counted, now: datetime) -> None:
        """Count an order from its decision on; a change of one counts at the larger of its two sizes."""
        self.begin(now)
        before = self.orders.get(intent_id)
        if before is None or before.amount < counted.amount:
            self._put(intent_id, counted)

    def done(self, intent_id: IntentId, filled: Decimal) -> None:
        """It fills no more, or more than was thought: count what was filled, units times price."""
        counted = self.orders.get(intent_id)
        if counted is not None and counted.amount != filled:
            self._put(intent_id, replace(counted, amount=filled))

    def own(self, profile: str, *, account: str, rate: Decimal | None, scale: Callable[[str], Decimal | None]) -> None:
        """The number of a profile's account and its rates are known now: its orders count under them."""
        for intent_id, counted in list(self.orders.items()):
            if counted.owner.profile == profile:
                mine = replace(counted.owner, account=account)
                self._put_again(intent_id, replace(counted, owner=mine, rate=rate, scale=scale(counted.symbol)))

    def rescale(self, profile: str, symbol: str, scale: Decimal | None) -> None:
        """What prices of a symbol come to in an account has changed."""
        for intent_id, counted in list(self.orders.items()):
            if counted.owner.profile == profile and counted.symbol == symbol:
                self._put_again(intent_id, replace(counted, scale=scale))

    def untold(self, profile: str) -> set[str]:
        """Symbols whose orders of today have no notional in their account's currency."""
        if not self.of_profile(profile).untold:
            return set()
        return {one.symbol for one in self.orders.values() if one.owner.profile == profile and one.notional is None}

    def _put_again(self, intent_id: IntentId, counted: Counted) -> None:
        if self.orders[intent_id] != counted:
            self._put(intent_id, counted)

    def drop(self, intent_id: IntentId) -> None:
        """It never became an order."""
        counted = self.orders.pop(intent_id, None)
        if counted is None:
            return
        self.of_profile(counted.owner.profile).take(counted.notional)
        for place, notional in counted.shares() if self._sums else ():
            if place in self._sums:
                self._sums[place].take(notional)

    def beside(self, leave_out: IntentId | None, filled: Decimal, *, kind: str, name: str) -> Sum:
        """Today's orders of one scope, of which one is about to change: it is none of them, and `filled` is all that it traded.

        `filled` is units times price.  What it may still fill is measured with its change.
        """
        today = self.of(kind, name)
        counted = self.orders.get(leave_out) if leave_out is not None else None
        if counted is None:
            return today
        but = replace(today)
        for at, notional in counted.places():
            if at == (kind, name):
                but.take(notional)
        for at, notional in replace(counted, amount=filled).places():
            if at == (kind, name):
                but.add(notional)
                but.orders -= 1
        return but

    def of_profile(self, profile: str) -> Sum:
        """Today's orders of one profile."""
        found = self._profiles.get(profile)
        if found is None:
            found = self._profiles[profile] = Sum()
        return found

    def of(self, kind: str, name: str) -> Sum:
        """Today's orders of one scope."""
        if kind == "profile":
            return self.of_profile(name)
        place = (kind, name)
        if place not in self._sums:
            found = Sum()
            for counted in self.orders.values():
                for at, notional in counted.shares():
                    if at == place:
                        found.add(notional)
            self._sums[place] = found
        return self._sums[place]

    def _put(self, intent_id: IntentId, counted: Counted) -> None:
        self.drop(intent_id)
        self.orders[intent_id] = counted
        self.of_profile(counted.owner.profile).add(counted.notional)
        for place, notional in counted.shares() if self._sums else ():
            if place in self._sums:
                self._sums[place].add(notional)
