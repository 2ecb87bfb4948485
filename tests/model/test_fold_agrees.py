"""The fold against the rules: any order, any duplicates (I7), and the state the text asks for."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain import facts as f
from floorbroker.domain.fold import OrderFold, fold
from floorbroker.domain.orders import Order
from tests.model.rules import Ruling, ruling
from tests.model.worlds import INTENT, histories


@st.composite
def shuffled_twice(draw: st.DrawFn) -> tuple[list[f.Fact], list[f.Fact]]:
    """The same set of facts in two orders, the second with duplicates."""
    facts = draw(histories())
    repeated = facts + draw(st.lists(st.sampled_from(facts), max_size=4))
    return facts, list(draw(st.permutations(repeated)))


@settings(max_examples=400)
@given(shuffled_twice())
def test_the_same_facts_in_any_order_with_any_duplicates_give_the_same_order(
    both: tuple[list[f.Fact], list[f.Fact]],
) -> None:
    once, shuffled = both
    assert fold(INTENT, shuffled) == fold(INTENT, once)


@settings(max_examples=200)
@given(shuffled_twice())
def test_looking_between_facts_does_not_change_what_is_seen_at_the_end(
    both: tuple[list[f.Fact], list[f.Fact]],
) -> None:
    once, shuffled = both
    order = OrderFold(INTENT)
    for fact in shuffled:
        order.add(fact)
        if order.is_founded:
            order.view()
    assert order.view() == fold(INTENT, once)


def _disagreements(order: Order, rule: Ruling) -> dict[str, tuple[Any, Any]]:
    """Each answer of the fold that the rules do not allow, with what they ask for."""
    live = {e.exec_id: (e.version, e.last_qty) for e in order.executions if not e.synthetic}
    found: dict[str, tuple[Any, Any]] = {}
    if order.state not in rule.states:
        found["state"] = (order.state, rule.states)
    for name, seen, wanted in (
        ("filled", order.cum_qty, rule.filled),
        ("executions", live, rule.executions),
        ("order_qty", order.order_qty, rule.order_qty),
        ("pending_cancel", order.pending_cancel, rule.pending_cancel),
        ("pending_replace", order.pending_replace, rule.pending_replace),
        ("needs_executions", order.needs_executions, rule.needs_executions),
    ):
        if wanted is None and name != "order_qty":
            continue
        if seen != wanted:
            found[name] = (seen, wanted)
    if rule.must_alert and not order.alerts:
        found["alerts"] = (order.alerts, "something")
    return found


@settings(max_examples=1500)
@given(histories(linked=True))
def test_the_fold_answers_as_the_rules_do(facts: list[f.Fact]) -> None:
    assert _disagreements(fold(INTENT, facts), ruling(facts)) == {}
