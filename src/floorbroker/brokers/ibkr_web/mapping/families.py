"""Which order of the venue carries which of our ids, and who is whose child.

Children of a group have no client id of their own.  The reply to the group names all its orders, parent first; rows may name a
`parentId`; and where the venue writes the parent's `order_ref` on its children too, the first order of that name is the parent.
Executions may name their order by `order_ref` alone: `order_of` says which one it is, by the side where the children
share the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from floorbroker.domain.values import Side

_KEPT_MAX = 50_000


@dataclass(slots=True)
class _Head:
    """The order that has a client id, its side where known, and its children."""

    order_id: str
    side: Side | None = None
    children: list[str] = field(default_factory=list[str])


class Families:
    """By venue ids; oldest forgotten first."""

    def __init__(self) -> None:
        self._heads: dict[str, _Head] = {}
        self._parents: dict[str, str] = {}

    def placed(self, ref: str, order_ids: Sequence[str], side: Side | None) -> None:
        """The reply to an order, or to a group: the first is the one that has the client id."""
        head = self._heads.setdefault(ref, _Head(order_ids[0]))
        head.side = side or head.side
        for child in order_ids[1:]:
            self._adopt(head, child)
        self._forget()

    def seen(self, order_id: str, *, ref: str | None, parent: str | None, side: Side | None) -> None:
        """What a row shows.  `parent` is a venue id or a client id."""
        if parent:
            known = self._heads.get(parent)
            self._parents[order_id] = known.order_id if known is not None else parent
            if known is not None:
                self._adopt(known, order_id)
            return
        if not ref:
            return
        head = self._heads.setdefault(ref, _Head(order_id, side))
        if head.order_id == order_id:
            head.side = head.side or side
        else:
            self._adopt(head, order_id)
        self._forget()

    def ref_of(self, order_id: str, ref: str | None) -> str | None:
        """The client id of an order itself; None for children, which may show their parent's."""
        return ref if ref and order_id not in self._parents else None

    def parent_of(self, order_id: str) -> str | None:
        """The parent's venue id, where known."""
        return self._parents.get(order_id)

    def order_of(self, ref: str, side: Side | None) -> str | None:
        """Whose execution one is that names a client id alone; None when it cannot be told."""
        head = self._heads.get(ref)
        if head is None:
            return None
        if not head.children or side is None or head.side is None or side is head.side:
            return head.order_id
        return head.children[0] if len(head.children) == 1 else None

    def _adopt(self, head: _Head, child: str) -> None:
        self._parents[child] = head.order_id
        if child not in head.children:
            head.children.append(child)

    def _forget(self) -> None:
        while len(self._heads) > _KEPT_MAX:
            del self._heads[next(iter(self._heads))]
        while len(self._parents) > _KEPT_MAX:
            del self._parents[next(iter(self._parents))]
