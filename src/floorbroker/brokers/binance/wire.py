"""Messages as Binance spells them: spot REST v3, WebSocket API v3, user data and market streams.

Only members we use are declared, and all that a reply may lack has a default: a reply is refused when what we need is missing,
never because of what we ignore.  Words (status, type, execution type) stay text here; `mapping` knows them.  Prices and
quantities are text on the wire and `Decimal` here; their size is checked in `mapping.values`.  Times are epoch milliseconds.
Documents: developers.binance.com/docs/binance-spot-api-docs/rest-api, /web-socket-api, /user-data-stream,
/web-socket-streams.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Annotated, TypeVar

import msgspec

from floorbroker.domain.errors import ApiError

T = TypeVar("T")

# The venue's whole numbers fit into 64 bits; trails are hundredths of a per cent, which it takes up to some thousands.
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Delta = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Wire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every message here is.  Read from bytes and frozen, it cannot be part of a cycle: the collector need not look."""


class Camel(Wire, frozen=True, kw_only=True, rename="camel"):
    """Messages whose members are spelled likeThis."""


# -- orders -------------------------------------------------------------------------------------------------------------


class OrderFill(Camel, frozen=True, kw_only=True):
    """One fill inside a FULL answer; it has no time of its own."""

    price: Decimal
    qty: Decimal
    commission: Decimal | None = None
    commission_asset: str | None = None
    trade_id: Whole


class Order(Camel, frozen=True, kw_only=True):
    """An order as the answers to a placement, a cancel and every query have it.

    `cummulativeQuoteQty` is the venue's spelling; below zero it is unknown.  In the answer to a cancel `orig_client_order_id`
    is the order's own id, and `client_order_id` that of the cancel.
    """

    symbol: str
    order_id: Whole
    order_list_id: Whole = -1
    client_order_id: str = ""
    orig_client_order_id: str = ""
    transact_time: Whole | None = None
    price: Decimal | None = None
    orig_qty: Decimal | None = None
    executed_qty: Decimal | None = None
    orig_quote_order_qty: Decimal | None = None
    quote_qty: Decimal | None = msgspec.field(name="cummulativeQuoteQty", default=None)
    status: str = ""
    time_in_force: str = ""
    type: str = ""
    side: str = ""
    stop_price: Decimal | None = None
    iceberg_qty: Decimal | None = None
    trailing_delta: Delta | None = None
    peg_price_type: str | None = None
    used_sor: bool | None = None
    strategy_id: Whole | None = None
    strategy_type: Whole | None = None
    time: Whole | None = None
    update_time: Whole | None = None
    is_working: bool | None = None
    working_time: Whole | None = None
    expiry_reason: str | None = None
    fills: list[OrderFill] | None = None


class ListMember(Camel, frozen=True, kw_only=True):
    symbol: str
    order_id: Whole
    client_order_id: str = ""


class OrderList(Camel, frozen=True, kw_only=True):
    """An order list; `order_reports` come with placements and cancels alone."""

    order_list_id: Whole
    contingency_type: str = ""
    list_order_status: str = ""
    list_client_order_id: str = ""
    transaction_time: Whole | None = None
    symbol: str = ""
    orders: list[ListMember]
    order_reports: list[Order] | None = None


class Cancelled(Camel, frozen=True, kw_only=True):
    """What a cancel may answer: `order_reports` tell a whole list from one order, whose members are `orders`."""

    orders: list[ListMember] | None = None
    order_reports: list[Order] | None = None


class AmendedOrder(Camel, frozen=True, kw_only=True):
    """An order after an amendment: other names for its quantities than everywhere else."""

    symbol: str
    order_id: Whole
    order_list_id: Whole = -1
    client_order_id: str = ""
    orig_client_order_id: str = ""
    price: Decimal | None = None
    qty: Decimal
    executed_qty: Decimal | None = None
    cumulative_quote_qty: Decimal | None = None
    status: str
    time_in_force: str = ""
    type: str
    side: str


