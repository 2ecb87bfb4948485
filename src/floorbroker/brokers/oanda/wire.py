"""Messages as OANDA v20 spells them.

Only members we use are declared, and all that a reply may lack has a default: the specification is older than the service, so
what is new is passed over.  Words (state, type, reason) stay text here; `mapping` knows them.  Every decimal is text on this
wire; times stay text too, since they come with nine fraction digits or as UNIX seconds.
Document: github.com/oanda/v20-openapi, definitions of these names.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import TypeVar

import msgspec

from floorbroker.domain.errors import ApiError

T = TypeVar("T")
_IDS = {
    "account_id": "accountID",
    "batch_id": "batchID",
    "cancelling_transaction_id": "cancellingTransactionID",
    "client_order_id": "clientOrderID",
    "client_trade_id": "clientTradeID",
    "filling_transaction_id": "fillingTransactionID",
    "intended_replaces_order_id": "intendedReplacesOrderID",
    "last_transaction_id": "lastTransactionID",
    "mt4_account_id": "mt4AccountID",
    "nav": "NAV",
    "order_fill_transaction_id": "orderFillTransactionID",
    "order_id": "orderID",
    "realized_pl": "realizedPL",
    "replaced_by_order_id": "replacedByOrderID",
    "replaces_order_id": "replacesOrderID",
    "request_id": "requestID",
    "trade_id": "tradeID",
    "unrealized_pl": "unrealizedPL",
}


def _spelled(name: str) -> str:
    """camelCase, but for the words that this venue writes in capitals."""
    head, *rest = name.split("_")
    return _IDS.get(name) or head + "".join(word.capitalize() for word in rest)


class Wire(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename=_spelled):
    """What every message here is.  Read from bytes and frozen, it cannot be part of a cycle: the collector need not look."""


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=_spelled):
    """What every request body here is: members at their default are not sent.  Numbers are sent as text."""


class ClientExtensions(Body, frozen=True, kw_only=True):
    """Sent and received: our id of an order, and what others wrote beside it."""

    id: str | None = None
    tag: str | None = None
    comment: str | None = None


class OnFill(Body, frozen=True, kw_only=True):
    """An exit of the trade that an order opens, sent and received: its price, or its distance from the fill."""

    price: str | None = None
    distance: str | None = None
    time_in_force: str | None = None
    gtd_time: str | None = None
    client_extensions: ClientExtensions | None = None


# -- sent ---------------------------------------------------------------------------------------------------------------


class OrderRequest(Body, frozen=True, kw_only=True):
    """The order of POST and PUT.  Units are signed: above zero buys."""

    type: str
    instrument: str | None = None
    units: str | None = None
    trade_id: str | None = None
    price: str | None = None
    distance: str | None = None
    price_bound: str | None = None
    time_in_force: str | None = None
    gtd_time: str | None = None
    position_fill: str | None = None
    trigger_condition: str | None = None
    client_extensions: ClientExtensions | None = None
    trade_client_extensions: ClientExtensions | None = None
    take_profit_on_fill: OnFill | None = None
    stop_loss_on_fill: OnFill | None = None
    guaranteed_stop_loss_on_fill: OnFill | None = None
    trailing_stop_loss_on_fill: OnFill | None = None


class OrderBody(Body, frozen=True, kw_only=True):
    order: OrderRequest


class CloseTrade(Body, frozen=True, kw_only=True):
    """PUT /trades/{t}/close."""

    units: str


class ClosePosition(Body, frozen=True, kw_only=True):
    """PUT /positions/{instrument}/close.  Units are never negative here."""

    long_units: str | None = None
    long_client_extensions: ClientExtensions | None = None
    short_units: str | None = None
    short_client_extensions: ClientExtensions | None = None


# -- orders and transactions --------------------------------------------------------------------------------------------


class Order(Wire, frozen=True, kw_only=True):
    """An order as it stands.  Those of a trade have `trade_id` and neither instrument nor units."""

    id: str
    type: str
    state: str
    create_time: str | None = None
    instrument: str | None = None
    units: Decimal | None = None
    trade_id: str | None = None
    price: Decimal | None = None
    distance: Decimal | None = None
    price_bound: Decimal | None = None
    time_in_force: str | None = None
    gtd_time: str | None = None
    position_fill: str | None = None
    trigger_condition: str | None = None
    client_extensions: ClientExtensions | None = None
    trade_client_extensions: ClientExtensions | None = None
    take_profit_on_fill: OnFill | None = None
    stop_loss_on_fill: OnFill | None = None
    guaranteed_stop_loss_on_fill: OnFill | None = None
    trailing_stop_loss_on_fill: OnFill | None = None
    filling_transaction_id: str | None = None
    cancelling_transaction_id: str | None = None
    replaces_order_id: str | None = None
    replaced_by_order_id: str | None = None


class TradeOpened(Wire, frozen=True, kw_only=True):
    trade_id: str
    units: Decimal


class TradeReduced(Wire, frozen=True, kw_only=True):
    """A trade that a fill closed, wholly or in part."""

    trade_id: str
    units: Decimal


class TradeClose(Wire, frozen=True, kw_only=True):
    """Which trade a market order closes."""

    trade_id: str = ""


class Transaction(Wire, frozen=True, kw_only=True):
    """One entry of the log of an account, of any type; which members it has depends on that."""

    id: str
    type: str = ""
    time: str | None = None
    account_id: str | None = None
    batch_id: str | None = None
    request_id: str | None = None
    reason: str | None = None
    reject_reason: str | None = None
    instrument: str | None = None
    units: Decimal | None = None
    price: Decimal | None = None
    distance: Decimal | None = None
    time_in_force: str | None = None
    trade_id: str | None = None
    order_id: str | None = None
    client_order_id: str | None = None
    replaces_order_id: str | None = None
    replaced_by_order_id: str | None = None
    intended_replaces_order_id: str | None = None
    client_extensions: ClientExtensions | None = None
    take_profit_on_fill: OnFill | None = None
    stop_loss_on_fill: OnFill | None = None
    guaranteed_stop_loss_on_fill: OnFill | None = None
    order_fill_transaction_id: str | None = None
    trade_close: TradeClose | None = None
    pl: Decimal | None = None
    commission: Decimal | None = None
    guaranteed_execution_fee: Decimal | None = None
    account_balance: Decimal | None = None
    trade_opened: TradeOpened | None = None
    trades_closed: list[TradeReduced] | None = None
    trade_reduced: TradeReduced | None = None


class Heartbeat(Wire, frozen=True, kw_only=True):
    """A line of the stream of transactions that is none: the number of the last one."""

    type: str
    last_transaction_id: str


class CommandReply(Wire, frozen=True, kw_only=True):
    """What any command is answered with, yes or no; a closed position's transactions are told by its side."""

    order_create_transaction: Transaction | None = None
    order_fill_transaction: Transaction | None = None
    order_cancel_transaction: Transaction | None = None
    order_reissue_transaction: Transaction | None = None
    replacing_order_cancel_transaction: Transaction | None = None
    long_order_create_transaction: Transaction | None = None
    long_order_fill_transaction: Transaction | None = None
    long_order_cancel_transaction: Transaction | None = None
    short_order_create_transaction: Transaction | None = None
    short_order_fill_transaction: Transaction | None = None
    short_order_cancel_transaction: Transaction | None = None
    order_reject_transaction: Transaction | None = None
    order_cancel_reject_transaction: Transaction | None = None
    long_order_reject_transaction: Transaction | None = None
    short_order_reject_transaction: Transaction | None = None
    error_code: str | None = None
    error_message: str | None = None


