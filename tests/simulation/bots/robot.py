"""The bot's life: it wakes up with each life of its desk, from what its file says, and dies with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import Log
from floorbroker.gateway.gateway import Gateway
from floorbroker.strategy.bots import (
    Bot,
    BotFailed,
    Clerk,
    Holdings,
    Inside,
    Keep,
    Kept,
    Logbook,
    Policy,
    Running,
    Spec,
)
from tests.simulation.bots.market import SPAN, Marketed, Tape
from tests.simulation.bots.trader import NAME
from tests.simulation.loop import Node, SimulatedLoop
from tests.simulation.places import PROFILE
from tests.simulation.schedule import ACTIVE_S, Plan

STRATEGY = "tests.simulation.bots.trader:Trader"
WRITING = "bot.writing"  # its state is about to be written
STEPS = ("bot.shown", "bot.carry", "bot.placed", "bot.settled", WRITING)
AGAIN_S = 1.0  # until one that fell over is started again
LOOKS_S = 8.0  # in which a bot at rest has heard everything


class MortalKeep(Keep):
    """Nothing is written by whoever died just before."""

    def __init__(self, path: Path, node: Node, passing: Callable[[str], None]) -> None:
        super().__init__(path)
        self._node = node
        self._passing = passing

    def write(self, kept: Kept) -> None:
        self._passing(WRITING)
        if self._node.alive:
            super().write(kept)


class Fate(Protocol):
    """What decides when a life of the desk ends."""

    plan: Plan
    lives: int
    hits: int

    def crash(self) -> None: ...


def tape_of(plan: Plan) -> Tape:
    """What is traded: the first symbol of the plan's world."""
    symbol = min(plan.world.symbols)
    return Tape(symbol, plan.world.symbols[symbol], plan.seed)


@dataclass(slots=True, kw_only=True)
class Robot:
    """`plant` may put a bug into each bot that is made."""

    loop: SimulatedLoop
    home: Path
    tape: Tape
    epoch: datetime
    log: Log
    fate: Fate
    plant: Callable[[Bot], None] | None = None
    falls: list[str] = field(default_factory=list[str])  # why it failed for good

    @property
    def keep(self) -> Keep:
        return Keep(self.home / f"{NAME}.json")

    @property
    def decisions(self) -> Path:
        return self.home / "decisions.jsonl"

    async def live(self, desk: Gateway, node: Node) -> None:
        """In the node of its desk, until that dies."""
        await desk.until_settled()
        while True:
            running = self._made(desk, node)
            try:
                await running.run()
            except BotFailed as failed:
                self.falls.append(str(failed))
                return
            except FloorbrokerError as error:
                self.log.warning("bot.fell", code=error.code, detail=error.detail)
                await asyncio.sleep(AGAIN_S)

    def _made(self, desk: Gateway, node: Node) -> Running:
        clock = desk.sessions[PROFILE].ctx.clock
        market: Any = Marketed(desk, self.tape, self.loop, self.epoch)  # the desk, with another market
        parameters = {"symbols": [self.tape.symbol]}
        keep = MortalKeep(self.keep.path, node, lambda step: self._passes(step, node))
        kept = keep.read() or Kept(strategy=STRATEGY, parameters=parameters, profile=PROFILE)
        holdings = Holdings(market, PROFILE)
        logbook = Logbook(self.decisions)
        logbook.open()
        node.on_death.append(lambda: os.close(logbook._file))  # noqa: SLF001 - the dead sync nothing
        bot = Bot(
            name=NAME,
            spec=Spec(strategy=STRATEGY, parameters=parameters, policy=Policy.LEAVE, wishes_minute_max=10_000),
            clerk=Clerk(
                name=NAME,
                desk=market,
                profile=PROFILE,
                kept=kept,
                passing=lambda step: self._passes(f"bot.{step}", node),
            ),
            host=Inside(),
            keep=keep,
            clock=clock,
            log=self.log,
            purse=holdings.purse,
            logbook=logbook,
        )
        if self.plant is not None:
            self.plant(bot)
        return Running(
            bot=bot, desk=market, holdings=holdings, symbols=[self.tape.symbol], span=SPAN, clock=clock, log=self.log
        )  # fmt: skip

    def _passes(self, step: str, node: Node) -> None:
        """A life that is to end at a step of the bot ends there: whatever the bot does until its next wait comes to nothing.

        In the calm nobody dies of it: there people wait for a desk at rest.
        """
        fate = self.fate
        kill = fate.plan.kills[fate.lives - 1] if fate.lives <= len(fate.plan.kills) else None
        if kill is None or kill.at != step or not node.alive or self.loop.now_s >= ACTIVE_S:
            return
        fate.hits += 1
        if fate.hits == kill.hit:
            fate.crash()
