"""Messages as the venue spells them: numbers are text, booleans and small choices are JSON's own.

https://bybit-exchange.github.io/docs/v5/order/create-order and the pages beside it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Side = Literal["Buy", "Sell"]
OrderType = Literal["Market", "Limit"]


class Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A request; members it does not name are ignored, as the venue does."""


class CreateOrder(Body, frozen=True, kw_only=True):
    """POST /v5/order/create, an item of a batch, and `args` of order.create."""

    category: str = ""
    symbol: str = ""
    side: Side | None = None
    order_type: OrderType | None = None
    qty: str | None = None
    price: str | None = None
    time_in_force: str | None = None
    order_link_id: str | None = None
    order_filter: str | None = None
    market_unit: str | None = None
    is_leverage: int | None = None
    position_idx: int | None = None
    reduce_only: bool | None = None
    close_on_trigger: bool | None = None
    trigger_price: str | None = None
    trigger_direction: int | None = None
    trigger_by: str | None = None
    take_profit: str | None = None
    stop_loss: str | None = None
    tp_trigger_by: str | None = None
    sl_trigger_by: str | None = None
    tpsl_mode: str | None = None
    tp_order_type: str | None = None
    sl_order_type: str | None = None
    tp_limit_price: str | None = None
    sl_limit_price: str | None = None
    smp_type: str | None = None


class AmendOrder(Body, frozen=True, kw_only=True):
    """POST /v5/order/amend."""

    category: str = ""
    symbol: str = ""
    order_id: str | None = None
    order_link_id: str | None = None
    qty: str | None = None
    price: str | None = None
    trigger_price: str | None = None
    trigger_by: str | None = None
    tpsl_mode: str | None = None
    take_profit: str | None = None
    stop_loss: str | None = None
    tp_trigger_by: str | None = None
    sl_trigger_by: str | None = None
    tp_limit_price: str | None = None
    sl_limit_price: str | None = None


class CancelOrder(Body, frozen=True, kw_only=True):
    """POST /v5/order/cancel."""

    category: str = ""
    symbol: str = ""
    order_id: str | None = None
    order_link_id: str | None = None
    order_filter: str | None = None


class CancelAll(Body, frozen=True, kw_only=True):
    """POST /v5/order/cancel-all."""

    category: str = ""
    symbol: str | None = None
    base_coin: str | None = None
    settle_coin: str | None = None
    order_filter: str | None = None
    stop_order_type: str | None = None


class Batch(Body, frozen=True, kw_only=True):
    """The batches; items are read one by one, so that one bad item does not spoil the rest."""

    category: str = ""
    request: list[msgspec.Raw] | None = None


class SetLeverage(Body, frozen=True, kw_only=True):
    """POST /v5/position/set-leverage."""

    category: str = ""
    symbol: str = ""
    buy_leverage: str = ""
    sell_leverage: str = ""


class SwitchMode(Body, frozen=True, kw_only=True):
    """POST /v5/position/switch-mode."""

    category: str = ""
    symbol: str | None = None
    coin: str | None = None
    mode: int | None = None


class TradingStop(Body, frozen=True, kw_only=True):
    """POST /v5/position/trading-stop."""

    category: str = ""
    symbol: str = ""
    tpsl_mode: str | None = None
    position_idx: int | None = None
    take_profit: str | None = None
    stop_loss: str | None = None
    trailing_stop: str | None = None
    active_price: str | None = None
    tp_trigger_by: str | None = None
    sl_trigger_by: str | None = None
    tp_size: str | None = None
    sl_size: str | None = None
    tp_order_type: str | None = None
    sl_order_type: str | None = None
    tp_limit_price: str | None = None
    sl_limit_price: str | None = None


class SetMarginMode(Body, frozen=True, kw_only=True):
    """POST /v5/account/set-margin-mode."""

    set_margin_mode: str = ""


