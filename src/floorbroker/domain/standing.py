"""Where an order stands, given the evidence.  One rule a line, strongest first:

    filled = quantity        over  the venue's terminal word (cancelled, expired, late reject)
    terminal word            over  working (or any fill), over held, over acked
    any sign of the order    over  our own negatives (refused, not sent, horizon passed), with an alert
    not sent, refused        over  horizon passed, over in doubt, over sending, over prepared

A replace that changes the venue's id opens a new *link*: fills count on every link, words only on the current one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from floorbroker.domain import facts as f
from floorbroker.domain.ids import by_name
from floorbroker.domain.orders import CLOSED, Execution, Order, OrderChanges, OrderState
from floorbroker.domain.terms import in_order
from floorbroker.domain.values import (
    WIDE,
    ZERO,
    ExecId,
    IntentId,
    NotExact,
    OrderId,
    OrdStatus,
    Price,
    Quantity,
    TimeInForce,
    decimal_of,
    total_of,
)


class NoFounding(ValueError):
    """Facts without a founding one (`prepared` or `adopted`) are not an order yet."""


@dataclass(slots=True)
class Link:
    """What is known about one venue order id.  `cums` holds (asked at, total, average price)."""

    words: set[str] = field(default_factory=set[str])
    cums: set[tuple[datetime, Decimal, Decimal]] = field(default_factory=set[tuple[datetime, Decimal, Decimal]])
    done_days: set[date] = field(default_factory=set[date])
    rejects: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    terms: set[f.ReplaceDone] = field(default_factory=set[f.ReplaceDone])

    def copy(self) -> Link:
        """One that may be joined further without touching this one."""
        return Link(set(self.words), set(self.cums), set(self.done_days), set(self.rejects), set(self.terms))


@dataclass(slots=True)
class Evidence:
    """The join of all facts of one order."""

    seen: set[f.Fact] = field(default_factory=set[f.Fact])
    founding: f.Prepared | f.Adopted | None = None
    own: dict[str, set[f.Fact]] = field(default_factory=dict[str, set[f.Fact]])
    links: dict[OrderId, Link] = field(default_factory=dict[OrderId, Link])
    edges: dict[OrderId, OrderId] = field(default_factory=dict[OrderId, OrderId])
    execs: dict[ExecId, dict[int, f.Exec]] = field(default_factory=dict[ExecId, dict[int, f.Exec]])
    voids: dict[ExecId, f.Void] = field(default_factory=dict[ExecId, f.Void])
    corrections: set[tuple[ExecId, ExecId]] = field(
        default_factory=set[tuple[ExecId, ExecId]]
    )  # (its id, what it corrects)

    def copy(self) -> Evidence:
        """One that may be joined further without touching this one."""
        return Evidence(
            seen=set(self.seen),
            founding=self.founding,
            own={kind: set(facts) for kind, facts in self.own.items()},
            links={order_id: link.copy() for order_id, link in self.links.items()},
            edges=dict(self.edges),
            execs={exec_id: dict(versions) for exec_id, versions in self.execs.items()},
            voids=dict(self.voids),
            corrections=set(self.corrections),
        )

    def root_of(self, exec_id: ExecId) -> ExecId:
        """The execution that a chain of corrections began with, as far as it is known."""
        return min(self.kin_of(exec_id), key=self._rank) if self.corrections else exec_id

    def kin_of(self, exec_id: ExecId) -> set[ExecId]:
        """Every id of one execution: its own, and those of what corrected it."""
        kin, size = {exec_id}, 0
        while len(kin) != size:
            size = len(kin)
            kin |= {one for pair in self.corrections if not kin.isdisjoint(pair) for one in pair}
        return kin

    def _rank(self, exec_id: ExecId) -> tuple[bool, ExecId]:
        return any(exec_id == ref for ref, _ in self.corrections), exec_id

    def link(self, order_id: OrderId) -> Link:
        return self.links.setdefault(order_id, Link())

    def asked_at(self) -> dict[IntentId, datetime]:
        """When each change of the order was asked for."""
        return {asked.replace_id: asked.at for asked in self.of(f.ReplaceAsked)}

    def of(self, kind: type[_F]) -> list[_F]:
        """The kept facts of one kind, in a fixed order."""
        found = [fact for fact in self.own.get(kind.kind, ()) if isinstance(fact, kind)]
        return sorted(found, key=lambda fact: (fact.at, repr(fact))) if len(found) > 1 else found


_F = TypeVar("_F", bound=f.Fact)

_NO_CHANGES = OrderChanges()
_TERMINAL = (
    ("cancelled", OrderState.CANCELLED),
    ("expired", OrderState.EXPIRED),
    ("reject", OrderState.REJECTED),
)
_ALIVE = (("working", OrderState.WORKING), ("held", OrderState.HELD))
_WITHOUT_A_SIGN = (
    ("not_sent", OrderState.NOT_SENT),
    ("reject", OrderState.REJECTED),
    ("horizon_passed", OrderState.NOT_PLACED),
    ("in_doubt", OrderState.UNKNOWN),
    ("sending", OrderState.SENDING),
)
_PUBLIC = {
    OrderState.PREPARED: OrdStatus.PENDING_NEW,
    OrderState.SENDING: OrdStatus.PENDING_NEW,
    OrderState.ACKED: OrdStatus.PENDING_NEW,
    OrderState.UNKNOWN: OrdStatus.UNKNOWN,
    OrderState.PRESUMED_NOT_PLACED: OrdStatus.UNKNOWN,
    OrderState.HELD: OrdStatus.HELD,
    OrderState.FILLED: OrdStatus.FILLED,
    OrderState.CANCELLED: OrdStatus.CANCELED,
    OrderState.EXPIRED: OrdStatus.EXPIRED,
    OrderState.REJECTED: OrdStatus.REJECTED,
    OrderState.NOT_SENT: OrdStatus.NOT_SENT,
    OrderState.NOT_PLACED: OrdStatus.NOT_PLACED,
}


def order_of(intent_id: IntentId, evidence: Evidence) -> Order:
    """The order the evidence describes.  Raises `NoFounding` before the founding fact is in."""
    founding = evidence.founding
    if founding is None:
        raise NoFounding("no prepared or adopted fact")
    evidence = by_real_ids(evidence, by_name(founding.cl_ord_id))
    chain = chain_of(evidence)
    executions = live_executions(evidence)
    filled = {order_id: filled_on(evidence, order_id, executions) for order_id in evidence.links}
    cum = total_of(filled.values())
    quantity = quantity_of(evidence, chain, filled)
    state = state_of(evidence, chain, cum, quantity)
    pending_cancel, pending_replace = pending_of(evidence, state)
    price, stop_px, tif = _current_terms(evidence, chain)
    reason, venue_text = _reject_of(evidence, chain, state)
    adopted = founding if isinstance(founding, f.Adopted) else None
    return Order(
        intent_id=intent_id,
        cl_ord_id=founding.cl_ord_id,
        profile=founding.profile,
        terms=founding.order,
        state=state,
        ord_status=public_status(state, cum=cum, pending_cancel=pending_cancel, pending_replace=pending_replace),
        order_id=chain[-1] if chain else None,
        order_ids=tuple(chain),
        order_qty=quantity,
        price=price,
        stop_px=stop_px,
        tif=tif,
        cum_qty=Quantity(cum),
        leaves_qty=_leaves(state, quantity, cum),
        avg_px=_average(evidence, executions, cum),
        executions=executions,
        created_at=founding.at,
        updated_at=max([fact.at for fact in evidence.seen]),
        version=len(evidence.seen),
        pending_cancel=pending_cancel,
        pending_replace=pending_replace,
        done_for_day=state not in CLOSED and bool(chain) and bool(evidence.links[chain[-1]].done_days),
        presumed=state is OrderState.PRESUMED_NOT_PLACED,
        parent_id=adopted.parent_id if adopted else None,
        external=adopted.external if adopted else False,
        reject_reason=reason,
        venue_text=venue_text,
        evidence=_doubts(evidence, state),
        alerts=alerts_of(evidence, state, cum, quantity),
        needs_executions=any(_total_differs(evidence, link, filled[link], executions) for link in evidence.links),
        route=founding.route if isinstance(founding, f.Prepared) else "",
    )


def by_real_ids(evidence: Evidence, name: OrderId) -> Evidence:
    """Executions that named the order by our id alone belong to its first venue id, as soon as any fact tells one."""
    if name not in evidence.links or len(evidence.links) == 1:
        return evidence
    real = evidence.copy()
    del real.links[name]
    first = chain_of(real)[0]
    for versions in real.execs.values():
        versions.update({n: replace(fact, order_id=first) for n, fact in versions.items() if fact.order_id == name})
    real.voids.update({e: replace(void, order_id=first) for e, void in real.voids.items() if void.order_id == name})
    return real


def chain_of(evidence: Evidence) -> list[OrderId]:
    """Venue ids from the first to the current one; a replacement rejected before it lived gives the place back."""
    if not evidence.links:
        return []
    if not evidence.edges:
        return [min(evidence.links)]
    followers = set(evidence.edges.values())
    roots = sorted(order_id for order_id in evidence.links if order_id not in followers)
    chain = roots[:1] or [min(evidence.links)]
    while (follower := evidence.edges.get(chain[-1])) is not None and follower not in chain:
        if _never_lived(evidence, follower):
            break
        chain.append(follower)
    return chain


def _never_lived(evidence: Evidence, order_id: OrderId) -> bool:
    """Rejected without ever having worked or filled: then what it was to replace was not replaced."""
    link = evidence.links[order_id]
    filled = any(cum > 0 for _, cum, _ in link.cums)
    filled = filled or any(
        fact.order_id == order_id for versions in evidence.execs.values() for fact in versions.values()
    )
    return "reject" in link.words and "working" not in link.words and not filled


def live_executions(evidence: Evidence) -> tuple[Execution, ...]:
    """The newest version of each execution that no bust took back; synthetic ones give way to real ones."""
    if not evidence.execs:
        return ()
    newest = {
        exec_id: versions[max(versions)]
        for exec_id, versions in evidence.execs.items()
        if exec_id not in evidence.voids
    }
    live = [_execution(exec_id, fact) for exec_id, fact in newest.items() if fact.last_qty > 0]
    kept = [_uncovered(execution, live) if execution.synthetic else execution for execution in live]
    kept = [execution for execution in kept if execution.last_qty > 0]
    return tuple(sorted(kept, key=lambda execution: (execution.transact_time, execution.exec_id)))


def _execution(exec_id: ExecId, fact: f.Exec) -> Execution:
    return Execution(
        exec_id=exec_id,
        order_id=fact.order_id,
        symbol=fact.symbol,
        side=fact.side,
        last_qty=fact.last_qty,
        last_px=fact.last_px,
        transact_time=fact.venue_time or fact.at,
        version=fact.version,
        fee=fact.fee,
        synthetic=fact.synthetic,
    )


def _uncovered(synthetic: Execution, live: list[Execution]) -> Execution:
    """A synthetic fill stands for the units up to the total at the end of its id (`…#total`); real fills take them over."""
    real = total_of(e.last_qty for e in live if not e.synthetic and e.order_id == synthetic.order_id)
    open_units = max(WIDE.subtract(_total_reached(synthetic), real), ZERO)
    return replace(synthetic, last_qty=Quantity(min(synthetic.last_qty, open_units)))


def _total_reached(synthetic: Execution) -> Decimal:
    """The total in a synthetic fill's id; one that tells none stands for its own units."""
    try:
        return decimal_of(synthetic.exec_id.rpartition("#")[2])
    except NotExact:
        return synthetic.last_qty


