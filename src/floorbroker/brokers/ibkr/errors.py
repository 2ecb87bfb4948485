"""What the codes of TWS and IB Gateway mean, as a table, and what every other code means: that we do not know.

A code is about an order or a request (its id), or about the link (-1).  An order command is definitely refused only by a row that
says so (RELIABILITY 2.5); a code that is not listed leaves it UNKNOWN.  Warnings end nothing, whatever order they name: the order
works on.  Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc (error handling).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConnectionFailed,
    DuplicateOrderId,
    Hint,
    InsufficientFunds,
    OrderNotFound,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SymbolNotFound,
    VenueError,
)
from floorbroker.domain.values import Word

BROKER = "IBKR"
_TEXT_MAX = 500
_PLAIN = Hint()
_LOOK = Hint(notify=True)
_SLOWER = Hint(retry_after_s=1.0)
_LATER = Hint(retry_after_s=15.0)


class Nature(Word):
    """What kind of word a code is."""

    REFUSAL = "refusal"  # the command or request it names was not carried out, as far as `outcome` says
    CANCELED = "canceled"  # the order it names is cancelled
    WARNING = "warning"  # said beside; nothing ended
    LINK_LOST = "link_lost"  # the program has lost the broker's servers: nothing may be sent
    LINK_BACK = "link_back"  # restored, market data kept
    LINK_BACK_BARE = "link_back_bare"  # restored, market data must be asked for again
    HANG_UP = "hang_up"  # this connection is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One code: what it is here, and whether it proves that a command was not carried out."""

    nature: Nature = Nature.REFUSAL
    error: type[VenueError] = OrderRejected
    outcome: Outcome = Outcome.REFUSED
    hint: Hint = _PLAIN


_REJECTED = Row()
_UNPROVEN = Row(error=ApiError, outcome=Outcome.UNKNOWN)
_WARNING = Row(nature=Nature.WARNING, error=ApiError, outcome=Outcome.UNKNOWN)
_NO_DATA = Row(error=ApiError, hint=_LOOK)
_GONE = Row(error=OrderNotFound)
_PLACE = Row(nature=Nature.HANG_UP, error=ConnectionFailed, outcome=Outcome.UNKNOWN)

_SINGLE: Mapping[int, Row] = MappingProxyType(
    {
        # Pace and numbers.
        100: Row(error=RateLimitExceeded, outcome=Outcome.UNKNOWN, hint=_SLOWER),
        101: Row(error=RateLimitExceeded, hint=_LATER),
        102: _NO_DATA,
        103: Row(error=DuplicateOrderId, outcome=Outcome.UNKNOWN),
        # Orders, changes and cancels.
        104: _REJECTED,
        105: _REJECTED,
        106: _UNPROVEN,
        107: _REJECTED,
        109: _REJECTED,
        110: _REJECTED,
        111: _REJECTED,
        133: _UNPROVEN,
        134: _UNPROVEN,
        135: _GONE,
        136: _REJECTED,
        161: _REJECTED,
        201: _REJECTED,
        202: Row(nature=Nature.CANCELED),
        203: _REJECTED,
        329: _REJECTED,
        382: _REJECTED,
        383: _REJECTED,
        399: _WARNING,
        404: _WARNING,
        434: _REJECTED,
        435: _REJECTED,
        481: _WARNING,
        10006: _REJECTED,
        10147: _GONE,
        10148: _REJECTED,
        # Contracts, history and requests.
        162: _UNPROVEN,
        165: _WARNING,
        200: Row(error=SymbolNotFound),
        300: _NO_DATA,
        309: Row(error=RateLimitExceeded, hint=_LATER),
        317: _WARNING,
        320: _UNPROVEN,
        321: _REJECTED,
        322: _UNPROVEN,
        323: _UNPROVEN,
        366: _NO_DATA,
        # Market data and its permissions.
        354: _NO_DATA,
        10089: _NO_DATA,
        10090: _WARNING,
        10167: _WARNING,
        10168: _NO_DATA,
        10186: _NO_DATA,
        10187: _NO_DATA,
        10189: _NO_DATA,
        10197: _NO_DATA,
        10225: _WARNING,
        # The connection.
        326: Row(nature=Nature.HANG_UP, error=AuthenticationFailed, hint=_LOOK),
        501: _PLACE,
        502: _PLACE,
        503: Row(nature=Nature.HANG_UP, error=ApiError, hint=_LOOK),
        504: _PLACE,
        507: _PLACE,
        1100: Row(nature=Nature.LINK_LOST, error=ConnectionFailed, outcome=Outcome.UNKNOWN),
        1101: Row(nature=Nature.LINK_BACK_BARE, error=ConnectionFailed, outcome=Outcome.UNKNOWN),
        1102: Row(nature=Nature.LINK_BACK, error=ConnectionFailed, outcome=Outcome.UNKNOWN),
        1300: _PLACE,
        2110: Row(nature=Nature.LINK_LOST, error=ConnectionFailed, outcome=Outcome.UNKNOWN),
    }
)
# First and last code of each family, both included.
_FAMILIES: tuple[tuple[int, int, Row], ...] = (
    (2100, 2199, _WARNING),
    (10241, 10250, _REJECTED),
    (10268, 10270, _REJECTED),
)
_FUNDS = ("insufficient", "buying power", "available funds", "margin requirement")
_RIGHTS = ("read-only", "read only")


def row_of(code: int) -> Row | None:
    """The table's row; None for a code that is not listed."""
    row = _SINGLE.get(code)
    if row is not None:
        return row
    return next((row for first, last, row in _FAMILIES if first <= code <= last), None)


def error_of(code: int, text: str, *, what: str) -> VenueError:
    """What a code says about the command or the request `what`; UNKNOWN unless its row proves the refusal.

    The text tells funds and rights apart among refusals; it never turns one kind of outcome into another.
    """
    row = row_of(code)
    shown = f"{code} {text}"[:_TEXT_MAX]
    if row is None:
        detail = f"{what}: the venue answered in words that prove nothing"
        return ApiError(detail, broker=BROKER, venue_text=shown, outcome=Outcome.UNKNOWN)
    is_refusal = row.outcome is Outcome.REFUSED
    detail = f"{what}: refused by the venue" if is_refusal else f"{what}: the venue does not say whether it was done"
    kind = _told_apart(text) if row.error is OrderRejected else row.error
    hint = _LOOK if kind is AuthenticationFailed else row.hint
    return kind(detail, broker=BROKER, venue_text=shown, outcome=row.outcome, hint=hint)


def _told_apart(text: str) -> type[VenueError]:
    words = text.lower()
    if any(word in words for word in _RIGHTS):
        return AuthenticationFailed
    return InsufficientFunds if any(word in words for word in _FUNDS) else OrderRejected
