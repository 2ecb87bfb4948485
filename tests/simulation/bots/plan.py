"""A plan with a bot in it: what happens anyway, and kills at the steps between a bot's deeds."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.simulation.bots.robot import STEPS
from tests.simulation.schedule import Kill, Plan

SHARE = 0.7  # of the plans with a kill at a step of the bot's own


def with_bot(plan: Plan, random: Random) -> Plan:
    """The same plan, and a strategy that trades beside people."""
    kills = plan.kills
    if random.random() < SHARE:
        own = tuple(_kill(random) for _ in range(random.choice((1, 2, 2, 3))))
        kills = (*plan.kills[: random.choice((0, 0, 1))], *own)
    return replace(plan, bot=True, kills=kills)


def _kill(random: Random) -> Kill:
    """Soon back, mostly: bars that are older than two are history."""
    down_s = random.choice((random.uniform(0.1, 3), random.uniform(0.1, 3), random.uniform(3, 15)))
    return Kill(0, down_s, at=random.choice(STEPS), hit=random.randint(1, 12))