def filled_on(evidence: Evidence, order_id: OrderId, executions: tuple[Execution, ...]) -> Decimal:
    """Units filled on one venue order: what executions say, or the highest reported total less what was taken back.

    Where nobody heard how much that was, the newest total tells what is left.
    """
    cums = evidence.links[order_id].cums
    if not cums and not evidence.execs:
        return ZERO
    listed = total_of(e.last_qty for e in executions if e.order_id == order_id)
    reported = max((cum for _, cum, _ in cums), default=ZERO)
    left = WIDE.subtract(reported, _taken_back(evidence, order_id))
    if cums and _is_size_unheard(evidence, order_id):
        left = min(left, max(cums)[1])
    return max(listed, left)


def _is_size_unheard(evidence: Evidence, order_id: OrderId) -> bool:
    """Whether a bust or a correction is about an execution whose first version nobody heard of."""
    if any(
        void.order_id == order_id and not void.last_qty and e not in evidence.execs
        for e, void in evidence.voids.items()
    ):
        return True
    oldest = (versions[min(versions)] for versions in evidence.execs.values())
    return any(fact.order_id == order_id and fact.ref is not None for fact in oldest)


def _was_taken_from(evidence: Evidence, order_id: OrderId) -> bool:
    """Whether a bust or a correction took fills back from `order_id`, or may have."""
    return _taken_back(evidence, order_id) > 0 or _is_size_unheard(evidence, order_id)


