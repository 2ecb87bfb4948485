"""Bots and their decisions as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from floorbroker.api.views.shape import View, when
from floorbroker.strategy.bots import Kept

_WORDS = (
    "time", "strategy", "bot", "profile", "act", "cause", "intent_id", "order_id", "ord_status", "agent_reasoning",
    "refused", "key", "hash",
)  # fmt: skip


class BotView(View, frozen=True):
    """One bot: what it runs, for whom, and whether it may."""

    name: str
    strategy: str
    profile: str | None
    state: str
    reason: str
    open_orders: int
    last: str | None
    parameters: dict[str, Any]


class DecisionView(View, frozen=True):
    """One decision.  `order` has the terms of the wish as text, `market_context` what the strategy looked at.

    `hash` is that of its line in the log.
    """

    time: str
    strategy: str
    bot: str
    profile: str
    act: str
    cause: str
    order: dict[str, str]
    intent_id: str
    order_id: str
    ord_status: str
    market_context: dict[str, str]
    agent_reasoning: str
    refused: str
    key: str
    hash: str


def bot_view(name: str, kept: Kept) -> BotView:
    return BotView(
        name=name,
        strategy=kept.strategy,
        profile=kept.profile,
        state="stopped" if kept.stopped else "may run",
        reason=kept.stopped,
        open_orders=len(kept.orders),
        last=when(kept.at),
        parameters=kept.parameters,
    )


def decision_view(line: Mapping[str, Any]) -> DecisionView:
    """What a line lacks is empty: the log may be older than this desk."""
    return DecisionView(
        order=_texts(line.get("order")),
        market_context=_texts(line.get("market_context")),
        **{name: str(line.get(name) or "") for name in _WORDS},
    )


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    told = cast("Mapping[str, Any]", value)
    return {name: str(told[name]) for name in told}