class Amendment(Camel, frozen=True, kw_only=True):
    transact_time: Whole
    amended_order: AmendedOrder


class Half(Wire, frozen=True, kw_only=True):
    """One half of a cancelReplace that failed."""

    code: Whole | None = None
    msg: str | None = None


class CancelReplace(Camel, frozen=True, kw_only=True):
    """`SUCCESS`, `FAILURE` or `NOT_ATTEMPTED` for each half, and what each answered."""

    cancel_result: str
    new_order_result: str
    cancel_response: msgspec.Raw = msgspec.Raw(b"null")
    new_order_response: msgspec.Raw = msgspec.Raw(b"null")


class Trade(Camel, frozen=True, kw_only=True):
    """One of our own trades; its id counts within its symbol."""

    symbol: str
    id: Whole
    order_id: Whole
    price: Decimal
    qty: Decimal
    commission: Decimal | None = None
    commission_asset: str | None = None
    time: Whole
    is_buyer: bool


class ErrorBody(Wire, frozen=True, kw_only=True):
    """`{"code":-1121,"msg":"Invalid symbol."}`; a cancelReplace has its halves in `data`."""

    code: Whole
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


# -- account ------------------------------------------------------------------------------------------------------------


class AssetBalance(Wire, frozen=True, kw_only=True):
    asset: str
    free: Decimal
    locked: Decimal = Decimal(0)


class Rates(Wire, frozen=True, kw_only=True):
    maker: Decimal = Decimal(0)
    taker: Decimal = Decimal(0)
    buyer: Decimal = Decimal(0)
    seller: Decimal = Decimal(0)


class Account(Camel, frozen=True, kw_only=True):
    can_trade: bool = False
    can_withdraw: bool = False
    account_type: str = ""
    balances: list[AssetBalance]
    permissions: list[str] = []
    commission_rates: Rates = Rates()
    uid: Whole | None = None


class Commission(Camel, frozen=True, kw_only=True):
    """The three parts add up."""

    symbol: str
    standard_commission: Rates = Rates()
    special_commission: Rates = Rates()
    tax_commission: Rates = Rates()


class KeyRights(Camel, frozen=True, kw_only=True):
    """GET /sapi/v1/account/apiRestrictions.  A right that is not named is one we know nothing of."""

    ip_restrict: bool | None = None
    enable_reading: bool | None = None
    enable_spot_and_margin_trading: bool | None = None
    enable_withdrawals: bool | None = None
    enable_internal_transfer: bool | None = None
    permits_universal_transfer: bool | None = None


# -- instruments --------------------------------------------------------------------------------------------------------


class Filter(Camel, frozen=True, kw_only=True):
    """One filter of a symbol; `filter_type` says which members it has."""

    filter_type: str
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    tick_size: Decimal | None = None
    min_qty: Decimal | None = None
    max_qty: Decimal | None = None
    step_size: Decimal | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    apply_to_market: bool | None = None
    apply_min_to_market: bool | None = None
    apply_max_to_market: bool | None = None
    multiplier_up: Decimal | None = None
    multiplier_down: Decimal | None = None
    bid_multiplier_up: Decimal | None = None
    bid_multiplier_down: Decimal | None = None
    ask_multiplier_up: Decimal | None = None
    ask_multiplier_down: Decimal | None = None
    limit: Whole | None = None
    max_num_orders: Whole | None = None
    max_num_algo_orders: Whole | None = None
    max_num_iceberg_orders: Whole | None = None
    max_num_order_lists: Whole | None = None
    max_position: Decimal | None = None
    min_trailing_above_delta: Whole | None = None
    max_trailing_above_delta: Whole | None = None
    min_trailing_below_delta: Whole | None = None
    max_trailing_below_delta: Whole | None = None


class SymbolName(Camel, frozen=True, kw_only=True):
    """What every symbol is called."""

    symbol: str
    base_asset: str
    quote_asset: str


