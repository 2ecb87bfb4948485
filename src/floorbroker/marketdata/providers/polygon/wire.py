"""Messages as the service spells them.  Case matters: `P` is an ask and `p` a bid.  Numbers are read exactly.

Documents: contracts of massive.com/docs/rest and massive.com/docs/websocket.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import TypeVar

import msgspec

from floorbroker.domain.errors import ApiError

BROKER = "POLYGON"
T = TypeVar("T")
UNREADABLE = (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError)


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """Members nobody asked for are ignored, as the service adds them freely."""


class Agg(Wire, frozen=True, kw_only=True):
    """One aggregate; `t` is the start of its window in milliseconds (in grouped days its end)."""

    t: int
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - spelled by the service
    c: Decimal
    v: Decimal = Decimal(0)
    T: str = ""


class Page(Wire, frozen=True, kw_only=True):
    """What every list has beside its results; they are absent when it is empty."""

    status: str = ""
    results: msgspec.Raw = msgspec.Raw(b"[]")
    next_url: str | None = None


class Trade(Wire, frozen=True, kw_only=True):
    """v3 trades; times in nanoseconds."""

    price: Decimal
    size: Decimal = Decimal(0)
    decimal_size: str | None = None
    sip_timestamp: int = 0
    participant_timestamp: int = 0
    id: str = ""


class Quote(Wire, frozen=True, kw_only=True):
    """v3 quotes; a side that is not there is left out."""

    sip_timestamp: int = 0
    participant_timestamp: int = 0
    bid_price: Decimal | None = None
    bid_size: Decimal = Decimal(0)
    ask_price: Decimal | None = None
    ask_size: Decimal = Decimal(0)


class Nbbo(Wire, frozen=True, kw_only=True):
    """The last quote, in letters."""

    T: str = ""
    t: int
    P: Decimal | None = None
    S: Decimal = Decimal(0)
    p: Decimal | None = None
    s: Decimal = Decimal(0)


class Day(Wire, frozen=True, kw_only=True):
    """A day of a snapshot; zeros before the first trade."""

    o: Decimal = Decimal(0)
    h: Decimal = Decimal(0)
    l: Decimal = Decimal(0)  # noqa: E741 - spelled by the service
    c: Decimal = Decimal(0)
    v: Decimal = Decimal(0)


class SnapTrade(Wire, frozen=True, kw_only=True):
    p: Decimal
    s: Decimal = Decimal(0)
    t: int


class Snapshot(Wire, frozen=True, kw_only=True):
    """One ticker of a snapshot."""

    ticker: str
    day: Day = Day()
    prev_day: Day = msgspec.field(default=Day(), name="prevDay")
    last_trade: SnapTrade | None = msgspec.field(default=None, name="lastTrade")
    last_quote: Nbbo | None = msgspec.field(default=None, name="lastQuote")
    updated: int = 0


class Snapshots(Wire, frozen=True, kw_only=True):
    tickers: list[Snapshot] = []


class Ticker(Wire, frozen=True, kw_only=True):
    """Reference data of one ticker."""

    ticker: str
    name: str = ""
    market: str = ""
    type: str = ""
    active: bool = True
    currency_name: str = ""
    primary_exchange: str = ""


class Split(Wire, frozen=True, kw_only=True):
    ticker: str
    execution_date: str
    split_from: Decimal
    split_to: Decimal


class Dividend(Wire, frozen=True, kw_only=True):
    ticker: str
    ex_dividend_date: str
    cash_amount: Decimal
    currency: str = "USD"
    dividend_type: str = "CD"


class Refusal(Wire, frozen=True, kw_only=True):
    """The text of a refusal stands in one of two members."""

    status: str = ""
    error: str = ""
    message: str = ""


class Event(Wire, frozen=True, kw_only=True):
    """One member of a frame of the stream, whatever it is about; `ev` tells which members count."""

    ev: str
    sym: str = ""
    pair: str = ""
    status: str = ""
    message: str = ""
    p: Decimal | None = None
    s: Decimal = Decimal(0)
    t: int = 0
    i: msgspec.Raw = msgspec.Raw(b"null")
    bp: Decimal | None = None
    bs: Decimal = Decimal(0)
    ap: Decimal | None = None
    ask_size: Decimal = msgspec.field(default=Decimal(0), name="as")
    o: Decimal | None = None
    h: Decimal | None = None
    l: Decimal | None = None  # noqa: E741 - spelled by the service
    c: msgspec.Raw = msgspec.Raw(b"null")
    v: Decimal = Decimal(0)


def decode(data: bytes | msgspec.Raw, kind: type[T], *, what: str) -> T:
    """`data` as `kind`.  Raises `ApiError`."""
    try:
        return _reader(kind)(data)
    except UNREADABLE as error:
        raise ApiError(f"{what} cannot be read: {error}", broker=BROKER) from error


@cache
def _reader(kind: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    return msgspec.json.Decoder(kind).decode
