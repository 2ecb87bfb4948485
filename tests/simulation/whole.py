"""The oracle of the whole desk: what holds over all of its accounts together, and what people were told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from floorbroker.domain import facts as f
from floorbroker.domain.fold import fold
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.ports import FactEntry, KeyEntry
from floorbroker.domain.values import IntentId
from floorbroker.gateway.routing.policy import ANY
from tests.simulation.claims import Violation, Whole
from tests.simulation.oracle import ABSENT

OURS = frozenset({"not_ready", "kill_switch_on", "not_armed", "risk_limit_exceeded", "journal_fault"})
PROVEN = frozenset({OrderState.NOT_SENT, OrderState.REJECTED, OrderState.NOT_PLACED})  # what may be tried elsewhere


def judge_desk(whole: Whole) -> list[Violation]:
    """Every promise broken that no account alone could break."""
    found = [Violation("stuck", text) for text in whole.unsettled]
    found += [Violation("stuck", f"nobody caught {error}") for error in whole.errors]
    found += [*_wishes(whole), *_sends(whole), *_answers(whole), *_hindered(whole)]
    return [*found, *_moved(whole), *_latched(whole)]


def _wishes(whole: Whole) -> Iterable[Violation]:
    """One wish lives at one account at most, by the desk's word and by the venues' (I1, I16, I20)."""
    doubled = {client for account in whole.accounts for client in account.claim.doubled}  # a refusal that may come true
    for tag, orders in _by_wish(whole.orders).items():
        alive = [order for order in orders if order.state not in ABSENT and order.cl_ord_id not in doubled]
        if len(alive) > 1 or (len(orders) > 1 and len({order.profile for order in orders}) == 1):
            yield Violation("duplicate", f"{len(orders)} intents for the one wish {tag}")
    wishes = {order.cl_ord_id: order.terms.client_tag for order in whole.orders if order.terms.client_tag}
    places: dict[str, set[str]] = {}
    for account in whole.accounts:
        for row in account.truth.orders:
            if row["status"] != "rejected" and row["client"] in wishes and row["client"] not in doubled:
                places.setdefault(wishes[row["client"]], set()).add(account.name)
    for tag, names in places.items():
        if len(names) > 1:
            yield Violation("duplicate", f"the one wish {tag} is at {' and '.join(sorted(names))}")


def _by_wish(orders: Sequence[Order]) -> dict[str, list[Order]]:
    found: dict[str, list[Order]] = {}
    for order in orders:
        if order.terms.client_tag:
            found.setdefault(order.terms.client_tag, []).append(order)
    return found


def _sends(whole: Whole) -> Iterable[Violation]:
    """One intent, one request (I1, I4)."""
    for client, count in whole.sends.items():
        if count > 1:
            yield Violation("duplicate", f"{count} requests left for {client}")


def _answers(whole: Whole) -> Iterable[Violation]:
    """What a caller was told is durable (I19); a key is answered with its order, however often it comes (I20)."""
    known = {order.intent_id for order in whole.orders}
    for number, intent_id in whole.told.items():
        if intent_id not in known:
            yield Violation("lost", f"the caller of #{number} was given {intent_id}, which the journal does not have")
    for number, codes in whole.refused.items():
        if "conflict" in codes:
            yield Violation("wrong", f"the caller of #{number} met a conflict with nobody but itself")


def _hindered(whole: Whole) -> Iterable[Violation]:
    """Nothing of our own stands before a cancel (I15)."""
    for code in sorted(OURS.intersection(whole.hindered)):
        yield Violation("wrong", f"a cancel was refused by ourselves: {code}")


def _latched(whole: Whole) -> Iterable[Violation]:
    """A confirmed kill switch accepts nothing (I14)."""
    return [Violation("late", text) for text in (whole.witness.late if whole.witness is not None else ())]


@dataclass(slots=True)
class _Wish:
    """The intents of one wish, as the journal has them so far."""

    intents: list[IntentId]
    facts: dict[IntentId, list[f.Fact]]


def _moved(whole: Whole) -> Iterable[Violation]:
    """A wish is tried elsewhere only when it is proven that it is nowhere yet; one in doubt is never moved (I16)."""
    wishes: dict[str, _Wish] = {}
    wish_of: dict[IntentId, _Wish] = {}
    named = {
        record.entry.intent_id
        for record in whole.records
        if isinstance(record.entry, KeyEntry) and record.entry.profile != ANY
    }  # under a key of one account: it stays there, whatever the same words under a key of the desk come to
    many = {tag for tag, count in Counter(o.terms.client_tag for o in whole.orders).items() if tag and count > 1}
    for record in whole.records:
        entry = record.entry
        if not isinstance(entry, FactEntry):
            continue
        fact, intent_id = entry.fact, entry.intent_id
        if intent_id in named:
            continue
        if isinstance(fact, f.Prepared) and fact.order.client_tag in many:
            wish = wishes.setdefault(fact.order.client_tag, _Wish([], {}))
            for earlier in wish.intents:
                state = fold(earlier, wish.facts[earlier]).state
                if state not in PROVEN:
                    text = f"{earlier} was {state.value} when {intent_id} took its place at {entry.profile}"
                    yield Violation("moved", text)
            wish.intents.append(intent_id)
            wish_of[intent_id] = wish
        if intent_id in wish_of:
            wish_of[intent_id].facts.setdefault(intent_id, []).append(fact)
