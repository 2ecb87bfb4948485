"""The gate: every control and the reservation in one step without an await (I12), and the only maker of `Approved`."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from floorbroker.domain.clock import Clock
from floorbroker.domain.orders import Approved, NewOrder
from floorbroker.domain.ports import Profile
from floorbroker.domain.values import ClOrdId, IntentId
from floorbroker.risk.controls import CONTROLS, asked_of
from floorbroker.risk.situation import Situation
from floorbroker.risk.verdict import Verdict, refusal
from floorbroker.risk.watch import forget

_SECOND, _MINUTE = 1.0, 60.0
Mark = tuple[object, ...]  # what makes two wishes the same


@dataclass(slots=True)
class RiskGate:
    """The gate of one account.  `approve` reserves until `settle` says that the order stands in the book (or never will)."""

    profile: Profile
    clock: Clock
    pending: dict[IntentId, NewOrder] = field(default_factory=dict[IntentId, NewOrder])
    moved: set[IntentId] = field(default_factory=set[IntentId])  # held or settled since the last count
    principals: dict[IntentId, str] = field(default_factory=dict[IntentId, str])  # who wished for what is pending
    _second_s: deque[float] = field(default_factory=deque[float])
    _minute_s: deque[float] = field(default_factory=deque[float])
    _by_symbol_s: dict[str, deque[float]] = field(default_factory=dict[str, deque[float]])
    _recent: deque[tuple[float, Mark]] = field(default_factory=deque[tuple[float, Mark]])
    _newest_s: dict[Mark, float] = field(default_factory=dict[Mark, float])

    def check(self, situation: Situation) -> tuple[Verdict, ...]:
        """Every control's verdict, without a reservation."""
        return tuple(control(situation) for control in CONTROLS)

    def failed(self, situation: Situation, *, but: str = "") -> Verdict | None:
        """The first control that says no, `but` left out; None when all say yes."""
        for control in asked_of(situation):
            verdict = control(situation)
            if not verdict.ok and verdict.control != but:
                return verdict
        return None

    def approve(
        self, situation: Situation, *, intent_id: IntentId, cl_ord_id: ClOrdId, decided_at: float | None = None
    ) -> Approved:
        """Check and reserve in one step.  Raises the first failed control's error; then nothing is reserved."""
        if (failed := self.failed(situation)) is not None:
            raise refusal(failed)
        wish = situation.wish
        self.hold(intent_id, wish, situation.principal)
        self.count_message(wish.symbol)
        self.remember(wish)
        return Approved(
            intent_id=intent_id,
            cl_ord_id=cl_ord_id,
            profile=self.profile.name,
            environment=self.profile.environment,
            order=wish,
            decided_at=self.clock.monotonic() if decided_at is None else decided_at,
        )

    def hold(self, intent_id: IntentId, wish: NewOrder, principal: str = "") -> None:
        """Count a wish from now on, though no order stands in the book for it."""
        self.pending[intent_id] = wish
        self.principals[intent_id] = principal
        self.moved.add(intent_id)

    def settle(self, intent_id: IntentId) -> None:
        """The order stands in the book now, or the intent is gone: its own reservation ends."""
        if self.pending.pop(intent_id, None) is not None:
            self.principals.pop(intent_id, None)
            self.moved.add(intent_id)

    def remember(self, wish: NewOrder) -> None:
        """A wish was decided now: the same one again is its twin for a while."""
        now, mark = self.clock.monotonic(), _fingerprint(wish)
        self._recent.append((now, mark))
        self._newest_s[mark] = now

    def count_message(self, symbol: str = "") -> None:
        """One more order message (new, replace or cancel) went out."""
        now = self.clock.monotonic()
        self._second_s.append(now)
        self._minute_s.append(now)
        of_symbol_s = self._by_symbol_s.setdefault(symbol, deque())
        of_symbol_s.append(now)
        forget(of_symbol_s, now - _MINUTE)

    def messages_of(self, symbol: str) -> int:
        """Order messages about one symbol in the last minute."""
        sent_s = self._by_symbol_s.get(symbol)
        if sent_s is None:
            return 0
        forget(sent_s, self.clock.monotonic() - _MINUTE)
        return len(sent_s)

    def message_counts(self) -> tuple[int, int]:
        """Order messages of the last second and the last minute."""
        now = self.clock.monotonic()
        forget(self._second_s, now - _SECOND)
        forget(self._minute_s, now - _MINUTE)
        return len(self._second_s), len(self._minute_s)

    def twin_age_s(self, wish: NewOrder, window_s: float) -> float | None:
        """Seconds since the same symbol, side, quantity and price was last approved, within the window."""
        now, recent = self.clock.monotonic(), self._recent
        while recent and now - recent[0][0] > window_s:
            at, mark = recent.popleft()
            if self._newest_s.get(mark) == at:
                del self._newest_s[mark]
        newest = self._newest_s.get(_fingerprint(wish))
        return None if newest is None else now - newest

    @contextmanager
    def reserved(self, intent_id: IntentId) -> Generator[None]:
        """Ends the reservation however the block ends."""
        try:
            yield
        finally:
            self.settle(intent_id)


def _fingerprint(wish: NewOrder) -> Mark:
    size, price = (wish.order_qty, wish.notional), (wish.price, wish.stop_px)
    return (wish.symbol, wish.side, wish.order_type, wish.order_class, size, price, wish.legs)
