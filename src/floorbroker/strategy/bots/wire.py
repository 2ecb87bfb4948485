"""What a bot's two halves say to each other, one line of JSON a message: the desk's side asks, the strategy's side answers.

desk side                      strategy side
Begin   ───────────────────▶   makes the strategy, warms its tracks up, on_start
        ◀───────────────────   Done: wishes, decisions, state, next timer
Seen    ───────────────────▶   one event, its handlers
        ◀───────────────────   Done
Seen(stop) ────────────────▶   on_stop
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from floorbroker.domain.bars import Bar
from floorbroker.domain.records import BookDelta, Quote, Trade
from floorbroker.strategy.budget import Day
from floorbroker.strategy.wishes import Action, Change, Filled, Ordered, Place, Withdraw


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """A bar and the moment it was over."""

    bar: Bar
    end: datetime


class Purse(msgspec.Struct, frozen=True, kw_only=True):
    """The account as the strategy sees it: signed units by symbol.

    `marks` is what the desk marks a unit of what is held at, `scales` what price times units is multiplied with to be an amount
    of the account; `scales` has an empty symbol for shares and options that are not in it.
    """

    cash: Decimal
    equity: Decimal
    held: dict[str, Decimal]
    marks: dict[str, Decimal] = {}
    scales: dict[str, Decimal] = {}


class Begin(msgspec.Struct, frozen=True, kw_only=True):
    """The first message.  `history` warms tracks up and is told to no handler; `so_far` as of `Seen`."""

    strategy: str
    parameters: dict[str, Any]
    calendar: str
    now: datetime
    state: dict[str, Any]
    purse: Purse
    wishes: list[Ordered]
    history: list[Closed]
    so_far: dict[str, Decimal] = {}
    day: Day | None = None  # what the strategy's budget counted of today


class Seen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event: one of its members; none of them when only time passed.

    `so_far` is how much each open wish has filled when `purse` was looked into, whether that was told or not: units that are
    held are not on their way as well.
    """

    now: datetime
    purse: Purse
    so_far: dict[str, Decimal] = {}
    bar: Closed | None = None
    quote: Quote | None = None
    trade: Trade | None = None
    book: BookDelta | None = None
    ordered: Ordered | None = None
    filled: Filled | None = None
    stop: bool = False
    quotes: list[Quote] = []  # that stand meanwhile, for a strategy that has no handler for them


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One wish on its way out."""

    place: Place | None = None
    withdraw: Withdraw | None = None
    change: Change | None = None

    @classmethod
    def of(cls, action: Action) -> Act:
        match action:
            case Place():
                return cls(place=action)
            case Withdraw():
                return cls(withdraw=action)
            case Change():
                return cls(change=action)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one message.  `trouble` ends the bot: what the strategy raised, as text."""

    acts: list[Act] = []
    decisions: list[dict[str, Any]] = []
    state: dict[str, Any] = {}
    day: Day | None = None
    next_timer: datetime | None = None
    wants: list[str] = []  # of the first answer: which of `quote`, `trade` and `book` the strategy handles
    trouble: str = ""


_ENCODER = msgspec.json.Encoder()
_BEGIN, _SEEN, _DONE = msgspec.json.Decoder(Begin), msgspec.json.Decoder(Seen), msgspec.json.Decoder(Done)


def line_of(message: Begin | Seen | Done) -> bytes:
    """One message as a line."""
    return _ENCODER.encode(message) + b"\n"


def begin_from(line: bytes) -> Begin:
    return _BEGIN.decode(line)


def seen_from(line: bytes) -> Seen:
    return _SEEN.decode(line)


def done_from(line: bytes) -> Done:
    """Raises `msgspec.DecodeError` for what is no answer."""
    return _DONE.decode(line)
