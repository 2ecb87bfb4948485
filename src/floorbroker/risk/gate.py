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
from floorbroker.risk.controls import CONTROLS
from floorbroker.risk.situation import Situation
from floorbroker.risk.verdict import Verdict, refusal

_SECOND, _MINUTE = 1.0, 60.0


@dataclass(slots=True)
class RiskGate:
    """The gate of one account.  `approve` reserves until `settle` says that the order stands in the book (or never will)."""

    profile: Profile
    clock: Clock
    pending: dict[IntentId, NewOrder] = field(default_factory=dict[IntentId, NewOrder])
    _messages: deque[float] = field(default_factory=deque[float])
    _recent: deque[tuple[float, tuple[object, ...]]] = field(default_factory=deque[tuple[float, tuple[object, ...]]])

    def check(self, situation: Situation) -> tuple[Verdict, ...]:
        """Every control's verdict, without a reservation."""
        return tuple(control(situation) for control in CONTROLS)

    def approve(
        self, situation: Situation, *, intent_id: IntentId, cl_ord_id: ClOrdId, decided_at: float | None = None
    ) -> Approved:
        """Check and reserve in one step.  Raises the first failed control's error; then nothing is reserved."""
        for control in CONTROLS:
            verdict = control(situation)
            if not verdict.ok:
                raise refusal(verdict)
        wish = situation.wish
        self.pending[intent_id] = wish
        self.count_message()
        self._recent.append((self.clock.monotonic(), _fingerprint(wish)))
        return Approved(
            intent_id=intent_id,
            cl_ord_id=cl_ord_id,
            profile=self.profile.name,
            environment=self.profile.environment,
            order=wish,
            decided_at=self.clock.monotonic() if decided_at is None else decided_at,
        )

    def settle(self, intent_id: IntentId) -> None:
        """The order stands in the book now, or the intent is gone: its own reservation ends."""
        self.pending.pop(intent_id, None)

    def count_message(self) -> None:
        """One more order message (new, replace or cancel) went out."""
        self._messages.append(self.clock.monotonic())

    def message_counts(self) -> tuple[int, int]:
        """Order messages of the last second and the last minute."""
        now = self.clock.monotonic()
        while self._messages and now - self._messages[0] >= _MINUTE:
            self._messages.popleft()
        return sum(1 for at in self._messages if now - at < _SECOND), len(self._messages)

    def twin_age_s(self, wish: NewOrder, window_s: float) -> float | None:
        """Seconds since the same symbol, side, quantity and price was last approved, within the window."""
        now = self.clock.monotonic()
        while self._recent and now - self._recent[0][0] > window_s:
            self._recent.popleft()
        mark = _fingerprint(wish)
        ages = [now - at for at, twin in self._recent if twin == mark]
        return min(ages) if ages else None

    @contextmanager
    def reserved(self, intent_id: IntentId) -> Generator[None]:
        """Ends the reservation however the block ends."""
        try:
            yield
        finally:
            self.settle(intent_id)


def _fingerprint(wish: NewOrder) -> tuple[object, ...]:
    size, price = (wish.order_qty, wish.notional), (wish.price, wish.stop_px)
    return (wish.symbol, wish.side, wish.order_type, wish.order_class, size, price, wish.legs)