class OrderReply(Wire, frozen=True, kw_only=True):
    order: Order
    last_transaction_id: str | None = None


class TransactionReply(Wire, frozen=True, kw_only=True):
    transaction: Transaction
    last_transaction_id: str


class TransactionsReply(Wire, frozen=True, kw_only=True):
    transactions: list[Transaction]
    last_transaction_id: str


class PagesReply(Wire, frozen=True, kw_only=True):
    """GET /transactions: no transactions, but where they are."""

    to: str | None = None
    count: int
    pages: list[str]
    last_transaction_id: str


# -- the account --------------------------------------------------------------------------------------------------------


class AccountName(Wire, frozen=True, kw_only=True):
    id: str
    mt4_account_id: int | str | None = None


class AccountsReply(Wire, frozen=True, kw_only=True):
    accounts: list[AccountName]


class Trade(Wire, frozen=True, kw_only=True):
    """An open trade; `current_units` is signed."""

    id: str
    instrument: str
    current_units: Decimal
    price: Decimal | None = None
    unrealized_pl: Decimal | None = None


class Account(Wire, frozen=True, kw_only=True):
    """The account; `orders` and `trades` where it was asked for with them."""

    id: str
    currency: str
    balance: Decimal
    nav: Decimal
    margin_available: Decimal
    margin_used: Decimal | None = None
    margin_rate: Decimal | None = None
    hedging_enabled: bool = False
    last_transaction_id: str
    orders: list[Order] = []
    trades: list[Trade] = []


