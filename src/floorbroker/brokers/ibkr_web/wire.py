"""Messages as the Client Portal Web API spells them.

Only members we use are declared, and all that a reply may lack has a default: a reply is refused when what we need is missing,
never because of what we ignore.  The venue writes the same number as a JSON number here and as text there, sometimes empty or
with commas, and ids as both: such members stay `Raw` (numbers, `mapping.values.number`) or `int | str` (ids).
Document: IB REST API 2.20.0 (OpenAPI), the schemas named; the pages of interactivebrokers.com/campus/ibkr-api-page/cpapi-v1
where they say more.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import TypeVar

import msgspec

from floorbroker.domain.errors import ApiError

T = TypeVar("T")
NONE = msgspec.Raw(b"null")
Id = int | str


class Wire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every message here is."""


# -- sent ---------------------------------------------------------------------------------------------------------------


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every request body here is: members at their default are not sent."""


class Ticket(Body, frozen=True, kw_only=True):
    """`singleOrderSubmissionRequest`.  Prices and quantities are JSON numbers, written exactly (`encode`)."""

    acctId: str
    orderType: str
    side: str
    tif: str
    quantity: Decimal
    conid: int
    cOID: str | None = None
    parentId: str | None = None
    price: Decimal | None = None
    auxPrice: Decimal | None = None
    trailingAmt: Decimal | None = None
    trailingType: str | None = None
    outsideRTH: bool = False


class Tickets(Body, frozen=True, kw_only=True):
    """POST .../orders, in the form of the documentation page and of the common client."""

    orders: tuple[Ticket, ...]


_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode(body: object) -> bytes:
    """A body as JSON, decimals as exact numbers."""
    return _ENCODER.encode(body)


# -- the session --------------------------------------------------------------------------------------------------------


class AuthStatus(Wire, frozen=True, kw_only=True):
    """`brokerageSessionStatus`, answered by auth/status and ssodh/init, and inside a tickle."""

    authenticated: bool | None = None
    competing: bool | None = None
    connected: bool | None = None
    message: str | None = None
    fail: str | None = None


class TickleServer(Wire, frozen=True, kw_only=True):
    authStatus: AuthStatus | None = None
    error: str | None = None


class Tickle(Wire, frozen=True, kw_only=True):
    """POST /tickle.  `session` is a secret: it opens the WebSocket."""

    session: str | None = None
    iserver: TickleServer | None = None
    error: str | None = None


class AccountProps(Wire, frozen=True, kw_only=True):
    supportsFractions: bool | None = None


class Accounts(Wire, frozen=True, kw_only=True):
    """GET /iserver/accounts."""

    accounts: list[str] | None = None
    acctProps: dict[str, AccountProps | None] | None = None
    selectedAccount: str | None = None
    isPaper: bool | None = None
    error: str | None = None


class AccountSet(Wire, frozen=True, kw_only=True):
    """POST /iserver/account."""

    set: bool | None = None
    acctId: str | None = None
    success: str | None = None
    error: str | None = None


# -- orders -------------------------------------------------------------------------------------------------------------


class Placed(Wire, frozen=True, kw_only=True):
    """One element of what POST .../orders, .../order/{id} and /iserver/reply/{id} answer, whichever of four shapes it has."""

    order_id: Id | None = None
    order_status: str | None = None
    local_order_id: str | None = None
    id: str | None = None
    message: list[str] | str | None = None
    messageIds: list[str] | None = None
    error: str | None = None
    prompt: bool | None = None
    messageId: str | None = None
    text: str | None = None


class Cancelled(Wire, frozen=True, kw_only=True):
    """`orderCancelSuccess`, or an error."""

    msg: str | None = None
    order_id: Id | None = None
    error: str | None = None


class OrderRow(Wire, frozen=True, kw_only=True):
    """One live order, of /iserver/account/orders and of the topic `sor`, whose later rows hold changed members alone."""

    orderId: Id | None = None
    acct: str | None = None
    account: str | None = None
    conid: Id | None = None
    conidex: str | None = None
    ticker: str | None = None
    secType: str | None = None
    status: str | None = None
    side: str | None = None
    orderType: str | None = None
    origOrderType: str | None = None
    timeInForce: str | None = None
    totalSize: msgspec.Raw = NONE
    filledQuantity: msgspec.Raw = NONE
    remainingQuantity: msgspec.Raw = NONE
    avgPrice: msgspec.Raw = NONE
    price: msgspec.Raw = NONE
    auxPrice: msgspec.Raw = NONE
    stop_price: msgspec.Raw = NONE
    order_ref: str | None = None
    parentId: Id | None = None
    lastExecutionTime_r: int | None = None
    orderDesc: str | None = None


class LiveOrders(Wire, frozen=True, kw_only=True):
    """`liveOrdersResponse`; `snapshot` false while the feed is warming up."""

    orders: list[OrderRow] | None = None
    snapshot: bool | None = None
    error: str | None = None


class OrderStatus(Wire, frozen=True, kw_only=True):
    """GET /iserver/account/order/status/{id}.  `size` is what remains; sides are B and S, or BUY and SELL."""

    order_id: Id | None = None
    account: str | None = None
    conid: Id | None = None
    conidex: str | None = None
    child_order_type: str | None = None
    symbol: str | None = None
    sec_type: str | None = None
    side: str | None = None
    order_type: str | None = None
    tif: str | None = None
    order_status: str | None = None
    order_status_description: str | None = None
    total_size: msgspec.Raw = NONE
    cum_fill: msgspec.Raw = NONE
    average_price: msgspec.Raw = NONE
    limit_price: msgspec.Raw = NONE
    stop_price: msgspec.Raw = NONE
    order_ref: str | None = None
    error: str | None = None


class TradeRow(Wire, frozen=True, kw_only=True):
    """One execution, of /iserver/account/trades and of the topic `str`."""

    execution_id: str
    side: str
    size: msgspec.Raw = NONE
    price: msgspec.Raw = NONE
    commission: msgspec.Raw = NONE
    symbol: str | None = None
    order_id: Id | None = None
    order_ref: str | None = None
    trade_time_r: int | None = None
    account: str | None = None
    accountCode: str | None = None
    conid: Id | None = None
    sec_type: str | None = None


class Figures(Wire, frozen=True, kw_only=True):
    """One block of a preview: formatted text."""

    current: str | None = None
    change: str | None = None
    after: str | None = None
    amount: str | None = None
    commission: str | None = None
    total: str | None = None


class Preview(Wire, frozen=True, kw_only=True):
    """`orderPreview`."""

    amount: Figures | None = None
    equity: Figures | None = None
    initial: Figures | None = None
    maintenance: Figures | None = None
    warn: str | None = None
    error: str | None = None


# -- portfolio ----------------------------------------------------------------------------------------------------------


class Position(Wire, frozen=True, kw_only=True):
    acctId: str | None = None
    conid: Id
    contractDesc: str | None = None
    position: msgspec.Raw = NONE
    mktPrice: msgspec.Raw = NONE
    mktValue: msgspec.Raw = NONE
    avgPrice: msgspec.Raw = NONE
    unrealizedPnl: msgspec.Raw = NONE
    assetClass: str | None = None
    ticker: str | None = None


class SummaryItem(Wire, frozen=True, kw_only=True):
    amount: msgspec.Raw = NONE
    currency: str | None = None
    value: str | None = None
    isNull: bool | None = None


class LedgerLine(Wire, frozen=True, kw_only=True):
    cashbalance: msgspec.Raw = NONE
    settledcash: msgspec.Raw = NONE
    netliquidationvalue: msgspec.Raw = NONE
    currency: str | None = None


# -- contracts ----------------------------------------------------------------------------------------------------------


class StockContract(Wire, frozen=True, kw_only=True):
    conid: Id
    exchange: str | None = None
    isUS: bool | None = None


class Stock(Wire, frozen=True, kw_only=True):
    """One company of /trsrv/stocks, which is keyed by symbol."""

    name: str | None = None
    assetClass: str | None = None
    contracts: list[StockContract] | None = None


class Section(Wire, frozen=True, kw_only=True):
    secType: str | None = None
    months: str | None = None
    exchange: str | None = None


class Found(Wire, frozen=True, kw_only=True):
    """One row of /iserver/secdef/search."""

    conid: Id
    symbol: str | None = None
    companyHeader: str | None = None
    description: str | None = None
    opt: str | None = None  # days of expiry, YYYYMMDD with semicolons between
    sections: list[Section] | None = None


class Strikes(Wire, frozen=True, kw_only=True):
    call: list[Decimal] | None = None
    put: list[Decimal] | None = None


class OptionInfo(Wire, frozen=True, kw_only=True):
    """One row of /iserver/secdef/info."""

    conid: Id
    symbol: str | None = None
    secType: str | None = None
    right: str | None = None
    strike: msgspec.Raw = NONE
    maturityDate: str | None = None
    tradingClass: str | None = None
    multiplier: msgspec.Raw = NONE
    currency: str | None = None


class IncrementRule(Wire, frozen=True, kw_only=True):
    lowerEdge: Decimal
    increment: Decimal


class Definition(Wire, frozen=True, kw_only=True):
    """One contract of /trsrv/secdef."""

    conid: Id
    currency: str | None = None
    name: str | None = None
    ticker: str | None = None
    isUS: bool | None = None
    assetClass: str | None = None
    expiry: str | None = None
    putOrCall: str | None = None
    strike: msgspec.Raw = NONE
    multiplier: msgspec.Raw = NONE
    incrementRules: list[IncrementRule] | None = None


class ContractInfo(Wire, frozen=True, kw_only=True):
    """GET /iserver/contract/{conid}/info, for the class of an option."""

    con_id: Id | None = None
    trading_class: str | None = None


class Definitions(Wire, frozen=True, kw_only=True):
    secdef: list[Definition] | None = None


class Rules(Wire, frozen=True, kw_only=True):
    """POST /iserver/contract/rules."""

    canTradeAcctIds: list[str] | None = None
    fraqTypes: list[str] | None = None
    fraqInt: int | None = None
    incrementRules: list[IncrementRule] | None = None
    increment: Decimal | None = None
    error: str | None = None


# -- market data --------------------------------------------------------------------------------------------------------


class BarRow(Wire, frozen=True, kw_only=True):
    t: int
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the venue's name
    c: Decimal
    v: Decimal = Decimal(0)


class History(Wire, frozen=True, kw_only=True):
    data: list[BarRow] | None = None
    priceFactor: int | None = None
    error: str | None = None


class ErrorBody(Wire, frozen=True, kw_only=True):
    error: str | None = None
    statusCode: int | None = None


# -- the stream ---------------------------------------------------------------------------------------------------------


class Message(Wire, frozen=True, kw_only=True):
    """The envelope of a WebSocket frame; `args` is read once the topic is known."""

    topic: str | None = None
    args: msgspec.Raw = NONE
    hb: int | None = None
    success: str | None = None
    error: msgspec.Raw = NONE
    message: msgspec.Raw = NONE


# -- reading ------------------------------------------------------------------------------------------------------------

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError)


def decode(data: bytes | msgspec.Raw, kind: type[T], *, what: str) -> T:
    """`data` as `kind`; raises `ApiError` (UNKNOWN), which names `what` and quotes nothing of the reply."""
    try:
        return _reader(kind)(data)
    except UNREADABLE as error:
        raise ApiError(f"{what} is not readable ({type(error).__name__})", broker="IBKR_WEB") from error


def one_or_many(data: bytes | msgspec.Raw, kind: type[T], *, what: str) -> list[T]:
    """An array of `kind`, or one of them alone: the venue writes both."""
    raw = bytes(data).lstrip()
    if raw[:1] == b"[":
        return decode(raw, list[kind], what=what)
    return [decode(raw, kind, what=what)]


@cache
def _reader(kind: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    """Made once for each kind of message: making it costs more than a reading."""
    return msgspec.json.Decoder(kind).decode
