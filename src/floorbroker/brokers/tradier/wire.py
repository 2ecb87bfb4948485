"""Messages as Tradier spells them, of Brokerage API v1.

Its JSON is XML turned over: a list of none is `"null"` or null, of one is the object itself, of many an array.  `items` reads
all of them.  Only members we use are declared; words stay text here, `mapping` knows them.  Numbers are exact JSON numbers or
text; their size is checked in `mapping.values`.
Documents: documentation.tradier.com/brokerage-api/reference/response and the pages of each endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import TypeVar

import msgspec

from floorbroker.domain.errors import ApiError

T = TypeVar("T")
NOTHING = msgspec.Raw(b"null")
_NONE = frozenset({b"", b"null", b'"null"'})


class Wire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every message here is."""


# -- orders -------------------------------------------------------------------------------------------------------------


class Order(Wire, frozen=True, kw_only=True):
    """An order, or one leg of one.  `leg` is read with `legs_of`.  Quantities are shares or contracts."""

    id: int | str
    status: str
    type: str = ""
    symbol: str = ""
    side: str = ""
    quantity: Decimal | None = None
    duration: str = ""
    price: Decimal | None = None
    stop_price: Decimal | None = None
    avg_fill_price: Decimal | None = None
    exec_quantity: Decimal | None = None
    create_date: str | None = None
    transaction_date: str | None = None
    class_: str = msgspec.field(name="class", default="")
    option_symbol: str | None = None
    tag: str | None = None
    reason_description: str | None = None
    leg: msgspec.Raw = NOTHING


class Named(Wire, frozen=True, kw_only=True):
    """An order of which nothing but its id is read."""

    id: int | str


class Placed(Wire, frozen=True, kw_only=True):
    """`order` of the answer to a command: "ok" means taken for review.  An id counts whatever stands beside it."""

    id: int | str
    status: msgspec.Raw = NOTHING


class PlacedReply(Wire, frozen=True, kw_only=True):
    order: Placed


class Preview(Wire, frozen=True, kw_only=True):
    """`order` of the answer to `preview=true`; amounts in dollars.  With an `id` it was no preview."""

    id: int | str | None = None
    status: str = ""
    result: bool | None = None
    commission: Decimal | None = None
    fees: Decimal | None = None
    cost: Decimal | None = None
    order_cost: Decimal | None = None
    margin_change: Decimal | None = None


class PreviewReply(Wire, frozen=True, kw_only=True):
    order: Preview


class ErrorBody(Wire, frozen=True, kw_only=True):
    """`{"errors":{"error":[...]}}` or `{"fault":{...}}`."""

    errors: msgspec.Raw = NOTHING
    fault: msgspec.Raw = NOTHING


class FaultDetail(Wire, frozen=True, kw_only=True):
    errorcode: str = ""


class Fault(Wire, frozen=True, kw_only=True):
    faultstring: str = ""
    detail: FaultDetail = FaultDetail()


# -- accounts -----------------------------------------------------------------------------------------------------------


class Margin(Wire, frozen=True, kw_only=True):
    """`margin` and `pdt`."""

    stock_buying_power: Decimal | None = None
    option_buying_power: Decimal | None = None
    maintenance_call: Decimal | None = None


class Cash(Wire, frozen=True, kw_only=True):
    cash_available: Decimal | None = None
    unsettled_funds: Decimal | None = None


class Balances(Wire, frozen=True, kw_only=True):
    account_number: str
    account_type: str
    total_cash: Decimal | None = None
    total_equity: Decimal | None = None
    current_requirement: Decimal | None = None
    uncleared_funds: Decimal | None = None
    margin: Margin | None = None
    pdt: Margin | None = None
    cash: Cash | None = None


class BalancesReply(Wire, frozen=True, kw_only=True):
    balances: Balances


class Holder(Wire, frozen=True, kw_only=True):
    """One account of the token's user; `type` is margin or cash."""

    account_number: str
    status: str = ""
    type: str = ""
    option_level: int | None = None
    day_trader: bool | None = None


class Profile(Wire, frozen=True, kw_only=True):
    account: msgspec.Raw = NOTHING


class ProfileReply(Wire, frozen=True, kw_only=True):
    profile: Profile


class Position(Wire, frozen=True, kw_only=True):
    """Short: negative quantity and cost basis."""

    symbol: str
    quantity: Decimal
    cost_basis: Decimal | None = None


class HistoryOption(Wire, frozen=True, kw_only=True):
    """`option` of an event: `option_type` says how contracts ended, `description` names them."""

    option_type: str = ""
    description: str = ""
    quantity: Decimal | None = None


class HistoryEvent(Wire, frozen=True, kw_only=True):
    """One event of the account's history; the member named after its type has the details."""

    date: str
    type: str = ""
    option: HistoryOption | None = None


# -- markets ------------------------------------------------------------------------------------------------------------


class Quote(Wire, frozen=True, kw_only=True):
    """Sizes of shares in hundreds, of options in contracts; dates in epoch ms."""

    symbol: str
    type: str = ""
    description: str | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    bidsize: Decimal | None = None
    asksize: Decimal | None = None
    bid_date: int | None = None
    ask_date: int | None = None
    trade_date: int | None = None
    contract_size: Decimal | None = None
    underlying: str | None = None
    open_interest: Decimal | None = None


