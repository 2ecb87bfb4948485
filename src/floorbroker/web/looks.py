"""Looks at accounts that several pages share: what was asked of venues a moment ago is not asked again for the next tab.

A look is good for a second, and for as long as nothing became durable since: a fill makes the next one a new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from floorbroker.domain.clock import Clock

GOOD_S = 1.0
T = TypeVar("T")


@dataclass(slots=True)
class Looks:
    """Belongs to one event loop.  Holds no more than what was asked for within the last second."""

    clock: Clock
    _taken: dict[Hashable, tuple[float, asyncio.Task[object]]] = field(
        default_factory=dict[Hashable, "tuple[float, asyncio.Task[object]]"]
    )

    async def share(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to `ask`, or to the one under the same key that is under way or was given a moment ago.

        Raises what it raised; nobody who leaves takes the answer away from the others.
        """
        now_s = self.clock.monotonic()
        self._taken = {known: (at_s, task) for known, (at_s, task) in self._taken.items() if now_s - at_s < GOOD_S}
        if key not in self._taken:

            async def asked() -> object:
                return await ask()

            self._taken[key] = now_s, asyncio.ensure_future(asked())
        return cast("T", await asyncio.shield(self._taken[key][1]))
