"""How long things have stood as they stand, by a clock that nobody moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable


class Stood:
    """Ages within this process.  Wall time in the journal may be from before somebody moved the clock, or from another life."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since_s: dict[str, tuple[object, float]] = {}

    def for_s(self, name: str, state: object) -> float:
        """Seconds since `name` was first asked about in this state; another state begins anew."""
        now_s = self._monotonic()
        held = self._since_s.get(name)
        if held is None or held[0] != state:
            self._since_s[name] = (state, now_s)
            return 0.0
        return now_s - held[1]

    def keep(self, names: Iterable[str]) -> None:
        """Forget all others."""
        kept = set(names)
        self._since_s = {name: held for name, held in self._since_s.items() if name in kept}
