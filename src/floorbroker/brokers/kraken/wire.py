"""Messages as Kraken spells them: REST and WebSocket v2.

Only members we use are declared, and all that a reply may lack or null out has a default: a reply is refused when what we
need is missing, never because of what we ignore.  Words (status, type) stay text here; `mapping` knows them.  Numbers are
`Decimal` with the digits as they were written, from text or from JSON numbers: checksums are made of them.  Times in REST are
decimal seconds, on streams RFC 3339 text.  An error is no HTTP status: it stands in `error`, in a reply with status 200.
Documents: docs.kraken.com/api-reference; docs.kraken.com/exchange/api-reference/spot-websocket-v2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Annotated, TypeVar

import msgspec

from floorbroker.domain.errors import ApiError

T = TypeVar("T")
_EMPTY = msgspec.Raw(b"")
_WARNING = re.compile(r"W[A-Z][A-Za-z]*:")


Whole = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A number that counts or names; longer ones are no reply of this venue."""


class Wire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every message here is.  Read from bytes and frozen, it cannot be part of a cycle: the collector need not look."""


# -- REST: the envelope -----------------------------------------------------------------------------------------------------


class Envelope(Wire, frozen=True, kw_only=True):
    """`{"error":[],"result":{...}}`; strings that begin with E are errors, those with W warnings."""

    error: list[str] | None = None
    result: msgspec.Raw = _EMPTY

    @property
    def errors(self) -> list[str]:
        """What went wrong; everything but warnings (`WGeneral:...`)."""
        return [text for text in self.error or () if not _WARNING.match(text)]


# -- REST: commands -----------------------------------------------------------------------------------------------------------


class Added(Wire, frozen=True, kw_only=True):
    """A new order: AddOrder has a list of ids (none when only checked), a batch bare text or an error, sockets `order_id`."""

    txid: str | list[str] | None = None
    order_id: str | None = None
    cl_ord_id: str | None = None
    error: str | None = None

    @property
    def ids(self) -> list[str]:
        """Whatever it names, of which one is right."""
        told = [self.txid] if isinstance(self.txid, str) else self.txid or []
        return [*told, self.order_id] if self.order_id is not None else told


class Batch(Wire, frozen=True, kw_only=True):
    orders: list[Added]


class Amended(Wire, frozen=True, kw_only=True):
    amend_id: str


class Counted(Wire, frozen=True, kw_only=True):
    """CancelOrder, CancelAll: that it was asked; how many orders it was about where told."""

    count: Whole | None = None


# -- REST: orders and executions ------------------------------------------------------------------------------------------------


class Descr(Wire, frozen=True, kw_only=True):
    """The terms of an order; `price` is the limit, or the trigger of a triggered type, whose limit is `price2` then."""

    pair: str = ""
    type: str = ""
    ordertype: str = ""
    price: str = ""  # trailing types write an offset here: +5.0, +2%
    price2: str = ""


class Order(Wire, frozen=True, kw_only=True):
    """One order; `price` is the average of its fills, `refid` the order whose conditional close it is."""

    status: str
    descr: Descr
    refid: str | None = None
    cl_ord_id: str | None = None
    opentm: Decimal | None = None
    closetm: Decimal | None = None
    expiretm: Decimal | None = None
    timeinforce: str | None = None
    vol: Decimal | None = None
    vol_exec: Decimal | None = None
    cost: Decimal | None = None
    price: Decimal | None = None
    stopprice: Decimal | None = None
    misc: str | None = None
    oflags: str | None = None
    reason: str | None = None


class OpenOrders(Wire, frozen=True, kw_only=True):
    open: dict[str, Order]


class ClosedOrders(Wire, frozen=True, kw_only=True):
    closed: dict[str, Order]
    count: Whole | None = None


class Trade(Wire, frozen=True, kw_only=True):
    """One of our fills; `pair` is the long id (XXBTZUSD), `fee` is in the quote currency."""

    ordertxid: str
    pair: str
    time: Decimal
    type: str
    price: Decimal
    vol: Decimal
    fee: Decimal | None = None
    cl_ord_id: str | None = None


class Trades(Wire, frozen=True, kw_only=True):
    trades: dict[str, Trade]
    count: Whole | None = None


# -- REST: account --------------------------------------------------------------------------------------------------------------


class Holding(Wire, frozen=True, kw_only=True):
    """One asset of BalanceEx."""

    balance: Decimal
    hold_trade: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    credit_used: Decimal = Decimal(0)


class TradeBalance(Wire, frozen=True, kw_only=True):
    """`eb` is what all balances are worth in the asset asked for."""

    eb: Decimal
    m: Decimal | None = None
    mf: Decimal | None = None


class Key(Wire, frozen=True, kw_only=True, rename="camel"):
    """GetApiKeyInfo; `iban` is the public account ID, in groups of four with spaces between."""

    permissions: list[str]
    iban: str | None = None


class Token(Wire, frozen=True, kw_only=True):
    """GetWebSocketsToken; good for 15 minutes, and longer once a private subscription was opened with it."""

    token: str


class DeadMan(Wire, frozen=True, kw_only=True):
    current_time: str = msgspec.field(name="currentTime", default="")
    trigger_time: str = msgspec.field(name="triggerTime", default="")


# -- REST: markets --------------------------------------------------------------------------------------------------------------


class Time(Wire, frozen=True, kw_only=True):
    unixtime: Decimal


class SystemStatus(Wire, frozen=True, kw_only=True):
    status: str


class Pair(Wire, frozen=True, kw_only=True):
    """One entry of AssetPairs."""

    altname: str
    wsname: str | None = None
    base: str = ""
    quote: str = ""
    pair_decimals: Whole = 0
    lot_decimals: Whole = 8
    cost_decimals: Whole | None = None
    tick_size: Decimal | None = None
    ordermin: Decimal | None = None
    costmin: Decimal | None = None
    status: str = "online"


class Ticker(Wire, frozen=True, kw_only=True):
    """`a` and `b` are price, whole-lot volume, volume; `c` price and volume of the last trade."""

    a: list[Decimal] | None = None
    b: list[Decimal] | None = None
    c: list[Decimal] | None = None


OhlcRow = tuple[Whole, Decimal, Decimal, Decimal, Decimal, Decimal, Decimal, Whole]


# -- streams --------------------------------------------------------------------------------------------------------------------


class Frame(Wire, frozen=True, kw_only=True):
    """Everything on a socket: a channel's data, or the answer to a method."""

    channel: str | None = None
    type: str | None = None
    data: msgspec.Raw = _EMPTY
    sequence: Whole | None = None
    method: str | None = None
    success: bool | None = None
    error: str | None = None
    result: msgspec.Raw = _EMPTY
    req_id: Whole | None = None
    symbol: str | None = None
    timestamp: str | None = None


