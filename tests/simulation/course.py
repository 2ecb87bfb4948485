"""The oracle's rules about the way there: what must hold at every moment, whatever comes right in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TypeGuard

from floorbroker.domain import facts as f
from floorbroker.domain.fold import fold
from floorbroker.domain.orders import CLOSED, Order, OrderState
from floorbroker.domain.ports import AuditEntry, FactEntry, Record
from floorbroker.domain.values import ExecId, IntentId
from floorbroker.oms.book import Change
from tests.simulation.claims import Claim, Truth, Violation
from tests.simulation.witness import Departure, Row, Scene, Witness, is_cancel

VISIBILITY_S, CLOCK_ERROR_S, MARGIN_S, SPREAD_S = 2.0, 1.0, 2.0, 10.0  # RELIABILITY 2.6
DECIDED_S = 10.0  # an order may be on its way to the wire for so long
TOLD_S = 1.0  # how exactly a venue tells the time
GRACE_S = 10.0  # RELIABILITY 3
ENDED = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED})
WORDS = {"cancelled": ("canceled",), "expired": ("expired",)}
OVER = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One new order or change as the journal has it: by its client id, durable from `seq` on."""

    intent_id: IntentId
    changes: IntentId | None  # the order that it is a change of
    seq: int
    prepared_in: int  # the epoch
    at: datetime
    bound_s: float
    audited: int | None  # the sequence of its audit row


def judge_course(truth: Truth, claim: Claim, witness: Witness) -> list[Violation]:
    """Every promise broken on the way."""
    decisions = _decisions(claim.records)
    return [
        *_departures(decisions, witness),
        *_horizons(truth, claim, decisions, witness),
        *_stops(witness),
        *_moves(witness.moves),
        *_words(truth, claim.records),
        *_stand_ins(claim.records, witness),
        *_replayed(claim),
        *_limits(claim, witness),
        *_given_up(claim),
        *_dated(claim, witness),
    ]


# -- what left, and what was durable then ---------------------------------------------------------------------------------


def _decisions(records: Sequence[Record]) -> dict[str, Decision]:
    founded: dict[IntentId, tuple[str, int]] = {}
    audited: dict[str, int] = {}
    found: dict[str, Decision] = {}
    for record in records:
        entry = record.entry
        if isinstance(entry, AuditEntry) and entry.outcome == "sending":
            audited.setdefault(entry.detail.get("replace_id") or entry.object, record.seq)
        if not isinstance(entry, FactEntry):
            continue
        match entry.fact:
            case f.Prepared(cl_ord_id=client):
                founded[entry.intent_id] = (client, record.epoch)
            case f.Sending(arrival_bound_s=bound_s) if entry.intent_id in founded:
                client, epoch = founded[entry.intent_id]
                found.setdefault(client, _decision(record, entry.intent_id, epoch, bound_s))
            case f.ReplaceAsked(cl_ord_id=client):
                found[client] = replace(
                    _decision(record, entry.fact.replace_id, record.epoch, 0.0), changes=entry.intent_id
                )
            case _:
                pass
    return {client: _with_row(decision, audited) for client, decision in found.items()}


def _decision(record: Record, intent_id: IntentId, epoch: int, bound_s: float) -> Decision:
    assert isinstance(record.entry, FactEntry)  # the caller has looked
    at = record.entry.fact.at
    return Decision(
        intent_id=intent_id, changes=None, seq=record.seq, prepared_in=epoch, at=at, bound_s=bound_s, audited=None
    )


def _with_row(decision: Decision, audited: Mapping[str, int]) -> Decision:
    return replace(decision, audited=audited.get(decision.intent_id))


def _decision_of(left: Departure, decisions: Mapping[str, Decision]) -> Decision | None:
    """What was decided about a command.  Where a change keeps the order's own id, it is the newest change of that order."""
    named = decisions.get(left.client)
    if left.endpoint != "orders.replace" or named is None or named.changes is not None:
        return named
    changes = [one for one in decisions.values() if one.changes == named.intent_id]
    before = [one for one in changes if one.seq <= left.seq]
    return max(before or changes, key=lambda one: one.seq, default=None)


