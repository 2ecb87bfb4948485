"""What strategies did, as doors show it: the bots of a home and their decisions, read from the files that they are kept in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from floorbroker.app.home import Home
from floorbroker.strategy.bots import Earlier, Kept, kept_bots, newest


@dataclass(frozen=True, slots=True)
class Strategies:
    """Reads only; files are read beside the event loop."""

    home: Home

    async def bots(self) -> dict[str, Kept]:
        """Every bot with a state, by name.  Raises `ConfigInvalid` for a file that is none."""
        return await asyncio.to_thread(kept_bots, self.home.bots)

    async def decisions(self, *, before: int | None = None, limit: int = 100, strategy: str = "") -> Earlier:
        """The newest decisions, of one bot or strategy where it is named.  Raises `ConfigInvalid` for a line that is none."""

        def wanted(line: Mapping[str, Any]) -> bool:
            return strategy in ("", line.get("bot"), line.get("strategy"))

        return await asyncio.to_thread(newest, self.home.decisions, before=before, limit=limit, wanted=wanted)