def _taken_back(evidence: Evidence, order_id: OrderId) -> Decimal:
    """Units that busts and downward corrections took from `order_id`."""
    total = ZERO
    for exec_id, versions in evidence.execs.items():
        newest = versions[max(versions)]
        if newest.order_id == order_id and exec_id not in evidence.voids:
            most = max(fact.last_qty for fact in versions.values())
            total = WIDE.add(total, WIDE.subtract(most, newest.last_qty))
    for exec_id, void in evidence.voids.items():
        if void.order_id == order_id:
            seen = (fact.last_qty for fact in evidence.execs.get(exec_id, {}).values())
            total = WIDE.add(total, max(seen, default=void.last_qty or ZERO))
    return total


def _total_differs(evidence: Evidence, link: OrderId, filled: Decimal, executions: tuple[Execution, ...]) -> bool:
    cums = evidence.links[link].cums
    if not cums:
        return False
    listed = total_of(e.last_qty for e in executions if e.order_id == link)
    return max(cums)[1] != filled or listed != filled


def quantity_of(evidence: Evidence, chain: list[OrderId], filled: dict[OrderId, Decimal]) -> Quantity | None:
    """The total quantity now asked for, over all links; None while a notional order has no unit count."""
    assert evidence.founding is not None
    total = evidence.founding.order.order_qty
    if not _was_replaced(evidence):
        return total
    asked = _asked_changes(evidence)
    before = ZERO
    for position, order_id in enumerate(chain):
        for done in _ordered_terms(evidence, order_id):
            if done.order_qty is not None:
                total = Quantity(WIDE.add(before, done.order_qty))
            else:
                total = asked.get(done.replace_id, _NO_CHANGES).order_qty or total
        if position + 1 < len(chain):
            before = WIDE.add(before, filled[order_id])
    if len(chain) > 1 and _is_said_done(evidence, chain[-1], filled):
        # Venues differ in whether a successor's quantity counts earlier fills; its word that it is done does not.
        return Quantity(min(total, total_of(filled.values()))) if total is not None else None
    return total


