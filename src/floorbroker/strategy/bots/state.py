"""What a bot remembers across restarts: one small file, replaced as a whole after every event."""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.values import IntentId, OrdStatus
from floorbroker.strategy.budget import Day
from floorbroker.strategy.wishes import Ordered, WishId


class Told(msgspec.Struct, array_like=True):
    """An execution that a strategy was told of: its units, and whether it stands in for real ones that are still to come."""

    qty: Decimal
    stands_in: bool = False


Heard = dict[str, Told]  # by the id of the execution


class Ended(msgspec.Struct, array_like=True):
    """A wish whose order has ended, as the strategy was told: a late execution, or one taken back, may change it."""

    intent_id: IntentId
    ord_status: OrdStatus
    cum_qty: Decimal
    heard: Heard


class Kept(msgspec.Struct, kw_only=True):
    """`handled` is the end of the last bar of each symbol that the strategy was shown; `orders` what its open wishes became.

    `heard` has the executions of each open wish that the strategy was told of, `ended` the last wishes that are over, oldest
    first.  `told` is how an earlier version counted executions; it is read, and not written any more.
    """

    strategy: str
    parameters: dict[str, Any]
    profile: str | None = None
    environment: str = ""  # where it runs; empty where an earlier version wrote this
    state: dict[str, Any] = {}
    handled: dict[str, datetime] = {}
    wishes: dict[WishId, Ordered] = {}
    orders: dict[WishId, IntentId] = {}
    told: dict[WishId, int] = {}
    heard: dict[WishId, Heard] = {}
    ended: dict[WishId, Ended] = {}
    day: Day | None = None  # what its budget counted of its last day
    at: datetime | None = None  # when this was written
    stopped: str = ""  # why it does not run; empty while it may


class Keep:
    """The file of one bot.  A change of its parameters begins a new state, but never forgets its orders."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Kept | None:
        """None before the first run.  Raises `ConfigInvalid` for a file that holds no state."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigInvalid(
                f"{self.path}: no state of a bot ({type(error).__name__}: {error}); remove it"
            ) from error

    def write(self, kept: Kept) -> None:
        """Replace the file; it is whole at any moment.  Not synced: after a power cut an older one wakes the bot up earlier,
        and its wishes have the names they had.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(kept))
        beside.replace(self.path)


def kept_bots(folder: Path) -> dict[str, Kept]:
    """Every bot with a state, by name."""
    found: dict[str, Kept] = {}
    for path in sorted(folder.glob("*.json")):
        kept = Keep(path).read()
        if kept is not None:
            found[path.stem] = kept
    return found