def _departures(decisions: Mapping[str, Decision], witness: Witness) -> Iterable[Violation]:
    """Durable and audited before the first byte (I2, RELIABILITY 9); sent by the life that decided, or never (2.7)."""
    for left in witness.departures:
        if is_cancel(left.endpoint):
            continue
        decision = _decision_of(left, decisions)
        if decision is None:
            yield Violation("lost", f"{_left(left)}, and the journal knows nothing of it")
        elif decision.seq > left.seq:
            yield Violation("wrong", f"{_left(left)} before it was durable")
        elif decision.prepared_in != left.epoch:
            text = f"{_left(left)} in life {left.epoch}, decided in life {decision.prepared_in}"
            yield Violation("duplicate", text)
        elif decision.audited is None or decision.audited > left.seq:
            yield Violation("wrong", f"{_left(left)} without a row in the audit")


def _left(departure: Departure) -> str:
    return f"{departure.endpoint} of {departure.client} left at {departure.at_s:.3f}s"


def _stops(witness: Witness) -> Iterable[Violation]:
    """A confirmed kill switch lets nothing new out, over restarts and full disks (I14); cancels pass (I15)."""
    for left in witness.departures:
        if not is_cancel(left.endpoint) and any(halt.covers(left.at_s, left.account) for halt in witness.stops):
            yield Violation("late", f"{_left(left)} while the kill switch was on")


def _dated(claim: Claim, witness: Witness) -> Iterable[Violation]:
    """Nothing new leaves while the clock is known to be wrong, and nothing is refused for a clock that is right (I11, 11)."""
    for left in witness.departures:
        off_s = claim.clock.least(left.at_s - DECIDED_S, left.at_s)
        if not is_cancel(left.endpoint) and off_s > claim.most_off_s + TOLD_S:
            yield Violation("wrong", f"{_left(left)} while the clock was {off_s:.1f}s off")
    for at_s in claim.misdated:
        off_s = abs(claim.clock.at(at_s))
        if off_s < claim.most_off_s - TOLD_S:
            yield Violation("wrong", f"somebody was refused at {at_s:.3f}s for a clock that was {off_s:.1f}s off")


# -- doubt ----------------------------------------------------------------------------------------------------------------


def _horizons(truth: Truth, claim: Claim, decisions: Mapping[str, Decision], witness: Witness) -> Iterable[Violation]:
    """Nobody is given up before the arrival horizon and the questions after it; nor who came in time (I3, 2.6)."""
    by_intent = {decision.intent_id: (client, decision) for client, decision in decisions.items()}
    left = {departure.client: departure.at_s for departure in witness.departures if not is_cancel(departure.endpoint)}
    taken = {row["client"] for row in truth.orders} - claim.doubled
    for record in claim.records:
        if not isinstance(record.entry, FactEntry) or not isinstance(record.entry.fact, f.HorizonPassed):
            continue
        client, decision = by_intent.get(record.entry.intent_id, ("", None))
        if decision is None:
            continue
        waited_s = _apart_s(witness, decision.seq, decision.at, record.seq, record.entry.fact.at)
        least_s = decision.bound_s + VISIBILITY_S + CLOCK_ERROR_S + MARGIN_S + SPREAD_S
        if waited_s < least_s:
            yield Violation("wrong", f"{client} was given up after {waited_s:.1f}s; {least_s:.1f}s are the least")
        took_s = witness.arrivals.get(client, float("inf")) - left.get(client, 0.0)
        if client in taken and took_s < decision.bound_s:
            yield Violation("lost", f"{client} was given up, and had come in after {took_s:.1f}s")


def _given_up(claim: Claim) -> Iterable[Violation]:
    """An order that shows up after it was given up is cancelled (2.6)."""
    for order in claim.orders:
        if order.is_open and any("late acceptance" in alert for alert in order.alerts):
            yield Violation("stuck", f"{order.intent_id} was given up, showed up, and still works")


# -- how orders moved -----------------------------------------------------------------------------------------------------


