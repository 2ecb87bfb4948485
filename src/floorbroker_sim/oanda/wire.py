"""Messages exactly as the venue spells them.  Prices and units in quote units and units; amounts in the home currency.

Times stay times and numbers stay numbers here; `mapping.render` writes them the way a request asked for.
https://developer.oanda.com/rest-live-v20/transaction-df/ order-df/ trade-df/ position-df/ pricing-df/ account-df/
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

_WORDS = {"id": "ID", "ids": "IDs", "pl": "PL", "vwap": "VWAP", "nav": "NAV"}
_WHOLE = {"nav": "NAV"}


def spelled(name: str) -> str:
    """`last_transaction_id` as `lastTransactionID`: camel case with some words in capitals."""
    first, *rest = name.rstrip("_").split("_")
    return _WHOLE.get(first, first) + "".join(_WORDS.get(word, word.capitalize()) for word in rest)


class Wire(msgspec.Struct, omit_defaults=True, kw_only=True, rename=spelled):
    """Members that are None are left out."""


class ClientExtensions(Wire, kw_only=True):
    """The client's own words about an order or a trade."""

    id: str | None = None
    tag: str | None = None
    comment: str | None = None


class Details(Wire, kw_only=True):
    """An order to be made for a trade when it opens: at a price, or at a distance from the fill."""

    price: Decimal | None = None
    distance: Decimal | None = None
    time_in_force: str | None = None
    gtd_time: datetime | None = None
    trigger_condition: str | None = None
    guaranteed: bool | None = None
    client_extensions: ClientExtensions | None = None


class TradeClose(Wire, kw_only=True):
    trade_id: str
    client_trade_id: str | None = None
    units: str


class PositionCloseout(Wire, kw_only=True):
    instrument: str
    units: str


class MarginCloseout(Wire, kw_only=True):
    reason: str


class Wish(Wire, kw_only=True):
    """The terms of an order: what a request may say, and what closings add."""

    type: str
    instrument: str | None = None
    units: Decimal | None = None
    price: Decimal | None = None
    distance: Decimal | None = None
    price_bound: Decimal | None = None
    time_in_force: str | None = None
    gtd_time: datetime | None = None
    position_fill: str | None = None
    trigger_condition: str | None = None
    guaranteed: bool | None = None
    trade_id: str | None = None
    client_trade_id: str | None = None
    client_extensions: ClientExtensions | None = None
    trade_client_extensions: ClientExtensions | None = None
    take_profit_on_fill: Details | None = None
    stop_loss_on_fill: Details | None = None
    guaranteed_stop_loss_on_fill: Details | None = None
    trailing_stop_loss_on_fill: Details | None = None
    trade_close: TradeClose | None = None
    long_position_closeout: PositionCloseout | None = None
    short_position_closeout: PositionCloseout | None = None
    margin_closeout: MarginCloseout | None = None


class Order(Wish, kw_only=True):
    """An order as it is shown."""

    id: str
    create_time: datetime
    state: str
    initial_market_price: Decimal | None = None
    trailing_stop_value: Decimal | None = None
    guaranteed_execution_premium: Decimal | None = None
    filling_transaction_id: str | None = None
    filled_time: datetime | None = None
    trade_opened_id: str | None = None
    trade_reduced_id: str | None = None
    trade_closed_ids: list[str] | None = None
    cancelling_transaction_id: str | None = None
    cancelled_time: datetime | None = None
    replaces_order_id: str | None = None
    replaced_by_order_id: str | None = None


class OrderTransaction(Wish, kw_only=True):
    """The creation of an order, or its rejection."""

    id: str
    time: datetime
    user_id: int
    account_id: str
    batch_id: str
    request_id: str | None = None
    reason: str | None = None
    guaranteed_execution_premium: Decimal | None = None
    order_fill_transaction_id: str | None = None
    replaces_order_id: str | None = None
    cancelling_transaction_id: str | None = None
    intended_replaces_order_id: str | None = None
    reject_reason: str | None = None


class Transaction(Wire, kw_only=True):
    """What every other transaction has."""

    id: str
    time: datetime
    user_id: int
    account_id: str
    batch_id: str
    request_id: str | None = None
    type: str


