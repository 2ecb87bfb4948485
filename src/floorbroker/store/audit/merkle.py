"""The Merkle tree over the audit's lines, in the shape of RFC 6962, kept as its frontier alone.

The hash of a leaf is SHA-256(0x00 | line), of a node SHA-256(0x01 | left | right).  A tree of n leaves is a row of
perfect subtrees, one for each bit of n; their hashes are the frontier.  Adding a leaf costs two hashes on average and no
more memory than one hash a bit, and any proof is a list of hashes of disjoint ranges, so that it is made in one pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

HASH_BYTES = 32
EMPTY = sha256(b"").digest()
Range = tuple[int, int]  # leaves from the first, counted from 0, to the one before the second


def leaf_hash(line: bytes) -> bytes:
    """The hash of one line, without its line feed."""
    return sha256(b"\0" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return sha256(b"\1" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """A tree that only grows.  `peaks` are its perfect subtrees, the largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list[bytes])

    def add(self, leaf: bytes) -> None:
        """One more leaf, by its hash."""
        self.join(0, leaf)

    def join(self, height: int, subtree: bytes) -> None:
        """A perfect subtree of 2^height leaves behind what there is, whose size must be a multiple of it."""
        size = self.size >> height
        while size & 1:
            subtree = sha256(b"\1" + self.peaks.pop() + subtree).digest()
            size >>= 1
        self.peaks.append(subtree)
        self.size += 1 << height

    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> Frontier:
        """The same tree, to grow on its own."""
        return Frontier(self.size, list(self.peaks))


def heights_of(size: int) -> list[int]:
    """The heights of the perfect subtrees of a tree of `size` leaves, the largest first."""
    return [height for height in reversed(range(size.bit_length())) if size >> height & 1]


# -- proofs: which ranges they are made of ------------------------------------------------------------------------------


def inclusion_ranges(leaf: int, size: int) -> list[Range]:
    """PATH of RFC 6962: the ranges whose hashes lead from a leaf (counted from 0) to the root."""
    ranges: list[Range] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if leaf < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return ranges[::-1]


def consistency_ranges(old: int, size: int) -> list[Range]:
    """PROOF of RFC 6962: the ranges whose hashes show that the tree of `size` leaves begins with the one of `old`."""
    ranges: list[Range] = []
    low, high, is_left_edge = 0, size, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low, is_left_edge = middle, False
    if not is_left_edge:
        ranges.append((low, high))
    return ranges[::-1]


def _split(width: int) -> int:
    """The largest power of two below a width of at least two."""
    return 1 << ((width - 1).bit_length() - 1)


class RangeHashes:
    """Hashes of disjoint ranges, from leaves that come in order.  Leaves outside all ranges are let pass."""

    def __init__(self, ranges: Iterable[Range], *, start: Frontier | None = None) -> None:
        """`start` stands for leaves that are not at hand.  Raises `ValueError` when a range needs a part of a subtree of it."""
        self._trees = {wanted: Frontier() for wanted in ranges}
        self._order = sorted(self._trees)
        self._next = 0 if start is None else start.size
        self._at = 0
        if start is not None:
            self._take(start)

    def _take(self, start: Frontier) -> None:
        begin = 0
        for height, peak in zip(heights_of(start.size), start.peaks, strict=True):
            end = begin + (1 << height)
            for low, high in self._order:
                if low <= begin and end <= high:
                    self._trees[low, high].join(height, peak)
                elif low < end and begin < high:
                    raise ValueError(f"leaves {low} to {high - 1} are needed one by one")
            begin = end

    def add(self, leaf: bytes) -> None:
        """The next leaf, by its hash."""
        place = self._next
        self._next += 1
        while self._at < len(self._order) and self._order[self._at][1] <= place:
            self._at += 1
        if self._at < len(self._order) and self._order[self._at][0] <= place:
            self._trees[self._order[self._at]].add(leaf)

    def hashes(self, ranges: Sequence[Range]) -> list[bytes]:
        """In the order asked.  Raises `ValueError` while a range is not complete."""
        for low, high in ranges:
            if self._trees[low, high].size != high - low:
                raise ValueError(f"leaves {low} to {high - 1} did not all come")
        return [self._trees[wanted].root() for wanted in ranges]


# -- proofs: what they come to ------------------------------------------------------------------------------------------


def root_of_inclusion(leaf: bytes, *, place: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a leaf and its path lead to.  Raises `ValueError` for a path that fits no tree of that size."""
    ranges = inclusion_ranges(place, size) if 0 <= place < size else None
    if ranges is None or len(ranges) != len(path):
        raise ValueError("the path does not fit the tree")
    found = leaf
    for (low, _), beside in zip(ranges, path, strict=True):
        found = node_hash(beside, found) if low < place else node_hash(found, beside)
    return found


def roots_of_consistency(*, old: int, size: int, old_root: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of the old and the new tree that a path leads to.  Raises `ValueError` for a path that does not fit."""
    if not 0 < old <= size or len(path) != len(consistency_ranges(old, size)):
        raise ValueError("the path does not fit the trees")
    if old == size:
        return old_root, old_root
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)  # such a tree is one subtree of the new one
    before = after = hashes[0]
    left, right = _past_ones(old - 1, size - 1)
    for beside in hashes[1:]:
        if left & 1 or left == right:
            before, after = node_hash(beside, before), node_hash(beside, after)
            while left and not left & 1:
                left, right = left >> 1, right >> 1
        else:
            after = node_hash(after, beside)
        left, right = left >> 1, right >> 1
    return before, after


def _past_ones(left: int, right: int) -> tuple[int, int]:
    while left & 1:
        left, right = left >> 1, right >> 1
    return left, right
