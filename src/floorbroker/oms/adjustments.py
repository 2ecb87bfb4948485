"""Adjustments: differences of positions that no fill explains, each with its cause, as a note in the journal and back.  Pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import NoteEntry, Record
from floorbroker.domain.values import WIDE, NotExact, ProfileName, Word, decimal_of, text_of

ADJUSTMENT = "adjustment"


class Cause(Word):
    """Why our fills and the venue's position differ, as far as anybody knows."""

    OPENING = "opening position"  # held before this journal began
    UNLISTED = (
        "fills that the venue does not list"  # an order's total has been ahead of them for longer than they may take
    )
    IGNORED = "orders that are ignored"  # somebody else trades this account, and the profile looks away
    UNEXPLAINED = "unexplained difference"  # a transfer, a dividend, a fee or a fill that nobody told of


@frozen
class Adjustment:
    """Signed units that were added to what our fills say of a symbol; `venue` is what the venue held then.

    `price` (quote currency a unit of price) comes with what is known to have been settled, such as an option that expired
    worthless: then it closes units with a profit or a loss.
    """

    profile: ProfileName
    symbol: str
    qty: Decimal
    venue: Decimal
    cause: str
    price: Decimal | None = None

    @property
    def ours(self) -> Decimal:
        """What our fills and earlier adjustments had come to."""
        return WIDE.subtract(self.venue, self.qty)

    @property
    def entry(self) -> NoteEntry:
        """Its note."""
        data = {
            "symbol": self.symbol,
            "qty": text_of(self.qty),
            "venue": text_of(self.venue),
            "cause": self.cause,
        }
        if self.price is not None:
            data["price"] = text_of(self.price)
        return NoteEntry(profile=self.profile, topic=ADJUSTMENT, data=data)


def adjustment_of(entry: NoteEntry) -> Adjustment:
    """What a note says.  Raises `JournalFault` for one that does not say of what, or how much."""
    data = entry.data
    try:
        qty = decimal_of(data["qty"])
        return Adjustment(
            profile=entry.profile,
            symbol=data["symbol"],
            qty=qty,
            venue=decimal_of(data.get("venue", data["qty"])),
            cause=data.get("cause", Cause.UNEXPLAINED.value),
            price=decimal_of(data["price"]) if "price" in data else None,
        )
    except (KeyError, NotExact) as error:
        raise JournalFault("an adjustment in the journal names no symbol or no quantity") from error


@frozen
class Adjusted:
    """An adjustment as the journal has it: its number, and when it was written (UTC)."""

    seq: int
    at: datetime
    adjustment: Adjustment


def adjusted_of(record: Record) -> Adjusted | None:
    """A record of the journal, if it is an adjustment's."""
    entry = record.entry
    if not isinstance(entry, NoteEntry) or entry.topic != ADJUSTMENT:
        return None
    return Adjusted(seq=record.seq, at=record.at, adjustment=adjustment_of(entry))
