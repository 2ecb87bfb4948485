"""One account's share in the desk's risk book: whose its orders are, and what each change of it means there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from floorbroker.domain import facts as f
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.records import Account
from floorbroker.domain.values import WIDE, ZERO, IntentId, ProfileName, Side
from floorbroker.oms.book import Change, OrderBook
from floorbroker.oms.exposed import Exposed
from floorbroker.oms.holdings import part_of, signed
from floorbroker.oms.scales import Scales
from floorbroker.risk.book import RiskBook
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.scope import Owner, ScopeKind
from floorbroker.risk.situation import net_of
from floorbroker.risk.workload import Part


@dataclass(slots=True)
class Share:
    """Implements `risk.book.Member`, and hears from `Exposed` what changed."""

    profile: ProfileName
    risk: RiskBook
    book: OrderBook
    gate: RiskGate
    exposed: Exposed
    scales: Scales
    told: Callable[[], Account | None]

    def __post_init__(self) -> None:
        self.exposed.listener = self
        self.risk.join(self.profile, self)

    # -- whose an order is --------------------------------------------------------------------------------------------

    def owner(self, wish: NewOrder, principal: str) -> Owner:
        """Whose a wish is."""
        told = self.told()
        return Owner(
            profile=self.profile,
            symbol=wish.symbol,
            strategy=wish.strategy,
            token=principal,
            account=told.account if told is not None else "",
            legs=tuple(dict.fromkeys(leg.symbol for leg in wish.legs)) if wish.legs else (),
        )

    def owner_of(self, order: Order) -> Owner:
        """Whose an order is; a child is of its parent's strategy, and its parent's principal wished for it."""
        return self.owner(order.terms, self.book.principal(order.intent_id))

    # -- what changes -------------------------------------------------------------------------------------------------

    def on_part(self, intent_id: IntentId, order: Order | None, part: Part | None) -> None:
        """One order of the account, as it counts now; without an order, what the gate holds for it."""
        wish = order.terms if order is not None else self.gate.pending.get(intent_id)
        self.risk.see(intent_id, lambda: self._owner_at(intent_id, order, wish), part, wish, self._asks(order, wish))
        if intent_id in self.risk.day.orders and part is None:
            done = order or self.book.get(intent_id)  # one that is sealed already counts for what it filled
            if done is None:
                self.risk.day.drop(intent_id)
            else:
                self.risk.day.done(intent_id, traded(done))

    def _owner_at(self, intent_id: IntentId, order: Order | None, wish: NewOrder | None) -> Owner:
        if order is not None:
            return self.owner_of(order)
        if wish is None:
            return Owner(profile=self.profile, symbol="")
        return self.owner(wish, self.gate.principals.get(intent_id, ""))

    def _asks(self, order: Order | None, wish: NewOrder | None) -> Decimal | None:
        """The limit it rests at; of a change in flight, the one that meets more."""
        if order is None:
            return None if wish is None else wish.price
        if not order.pending_replace or order.price is None:
            return order.price
        facts = self.book.facts(order.intent_id)
        asked = [fact.changes.price for fact in facts if isinstance(fact, f.ReplaceAsked) and fact.changes.price]
        prices = [order.price, *asked]
        return max(prices) if order.terms.side is Side.BUY else min(prices)

    def asked(self, order: Order) -> Decimal:
        """What an order was asked for, units times price: at its limit or trigger, else at what its symbol or legs are marked."""
        if order.terms.notional is not None:
            return order.terms.notional / self.scales.multiplier(order.terms.symbol)
        marks = self.exposed.marks.by_symbol
        marked = net_of(order.terms, marks) if order.terms.legs else marks.get(order.terms.symbol)
        price = order.price or order.stop_px or marked or ZERO
        return (order.order_qty or ZERO) * abs(price)

    def on_holdings(self, symbols: set[str]) -> None:
        """Positions changed."""
        if self.risk.watches:
            held = self.exposed.positions()
            for symbol in symbols:
                self.risk.hold(self.profile, symbol, held.get(symbol, ZERO))

    def on_marks(self, symbols: set[str]) -> None:
        """Things are worth something else."""
        if self.risk.watches:
            for symbol in symbols:
                self.risk.remark(self.profile, symbol)

    def on_change(self, change: Change) -> int:
        """A durable change of an order: its new fills count for strategy and token.  How many fills there are more."""
        before, after = change.before, change.after
        known = before.executions if before is not None else ()
        if before is after or known == after.executions:
            return 0
        if self.risk.watches:
            owner = self.owner_of(after)
            for symbol, units in _moved(before, after):
                self.risk.fill(owner, symbol, units)
        return max(len(after.executions) - len(known), 0)

    # -- what the book asks -------------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        self.exposed.catch_up()

    def counted(self) -> Iterable[tuple[IntentId, Owner, Part]]:
        for intent_id, part in self.exposed.work.parts():
            order = self.book.at_hand(intent_id)
            yield intent_id, self._owner_at(intent_id, order, self.gate.pending.get(intent_id)), part

    def held(self) -> Mapping[str, Decimal]:
        return self.exposed.positions()

    def filled_by(self, kind: ScopeKind, name: str) -> Mapping[str, Decimal]:
        found = dict[str, Decimal]()
        for order in self.book:
            owner = self.owner_of(order)
            if name == (owner.strategy if kind is ScopeKind.STRATEGY else owner.token):
                for symbol, moved in _moved(None, order):
                    found[symbol] = WIDE.add(found.get(symbol, ZERO), moved)
        return found

    def worth(self, symbol: str) -> tuple[Decimal | None, Decimal | None]:
        return self.exposed.marks.by_symbol.get(symbol), self.scales(symbol)

    def scale(self, symbol: str) -> Decimal | None:
        return self.scales(symbol)

    def account(self) -> tuple[str, str, Decimal] | None:
        told = self.told()
        return None if told is None else (told.account, told.currency, told.equity)


def traded(order: Order) -> Decimal:
    """What an order filled, units times price."""
    made = sum((e.last_qty * e.last_px for e in order.executions), ZERO)
    return max(made, order.cum_qty * (order.avg_px or ZERO))


def _moved(before: Order | None, after: Order) -> Iterator[tuple[str, Decimal]]:
    """Signed units by symbol that came from one view of an order to the next."""
    was, now = _units(before), _units(after)
    for symbol in dict.fromkeys([*was, *now]):
        moved = WIDE.subtract(now.get(symbol, ZERO), was.get(symbol, ZERO))
        if moved:
            yield symbol, moved


def _units(order: Order | None) -> dict[str, Decimal]:
    units: dict[str, Decimal] = {}
    for execution in part_of(order) if order is not None else ():
        units[execution.symbol] = WIDE.add(units.get(execution.symbol, ZERO), signed(execution))
    return units