class Order(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=False):
    """The order object of realtime and history."""

    order_id: str
    order_link_id: str
    parent_order_link_id: str
    block_trade_id: str
    symbol: str
    price: str
    qty: str
    side: str
    is_leverage: str
    position_idx: int
    order_status: str
    create_type: str | msgspec.UnsetType
    cancel_type: str
    reject_reason: str
    avg_price: str
    leaves_qty: str
    leaves_value: str
    cum_exec_qty: str
    cum_exec_value: str
    cum_exec_fee: str
    time_in_force: str
    order_type: str
    stop_order_type: str
    order_iv: str
    market_unit: str
    trigger_price: str
    take_profit: str
    stop_loss: str
    tpsl_mode: str | msgspec.UnsetType
    oco_trigger_by: str | msgspec.UnsetType
    tp_limit_price: str
    sl_limit_price: str
    tp_trigger_by: str
    sl_trigger_by: str
    trigger_direction: int
    trigger_by: str
    last_price_on_created: str
    base_price: str | msgspec.UnsetType
    reduce_only: bool
    close_on_trigger: bool
    place_type: str
    smp_type: str
    smp_group: int
    smp_order_id: str
    created_time: str
    updated_time: str
    cum_fee_detail: dict[str, str]


class OrderUpdate(Order, kw_only=True, rename="camel", omit_defaults=False):
    """The order object of the private stream."""

    category: str
    closed_pnl: str
    fee_currency: str
    rpi_taker_access: bool
    rpi_matched_qty: str


class Execution(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=False):
    """One execution, of `GET /v5/execution/list`."""

    symbol: str
    order_type: str
    underlying_price: str
    order_link_id: str
    side: str
    index_price: str
    order_id: str
    stop_order_type: str
    leaves_qty: str
    exec_time: str
    fee_currency: str
    is_maker: bool
    exec_fee: str
    fee_rate: str
    exec_id: str
    trade_iv: str
    block_trade_id: str
    mark_price: str
    exec_price: str
    mark_iv: str
    order_qty: str
    order_price: str
    exec_value: str
    exec_type: str
    exec_qty: str
    closed_size: str
    seq: int
    extra_fees: object = ""


class ExecutionUpdate(Execution, kw_only=True, rename="camel", omit_defaults=False):
    """One execution of the private stream."""

    category: str
    is_leverage: str
    exec_pnl: str
    create_type: str | msgspec.UnsetType
    market_unit: str


class FastExecution(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=False):
    """One execution of `execution.fast`."""

    category: str
    symbol: str
    exec_id: str
    exec_price: str
    exec_qty: str
    order_id: str
    is_maker: bool
    order_link_id: str
    side: str
    exec_time: str
    seq: int


class Position(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=False):
    """One position; the stream calls its average `entryPrice`, the list `avgPrice`."""

    position_idx: int
    risk_id: int
    risk_limit_value: str
    symbol: str
    side: str
    size: str
    avg_price: str | msgspec.UnsetType = msgspec.UNSET
    entry_price: str | msgspec.UnsetType = msgspec.UNSET
    category: str | msgspec.UnsetType = msgspec.UNSET
    position_value: str
    trade_mode: int
    position_status: str
    auto_add_margin: int
    adl_rank_indicator: int
    leverage: str
    break_even_price: str
    position_balance: str
    mark_price: str
    liq_price: str
    bust_price: str
    position_mm: str = msgspec.field(name="positionMM")
    position_im: str = msgspec.field(name="positionIM")
    tpsl_mode: str
    take_profit: str
    stop_loss: str
    trailing_stop: str
    session_avg_price: str
    unrealised_pnl: str
    cur_realised_pnl: str
    cum_realised_pnl: str
    seq: int
    is_reduce_only: bool
    created_time: str
    updated_time: str


class Coin(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=False):
    """One coin of the wallet."""

    coin: str
    equity: str
    usd_value: str
    wallet_balance: str
    locked: str
    spot_borrow: str
    borrow_amount: str
    accrued_interest: str
    total_order_im: str = msgspec.field(name="totalOrderIM")
    total_position_im: str = msgspec.field(name="totalPositionIM")
    total_position_mm: str = msgspec.field(name="totalPositionMM")
    unrealised_pnl: str
    cum_realised_pnl: str
    bonus: str
    collateral_switch: bool
    margin_collateral: bool
    available_to_withdraw: str
    available_to_borrow: str
    spot_hedging_qty: str


class Wallet(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=False):
    """The unified account; totals in dollars."""

    account_type: str
    total_equity: str
    total_wallet_balance: str
    total_margin_balance: str
    total_available_balance: str
    total_perp_upl: str = msgspec.field(name="totalPerpUPL")
    total_initial_margin: str
    total_maintenance_margin: str
    account_im_rate: str = msgspec.field(name="accountIMRate")
    account_mm_rate: str = msgspec.field(name="accountMMRate")
    account_ltv: str = msgspec.field(name="accountLTV")
    coin: list[Coin]
