"""Messages as Bybit v5 spells them.

Only members we use are declared, and all that a reply may lack has a default: a reply is refused when what we need is
missing, never because of what we ignore.  The venue writes numbers as text and an absent one as an empty text, and times in
milliseconds as text or as numbers; both stay as they come, and `mapping.values` reads them.  Words (status, type, side) stay text
too; `mapping` knows them.
Documents: bybit-exchange.github.io/docs/v5, the page of each path or topic.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Annotated, Generic, TypeVar

import msgspec

from floorbroker.domain.errors import ApiError

T = TypeVar("T")

Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A number that the venue writes without quotes: no larger than it can be there, so that it can be shown, kept and compared."""
Stamp = Whole | str  # milliseconds
EMPTY = msgspec.Raw(b"{}")
NOTHING = msgspec.Raw(b"null")


class Wire(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel"):
    """What every message here is.  Read from bytes and frozen, it cannot be part of a cycle: the collector need not look."""


# -- sent ---------------------------------------------------------------------------------------------------------------


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What every request body here is: members at their default are not sent.  Numbers are sent as text."""


class OrderItem(Body, frozen=True, kw_only=True):
    """An order in a batch; POST /v5/order/create has its `category` beside."""

    symbol: str
    side: str
    order_type: str
    qty: str
    order_link_id: str
    price: str | None = None
    time_in_force: str | None = None
    position_idx: int | None = None
    reduce_only: bool | None = None
    market_unit: str | None = None
    trigger_price: str | None = None
    trigger_direction: int | None = None
    trigger_by: str | None = None
    order_filter: str | None = None


class OrderRequest(OrderItem, frozen=True, kw_only=True):
    """POST /v5/order/create."""

    category: str


class BatchRequest(Body, frozen=True, kw_only=True):
    """POST /v5/order/create-batch."""

    category: str
    request: tuple[OrderItem, ...]


class AmendRequest(Body, frozen=True, kw_only=True):
    """POST /v5/order/amend."""

    category: str
    symbol: str
    order_id: str | None = None
    order_link_id: str | None = None
    qty: str | None = None
    price: str | None = None
    trigger_price: str | None = None


class CancelRequest(Body, frozen=True, kw_only=True):
    """POST /v5/order/cancel; the filter is spot's."""

    category: str
    symbol: str
    order_id: str | None = None
    order_link_id: str | None = None
    order_filter: str | None = None


class CancelAllRequest(Body, frozen=True, kw_only=True):
    """POST /v5/order/cancel-all."""

    category: str
    settle_coin: str | None = None
    order_filter: str | None = None


class LeverageRequest(Body, frozen=True, kw_only=True):
    """POST /v5/position/set-leverage."""

    category: str
    symbol: str
    buy_leverage: str
    sell_leverage: str


class ModeRequest(Body, frozen=True, kw_only=True):
    """POST /v5/position/switch-mode."""

    category: str
    mode: int
    symbol: str | None = None
    coin: str | None = None


class TradingStopRequest(Body, frozen=True, kw_only=True):
    """POST /v5/position/trading-stop; `0` takes a stop away."""

    category: str
    symbol: str
    tpsl_mode: str
    position_idx: int
    take_profit: str | None = None
    stop_loss: str | None = None
    trailing_stop: str | None = None
    active_price: str | None = None
    tp_size: str | None = None
    sl_size: str | None = None
    tp_order_type: str | None = None
    sl_order_type: str | None = None
    tp_limit_price: str | None = None
    sl_limit_price: str | None = None


# -- received -----------------------------------------------------------------------------------------------------------


class Reply(Wire, frozen=True, kw_only=True):
    """The envelope of every answer, and of the trade socket's, which calls `result` `data`."""

    ret_code: Whole
    ret_msg: str = ""
    result: msgspec.Raw = EMPTY
    ret_ext_info: msgspec.Raw = EMPTY


class Page(Wire, Generic[T], frozen=True, kw_only=True):
    """A list, and where the next page begins (empty: nowhere)."""

    items: list[T] | None = msgspec.field(name="list", default=None)
    next_page_cursor: str | None = None


class Accepted(Wire, frozen=True, kw_only=True):
    """What create, amend and cancel answer: received, no more."""

    order_id: str = ""
    order_link_id: str = ""


class Outcome(Wire, frozen=True, kw_only=True):
    """How one order of a batch fared; in the order of the request."""

    code: Whole
    msg: str = ""


class Outcomes(Wire, frozen=True, kw_only=True):
    items: list[Outcome] | None = msgspec.field(name="list", default=None)


class Order(Wire, frozen=True, kw_only=True):
    """An order, in lists and on the stream (which adds `category`)."""

    order_id: str
    order_status: str
    order_link_id: str = ""
    category: str = ""
    symbol: str = ""
    side: str = ""
    order_type: str = ""
    time_in_force: str = ""
    price: str = ""
    qty: str = ""
    market_unit: str | None = None
    cum_exec_qty: str = ""
    avg_price: str | None = None
    stop_order_type: str | None = None
    trigger_price: str | None = None
    trigger_direction: Whole = 0
    last_price_on_created: str | None = None
    base_price: str | None = None
    reject_reason: str | None = None
    cancel_type: str | None = None
    reduce_only: bool | None = None
    created_time: Stamp = ""
    updated_time: Stamp = ""


class ExtraFee(Wire, frozen=True, kw_only=True):
    fee_coin: str = ""
    fee: str = ""


class Execution(Wire, frozen=True, kw_only=True):
    """An execution, in the list and on the stream; `extra_fees` is a list there and an empty text here."""

    exec_id: str
    order_id: str
    exec_type: str
    symbol: str = ""
    category: str = ""
    order_link_id: str = ""
    side: str = ""
    exec_qty: str = ""
    exec_price: str = ""
    exec_fee: str = ""
    fee_currency: str | None = None
    exec_time: Stamp = ""
    extra_fees: msgspec.Raw = NOTHING


class Position(Wire, frozen=True, kw_only=True):
    """Side is empty and size 0 when flat; on the stream the price is `entryPrice`."""

    symbol: str
    side: str = ""
    size: str = ""
    position_idx: Whole = 0
    avg_price: str | None = None
    mark_price: str | None = None
    unrealised_pnl: str | None = None
    leverage: str | None = None
    take_profit: str | None = None
    stop_loss: str | None = None
    trailing_stop: str | None = None


class Coin(Wire, frozen=True, kw_only=True):
    coin: str
    wallet_balance: str = ""
    usd_value: str | None = None
    locked: str | None = None
    total_position_im: str | None = msgspec.field(name="totalPositionIM", default=None)
    total_order_im: str | None = msgspec.field(name="totalOrderIM", default=None)


class Wallet(Wire, frozen=True, kw_only=True):
    """Totals are in USD, and empty in isolated and portfolio margin."""

    total_equity: str | None = None
    total_available_balance: str | None = None
    total_initial_margin: str | None = None
    total_maintenance_margin: str | None = None
    coin: list[Coin] | None = None


class KeyInfo(Wire, frozen=True, kw_only=True):
    """GET /v5/user/query-api.  Permissions are lists of words by kind."""

    read_only: Whole = 0
    permissions: dict[str, list[str] | None] | None = None
    ips: list[str] | None = None
    uta: Whole | None = None
    user_id: Whole | str = msgspec.field(name="userID", default="")
    expired_at: str | None = None


class AccountInfo(Wire, frozen=True, kw_only=True):
    unified_margin_status: Whole = 0


class FeeRate(Wire, frozen=True, kw_only=True):
    taker_fee_rate: str = ""


class ServerTime(Wire, frozen=True, kw_only=True):
    time_second: Stamp
    time_nano: Stamp = ""


class PriceFilter(Wire, frozen=True, kw_only=True):
    tick_size: str
    min_price: str | None = None
    max_price: str | None = None


class LotFilter(Wire, frozen=True, kw_only=True):
    """Spot tells `basePrecision`, `minOrderAmt`, `maxLimitOrderQty`; perpetuals `qtyStep`, `minNotionalValue`, `maxOrderQty`."""

    min_order_qty: str | None = None
    max_order_qty: str | None = None
    max_mkt_order_qty: str | None = None
    qty_step: str | None = None
    min_notional_value: str | None = None
    base_precision: str | None = None
    quote_precision: str | None = None
    min_order_amt: str | None = None
    max_limit_order_qty: str | None = None
    max_market_order_qty: str | None = None


class LeverageFilter(Wire, frozen=True, kw_only=True):
    max_leverage: str | None = None


class Instrument(Wire, frozen=True, kw_only=True):
    symbol: str
    status: str
    base_coin: str
    quote_coin: str
    price_filter: PriceFilter
    lot_size_filter: LotFilter
    settle_coin: str | None = None
    contract_type: str | None = None
    leverage_filter: LeverageFilter | None = None


class Ticker(Wire, frozen=True, kw_only=True):
    """Of REST and of the stream, where an absent member is unchanged."""

    symbol: str = ""
    bid1_price: str | None = None
    bid1_size: str | None = None
    ask1_price: str | None = None
    ask1_size: str | None = None
    last_price: str | None = None


class Klines(Wire, frozen=True, kw_only=True):
    """Newest first: start, open, high, low, close, volume, turnover."""

    items: list[list[str]] | None = msgspec.field(name="list", default=None)


# -- streams ------------------------------------------------------------------------------------------------------------


class Message(Wire, frozen=True, kw_only=True):
    """One frame of any socket: an answer to an `op`, or data of a `topic`, read once that is known."""

    op: str | None = None
    success: bool | None = None
    ret_msg: str | None = msgspec.field(name="ret_msg", default=None)
    topic: str = ""
    type: str = ""
    ts: Stamp = 0
    cts: Stamp = 0
    data: msgspec.Raw = NOTHING


class TradeMessage(Wire, frozen=True, kw_only=True):
    """One frame of the trade socket."""

    ret_code: Whole
    op: str = ""
    req_id: str | None = None
    ret_msg: str = ""
    data: msgspec.Raw = EMPTY
    ret_ext_info: msgspec.Raw = EMPTY
    header: dict[str, str] | None = None


class Book(Wire, frozen=True, kw_only=True):
    """`data` of orderbook topics: absolute sizes, 0 takes a level away."""

    s: str
    u: Whole
    b: list[tuple[Decimal, Decimal]] | None = None
    a: list[tuple[Decimal, Decimal]] | None = None


class BookMessage(Wire, frozen=True, kw_only=True):
    """A whole frame of an orderbook topic."""

    topic: str
    type: str
    data: Book
    ts: Stamp = 0
    cts: Stamp = 0


class PublicTrade(Wire, frozen=True, kw_only=True):
    """`side` is the taker's."""

    at: Stamp = msgspec.field(name="T")
    symbol: str = msgspec.field(name="s")
    side: str = msgspec.field(name="S", default="")
    size: str = msgspec.field(name="v")
    price: str = msgspec.field(name="p")
    trade_id: str = msgspec.field(name="i", default="")


class Kline(Wire, frozen=True, kw_only=True):
    start: Stamp
    open: str
    high: str
    low: str
    close: str
    volume: str
    confirm: bool = False


# -- reading ------------------------------------------------------------------------------------------------------------

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError)


def unreadable(error: Exception, *, what: str) -> ApiError:
    """The `ApiError` (UNKNOWN) for one of `UNREADABLE`; it names `what` and quotes nothing of the reply."""
    return ApiError(f"{what} is not readable ({type(error).__name__})", broker="BYBIT")


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
