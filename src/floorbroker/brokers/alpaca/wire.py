"""Messages as Alpaca spells them, of Trading API v2 and Market Data v2.

Only members we use are declared, and all that a reply may lack or null out has a default: a reply is refused when what we
need is missing, never because of what we ignore.  Words (status, type, event) stay text here; `mapping` knows them.  Times
stay text too, since they come with 0 to 9 fraction digits.  Numbers are `Decimal`, from text or exact JSON numbers; their size
is checked in `mapping.values`.
Documents: Trading API 2.0.1 and Market Data API 1.1 (OpenAPI); streams: docs.alpaca.markets/docs/websocket-streaming and
docs.alpaca.markets/docs/streaming-market-data.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import TypeVar

import msgspec

from floorbroker.domain.errors import ApiError

T = TypeVar("T")


class Wire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every message here is.  Read from bytes and frozen, it cannot be part of a cycle: the collector need not look."""


# -- sent ---------------------------------------------------------------------------------------------------------------


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every request body here is: members at their default are not sent.  Numbers are sent as text."""


class TakeProfit(Body, frozen=True, kw_only=True):
    limit_price: str | None = None


class StopLoss(Body, frozen=True, kw_only=True):
    stop_price: str | None = None
    limit_price: str | None = None


class Leg(Body, frozen=True, kw_only=True):
    symbol: str
    ratio_qty: str
    side: str | None = None
    position_intent: str | None = None


class OrderRequest(Body, frozen=True, kw_only=True):
    """POST /v2/orders."""

    client_order_id: str
    type: str
    time_in_force: str
    symbol: str | None = None
    side: str | None = None
    qty: str | None = None
    notional: str | None = None
    limit_price: str | None = None
    stop_price: str | None = None
    trail_price: str | None = None
    trail_percent: str | None = None
    order_class: str | None = None
    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None
    legs: tuple[Leg, ...] | None = None
    position_intent: str | None = None
    extended_hours: bool = False


class ReplaceRequest(Body, frozen=True, kw_only=True):
    """PATCH /v2/orders/{id}."""

    client_order_id: str
    qty: str | None = None
    time_in_force: str | None = None
    limit_price: str | None = None
    stop_price: str | None = None
    trail: str | None = None


# -- trading: received --------------------------------------------------------------------------------------------------


class Order(Wire, frozen=True, kw_only=True):
    """An order; `legs` when nested.  An mleg parent has `symbol`, `side` and `asset_class` empty.

    The members stand in the order in which the venue writes them, which is the order the decoder looks for them.
    """

    id: str
    client_order_id: str = ""
    created_at: str | None = None
    updated_at: str | None = None
    submitted_at: str | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    symbol: str | None = None
    asset_class: str | None = None
    notional: Decimal | None = None
    qty: Decimal | None = None
    filled_qty: Decimal | None = None
    filled_avg_price: Decimal | None = None
    order_class: str | None = None
    type: str | None = None
    side: str | None = None
    time_in_force: str | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    status: str
    legs: list[Order] | None = None
    trail_percent: Decimal | None = None
    trail_price: Decimal | None = None


class CancelItem(Wire, frozen=True, kw_only=True):
    """One line of the 207 answer to DELETE /v2/orders."""

    id: str
    status: int
    body: msgspec.Raw = msgspec.Raw(b"null")


class ErrorBody(Wire, frozen=True, kw_only=True):
    """`{"code":40310000,"message":"..."}`; a 401 has no code."""

    code: int | str | None = None
    message: str | None = None


class Account(Wire, frozen=True, kw_only=True):
    id: str
    account_number: str
    status: str
    currency: str = "USD"
    cash: Decimal = Decimal(0)
    equity: Decimal = Decimal(0)
    buying_power: Decimal = Decimal(0)
    non_marginable_buying_power: Decimal | None = None
    multiplier: Decimal | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    options_trading_level: int | None = None
    options_buying_power: Decimal | None = None
    shorting_enabled: bool = False
    trading_blocked: bool = False
    account_blocked: bool = False
    transfers_blocked: bool | None = None
    trade_suspended_by_user: bool = False


class Position(Wire, frozen=True, kw_only=True):
    """Short: `side` short and `qty` negative.  A crypto symbol has no slash here."""

    symbol: str
    qty: Decimal
    asset_class: str | None = None
    side: str | None = None
    qty_available: Decimal | None = None
    avg_entry_price: Decimal | None = None
    current_price: Decimal | None = None
    market_value: Decimal | None = None
    unrealized_pl: Decimal | None = None


class Fill(Wire, frozen=True, kw_only=True):
    """A FILL activity; `id` is `<time>::<execution id>`."""

    id: str
    type: str
    order_id: str
    side: str
    symbol: str
    price: Decimal
    qty: Decimal
    transaction_time: str
    cum_qty: Decimal | None = None


class Asset(Wire, frozen=True, kw_only=True):
    id: str
    symbol: str
    asset_class: str = msgspec.field(name="class")
    name: str | None = None
    tradable: bool = False
    marginable: bool = False
    shortable: bool = False
    easy_to_borrow: bool | None = None
    borrow_status: str | None = None
    fractionable: bool = False
    min_order_size: Decimal | None = None
    min_trade_increment: Decimal | None = None
    price_increment: Decimal | None = None


class OptionContract(Wire, frozen=True, kw_only=True):
    id: str
    symbol: str
    name: str | None = None
    tradable: bool = False
    multiplier: Decimal | None = None
    style: str | None = None
    open_interest: Decimal | None = None


class OptionContracts(Wire, frozen=True, kw_only=True):
    option_contracts: list[OptionContract] | None = None
    next_page_token: str | None = None


class Clock(Wire, frozen=True, kw_only=True):
    timestamp: str
    is_open: bool
    next_open: str | None = None
    next_close: str | None = None


class CalendarDay(Wire, frozen=True, kw_only=True):
    """`open`, `close` as HH:MM and `session_open`, `session_close` as HHMM, in New York time."""

    date: str
    open: str
    close: str
    session_open: str | None = None
    session_close: str | None = None


# -- market data: received ----------------------------------------------------------------------------------------------


class Bar(Wire, frozen=True, kw_only=True):
    t: str
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the venue's name
    c: Decimal
    v: Decimal


class Quote(Wire, frozen=True, kw_only=True):
    t: str
    ap: Decimal = Decimal(0)
    bp: Decimal = Decimal(0)
    as_: Decimal = msgspec.field(name="as", default=Decimal(0))
    bs: Decimal = Decimal(0)


class Trade(Wire, frozen=True, kw_only=True):
    t: str
    p: Decimal
    s: Decimal = Decimal(0)
    i: int | str | None = None
    tks: str | None = None


class Bars(Wire, frozen=True, kw_only=True):
    bars: dict[str, list[Bar] | None] | None = None
    next_page_token: str | None = None


class Quotes(Wire, frozen=True, kw_only=True):
    quotes: dict[str, list[Quote] | None] | None = None
    next_page_token: str | None = None


class Trades(Wire, frozen=True, kw_only=True):
    trades: dict[str, list[Trade] | None] | None = None
    next_page_token: str | None = None


class LatestQuotes(Wire, frozen=True, kw_only=True):
    quotes: dict[str, Quote | None]


class Snapshot(Wire, frozen=True, kw_only=True):
    latest_quote: Quote | None = msgspec.field(name="latestQuote", default=None)
    latest_trade: Trade | None = msgspec.field(name="latestTrade", default=None)


class Snapshots(Wire, frozen=True, kw_only=True):
    """Crypto and options wrap them; stocks are keyed by symbol at the top level.  A chain of options comes in pages."""

    snapshots: dict[str, Snapshot | None]
    next_page_token: str | None = None


# -- streams ------------------------------------------------------------------------------------------------------------


class TradeUpdate(Wire, frozen=True, kw_only=True):
    """`data` of a `trade_updates` message."""

    event: str
    order: Order
    timestamp: str | None = None
    execution_id: str | None = None
    price: Decimal | None = None
    qty: Decimal | None = None


class Authorization(Wire, frozen=True, kw_only=True):
    status: str = ""
    action: str = ""


class Listening(Wire, frozen=True, kw_only=True):
    streams: list[str] | None = None


class StreamMessage(Wire, frozen=True, kw_only=True):
    """The envelope of /stream; `data` is read once `stream` is known."""

    stream: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


class Level(Wire, frozen=True, kw_only=True):
    p: Decimal
    s: Decimal


class DataMessage(Wire, frozen=True, kw_only=True):
    """One element of a market data frame; `T` says which members count."""

    kind: str = msgspec.field(name="T")
    symbol: str = msgspec.field(name="S", default="")
    t: str | None = None
    code: int | None = None
    msg: str | None = None
    p: Decimal | None = None
    s: Decimal | None = None
    i: int | str | None = None
    tks: str | None = None
    ap: Decimal = Decimal(0)
    as_: Decimal = msgspec.field(name="as", default=Decimal(0))
    bp: Decimal = Decimal(0)
    bs: Decimal = Decimal(0)
    o: Decimal | None = None
    h: Decimal | None = None
    l: Decimal | None = None  # noqa: E741 - the venue's name
    c: msgspec.Raw = msgspec.Raw(b"null")  # a close in bars, condition codes in trades
    v: Decimal | None = None
    b: list[Level] | None = None
    a: msgspec.Raw = msgspec.Raw(b"null")  # asks in books, an action in cancels
    r: bool = False


class TradeDetails(Wire, frozen=True, kw_only=True):
    """`details` of an activity event; those of other activities have none of these."""

    order_id: str = ""
    execution_type: str = ""
    side: str = ""
    symbol: str = ""
    client_order_id: str | None = None
    cum_qty: Decimal | None = None
    order_status: str | None = None
    commission: Decimal | None = None


class ActivityEvent(Wire, frozen=True, kw_only=True):
    """One server-sent event of /v2beta1/events/activities; `details` is read for trades alone."""

    event_id: str
    activity_type: str
    at: str
    ref_id: str
    executed_at: str | None = None
    previous_id: str | None = None
    currency: str | None = None
    price: Decimal | None = None
    qty: Decimal | None = None
    details: msgspec.Raw = msgspec.Raw(b"{}")


# -- reading ------------------------------------------------------------------------------------------------------------

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError)


def unreadable(error: Exception, *, what: str) -> ApiError:
    """The `ApiError` (UNKNOWN) for one of `UNREADABLE`; it names `what` and quotes nothing of the reply."""
    return ApiError(f"{what} is not readable ({type(error).__name__})", broker="ALPACA")


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


# The reply to a command, read on the way of every order: without a step of ours around it.  Raises what `UNREADABLE` lists.
read_order = msgspec.json.Decoder(Order).decode