class Create(Transaction, kw_only=True):
    division_id: int
    site_id: int
    account_user_id: int
    account_number: int
    home_currency: str


class Transfer(Transaction, kw_only=True):
    amount: Decimal
    funding_reason: str
    comment: str | None = None
    account_balance: Decimal | None = None
    reject_reason: str | None = None


class Configure(Transaction, kw_only=True):
    alias: str | None = None
    margin_rate: Decimal | None = None
    reject_reason: str | None = None


class Cancel(Transaction, kw_only=True):
    """An order's end, or the refusal of a wish for it."""

    order_id: str
    client_order_id: str | None = None
    reason: str | None = None
    replaced_by_order_id: str | None = None
    reject_reason: str | None = None


class Extensions(Transaction, kw_only=True):
    """Other words about an order or a trade, or the refusal of them."""

    order_id: str | None = None
    client_order_id: str | None = None
    trade_id: str | None = None
    client_trade_id: str | None = None
    client_extensions_modify: ClientExtensions | None = None
    trade_client_extensions_modify: ClientExtensions | None = None
    reject_reason: str | None = None


class TradeFinancing(Wire, kw_only=True):
    trade_id: str
    financing: Decimal


class PositionFinancing(Wire, kw_only=True):
    instrument: str
    financing: Decimal
    open_trade_financings: list[TradeFinancing]


class Financing(Transaction, kw_only=True):
    financing: Decimal
    account_balance: Decimal
    account_financing_mode: str
    position_financings: list[PositionFinancing]


class Bucket(Wire, kw_only=True):
    price: Decimal
    liquidity: int


class FullPrice(Wire, kw_only=True):
    """The price as a fill tells it."""

    type: str
    bids: list[Bucket]
    asks: list[Bucket]
    closeout_bid: Decimal
    closeout_ask: Decimal
    timestamp: datetime


class TradeOpen(Wire, kw_only=True):
    trade_id: str
    units: Decimal
    price: Decimal
    half_spread_cost: Decimal
    initial_margin_required: Decimal
    guaranteed_execution_fee: Decimal
    client_extensions: ClientExtensions | None = None


class TradeReduce(Wire, kw_only=True):
    trade_id: str
    units: Decimal
    price: Decimal
    realized_pl: Decimal
    financing: Decimal
    half_spread_cost: Decimal
    guaranteed_execution_fee: Decimal


class Fill(Transaction, kw_only=True):
    """An execution.  `units` are signed; one fill closes, reduces and opens."""

    order_id: str
    client_order_id: str | None = None
    instrument: str
    units: Decimal
    price: Decimal
    full_vwap: Decimal
    full_price: FullPrice
    gain_quote_home_conversion_factor: Decimal
    loss_quote_home_conversion_factor: Decimal
    reason: str
    pl: Decimal
    financing: Decimal
    commission: Decimal
    guaranteed_execution_fee: Decimal
    half_spread_cost: Decimal
    account_balance: Decimal
    trade_opened: TradeOpen | None = None
    trades_closed: list[TradeReduce] | None = None
    trade_reduced: TradeReduce | None = None


class Trade(Wire, kw_only=True):
    """A trade; whole orders, or in lists of an account their ids."""

    id: str
    instrument: str
    price: Decimal
    open_time: datetime
    state: str
    initial_units: Decimal
    initial_margin_required: Decimal
    current_units: Decimal
    realized_pl: Decimal
    unrealized_pl: Decimal
    margin_used: Decimal
    average_close_price: Decimal | None = None
    closing_transaction_ids: list[str] | None = None
    financing: Decimal
    close_time: datetime | None = None
    client_extensions: ClientExtensions | None = None
    take_profit_order: Order | None = None
    stop_loss_order: Order | None = None
    guaranteed_stop_loss_order: Order | None = None
    trailing_stop_loss_order: Order | None = None
    take_profit_order_id: str | None = None
    stop_loss_order_id: str | None = None
    guaranteed_stop_loss_order_id: str | None = None
    trailing_stop_loss_order_id: str | None = None


