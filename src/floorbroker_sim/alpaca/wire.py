"""Messages as the venue spells them.  Trading writes numbers as text; requests may bring either.

Fields: contracts of the Trading API 2.0.1 (https://docs.alpaca.markets/reference/postorder).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

Side = Literal["buy", "sell"]
OrderType = Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
Tif = Literal["day", "gtc", "opg", "cls", "ioc", "fok"]
OrderClass = Literal["", "simple", "bracket", "oco", "oto", "mleg"]
Intent = Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"]


class TakeProfit(msgspec.Struct, frozen=True):
    limit_price: Decimal | None = None


class StopLoss(msgspec.Struct, frozen=True):
    stop_price: Decimal | None = None
    limit_price: Decimal | None = None


class LegRequest(msgspec.Struct, frozen=True):
    symbol: str
    ratio_qty: Decimal
    side: Side | None = None
    position_intent: Intent | None = None


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST /v2/orders.  Members it does not name are ignored, as the venue does."""

    symbol: str | None = None
    qty: Decimal | None = None
    notional: Decimal | None = None
    side: Side | None = None
    type: OrderType | None = None
    time_in_force: Tif | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    extended_hours: bool | None = None
    client_order_id: str | None = None
    order_class: OrderClass | None = None
    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None
    position_intent: Intent | None = None
    legs: list[LegRequest] | None = None


class PatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Body of PATCH /v2/orders/{id}."""

    qty: Decimal | None = None
    notional: Decimal | None = None
    time_in_force: Tif | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    client_order_id: str | None = None


class Order(msgspec.Struct, kw_only=True):
    """The Order object, in replies and in trade updates."""

    id: str
    client_order_id: str
    created_at: str
    updated_at: str
    submitted_at: str
    filled_at: str | None
    expired_at: str | None
    expires_at: str | msgspec.UnsetType | None
    canceled_at: str | None
    failed_at: str | None
    replaced_at: str | None
    replaced_by: str | None
    replaces: str | None
    asset_id: str
    symbol: str
    asset_class: str
    notional: str | None
    qty: str | None
    filled_qty: str
    filled_avg_price: str | None
    order_class: str
    order_type: str
    type: str
    side: str
    position_intent: str | msgspec.UnsetType
    time_in_force: str
    limit_price: str | None
    stop_price: str | None
    status: str
    extended_hours: bool
    legs: list[Order] | None
    trail_percent: str | None
    trail_price: str | None
    hwm: str | None
    ratio_qty: str | None
    subtag: str | None = None
    source: str | None = None


class TradeUpdate(msgspec.Struct, kw_only=True):
    """`data` of a trade_updates frame.  `price`, `qty`, `position_qty` come with fills alone."""

    event: str
    execution_id: str
    timestamp: str
    order: Order
    price: str | msgspec.UnsetType = msgspec.UNSET
    qty: str | msgspec.UnsetType = msgspec.UNSET
    position_qty: str | msgspec.UnsetType = msgspec.UNSET


class Trade(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A public trade: stocks carry x, c, z; crypto carries tks."""

    t: datetime
    p: Decimal
    s: Decimal | int
    i: int
    x: str | None = None
    c: list[str] | str | None = None
    z: str | None = None
    tks: str | None = None


class Quote(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Top of book: sizes are shares, contracts or coins."""

    t: datetime
    bp: Decimal
    bs: Decimal | int
    ap: Decimal
    as_: Decimal | int = msgspec.field(name="as")
    ax: str | None = None
    bx: str | None = None
    c: list[str] | str | None = None
    z: str | None = None


class Bar(msgspec.Struct, kw_only=True):
    """One bar; `t` is its start."""

    t: datetime
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the venue's letter
    c: Decimal
    v: Decimal | int
    n: int
    vw: Decimal


class Level(msgspec.Struct, frozen=True):
    """One level of a crypto book."""

    p: Decimal
    s: Decimal


class OrderBook(msgspec.Struct, kw_only=True):
    """The crypto order book."""

    t: datetime
    b: list[Level]
    a: list[Level]
