"""Which order is which: numbers of a client id, the venue's permanent id, our references, parents and legs.

The permanent id (`permId`) names an order for good and is what the desk calls it by; the number of a client id is what a change
or a cancel wants.  A group's members carry our reference with a suffix (`<id>/tp`, `<id>/sl`), so that a start that remembers
nothing knows them.  A combo has one order at the venue; what its legs traded is told as children of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.mapping.identity import IbkrIdentity
from floorbroker.domain.values import ZERO

PROFIT, LOSS = "tp", "sl"
_KEPT_MAX = 50_000
_IDENTITY = IbkrIdentity()


def head_ref(order_ref: str) -> str | None:
    """The reference of the group that a member belongs to; None for what is no member of one of our groups."""
    ref, slash, last = order_ref.partition("/")
    return ref if slash and last in (PROFIT, LOSS) and _IDENTITY.decode(ref) is not None else None


@dataclass(slots=True)
class Known:
    """One order as it was last shown, how much of it is filled as far as was told, and what is known of its end."""

    perm_id: int
    row: wire.OpenOrder | None = None
    status: str = ""
    filled: Decimal | None = None
    refused: str = ""
    has_worked: bool = False
    counted: dict[str, tuple[int, int, Decimal]] = field(default_factory=dict[str, tuple[int, int, Decimal]])


class Families:
    """By permanent id; oldest forgotten first."""

    def __init__(self, client_id: int) -> None:
        self.client_id = client_id
        self._known: dict[int, Known] = {}
        self._numbers: dict[tuple[int, int], int] = {}
        self._refs: dict[str, int] = {}
        self._parents: dict[int, int] = {}
        self._combos: set[int] = set()
        self._refusals: dict[int, str] = {}
        self._shares: dict[str, Decimal] = {}

    def of(self, perm_id: int) -> Known:
        """What is known of an order; a new one knows nothing."""
        known = self._known.get(perm_id)
        if known is None:
            known = self._known[perm_id] = Known(perm_id)
            while len(self._known) > _KEPT_MAX:
                del self._known[next(iter(self._known))]
        return known

    def saw_row(self, row: wire.OpenOrder) -> Known:
        """`openOrder`: terms, numbers, parent."""
        self.saw_number(row.client_id, row.order_id, row.perm_id)
        self.saw_ref(row.order.order_ref, row.perm_id)
        known = self.of(row.perm_id)
        known.row = row
        self._take_refusal(known, row.client_id, row.order_id)
        if row.contract.sec_type == "BAG":
            self._combos.add(row.perm_id)
        if row.order.parent_id and (parent := self._numbers.get((row.client_id, row.order.parent_id))):
            self._parents[row.perm_id] = parent
        return known

    def saw_completed(self, row: wire.CompletedOrder) -> None:
        """`completedOrder`: a reference and the parent's permanent id, without numbers."""
        self.saw_ref(row.order.order_ref, row.perm_id)
        if row.contract.sec_type == "BAG":
            self._combos.add(row.perm_id)
        if row.parent_perm_id:
            self._parents[row.perm_id] = row.parent_perm_id

    def saw_number(self, client_id: int, order_id: int, perm_id: int) -> None:
        if order_id > 0 and perm_id:
            self._numbers[client_id, order_id] = perm_id
            while len(self._numbers) > _KEPT_MAX:
                del self._numbers[next(iter(self._numbers))]

    def saw_ref(self, order_ref: str, perm_id: int) -> None:
        if order_ref and perm_id:
            self._refs[order_ref] = perm_id
            while len(self._refs) > _KEPT_MAX:
                del self._refs[next(iter(self._refs))]

    def saw_refusal(self, order_id: int, text: str) -> Known | None:
        """A code that refuses an order of this client id: the order, where it was shown and has not worked.

        It may come before the order itself is shown, which then is a refused one.
        """
        self._refusals[order_id] = text
        while len(self._refusals) > _KEPT_MAX:
            del self._refusals[next(iter(self._refusals))]
        perm_id = self._numbers.get((self.client_id, order_id))
        if perm_id is None:
            return None
        known = self.of(perm_id)
        self._take_refusal(known, self.client_id, order_id)
        return known if known.refused else None

    def _take_refusal(self, known: Known, client_id: int, order_id: int) -> None:
        """What has worked was not refused: such a code was said of a change."""
        text = self._refusals.get(order_id, "") if client_id == self.client_id else ""
        if text and not known.has_worked:
            known.refused = text

    def saw_combo(self, perm_id: int) -> None:
        """An execution of a combo as such: its other executions are those of legs."""
        self._combos.add(perm_id)

    def is_combo(self, perm_id: int) -> bool:
        return perm_id in self._combos

    def perm_of(self, client_id: int, order_id: int) -> int | None:
        return self._numbers.get((client_id, order_id))

    def number_of(self, perm_id: int) -> tuple[int, int] | None:
        """Client id and number of an order; None when nobody showed them."""
        row = self.of(perm_id).row if perm_id in self._known else None
        if row is not None:
            return row.client_id, row.order_id
        return next((pair for pair, found in self._numbers.items() if found == perm_id), None)

    def perm_of_ref(self, order_ref: str) -> int | None:
        return self._refs.get(order_ref)

    def parent_of(self, perm_id: int, order_ref: str) -> str | None:
        """The parent's permanent id as text; of a member whose head was never seen, a name that no order has.

        That way nobody takes it for a stranger's: it waits until its head is seen.
        """
        if (parent := self._parents.get(perm_id)) is not None:
            return str(parent)
        ref = head_ref(order_ref)
        if ref is None:
            return None
        head = self._refs.get(ref)
        if head is None:
            return f"head of {ref}"
        self._parents[perm_id] = head
        return str(head)

    def saw_shares(self, exec_id: str, shares: Decimal) -> None:
        """How much an execution was of, without its version: what a bust takes back is not told with the bust."""
        if shares > 0:
            self._shares[exec_id] = shares
            while len(self._shares) > _KEPT_MAX:
                del self._shares[next(iter(self._shares))]

    def shares_of(self, exec_id: str) -> Decimal | None:
        return self._shares.get(exec_id)

    def count_leg(self, perm_id: int, con_id: int, exec_id: str, version: int, shares: Decimal) -> Decimal:
        """One leg's execution, once; a later version takes the place of an earlier one.  The leg's total after it."""
        counted = self.of(perm_id).counted
        held = counted.get(exec_id)
        if held is None or held[1] <= version:
            counted[exec_id] = (con_id, version, shares)
        return sum((units for leg, _, units in counted.values() if leg == con_id), ZERO)
