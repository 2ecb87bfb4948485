"""Bots: strategies that trade at a desk, each in a process of its own, its state kept across restarts."""

from floorbroker.strategy.bots.bars import Maker
from floorbroker.strategy.bots.bot import Bot, Policy, Spec
from floorbroker.strategy.bots.clerk import Clerk, digest_of, key_of
from floorbroker.strategy.bots.host import BotFailed, Child, Host, Inside
from floorbroker.strategy.bots.live import Holdings, Running
from floorbroker.strategy.bots.logbook import Earlier, Logbook, broken_line, decisions, newest
from floorbroker.strategy.bots.state import Keep, Kept, kept_bots
from floorbroker.strategy.bots.wire import Closed, Purse

__all__ = [
    "Bot",
    "BotFailed",
    "Child",
    "Clerk",
    "Closed",
    "Earlier",
    "Holdings",
    "Host",
    "Inside",
    "Keep",
    "Kept",
    "Logbook",
    "Maker",
    "Policy",
    "Purse",
    "Running",
    "Spec",
    "broken_line",
    "decisions",
    "digest_of",
    "kept_bots",
    "key_of",
    "newest",
]