class Day(Wire, frozen=True, kw_only=True):
    """One day, week or month of `history.day`."""

    date: str
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None
    volume: Decimal | None = None


class Sale(Wire, frozen=True, kw_only=True):
    """One interval of `series.data`; `timestamp` is its start in epoch seconds."""

    timestamp: int
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None
    volume: Decimal | None = None


class Clock(Wire, frozen=True, kw_only=True):
    """`timestamp` in epoch seconds; `state` is premarket, open, postmarket or closed."""

    timestamp: int
    state: str = ""
    date: str = ""


class ClockReply(Wire, frozen=True, kw_only=True):
    clock: Clock


class Window(Wire, frozen=True, kw_only=True):
    """`09:30`, New York time."""

    start: str
    end: str


class CalendarDay(Wire, frozen=True, kw_only=True):
    date: str
    status: str
    open: Window | None = None
    premarket: Window | None = None
    postmarket: Window | None = None


class Calendar(Wire, frozen=True, kw_only=True):
    days: msgspec.Raw = NOTHING


class CalendarReply(Wire, frozen=True, kw_only=True):
    calendar: Calendar


# -- streams ------------------------------------------------------------------------------------------------------------


class StreamSession(Wire, frozen=True, kw_only=True):
    sessionid: str
    url: str = ""


class SessionReply(Wire, frozen=True, kw_only=True):
    stream: StreamSession


class AccountEvent(Wire, frozen=True, kw_only=True):
    """A message of the account stream: `order` or `heartbeat`.  It names neither symbol nor side."""

    event: str = ""
    id: int | str | None = None
    error: str | None = None


class MarketMessage(Wire, frozen=True, kw_only=True):
    """A message of the market stream; numbers come as text or as numbers, dates in epoch ms."""

    type: str = ""
    symbol: str = ""
    bid: Decimal | None = None
    bidsz: Decimal | None = None
    biddate: int | str | None = None
    ask: Decimal | None = None
    asksz: Decimal | None = None
    askdate: int | str | None = None
    price: Decimal | None = None
    size: Decimal | None = None
    date: int | str | None = None
    error: str | None = None


# -- reading ------------------------------------------------------------------------------------------------------------

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError)


def unreadable(error: Exception, *, what: str) -> ApiError:
    """The `ApiError` (UNKNOWN) for one of `UNREADABLE`; it names `what` and quotes nothing of the reply."""
    return ApiError(f"{what} is not readable ({type(error).__name__})", broker="TRADIER")


def decode(data: bytes | msgspec.Raw, kind: type[T], *, what: str) -> T:
    """`data` as `kind`; raises `ApiError` (UNKNOWN)."""
    try:
        return _reader(kind)(data)
    except UNREADABLE as error:
        raise unreadable(error, what=what) from error


@cache
def _reader(kind: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    """Made once for each kind of message: making it costs more than a reading."""
    return msgspec.json.Decoder(kind).decode


def one_or_many(raw: bytes | msgspec.Raw, kind: type[T], *, what: str) -> list[T]:
    """None, one or many, in each spelling the venue has.  Raises `ApiError`."""
    data = bytes(raw).strip()
    if is_none(data):
        return []
    if data.startswith(b"["):
        many: list[T] = decode(data, list[kind], what=what)
        return many
    return [decode(data, kind, what=what)]


def is_none(raw: bytes | msgspec.Raw) -> bool:
    """Whether a member is there in one of the spellings of nothing, or not at all."""
    return bytes(raw).strip() in _NONE


def items(
    data: bytes | msgspec.Raw, wrapper: str, member: str, kind: type[T], *, what: str, instead: str | None = None
) -> list[T]:
    """The list `member` inside the object `wrapper` of a reply.  A reply without the wrapper is not one: `ApiError`."""
    outer = _members(data, what=what)
    if wrapper not in outer:
        raise ApiError(f"{what}: the reply has no {wrapper}", broker="TRADIER")
    return inner(outer[wrapper], member, kind, what=what, instead=instead)


def inner(raw: bytes | msgspec.Raw, member: str, kind: type[T], *, what: str, instead: str | None = None) -> list[T]:
    """The list `member` of an object that may be none at all.

    An object without the member is no list (`ApiError`), unless it has the member `instead`, which says that there is none.
    """
    if is_none(raw):
        return []
    members = _members(raw, what=what)
    if member not in members and instead in members:
        return []
    if member not in members:
        raise ApiError(f"{what}: the reply has no {member}", broker="TRADIER")
    return one_or_many(members[member], kind, what=what)


def _members(data: bytes | msgspec.Raw, *, what: str) -> Mapping[str, msgspec.Raw]:
    members: dict[str, msgspec.Raw] = decode(data, dict[str, msgspec.Raw], what=what)
    return members


def legs_of(order: Order) -> list[Order]:
    """The legs of a group, in the order in which they were sent."""
    return one_or_many(order.leg, Order, what="the legs of an order")
