"""A tally is the sum of its members to the last place, whatever was added and taken away on the way."""

from __future__ import annotations

from decimal import Context, Decimal

from hypothesis import given
from hypothesis import strategies as st

from floorbroker.oms.tally import Tally

WIDE = Context(prec=400)
AMOUNTS = st.one_of(
    st.sampled_from([Decimal(text) for text in ("10", "-0.125", "0.125", "1E+3", "-1E+3", "0", "-0.00", "1.0")]),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=9),
    st.builds(Decimal, st.integers(-(10**38), 10**38)),
)


def summed(amounts: list[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = WIDE.add(total, amount)
    return total


@given(st.lists(AMOUNTS), st.lists(AMOUNTS), st.randoms(use_true_random=False))
def test_what_was_added_and_taken_away_leaves_no_trace(
    kept: list[Decimal], passing: list[Decimal], random: object
) -> None:
    tally = Tally()
    for amount in kept[::2] + passing + kept[1::2]:
        tally.add(amount)
    random.shuffle(passing)  # type: ignore[attr-defined]
    for amount in passing:
        tally.take(amount)
    expected = summed(kept)
    assert (tally.total, tally.total.as_tuple().exponent) == (expected, expected.as_tuple().exponent)
    assert tally.is_empty is (not kept)


@given(st.lists(AMOUNTS), st.lists(AMOUNTS))
def test_a_tally_written_down_and_merged_is_the_tally_of_all(some: list[Decimal], others: list[Decimal]) -> None:
    one, two, both = Tally(), Tally(), Tally()
    for amount in some:
        one.add(amount)
        both.add(amount)
    for amount in others:
        two.add(amount)
        both.add(amount)
    one.merge(Tally.of(two.parts()))
    assert (one.parts(), str(one.total)) == (both.parts(), str(both.total))
