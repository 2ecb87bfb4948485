"""The oracle of one account: what the venue has against what the desk says, order by order, when everything has come to rest.

What was wrong on the way there, though it came right in the end, is judged in `course.py`; what concerns all accounts together in
`whole.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any

from floorbroker.domain import facts as f
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.ports import FactEntry, NoteEntry
from floorbroker.domain.values import Side
from floorbroker.oms.adjustments import ADJUSTMENT
from tests.simulation.claims import Claim, Truth, Violation
from tests.simulation.course import judge_course

OPEN = frozenset({OrderState.ACKED, OrderState.WORKING, OrderState.HELD})
ABSENT = frozenset({OrderState.NOT_SENT, OrderState.REJECTED, OrderState.NOT_PLACED, OrderState.PRESUMED_NOT_PLACED})
UNDECIDED = frozenset({OrderState.PREPARED, OrderState.SENDING, OrderState.UNKNOWN})
AVERAGE_TO = Decimal("1e-7")  # a venue that tells averages tells eight decimals of them
ENDS = {
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "expired": OrderState.EXPIRED,
    "rejected": OrderState.REJECTED,
}


def judge(truth: Truth, claim: Claim) -> list[Violation]:
    """Every difference that matters."""
    families = _families(truth, claim)
    found = list[Violation]()
    for order in claim.orders:
        found += _order(order, families[order.intent_id], truth, claim)
    found += [*_strangers(truth, claim, families), *_positions(truth, claim)]
    found += [*_after_a_kill(truth, claim), *_swept(claim)]
    return found if claim.witness is None else found + judge_course(truth, claim, claim.witness)


def _families(truth: Truth, claim: Claim) -> dict[str, list[Mapping[str, Any]]]:
    """The venue's orders of each intent: those with a client id it used, and those whose venue id it holds."""
    clients: dict[str, set[str]] = {order.intent_id: {order.cl_ord_id} for order in claim.orders}
    for record in claim.records:
        entry = record.entry
        if isinstance(entry, FactEntry) and isinstance(entry.fact, f.ReplaceAsked):
            clients.setdefault(entry.intent_id, set()).add(entry.fact.cl_ord_id)
    return {
        order.intent_id: [
            row for row in truth.orders if row["client"] in clients[order.intent_id] or row["order"] in order.order_ids
        ]
        for order in claim.orders
    }


def _order(order: Order, family: list[Mapping[str, Any]], truth: Truth, claim: Claim) -> list[Violation]:
    """One intent against the venue's orders for it."""
    name = f"{order.terms.client_tag or order.terms.reason} {order.intent_id} ({order.state.value})"
    if _was_called_absent(order, claim.doubled):
        return [Violation("lost", f"{name} was called absent while the venue had it: {order.alerts}")]
    if order.state in UNDECIDED:
        return [Violation("stuck", f"{name} is still undecided")]
    if not family:
        absent = order.state in ABSENT
        return [] if absent else [Violation("lost", f"{name}: the venue has no such order")]
    if order.state in ABSENT and not (order.state is OrderState.REJECTED and order.order_id is not None):
        return [Violation("lost", f"{name}: the venue has {_tell(family)}")]
    return [*_state(name, order, family), *_fills(name, order, family, truth, claim), *_terms(name, order, family)]


def _was_called_absent(order: Order, doubled: AbstractSet[str]) -> bool:
    """A proof of absence that was none.  A refused request that the network hands over again may be taken then."""
    told = " ".join(order.alerts)
    return "proven not sent" in told or ("whose request it refused" in told and order.cl_ord_id not in doubled)


def _state(name: str, order: Order, family: list[Mapping[str, Any]]) -> list[Violation]:
    current = next((row for row in family if row["order"] == order.order_id), None)
    if current is None:
        return [Violation("wrong", f"{name} stands at venue id {order.order_id}; the venue has {_tell(family)}")]
    found: list[Violation] = []
    status = current["status"]
    end = ENDS.get(status)
    if status == "replaced":
        found.append(Violation("lost", f"{name} stands at a replaced id; the venue has {_tell(family)}"))
    elif end is None and order.state not in OPEN:
        found.append(Violation("lost", f"{name} is closed here and {status} at the venue"))
    elif end is not None and order.state in OPEN:
        found.append(Violation("stuck", f"{name} is open here and {status} at the venue"))
    elif end is not None and order.state is not end and not (_was_turned_away(order, end) or _was_cut(order, end)):
        found.append(Violation("wrong", f"{name} is {status} at the venue"))
    if order.is_open and (order.pending_cancel or order.pending_replace):
        found.append(Violation("stuck", f"{name} still waits for an answer to a cancel or replace"))
    return found


def _was_turned_away(order: Order, end: OrderState) -> bool:
    """A post-only order that would have taken: some venues take it and end it at once, and we call that a refusal."""
    return (
        order.terms.post_only
        and (end, order.state) == (OrderState.CANCELLED, OrderState.REJECTED)
        and not order.cum_qty
    )


def _was_cut(order: Order, end: OrderState) -> bool:
    """A change to less than had traded meanwhile: some venues cancel what is left, of which there is nothing to us."""
    return (end, order.state) == (OrderState.CANCELLED, OrderState.FILLED) and (
        order.order_qty is not None and order.order_qty < order.cum_qty
    )


