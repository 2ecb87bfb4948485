"""Something that is called for often, and done no more often than its pace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Paced:
    """What was called for since it was done last, and when that was; seconds are monotonic."""

    is_called_for: bool = False
    _due_s: float = 0.0

    def call_for(self) -> None:
        self.is_called_for = True

    def is_due(self, now_s: float, *, every_s: float) -> bool:
        """Whether to do it now; then it is taken as done.  What was called for too soon stays called for."""
        if not self.is_called_for or now_s < self._due_s:
            return False
        self.is_called_for, self._due_s = False, now_s + every_s
        return True