class Symbol(Camel, frozen=True, kw_only=True):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    order_types: list[str] = []
    iceberg_allowed: bool = False
    oco_allowed: bool = False
    oto_allowed: bool = False
    quote_order_qty_market_allowed: bool = False
    allow_trailing_stop: bool = False
    cancel_replace_allowed: bool = False
    amend_allowed: bool = False
    is_spot_trading_allowed: bool = False
    filters: list[Filter] = []


class RateRule(Camel, frozen=True, kw_only=True):
    """One rate limit; one that says less than this is of no use, and no reason to refuse the rest."""

    rate_limit_type: str = ""
    interval: str = ""
    interval_num: Whole = 0
    limit: Whole = 0


class ExchangeInfo(Camel, frozen=True, kw_only=True):
    """Its symbols are read one by one, so that one we cannot read does not take the others with it."""

    rate_limits: list[RateRule] = []
    symbols: list[msgspec.Raw]


# -- market data --------------------------------------------------------------------------------------------------------


class ServerTime(Camel, frozen=True, kw_only=True):
    server_time: Whole


class Book(Camel, frozen=True, kw_only=True):
    """Levels are pairs of price and quantity."""

    last_update_id: Whole
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]


class BookTicker(Camel, frozen=True, kw_only=True):
    symbol: str
    bid_price: Decimal
    bid_qty: Decimal
    ask_price: Decimal
    ask_qty: Decimal


class PriceTicker(Wire, frozen=True, kw_only=True):
    symbol: str
    price: Decimal


class AveragePrice(Wire, frozen=True, kw_only=True):
    price: Decimal


class PublicTrade(Camel, frozen=True, kw_only=True):
    id: Whole
    price: Decimal
    qty: Decimal
    time: Whole
    is_buyer_maker: bool


class Kline(Wire, frozen=True, array_like=True):
    """Twelve numbers in a row; what comes behind the volume is not ours."""

    open_time: Whole
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


# -- streams ------------------------------------------------------------------------------------------------------------


class StreamMessage(Wire, frozen=True, kw_only=True):
    """The envelope of a combined stream, the answer to a control frame, or a bare event (`e`)."""

    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    id: Whole | str | None = None
    code: Whole | None = None
    msg: str | None = None
    e: str | None = None


class Depth(Wire, frozen=True, kw_only=True):
    at: Whole = msgspec.field(name="E")
    symbol: str = msgspec.field(name="s")
    first: Whole = msgspec.field(name="U")
    last: Whole = msgspec.field(name="u")
    bids: list[tuple[Decimal, Decimal]] = msgspec.field(name="b")
    asks: list[tuple[Decimal, Decimal]] = msgspec.field(name="a")


class StreamTicker(Wire, frozen=True, kw_only=True):
    """`bookTicker`: it has no time."""

    symbol: str = msgspec.field(name="s")
    bid: Decimal = msgspec.field(name="b")
    bid_size: Decimal = msgspec.field(name="B")
    ask: Decimal = msgspec.field(name="a")
    ask_size: Decimal = msgspec.field(name="A")


class StreamTrade(Wire, frozen=True, kw_only=True):
    symbol: str = msgspec.field(name="s")
    trade_id: Whole = msgspec.field(name="t")
    price: Decimal = msgspec.field(name="p")
    qty: Decimal = msgspec.field(name="q")
    time: Whole = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class StreamAggregate(Wire, frozen=True, kw_only=True):
    """`aggTrade`: fills of one taker order at one price."""

    symbol: str = msgspec.field(name="s")
    aggregate_id: Whole = msgspec.field(name="a")
    price: Decimal = msgspec.field(name="p")
    qty: Decimal = msgspec.field(name="q")
    time: Whole = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class StreamBar(Wire, frozen=True, kw_only=True):
    start: Whole = msgspec.field(name="t")
    symbol: str = msgspec.field(name="s")
    open: Decimal = msgspec.field(name="o")
    high: Decimal = msgspec.field(name="h")
    low: Decimal = msgspec.field(name="l")
    close: Decimal = msgspec.field(name="c")
    volume: Decimal = msgspec.field(name="v")
    closed: bool = msgspec.field(name="x")


