"""Something that is called for often, and done no more often than its pace."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(slots=True)
class Paced:
    """What was called for since it was done last, and when that was; seconds are monotonic."""

    is_called_for: bool = False
    _due_s: float = 0.0
    _done_s: float = -inf

    def call_for(self) -> None:
        self.is_called_for = True

    def did(self, now_s: float) -> None:
        """It was done, or need not be done before a time like that has passed."""
        self._done_s = now_s

    def is_due(self, now_s: float, *, every_s: float, longest_s: float | None = None) -> bool:
        """Whether to do it now; then it is taken as done.  What was called for too soon stays called for, and what was done
        `longest_s` ago needs nobody's call.
        """
        is_long_ago = longest_s is not None and now_s - self._done_s >= longest_s
        if not (self.is_called_for or is_long_ago) or now_s < self._due_s:
            return False
        self.is_called_for, self._due_s, self._done_s = False, now_s + every_s, now_s
        return True
