"""What strategies did, as doors show it: the bots of a home and their decisions, read from the files that they are kept in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from floorbroker.app.home import Home
from floorbroker.domain.values import Environment
from floorbroker.people.identity import EVERYWHERE
from floorbroker.strategy.bots import Earlier, Kept, kept_bots, newest

Environments = frozenset[Environment]


@dataclass(frozen=True, slots=True)
class Strategies:
    """Reads only; files are read beside the event loop.  `sees` are the environments of whoever asks: one log is for all."""

    home: Home

    async def bots(self, *, sees: Environments) -> dict[str, Kept]:
        """Bots with a state, by name.  Raises `ConfigInvalid` for a file that is none."""
        found = await asyncio.to_thread(kept_bots, self.home.bots)
        return {name: kept for name, kept in found.items() if _is_shown(kept.environment, sees)}

    async def decisions(
        self, *, sees: Environments, before: int | None = None, limit: int = 100, strategy: str = ""
    ) -> Earlier:
        """The newest decisions, of one bot or strategy where it is named.  Raises `ConfigInvalid` for a line that is none."""

        def wanted(line: Mapping[str, Any]) -> bool:
            is_named = strategy in ("", line.get("bot"), line.get("strategy"))
            return is_named and _is_shown(str(line.get("environment") or ""), sees)

        return await asyncio.to_thread(newest, self.home.decisions, before=before, limit=limit, wanted=wanted)


def _is_shown(environment: str, sees: Environments) -> bool:
    """What says no environment, as an earlier version wrote it, may be of any."""
    return any(one.value == environment for one in sees) if environment else sees >= EVERYWHERE