def _moves(moves: Sequence[Change]) -> Iterable[Violation]:
    """What may not fall, falls by a bust or a correction alone (I10); an end is left by a void or a replace (3, I8).

    One that was told before its execution counts when that one is known; how much it took of one that is never heard of, the
    totals tell that come after it.
    """
    amended: dict[IntentId, set[ExecId]] = {}
    heard: dict[IntentId, set[ExecId]] = {}
    for before, after, facts in _steps(moves):
        known, plain = amended.setdefault(after.intent_id, set()), heard.setdefault(after.intent_id, set())
        known.update(fact.exec_id for fact in facts if _takes_back(fact))
        plain.update(fact.exec_id for fact in facts if isinstance(fact, f.Exec) and fact.ref is None)
        taken_back = any(isinstance(fact, f.Exec | f.Void) and fact.exec_id in known for fact in facts)
        taken_back = taken_back or (bool(known - plain) and any(isinstance(fact, f.Cum) for fact in facts))
        if after.cum_qty < before.cum_qty and not taken_back:
            yield Violation("wrong", f"{_moved(before, after, facts)}: filled fell from {before.cum_qty}")
        reopened = taken_back or any(isinstance(fact, f.ReplaceDone) for fact in facts)
        if before.state in ENDED and after.state not in CLOSED and not reopened:
            yield Violation("wrong", f"{_moved(before, after, facts)}: an end was undone")


def _takes_back(fact: f.Fact) -> TypeGuard[f.Exec | f.Void]:
    """Whether it is a bust or a correction."""
    return isinstance(fact, f.Void) or (isinstance(fact, f.Exec) and fact.version > 0)


def _steps(moves: Sequence[Change]) -> Iterable[tuple[Order, Order, list[f.Fact]]]:
    """How orders stood before and after a commit, and its facts about them: all but the first say that nothing moved."""
    latest: dict[IntentId, tuple[Order, Order, list[f.Fact]]] = {}
    found: list[tuple[Order, Order, list[f.Fact]]] = []
    for change in moves:
        assert isinstance(change.record.entry, FactEntry)  # a change is about a fact
        fact, intent_id = change.record.entry.fact, change.after.intent_id
        if change.before is None:
            continue
        if change.before is change.after and intent_id in latest:
            latest[intent_id][2].append(fact)
        else:
            latest[intent_id] = (change.before, change.after, [fact])
            found.append(latest[intent_id])
    return found


def _moved(before: Order, after: Order, facts: Sequence[f.Fact]) -> str:
    by = ", ".join(f"{fact.kind} ({fact.source.value})" for fact in facts)
    return f"{after.intent_id} went from {before.state.value} to {after.state.value} by {by}"


def _words(truth: Truth, records: Sequence[Record]) -> Iterable[Violation]:
    """An end is the venue's word, never what somebody made of its absence from a list (I9)."""
    status = {row["order"]: row["status"] for row in truth.orders}
    for record in records:
        fact = record.entry.fact if isinstance(record.entry, FactEntry) else None
        if isinstance(fact, f.Cancelled | f.Expired) and status.get(fact.order_id) not in WORDS[fact.kind]:
            text = f"{fact.order_id} was called {fact.kind} ({fact.source.value}), it is {status.get(fact.order_id)}"
            yield Violation("wrong", text)


def _stand_ins(records: Sequence[Record], witness: Witness) -> Iterable[Violation]:
    """A fill is made up after the grace, counted from when we first heard of a total that implies it (3)."""
    heard: dict[str, list[tuple[int, datetime, Decimal]]] = {}
    for record in records:
        fact = record.entry.fact if isinstance(record.entry, FactEntry) else None
        if isinstance(fact, f.Cum):
            heard.setdefault(fact.order_id, []).append((record.seq, fact.at, fact.cum_qty))
        if isinstance(fact, f.Exec) and fact.synthetic:
            total = Decimal(fact.exec_id.rpartition("#")[2])
            told = [(seq, at) for seq, at, cum in heard.get(fact.order_id, ()) if cum >= total]
            seq, at = told[0] if told else (record.seq, fact.at)
            waited_s = _apart_s(witness, seq, at, record.seq, fact.at)
            if waited_s < GRACE_S:
                yield Violation("wrong", f"a fill of {fact.order_id} was made up after {waited_s:.1f}s")