class StreamKline(Wire, frozen=True, kw_only=True):
    k: StreamBar


class ApiMessage(Wire, frozen=True, kw_only=True, rename="camel"):
    """Every frame of the WebSocket API: an answer has `status`, an event `event`."""

    id: Whole | str | None = None
    status: Whole | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")
    event: msgspec.Raw = msgspec.Raw(b"null")
    rate_limits: list[RateCount] | None = None


class RateCount(Camel, frozen=True, kw_only=True):
    rate_limit_type: str
    interval: str
    interval_num: Whole
    limit: Whole
    count: Whole = 0


class ApiErrorData(Camel, frozen=True, kw_only=True):
    """`retry_after` is an epoch time in milliseconds here, unlike the header of the same name."""

    retry_after: Whole | None = None


class EventHead(Wire, frozen=True, kw_only=True):
    e: str


class ExecutionEvent(Wire, frozen=True, kw_only=True):
    """`executionReport`.  When `x` is CANCELED, `C` is the order's id and `c` that of the cancel."""

    symbol: str = msgspec.field(name="s")
    client_id: str = msgspec.field(name="c")
    side: str = msgspec.field(name="S")
    order_type: str = msgspec.field(name="o")
    tif: str = msgspec.field(name="f", default="")
    qty: Decimal = msgspec.field(name="q")
    price: Decimal | None = msgspec.field(name="p", default=None)
    stop_price: Decimal | None = msgspec.field(name="P", default=None)
    list_id: Whole = msgspec.field(name="g", default=-1)
    orig_client_id: str = msgspec.field(name="C", default="")
    exec_type: str = msgspec.field(name="x")
    status: str = msgspec.field(name="X")
    reject_reason: str = msgspec.field(name="r", default="NONE")
    order_id: Whole = msgspec.field(name="i")
    last_qty: Decimal | None = msgspec.field(name="l", default=None)
    cum_qty: Decimal | None = msgspec.field(name="z", default=None)
    last_price: Decimal | None = msgspec.field(name="L", default=None)
    commission: Decimal | None = msgspec.field(name="n", default=None)
    commission_asset: str | None = msgspec.field(name="N", default=None)
    time: Whole = msgspec.field(name="T")
    trade_id: Whole = msgspec.field(name="t", default=-1)
    is_working: bool | None = msgspec.field(name="w", default=None)
    quote_qty: Decimal | None = msgspec.field(name="Z", default=None)
    quote_order_qty: Decimal | None = msgspec.field(name="Q", default=None)
    trailing_delta: Delta | None = msgspec.field(name="d", default=None)
    strategy_id: Whole | None = msgspec.field(name="j", default=None)
    strategy_type: Whole | None = msgspec.field(name="J", default=None)
    expiry_reason: str | None = msgspec.field(name="eR", default=None)


class EventMember(Wire, frozen=True, kw_only=True):
    symbol: str = msgspec.field(name="s")
    order_id: Whole = msgspec.field(name="i")
    client_id: str = msgspec.field(name="c", default="")


class ListEvent(Wire, frozen=True, kw_only=True):
    """`listStatus`."""

    symbol: str = msgspec.field(name="s")
    list_id: Whole = msgspec.field(name="g")
    orders: list[EventMember] = msgspec.field(name="O")


# -- reading ------------------------------------------------------------------------------------------------------------

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError)


def decode(data: bytes | msgspec.Raw, kind: type[T], *, what: str) -> T:
    """`data` as `kind`; raises `ApiError` (UNKNOWN), which names `what` and quotes nothing of the reply."""
    try:
        return _reader(kind)(data)
    except UNREADABLE as error:
        raise ApiError(f"{what} is not readable ({type(error).__name__})", broker="BINANCE") from error


@cache
def _reader(kind: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    """Made once for each kind of message: making it costs more than a reading."""
    return msgspec.json.Decoder(kind).decode
