"""The one risk book of a desk: what all its accounts hold, order and rest together, so that no limit is passed in between.

Every account's gate decides against it without an await (I12): `standings` is asked, the wish is judged, and `decide` counts it,
in one step of the event loop.  What changes in an account is taken from its `Member` before each look, and only what changed.
Nothing here is durable: a start makes it again from the journal's orders and notes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from floorbroker.domain.clock import Clock
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import WIDE, ZERO, IntentId, ProfileName
from floorbroker.risk.day import Counted, DayLedger, Sum
from floorbroker.risk.equity import Equity
from floorbroker.risk.limits import SharedLimits
from floorbroker.risk.resting import Resting, rests
from floorbroker.risk.scope import Owner, ScopeKind, scope_of
from floorbroker.risk.untouched import Strategies
from floorbroker.risk.watch import Standing, Watch
from floorbroker.risk.workload import Part, part_of

_OF_ACCOUNTS = frozenset({ScopeKind.GLOBAL, ScopeKind.PROFILE, ScopeKind.ACCOUNT, ScopeKind.SYMBOL})
_DOLLARS = frozenset({"USD", "USDT", "USDC"})
_ONE_ACCOUNT = frozenset({ScopeKind.PROFILE, ScopeKind.ACCOUNT})


class Member(Protocol):
    """One account as the book sees it."""

    def catch_up(self) -> None:
        """Tell the book what changed since it was asked last."""
        ...

    def counted(self) -> Iterable[tuple[IntentId, Owner, Part]]:
        """Every order that counts."""
        ...

    def held(self) -> Mapping[str, Decimal]:
        """Signed units by symbol."""
        ...

    def filled_by(self, kind: ScopeKind, name: str) -> Mapping[str, Decimal]:
        """Signed units that the orders of a strategy or token hold, by symbol.  Goes through all of them: for starts alone."""
        ...

    def worth(self, symbol: str) -> tuple[Decimal | None, Decimal | None]:
        """What a unit is marked at, and what that is multiplied with to be an amount of the account."""
        ...

    def scale(self, symbol: str) -> Decimal | None:
        """The second of these alone; None while nobody said what the symbol's currency is worth in the account's."""
        ...

    def account(self) -> tuple[str, str, Decimal] | None:
        """The venue's number, currency and equity of the account; None while they are not known."""
        ...


@frozen
class _Asked:
    wish: NewOrder
    profile: ProfileName
    leave_out: IntentId | None
    filled: Decimal
    fills_yet: bool


