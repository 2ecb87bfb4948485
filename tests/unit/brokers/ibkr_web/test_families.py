"""Who is whose child, in whatever order it becomes known."""

from __future__ import annotations

from itertools import permutations

import pytest

from floorbroker.brokers.ibkr_web.mapping.families import Families
from floorbroker.domain.values import Side

REF = "fb-head"
BUY, SELL = Side.BUY, Side.SELL
ROWS = (("10", BUY), ("11", SELL), ("12", SELL))


def tell(families: Families, order_id: str, side: Side) -> None:
    families.seen(order_id, ref=REF, parent=None, side=side)


@pytest.mark.parametrize("rows", list(permutations(ROWS)))
def test_the_reply_says_who_the_head_is_whoever_was_seen_before_it(rows: tuple[tuple[str, Side], ...]) -> None:
    families = Families()
    for order_id, side in rows:
        tell(families, order_id, side)
    families.placed(REF, ["10", "11", "12"], BUY)
    assert [families.ref_of(order_id, REF) for order_id, _ in ROWS] == [REF, None, None]
    assert [families.parent_of(order_id) for order_id, _ in ROWS] == [None, "10", "10"]
    assert families.order_of(REF, BUY) == "10"
    assert families.order_of(REF, SELL) is None  # one of two exits


@pytest.mark.parametrize("rows", list(permutations(ROWS)))
def test_without_a_reply_the_head_is_whoever_was_made_first(rows: tuple[tuple[str, Side], ...]) -> None:
    families = Families()
    for order_id, side in rows:
        tell(families, order_id, side)
    assert [families.ref_of(order_id, REF) for order_id, _ in ROWS] == [REF, None, None]
    assert {families.parent_of(order_id) for order_id in ("11", "12")} == {"10"}


def test_a_child_that_shows_itself_before_its_parent_is_nobodys_until_the_parent_is_known() -> None:
    families = Families()
    families.expected(REF, BUY)
    tell(families, "11", SELL)
    assert families.is_orphan("11")
    assert families.ref_of("11", REF) is None
    assert families.order_of(REF, None) is None
    tell(families, "10", BUY)
    assert not families.is_orphan("11")
    assert families.parent_of("11") == "10"
    assert families.order_of(REF, SELL) == "11"


def test_what_the_desks_own_book_names_is_the_head_though_a_child_alone_is_listed() -> None:
    families = Families()
    tell(families, "11", SELL)  # the parent was filled on another day
    families.told(REF, "10")
    assert families.ref_of("11", REF) is None
    assert families.parent_of("11") == "10"
    assert families.order_of(REF, None) == "10"
    families.told(REF, None)
    assert families.order_of(REF, None) == "10"


def test_an_execution_on_the_other_side_is_never_the_heads() -> None:
    families = Families()
    families.placed(REF, ["10"], BUY)
    assert families.order_of(REF, SELL) is None
    assert families.is_other_side(REF, SELL)
    assert not families.is_other_side("fb-stranger", SELL)


def test_groups_are_known_by_parents_and_by_children() -> None:
    families = Families()
    families.seen("21", ref=None, parent="20", side=SELL)
    assert families.is_in_group("21", "none")
    assert families.is_in_group("20", "none")
    assert not families.is_in_group("22", "none")