class Status(Wire, frozen=True, kw_only=True):
    """The status channel: how the whole system is."""

    system: str = ""


class Subscribed(Wire, frozen=True, kw_only=True):
    """`result` of an answer to subscribe and unsubscribe."""

    channel: str = ""
    symbol: str | None = None


class Level(Wire, frozen=True, kw_only=True):
    price: Decimal
    qty: Decimal


class Book(Wire, frozen=True, kw_only=True):
    symbol: str
    bids: list[Level] = []
    asks: list[Level] = []
    checksum: Whole | None = None
    timestamp: str | None = None


class TickerItem(Wire, frozen=True, kw_only=True):
    symbol: str
    bid: Decimal | None = None
    bid_qty: Decimal | None = None
    ask: Decimal | None = None
    ask_qty: Decimal | None = None
    last: Decimal | None = None
    timestamp: str | None = None


class TradeItem(Wire, frozen=True, kw_only=True):
    symbol: str
    side: str
    price: Decimal
    qty: Decimal
    trade_id: Whole | str | None = None
    timestamp: str | None = None


class Candle(Wire, frozen=True, kw_only=True):
    """A bar that may still grow; sent on trades only."""

    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    interval_begin: str
    interval: Whole


class PairRules(Wire, frozen=True, kw_only=True):
    symbol: str
    price_precision: Whole
    qty_precision: Whole


class Instruments(Wire, frozen=True, kw_only=True):
    pairs: list[PairRules] = []


class Fee(Wire, frozen=True, kw_only=True):
    asset: str
    qty: Decimal


class Triggers(Wire, frozen=True, kw_only=True):
    price: Decimal | None = None
    price_type: str | None = None
    status: str | None = None


class Execution(Wire, frozen=True, kw_only=True):
    """One event of one order; only the first carries all terms, later ones what changed."""

    order_id: str
    exec_type: str
    order_status: str | None = None
    cl_ord_id: str | None = None
    symbol: str | None = None
    side: str | None = None
    order_type: str | None = None
    time_in_force: str | None = None
    order_qty: Decimal | None = None
    cash_order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    triggers: Triggers | None = None
    cum_qty: Decimal | None = None
    avg_price: Decimal | None = None
    exec_id: str | None = None
    last_qty: Decimal | None = None
    last_price: Decimal | None = None
    fees: list[Fee] | None = None
    order_ref_id: str | None = msgspec.field(name="ord_ref_id", default=None)
    reason: str | None = None
    cancel_reason: str | None = None
    timestamp: str | None = None


class BalanceItem(Wire, frozen=True, kw_only=True):
    """A line of the balances channel: a standing in the snapshot, a movement (`ledger_id`, `type`) after it."""

    asset: str
    balance: Decimal | None = None
    ledger_id: str | None = None
    type: str | None = None
    amount: Decimal | None = None


# -- reading ------------------------------------------------------------------------------------------------------------------

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError)


def decode(data: bytes | msgspec.Raw, kind: type[T], *, what: str) -> T:
    """`data` as `kind`; raises `ApiError` (UNKNOWN) that names `what` and quotes nothing."""
    try:
        return _reader(kind)(data)
    except UNREADABLE as error:
        raise ApiError(f"{what} is not readable ({type(error).__name__})", broker="KRAKEN") from error


@cache
def _reader(kind: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    """Made once for each kind of message: making it costs more than a reading."""
    return msgspec.json.Decoder(kind).decode
