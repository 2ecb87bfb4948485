"""Bugs of bots: what is remembered, when, and under which name it is asked for again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from floorbroker.gateway.desk import Submitted
from floorbroker.strategy.bots import Bot, Clerk, Closed
from floorbroker.strategy.bots.wire import Done
from floorbroker.strategy.wishes import WishId
from tests.simulation.house import Plant
from tests.simulation.schedule import Bust, Plan
from tests.simulation.teeth.bug import Bug, killed, with_act
from tests.simulation.worlds import STRATEGY


class RemembersTooSoon(Bot):
    """What a strategy decided is written down as done, and then done."""

    __slots__ = ()

    async def _settle(self, first: Done, closed: Closed | None) -> None:
        self.kept.state = first.state
        if closed is not None:
            self.kept.handled[closed.bar.symbol] = closed.end
        self._write()
        await super()._settle(first, closed)


class HearsAgain(Clerk):
    """Which executions a strategy was told of is known as long as the bot lives."""

    __slots__ = ()

    def find_orders(self) -> None:
        super().find_orders()
        for heard in (*self.kept.heard.values(), *(ended.heard for ended in self.kept.ended.values())):
            heard.clear()


class ForgetsWhatEnded(Clerk):
    """An order that is over does not change any more."""

    __slots__ = ()

    def find_orders(self) -> None:
        self.kept.ended.clear()
        super().find_orders()
        self.orphans = {wish: order for wish, order in self.orphans.items() if order.is_open}

    def notices(self, order: Any) -> bool:
        return super().notices(order) and order.is_open

    def _wakes(self, wish: WishId) -> bool:
        del wish
        return False


class AdoptsNothing(Clerk):
    """What a strategy does not ask for again is not its own."""

    __slots__ = ()

    def adopt(self) -> None:
        self.orphans.clear()


class KeysOfALife:
    """A desk at which each life of a bot has keys of its own."""

    def __init__(self, honest: Any, life: str) -> None:
        self._honest = honest
        self._life = life

    def __getattr__(self, name: str) -> Any:
        return getattr(self._honest, name)

    async def submit(self, order: Any, *, key: str, **more: Any) -> Submitted:
        return await self._honest.submit(order, key=f"{key}/{self._life}", **more)


def _keys_anew(bot: Bot) -> None:
    desk: Any = KeysOfALife(bot.clerk.desk, str(bot.kept.at))
    bot.clerk.desk = desk


def _clerk_is(kind: type[Clerk]) -> Callable[[Bot], None]:
    def plant(bot: Bot) -> None:
        bot.clerk.__class__ = kind

    return plant


def _too_soon(bot: Bot) -> None:
    bot.__class__ = RemembersTooSoon


def _dies_within(plan: Plan) -> bool:
    """A life ends at a step of the bot."""
    return any(kill.at is not None and kill.at.startswith("bot.") for kill in plan.kills)


BUGS = (
    Bug(
        name="a bot's state saved before its wish",
        what="What a strategy decided is written down as done before the desk has it.",
        breaks="I3",
        plant=Plant(bot=_too_soon),
        wants=_dies_within,
        venue=STRATEGY,
    ),
    Bug(
        name="a bot's keys made anew after restart",
        what="A wish that is asked for again goes to the desk under another idempotency key.",
        breaks="I20",
        plant=Plant(bot=_keys_anew),
        wants=_dies_within,
        venue=STRATEGY,
    ),
    Bug(
        name="a bot's fills told again after restart",
        what="Which executions a strategy was told of is forgotten when the bot dies.",
        breaks="I6",
        plant=Plant(bot=_clerk_is(HearsAgain)),
        wants=killed,
        venue=STRATEGY,
    ),
    Bug(
        name="a bot's ended orders forgotten",
        what="A strategy is never told of what is changed in an order that was over.",
        breaks="I6",
        plant=Plant(bot=_clerk_is(ForgetsWhatEnded)),
        wants=with_act(Bust),
        venue=STRATEGY,
    ),
    Bug(
        name="a bot's orders not adopted after restart",
        what="An order that a strategy wished just before it died, and does not ask for again, is nobody's.",
        breaks="I3",
        plant=Plant(bot=_clerk_is(AdoptsNothing)),
        wants=_dies_within,
        venue=STRATEGY,
    ),
)
