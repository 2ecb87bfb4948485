"""Which order of the venue carries which of our ids, and who is whose child.

Children of a group have no client id of their own.  The reply to the group names all its orders, parent first; rows may name a
`parentId`; and where the venue writes the parent's `order_ref` on its children too, the parent is the order that a reply or the
desk's own book named, else the one with the smallest number: it was made first.  Executions may name their order by
`order_ref` alone: `order_of` says which one it is, by the side.  Executions of children name nothing (`nameless.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from floorbroker.domain.values import Side

_KEPT_MAX = 50_000


@dataclass(slots=True)
class _Head:
    """The order that has a client id, where known, its side, and its children.

    `proven`: a reply or our own book named it; `is_sided`: we placed it, and know its side.  Until then both are a row's word,
    which may have been a child's.
    """

    order_id: str | None = None
    side: Side | None = None
    proven: bool = False
    is_sided: bool = False
    children: list[str] = field(default_factory=list[str])


class Families:
    """By venue ids; oldest forgotten first."""

    def __init__(self) -> None:
        self._heads: dict[str, _Head] = {}
        self._parents: dict[str, str] = {}
        self._with_children: dict[str, str] = {}
        self._orphans: set[str] = set()

    def expected(self, ref: str, side: Side) -> None:
        """An order is on its way: what has another side is not it, though it may come to be seen first."""
        self._side(self._head(ref), side)

    def placed(self, ref: str, order_ids: Sequence[str], side: Side | None) -> None:
        """The reply to an order, or to a group: the first is the one that has the client id, whoever was seen before it."""
        head = self._head(ref)
        self._prove(head, order_ids[0])
        if side is not None:
            self._side(head, side)
        for child in order_ids[1:]:
            self._adopt(head, child)

    def told(self, ref: str, order_id: str | None) -> None:
        """What the desk's own book knows of an order."""
        if order_id is not None:
            self._prove(self._head(ref), order_id)

    def seen(self, order_id: str, *, ref: str | None, parent: str | None, side: Side | None) -> None:
        """What a row shows.  `parent` is a venue id or a client id."""
        if parent:
            known = self._heads.get(parent)
            if known is not None:
                self._adopt(known, order_id)
            else:
                self._parents[order_id] = self._with_children[parent] = parent
                _cut(self._parents)
                _cut(self._with_children)
        elif ref:
            self._seen_by_name(self._head(ref), order_id, side)

    def _seen_by_name(self, head: _Head, order_id: str, side: Side | None) -> None:
        if head.order_id == order_id:
            head.side = head.side or side
        elif _is_child(head, order_id, side):
            self._adopt(head, order_id)
        else:  # the first that is seen, or made before whom we took for the parent
            self._move(head, order_id)
            head.side = head.side or side

    def ref_of(self, order_id: str, ref: str | None) -> str | None:
        """The client id of an order itself; None for children, which may show their parent's."""
        head = self._heads.get(ref) if ref else None
        is_head = head is None or head.order_id == order_id
        return ref if ref and is_head and order_id not in self._parents and order_id not in self._orphans else None

    def parent_of(self, order_id: str) -> str | None:
        """The parent's venue id, where known."""
        return self._parents.get(order_id)

    def is_orphan(self, order_id: str) -> bool:
        """Whether it is a child of an order whose own id nobody told yet."""
        return order_id in self._orphans

    def is_in_group(self, order_id: str, ref: str) -> bool:
        """Whether it has a parent or children, as far as is known."""
        head = self._heads.get(ref)
        has_children = order_id in self._with_children or bool(head and head.order_id == order_id and head.children)
        return has_children or order_id in self._parents

    def order_of(self, ref: str, side: Side | None) -> str | None:
        """Whose execution one is that names a client id alone; None when it cannot be told.  Without a side: the head."""
        head = self._heads.get(ref)
        if head is None:
            return None
        if not self.is_other_side(ref, side):
            return head.order_id
        return head.children[0] if len(head.children) == 1 else None

    def is_other_side(self, ref: str, side: Side | None) -> bool:
        """Whether something on that side is certainly not of the order that has the client id itself."""
        head = self._heads.get(ref)
        return head is not None and head.side is not None and side is not None and side is not head.side

    def _head(self, ref: str) -> _Head:
        head = self._heads.setdefault(ref, _Head())
        _cut(self._heads)
        return head

    def _side(self, head: _Head, side: Side) -> None:
        head.side, head.is_sided = side, True

    def _prove(self, head: _Head, order_id: str) -> None:
        head.proven = True
        if head.order_id != order_id:
            self._move(head, order_id)

    def _move(self, head: _Head, order_id: str) -> None:
        """Another order is the head: who was it is a child now, as are all children it had."""
        before, head.order_id = head.order_id, order_id
        head.side = head.side if head.is_sided else None
        self._parents.pop(order_id, None)
        head.children = [child for child in head.children if child != order_id]
        for child in [*head.children, *([before] if before is not None else [])]:
            self._adopt(head, child)

    def _adopt(self, head: _Head, child: str) -> None:
        if child == head.order_id:
            return
        if child not in head.children:
            head.children.append(child)
        if head.order_id is None:
            self._orphans.add(child)
            return
        self._orphans.discard(child)
        self._parents[child] = head.order_id
        _cut(self._parents)


def _is_child(head: _Head, order_id: str, side: Side | None) -> bool:
    """Whether an order that shows the name of a head is certainly another one."""
    if head.is_sided and side is not None and side is not head.side:
        return True
    return head.order_id is not None and (head.proven or _number(order_id) > _number(head.order_id))


def _number(order_id: str) -> int:
    return int(order_id) if order_id.isascii() and order_id.isdigit() else 0


def _cut(kept: dict[str, _Head] | dict[str, str]) -> None:
    while len(kept) > _KEPT_MAX:
        del kept[next(iter(kept))]
