"""The tree against the recursive definition of RFC 6962, and every proof of every small tree."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.store.audit.merkle import (
    EMPTY,
    Frontier,
    RangeHashes,
    consistency_ranges,
    heights_of,
    inclusion_ranges,
    leaf_hash,
    root_of_inclusion,
    roots_of_consistency,
)

SMALL = 33
LEAVES = [leaf_hash(b"line %d" % number) for number in range(SMALL)]


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + tree_hash(leaves[:split]) + tree_hash(leaves[split:])).digest()


def frontier(size: int) -> Frontier:
    tree = Frontier()
    for leaf in LEAVES[:size]:
        tree.add(leaf)
    return tree


def hashes(ranges: list[tuple[int, int]], size: int, *, start: Frontier | None = None) -> list[bytes]:
    wanted = RangeHashes(ranges, start=start)
    for leaf in LEAVES[0 if start is None else start.size : size]:
        wanted.add(leaf)
    return wanted.hashes(ranges)


@pytest.mark.parametrize("size", range(SMALL))
def test_the_frontier_has_the_root_that_the_definition_has(size: int) -> None:
    tree = frontier(size)
    assert tree.root() == tree_hash(LEAVES[:size])
    assert (tree.size, len(tree.peaks)) == (size, len(heights_of(size)))
    assert size or tree.root() == EMPTY


def test_the_published_roots_of_certificate_transparency_come_out() -> None:
    # Leaves and roots as the reference implementation of RFC 6962 lists them.
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    roots = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    tree = Frontier()
    for text in data:
        tree.add(leaf_hash(bytes.fromhex(text)))
        assert tree.root().hex() == roots.get(tree.size, tree.root().hex())


@pytest.mark.parametrize("size", range(1, SMALL))
def test_every_leaf_is_proven_to_be_in_every_tree(size: int) -> None:
    root = frontier(size).root()
    for place in range(size):
        path = hashes(inclusion_ranges(place, size), size)
        assert root_of_inclusion(LEAVES[place], place=place, size=size, path=path) == root
        assert root_of_inclusion(LEAVES[place] + b"x", place=place, size=size, path=path) != root


@pytest.mark.parametrize("size", range(1, SMALL))
def test_every_tree_is_proven_to_begin_with_every_smaller_one(size: int) -> None:
    new = frontier(size).root()
    for old in range(1, size + 1):
        before, path = frontier(old).root(), hashes(consistency_ranges(old, size), size)
        assert roots_of_consistency(old=old, size=size, old_root=before, path=path) == (before, new)
        wrong = roots_of_consistency(old=old, size=size, old_root=b"x" * 32, path=path)
        assert wrong == (before, new) if path and old & (old - 1) else wrong != (before, new)


@given(st.data())
def test_a_proof_is_made_of_what_an_archive_left_behind(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, SMALL))
    start = data.draw(st.integers(1, size - 1))
    place = data.draw(st.integers(start, size - 1))
    path = hashes(inclusion_ranges(place, size), size, start=frontier(start))
    assert root_of_inclusion(LEAVES[place], place=place, size=size, path=path) == frontier(size).root()


def test_a_leaf_that_was_archived_cannot_be_proven() -> None:
    with pytest.raises(ValueError, match="one by one"):
        RangeHashes(inclusion_ranges(1, 8), start=frontier(4))


def test_a_range_that_is_not_complete_is_no_proof() -> None:
    with pytest.raises(ValueError, match="did not all come"):
        hashes(inclusion_ranges(0, 8), 7)


@pytest.mark.parametrize(("place", "size", "length"), [(0, 2, 0), (0, 2, 2), (2, 2, 1), (-1, 2, 1), (0, 0, 0)])
def test_a_path_that_fits_no_tree_is_refused(place: int, size: int, length: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        root_of_inclusion(LEAVES[0], place=place, size=size, path=LEAVES[:length])


@pytest.mark.parametrize(("old", "size", "length"), [(0, 2, 1), (3, 2, 1), (1, 2, 0), (2, 2, 1)])
def test_a_path_between_trees_that_do_not_fit_is_refused(old: int, size: int, length: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        roots_of_consistency(old=old, size=size, old_root=LEAVES[0], path=LEAVES[:length])
