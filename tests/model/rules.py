"""The rules of order state, read aloud: a slow and obvious second reading of the text that the fold implements.

`ruling(facts)` looks at a whole set of facts at once and says what the rules say of it.  Nothing is accumulated, ranked
ahead or remembered, so each sentence of the rules can be found again below.  Where the text leaves something open, the
ruling says so: several `states`, or None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

from floorbroker.domain import facts as f
from floorbroker.domain.orders import OrderState

ZERO = Decimal(0)
F = TypeVar("F", bound=f.Fact)

LIVE = frozenset({OrderState.ACKED, OrderState.WORKING, OrderState.HELD})
DEAD = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED})


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What must be true of an order with these facts.  `executions` maps an execution to its counting version."""

    states: frozenset[OrderState]
    filled: Decimal
    order_qty: Decimal | None
    executions: dict[str, tuple[int, Decimal]]
    pending_cancel: bool | None
    pending_replace: bool | None
    must_alert: bool
    needs_executions: bool | None


def ruling(facts: Iterable[f.Fact]) -> Ruling:
    """The rules applied to a set of facts that holds exactly one founding fact."""
    case = Case(frozenset(facts))
    states = case.states()
    total, filled = case.order_qty(), case.filled()
    return Ruling(
        states=states,
        filled=filled,
        order_qty=total,
        executions=case.executions(),
        pending_cancel=_flag(states, asked=case.cancel_waits()),
        pending_replace=_flag(states, asked=case.replace_waits()),
        must_alert=case.contradicts(states) or bool(case.all(f.Unrecognised)) or (total is not None and filled > total),
        needs_executions=case.needs_executions(),
    )


def _flag(states: frozenset[OrderState], *, asked: bool | None) -> bool | None:
    """Pending is a flag over an order that can still change; nothing is pending at a closed one."""
    if asked is False or states <= DEAD:
        return False
    return asked if states <= LIVE else None