def _fills(name: str, order: Order, family: list[Mapping[str, Any]], truth: Truth, claim: Claim) -> list[Violation]:
    """Totals and executions; stand-ins are allowed where the venue lists none, and then real ones are a part."""
    ids = {row["order"] for row in family}
    theirs = {row["exec"]: Decimal(row["quantity"]) for row in truth.fills if row["order"] in ids}
    ours = {execution.exec_id: execution.last_qty for execution in order.executions}
    found: list[Violation] = []
    total = sum((Decimal(row["filled"]) for row in family), Decimal(0))
    if order.cum_qty != total:
        found.append(Violation("wrong", f"{name} says {order.cum_qty} filled, the venue {total}"))
    if not claim.names_fills:
        return [*found, *_money(name, order, [row for row in truth.fills if row["order"] in ids])]
    made_up = {execution.exec_id for execution in order.executions if execution.synthetic}
    if not claim.lists_fills:
        ours = {exec_id: qty for exec_id, qty in ours.items() if exec_id not in made_up}
        theirs = {exec_id: qty for exec_id, qty in theirs.items() if exec_id in ours or not made_up}
    if ours != theirs:
        found.append(Violation("wrong", f"{name} has executions {ours}, the venue {theirs}"))
    return found


def _money(name: str, order: Order, theirs: Sequence[Mapping[str, Any]]) -> Iterable[Violation]:
    """Where executions have no ids: what changed hands, units and money alike, but for the rounding of a told average."""
    units = sum((execution.last_qty for execution in order.executions), Decimal(0))
    paid = sum((execution.last_qty * execution.last_px for execution in order.executions), Decimal(0))
    traded = sum((Decimal(row["quantity"]) for row in theirs), Decimal(0))
    value = sum((Decimal(row["quantity"]) * Decimal(row["price"]) for row in theirs), Decimal(0))
    if units != traded or abs(paid - value) > traded * AVERAGE_TO:
        yield Violation("wrong", f"{name} has {units} for {paid} in executions, the venue {traded} for {value}")


def _terms(name: str, order: Order, family: list[Mapping[str, Any]]) -> list[Violation]:
    """Quantity and limit of a working order."""
    current = next((row for row in family if row["order"] == order.order_id), None)
    if current is None or order.state not in OPEN:
        return []
    found: list[Violation] = []
    before = sum((Decimal(row["filled"]) for row in family if row is not current), Decimal(0))
    if current["quantity"] is not None and order.order_qty != before + Decimal(current["quantity"]):
        text = f"{name} asks for {order.order_qty}, the venue works on {current['quantity']} after {before}"
        found.append(Violation("wrong", text))
    if current["limit"] is not None and order.price != Decimal(current["limit"]):
        found.append(Violation("wrong", f"{name} has the limit {order.price}, at the venue {current['limit']}"))
    return found


def _strangers(truth: Truth, claim: Claim, families: Mapping[str, list[Mapping[str, Any]]]) -> Iterable[Violation]:
    """Nobody but the desk trades here, so every order of the venue is one of the desk's, and the desk knows it as its
    own."""
    known = {row["order"] for family in families.values() for row in family}
    for row in truth.orders:
        if row["order"] not in known:
            yield Violation("lost", f"the desk does not know the venue's order {_tell([row])}")
    for order in claim.orders:
        if order.external:
            yield Violation("lost", f"{order.intent_id} is taken for a stranger's: {_tell(families[order.intent_id])}")


def _swept(claim: Claim) -> Iterable[Violation]:
    """Who cancels everything cancels every order (RELIABILITY 2)."""
    asked = {
        record.entry.intent_id
        for record in claim.records
        if isinstance(record.entry, FactEntry) and isinstance(record.entry.fact, f.CancelAsked)
    }
    for order in claim.orders:
        if order.is_open and order.intent_id in claim.swept - asked:
            yield Violation("wrong", f"{order.intent_id} was passed over when everything was cancelled")


def _after_a_kill(truth: Truth, claim: Claim) -> Iterable[Violation]:
    """Level 2 cancels until nothing is open (RELIABILITY 6)."""
    left = [row for row in truth.orders if row["status"] not in ENDS and row["status"] != "replaced"]
    if claim.kill_level > 1 and left:
        yield Violation("stuck", f"the kill switch is on, and the venue still works on {_tell(left)}")


def _positions(truth: Truth, claim: Claim) -> Iterable[Violation]:
    """Positions equal the sum of fills, at the venue and here, and nothing had to be explained away."""
    sums: dict[str, Decimal] = {}
    for row in truth.fills:
        signed = Decimal(row["quantity"]) * Side(row["side"]).sign - _taken_in_coins(row)
        sums[row["symbol"]] = sums.get(row["symbol"], Decimal(0)) + signed
    theirs = {row["symbol"]: Decimal(row["quantity"]) for row in truth.positions if Decimal(row["quantity"]) != 0}
    if {symbol: qty for symbol, qty in sums.items() if qty != 0} != theirs:
        yield Violation("wrong", f"the venue holds {theirs}, its own fills say {sums}")
    if dict(claim.holdings) != theirs:
        yield Violation("wrong", f"the venue holds {theirs}, the desk says {dict(claim.holdings)}")
    for record in claim.records:
        if isinstance(record.entry, NoteEntry) and record.entry.topic == ADJUSTMENT:
            yield Violation("wrong", f"a position was adjusted: {dict(record.entry.data)}")


def _taken_in_coins(row: Mapping[str, Any]) -> Decimal:
    """The fee of a fill, where the venue took it out of what was traded."""
    is_same = row.get("fee_currency") == row["symbol"].partition("/")[0]
    return Decimal(row["fee"]) if is_same else Decimal(0)


def _tell(rows: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(
        f"{row['order']} ({row['client']}) {row['status']} {row['filled']}/{row['quantity']}" for row in rows
    )