class AccountReply(Wire, frozen=True, kw_only=True):
    account: Account


class PositionSide(Wire, frozen=True, kw_only=True):
    units: Decimal
    average_price: Decimal | None = None


class Position(Wire, frozen=True, kw_only=True):
    instrument: str
    long: PositionSide
    short: PositionSide
    unrealized_pl: Decimal | None = None


class PositionsReply(Wire, frozen=True, kw_only=True):
    positions: list[Position]


class Instrument(Wire, frozen=True, kw_only=True):
    name: str
    type: str
    display_name: str = ""
    pip_location: int
    display_precision: int
    trade_units_precision: int
    minimum_trade_size: Decimal
    minimum_trailing_stop_distance: Decimal | None = None
    maximum_trailing_stop_distance: Decimal | None = None
    maximum_order_units: Decimal | None = None
    margin_rate: Decimal | None = None


class InstrumentsReply(Wire, frozen=True, kw_only=True):
    instruments: list[Instrument]


# -- prices -------------------------------------------------------------------------------------------------------------


class PriceBucket(Wire, frozen=True, kw_only=True):
    """So many units at a price; liquidity is the one number that is no text here, and is read either way."""

    price: Decimal
    liquidity: Decimal | None = None


class Factors(Wire, frozen=True, kw_only=True):
    """What one unit of the quote currency is in that of the account: for gains, and for losses."""

    positive_units: Decimal
    negative_units: Decimal


class ClientPrice(Wire, frozen=True, kw_only=True):
    """Asked for, or a line of the stream; a heartbeat has no instrument."""

    type: str = "PRICE"
    instrument: str | None = None
    time: str | None = None
    tradeable: bool | None = None
    bids: list[PriceBucket] = []
    asks: list[PriceBucket] = []
    quote_home_conversion_factors: Factors | None = None


class PricesReply(Wire, frozen=True, kw_only=True):
    prices: list[ClientPrice]
    time: str | None = None


class Candle(Wire, frozen=True, kw_only=True):
    """Open, high, low, close."""

    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the venue's own word
    c: Decimal


class Candlestick(Wire, frozen=True, kw_only=True):
    time: str
    volume: int
    complete: bool = True
    mid: Candle | None = None


class CandlesReply(Wire, frozen=True, kw_only=True):
    candles: list[Candlestick]


# -- reading ------------------------------------------------------------------------------------------------------------

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError)


def decode(data: bytes | msgspec.Raw, kind: type[T], *, what: str) -> T:
    """`data` as `kind`; raises `ApiError` (UNKNOWN) that names `what` and quotes nothing of the reply."""
    try:
        return _reader(kind)(data)
    except UNREADABLE as error:
        raise ApiError(f"{what} is not readable ({type(error).__name__})", broker="OANDA") from error


@cache
def _reader(kind: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    """Made once for each kind of message: making it costs more than a reading."""
    return msgspec.json.Decoder(kind).decode
