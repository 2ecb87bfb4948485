"""What was ordered since midnight UTC: how many orders, and for how much.

An order counts on the day it is decided: while it may still fill, for all it was measured at, and for what it filled once
it is done.  A change of it is measured at what it filled and may fill then.  So the sum never shows less than what was or may
be traded, and gives back what was never filled.

Amounts are added up as they are, by account and symbol, and turned into the currency of a scope when somebody asks: a rate or
the rules of a symbol that become known cost the same after ten orders and after a hundred thousand.  What nobody can turn is in
no sum, and a sum that lacks one says so (`told`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import WIDE, ZERO, IntentId
from floorbroker.risk.scope import Owner

Lot = tuple[str, str]  # an account's orders in one symbol: one rate turns them all
Place = tuple[str, str]  # kind and name of a scope
_ONE = Decimal(1)
_OWN = frozenset({"profile", "account"})  # scopes in the account's own currency


@frozen
class Counted:
    """One order of today: `amount` is units times price of `symbol`."""

    owner: Owner
    amount: Decimal
    symbol: str = ""

    @property
    def lot(self) -> Lot:
        return (self.owner.profile, self.symbol)

    def is_of(self, kind: str, name: str) -> bool:
        """Whether it belongs to a scope beside those of its account."""
        owner = self.owner
        if kind == "symbol":
            return name == owner.symbol or name in owner.legs
        return kind == "global" or name == (owner.strategy if kind == "strategy" else owner.token)

    def places(self) -> tuple[Place, ...]:
        """Each scope it belongs to, but for its account, whose orders are those of its profiles."""
        return (("profile", self.owner.profile), *(place for place in self.owner.names() if place[0] != "account"))


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
class _Tally:
    """The orders of one scope: amounts by lot, and how many of them are not nothing.  `sum` is None until somebody asks anew."""

    orders: int = 0
    amounts: dict[Lot, tuple[Decimal, int]] = field(default_factory=dict[Lot, tuple[Decimal, int]])
    sum: Sum | None = field(default_factory=Sum)

    def count(self, counted: Counted, sign: int) -> None:
        """One order more, or with a `sign` of -1 one less; its part of `sum` is for the caller."""
        self.orders += sign
        if counted.amount:
            amount, orders = self.amounts.get(counted.lot, (ZERO, 0))
            self.amounts[counted.lot] = (WIDE.add(amount, sign * counted.amount), orders + sign)

    def turned(self, factor: Callable[[Lot], Decimal | None]) -> Sum:
        """The sum, worked out when a factor has changed since."""
        if self.sum is None:
            self.sum = Sum(orders=self.orders)
            for lot, (amount, orders) in self.amounts.items():
                turn = factor(lot)
                if turn is None:
                    self.sum.untold += orders
                else:
                    self.sum.notional = WIDE.add(self.sum.notional, WIDE.multiply(amount, turn))
        return self.sum


@dataclass(slots=True)
class DayLedger:
    """Today's orders of a desk, with sums by scope.  Sums of scopes are kept from the first look at them on."""

    today: date = date.min
    orders: dict[IntentId, Counted] = field(default_factory=dict[IntentId, Counted])
    _tallies: dict[Place, _Tally] = field(default_factory=dict[Place, _Tally])  # of profiles, and of scopes with limits
    _accounts: dict[str, str] = field(default_factory=dict[str, str])  # the venue's number, by profile
    _rates: dict[str, Decimal | None] = field(default_factory=dict[str, Decimal | None])  # into the base, by profile
    _scales: dict[Lot, Decimal | None] = field(default_factory=dict[Lot, Decimal | None])  # into the account's currency

    def begin(self, now: datetime) -> None:
        """A new day forgets the last one; a clock set back does not bring one back."""
        if now.date() > self.today:
            self.today = now.date()
            self.orders.clear()
            self._tallies.clear()
            self._scales.clear()

    def decide(
        self,
        intent_id: IntentId,
        counted: Counted,
        now: datetime,
        *,
        scale: Decimal | None = _ONE,
        rate: Decimal | None = _ONE,
    ) -> None:
        """Count an order from its decision on; a change of one counts at the larger of its two sizes.

        `scale` times its amount is in its account's currency, of which one unit is `rate` in the desk's base.  Neither is there
        where nobody said.
        """
        self.begin(now)
        profile = counted.owner.profile
        if counted.owner.account:
            self._accounts[profile] = counted.owner.account
        self._turn_at(profile, rate)
        self.rescale(*counted.lot, scale)
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
        self._accounts[profile] = account
        self._turn_at(profile, rate)
        for at, symbol in list(self._scales):
            if at == profile:
                self.rescale(profile, symbol, scale(symbol))

    def rescale(self, profile: str, symbol: str, scale: Decimal | None) -> None:
        """What prices of a symbol come to in an account has changed."""
        lot = (profile, symbol)
        if lot not in self._scales or self._scales[lot] != scale:
            self._scales[lot] = scale
            self._turn_anew(lambda held: held == lot)

    def _turn_at(self, profile: str, rate: Decimal | None) -> None:
        if profile not in self._rates or self._rates[profile] != rate:
            self._rates[profile] = rate
            self._turn_anew(lambda held: held[0] == profile)

    def _turn_anew(self, is_meant: Callable[[Lot], bool]) -> None:
        for tally in self._tallies.values():
            if tally.sum is not None and any(map(is_meant, tally.amounts)):
                tally.sum = None

    def _factor(self, kind: str, lot: Lot) -> Decimal | None:
        """What makes an amount one of the scope's currency."""
        scale, rate = self._scales.get(lot), self._rates.get(lot[0])
        if scale is None or kind in _OWN:
            return scale
        return None if rate is None else WIDE.multiply(scale, rate)

    def _notional(self, kind: str, counted: Counted) -> Decimal | None:
        """What is nothing is nothing at any rate."""
        if not counted.amount:
            return ZERO
        factor = self._factor(kind, counted.lot)
        return None if factor is None else WIDE.multiply(counted.amount, factor)

    def untold(self, profile: str) -> set[str]:
        """Symbols whose orders of today have no notional in their account's currency."""
        tally = self._tallies.get(("profile", profile))
        held = tally.amounts.items() if tally is not None else ()
        return {lot[1] for lot, (_, orders) in held if orders and self._scales.get(lot) is None}

    def drop(self, intent_id: IntentId) -> None:
        """It never became an order."""
        counted = self.orders.pop(intent_id, None)
        if counted is not None:
            self._count(counted, -1)

    def beside(self, leave_out: IntentId | None, filled: Decimal, *, kind: str, name: str) -> Sum:
        """Today's orders of one scope, of which one is about to change: it is none of them, and `filled` is all that it traded.

        `filled` is units times price.  What it may still fill is measured with its change.
        """
        today = self.of(kind, name)
        counted = self.orders.get(leave_out) if leave_out is not None else None
        if counted is None or not self._is_of(counted, kind, name):
            return today
        but = replace(today)
        but.take(self._notional(kind, counted))
        but.add(self._notional(kind, replace(counted, amount=filled)))
        but.orders -= 1
        return but

    def _is_of(self, counted: Counted, kind: str, name: str) -> bool:
        profile = counted.owner.profile
        if kind == "account":
            return self._accounts.get(profile, "") == name
        return profile == name if kind == "profile" else counted.is_of(kind, name)

    def of(self, kind: str, name: str) -> Sum:
        """Today's orders of one scope."""
        if kind == "account":
            return self._of_account(name)
        place = (kind, name)
        tally = self._tallies.get(place)
        if tally is None:
            tally = self._tallies[place] = _Tally(sum=None)
            if kind == "global":
                self._add_profiles(tally)
            elif kind != "profile":  # whose orders are counted from the first on
                for counted in self.orders.values():
                    if counted.is_of(kind, name):
                        tally.count(counted, 1)
        return tally.turned(lambda lot: self._factor(kind, lot))

    def _add_profiles(self, tally: _Tally) -> None:
        for (kind, _), of_profile in self._tallies.items():
            if kind == "profile":
                tally.orders += of_profile.orders
                tally.amounts |= of_profile.amounts

    def _of_account(self, number: str) -> Sum:
        found = Sum()
        for profile, account in self._accounts.items() if number else ():
            if account == number:
                one = self.of("profile", profile)
                found = Sum(
                    orders=found.orders + one.orders,
                    notional=WIDE.add(found.notional, one.notional),
                    untold=found.untold + one.untold,
                )
        return found

    def _put(self, intent_id: IntentId, counted: Counted) -> None:
        self.drop(intent_id)
        self.orders[intent_id] = counted
        self._tallies.setdefault(("profile", counted.owner.profile), _Tally())
        self._count(counted, 1)

    def _count(self, counted: Counted, sign: int) -> None:
        for place in counted.places():
            tally = self._tallies.get(place)
            if tally is None:
                continue
            tally.count(counted, sign)
            if tally.sum is not None:
                change = tally.sum.add if sign > 0 else tally.sum.take
                change(self._notional(place[0], counted))