def _is_said_done(evidence: Evidence, order_id: OrderId, filled: dict[OrderId, Decimal]) -> bool:
    """Whether the venue called this id filled, with fills on it that nothing took back."""
    is_said = "filled" in evidence.links[order_id].words and filled[order_id] > 0
    return is_said and not _was_taken_from(evidence, order_id)  # a bust on an id it replaced reopens nothing


def _current_terms(evidence: Evidence, chain: list[OrderId]) -> tuple[Price | None, Price | None, TimeInForce]:
    assert evidence.founding is not None
    order = evidence.founding.order
    price, stop_px, tif = order.price, order.stop_px, order.tif
    if not _was_replaced(evidence):
        return price, stop_px, tif
    asked = _asked_changes(evidence)
    for order_id in chain:
        for done in _ordered_terms(evidence, order_id):
            changes = asked.get(done.replace_id, _NO_CHANGES)
            price = _first(done.price, changes.price, price)
            stop_px = _first(done.stop_px, changes.stop_px, stop_px)
            tif = changes.tif or tif
    return price, stop_px, tif


def _was_replaced(evidence: Evidence) -> bool:
    """Whether any venue order of this intent has terms of its own; without one the wish says all of them."""
    return len(evidence.links) > 1 or "replace_done" in evidence.own


def _first(*told: Price | None) -> Price | None:
    """The first that was told; a price of zero is one."""
    return next((price for price in told if price is not None), None)


def _asked_changes(evidence: Evidence) -> dict[IntentId | None, OrderChanges]:
    """What each replace asked for: its terms, where the venue that did it does not repeat them."""
    return {ask.replace_id: ask.changes for ask in evidence.of(f.ReplaceAsked)}


def _ordered_terms(evidence: Evidence, order_id: OrderId) -> list[f.ReplaceDone]:
    return in_order(evidence.links[order_id].terms, evidence.asked_at())


def state_of(evidence: Evidence, chain: list[OrderId], cum: Decimal, quantity: Decimal | None) -> OrderState:
    """The rank table."""
    words = evidence.links[chain[-1]].words if chain else set[str]()
    if quantity is not None and 0 < quantity <= cum:
        return OrderState.FILLED
    busted = bool(chain) and _was_taken_from(evidence, chain[-1])  # a void leaves open quantity at a closed order
    if quantity is None and "filled" in words and not (busted and any(word in words for word, _ in _TERMINAL)):
        return OrderState.FILLED
    for word, state in _TERMINAL:
        if word in words:
            return state
    if chain:
        if cum > 0:
            return OrderState.WORKING  # a fill says so, whatever else was said (or not yet) of a held or a replaced id
        return next((state for word, state in _ALIVE if word in words), _silent_state(evidence))
    return _state_without_a_sign(evidence)


def _silent_state(evidence: Evidence) -> OrderState:
    """A link nobody called working: an earlier link that worked says that it does."""
    worked = any("working" in link.words for link in evidence.links.values())
    return OrderState.WORKING if worked else OrderState.ACKED


