"""What has to be remembered of orders: a cancel of a spot order has to say whether it is a conditional one."""

from __future__ import annotations

KEPT_MAX = 50_000


class Memory:
    """The filters (`Order`, `StopOrder`, `tpslOrder`) of orders by their ids.  Bounded, oldest forgotten first."""

    def __init__(self, most: int = KEPT_MAX) -> None:
        self._filters: dict[str, str] = {}
        self._most = most

    def keep_filter(self, *names: str | None, word: str) -> None:
        """The order with these ids is of this kind."""
        for name in names:
            if name:
                self._filters.pop(name, None)
                self._filters[name] = word
        while len(self._filters) > self._most:
            del self._filters[next(iter(self._filters))]

    def filter_of(self, *names: str | None) -> str | None:
        """The kind of an order, where it was heard."""
        return next((self._filters[name] for name in names if name is not None and name in self._filters), None)