def _apart_s(witness: Witness, first: int, first_at: datetime, then: int, then_at: datetime) -> float:
    """True seconds between two records; by the desk's own clock, which may be wrong, where nobody watched."""
    if first in witness.heard_s and then in witness.heard_s:
        return witness.heard_s[then] - witness.heard_s[first]
    return (then_at - first_at).total_seconds()


def _replayed(claim: Claim) -> Iterable[Violation]:
    """The journal alone makes the same orders, whatever order its facts come in (I7, I26)."""
    facts: dict[IntentId, list[f.Fact]] = {}
    for record in claim.records:
        if isinstance(record.entry, FactEntry):
            facts.setdefault(record.entry.intent_id, []).append(record.entry.fact)
    for order in claim.orders:
        told = facts.get(order.intent_id, [])
        if not any(isinstance(fact, f.Prepared | f.Adopted) for fact in told):
            continue  # called lost elsewhere
        again = fold(order.intent_id, reversed(told))
        if again != order:
            yield Violation("wrong", f"the journal makes {again} of its facts, the desk says {order}")


# -- limits ---------------------------------------------------------------------------------------------------------------


def _limits(claim: Claim, witness: Witness) -> Iterable[Violation]:
    """No orders pass a limit together, at any moment, whatever was in doubt then (I5, I12).

    Judged by the venue's own orders.  Children of groups are the venue's doing; busts and orders that a network handed
    over after their refusal are nobody's decision.
    """
    names = _clients_of(claim.records)
    check = {"max_open_orders": _too_many, "max_position_qty": _too_large}
    for name, most in claim.limits.items():
        judged: Callable[[Scene, Mapping[str, str], int], str | None] = check[name]
        for scene in witness.scenes:
            text = judged(scene, names, most)
            if text is not None and not claim.doubled and not _has_busts(claim.records):
                yield Violation("wrong", f"at {scene.at_s:.3f}s {text}, above {name} {most}")
                break


def _clients_of(records: Sequence[Record]) -> dict[str, str]:
    """Client id -> intent, of what this desk sent itself."""
    found: dict[str, str] = {}
    for record in records:
        if isinstance(record.entry, FactEntry) and isinstance(record.entry.fact, f.Prepared | f.ReplaceAsked):
            found[record.entry.fact.cl_ord_id] = record.entry.intent_id
    return found


def _has_busts(records: Sequence[Record]) -> bool:
    return any(isinstance(record.entry, FactEntry) and isinstance(record.entry.fact, f.Void) for record in records)


def _too_many(scene: Scene, names: Mapping[str, str], most: int) -> str | None:
    alive = {names[row["client"] or ""] for row in _working(scene, names)}
    return f"{len(alive)} orders work" if len(alive) > most else None


def _working(scene: Scene, names: Mapping[str, str]) -> list[Row]:
    return [row for row in scene.orders if row["status"] not in OVER and row["client"] in names]


def _too_large(scene: Scene, names: Mapping[str, str], most: int) -> str | None:
    """Positions after everything of one side that works has filled; amounts of money have no size in units."""
    worst: dict[tuple[str, str], dict[str, Decimal]] = {}
    unmeasured = {row["symbol"] for row in scene.orders if row["quantity"] is None}
    for row in _working(scene, names):
        if row["quantity"] is None or row["symbol"] in unmeasured:
            continue
        by_intent = worst.setdefault((row["symbol"] or "", row["side"] or ""), {})
        leaves = Decimal(row["quantity"]) - Decimal(row["filled"] or 0)
        intent = names[row["client"] or ""]
        by_intent[intent] = max(by_intent.get(intent, leaves), leaves)
    for (symbol, side), by_intent in sorted(worst.items()):
        sign = 1 if side == "buy" else -1
        after = sign * scene.positions.get(symbol, Decimal(0)) + sum(by_intent.values())
        if after > most:
            return f"{side} orders may bring {symbol} to {after}"
    return None