def _state_without_a_sign(evidence: Evidence) -> OrderState:
    for kind, state in _WITHOUT_A_SIGN:
        if kind in evidence.own:
            presumed = kind == "horizon_passed" and all(h.presumed for h in evidence.of(f.HorizonPassed))
            return OrderState.PRESUMED_NOT_PLACED if presumed else state
    return OrderState.PREPARED


def pending_of(evidence: Evidence, state: OrderState) -> tuple[bool, bool]:
    """Whether a cancel and a replace are asked and not answered."""
    own = evidence.own
    if state in CLOSED or not ("cancel_asked" in own or "replace_asked" in own):
        return False, False
    cancels = {c.request_id for c in evidence.of(f.CancelAsked)} - {c.request_id for c in evidence.of(f.CancelRefused)}
    answered = {d.replace_id for d in evidence.of(f.ReplaceDone)} | {
        r.replace_id for r in evidence.of(f.ReplaceRefused)
    }
    return bool(cancels), any(asked.replace_id not in answered for asked in evidence.of(f.ReplaceAsked))


def public_status(state: OrderState, *, cum: Decimal, pending_cancel: bool, pending_replace: bool) -> OrdStatus:
    """What public surfaces show for a state and its flags."""
    if state not in CLOSED and state not in (OrderState.UNKNOWN, OrderState.SENDING, OrderState.PREPARED):
        if pending_cancel:
            return OrdStatus.PENDING_CANCEL
        if pending_replace:
            return OrdStatus.PENDING_REPLACE
    if state is OrderState.WORKING:
        return OrdStatus.PARTIALLY_FILLED if cum > 0 else OrdStatus.NEW
    return _PUBLIC[state]


def _leaves(state: OrderState, quantity: Decimal | None, cum: Decimal) -> Quantity | None:
    if state in CLOSED:
        return Quantity(ZERO)
    return None if quantity is None else Quantity(WIDE.subtract(quantity, cum))


def _average(evidence: Evidence, executions: tuple[Execution, ...], cum: Decimal) -> Decimal | None:
    """Average price of the fills; the venue's own average where executions do not cover the total."""
    if cum == 0:
        return None
    listed = total_of(e.last_qty for e in executions)
    if listed == cum:
        return total_of(WIDE.multiply(e.last_qty, e.last_px) for e in executions) / listed
    told = [entry for link in evidence.links.values() for entry in link.cums if entry[2] > 0]
    return max(told)[2] if told else None


def _reject_of(evidence: Evidence, chain: list[OrderId], state: OrderState) -> tuple[str | None, str | None]:
    if state is OrderState.NOT_SENT:
        return evidence.of(f.NotSent)[0].reason, None
    if state is not OrderState.REJECTED:
        return None, None
    late = evidence.links[chain[-1]].rejects if chain else set[tuple[str, str]]()
    told = late or {(reject.reason, reject.venue_text or "") for reject in evidence.of(f.Reject)}
    reason, text = min(told)
    return reason, text or None


def _doubts(evidence: Evidence, state: OrderState) -> tuple[str, ...]:
    """Why an order is in doubt, for people."""
    if state not in (OrderState.UNKNOWN, OrderState.PRESUMED_NOT_PLACED):
        return ()
    doubts = [doubt.reason for doubt in evidence.of(f.InDoubt)]
    passed = [
        f"{passed.negatives} complete negatives after the arrival horizon" for passed in evidence.of(f.HorizonPassed)
    ]
    return tuple(doubts + passed)


def alerts_of(evidence: Evidence, state: OrderState, cum: Decimal, quantity: Decimal | None) -> tuple[str, ...]:
    """Contradictions and unknown words: kept, shown, never guessed away."""
    own, alerts = evidence.own, list[str]()
    if "unrecognised" in own:
        alerts += [f"unknown word from the venue: {fact.text}" for fact in evidence.of(f.Unrecognised)]
    if evidence.links:
        alerts += [text for kind, text in _CONTRADICTIONS if kind in own]
    if quantity is not None and cum > quantity:
        alerts.append("the venue reports more filled than was asked for")
    if len(evidence.links) > 1 and _heads(evidence) > 1:
        alerts.append("the venue has more than one order for this intent")
    if state is OrderState.NOT_SENT and "reject" in own:
        alerts.append("refused by the venue although proven not sent")
    return tuple(sorted(alerts))


def _heads(evidence: Evidence) -> int:
    """Venue orders that replaced no other."""
    followers = set(evidence.edges.values())
    return len([order_id for order_id in evidence.links if order_id not in followers])


_CONTRADICTIONS = (
    ("not_sent", "the venue has an order that was proven not sent"),
    ("reject", "the venue has an order whose request it refused"),
    ("horizon_passed", "late acceptance: the venue has an order presumed not placed"),
)
