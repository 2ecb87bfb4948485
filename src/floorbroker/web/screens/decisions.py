"""Decisions: the bots of the environments of whoever looks, and what they decided and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.web.frame import Ask, Screen
from floorbroker.web.screens.records import number_of

ROWS = 100
_WORDS = ("time", "bot", "strategy", "act", "intent_id", "ord_status", "agent_reasoning", "refused")
_EMPTY: dict[str, Any] = {**dict.fromkeys(_WORDS, ""), "order": {}, "market_context": {}}


async def decisions(ask: Ask) -> Mapping[str, Any]:
    """A page of the log, newest first, of one bot or strategy where the address names it."""
    strategy, before = ask.params.get("strategy", "").strip(), number_of(ask.params.get("before", ""))
    shown: dict[str, Any] = {
        "strategy": strategy,
        "before": before,
        "trouble": "",
        "bots": {},
        "rows": (),
        "older": None,
    }
    if ask.strategies is None:
        return shown
    try:
        page = await ask.strategies.decisions(sees=ask.sees, before=before, limit=ROWS, strategy=strategy)
        return {
            **shown,
            "bots": await ask.strategies.bots(sees=ask.sees),
            "rows": [{**_EMPTY, **line} for line in page.lines],
            "older": page.older,
        }
    except ConfigInvalid as error:
        return {**shown, "trouble": error.detail}


DECISIONS = Screen(
    path="/decisions",
    title="Decisions",
    template="decisions.html",
    build=decisions,
    live=("orders",),
    pace_ms=1000,
    pulse_ms=3000,  # the log is written by bots, which are processes of their own
)