@dataclass(slots=True)
class RiskBook:
    """Amounts of scopes over several accounts are in `base`; `rates` says what one unit of another currency is worth in it.

    New rates take the place of old ones as a whole; sums that were made with those are made again at the next `catch_up`.
    """

    clock: Clock
    base: str = "USD"
    rates: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    day: DayLedger = field(default_factory=DayLedger)
    resting: Resting = field(default_factory=Resting)
    strategies: Strategies = field(default_factory=Strategies)
    equities: dict[ProfileName, Equity] = field(default_factory=dict[ProfileName, Equity])
    watches: dict[tuple[str, str], Watch] = field(default_factory=dict[tuple[str, str], Watch])
    _owners: dict[IntentId, Owner] = field(default_factory=dict[IntentId, Owner])  # of what the watches count
    _members: dict[ProfileName, Member] = field(default_factory=dict[ProfileName, Member])
    _rated: Mapping[str, Decimal] | None = None  # the rates that sums were made with

    # -- who is in it -------------------------------------------------------------------------------------------------

    def join(self, profile: ProfileName, member: Member) -> None:
        """An account of this desk, before its orders are replayed."""
        self._members[profile] = member

    def leave(self, profile: ProfileName, orders: Iterable[IntentId]) -> None:
        """An account is of this desk no more, nor are its `orders`: those that are open, and those of which the book was not told
        yet that they are done.  Today's sums keep what it ordered.
        """
        self._members.pop(profile, None)
        for intent_id in orders:
            self.resting.drop(intent_id)
            self._owners.pop(intent_id, None)
        self.count_anew()

    def limit(self, key: str, limits: SharedLimits) -> None:
        """Limits of a scope from now on.  One that had none is counted anew, which goes through all that is open."""
        kind, name = scope_of(key)
        place = (kind.value, name)
        if limits == SharedLimits():
            self.watches.pop(place, None)
        elif place in self.watches:
            self.watches[place].limits = limits
        else:
            self.watches[place] = self._made(key, kind, name, limits)

    def count_anew(self) -> None:
        """Make every scope's sums again, after the replay of a start."""
        for place in list(self.watches):
            self._make_again(place)

    def recognise(self, profile: ProfileName) -> None:
        """An account's number and currency have become known: what was counted without them counts under them now."""
        if profile not in self._members:  # a late answer to an account that left
            return
        self._rate_again(profile)
        for place in list(self.watches):
            if ScopeKind(place[0]) is ScopeKind.ACCOUNT:
                self._make_again(place)

    def _rate_again(self, profile: ProfileName) -> None:
        """Sums of what an account ordered today, and of what it holds, at the rates of now."""
        rate, scale = self._base_rate(profile), self._members[profile].scale
        self.day.own(profile, account=self.account_of(profile), rate=rate, scale=scale)
        for watch in self.watches.values():
            for at, symbol in list(watch.cells):
                if at == profile:
                    self._mark(watch, profile, symbol)

    def rescale(self, profile: ProfileName, symbol: str) -> None:
        """What prices of a symbol come to in an account has changed: its rules were read."""
        member = self._members.get(profile)
        if member is not None:
            self.day.rescale(profile, symbol, member.scale(symbol))
            self.remark(profile, symbol)

    def _make_again(self, place: tuple[str, str]) -> None:
        watch = self.watches[place]
        self.watches[place] = self._made(watch.key, ScopeKind(place[0]), place[1], watch.limits, before=watch)

    def _made(self, key: str, kind: ScopeKind, name: str, limits: SharedLimits, before: Watch | None = None) -> Watch:
        watch = Watch(key=key, limits=limits)
        if before is not None:
            watch.take_messages(before)
        for profile, member in self._members.items():
            if not self._concerns(kind, name, profile):
                continue
            member.catch_up()
            held = member.held() if kind in _OF_ACCOUNTS else member.filled_by(kind, name)
            for symbol, units in held.items():
                if kind is not ScopeKind.SYMBOL or symbol == name:
                    watch.hold((profile, symbol), units)
            for intent_id, owner, part in member.counted():
                if (kind.value, name) in places_of(owner):
                    self._owners[intent_id] = owner
                    watch.put(intent_id, profile, _part_in(kind.value, name, part))
            for at, symbol in list(watch.cells):
                if at == profile:
                    self._mark(watch, profile, symbol)
        return watch

    def _concerns(self, kind: ScopeKind, name: str, profile: ProfileName) -> bool:
        """Whether an account can have anything to do with a scope."""
        if kind is ScopeKind.PROFILE:
            return profile == name
        return kind is not ScopeKind.ACCOUNT or self.account_of(profile) == name

    # -- what changes -------------------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Bring every account to the present."""
        for member in self._members.values():
            member.catch_up()
        if self._rated is not self.rates:
            self._rated = self.rates
            for profile in self._members:
                self._rate_again(profile)

    def see(
        self,
        intent_id: IntentId,
        owner: Callable[[], Owner],
        part: Part | None,
        wish: NewOrder | None,
        price: Decimal | None,
    ) -> None:
        """An order may have changed: what it may still do, and at which limit it rests.  `part` is None for one that is done."""
        if part is not None and wish is not None and price is not None and rests(wish):
            self.resting.put(intent_id, wish, price)
        else:
            self.resting.drop(intent_id)
        if self.watches:
            self._spread(intent_id, self._owners.get(intent_id) or owner(), part)

    def _spread(self, intent_id: IntentId, owner: Owner, part: Part | None) -> None:
        if part is not None:
            self._owners[intent_id] = owner
        else:
            self._owners.pop(intent_id, None)
        for place in places_of(owner):
            watch = self.watches.get(place)
            if watch is not None:
                watch.put(intent_id, owner.profile, None if part is None else _part_in(*place, part))
                for symbol in (owner.symbol, *owner.legs):
                    self._mark(watch, owner.profile, symbol)

    def hold(self, profile: ProfileName, symbol: str, units: Decimal) -> None:
        """An account's position changed."""
        for (kind, name), watch in self.watches.items():
            if self._holds(ScopeKind(kind), name, profile, symbol):
                watch.hold((profile, symbol), units)
                self._mark(watch, profile, symbol)

    def _holds(self, kind: ScopeKind, name: str, profile: ProfileName, symbol: str) -> bool:
        """Whether an account's position in a symbol is one of the scope's."""
        is_meant = kind is not ScopeKind.SYMBOL or name == symbol
        return kind in _OF_ACCOUNTS and is_meant and self._concerns(kind, name, profile)

    def fill(self, owner: Owner, symbol: str, units: Decimal) -> None:
        """A strategy's or token's order filled by so many units, signed."""
        for place in (("strategy", owner.strategy), ("token", owner.token)):
            watch = self.watches.get(place)
            if watch is not None:
                watch.fill((owner.profile, symbol), units)
                self._mark(watch, owner.profile, symbol)

    def remark(self, profile: ProfileName, symbol: str) -> None:
        """A unit of a symbol is worth something else."""
        for watch in self.watches.values():
            self._mark(watch, profile, symbol)

    def _mark(self, watch: Watch, profile: ProfileName, symbol: str) -> None:
        member = self._members.get(profile)
        if member is None:  # a late price of an account that left
            return
        mark, scale = member.worth(symbol)
        watch.mark((profile, symbol), mark, scale, self._rate(watch, profile))

    def count_message(self, owner: Owner) -> None:
        """One order message of somebody's went out."""
        if self.watches:
            now_s = self.clock.monotonic()
            for place in places_of(owner):
                if place in self.watches:
                    self.watches[place].count_message(now_s)

    # -- questions ----------------------------------------------------------------------------------------------------

    def account_of(self, profile: ProfileName) -> str:
        """The venue's number of a profile's account; empty while it is not known."""
        known = self._known(profile)
        return known[0] if known is not None else ""

    def _known(self, profile: ProfileName) -> tuple[str, str, Decimal] | None:
        """Number, currency and equity of a profile's account; None while they are not known, and when it has left."""
        member = self._members.get(profile)
        return None if member is None else member.account()

    def ordered_today(self, profile: ProfileName, *, leave_out: IntentId | None = None, filled: Decimal = ZERO) -> Sum:
        """Today's orders of one profile; `leave_out` is about to change, and counts for what it `filled` alone."""
        self.day.begin(self.clock.now())
        return self.day.beside(leave_out, filled, kind="profile", name=profile)

    def decide(
        self, intent_id: IntentId, owner: Owner, amount: Decimal, *, symbol: str = "", filled: Decimal = ZERO
    ) -> None:
        """Count an approved wish to its day; a change of an order that counts there with what that `filled` before.

        Both are units times price of `symbol`: of a multi-leg order that of its first leg.
        """
        symbol = symbol or owner.symbol
        if intent_id in self.day.orders:
            amount = WIDE.add(amount, filled)
        scale, rate = self._members[owner.profile].scale(symbol), self._base_rate(owner.profile)
        counted = Counted(owner=owner, amount=amount, symbol=symbol)
        self.day.decide(intent_id, counted, self.clock.now(), scale=scale, rate=rate)

    def standings(
        self,
        wish: NewOrder,
        owner: Owner,
        *,
        leave_out: IntentId | None = None,
        filled: Decimal = ZERO,
        fills_yet: bool = False,
    ) -> tuple[Standing, ...]:
        """Every scope with limits that a wish belongs to, widest first.  The accounts must have caught up.

        `leave_out` is the order that the wish is to take the place of, `filled` what it traded, units times price.
        """
        if not self.watches:
            return ()
        found = [(place, self.watches[place]) for place in places_of(owner) if place in self.watches]
        asked = _Asked(wish=wish, profile=owner.profile, leave_out=leave_out, filled=filled, fills_yet=fills_yet)
        return tuple(self._standing(place, watch, asked) for place, watch in found)

    def _standing(self, place: tuple[str, str], watch: Watch, asked: _Asked) -> Standing:
        wish, profile = asked.wish, asked.profile
        in_second, in_minute = watch.messages(self.clock.monotonic())
        today = self.day.beside(asked.leave_out, asked.filled, kind=place[0], name=place[1])
        with watch.without(asked.leave_out, fills_yet=asked.fills_yet):
            cell, trades = watch.cell((profile, wish.symbol)), _part_in(*place, part_of(wish))
            places = [(profile, symbol) for symbol in trades.symbols]
            for at in places if wish.legs else ():
                watch.cell(at)
                self._mark(watch, *at)
            gross_else, net_else = watch.of_others(profile)
            return Standing(
                key=watch.key,
                limits=watch.limits,
                held=watch.position(wish.symbol),
                worst=watch.worst(wish.symbol, wish.side),
                up=cell.up,
                down=cell.down,
                here=watch.else_than(*places),
                gross_else=gross_else,
                net_else=net_else,
                open_total=watch.open_total,
                open_symbol=watch.open_symbol(wish.symbol),
                messages_s=in_second,
                messages_min=in_minute,
                orders_day=today.orders,
                notional_day=today.told,
                rate=self._rate(watch, profile),
                equity=self.equity_of(watch),
                currency=self._currency(watch, profile),
                legs=tuple(watch.leg((profile, symbol), side, units) for symbol, side, units in trades.legs),
            )

    def _currency(self, watch: Watch, profile: ProfileName) -> str:
        """What the amounts of a scope are in; empty while its account did not tell."""
        if scope_of(watch.key)[0] not in _ONE_ACCOUNT:
            return self.base
        known = self._known(profile)
        return "" if known is None else known[1]

    def _rate(self, watch: Watch, profile: ProfileName) -> Decimal | None:
        """What one unit of a profile's currency is in a scope's; None when nobody said."""
        return Decimal(1) if scope_of(watch.key)[0] in _ONE_ACCOUNT else self._base_rate(profile)

    def _base_rate(self, profile: ProfileName) -> Decimal | None:
        currency = self.currency_of(profile)
        return self.rate_of(currency) if currency else Decimal(1)

    def currency_of(self, profile: ProfileName) -> str:
        """What a profile's account is in, as its venue says or said before a start; empty while it never did."""
        known, before = self._known(profile), self.equities.get(profile)
        if known is not None:
            return known[1]
        return "" if before is None else before.currency

    def between(self, currency: str, other: str) -> Decimal | None:
        """What one unit of a currency is in another; None when nobody said.  Dollars and coins that stand for them are one."""
        if currency == other:
            return Decimal(1)
        worth, of_other = self.rate_of(currency), self.rate_of(other)
        if worth is None or of_other is None:
            return None
        return worth if of_other == 1 else worth / of_other

    def rate_of(self, currency: str) -> Decimal | None:
        """What one unit of a currency is in the base; None when nobody said."""
        if currency == self.base:
            return Decimal(1)
        is_dollar = currency in _DOLLARS and self.base in _DOLLARS
        return self.rates.get(currency, Decimal(1) if is_dollar else None)

    def equity_of(self, watch: Watch) -> Decimal | None:
        """What stands against a scope's exposure: the equity of the accounts it may trade; None while one is not known."""
        kind, name = scope_of(watch.key)
        total = ZERO
        for profile, member in self._members.items():
            if self._concerns(kind, name, profile):
                known, rate = member.account(), self._rate(watch, profile)
                if known is None or rate is None:
                    return None
                total += known[2] * rate
        return total


def _part_in(kind: str, name: str, part: Part) -> Part:
    """What a scope counts of a part: that of a symbol the legs in it alone."""
    return part.only(name) if kind == ScopeKind.SYMBOL.value else part


def places_of(owner: Owner) -> tuple[tuple[str, str], ...]:
    """Every scope an order belongs to, widest first."""
    wide, account, *rest = owner.names()
    return (wide, account, ("profile", owner.profile), *rest)