class Case:
    """One set of facts, and questions about it."""

    def __init__(self, facts: frozenset[f.Fact]) -> None:
        self.facts = facts
        (self.founding,) = [fact for fact in facts if isinstance(fact, f.Prepared | f.Adopted)]

    def all(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    # -- the chain of venue ids ---------------------------------------------------------------------------------

    def order_ids(self) -> set[str]:
        """Every venue id that any fact names."""
        named = {getattr(fact, "order_id", None) for fact in (*self.facts, self.founding)}
        named |= {done.orig_order_id for done in self.all(f.ReplaceDone)}
        return {name for name in named if name is not None}

    def replacement_refused(self, order_id: str) -> bool:
        """Rejected without a sign that it ever worked: the venue refused to replace, and the old id goes on."""
        rejected = any(reject.order_id == order_id for reject in self.all(f.Reject))
        worked = any(word.order_id == order_id for word in self.all(f.Working))
        filled = any(e.order_id == order_id for e in self.all(f.Exec))
        filled = filled or any(cum.order_id == order_id and cum.cum_qty > 0 for cum in self.all(f.Cum))
        return rejected and not worked and not filled

    def successor(self, order_id: str) -> str | None:
        """The id that replaced this one."""
        for done in self.all(f.ReplaceDone):
            if done.orig_order_id == order_id and done.order_id != order_id:
                return None if self.replacement_refused(done.order_id) else done.order_id
        return None

    def newest(self) -> set[str]:
        """The ids nothing has replaced: one, unless the facts that link them have not arrived."""
        refused = {
            done.order_id
            for done in self.all(f.ReplaceDone)
            if done.order_id != done.orig_order_id and self.replacement_refused(done.order_id)
        }
        return {order_id for order_id in self.order_ids() - refused if self.successor(order_id) is None}

    # -- quantities ---------------------------------------------------------------------------------------------

    def voided(self, exec_id: str) -> bool:
        """A void is a tombstone that also kills an execution arriving after it."""
        return any(void.exec_id == exec_id for void in self.all(f.Void))

    def versions(self, exec_id: str) -> list[f.Exec]:
        return sorted((e for e in self.all(f.Exec) if e.exec_id == exec_id), key=lambda e: e.version)

    def executions(self) -> dict[str, tuple[int, Decimal]]:
        """Corrections carry a version; the highest wins."""
        ids = {e.exec_id for e in self.all(f.Exec) if not self.voided(e.exec_id)}
        return {i: (self.versions(i)[-1].version, self.versions(i)[-1].last_qty) for i in ids}

    def taken_back(self, order_id: str) -> Decimal:
        """Quantity taken back by busts and downward corrections of the executions of one venue id."""
        back = ZERO
        for exec_id in {e.exec_id for e in self.all(f.Exec) if e.order_id == order_id}:
            quantities = [e.last_qty for e in self.versions(exec_id)]
            back += sum((max(ZERO, a - b) for a, b in pairwise(quantities)), ZERO)
            back += quantities[-1] if self.voided(exec_id) else ZERO
        known = {e.exec_id for e in self.all(f.Exec)}
        unseen = {v.exec_id: v.last_qty or ZERO for v in self.all(f.Void) if v.order_id == order_id}
        return back + sum((qty for exec_id, qty in unseen.items() if exec_id not in known), ZERO)

    def unheard(self, order_id: str) -> bool:
        """Whether a bust or a correction is about an execution whose own report never came: how much it took, nobody told."""
        known = {e.exec_id for e in self.all(f.Exec)}
        corrected = [
            i for i in known if self.versions(i)[0].ref is not None and self.versions(i)[0].order_id == order_id
        ]
        busted = [v for v in self.all(f.Void) if v.order_id == order_id and v.exec_id not in known and not v.last_qty]
        return bool(corrected or busted)

    def newest_total(self, order_id: str) -> Decimal | None:
        """The total that was asked for last; one that was not asked for is as of when the venue, or else we, noted it."""
        told = [(c.asked_at or c.venue_time or c.at, c.cum_qty) for c in self.all(f.Cum) if c.order_id == order_id]
        return max(told)[1] if told else None

    def live_sum(self, order_id: str) -> Decimal:
        live = self.executions()
        mine = {e.exec_id for e in self.all(f.Exec) if e.order_id == order_id}
        return sum((qty for exec_id, (_, qty) in live.items() if exec_id in mine), ZERO)

    def filled_on(self, order_id: str) -> Decimal:
        """max(sum of live executions, highest reported cum - quantity taken back); of a quantity that nobody told, no more is
        left than the newest total says."""
        cums = [cum.cum_qty for cum in self.all(f.Cum) if cum.order_id == order_id]
        left, newest = max(cums, default=ZERO) - self.taken_back(order_id), self.newest_total(order_id)
        if newest is not None and self.unheard(order_id):
            left = min(left, newest)
        return max(self.live_sum(order_id), left)

    def filled(self) -> Decimal:
        """Executions and totals are reported per venue id; the order is the chain of them."""
        return sum((self.filled_on(order_id) for order_id in self.order_ids()), ZERO)

    def order_qty(self) -> Decimal | None:
        """The asked quantity, as the replaces that were done have changed it."""
        total = self.founding.order.order_qty
        for done in self.replaces_in_order():
            if done.order_id != done.orig_order_id and self.replacement_refused(done.order_id):
                break
            asked = [a.changes.order_qty for a in self.all(f.ReplaceAsked) if a.replace_id == done.replace_id]
            if done.order_qty is not None:
                kept = done.order_id == done.orig_order_id  # then the quantity told is the total
                total = done.order_qty + (ZERO if kept else self.filled_before(done.order_id))
            elif asked and asked[0] is not None:
                total = asked[0]
        return self.said_done(total)

    def said_done(self, total: Decimal | None) -> Decimal | None:
        """Documents leave open whether a successor's quantity counts earlier fills: its word that it is done decides."""
        newest = self.newest()
        if total is None or len(newest) != 1:
            return total
        (last,) = newest
        if self.taken_back(last) > 0 or self.unheard(last):
            return total
        said = any(word.order_id == last for word in self.all(f.Filled)) and self.filled_on(last) > 0
        return min(total, self.filled()) if said and self.depth(last) > 0 else total

    def filled_before(self, order_id: str) -> Decimal:
        """What the earlier ids of the chain have filled."""
        for done in self.all(f.ReplaceDone):
            if done.order_id == order_id and done.orig_order_id != order_id:
                return self.filled_on(done.orig_order_id) + self.filled_before(done.orig_order_id)
        return ZERO

    def depth(self, order_id: str) -> int:
        for done in self.all(f.ReplaceDone):
            if done.order_id == order_id and done.orig_order_id != order_id:
                return 1 + self.depth(done.orig_order_id)
        return 0

    def replaces_in_order(self) -> list[f.ReplaceDone]:
        """Along the chain of ids; what keeps the id comes by the venue's time, else by when we asked."""

        def place(done: f.ReplaceDone) -> tuple[int, bool, datetime, str]:
            asked = [a.at for a in self.all(f.ReplaceAsked) if a.replace_id == done.replace_id]
            moment = done.venue_time or (asked[0] if asked else done.at)
            return self.depth(done.order_id), done.order_id == done.orig_order_id, moment, done.replace_id or ""

        return sorted(self.all(f.ReplaceDone), key=place)

    def needs_executions(self) -> bool | None:
        """A reported total that its executions do not explain asks for them; without a total nothing asks."""
        if any(self.live_sum(order_id) < self.filled_on(order_id) for order_id in self.order_ids()):
            return True
        return None if self.all(f.Cum) else False

    # -- the state ----------------------------------------------------------------------------------------------

    def states(self) -> frozenset[OrderState]:
        if len(self.newest()) > 1:
            return frozenset(OrderState)  # ids that nothing links yet: the rules say nothing of their order
        if not self.venue_has_it():
            return self.silent_states()
        if self.is_filled():
            return frozenset({OrderState.FILLED})
        ended = self.ended()
        if self.founding.order.order_qty is None and self.all(f.Filled):
            # No quantity was asked, so the venue's word decides; another last word beside it is not ranked, unless
            # a void left open quantity: "FILLED to CANCELLED/EXPIRED".
            ids = self.order_ids()
            taken = any(self.taken_back(order_id) > 0 or self.unheard(order_id) for order_id in ids)
            return ended if ended and taken else ended | {OrderState.FILLED}
        if ended:
            return ended
        state = self.working_state()
        if self.all(f.Filled) or self.was_filled_once():
            # Done at the venue, then taken back: open again, or cut short, the rules allow both.
            state |= {OrderState.CANCELLED}
        if any(reject.order_id is None for reject in self.all(f.Reject)):
            state |= {OrderState.REJECTED}  # a refusal of the request, against a sign of the order: alerted
        return state

    def venue_has_it(self) -> bool:
        """Whether anything a venue said shows that it has, or had, the order."""
        return bool(self.order_ids())

    def is_filled(self) -> bool:
        """filled (cum = quantity) over everything else; more than the quantity holds the state."""
        total = self.order_qty()
        return total is not None and self.filled() >= total

    def was_filled_once(self) -> bool:
        total = self.order_qty()
        highest = sum(
            (max((c.cum_qty for c in self.all(f.Cum) if c.order_id == i), default=ZERO) for i in self.order_ids()), ZERO
        )
        seen = sum((max(e.last_qty for e in self.versions(i)) for i in {e.exec_id for e in self.all(f.Exec)}), ZERO)
        taken = sum((self.taken_back(order_id) for order_id in self.order_ids()), ZERO)
        return total is not None and max(highest, seen, self.filled() + taken) >= total

    def ended(self) -> frozenset[OrderState]:
        """The venue's last words about the newest id; those about a replaced id say only that it was replaced."""
        words: list[tuple[type[f.Fact], OrderState]] = [
            (f.Cancelled, OrderState.CANCELLED),
            (f.Expired, OrderState.EXPIRED),
            (f.Reject, OrderState.REJECTED),
        ]
        newest = self.newest()
        return frozenset(s for kind, s in words for fact in self.all(kind) if getattr(fact, "order_id", None) in newest)

    def working_state(self) -> frozenset[OrderState]:
        """working over acked; a held child works once anything says so."""
        newest = self.newest()
        if any(word.order_id in newest for word in self.all(f.Working)) or self.filled() > 0:
            return frozenset({OrderState.WORKING})
        if any(word.order_id in newest for word in self.all(f.Held)):
            return frozenset({OrderState.HELD, OrderState.ACKED}) if self.all(f.Ack) else frozenset({OrderState.HELD})
        if self.all(f.Exec) or self.all(f.Void) or self.all(f.ReplaceDone) or self.all(f.Cum) or self.all(f.DoneForDay):
            return frozenset({OrderState.WORKING, OrderState.ACKED})
        return (
            frozenset({OrderState.ACKED, OrderState.WORKING}) if self.all(f.Filled) else frozenset({OrderState.ACKED})
        )

    def silent_states(self) -> frozenset[OrderState]:
        """No sign of the order at the venue: what we did, what the venue refused, what we proved."""
        proofs: set[OrderState] = set()
        if self.all(f.Reject):
            proofs.add(OrderState.REJECTED)
        if self.all(f.NotSent):
            proofs.add(OrderState.NOT_SENT)
        for horizon in self.all(f.HorizonPassed):
            proofs.add(OrderState.PRESUMED_NOT_PLACED if horizon.presumed else OrderState.NOT_PLACED)
        if proofs:
            return frozenset(proofs)
        if self.all(f.InDoubt):
            return frozenset({OrderState.UNKNOWN})
        return frozenset({OrderState.SENDING if self.all(f.Sending) else OrderState.PREPARED})

    def contradicts(self, states: frozenset[OrderState]) -> bool:
        """A sign of an order that was proven, or presumed, not to be there."""
        denied = self.all(f.NotSent) or self.all(f.HorizonPassed) or any(r.order_id is None for r in self.all(f.Reject))
        return bool(denied) and self.venue_has_it() and states <= LIVE | DEAD

    # -- the flags ----------------------------------------------------------------------------------------------

    def cancel_waits(self) -> bool:
        refused = {fact.request_id for fact in self.all(f.CancelRefused)}
        return any(fact.request_id not in refused for fact in self.all(f.CancelAsked))

    def replace_waits(self) -> bool | None:
        """Open replaces; one done without telling which leaves it open whether any still waits."""
        answered = {fact.replace_id for fact in (*self.all(f.ReplaceDone), *self.all(f.ReplaceRefused))}
        waiting = any(fact.replace_id not in answered for fact in self.all(f.ReplaceAsked))
        return None if waiting and None in answered else waiting