class PositionSide(Wire, kw_only=True):
    units: Decimal
    average_price: Decimal | None = None
    trade_ids: list[str] | None = None
    pl: Decimal
    unrealized_pl: Decimal
    resettable_pl: Decimal
    financing: Decimal
    guaranteed_execution_fees: Decimal


class Position(Wire, kw_only=True):
    instrument: str
    pl: Decimal
    unrealized_pl: Decimal
    margin_used: Decimal
    resettable_pl: Decimal
    financing: Decimal
    commission: Decimal
    guaranteed_execution_fees: Decimal
    long: PositionSide
    short: PositionSide


class Factors(Wire, kw_only=True):
    positive_units: Decimal
    negative_units: Decimal


class UnitsSides(Wire, kw_only=True):
    long: Decimal
    short: Decimal


class UnitsAvailable(Wire, kw_only=True):
    default: UnitsSides
    open_only: UnitsSides
    reduce_first: UnitsSides
    reduce_only: UnitsSides


class ClientPrice(Wire, kw_only=True):
    """A price, polled or streamed; bids and asks begin with the best."""

    type: str
    instrument: str
    time: datetime
    status: str
    tradeable: bool
    bids: list[Bucket]
    asks: list[Bucket]
    closeout_bid: Decimal
    closeout_ask: Decimal
    quote_home_conversion_factors: Factors | None = None
    units_available: UnitsAvailable | None = None


class HomeConversion(Wire, kw_only=True):
    currency: str
    account_gain: Decimal
    account_loss: Decimal
    position_value: Decimal


class State(Wire, kw_only=True):
    """What of an account depends on prices."""

    unrealized_pl: Decimal
    nav: Decimal
    margin_used: Decimal
    margin_available: Decimal
    position_value: Decimal
    margin_closeout_unrealized_pl: Decimal
    margin_closeout_nav: Decimal
    margin_closeout_margin_used: Decimal
    margin_closeout_percent: Decimal
    margin_closeout_position_value: Decimal
    withdrawal_limit: Decimal
    margin_call_margin_used: Decimal
    margin_call_percent: Decimal


class Summary(State, kw_only=True):
    """An account; `trades`, `positions` and `orders` in the whole form alone."""

    id: str
    alias: str | None = None
    currency: str
    balance: Decimal
    created_by_user_id: int
    created_time: datetime
    guaranteed_stop_loss_order_mode: str
    pl: Decimal
    resettable_pl: Decimal
    resettable_pl_time: datetime
    financing: Decimal
    commission: Decimal
    guaranteed_execution_fees: Decimal
    margin_rate: Decimal
    margin_call_enter_time: datetime | None = None
    margin_call_extension_count: int | None = None
    open_trade_count: int
    open_position_count: int
    pending_order_count: int
    hedging_enabled: bool
    last_order_fill_timestamp: datetime | None = None
    last_transaction_id: str
    trades: list[Trade] | None = None
    positions: list[Position] | None = None
    orders: list[Order] | None = None


class TradeNow(Wire, kw_only=True):
    id: str
    unrealized_pl: Decimal
    margin_used: Decimal


class PositionNow(Wire, kw_only=True):
    instrument: str
    net_unrealized_pl: Decimal
    long_unrealized_pl: Decimal
    short_unrealized_pl: Decimal
    margin_used: Decimal


class OrderNow(Wire, kw_only=True):
    id: str
    trailing_stop_value: Decimal
    trigger_distance: Decimal
    is_trigger_distance_exact: bool


class ChangedState(State, kw_only=True):
    orders: list[OrderNow]
    trades: list[TradeNow]
    positions: list[PositionNow]


class Instrument(Wire, kw_only=True):
    name: str
    type: str
    display_name: str
    pip_location: int
    display_precision: int
    trade_units_precision: int
    minimum_trade_size: str
    maximum_trailing_stop_distance: str
    minimum_trailing_stop_distance: str
    maximum_position_size: str
    maximum_order_units: str
    margin_rate: str


class Prices(Wire, kw_only=True):
    """Open, high, low and close of one side or of the middle."""

    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the venue's own letter
    c: Decimal


class Candle(Wire, kw_only=True):
    complete: bool
    volume: int
    time: datetime
    bid: Prices | None = None
    ask: Prices | None = None
    mid: Prices | None = None
