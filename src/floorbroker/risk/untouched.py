"""Strategies that trade on and on without a human touch: how often each has filled, and which are switched off for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import time_text

TOPIC = "risk.strategy"


@frozen
class StrategyState:
    """One strategy: fills since a person touched it or the UTC day began, and why it is switched off, if it is."""

    name: str
    fills: int = 0
    off: str = ""
    by: str = ""
    at: datetime | None = None  # when it was switched on or off last


@dataclass(slots=True)
class Strategies:
    """The strategies of one desk.  Switched off is durable; fills are counted anew from today's orders at a start."""

    today: date = date.min
    _fills: dict[str, int] = field(default_factory=dict[str, int])
    _states: dict[str, StrategyState] = field(default_factory=dict[str, StrategyState])

    def why_off(self, name: str) -> str:
        """Why a strategy places no orders; empty while it may."""
        state = self._states.get(name)
        return state.off if state is not None else ""

    def fills(self, name: str) -> int:
        return self._fills.get(name, 0)

    def touched_at(self, name: str) -> datetime | None:
        """When somebody switched it on last."""
        state = self._states.get(name)
        return state.at if state is not None and not state.off else None

    def filled(self, name: str, count: int, now: datetime) -> None:
        """Its orders filled so often."""
        if now.date() > self.today:
            self.today = now.date()
            self._fills.clear()
        self._fills[name] = self._fills.get(name, 0) + count

    def switch(self, state: StrategyState) -> None:
        """On, which is a human touch and begins the count anew, or off."""
        self._states[state.name] = state
        if not state.off:
            self._fills.pop(state.name, None)

    def states(self) -> tuple[StrategyState, ...]:
        """Every strategy that filled today or was ever switched, by name."""
        return tuple(self._shown(name) for name in sorted({*self._fills, *self._states}))

    def _shown(self, name: str) -> StrategyState:
        state = self._states.get(name, StrategyState(name=name))
        return StrategyState(name=name, fills=self.fills(name), off=state.off, by=state.by, at=state.at)


def words_of(state: StrategyState) -> Mapping[str, str]:
    """What a note keeps of a switch."""
    return {"strategy": state.name, "off": state.off, "by": state.by, "at": time_text(state.at) if state.at else ""}


def state_in(words: Mapping[str, str], at: datetime) -> StrategyState:
    """The switch that a note keeps, made at a moment.  Raises `KeyError` for one that is none."""
    return StrategyState(name=words["strategy"], off=words["off"], by=words["by"], at=at)
