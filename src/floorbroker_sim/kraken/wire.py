"""Messages as the venue spells them.  REST writes amounts as text and times as numbers; WebSocket v2 writes numbers.

https://docs.kraken.com/api/docs/rest-api/add-order, https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/executions
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import UNSET, Raw, UnsetType

Number = Raw  # a JSON number in fixed-point, as the venue prints it


class Descr(msgspec.Struct, kw_only=True):
    """`descr` of an order object: the terms in words."""

    pair: str
    aclass: str = "forex"
    type: str
    ordertype: str
    price: str
    price2: str
    leverage: str = "none"
    order: str
    close: str


class OrderInfo(msgspec.Struct, kw_only=True):
    """One order.  `price` is the average of its fills, the limit stands in `descr`."""

    refid: str | None
    userref: int
    cl_ord_id: str | UnsetType = UNSET
    status: str
    opentm: Decimal
    starttm: Decimal
    expiretm: Decimal
    descr: Descr
    vol: str
    vol_exec: str
    cost: str
    fee: str
    price: str
    stopprice: str
    limitprice: str
    misc: str
    oflags: str
    trigger: str | UnsetType = UNSET
    margin: bool = False
    displayvol: str | UnsetType = UNSET
    trades: list[str] | UnsetType = UNSET
    closetm: Decimal | UnsetType = UNSET
    reason: str | UnsetType | None = UNSET


class TradeInfo(msgspec.Struct, kw_only=True):
    """One execution, as TradesHistory and QueryTrades show it."""

    ordertxid: str
    postxid: str = "TKH2SE-M7IF5-CFI7LT"
    pair: str
    aclass: str = "forex"
    time: Decimal
    type: str
    ordertype: str
    price: str
    cost: str
    fee: str
    vol: str
    margin: str = "0.00000"
    leverage: str = "0"
    misc: str = ""
    trade_id: int
    maker: bool
    ledgers: list[str] | UnsetType = UNSET


class LedgerInfo(msgspec.Struct, kw_only=True):
    """One ledger line."""

    refid: str
    time: Decimal
    type: str
    subtype: str = ""
    aclass: str = "currency"
    asset: str
    amount: str
    fee: str
    balance: str


class AmendInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One step in the history of an order's terms."""

    amend_id: str
    amend_type: str
    order_qty: str
    remaining_qty: str
    timestamp: int
    display_qty: str | UnsetType = UNSET
    limit_price: str | UnsetType = UNSET
    trigger_price: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    post_only: bool | UnsetType = UNSET


class Fee(msgspec.Struct, kw_only=True):
    asset: str
    qty: Number


class Triggers(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where a triggered order stands."""

    reference: str
    price: Number
    price_type: str
    status: str
    actual_price: Number | UnsetType = UNSET
    peak_price: Number | UnsetType = UNSET
    last_price: Number | UnsetType = UNSET
    timestamp: str | UnsetType = UNSET


class Contingent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The close order that fills will bring along."""

    order_type: str
    trigger_price: Number | UnsetType = UNSET
    trigger_price_type: str | UnsetType = UNSET
    limit_price: Number | UnsetType = UNSET
    limit_price_type: str | UnsetType = UNSET


class Execution(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One row of the executions channel; members that did not change are left out."""

    order_id: str
    exec_type: str
    order_status: str
    timestamp: str
    cl_ord_id: str | UnsetType = UNSET
    order_userref: int | UnsetType = UNSET
    symbol: str | UnsetType = UNSET
    side: str | UnsetType = UNSET
    order_type: str | UnsetType = UNSET
    order_qty: Number | UnsetType = UNSET
    cash_order_qty: Number | UnsetType = UNSET
    display_qty: Number | UnsetType = UNSET
    display_qty_remain: Number | UnsetType = UNSET
    limit_price: Number | UnsetType = UNSET
    limit_price_type: str | UnsetType = UNSET
    time_in_force: str | UnsetType = UNSET
    effective_time: str | UnsetType = UNSET
    expire_time: str | UnsetType = UNSET
    post_only: bool | UnsetType = UNSET
    reduce_only: bool | UnsetType = UNSET
    fee_ccy_pref: str | UnsetType = UNSET
    ord_ref_id: str | UnsetType = UNSET
    triggers: Triggers | UnsetType = UNSET
    contingent: Contingent | UnsetType = UNSET
    cum_qty: Number | UnsetType = UNSET
    cum_cost: Number | UnsetType = UNSET
    avg_price: Number | UnsetType = UNSET
    fee_usd_equiv: Number | UnsetType = UNSET
    exec_id: str | UnsetType = UNSET
    trade_id: int | UnsetType = UNSET
    last_qty: Number | UnsetType = UNSET
    last_price: Number | UnsetType = UNSET
    liquidity_ind: str | UnsetType = UNSET
    cost: Number | UnsetType = UNSET
    fees: list[Fee] | UnsetType = UNSET
    amended: bool | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    margin: bool | UnsetType = UNSET
